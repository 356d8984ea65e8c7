"""The ban table gives the same answers as a scan of all rules, with a few look-ups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.ban_table import BanTable, describe
from chatroom.chat.admission.ban_targets import format_network, parse_address
from chatroom.chat.stored.records import BanRule
from chatroom.errors import InvalidTarget

NOW = 1_000_000


def name_rule(ban_id: int, name: str, until_ms: int = 0) -> BanRule:
    """Return a rule for a name."""
    return BanRule(ban_id, name.lower(), 0, 0, 0, until_ms, name, "spam", "op", NOW)


def network_rule(ban_id: int, text: str, until_ms: int = 0) -> BanRule:
    """Return a rule for a network."""
    network = ip_network(text)
    first = int(network.network_address)
    target = format_network(network)
    return BanRule(ban_id, None, network.version, first, network.prefixlen, until_ms, target, "spam", "op", NOW)


def table_of(*rules: BanRule) -> BanTable:
    """Return a table with these rules."""
    table = BanTable()
    for rule in rules:
        table.add(rule)
    return table


def find(table: BanTable, text: str, now_ms: int = NOW) -> int | None:
    """Return the id of the rule that covers an address."""
    address = parse_address(text)
    rule = table.find_address(address.version, int(address), now_ms)
    return rule.id if rule else None


def test_longest_prefix_first() -> None:
    """If several networks cover an address, the narrowest one is found."""
    table = table_of(
        network_rule(1, "10.0.0.0/8"),
        network_rule(2, "10.1.2.3/32"),
        network_rule(3, "10.1.0.0/16"),
        network_rule(4, "::/0"),
        network_rule(5, "2001:db8::/64"),
    )
    assert [find(table, text) for text in ("10.1.2.3", "10.1.2.4", "10.2.0.0", "11.0.0.0")] == [2, 3, 1, None]
    assert [find(table, text) for text in ("2001:db8::9", "2001:db8:1::9", "::ffff:10.1.2.3")] == [5, 4, 2]


def test_names_are_not_addresses() -> None:
    """A name rule is found by its casefolded name only."""
    table = table_of(name_rule(1, "Mallory"))
    assert table.find_name("mallory", NOW) == name_rule(1, "Mallory")
    assert table.find_name("Mallory", NOW) is None
    assert find(table, "0.0.0.0") is None


def test_a_rule_that_ran_out_is_passed_over_and_not_forgotten() -> None:
    """A look-up finds a wider rule instead. If the clock is set back, the rule is in force again."""
    table = table_of(
        network_rule(1, "10.0.0.0/8"), network_rule(2, "10.1.0.0/16", NOW + 5), name_rule(3, "mallory", NOW + 5)
    )
    assert find(table, "10.1.0.1", NOW + 4) == 2
    assert table.find_name("mallory", NOW + 4) is not None
    assert find(table, "10.1.0.1", NOW + 5) == 1
    assert table.find_name("mallory", NOW + 5) is None
    assert table.count_in_force(NOW + 5) == 1
    assert find(table, "10.1.0.1", NOW + 4) == 2
    assert table.find_name("mallory", NOW + 4) is not None
    assert table.count_in_force(NOW + 4) == 3


def test_one_rule_a_target() -> None:
    """A new rule replaces the one for its target. Discarding the old id does not remove the new rule."""
    table = table_of(name_rule(1, "mallory"), network_rule(2, "10.0.0.0/8"))
    table.add(name_rule(3, "Mallory", NOW + 1))
    table.add(network_rule(4, "10.0.0.0/8"))
    table.discard(1)
    table.discard(2)
    assert [rule.id for rule in table] == [4, 3]
    assert find(table, "10.9.9.9") == 4
    rule = table.find_name("mallory", NOW)
    assert rule is not None
    assert rule.id == 3


def test_same_id_with_another_target() -> None:
    """Adding an id again with another target removes it from the old one."""
    table = table_of(name_rule(1, "mallory"))
    table.add(network_rule(1, "10.0.0.0/8"))
    assert table.find_name("mallory", NOW) is None
    assert find(table, "10.0.0.1") == 1
    assert len(table) == 1


def test_find_target_is_exact() -> None:
    """Every spelling of a target finds its rule. A rule that only covers the target is not found."""
    table = table_of(name_rule(1, "Mallory"), network_rule(2, "10.0.0.0/8"), network_rule(3, "192.0.2.7/32"))
    assert table.find_target("MALLORY") == table.get(1)
    assert table.find_target("10.0.0.0/8") == table.find_target("::ffff:10.0.0.0/104") == table.get(2)
    assert table.find_target(" 192.0.2.7 ") == table.get(3)
    assert table.find_target("10.1.0.0/16") is None
    assert table.find_target("10.0.0.1") is None
    assert table.find_target("alice") is None
    with pytest.raises(InvalidTarget):
        table.find_target("*!*@*")


IDS = st.integers(1, 8)
UNTIL = st.sampled_from([0, 5, 10, 15])
SMALL_NETWORKS = st.one_of(
    st.builds(
        lambda bits, prefix: ip_network((bits << 24, prefix), strict=False), st.integers(0, 255), st.integers(0, 9)
    ),
    st.builds(
        lambda bits, prefix: ip_network((bits << 120, prefix), strict=False), st.integers(1, 255), st.integers(0, 9)
    ),
)
RULES = st.one_of(
    st.builds(name_rule, IDS, st.sampled_from(["a", "b", "C"]), UNTIL),
    st.builds(lambda ban_id, network, until: network_rule(ban_id, str(network), until), IDS, SMALL_NETWORKS, UNTIL),
)
STEPS = st.lists(st.one_of(RULES, IDS), max_size=30)


@given(STEPS, st.sampled_from(["a", "b", "c"]), SMALL_NETWORKS, st.integers(0, 20))
def test_against_a_scan(steps: list[BanRule | int], name: str, network: object, now_ms: int) -> None:
    """After any adds and discards, look-ups find the same rules as a scan of a plain list."""
    table = BanTable()
    plain: list[BanRule] = []
    for step in steps:
        if isinstance(step, int):
            table.discard(step)
            plain = [rule for rule in plain if rule.id != step]
        else:
            table.add(step)
            plain = [rule for rule in plain if rule.id != step.id and rule[1:5] != step[1:5]] + [step]
    assert list(table) == sorted(plain, key=lambda rule: -rule.id)
    assert len(table) == len(plain)
    plain = [rule for rule in plain if rule.until_ms == 0 or rule.until_ms > now_ms]
    assert table.find_name(name, now_ms) == next((rule for rule in plain if rule.name == name), None)
    address = ip_network(str(network)).network_address
    around = [rule for rule in plain if rule.version and address in ip_network(rule.target)]
    around = [rule for rule in around if rule.version == address.version]
    narrowest = max(around, key=lambda rule: rule.prefix, default=None)
    assert table.find_address(address.version, int(address), now_ms) == narrowest


class CountedTable(dict[int, BanRule]):
    """A table that counts its look-ups."""

    asked = 0

    def get(self, key: int, default: object = None) -> object:  # type: ignore[override]
        """Count and look up."""
        CountedTable.asked += 1
        return super().get(key, default)


@pytest.mark.interpreted("replaces or counts calls, which compiled code makes by itself")
def test_look_ups_depend_on_lengths_not_on_rules() -> None:
    """With 30,000 networks of three lengths an address costs three look-ups."""
    table = BanTable()
    for number in range(10_000):
        for at, prefix in enumerate((32, 28, 24)):
            first = number << 8
            table.add(BanRule(number * 3 + at, None, 4, first, prefix, 0, "", "", "", 0))
    table._lookups[4] = [(shift, CountedTable(rules)) for shift, rules in table._lookups[4]]
    CountedTable.asked = 0
    assert find(table, "192.0.2.7") is None
    assert CountedTable.asked == 3
    assert find(table, "0.0.1.0") == 3


def test_discarding_the_last_of_a_length_drops_its_look_up() -> None:
    """A prefix length without rules costs no look-up."""
    table = table_of(network_rule(1, "10.0.0.0/8"), network_rule(2, "10.0.0.0/9"))
    table.discard(2)
    assert [shift for shift, _ in table._lookups[4]] == [24]
    assert find(table, "10.0.0.1") == 1


@pytest.mark.parametrize(
    "reason, until_ms, words",
    [
        ("spam", 1_796_040_000_000, "banned: spam (until 2026-11-30 12:00 UTC)"),
        ("spam", 1_796_040_000_001, "banned: spam (until 2026-11-30 12:01 UTC)"),
        ("", 0, "banned: no reason given (permanently)"),
        ("", 4_949_640_000_000, "banned: no reason given (until 2126-11-06 12:00 UTC)"),
    ],
)
def test_describe(reason: str, until_ms: int, words: str) -> None:
    """The text has the reason and the end of the ban."""
    assert describe(name_rule(1, "mallory", until_ms)._replace(reason=reason), UTC) == words


def test_describe_in_a_zone() -> None:
    """The end is in the zone of the log, which is shown. The last day of all is in UTC where it has no other date."""
    zone = timezone(timedelta(hours=5, minutes=30))
    assert describe(name_rule(1, "mallory", 1_796_040_000_000), zone).endswith("(until 2026-11-30 17:30 +05:30)")
    last_ms = int(datetime(9999, 12, 31, 23, 0, tzinfo=UTC).timestamp() * 1000)
    assert describe(name_rule(1, "mallory", last_ms), zone).endswith("(until 9999-12-31 23:00 UTC)")
