"""The daemon's bans in memory, and their texts.

A look-up leaves out the rules that have run out by the wall clock. It keeps them in memory, because the clock may be
wrong: when it is set back, they are in force again, as they are in the database. A rule is only removed if its row was
changed.

Networks are found by prefix. There is a table for each prefix length in use, keyed by the leading bits of the network.
So 100,000 networks with five different lengths cost at most five look-ups for an address.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from chatroom.chat.admission.ban_targets import NameTarget, parse_target
from chatroom.chat.stored.records import BanRule, Network, NewBan
from chatroom.irc.names import casefold
from chatroom.irc.times import in_zone, zone_name

_BITS = {4: 32, 6: 128}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_MS = 60_000


class BanTable:
    """Ban rules by id, by name and by network, at most one for each target. Guarded by the hub lock."""

    __slots__ = ("_by_id", "_by_name", "_by_network", "_lookups", "zone")

    def __init__(self) -> None:
        self.zone: tzinfo | None = UTC
        """The zone of the times in texts about bans, which is that of the log; None is the zone of this machine."""
        self._by_id: dict[int, BanRule] = {}
        self._by_name: dict[str, BanRule] = {}
        self._by_network: dict[tuple[int, int], dict[int, BanRule]] = {}
        """Rules by (version, prefix length), then by the leading bits of the network. No inner table is empty."""
        self._lookups: dict[int, list[tuple[int, dict[int, BanRule]]]] = {4: [], 6: []}
        """For each IP version its tables, longest prefix first, each with the bits to shift off an address."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[BanRule]:
        """Iterate over the rules, newest first, with those that have run out. Those that are not stored come first."""
        return iter([self._by_id[ban_id] for ban_id in sorted(self._by_id, key=_newest_first)])

    def list_unstored(self) -> list[BanRule]:
        """Return the rules that the database refused so far, newest first."""
        return [self._by_id[ban_id] for ban_id in sorted(self._by_id) if ban_id < 0]

    def add_unstored(self, new: NewBan, by: str, created_ms: int) -> BanRule:
        """Add a rule for a ban that the database could not store, and return it. No stored ban has its id."""
        target = parse_target(new.target)
        name, version, network, prefix = None, 0, 0, 0
        if isinstance(target, NameTarget):
            name = casefold(target.name)
        else:
            version, prefix = target.network.version, target.network.prefixlen
            network = int(target.network.network_address)
        until_ms = 0 if new.until_at is None else int(new.until_at.timestamp() * 1000)
        ban_id = min(0, min(self._by_id, default=0)) - 1
        rule = BanRule(ban_id, name, version, network, prefix, until_ms, new.target, new.reason, by, created_ms)
        self.add(rule)
        return rule

    def count_in_force(self, wall_ms: int) -> int:
        """Count the rules in force."""
        return sum(rule.in_force(wall_ms) for rule in self._by_id.values())

    def get(self, ban_id: int) -> BanRule | None:
        """Return the rule with that id, if any."""
        return self._by_id.get(ban_id)

    def add(self, rule: BanRule) -> None:
        """Add a rule. It replaces the rule with its id and the rule for its target."""
        # The rule with this id can be for another target, which would stay banned.
        if rule.id in self._by_id:
            self.discard(rule.id)
        if rule.name is not None:
            before = self._by_name.get(rule.name)
            self._by_name[rule.name] = rule
        else:
            table = self._by_network.get((rule.version, rule.prefix))
            if table is None:
                table = self._by_network[rule.version, rule.prefix] = {}
                self._order_lookups(rule.version)
            bits = _leading_bits(rule)
            before = table.get(bits)
            table[bits] = rule
        if before is not None:
            del self._by_id[before.id]
        self._by_id[rule.id] = rule

    def discard(self, ban_id: int) -> None:
        """Remove the rule with that id, if any."""
        rule = self._by_id.pop(ban_id, None)
        if rule is None:
            return
        if rule.name is not None:
            del self._by_name[rule.name]
            return
        table = self._by_network[rule.version, rule.prefix]
        del table[_leading_bits(rule)]
        if not table:
            del self._by_network[rule.version, rule.prefix]
            self._order_lookups(rule.version)

    def find_name(self, folded: str, wall_ms: int) -> BanRule | None:
        """Return the rule for a casefolded name, if one is in force."""
        rule = self._by_name.get(folded)
        return rule if rule is None or rule.in_force(wall_ms) else None

    def find_address(self, version: int, address: int, wall_ms: int) -> BanRule | None:
        """Return the rule in force with the longest prefix that covers an address, if any.

        The address is in the form of ``ban_targets.parse_address``: an IPv4-mapped address is given as IPv4.
        """
        for shift, table in self._lookups[version]:
            rule = table.get(address >> shift)
            if rule is not None and rule.in_force(wall_ms):
                return rule
        return None

    def find_all(self, version: int, address: int, wall_ms: int) -> list[BanRule]:
        """Return every rule in force that covers an address, longest prefix first."""
        found = [table.get(address >> shift) for shift, table in self._lookups[version]]
        return [rule for rule in found if rule is not None and rule.in_force(wall_ms)]

    def find_covering(self, network: Network, wall_ms: int) -> list[BanRule]:
        """Return every rule in force that covers the whole network, longest prefix first."""
        rules = self.find_all(network.version, int(network.network_address), wall_ms)
        return [rule for rule in rules if rule.prefix <= network.prefixlen]

    def find_inside(self, network: Network, wall_ms: int) -> list[BanRule]:
        """Return every rule in force for a smaller network inside this one, newest first."""
        shift, first = network.max_prefixlen - network.prefixlen, int(network.network_address)
        return [
            rule
            for rule in self
            if rule.name is None
            and rule.version == network.version
            and rule.prefix > network.prefixlen
            and rule.network >> shift == first >> shift
            and rule.in_force(wall_ms)
        ]

    def find_target(self, text: str) -> BanRule | None:
        """Return the rule for exactly that name or network, not one that covers it. Raises ``InvalidTarget``."""
        target = parse_target(text)
        if isinstance(target, NameTarget):
            return self._by_name.get(casefold(target.name))
        network = target.network
        table = self._by_network.get((network.version, network.prefixlen), {})
        return table.get(int(network.network_address) >> (network.max_prefixlen - network.prefixlen))

    def _order_lookups(self, version: int) -> None:
        self._lookups[version] = [
            (_BITS[version] - prefix, table)
            for (table_version, prefix), table in sorted(self._by_network.items(), key=lambda item: -item[0][1])
            if table_version == version
        ]


def _newest_first(ban_id: int) -> tuple[bool, int]:
    return ban_id > 0, -abs(ban_id)


def _leading_bits(rule: BanRule) -> int:
    return rule.network >> (_BITS[rule.version] - rule.prefix)


def describe(rule: BanRule, zone: tzinfo | None) -> str:
    """Return the text for a banned user: ``banned: spam (until 2026-11-30 12:00 UTC)``."""
    return f"banned: {explain(rule, zone)}"


def explain(rule: BanRule, zone: tzinfo | None) -> str:
    """Return the reason and the end of a ban: ``spam (until 2026-11-30 12:00 UTC)``.

    ``zone`` is ``BanTable.zone``, so that the end of a ban is the same wherever it is shown.
    """
    reason = rule.reason or "no reason given"
    if rule.until_ms == 0:
        return f"{reason} (permanently)"
    # Rounded up, so that the ban is over at the minute shown. Double negation rounds up.
    until = in_zone(_EPOCH + timedelta(minutes=-(-rule.until_ms // _MINUTE_MS)), zone)
    return f"{reason} (until {until:%Y-%m-%d %H:%M} {zone_name(until)})"
