"""Whoever comes back to another node before the others know that the first one is gone misses nothing."""

from __future__ import annotations

import pytest
from harness.cluster import Cluster
from harness.daemon import PASSWORD, until
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")


def test_an_account_is_shown_what_its_dying_node_did_not_tell(postgresql_server: PostgresqlServer) -> None:
    """It is a further device of its own shadow at first. When that one is gone, it reads what was said meanwhile."""
    # The account is back before the lease ends. If the node dies in a turn, no line waits so long that it is refused.
    settings: dict[str, float | str] = {"cluster.lease_s": 3.0, "limits.enabled": False}
    with Cluster.running(postgresql_server, "a", "b", "c", **settings) as cluster:
        a, b, c = cluster.nodes.values()
        a.create("dan")
        until(lambda: b.status()["accounts"] == c.status()["accounts"] == 1, "all nodes know dan")
        with a.connect("ann") as ann, b.connect("dan", password=PASSWORD) as dan:
            ann.expect(":dan!")
            ann.send("PRIVMSG #lobby :before")
            dan.expect("PRIVMSG #lobby :before")
            b.kill()
            ann.ask("PRIVMSG #lobby :missed 1", "PRIVMSG dan :missed 2", "PRIVMSG #lobby :missed 3")
            with c.connect("dan", password=PASSWORD) as again:
                assert any(" 353 dan = #lobby " in line for line in again.lines)
                ann.ask("PRIVMSG #lobby :live")
                again.expect(":live")
                until(lambda: a.status()["nodes"] == "a, c", "b is known to be gone")
                for number in (1, 2, 3):
                    again.find(f"missed {number}")
                again.collect()
                for number in (1, 2, 3):
                    assert len([line for line in again.lines if f"missed {number}" in line]) == 1, again.lines
                assert not [line for line in ann.collect() if " QUIT " in line], "dan was there all the time"


def test_two_nodes_die_before_the_others_know_of_either(postgresql_server: PostgresqlServer) -> None:
    """An account comes back to the second one, which never shows it what the first had not told. It reads it later."""
    settings: dict[str, float | str] = {"cluster.lease_s": 3.0, "limits.enabled": False}
    with Cluster.running(postgresql_server, "a", "b", "c", **settings) as cluster:
        a, b, c = cluster.nodes.values()
        a.create("dan")
        until(lambda: b.status()["accounts"] == c.status()["accounts"] == 1, "all nodes know dan")
        with a.connect("ann") as ann:
            with b.connect("dan", password=PASSWORD) as dan:
                ann.expect(":dan!")
                ann.send("PRIVMSG #lobby :before")
                dan.expect("PRIVMSG #lobby :before")
                b.kill()
                ann.ask("PRIVMSG #lobby :missed")
                with c.connect("dan", password=PASSWORD) as again:
                    ann.ask("PRIVMSG #lobby :live")
                    again.expect(":live")
                    c.kill()
            was_shown = any("missed" in line for line in again.lines)  # b's lease was over: the machine is slow
            until(lambda: a.status()["nodes"] == "a", "both are known to be gone")
            ann.expect(":dan!")
            with a.connect("dan", password=PASSWORD) as dan:
                if not was_shown:
                    dan.find("missed")
                dan.collect()
                assert len([line for line in (*again.lines, *dan.lines) if "missed" in line]) == 1, dan.lines
