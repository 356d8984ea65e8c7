"""The bans in force, as the daemon keeps them in memory, and the words they are told with.

Networks are found by prefix: one table for each prefix length in use, keyed by the network's leading bits. 100,000
networks of five different lengths so cost at most five look-ups for an address, and none is scanned.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from chatroom.chat.admission.ban_targets import NameTarget, parse_target
from chatroom.chat.stored.records import BanRule
from chatroom.irc.names import casefold

_BITS = {4: 32, 6: 128}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_MS = 60_000


class BanTable:
    """Ban rules by id, by name and by network; at most one for a target. Guarded by the hub lock."""

    __slots__ = ("_by_id", "_by_name", "_by_network", "_lookups")

    def __init__(self) -> None:
        self._by_id: dict[int, BanRule] = {}
        self._by_name: dict[str, BanRule] = {}
        self._by_network: dict[tuple[int, int], dict[int, BanRule]] = {}
        """Rules by (version, prefix length), then by the network's leading bits; no table is empty."""
        self._lookups: dict[int, list[tuple[int, dict[int, BanRule]]]] = {4: [], 6: []}
        """For each version its tables with the bits to shift off an address, longest prefix first."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[BanRule]:
        """The rules, newest first; also those that ran out and were not looked up since."""
        return iter([self._by_id[ban_id] for ban_id in sorted(self._by_id, reverse=True)])

    def get(self, ban_id: int) -> BanRule | None:
        """The rule with that id."""
        return self._by_id.get(ban_id)

    def add(self, rule: BanRule) -> None:
        """Add a rule in place of the one with its id and of the one for its target."""
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
        """Forget the rule with that id, if there is one."""
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

    def find_name(self, folded: str, now_ms: int) -> BanRule | None:
        """The rule for a casefolded name; one that ran out is forgotten."""
        rule = self._by_name.get(folded)
        return rule if rule is None or self._holds(rule, now_ms) else None

    def find_address(self, version: int, address: int, now_ms: int) -> BanRule | None:
        """The rule with the longest prefix that holds an address; those that ran out are forgotten on the way.

        The address is one as ``targets.parse_address`` gives it: of version 4 or 6, IPv4-mapped ones folded.
        """
        for shift, table in self._lookups[version]:
            rule = table.get(address >> shift)
            if rule is not None and self._holds(rule, now_ms):
                return rule
        return None

    def find_all(self, version: int, address: int, now_ms: int) -> list[BanRule]:
        """Every rule that holds an address, longest prefix first."""
        found = [table.get(address >> shift) for shift, table in self._lookups[version]]
        return [rule for rule in found if rule is not None and self._holds(rule, now_ms)]

    def find_target(self, text: str) -> BanRule | None:
        """The rule for exactly that name, address or network, not one that covers it. Raises ``InvalidTarget``."""
        target = parse_target(text)
        if isinstance(target, NameTarget):
            return self._by_name.get(casefold(target.name))
        network = target.network
        table = self._by_network.get((network.version, network.prefixlen), {})
        return table.get(int(network.network_address) >> (network.max_prefixlen - network.prefixlen))

    def _holds(self, rule: BanRule, now_ms: int) -> bool:
        """Whether the rule has not run out yet; forgets it if it has."""
        if rule.until_ms == 0 or rule.until_ms > now_ms:
            return True
        self.discard(rule.id)
        return False

    def _order_lookups(self, version: int) -> None:
        """Order the version's tables anew, in a list of its own: a look-up under way goes on with the old one."""
        self._lookups[version] = [
            (_BITS[version] - prefix, table)
            for (table_version, prefix), table in sorted(self._by_network.items(), key=lambda item: -item[0][1])
            if table_version == version
        ]


def _leading_bits(rule: BanRule) -> int:
    return rule.network >> (_BITS[rule.version] - rule.prefix)


def describe(rule: BanRule) -> str:
    """What a banned person reads: ``banned: spam (until 2026-11-30 12:00 UTC)``."""
    return f"banned: {explain(rule)}"


def explain(rule: BanRule) -> str:
    """Why somebody is banned, and until when; a begun minute counts in full."""
    reason = rule.reason or "no reason given"
    if rule.until_ms == 0:
        return f"{reason} (permanently)"
    until = _EPOCH + timedelta(minutes=-(-rule.until_ms // _MINUTE_MS))
    return f"{reason} (until {until:%Y-%m-%d %H:%M} UTC)"
