"""Old messages that the client asks for: when a place opens, after a reconnect, and when the user reads back.

One question is under way at a time; the others wait, those of the user in front. So a refusal is known to be for that
one, and a server is not asked for a hundred channels at once.

Source: IRCv3 chathistory (``LATEST``, ``BEFORE``, ``BETWEEN``, ``TARGETS``) and its event-playback.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from chatroom.client.chat_events import Denied, Event, History, Info, Said
from chatroom.client.message_reading import param, parse_moment, read_old
from chatroom.client.places.place import Place
from chatroom.client.server_features import ServerFeatures
from chatroom.irc.message import Message
from chatroom.irc.times import format_time

CAPABILITY = "draft/chathistory"
PAGE = 100
"""How many messages a page has at most. The server may allow fewer."""
FIRST_PAGE = 50
MOST_PAGES = 10
"""How many pages are asked for of what was missed in one place."""
PATIENCE_S = 30.0
"""After how many seconds without an answer the next question is asked."""
_PAUSE_S = 10
_MOST_TARGETS = 50
_MOST_EVENTS = 5000

Kind = Literal["older", "latest", "missed", "targets", "excerpt"]
TakePage = Callable[[tuple[Event, ...] | None], None]
"""Takes a page of old events, oldest first; None if the server has refused it, or the connection was lost."""


class Names(Protocol):
    """What must be known of the server and the user: ``chat_state.State`` does."""

    caps: set[str]
    features: ServerFeatures

    def fold(self, name: str) -> str:
        """Return the form of a name in which the server compares names."""

    def is_me(self, nick: str) -> bool:
        """Tell if ``nick`` is the user's own."""


@dataclass
class _Question:
    """One CHATHISTORY."""

    kind: Kind
    place: Place | None
    """The place that it is about. Its name may change while the question waits; None for ``TARGETS``."""
    subcommand: str
    bounds: str
    """What stands between the target and the limit: ``msgid=1``."""
    limit: int
    before: str = ""
    after: str = ""
    news: bool = False
    pages: int = MOST_PAGES
    then: TakePage | None = None
    """Takes the page of an excerpt, which belongs to no log of a place."""
    asked_as: str = ""
    """The name of the place when the question was sent: the answer has it."""

    @property
    def target(self) -> str:
        """The name that the place has now."""
        return self.place.name if self.place is not None else ""

    def write(self) -> str:
        """Return the line to send."""
        self.asked_as = self.target
        words = ("CHATHISTORY", self.subcommand, self.asked_as, self.bounds, f"{self.limit}")
        return " ".join(filter(None, words))


