"""Several nodes that are one chat: what people on different nodes read of each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from harness.cluster import Cluster
from harness.daemon import PASSWORD, Client, until
from harness.hook_receiver import Receiver
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")


@pytest.fixture(scope="module")
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """Three nodes, for all tests of this file."""
    settings = {"limits.connections_per_address": 6, "limits.connects_per_minute": 1000, "limits.burst_lines": 1000}
    with Cluster.running(postgresql_server, "a", "b", "c", **settings) as running:
        yield running


def test_people_on_two_nodes_talk(cluster: Cluster) -> None:
    """Joins, messages, nicks, topics, kicks and parts are read on both nodes."""
    a, b, _ = cluster.nodes.values()
    with a.connect("ann") as ann, b.connect("bob") as bob:
        ann.ask("JOIN #tea")
        bob.ask("JOIN #tea")
        ann.expect(":bob!")
        bob.send("PRIVMSG #tea :hello from b")
        assert ann.expect("PRIVMSG").endswith("PRIVMSG #tea :hello from b")
        ann.send("PRIVMSG bob :and hello from a")
        assert bob.expect("PRIVMSG").endswith("PRIVMSG bob :and hello from a")
        ann.send("TOPIC #tea :green", "NICK anne")
        assert bob.expect("TOPIC").endswith("TOPIC #tea :green")
        assert bob.expect("NICK").endswith("NICK anne")
        ann.send("KICK #tea bob :enough")
        assert bob.expect("KICK").endswith("KICK #tea bob :enough")
        bob.send("QUIT :bye")
        bob.expect_closed()
    with b.connect("eve") as eve:
        assert " 401 " in "".join(eve.ask("WHOIS ann"))


def test_a_nick_is_worn_once(cluster: Cluster) -> None:
    """Of those who want a nick at the same moment on three nodes, one gets it, and the others read that it is taken."""
    clients = [node.open() for node in cluster.nodes.values()]
    start = threading.Barrier(len(clients))

    def register(client: Client) -> None:
        start.wait()
        client.send("NICK zoe", "USER z 0 * :z")
        while (line := client.read_line()) is not None and " 001 " not in line and " 433 " not in line:
            pass

    threads = [threading.Thread(target=register, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = sorted(client.lines[-1].split(" ")[1] for client in clients)
    for client in clients:
        client.sock.close()
    assert last == ["001", "433", "433"]


def test_a_ban_is_in_force_everywhere(cluster: Cluster) -> None:
    """It does not matter on which node it was made, or in which shell."""
    a, b, c = cluster.nodes.values()
    a.place.create("mona", "moderator")
    with a.connect("mona", password=f"mona:{PASSWORD}") as mona:
        with b.connect("bad", from_address="127.0.0.7") as bad, c.connect("worse", from_address="127.0.0.8") as worse:
            mona.ask("UBAN ADD 127.0.0.7 FORCE 1h no more")
            assert any("ERROR" in line for line in bad.expect_closed())
            a.place.run_here("ban", "add", "127.0.0.8", "--reason", "neither")
            assert any("ERROR" in line for line in worse.expect_closed())
        for node, address in ((c, "127.0.0.7"), (b, "127.0.0.8")):
            with node.open(address) as again:
                again.send("NICK again", "USER a 0 * :a")
                assert any(" 465 " in line for line in again.expect_closed())


def test_the_devices_of_an_account(cluster: Cluster) -> None:
    """They may be on several nodes. Each reads what is said to the account, and the history is the same."""
    a, b, c = cluster.nodes.values()
    a.place.create("dora")
    login = f"dora:{PASSWORD}"
    with a.connect("dora", password=login) as one, b.connect("dora", password=login) as two, c.connect("carl") as carl:
        carl.send("PRIVMSG dora :to both")
        for device in (one, two):
            assert device.expect("PRIVMSG").endswith("PRIVMSG dora :to both")
        one.ask("JOIN #shared", "PRIVMSG #shared :kept")
        two.expect("JOIN #shared")
        two.ask("CAP REQ :draft/chathistory message-tags")
        assert "PRIVMSG #shared :kept" in "".join(two.ask("CHATHISTORY LATEST #shared * 10"))


def test_a_notice_of_the_shell_is_read_once(cluster: Cluster) -> None:
    """Though each node follows what the shell does."""
    a, b, _ = cluster.nodes.values()
    a.place.create("cora")
    with b.connect("cora", password=f"cora:{PASSWORD}") as cora:
        a.place.run_here("user", "cert", "add", "cora", "0" * 64)
        cora.expect("The certificate 0000")
        a.place.run_here("user", "cert", "add", "cora", "1" * 64)
        cora.expect("The certificate 1111")
        cora.collect()
        assert len([line for line in cora.lines if "The certificate 0000" in line]) == 1


def test_an_address_has_one_share_of_connections(cluster: Cluster) -> None:
    """The connections to all nodes count, when their heartbeats have told of them."""
    a, b, c = cluster.nodes.values()

    def is_refused() -> bool:
        with a.open("127.0.0.9") as another:
            another.send("CAP LS")
            return "too many connections" in (another.read_line() or "")

    with ExitStack() as clients:
        for number, node in enumerate([a, b, c, a, b, c]):
            clients.enter_context(node.connect(f"m{number}", from_address="127.0.0.9"))
        until(is_refused, "the address has no connection left on any node")


def test_a_hook_is_delivered_once(cluster: Cluster) -> None:
    """One of the nodes does it, whoever has said what it tells."""
    with Receiver() as receiver, cluster.nodes["c"].connect("hal") as hal:
        hal.ask("JOIN #ops")
        cluster.nodes["b"].place.run_here("hook", "add", "#ops", receiver.url)
        until(lambda: hal.ask("PRIVMSG #ops :?") is not None and receiver.taken, "the hook is known")
        hal.ask("PRIVMSG #ops :last")
        receiver.expect(lambda: "last" in receiver.texts(), "it arrives")
        ids = [one["id"] for one in receiver.taken]
        assert len(ids) == len(set(ids))
