"""The modes by which a channel defends itself against floods: j (joins), F (nick changes) and W (slow mode).

The caller passes the monotonic clock in. What is counted is in memory only: a restart forgets it, and keeps the modes.
Guarded by the hub lock.

Source: the letters and parameters are those of InspIRCd, in whose modules joinflood and nickflood the channel is closed
for a minute, while here each action waits until there is room for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatroom.irc.limits import THROTTLE_ACTIONS, THROTTLE_PERIOD_S

if TYPE_CHECKING:
    from chatroom.chat.people.user import User

MOST_OUTSIDE = 500
"""The most users outside the channel whose last message slow mode remembers."""


def parse_number(text: str, most: int) -> int | None:
    """Read a whole number from 1 to ``most``; None if it is anything else."""
    # int() sees as many digits as ``most`` has: it is slow for thousands of them.
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    return int(text) if 1 <= int(text) <= most else None


class Throttle:
    """At most ``most`` actions in any ``period_s`` seconds. Its text is ``most:period_s``, as in MODE."""

    __slots__ = ("_moments", "most", "period_s")

    def __init__(self, most: int, period_s: int) -> None:
        self.most = most
        self.period_s = period_s
        self._moments: deque[int] = deque(maxlen=most)
        """When the last actions were, oldest first."""

    def __str__(self) -> str:
        return f"{self.most}:{self.period_s}"

    @classmethod
    def parse(cls, text: str | None) -> Throttle | None:
        """Read ``most:period_s``. None if it is not that, or if there is no text."""
        most, _, period = (text or "").partition(":")
        actions, period_s = parse_number(most, THROTTLE_ACTIONS), parse_number(period, THROTTLE_PERIOD_S)
        return None if actions is None or period_s is None else cls(actions, period_s)

    def wait_ms(self, mono_ms: int) -> int:
        """After how many milliseconds one more action is possible; 0 if it is now."""
        if len(self._moments) < self.most:
            return 0
        return max(0, self._moments[0] + self.period_s * 1000 - mono_ms)

    def to_state(self) -> list[int]:
        """The moments, for ``use_state``."""
        return list(self._moments)

    def use_state(self, state: list[int]) -> None:
        """Take over the moments of another throttle."""
        self._moments.extend(state)

    def add(self, mono_ms: int) -> None:
        """Count an action. The oldest one is forgotten if there are ``most``."""
        self._moments.append(mono_ms)


class SlowMode:
    """One message of a user every ``interval_s`` seconds.

    A member that leaves does not escape by coming back: the moment of its last message waits for its account, or for
    the host of a guest. Another guest of that host that comes in between waits with it, once. The moments of those
    outside are dropped when they mean nothing any more, the oldest first if there are more than ``MOST_OUTSIDE``.
    """

    __slots__ = ("_inside", "_outside", "interval_s")

    def __init__(self, interval_s: int) -> None:
        self.interval_s = interval_s
        self._inside: dict[User, int] = {}
        """When each member said something last."""
        self._outside: dict[int | str, int] = {}
        """The same of users that are no members, by the id of the account or the host of a guest."""

    def __len__(self) -> int:
        return len(self._inside) + len(self._outside)

    def wait_ms(self, user: User, mono_ms: int, *, is_member: bool) -> int:
        """After how many milliseconds the user may say something; 0 if it may now."""
        said_ms = self._inside.get(user) if is_member else self._outside.get(_identity(user))
        return 0 if said_ms is None else max(0, said_ms + self.interval_s * 1000 - mono_ms)

    def note(self, user: User, mono_ms: int, *, is_member: bool) -> None:
        """Note that the user says something now."""
        if is_member:
            self._inside[user] = mono_ms
        else:
            self._note_outside(_identity(user), mono_ms)
        while self._outside:
            oldest = next(iter(self._outside))
            if self._outside[oldest] + self.interval_s * 1000 > mono_ms:
                break
            del self._outside[oldest]

    def add_member(self, user: User) -> None:
        """Have a user that has come in wait as it would have outside."""
        said_ms = self._outside.get(_identity(user))
        if said_ms is not None:
            self._inside[user] = said_ms

    def discard_member(self, user: User) -> None:
        """Forget a member that leaves, but for the moment of its last message."""
        said_ms = self._inside.pop(user, None)
        if said_ms is not None:
            self._note_outside(_identity(user), said_ms)

    def to_state(self) -> list[list[list[Any]]]:
        """When members, by casefolded nick, and others said something last, for ``use_state``."""
        return [[[user.folded, ms] for user, ms in self._inside.items()], [list(one) for one in self._outside.items()]]

    def use_state(self, state: list[list[list[Any]]], users: Mapping[str, User]) -> None:
        """Take over the moments of another slow mode, whose members are these users by casefolded nick."""
        inside, outside = state
        self._inside = {users[folded]: ms for folded, ms in inside}
        self._outside = dict(outside)

    def _note_outside(self, key: int | str, said_ms: int) -> None:
        # Taken out and put in again, so that the key comes last in the dict and the oldest one comes first.
        before_ms = self._outside.pop(key, said_ms)
        self._outside[key] = max(before_ms, said_ms)
        if len(self._outside) > MOST_OUTSIDE:
            del self._outside[next(iter(self._outside))]


def _identity(user: User) -> int | str:
    """What a user keeps when it leaves and comes back: its account, or else its host."""
    return user.account.id if user.account is not None else user.host
