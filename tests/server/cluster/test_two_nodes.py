"""Two nodes in one process, with PostgreSQL, Redis and sockets: how they come, lose their place and go."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemon import Client, until
from harness.postgresql_server import PostgresqlServer
from harness.redis_server import RedisServer

from chatroom.chat.cluster.told import Told, told_from_text
from chatroom.chat.stored.entries import first_message_id
from chatroom.config import Listen, Settings
from chatroom.config.chatting import Limits
from chatroom.config.clustering import Cluster
from chatroom.config.redis_url import RedisUrl
from chatroom.config.serving import Database, Server
from chatroom.errors import RedisUnreachable
from chatroom.server.cluster import node as node_module
from chatroom.server.cluster import stream_age
from chatroom.server.cluster.node import Node
from chatroom.server.cluster.turn_desk import Done
from chatroom.server.daemon import Daemon
from chatroom.storage.postgresql.server_journal import ServerJournal

pytestmark = pytest.mark.debian("postgres", "redis-server")


class House:
    """The nodes that a test starts."""

    def __init__(self, settings: Settings, redis: RedisServer) -> None:
        self.settings = settings
        self.redis = redis
        self.daemons: list[Daemon] = []

    def start(self, name: str) -> Daemon:
        """Start a node."""
        server, cluster = Server(name=f"{name}.test"), replace(self.settings.cluster, node=name)
        settings = replace(self.settings, server=server, cluster=cluster)
        daemon = Daemon(settings, lambda: settings)
        try:
            daemon.start()
        except BaseException:
            daemon.stop()
            raise
        self.daemons.append(daemon)
        return daemon

    def stop(self, daemon: Daemon) -> None:
        """Stop a node."""
        self.daemons.remove(daemon)
        daemon.stop()


@pytest.fixture
def house(
    postgresql_server: PostgresqlServer, process_state: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[House]:
    """PostgreSQL and Redis, and no node yet."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    address = postgresql_server.make_database()
    with RedisServer.running() as redis:
        made = House(
            Settings(
                listen=(Listen(port=0),),
                database=Database(url=address, path=Path()),
                cluster=Cluster(redis=RedisUrl().read(redis.url), node="x", lease_s=1.0),
            ),
            redis,
        )
        try:
            yield made
        finally:
            for daemon in made.daemons:
                daemon.stop()
    postgresql_server.drop_database(address)


def port_of(daemon: Daemon) -> int:
    """The port of a node."""
    assert daemon._listener is not None
    port: int = daemon._listener.sockets[0].getsockname()[1]
    return port


def node_of(daemon: Daemon) -> Node:
    """What makes it one of several."""
    node = daemon._database.node
    assert node is not None
    return node


@contextlib.contextmanager
def person(daemon: Daemon, nick: str) -> Iterator[Client]:
    """Somebody in #lobby, on a node."""
    with Client(port_of(daemon)) as client:
        yield client.register(nick)


def talk(one: Client, other: Client, text: str) -> None:
    """Have one say something that the other reads."""
    one.send(f"PRIVMSG #lobby :{text}")
    other.expect(f"PRIVMSG #lobby :{text}")


def test_a_node_takes_the_world_of_another_one(house: House) -> None:
    """Its people see those who were there before, and go with it."""
    first = house.start("a")
    with person(first, "ann") as ann:
        ann.ask("JOIN #tea", "TOPIC #tea :green")
        second = house.start("b")
        with person(second, "bob") as bob:
            assert any("green" in line for line in bob.ask("TOPIC #tea"))
            talk(bob, ann, "one")
            talk(ann, bob, "two")
            house.stop(second)
            ann.expect(":bob!")
        assert node_of(first).heartbeat.has_duty


def test_a_node_that_has_lost_its_place(house: House) -> None:
    """It takes another snapshot. Its people connect again."""
    first, second = house.start("a"), house.start("b")
    with person(first, "ann") as ann:
        with person(second, "bob") as bob:
            talk(bob, ann, "one")
            home = node_of(second).world
            assert home is not None
            before = home.home
            node_of(second).desk.lose("a test")
            assert "ERROR" in bob.expect_closed()[-1]
        until(lambda: home.home != before and not node_of(second).desk.lost, "it is back")
        with person(second, "bea") as bea:
            talk(bea, ann, "two")
            talk(ann, bea, "three")


class Entries(deque[Done]):
    """What lies on a desk, and who has taken it away."""

    def __init__(self) -> None:
        super().__init__()
        self.cleared_by: set[int] = set()

    def clear(self) -> None:
        """Take all away."""
        self.cleared_by.add(threading.get_ident())
        super().clear()


def test_only_ticks_take_away_what_is_to_be_applied(house: House) -> None:
    """Also if the node loses its place: a tick may be applying it just then."""
    house.start("a")
    node = node_of(house.start("b"))
    node.desk.entries = entries = Entries()
    node.desk.lose("a test")
    until(lambda: not node.desk.lost, "it is back")
    assert node.hub is not None
    assert entries.cleared_by == {node.hub.threads[0].ident}


