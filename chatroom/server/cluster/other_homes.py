"""The homes of other nodes of which there may be people, and how far each is known to have told them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from chatroom.chat.cluster.told import UNKNOWN, Told


class OtherHomes:
    """The homes. Guarded by the hub lock, but for ``names``."""

    __slots__ = ("_told", "names")

    def __init__(self) -> None:
        self.names: frozenset[str] = frozenset()
        """All of them. Replaced, never changed, so any thread may read it."""
        self._told: dict[str, Told] = {}
        """What was read last of each."""

    def begin(self, names: Iterable[str]) -> None:
        """Begin with the homes of a world that was loaded."""
        self.names, self._told = frozenset(names), {}

    def add(self, *names: str) -> None:
        """Note that there may be people of homes."""
        if not self.names.issuperset(names):
            self.names |= {*names}

    def find_gone(self, alive: Collection[str], told: Mapping[str, Told | None]) -> list[tuple[str, Told]]:
        """Take out the homes that are gone, and return each with how far it has told its people.

        ``alive`` are the homes that are registered. ``told`` is what was read of these, and of those that are not: of
        the latter when they could leave nothing more in Redis. A home that it has not asked for is left for the next
        time.
        """
        self._told.update({home: each for home, each in told.items() if each is not None})
        self._told = {home: each for home, each in self._told.items() if home in alive or home in self.names}
        gone = [home for home in self.names.difference(alive) if home in told]
        self.names = self.names.difference(gone)  # one comes back if something of it is left in the stream
        return [(home, self._told.pop(home, UNKNOWN)) for home in gone]
