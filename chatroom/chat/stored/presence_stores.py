"""The Protocol of the store for where accounts are and were. ``chatroom.storage`` implements it.

A docstring here is the contract of every implementation. Every method may raise ``StorageError``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from chatroom.chat.stored.records import AlwaysOnUser


class PresenceStore(Protocol):
    """Where each account is, and up to which message id it had read a channel when it left.

    The message id decides what a replay shows. It is None if there is no history.

    ``channel`` is a casefolded name; empty means the server itself, for direct messages. A call for an account that was
    deleted does nothing.
    """

    def come(self, account_id: int, channel: str, joined_ms: int | None = None) -> None:
        """Record that the account is in the channel since ``joined_ms``, and comes back there if that is not None."""
        ...

    def find_left(self, account_id: int, channel: str) -> int | None:
        """The message id up to which the account had read when it last left, or None if it never left."""
        ...

    def go(self, account_id: int, channel: str, message_id: int | None, *, returns: bool = False) -> None:
        """Record that the account left and has read up to ``message_id``. The recorded message id never goes down.

        With ``returns`` it comes back to the channel, if ``come`` had a time.
        """
        ...

    def correct(self, channels: Mapping[int, Collection[str]], joined_ms: int) -> None:
        """Record that accounts are in these channels and in no others, where that is not recorded.

        ``joined_ms`` is since when for those that are not recorded. Accounts do not come back to the other channels.
        """
        ...

    def raise_left(self, account_id: int, channels: Collection[str], message_id: int) -> None:
        """Record that the account has read up to ``message_id`` in these channels, and is where it was.

        The recorded message id never goes down.
        """
        ...

    def find_places(self, account_id: int) -> list[str]:
        """The channels that the account comes back to and is not in, by the times of its JOINs, earliest first."""
        ...

    def forget_place(self, account_id: int, channel: str) -> None:
        """Record that the account does not come back to the channel."""
        ...

    def forget_channel(self, channel: str) -> None:
        """Record that no account comes back to the channel. Those that are in it now come back all the same."""
        ...

    def save_user(self, user: AlwaysOnUser) -> None:
        """Store what others see of a user that is always on."""
        ...

    def load_users(self, most: int) -> list[AlwaysOnUser]:
        """The users of the accounts that are always on and not disabled, the oldest accounts first.

        An account that was never connected while it was always on has none.
        """
        ...

    def begin_replay(self, account_id: int, channel: str) -> None:
        """Record that the account is in the channel, and is still to be shown what it missed there.

        Until ``end_replay``, ``go_all`` leaves the message id up to which it has read as it is.
        """
        ...

    def end_replay(self, account_id: int, channel: str) -> None:
        """Record that the account, which is in the channel, was shown what it missed there."""
        ...

    def go_all(self, message_id: int | None, account_id: int | None = None) -> None:
        """Record for every account that is recorded as present, or only for one, that it left and comes back.

        The daemon calls it when it starts, with the last message id of the run before: at its end all have left.
        """
        ...
