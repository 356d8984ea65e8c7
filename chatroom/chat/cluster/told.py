"""How far a node has told its own people: what it leaves in Redis for whoever ends them if it dies."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple


class Told(NamedTuple):
    """The last message id up to which everything was written to the sockets of a node's people.

    It is true when it is read, because a node leaves it behind what it has written, never before.
    """

    seq: int
    behind: Mapping[int, int] = {}
    """By the id of a session: the lower message id of one whose socket has not taken everything."""
    unshown: Mapping[int, Collection[str]] = {}
    """By the id of a session: the channels of which it is still to be shown what it missed before it came, and "" for
    direct messages. Of these it has read nothing since."""
    accounts: Mapping[int, int] = {}
    """By the id of each session of the two above: the id of its account, 0 for a guest. For a start that finds no node
    which knows the sessions."""

    def of(self, session_id: int) -> int:
        """The last message id that a session was told."""
        return min(self.seq, self.behind.get(session_id, self.seq))

    @property
    def by_all(self) -> int:
        """The last message id that every session was told."""
        return min(self.seq, *self.behind.values()) if self.behind else self.seq

    def with_accounts(self, find_account: Callable[[int], int]) -> Told:
        """Add the accounts, which ``find_account`` finds by the id of a session."""
        if not (self.behind or self.unshown):
            return self
        return self._replace(accounts={number: find_account(number) for number in (*self.behind, *self.unshown)})

    def to_text(self) -> str:
        """Write it as JSON."""
        document: dict[str, object] = {"seq": self.seq}
        if self.behind:
            document["behind"] = self.behind
        if self.unshown:
            document["unshown"] = {number: sorted(names) for number, names in self.unshown.items()}
        if self.accounts:
            document["accounts"] = self.accounts
        return json.dumps(document, separators=(",", ":"))


def join_unshown(*several: Mapping[int, Collection[str]]) -> dict[int, Collection[str]]:
    """What is unshown in any of several."""
    joined: dict[int, Collection[str]] = {}
    for one in several:
        for number, names in one.items():
            joined[number] = {*joined.get(number, ()), *names}
    return joined


UNKNOWN = Told(0)
"""If nobody knows it: what the accounts had read when they came is the most that is certain."""


def told_from_text(text: str | bytes) -> Told:
    """Read what ``Told.to_text`` has written. Raises ``ValueError`` for anything else."""
    document = json.loads(text)
    try:
        seq, behind, accounts = document["seq"], document.get("behind", {}), document.get("accounts", {})
        if any(type(each) is not int for each in (seq, *behind.values(), *accounts.values())):
            raise ValueError("these are no ids")
        unshown = {int(number): frozenset(map(str, names)) for number, names in document.get("unshown", {}).items()}
        by_session = [{int(number): each for number, each in several.items()} for several in (behind, accounts)]
        return Told(seq, by_session[0], unshown, by_session[1])
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from None
