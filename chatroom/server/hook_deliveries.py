"""The thread of the outgoing hooks: it sends the events that wait, and tries again with a growing pause.

A tick only stores events, and knows nothing of this thread. The thread looks a few times a second whether something
was committed, with a database connection of its own, and takes no lock: its state is its own, and what others read of
it is one object that it replaces. An event is deleted when its receiver has taken it. So a daemon that is killed
delivers it, perhaps a second time, at its next start.

Each hook's events are delivered in their order, and hooks take turns: one event each. A receiver that is slow keeps the
others waiting for ``LIMIT_S`` at most each time, and one that fails for less and less of the time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chatroom.chat.delivery.hook_payload import event_id, make_body
from chatroom.chat.log_line import Level
from chatroom.errors import ChatroomError
from chatroom.server.hook_answer import Answer
from chatroom.server.loop_thread import LoopThread
from chatroom.server.turnstile import Turnstile

if TYPE_CHECKING:
    from chatroom.chat.stored.hook_records import WaitingEvent
    from chatroom.chat.stored.stores import Stores

LOOK_EVERY_S = 0.2
"""How often the thread looks for new events."""
FIRST_PAUSE_S = 5.0
"""The pause after a first failure; each further one doubles it."""
LONGEST_PAUSE_S = 300.0
MOST_REFUSALS = 5
"""How often an event is tried that the receiver says it does not take. Then its next one has its turn."""

log = logging.getLogger(__name__)

Report = Callable[[str, Level], None]
"""Takes a line for the log. From any thread."""
Send = Callable[[str, str, str, bytes], Answer]
"""As ``hook_sender.send``."""


def _send(url: str, secret: str, event_id: str, body: bytes) -> Answer:
    # Here, because a daemon without outgoing hooks loads no HTTP client: that is an eighth of what its start loads.
    from chatroom.server.hook_sender import send

    return send(url, secret, event_id, body)


@dataclass(frozen=True, slots=True)
class HookState:
    """How the deliveries are. A new object for each change, so any thread reads a whole one."""

    delivered: int = 0
    """Events delivered since the start."""
    failed: int = 0
    """Tries that failed since the start."""
    waiting: int = 0
    """Events that wait."""
    failing: tuple[int, ...] = ()
    """The hooks whose last try has failed."""

    def facts(self) -> dict[str, str]:
        """What ``STATUS`` says; nothing if all is well."""
        if not self.failing:
            return {}
        numbers = ", ".join(map(str, self.failing))
        return {"hooks": f"{numbers} fail{'s' if len(self.failing) == 1 else ''}, {self.waiting} events wait"}


@dataclass(frozen=True, slots=True)
class _Failing:
    """A hook whose last try has failed."""

    tries: int
    again_mono_s: float


class HookDeliveries(LoopThread):
    """The thread."""

    def __init__(
        self,
        open_stores: Callable[[], Stores],
        report: Report,
        send: Send = _send,
        turnstile: Turnstile | None = None,
        has_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """``has_duty`` is False while another node of a cluster delivers."""
        super().__init__("hooks")
        self._turnstile = turnstile or Turnstile()
        """Passed at each event: what was delivered is noted before anything else happens to the daemon."""
        self.state = HookState()
        """How the deliveries are. Only the thread changes it; any thread reads it."""
        self._open_stores = open_stores
        self._report = report
        self._send = send
        self._has_duty = has_duty
        self._stopping = threading.Event()
        self._stores: Stores | None = None
        self._failing: dict[int, _Failing] = {}
        self._last: dict[int, int] = {}
        """The number of the last event that was tried, by hook."""
        self._dropped: dict[int, int] = {}
        """How many events of a hook were dropped, as the log knows."""
        self._sent: dict[int, int] = {}
        """The number of the last event that was delivered, by hook: it may still have to be deleted."""
        self._must_look = True
        """True if events may wait that no commit will tell of."""
        self._trouble = ""
        """Why the thread could not read the database; empty if it could."""

    def stop(self, patience_s: float) -> None:
        """End after the request under way; wait at most that long for it. From any other thread."""
        self._stopping.set()
        self.join(patience_s)

    def run(self) -> None:
        """Deliver what waits, until stopped."""
        self._must_look = True
        try:
            self._deliver_until_stopped()
        finally:
            # Also if a fault ends the thread: its transaction would lock others out, and no other thread can end it.
            stores, self._stores = self._stores, None
            if stores is not None:
                stores.close()

    def _deliver_until_stopped(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self.look()
                self._trouble = ""
            except ChatroomError as error:
                if str(error) != self._trouble:
                    self._trouble = str(error)
                    self._report(f"hooks cannot be delivered: {error}", Level.WARNING)
                self._stopping.wait(FIRST_PAUSE_S)
            except Exception:
                log.exception("hooks cannot be delivered")
                self._stopping.wait(FIRST_PAUSE_S)

    def look(self) -> None:
        """Deliver what is due, if it is this daemon's to do. Raises ``ChatroomError``. From the thread."""
        if not self._has_duty():
            self._must_look = True  # what the other node has left
            return
        is_new = self._stores is None
        stores = self._stores = self._stores or self._open_stores()
        if is_new:
            self._dropped = {hook.id: hook.dropped for hook in stores.hooks.list_all()}
        now_s = time.monotonic()
        is_due = any(one.again_mono_s <= now_s for one in self._failing.values())
        self._must_look = stores.changed_elsewhere() or self._must_look or is_due
        if not self._must_look:
            return
        while self._take_turns(stores) and not self._stopping.is_set():
            pass
        self._settle(stores)
        self._must_look = False

    def _take_turns(self, stores: Stores) -> bool:
        """Deliver one event of each hook that is not in a pause. False if there was none."""
        has_tried = False
        for hook_id in stores.hooks.list_waiting():
            failing = self._failing.get(hook_id)
            if failing is not None and failing.again_mono_s > time.monotonic():
                continue
            with self._turnstile:
                event = stores.hooks.next_event(hook_id)
                if event is not None and not self._stopping.is_set():
                    has_tried = True
                    self._note_gap(stores, event)
                    self._deliver(stores, event)
        return has_tried

    def _deliver(self, stores: Stores, event: WaitingEvent) -> None:
        answer = Answer(True, "")
        if self._sent.get(event.hook_id) != event.number:
            answer = self._try(event)
        if answer.is_good:
            # Noted first: if it cannot be deleted now, as on a full disk, it is deleted later and not delivered again.
            if self._sent.get(event.hook_id) != event.number:
                self.state = replace(self.state, delivered=self.state.delivered + 1)
            self._sent[event.hook_id] = event.number
            stores.hooks.end_delivery(event)
            if self._failing.pop(event.hook_id, None) is not None:
                self._report(f"hook {event.hook_id} ({event.channel}) is delivered again", Level.INFO)
            return
        before = self._failing.get(event.hook_id)
        tries = 1 if before is None else before.tries + 1
        pause_s = min(FIRST_PAUSE_S * 2 ** min(tries - 1, 10), LONGEST_PAUSE_S)
        self._failing[event.hook_id] = _Failing(tries, time.monotonic() + pause_s)
        self.state = replace(self.state, failed=self.state.failed + 1)
        if before is None:
            self._report(f"hook {event.hook_id} ({event.channel}) fails: {answer.why}", Level.WARNING)
        stores.hooks.fail_delivery(event, answer.why, is_refusal=answer.is_refusal)
        if answer.is_refusal and event.refusals + 1 >= MOST_REFUSALS:
            stores.hooks.give_up(event)
            self._dropped[event.hook_id] = self._dropped.get(event.hook_id, 0) + 1
            text = f"hook {event.hook_id} ({event.channel}): event {event.number} was dropped: {answer.why}"
            self._report(text, Level.WARNING)
            # The next event is another one: it has its turn now, and tells whether only this one was not taken.
            self._failing[event.hook_id] = _Failing(0, 0.0)

    def _try(self, event: WaitingEvent) -> Answer:
        try:
            return self._send(event.url, event.secret, event_id(event), make_body(event))
        except Exception as error:  # a fault with one event must not keep the others waiting
            if event.hook_id not in self._failing:
                log.exception("hook %d cannot be delivered", event.hook_id)
            return Answer(False, f"a fault of the server, {type(error).__name__}")

    def _note_gap(self, stores: Stores, event: WaitingEvent) -> None:
        """Log it if events between the last one and this one were dropped."""
        last = self._last.get(event.hook_id)
        self._last[event.hook_id] = event.number
        if last is None or event.number > last + 1:
            hook = stores.hooks.find(event.hook_id)
            if hook is not None:
                self._note_dropped(hook.id, hook.channel, hook.dropped)

    def _note_dropped(self, hook_id: int, channel: str, dropped: int) -> None:
        more = dropped - self._dropped.get(hook_id, 0)
        self._dropped[hook_id] = dropped
        if more > 0:
            self._report(f"hook {hook_id} ({channel}): {more} events were dropped, {dropped} so far", Level.WARNING)

    def _settle(self, stores: Stores) -> None:
        """Forget hooks that have nothing to wait for, and say how it is."""
        waiting = set(stores.hooks.list_waiting())
        self._failing = {hook_id: one for hook_id, one in self._failing.items() if hook_id in waiting}
        failing = tuple(sorted(hook_id for hook_id, one in self._failing.items() if one.tries))
        self.state = replace(self.state, waiting=stores.hooks.count_waiting(), failing=failing)
