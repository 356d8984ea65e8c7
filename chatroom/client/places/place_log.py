"""The log of one place: what was said and what happened there, in the order of the conversation.

Entries come from three sides. Live events are appended. Pages of old events, which the server sends when it is asked,
are inserted where they belong. A message of the user's own is *under way* until the server has echoed it. It stays
behind all others meanwhile, and its echo has its place in the conversation.

What always holds: the log is sorted by ``Entry.moment``; no two entries have the same msgid; in a page, the order is
that of the server; at most ``most`` entries are kept, or twice as many while the user reads back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from chatroom.client.chat_events import Event, Reacted, Redacted, Said, Unsaid
from chatroom.client.places.log_entry import Delivery, Entry

MOST_ENTRIES = 10_000
"""How many entries a log keeps. The server has the older ones."""
_MOST_ORPHANS = 500
"""How many reactions and deletions are kept for messages that are not in the log."""
_RECENT = 500
"""Among how many of the last entries a message is looked for that was perhaps said."""
_BEGIN = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


class PlaceLog:
    """The entries of one place. ``fold`` returns the form in which the server compares nicks."""

    def __init__(self, fold: Callable[[str], str], most: int = MOST_ENTRIES) -> None:
        self.entries: list[Entry] = []
        """Oldest first. To be read only."""
        self.revision = 0
        """Goes up with each change of the log or of an entry."""
        self.complete = False
        """True if the server has said that it has nothing older than the first entry."""
        self.is_read_back = False
        """True while the user reads old entries: then the log keeps twice as many."""
        self._fold = fold
        self._most = most
        self._serials = 0
        self._by_id: dict[str, Entry] = {}
        # Messages of the user that are not known to be said: key to entry.
        self._own: dict[str, Entry] = {}
        # Reactions to messages that are not here, and deletions of them: msgid to events with their times.
        self._orphans: dict[str, list[tuple[Reacted | Redacted, datetime]]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def find(self, msgid: str) -> Entry | None:
        """Return the message of this msgid; None if it is not in the log."""
        return self._by_id.get(msgid)

    def position(self, entry: Entry) -> int | None:
        """Return the index of an entry; None if it is not in the log any more."""
        index = bisect_right(self.entries, entry.moment, key=_moment) - 1
        while index >= 0 and self.entries[index].moment == entry.moment:
            if self.entries[index] is entry:
                return index
            index -= 1
        return None

    @property
    def oldest_id(self) -> str:
        """The msgid of the oldest message that has one: older pages come before it. Empty if there is none."""
        return next((entry.id for entry in self.entries if entry.id), "")

    @property
    def newest_id(self) -> str:
        """The msgid of the newest message that has one; empty if there is none."""
        return next((entry.id for entry in reversed(self.entries) if entry.id), "")

    # What happens now

    def append(self, event: Event, now: datetime, *, mention: bool = False) -> Entry | None:
        """Append a live event; None if its message is here already. ``now`` is the client's time, aware.

        The echo of a message that is under way takes the message's entry along.
        """
        entry = self._own.pop(event.key, None) if isinstance(event, Said) and event.key else None
        if isinstance(event, Said) and event.id in self._by_id:
            if entry is not None:
                self._remove(entry)  # a page has brought the echo before
            return None
        at: datetime | None = getattr(event, "at", None)
        if entry is None:
            entry = self._make(event, at or now, mention)
        else:
            self._remove(entry)
            entry.event, entry.at, entry.delivery = event, at or now, "said"
            entry.revision += 1
        under_way = self._lift()
        if at is not None:
            self._date_begin(at)
        last = self.entries[-1].moment if self.entries else _BEGIN
        # The clock of this machine may differ from the server's, so an event without a time is just behind the last.
        entry.moment = max(at or last, last)
        self.entries.append(entry)
        self._entered(entry)
        self._lower(under_way)
        self._trim()
        return entry

    def send(self, said: Said, now: datetime) -> Entry:
        """Append a message of the user that is under way, with a key."""
        entry = self._make(said, said.at or now, mention=False)
        entry.delivery = "under way"
        entry.moment = self.entries[-1].moment if self.entries else _BEGIN
        self._own[said.key] = entry
        self.entries.append(entry)
        self._entered(entry)
        self._trim()
        return entry

    def fail(self, unsaid: Unsaid) -> Entry | None:
        """Mark a message that was under way as not said, or perhaps not; None if it is not here."""
        entry = self._own.pop(unsaid.said.key, None) if unsaid.said.key else None
        if entry is not None:
            delivery: Delivery = "perhaps" if unsaid.perhaps else "unsaid"
            entry.delivery = delivery
            self._changed(entry)
        return entry

    def clear(self) -> None:
        """Drop all entries."""
        self.entries.clear()
        self._by_id.clear()
        self._own.clear()
        self.complete = False
        self.revision += 1

    # What becomes of a message

    def redact(self, event: Redacted, now: datetime) -> Entry | None:
        """Delete the text of a message; None if it is not here. It is then deleted if a page brings it."""
        entry = self._by_id.get(event.id)
        if entry is None:
            self._keep_orphan(event, now)
            return None
        if entry.redaction is not None:
            return None
        entry.redaction = event
        if isinstance(entry.event, Said):
            entry.event = replace(entry.event, text="", formatted="")
        self._changed(entry)
        return entry

    def react(self, event: Reacted, now: datetime) -> Entry | None:
        """Take a reaction to a message; None if the message is not here, or nothing changes."""
        entry = self._by_id.get(event.id)
        if entry is None:
            self._keep_orphan(event, now)
            return None
        if not entry.react(event, self._fold(event.nick), event.at or now):
            return None
        self.revision += 1
        return entry

    # What happened before

    def insert(self, page: Iterable[Event], now: datetime, *, before: str = "", after: str = "") -> list[Entry]:
        """Insert a page of old events, oldest first, and return the new entries.

        ``before`` and ``after``: msgids that the page is known to lie before and after. Events that are here already,
        reactions and deletions make no entries.
        """
        under_way = self._lift()
        low = self._index_of(after, -1) + 1
        # Of messages without an id: those of the page itself may be alike, for all that is known.
        known = {_likeness(entry.event) for entry in self.entries if not entry.id}
        events = [event for event in page if not self._take_sequel(event, now)]
        dated = self._date_begin(_END)
        twins = [self._by_id.get(event.id) if isinstance(event, Said) and event.id else None for event in events]
        new: list[Entry] = []
        for event, twin, ceiling in zip(events, twins, _next_ones(twins), strict=True):
            if twin is not None:
                low = max(low, self._index_of(twin.id, 0) + 1)
            elif _likeness(event) not in known and not (isinstance(event, Said) and event.id in self._by_id):
                at = getattr(event, "at", None)
                again = self._find_again(event)
                if again is not None:
                    low -= (self.position(again) or 0) < low
                    self._say_again(again, event)
                entry = again or self._make(event, at or now, mention=False)
                high = self._index_of(ceiling.id if ceiling is not None else before, len(self.entries))
                low = self._place(entry, at, low, max(low, high)) + 1
                new.append(entry)
        for index in range(len(self.entries) - dated, len(self.entries)):
            self.entries[index].moment = self.entries[index - 1].moment if index else _BEGIN
        self._lower(under_way)
        self._trim()
        return new

    def _take_sequel(self, event: Event, now: datetime) -> bool:
        """Take what has become of another message; False for an event that makes an entry."""
        if isinstance(event, Reacted):
            self.react(event, now)
        elif isinstance(event, Redacted):
            self.redact(event, now)
        return isinstance(event, Reacted | Redacted)

    def _find_again(self, event: Event) -> Entry | None:
        """Return the message that was perhaps said, if an old one shows that it was; None if there is none."""
        if not isinstance(event, Said) or not event.mine:
            return None
        recent = (entry for entry in self.entries[-_RECENT:] if entry.delivery == "perhaps")
        return next((entry for entry in recent if entry.said is not None and entry.said.text == event.text), None)

    def _say_again(self, entry: Entry, event: Event) -> None:
        """Take out a message that was said after all, to put it where it was said."""
        self._remove(entry)
        entry.event, entry.at, entry.delivery = event, getattr(event, "at", None) or entry.at, "said"
        entry.revision += 1

    def _date_begin(self, at: datetime) -> int:
        """Let what came first, without a time, count as of ``at``: older pages belong before it. Returns how many."""
        count = 0
        for entry in self.entries:
            if entry.moment > _BEGIN:
                break
            entry.moment = at
            count += 1
        return count

    def _place(self, entry: Entry, at: datetime | None, low: int, high: int) -> int:
        """Put an entry between two indices, as near to its time as the order of the log allows. Returns its index."""
        earliest = self.entries[low - 1].moment if low else _BEGIN
        moment = max(at or earliest, earliest)
        index = bisect_right(self.entries, moment, low, high, key=_moment)
        if index < len(self.entries):
            moment = min(moment, self.entries[index].moment)
        entry.moment = moment
        self.entries.insert(index, entry)
        self._entered(entry)
        return index

    def settle(self) -> None:
        """Report that the user no longer reads old entries."""
        self.is_read_back = False
        self._trim()

    @property
    def is_full(self) -> bool:
        """True if no older page fits in."""
        return len(self.entries) >= 2 * self._most

    def _index_of(self, msgid: str, otherwise: int) -> int:
        entry = self._by_id.get(msgid)
        index = self.position(entry) if entry is not None else None
        return otherwise if index is None else index

    def _make(self, event: Event, at: datetime, mention: bool) -> Entry:
        self._serials += 1
        return Entry(self._serials, event, at, at, mention=mention)

    def _entered(self, entry: Entry) -> None:
        self.revision += 1
        if not entry.id:
            return
        self._by_id[entry.id] = entry
        for event, at in self._orphans.pop(entry.id, ()):
            if isinstance(event, Reacted):
                self.react(event, at)
            else:
                self.redact(event, at)

    def _keep_orphan(self, event: Reacted | Redacted, at: datetime) -> None:
        if len(self._orphans) >= _MOST_ORPHANS and event.id not in self._orphans:
            del self._orphans[next(iter(self._orphans))]
        events = self._orphans.setdefault(event.id, [])
        if event.id and len(events) < _MOST_ORPHANS:
            events.append((event, at))

    def _changed(self, entry: Entry) -> None:
        entry.revision += 1
        self.revision += 1

    def _remove(self, entry: Entry) -> None:
        index = self.position(entry)
        if index is not None:
            del self.entries[index]
            self.revision += 1

    def _lift(self) -> list[Entry]:
        """Take the messages that are under way off the end of the log, the last one first."""
        lifted = []
        while self.entries and self.entries[-1].delivery == "under way":
            lifted.append(self.entries.pop())
        return lifted

    def _lower(self, lifted: list[Entry]) -> None:
        """Put the messages that are under way behind all others again."""
        for entry in reversed(lifted):
            if self.entries:
                entry.moment = max(entry.moment, self.entries[-1].moment)
            self.entries.append(entry)

    def _trim(self) -> None:
        excess = len(self.entries) - self._most * (2 if self.is_read_back else 1)
        if excess <= 0:
            return
        for entry in self.entries[:excess]:
            self._by_id.pop(entry.id, None)
            self._own.pop(entry.key, None)
        del self.entries[:excess]
        self.complete = False
        self.revision += 1


def _moment(entry: Entry) -> datetime:
    return entry.moment


def _next_ones(twins: list[Entry | None]) -> list[Entry | None]:
    """Return for each index the entry that stands at a later index first."""
    found: list[Entry | None] = []
    last: Entry | None = None
    for twin in reversed(twins):
        found.append(last)
        last = twin or last
    return found[::-1]


def _likeness(event: Event) -> object:
    """What two reports of an event without a msgid have in common; an object of its own if that cannot be known."""
    at = getattr(event, "at", None)
    if at is None:
        return object()
    return replace(event, missed=False, key="", id="") if isinstance(event, Said) else event
