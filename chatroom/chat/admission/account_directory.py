"""The accounts in the daemon's memory: which names are registered, and with what role."""

from __future__ import annotations

from collections.abc import Iterable

from chatroom.chat.admission.lookalikes import skeletons_of_known, skeletons_of_new
from chatroom.chat.stored.records import AccountEntry
from chatroom.irc.names import casefold


class AccountDirectory:
    """Every account, by id and by casefolded name. Guarded by the hub lock.

    This is a copy of the database, for rules that must answer at once. The daemon applies each change to it after the
    change is committed.
    """

    __slots__ = ("_by_id", "_by_name", "_by_skeleton")

    def __init__(self, entries: Iterable[AccountEntry] = ()) -> None:
        self._by_id: dict[int, AccountEntry] = {}
        self._by_name: dict[str, AccountEntry] = {}
        self._by_skeleton: dict[str, tuple[int, ...]] = {}
        """Account ids by the skeletons of their names. Names made from the shell may share a skeleton."""
        for entry in entries:
            self.put(entry)

    def __len__(self) -> int:
        return len(self._by_id)

    def entries(self) -> Iterable[AccountEntry]:
        """All accounts."""
        return self._by_id.values()

    def put(self, entry: AccountEntry) -> None:
        """Add an account, or replace the entry that has the same id."""
        old = self._by_id.get(entry.id)
        if old is not None and old.name != entry.name:
            # The old name and its skeletons must not find the account any more.
            self.discard(entry.id)
            old = None
        if old is None:
            for skeleton in skeletons_of_known(entry.name):
                self._by_skeleton[skeleton] = (*self._by_skeleton.get(skeleton, ()), entry.id)
        self._by_id[entry.id] = entry
        self._by_name[casefold(entry.name)] = entry

    def discard(self, account_id: int) -> AccountEntry | None:
        """Remove a deleted account. Returns its entry, or None if there was none."""
        entry = self._by_id.pop(account_id, None)
        if entry is not None:
            self._by_name.pop(casefold(entry.name), None)
            for skeleton in skeletons_of_known(entry.name):
                others = tuple([other for other in self._by_skeleton[skeleton] if other != account_id])
                if others:
                    self._by_skeleton[skeleton] = others
                else:
                    del self._by_skeleton[skeleton]
        return entry

    def find(self, name: str) -> AccountEntry | None:
        """The account called ``name`` in any case, or None."""
        return self._by_name.get(casefold(name))

    def find_folded(self, folded: str) -> AccountEntry | None:
        """The account with that casefolded name, or None."""
        return self._by_name.get(folded)

    def find_look_alike(self, name: str) -> AccountEntry | None:
        """An account whose name looks like ``name`` but is another name, or None."""
        if not self._by_skeleton:
            # No accounts, so no look-alikes. The first skeleton would load a table of 9,600 characters.
            return None
        folded = casefold(name)
        for skeleton in skeletons_of_new(name):
            for account_id in self._by_skeleton.get(skeleton, ()):
                entry = self._by_id[account_id]
                if casefold(entry.name) != folded:
                    return entry
        return None

    def find_by_id(self, account_id: int) -> AccountEntry | None:
        """The account with that id, or None."""
        return self._by_id.get(account_id)