def test_how_far_a_node_has_told_is_left_again(house: House) -> None:
    """If Redis has come back with older data, also if nobody is told anything more: a heartbeat finds it."""
    only = house.start("a")
    with person(only, "ann"):
        world, hub = node_of(only).world, node_of(only).hub
        assert world is not None and hub is not None
        key, mark = f"chatroom:told:{world.home}", hub.mark

        def is_left() -> bool:
            return told_from_text(house.redis.ask("GET", key)) == mark.read()[1]

        until(is_left, "it has told everything")
        for _ in range(3):
            house.redis.ask("SET", key, Told(1).to_text())
            until(is_left, "it is left again")


def test_the_last_node_makes_the_world_anew(house: House) -> None:
    """From the database: channels that are stored are there again."""
    only = house.start("a")
    with person(only, "ann") as ann:
        node_of(only).desk.lose("a test")
        ann.expect_closed()
    until(lambda: not node_of(only).desk.lost, "it is back")
    with person(only, "ann") as ann, person(only, "bob") as bob:
        talk(ann, bob, "here")


def test_the_people_of_the_last_node_had_read_what_it_told_them(house: House) -> None:
    """When it makes the world anew, as when another node ends them. They are not shown again all since its start."""
    only = house.start("a")
    with person(only, "ann") as ann, person(only, "bob") as bob:
        assert any("REGISTER SUCCESS" in line for line in ann.ask("REGISTER * * correct-horse-battery-staple"))
        talk(bob, ann, "one")
        node_of(only).desk.lose("a test")
        ann.expect_closed()
    until(lambda: not node_of(only).desk.lost, "it is back")
    with person(only, "bob") as bob:
        bob.ask("PRIVMSG #lobby :two")
        with Client(port_of(only)) as ann:
            ann.register("ann", password="ann:correct-horse-battery-staple")
            bob.send("PRIVMSG #lobby :three")
            ann.expect("three")
            said = [line.rpartition(":")[2].split()[-1] for line in ann.lines if "PRIVMSG #lobby" in line]
            assert said == ["two", "three"]


def test_numbers_go_on_behind_those_of_a_node_whose_clock_is_ahead(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was alone while this one had no place, and is gone: nothing may come before what it has stored."""
    node = node_of(house.start("a"))
    assert node.world is not None
    last = node.world.outbox.seq + first_message_id(20_000)
    monkeypatch.setattr(ServerJournal, "last_message_id", lambda journal: last)
    node.desk.lose("a test")
    until(lambda: not node.desk.lost, "it is back")
    assert node.world.last_seq >= last


def test_redis_is_not_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start says so."""
    monkeypatch.setattr(node_module, "JOIN_PATIENCE_S", 0.0)
    house.settings = replace(
        house.settings, cluster=replace(house.settings.cluster, redis=RedisUrl().read("unix:///nowhere/socket"))
    )
    with pytest.raises(RedisUnreachable):
        house.start("a")


def test_an_address_has_one_share_of_all_nodes(house: House) -> None:
    """What connects to one node and says nothing is counted on the other: at the same time, and in a minute."""
    limits = Limits(connections_per_address=4, connects_per_minute=6)
    # With a long lease, because what a node has heard counts for as long.
    house.settings = replace(house.settings, limits=limits, cluster=replace(house.settings.cluster, lease_s=6.0))
    first, second = house.start("a"), house.start("b")
    find = node_of(second).heartbeat.addresses.find
    with contextlib.ExitStack() as silent:
        for address in ("127.0.0.5", "127.0.0.6"):
            for _ in range(4):
                silent.enter_context(Client(port_of(first), address))
        until(lambda: find("4 7f000005") == (4, 4) == find("4 7f000006"), "the counts of a")
        with Client(port_of(second), "127.0.0.5") as refused:
            assert "too many connections from your address (at most 4 at a time)" in refused.expect("ERROR")
    until(lambda: find("4 7f000006") == (0, 4), "the ends of connections to a")
    for nick in ("ann", "bob"):
        with Client(port_of(second), "127.0.0.6") as client:
            client.register(nick)
    with Client(port_of(second), "127.0.0.6") as refused:
        assert "too many connections from your address (at most 6 a minute)" in refused.expect("ERROR")


def test_the_stream_keeps_nothing_for_long(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a quiet chat too: what was said is gone from Redis after a while, and people talk on."""
    monkeypatch.setattr(stream_age, "KEPT_S", 0.5)
    first, second = house.start("a"), house.start("b")
    with person(first, "ann") as ann, person(second, "bob") as bob:
        for text in ("one", "two"):
            talk(ann, bob, text)
            until(lambda: house.redis.ask("XLEN", "chatroom:stream") == 0, "an empty stream")
        talk(bob, ann, "three")
