"""Writes that the database refused, and that are tried again until it takes them: bans and changes of channels.

The change is in memory already and acts there. Without the retry it would end with the daemon, and nobody would know
when. One write is tried at a time, so a disk that stays full costs one try every ``PAUSE_MS``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from chatroom.errors import Refused

if TYPE_CHECKING:
    from chatroom.chat.work_queue import Job, WorkQueue

PAUSE_MS = 5000
"""The time between two tries while the database refuses."""

Key = tuple[str, object]
"""What is to be stored: a kind and its id. A later write of the same thing takes the place of the earlier one."""


class Retry(NamedTuple):
    """One write that waits."""

    make_job: Callable[[], Job | None]
    """Make the job from what is in memory at the time of the try; None if there is nothing to store any more."""
    then: Callable[[object], None]
    """Takes the job's result when the database has taken it. Runs in a tick."""


class Retries:
    """The writes that wait, oldest first. Guarded by the hub lock."""

    __slots__ = ("_mono_ms", "_waiting", "_work", "next_mono_ms")

    def __init__(self, work: WorkQueue) -> None:
        self._work = work
        self._waiting: dict[Key, Retry] = {}
        self._mono_ms = 0
        self.next_mono_ms = 0
        """When to try again, on the monotonic clock; 0 if nothing waits or a try is under way."""

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: Key) -> bool:
        return key in self._waiting

    def add(self, key: Key, retry: Retry, mono_ms: int) -> None:
        """Have a write tried again until it succeeds."""
        is_first = not self._waiting
        self._waiting[key] = retry
        if is_first:
            self.next_mono_ms = mono_ms + PAUSE_MS

    def discard(self, key: Key) -> Retry | None:
        """Forget a write, and return it. A try that is under way may still store it, before later writes."""
        retry = self._waiting.pop(key, None)
        if not self._waiting:
            self.next_mono_ms = 0
        return retry

    def try_again(self, mono_ms: int) -> None:
        """Try the oldest write; the others follow as soon as it succeeds."""
        self._mono_ms, self.next_mono_ms = mono_ms, 0
        while self._waiting:
            key, retry = next(iter(self._waiting.items()))
            job = retry.make_job()
            if job is not None:
                self._work.write(job, partial(self._take, key, retry))
                return
            del self._waiting[key]

    def _take(self, key: Key, retry: Retry, outcome: object) -> None:
        if isinstance(outcome, Exception) and not isinstance(outcome, Refused):
            if self._waiting:
                self.next_mono_ms = self._mono_ms + PAUSE_MS
            return
        if self._waiting.get(key) is retry:
            del self._waiting[key]
            if not isinstance(outcome, Exception):  # a refusal stays one, however often it is tried
                retry.then(outcome)
        self.try_again(self._mono_ms)
