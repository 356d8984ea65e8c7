"""The accounts, as the daemon remembers them: which names are registered, with what role."""

from __future__ import annotations

from collections.abc import Iterable

from chatroom.chat.admission.lookalikes import looks
from chatroom.chat.stored.records import AccountEntry
from chatroom.irc.names import casefold


class AccountDirectory:
    """Every account by name and by id. Guarded by the hub lock; the database is the truth."""

    __slots__ = ("_by_id", "_by_look", "_by_name")

    def __init__(self, entries: Iterable[AccountEntry] = ()) -> None:
        self._by_id: dict[int, AccountEntry] = {}
        self._by_name: dict[str, AccountEntry] = {}
        self._by_look: dict[str, tuple[int, ...]] = {}
        """The ids of accounts by what their names look like."""
        for entry in entries:
            self.put(entry)

    def __len__(self) -> int:
        return len(self._by_id)

    def put(self, entry: AccountEntry) -> None:
        """Add an account, or replace what was known of it."""
        old = self._by_id.get(entry.id)
        if old is not None and old.name != entry.name:
            self.discard(entry.id)
            old = None
        if old is None:
            for look in looks(entry.name):
                self._by_look[look] = (*self._by_look.get(look, ()), entry.id)
        self._by_id[entry.id] = entry
        self._by_name[casefold(entry.name)] = entry

    def discard(self, account_id: int) -> AccountEntry | None:
        """Forget a deleted account; what was known of it, if anything."""
        entry = self._by_id.pop(account_id, None)
        if entry is not None:
            self._by_name.pop(casefold(entry.name), None)
            for look in looks(entry.name):
                alike = tuple([other for other in self._by_look[look] if other != account_id])
                if alike:
                    self._by_look[look] = alike
                else:
                    del self._by_look[look]
        return entry

    def find(self, name: str) -> AccountEntry | None:
        """The account called ``name``, whatever its case."""
        return self._by_name.get(casefold(name))

    def find_look_alike(self, name: str) -> AccountEntry | None:
        """An account whose name is another, and looks like ``name``."""
        if not self._by_look:
            return None
        folded = casefold(name)
        for look in looks(name):
            for account_id in self._by_look.get(look, ()):
                entry = self._by_id[account_id]
                if casefold(entry.name) != folded:
                    return entry
        return None

    def find_by_id(self, account_id: int) -> AccountEntry | None:
        """The account with that id."""
        return self._by_id.get(account_id)
