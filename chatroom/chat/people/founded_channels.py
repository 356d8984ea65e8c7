"""The channels that each account has founded, so that nothing has to walk over all channels to count them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatroom.chat.people.channel import Channel


class FoundedChannels:
    """Stored channels by the id of their founder. Guarded by the hub lock.

    Only additions are recorded. A channel that has lost its founder or is gone is dropped when its account is counted,
    which looks at as many channels as one account may found.
    """

    __slots__ = ("_by_account",)

    def __init__(self) -> None:
        self._by_account: dict[int, list[Channel]] = {}

    def add(self, channel: Channel) -> None:
        """Record a channel under its founder, if it has one."""
        if channel.founder_id is not None:
            self._by_account.setdefault(channel.founder_id, []).append(channel)

    def count(self, account_id: int, channels: Mapping[str, Channel]) -> int:
        """Return how many of ``channels``, which are by casefolded name, the account has founded."""
        kept = [
            channel
            for channel in self._by_account.get(account_id, ())
            if channel.founder_id == account_id and channels.get(channel.folded) is channel
        ]
        if kept:
            self._by_account[account_id] = kept
        else:
            self._by_account.pop(account_id, None)
        return len(kept)
