"""The Protocol of the store for channels. What all methods have in common stands in ``stores``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from chatroom.chat.stored.records import Actor, StoredChannel


class ChannelStore(Protocol):
    """The channels that outlive their members.

    Only the daemon writes channels, and each write has the whole channel. So the stored channel is always one that was
    in memory at some time, and the last write wins. In a cluster that of the latest turn wins (``Stores.use_turn``),
    whichever comes last, and also if it has deleted the channel.
    """

    def load_all(self) -> Iterator[StoredChannel]:
        """All stored channels, in the order in which they were first stored.

        Consume the iterator before another call of this thread's stores.
        """
        ...

    def save(self, channel: StoredChannel, by: Actor, action: str, detail: str) -> None:
        """Store a channel, new or changed. Audit: ``action`` with ``detail``; none if ``action`` is empty.

        A founder or an access entry is left out if its account was deleted meanwhile.
        """
        ...

    def rename(self, old: str, new: str, channel: StoredChannel | None, by: Actor | None, *, home: str = "") -> None:
        """Give the channel ``old`` another name everywhere but in the history.

        Audit: ``channel.rename``, unless ``by`` is None.

        ``channel`` is stored under its new name; it is None for a channel that ends with its last member. Forwards of
        other channels, read markers and the places that accounts left (``PresenceStore``) follow. Those under the new
        name were of an earlier channel, and are deleted. The new name may be the old one in another case. If the
        journal has not renamed it by then, that is noted, or else its note is removed.

        Raises ``AlreadyExists`` if another stored channel has the new name. In a turn of a cluster that one has ended,
        and is deleted.

        ``home`` is that of the node that gave the name, empty for a lone daemon. Does nothing if another node has
        completed the name already, because it took that one for dead.
        """
        ...

    def finish_renames(self, home: str = "") -> None:
        """Complete the new names of channels that a daemon which was killed has given in one half of the database.

        ``home`` is that of a node which is gone, while others go on: then only its names are completed, and not in the
        history, where something may have been said under the new name. Without it, call this before anything is loaded
        and while no daemon runs.
        """
        ...

    def record_use(self, names: Sequence[str], used_ms: int) -> None:
        """Set when channels last had a member. No change is logged. Skips those that are not stored."""
        ...

    def delete(self, name: str, by: Actor, detail: str = "", *, new_name: str = "", home: str = "") -> list[int]:
        """Delete a channel, but not its history. Raises ``NotFound``. Audit: ``channel.delete`` with ``detail``.

        Its hooks are paused, because a later channel of the name is another one: it returns the ids of those that were
        not paused already. Audit: ``hook.pause``, once. If the channel has got a new name, its hooks follow instead;
        ``home`` is as for ``rename``. In a cluster, the channel stays if a later turn has stored it: it is another one.
        """
        ...

    def find(self, name: str) -> StoredChannel | None:
        """The stored channel called ``name``, or None."""
        ...
