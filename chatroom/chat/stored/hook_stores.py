"""The Protocol of the store for hooks. What all methods have in common stands in ``stores``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chatroom.chat.stored.hook_records import Hook, HookEventRow, IncomingHook, IssuedHook, NewHook, WaitingEvent
from chatroom.chat.stored.records import Actor


class HookStore(Protocol):
    """Hooks, and the events that wait for outgoing ones.

    The shell manages hooks; the daemon's thread ``hooks`` delivers. The events themselves are mostly written by the
    ``Journal``, in the transaction of the tick.
    """

    def add(self, new: NewHook, by: Actor) -> IssuedHook:
        """Make a hook, with a new secret or token. Audit: ``hook.add``, with neither, and of the URL the host only.

        Raises ``TooMany`` if there are ``MOST_HOOKS``, and ``AlreadyExists`` if an incoming hook of the channel has
        the name.
        """
        ...

    def remove(self, hook_id: int, by: Actor) -> Hook:
        """Delete a hook with what waits for it, and return it. Raises ``NotFound``. Audit: ``hook.remove``."""
        ...

    def set_paused(self, hook_id: int, paused: bool, by: Actor) -> Hook:
        """Pause a hook, or have it go on. Raises ``NotFound``. Audit: ``hook.pause`` or ``hook.resume``."""
        ...

    def pause_channel(self, channel: str, by: Actor) -> list[int]:
        """Pause the hooks of a channel that is deleted and was not stored. As ``ChannelStore.delete`` does."""
        ...

    def find(self, hook_id: int) -> Hook | None:
        """The hook with that id, or None."""
        ...

    def list_all(self) -> list[Hook]:
        """All hooks, the oldest first."""
        ...

    def list_incoming(self) -> list[IncomingHook]:
        """All incoming hooks as the daemon keeps them in memory."""
        ...

    def get_secret(self, hook_id: int) -> str:
        """The secret of an outgoing hook; empty for another one. Raises ``NotFound``."""
        ...

    def add_events(self, rows: Sequence[HookEventRow]) -> None:
        """Have events wait for their hooks, unless those are gone or paused. The oldest above the bound are dropped.

        No change is logged, by this or by the methods below.
        """
        ...

    def list_waiting(self) -> list[int]:
        """The ids of the hooks that are not paused and have events waiting."""
        ...

    def count_waiting(self) -> int:
        """How many events wait, of all hooks."""
        ...

    def next_event(self, hook_id: int) -> WaitingEvent | None:
        """The oldest event that waits for a hook; None if there is none, or the hook is gone or paused."""
        ...

    def end_delivery(self, event: WaitingEvent) -> None:
        """Delete an event that was delivered, and count it. The hook fails no longer."""
        ...

    def fail_delivery(self, event: WaitingEvent, why: str, *, is_refusal: bool) -> None:
        """Record that an event could not be delivered. ``is_refusal``: the receiver does not take this event."""
        ...

    def give_up(self, event: WaitingEvent) -> None:
        """Delete an event that the receiver does not take, and count it as dropped."""
        ...

    def count_said(self, hook_id: int) -> None:
        """Count a message of an incoming hook."""
        ...
