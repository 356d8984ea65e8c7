"""Budgets of single actions, such as nick changes, by account, address or session."""

from __future__ import annotations

from chatroom.chat.admission.flood import MOST_KEYS


class ActionBudgets:
    """Token buckets by keys that the caller makes distinct. Guarded by the hub lock.

    At most ``most_keys`` are kept; the key that acted the longest ago goes first.
    """

    __slots__ = ("_full_at_ms", "_most_keys")

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._full_at_ms: dict[str, int] = {}
        """For each key when its bucket is full again."""
        self._most_keys = most_keys

    def __len__(self) -> int:
        return len(self._full_at_ms)

    def to_state(self) -> dict[str, int]:
        """What is spent, for ``use_state``."""
        return self._full_at_ms

    def use_state(self, state: dict[str, int]) -> None:
        """Take over what other budgets have spent."""
        self._full_at_ms = state

    def take(self, key: str, most: int, period_ms: int, mono_ms: int) -> int:
        """Take an action out of a budget of ``most`` in a period; all of them may come at once.

        Return 0, or after how many milliseconds there is one again. Then nothing is taken.
        """
        full_at_ms = max(self._full_at_ms.get(key, 0), mono_ms) + period_ms // most
        over_ms = full_at_ms - mono_ms - period_ms
        if over_ms > 0:
            return over_ms
        # Taken out and put in again, so that the key comes last in the dict and the oldest one comes first.
        self._full_at_ms.pop(key, None)
        self._full_at_ms[key] = full_at_ms
        self.drop_oldest()
        return 0

    def drop_oldest(self) -> None:
        """Forget the key that acted the longest ago, if there is one too many."""
        if len(self._full_at_ms) > self._most_keys:
            del self._full_at_ms[next(iter(self._full_at_ms))]
