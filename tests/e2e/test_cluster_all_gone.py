"""All nodes die within one lease: the next start has nobody miss what no node had told."""

from __future__ import annotations

import pytest
from harness.cluster import Cluster
from harness.daemon import PASSWORD, until
from harness.plain_readers import list_said
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")

_TELL_NOTHING = """
from chatroom.server.cluster.other_nodes import OtherNodes

OtherNodes.apply = lambda self: None
"""


@pytest.mark.parametrize("is_redis_restarted", [False, True])
def test_all_accounts_are_shown_what_their_nodes_had_not_told(
    postgresql_server: PostgresqlServer, *, is_redis_restarted: bool
) -> None:
    """Those of the node that was the furthest behind, and those of the others, which read little twice."""
    with Cluster.running(postgresql_server, limits__enabled=False) as cluster:
        code = cluster.injected("b")
        a, b = cluster.start("a", "b")
        for name in ("ada", "bob"):
            a.create(name)
        until(lambda: a.status()["accounts"] == b.status()["accounts"] == 2, "the accounts are known")
        with a.connect("ada", password=PASSWORD) as ada, b.connect("bob", password=PASSWORD) as bob:
            ada.ask("PRIVMSG #lobby :read")
            bob.expect("PRIVMSG #lobby :read")
            [entry], _ = list_said(cluster.address, (), 0)
            until(lambda: min(cluster.find_told(name).seq for name in "ab") >= entry.message_id, "both have told of it")
            code.run(_TELL_NOTHING)
            ada.ask("PRIVMSG #lobby :missed", "PRIVMSG bob :missed too")
            b.kill()
            a.kill()
        if is_redis_restarted:
            cluster.redis.restart(keeps_data=True)
        (a,) = cluster.start("a")
        with a.connect("bob", password=PASSWORD) as bob:
            for text in ("PRIVMSG #lobby", "missed too"):
                bob.find(text)
            bob.collect()
            said = [line.rpartition("] ")[2] for line in bob.lines if " PRIVMSG " in line]
            assert sorted(said) == ["missed", "missed too"]