class HistoryPages:
    """Asks for pages and reads them. ``write`` sends a line; ``clock`` returns seconds that only go up."""

    def __init__(self, names: Names, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._names = names
        self._write = write
        self._clock = clock
        self._waiting: deque[_Question] = deque()
        self._current: _Question | None = None
        self._asked_at = 0.0
        self._not_before = 0.0
        # References of the open batches of the answer: the page itself, and batches inside it.
        self._batches: set[str] = set()
        self._events: list[Event] = []
        self.found_targets: list[tuple[str, datetime]] = []
        """Names with the times of their last messages, from the last ``ask_targets``. To be taken."""

    @property
    def usable(self) -> bool:
        """True if the server can be asked."""
        return self._names.caps.issuperset((CAPABILITY, "batch", "message-tags", "server-time"))

    def lost(self) -> None:
        """Report the end of the connection: nothing will be answered."""
        unanswered = [*self._waiting, *([self._current] if self._current is not None else [])]
        self._waiting.clear()
        self._current = None
        self._batches.clear()
        self._events = []
        self._not_before = 0.0
        for question in unanswered:
            if question.then is not None:
                question.then(None)

    # Questions

    def ask_older(self, place: Place) -> str:
        """Ask for the page before what is in the log. Returns why that cannot be; empty if it is asked."""
        if place.kind == "server" or not self.usable:
            return "This server keeps no messages to show."
        if place.log.complete:
            return f"This is the beginning of {place.name}, as far as the server knows."
        if place.log.is_full:
            return f"That is as far back as {place.name} can be read here; /search finds older messages."
        if place.asks_older:
            return ""
        oldest = place.log.oldest_id
        bounds = ("BEFORE", f"msgid={oldest}") if oldest else ("LATEST", "*")
        place.asks_older = True
        self._waiting.appendleft(_Question("older", place, *bounds, self._limit(PAGE), before=oldest))
        self._pump()
        return ""

    def ask_latest(self, place: Place, *, news: bool = False) -> None:
        """Ask for the last messages of a place that has just opened. ``news``: they are unread."""
        if self.usable:
            self._ask(_Question("latest", place, "LATEST", "*", self._limit(FIRST_PAGE), news=news))

    def ask_missed(self, place: Place) -> None:
        """Ask for what was said since the last message in the log."""
        newest = place.log.newest_id
        if not newest:
            self.ask_latest(place)
        elif self.usable:
            bounds = f"msgid={newest}"
            self._ask(_Question("missed", place, "LATEST", bounds, self._limit(PAGE), after=newest, news=True))

    def ask_excerpt(self, place: Place, subcommand: str, bounds: str, then: TakePage) -> bool:
        """Ask for a page that is shown apart from the log, such as ``AROUND`` ``msgid=1``; False if that cannot be."""
        if not self.usable:
            return False
        self._waiting.appendleft(_Question("excerpt", place, subcommand, bounds, self._limit(PAGE), then=then))
        self._pump()
        return True

    def ask_targets(self, since: datetime, until: datetime) -> None:
        """Ask with whom there were messages between two times, aware. ``found_targets`` has the answer."""
        if self.usable:
            start, end = (_stamp(at) for at in (since - timedelta(minutes=1), until + timedelta(days=1)))
            self._ask(_Question("targets", None, "TARGETS", f"timestamp={start} timestamp={end}", _MOST_TARGETS))

    def tick(self) -> list[Event]:
        """Go on after a pause, and give up an answer that does not come. To be called about once a second."""
        events: list[Event] = []
        if self._current is not None and self._clock() - self._asked_at >= PATIENCE_S:
            events = self._finish(answered=False)
        self._pump()
        return events

    @property
    def waits(self) -> bool:
        """True while there are questions: without an answer, or not asked yet."""
        return self._current is not None or bool(self._waiting)

    def _limit(self, wanted: int) -> int:
        return min(wanted, self._names.features.most_history or wanted)

    def _ask(self, question: _Question) -> None:
        self._waiting.append(question)
        self._pump()

    def _pump(self) -> None:
        if self._current is None and self._waiting and self._clock() >= self._not_before:
            self._current = question = self._waiting.popleft()
            self._asked_at = self._clock()
            self._write(question.write())

    # Answers

    def take(self, message: Message) -> list[Event] | None:
        """Take a message of the server; None if it is no part of an answer. Returns the page when it is complete."""
        if self._current is None:
            return None
        if message.verb == "FAIL" and message.params[:1] == ["CHATHISTORY"]:
            return self._refused(message)
        if message.verb == "421" and param(message, 1).upper() == "CHATHISTORY":
            return self._finish(answered=False)
        outer = (message.tags or {}).get("batch", "")
        if message.verb == "BATCH" and message.params:
            return self._on_batch(message, outer)
        if outer not in self._batches:
            return None
        if message.verb == "CHATHISTORY":
            at = parse_moment(param(message, 2))
            if at is not None:
                self.found_targets.append((param(message, 1), at))
        elif len(self._events) < _MOST_EVENTS:
            self._events += read_old(message, self._names, self._current.asked_as)
        return []

    def _on_batch(self, message: Message, outer: str) -> list[Event] | None:
        assert self._current is not None
        mark, reference = message.params[0][:1], message.params[0][1:]
        if mark == "+":
            if outer in self._batches or self._is_answer(message):
                self._batches.add(reference)
                return []
            return None
        if reference not in self._batches:
            return None
        self._batches.discard(reference)
        return [] if self._batches else self._finish()

    def _is_answer(self, message: Message) -> bool:
        assert self._current is not None
        kind, fold = param(message, 1), self._names.fold
        if self._current.kind == "targets":
            return kind == "draft/chathistory-targets"
        # The name as the server has it, or as it was written.
        return kind == "chathistory" and fold(param(message, 2)) == fold(self._current.asked_as)

    def _finish(self, *, answered: bool = True) -> list[Event]:
        """Hand out the page, and ask the next question."""
        question, self._current = self._current, None
        assert question is not None
        events, self._events = self._events, []
        self._batches.clear()
        found: list[Event] = []
        if question.then is not None:
            question.then(tuple(events) if answered else None)
        elif question.kind != "targets":
            oldest = next((event.id for event in events if isinstance(event, Said) and event.id), "")
            if question.kind == "missed" and events and oldest:
                events = self._go_on(question, events, oldest)
            is_end = answered and not events and question.kind in ("older", "latest")
            found.append(
                History(question.target, tuple(events), question.before, question.after, question.news, is_end)
            )
        self._pump()
        return found

    def _go_on(self, question: _Question, events: list[Event], oldest: str) -> list[Event]:
        """Ask for what lies between the known and a page of the missed, for a page may be shorter than allowed."""
        if question.pages <= 1:
            text = "More was said here before this. /search finds it."
            return [Info(text, question.target, getattr(events[0], "at", None)), *events]
        bounds = f"msgid={oldest} msgid={question.after}"
        following = _Question("missed", question.place, "BETWEEN", bounds, question.limit, oldest, question.after, True)
        following.pages = question.pages - 1
        self._waiting.appendleft(following)
        return events

    def _refused(self, message: Message) -> list[Event]:
        question = self._current
        assert question is not None
        if param(message, 1) == "RATE_LIMITED":
            wait = param(message, 2)
            pause_s = int(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 5 else _PAUSE_S
            self._not_before = self._clock() + pause_s
            if question.kind != "older":
                self._waiting.appendleft(question)
                self._current = None
                return []
        events = self._finish(answered=False)
        if question.kind == "older":
            text = message.params[-1]
            events.append(Denied(f"{text[:1].upper()}{text[1:].rstrip('.')}."))
        return events


def _stamp(at: datetime) -> str:
    return format_time(max(0, round(at.timestamp() * 1000)))
