from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from chatroom.chat.stored.records import Actor, BanKind, BanRule, NewBan
from chatroom.errors import InvalidTarget, NotFound
from chatroom.storage.sql.sql_stores import SqlStores


def test_ban_comes_back_as_it_was_added(stores: SqlStores, by: Actor, clock: Any) -> None:
    """A ban is found by its id and by its target, with author, reason, time and end."""
    until_at = clock.now + timedelta(days=7)
    ban = stores.bans.add("name", "Mallory", "spam", until_at, by)
    assert (ban.kind, ban.target, ban.reason, ban.by) == ("name", "Mallory", "spam", "root")
    assert (ban.created_at, ban.until_at, ban.lifted_at, ban.lifted_by) == (clock.now, until_at, None, None)
    assert stores.bans.find(ban.id) == ban
    assert stores.bans.find_in_force("name", "mALLORY", clock.now) == ban
    assert stores.bans.find(99) is None


@pytest.mark.parametrize(
    "target, version, network, prefix",
    [
        ("10.1.2.3", 4, int(ip_address("10.1.2.3")), 32),
        ("10.0.0.0/8", 4, int(ip_address("10.0.0.0")), 8),
        ("0.0.0.0/0", 4, 0, 0),
        ("2001:db8::/64", 6, int(ip_address("2001:db8::")), 64),
        ("ffff::1", 6, int(ip_address("ffff::1")), 128),
    ],
)
def test_network_is_stored_packed(
    stores: SqlStores, by: Actor, clock: Any, target: str, version: int, network: int, prefix: int
) -> None:
    """A rule has the first address as an integer, also above 64 bits, with version and prefix length."""
    ban = stores.bans.add("ip", target, "", None, by)
    (rule,) = stores.bans.load_rules(clock.now)
    assert rule == BanRule(ban.id, None, version, network, prefix, 0, target, "", "root", rule.created_ms)
    assert stores.bans.find_rule(ban.id, clock.now) == rule
    assert stores.bans.find_in_force("ip", target, clock.now) == ban


def test_name_rule_has_the_folded_name_and_its_end(stores: SqlStores, by: Actor, clock: Any) -> None:
    """The rule of a name ban has the casefolded name, no network, and its end in Unix milliseconds."""
    until_at = clock.now + timedelta(seconds=1)
    ban = stores.bans.add("name", "MallorÄ", "why", until_at, by)
    until_ms = round(until_at.timestamp() * 1000)
    expected = BanRule(ban.id, "mallorÄ", 0, 0, 0, until_ms, "MallorÄ", "why", "root", until_ms - 1000)
    assert list(stores.bans.load_rules(clock.now)) == [expected]


def test_new_ban_lifts_the_one_before(stores: SqlStores, by: Actor, clock: Any) -> None:
    """A second ban of a target lifts the first one, with the second one's author, and both are logged as changed."""
    old = stores.bans.add("name", "mallory", "first", None, by)
    clock.advance(hours=1)
    new = stores.bans.add("name", "MALLORY", "second", None, Actor("ada", "192.0.2.1"))
    lifted = stores.bans.find(old.id)
    assert lifted is not None
    assert (lifted.lifted_at, lifted.lifted_by) == (clock.now, "ada")
    assert stores.bans.list_in_force(clock.now) == [new]
    assert stores.bans.list_all() == [new, lifted]
    assert stores.database.rows("SELECT row_id FROM changes ORDER BY id") == [(old.id,), (old.id,), (new.id,)]


def test_a_ban_that_ran_out_is_not_lifted_by_the_next(stores: SqlStores, by: Actor, clock: Any) -> None:
    """An expired ban does not prevent another one, and is not marked as lifted."""
    old = stores.bans.add("ip", "192.0.2.0/24", "", clock.now + timedelta(minutes=1), by)
    clock.advance(minutes=1)
    assert stores.bans.find_in_force("ip", "192.0.2.0/24", clock.now) is None
    assert stores.bans.find_rule(old.id, clock.now) is None
    new = stores.bans.add("ip", "192.0.2.0/24", "", None, by)
    assert stores.bans.find(old.id) == old
    assert stores.bans.find_in_force("ip", "192.0.2.0/24", clock.now) == new
    assert [rule.id for rule in stores.bans.load_rules(clock.now)] == [new.id]


@pytest.mark.parametrize(
    "first, second",
    [
        (("ip", "10.0.0.0/8"), ("ip", "10.0.0.0/9")),
        (("ip", "0.0.0.0/0"), ("ip", "::/0")),
        (("ip", "1.2.3.4"), ("ip", "::102:304")),
        (("name", "ada"), ("name", "adam")),
    ],
)
def test_other_targets_are_left_alone(
    stores: SqlStores, by: Actor, clock: Any, first: tuple[BanKind, str], second: tuple[BanKind, str]
) -> None:
    """Targets that only resemble or contain each other have separate bans."""
    stores.bans.add(*first, "", None, by)
    stores.bans.add(*second, "", None, by)
    assert len(stores.bans.list_in_force(clock.now)) == 2


def test_lifting(stores: SqlStores, by: Actor, clock: Any) -> None:
    """A lifted ban keeps its row, is not in force, and cannot be lifted again. Nor can an expired one."""
    ban = stores.bans.add("name", "mallory", "", None, by)
    short = stores.bans.add("name", "eve", "", clock.now + timedelta(seconds=1), by)
    clock.advance(seconds=2)
    lifted = stores.bans.lift(ban.id, Actor("ada", "cli"))
    assert (lifted.lifted_at, lifted.lifted_by) == (clock.now, "ada")
    assert not lifted.in_force(clock.now)
    assert stores.bans.find_in_force("name", "mallory", clock.now) is None
    assert list(stores.bans.load_rules(clock.now)) == []
    for gone in (ban.id, short.id, 99):
        with pytest.raises(NotFound, match=str(gone)):
            stores.bans.lift(gone, by)


