"""All nodes have died within some seconds: what the next start finds of how far they had told their people."""

from __future__ import annotations

from unittest.mock import call, create_autospec

from harness.node_links import Nodes

from chatroom.chat.cluster.told import Told, told_from_text
from chatroom.chat.stored.presence_stores import PresenceStore
from chatroom.server.cluster.last_told import store_missed


def test_those_count_that_lived_last(nodes: Nodes) -> None:
    """A home that ended long before has had its people ended by others."""
    (a,) = nodes.enter("a")
    told = Told(5, {7: 3}, {8: frozenset({"#tea"})}, {7: 1, 8: 2})
    for home, mark, rest_ms in (("a/1", Told(9), 3_600_000), ("b/2", told, 3_590_000), ("c/3", Told(1), 3_400_000)):
        a.leave_told(home, mark)
        a._connect()[0].call("PEXPIRE", f"{a._prefix}told:{home}", rest_ms)
    assert sorted(a.find_last_told()) == [told, Told(9)]


def test_nothing_is_left(nodes: Nodes) -> None:
    """As with a new Redis: then nobody knows better than that all was read."""
    (a,) = nodes.enter("a")
    assert a.find_last_told() == []
    assert store_missed(create_autospec(PresenceStore), [], 9) == 9


def test_an_account_counts_as_told_what_its_session_was_told() -> None:
    """All others as told what the node was that had told the least."""
    presence = create_autospec(PresenceStore)
    told = Told(8, {7: 3, 9: 2}, {8: {"#tea"}}, {7: 1, 8: 2, 9: 0})
    assert store_missed(presence, [told, Told(6)], 9) == 6
    assert presence.mock_calls == [call.go_all(3, 1), call.go(2, "#tea", None, returns=True)]


def test_a_node_of_an_earlier_version_does_not_name_accounts() -> None:
    """Then the session that is behind may be anybody's."""
    assert store_missed(create_autospec(PresenceStore), [Told(8, {7: 3})], 9) == 3


def test_the_accounts_are_those_of_the_sessions_that_are_named() -> None:
    """Others are not looked for."""
    told = Told(8, {7: 3}, {8: frozenset({"#tea"})}).with_accounts({7: 1, 8: 2}.__getitem__)
    assert told.accounts == {7: 1, 8: 2}
    assert told_from_text(told.to_text()) == told
    assert Told(8).with_accounts(lambda _: 1) == Told(8)
