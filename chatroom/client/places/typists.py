"""Who is typing in a place.

Source: IRCv3 ``+typing``. "active" holds for 6 seconds and "paused" for 30, unless another notification or a message
comes before.
"""

from __future__ import annotations

from chatroom.client.chat_events import Typing

ACTIVE_S = 6.0
PAUSED_S = 30.0
_MOST = 100


class Typists:
    """Those who are typing in one place. Times are seconds of a clock that only goes up."""

    def __init__(self) -> None:
        # Folded nick to nick, state and the time at which the state ends.
        self._active: dict[str, tuple[str, bool, float]] = {}

    def take(self, event: Typing, folded: str, clock_s: float) -> bool:
        """Take a notification; False if nothing changes for who looks."""
        known = self._active.pop(folded, None)
        was_active = known is not None and known[1]
        if event.state == "done" or (known is None and len(self._active) >= _MOST):
            return was_active
        is_active = event.state == "active"
        self._active[folded] = (event.nick, is_active, clock_s + (ACTIVE_S if is_active else PAUSED_S))
        return is_active != was_active

    def end(self, folded: str) -> bool:
        """Take note that a user has said something or has left; False if the user was not typing."""
        return self._active.pop(folded, None) is not None

    def expire(self, clock_s: float) -> bool:
        """Forget those whose time is over; False if there are none."""
        gone = [folded for folded, (_, _, until) in self._active.items() if until <= clock_s]
        for folded in gone:
            del self._active[folded]
        return bool(gone)

    def __bool__(self) -> bool:
        """True if somebody is typing, or has paused."""
        return bool(self._active)

    @property
    def nicks(self) -> list[str]:
        """Those who are typing now, the first one first."""
        return [nick for nick, is_active, _ in self._active.values() if is_active]