def test_many_are_added_as_one(stores: SqlStores, by: Actor, clock: Any) -> None:
    """Several bans are added in their order. A repeated target keeps its last ban, and each ban has an audit row."""
    batch = [
        NewBan("name", "a", "x", None), NewBan("ip", "192.0.2.1", "", None), NewBan("name", "A", "y", None),
    ]  # fmt: skip
    bans = stores.bans.add_many(batch, by)
    assert [ban.id for ban in bans] == [1, 2, 3]
    assert [ban.id for ban in stores.bans.list_in_force(clock.now)] == [3, 2]
    details = [(entry.action, entry.target, entry.detail) for entry in stores.audit.list_entries()]
    assert details == [
        ("ban.add", "a", "ban 1, permanently: x"),
        ("ban.add", "192.0.2.1", "ban 2, permanently"),
        ("ban.add", "A", "ban 3, permanently, instead of ban 1: y"),
    ]


def test_each_ban_of_a_batch_replaces_the_one_before(stores: SqlStores, by: Actor, clock: Any) -> None:
    """A target that is banned and stands in a batch three times keeps the last ban; each one replaces one other."""
    stores.bans.add("name", "a", "", clock.now - timedelta(days=1), by)  # it has run out, so nothing lifts it
    stores.bans.add("ip", "10.0.0.0/8", "", None, by)
    stores.bans.add_many([NewBan("ip", "10.0.0.0/8", f"{number}", None) for number in range(3)], by)
    stores.bans.add_many([NewBan("name", "a", "", None), NewBan("ip", "10.0.0.0/9", "", None)], by)
    details = [entry.detail for entry in stores.audit.list_entries()]
    assert [detail.partition("instead of ")[2] for detail in details] == [
        "",
        "",
        "ban 2: 0",
        "ban 3: 1",
        "ban 4: 2",
        "",
        "",
    ]
    assert [ban.id for ban in stores.bans.list_in_force(clock.now)] == [7, 6, 5]


def test_a_ban_from_elsewhere_keeps_its_date(stores: SqlStores, by: Actor, clock: Any) -> None:
    """A ban can be older than its row. The rule of the daemon has the same date."""
    made_at = clock.now - timedelta(days=40)
    (ban,) = stores.bans.add_many([NewBan("name", "a", "x", None, made_at)], by)
    assert ban.created_at == made_at
    rule = stores.bans.find_rule(ban.id, clock.now)
    assert rule is not None and rule.created_ms == int(made_at.timestamp() * 1000)


def test_a_batch_is_all_or_nothing(stores: SqlStores, by: Actor, clock: Any) -> None:
    """If one target is no network, no ban is added."""
    with pytest.raises(InvalidTarget, match="rubbish"):
        stores.bans.add_many([NewBan("name", "a", "", None), NewBan("ip", "rubbish", "", None)], by)
    assert stores.bans.list_all() == []
    assert stores.audit.list_entries() == []
    stores.bans.add("name", "a", "", None, by)


def test_lifting_is_audited(stores: SqlStores, by: Actor) -> None:
    """Lifting adds an audit row with the target and the ban."""
    ban = stores.bans.add("name", "mallory", "", None, by)
    stores.bans.lift(ban.id, Actor("ada", "192.0.2.9"))
    (entry,) = stores.audit.list_entries(actor="ADA")
    assert (entry.origin, entry.action, entry.target, entry.detail) == (
        "192.0.2.9", "ban.remove", "mallory", f"ban {ban.id}",
    )  # fmt: skip


@pytest.mark.parametrize(
    "columns, values",
    [
        ("kind, folded, prefix", ("name", "x", 8)),
        ("kind", ("name",)),
        ("kind, version, network, prefix", ("ip", 4, b"\n\0\0\0", None)),
        ("kind, version, network, prefix", ("ip", 4, b"\n\0\0\0", 33)),
        ("kind, version, network, prefix", ("ip", 4, None, 8)),
        ("kind, version, network, prefix", ("ip", 6, b"\n\0\0\0", 8)),
        ("kind, version, network, prefix", ("ip", None, b"\n\0\0\0", 8)),
        ("kind, folded, lifted_ms", ("name", "x", 5)),
        ("kind, folded", ("asn", "x")),
    ],
)
def test_the_table_refuses_half_a_ban(
    stores: SqlStores, misfit: type[Exception], columns: str, values: tuple[object, ...]
) -> None:
    """The table's own checks refuse rows that no rule can be made of."""
    marks = ", ".join("?" * len(values))
    with pytest.raises(misfit):
        stores.database.execute(
            f"INSERT INTO bans (target, created_by, created_ms, {columns}) VALUES ('x', 'x', 1, {marks})", values
        )


def test_two_connections_keep_one_ban_in_force(
    stores: SqlStores, by: Actor, clock: Any, open_another: Callable[[str], SqlStores]
) -> None:
    """If two connections ban a target, the later ban is in force."""
    other = open_another("daemon:1")
    stores.bans.add("name", "mallory", "one", None, by)
    other.bans.add("name", "mallory", "two", None, by)
    stores.bans.add("name", "mallory", "three", None, by)
    assert [ban.reason for ban in other.bans.list_in_force(clock.now)] == ["three"]
