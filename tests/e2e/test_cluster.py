"""Several nodes that are one chat: what people on different nodes read of each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.cluster import Cluster
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")


@pytest.fixture(scope="module")
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """Three nodes, for all tests of this file."""
    with Cluster.running(postgresql_server, "a", "b", "c", limits__enabled=False) as running:
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
