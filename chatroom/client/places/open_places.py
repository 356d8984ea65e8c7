"""The places that are open, on all servers: their order, the one in front, and jumps between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place import Place

_MOST_MENTIONS = 500
_MOST_VISITED = 100


class Mention(NamedTuple):
    """A message that speaks to the user."""

    place: Place
    entry: Entry


class Places:
    """An ordered collection. Places of a server stand together, the server's own first, others as they were opened.

    No message of a server changes the place in front, but for the very first one: only the calls of the screen do.
    """

    def __init__(self) -> None:
        self.front: Place | None = None
        """The place that the screen shows, and that typed lines are for; None before the first server."""
        self.highlights: tuple[str, ...] = ()
        """Words besides the user's nick that make a message a mention."""
        self.is_watched = True
        """False while the user does not see what comes in: the terminal is in the background, or shows old entries."""
        self.mentions: deque[Mention] = deque(maxlen=_MOST_MENTIONS)
        """Messages that speak to the user, on all servers, oldest first."""
        self.revision = 0
        """Goes up if a place is opened, closed or renamed, and if another one comes in front."""
        self._places: list[Place] = []
        self._by_key: dict[tuple[str, str], Place] = {}
        self._visited: list[Place] = []  # those that were in front, oldest first, each once
        self._changed: set[Place] = set()

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Place:
        return self._places[index]

    def find(self, server: str, key: str) -> Place | None:
        """Return the place of a folded name on a server; None if it is not open. The server's own has the key ""."""
        return self._by_key.get((server, key))

    def take_changes(self) -> set[Place]:
        """Return the places that have changed since the last call: their log, counts, members, topic or typists."""
        changed, self._changed = self._changed, set()
        return changed

    def touch(self, place: Place) -> None:
        """Take note that something about a place has changed."""
        self._changed.add(place)

    # In front

    def turn_to(self, place: Place) -> None:
        """Bring a place in front. It counts as read if the user watches, and the one before loses its line "new"."""
        before = self.front
        if before is place:
            return
        if before is not None:
            before.first_unread = None
            before.log.settle()
            self._changed.add(before)
        self.front = place
        self._remember(place)
        self.revision += 1
        self._read_front()

    def turn_by(self, step: int) -> None:
        """Bring the place in front that is ``step`` further down the list, round its end."""
        if self.front is not None:
            self.turn_to(self._places[(self._places.index(self.front) + step) % len(self._places)])

    def turn_back(self) -> None:
        """Bring the place in front that was there before."""
        if len(self._visited) > 1:
            self.turn_to(self._visited[-2])

    @property
    def next_unread(self) -> Place | None:
        """The place to look at next: one with a mention first, then one with messages, each next down the list."""
        return self.next_mention or self._next("message")

    @property
    def next_mention(self) -> Place | None:
        """The next place down the list with a message that speaks to the user; None if there is none."""
        return self._next("mention")

    def watch(self, is_watched: bool) -> None:
        """Report if the user sees what comes in from now on."""
        if is_watched != self.is_watched:  # or the log in front would be painted anew every second
            self.is_watched = is_watched
            self._read_front()

    def is_seen(self, place: Place) -> bool:
        """True if the user sees what comes in at this place now."""
        return self.is_watched and place is self.front

    # Opening and closing

    def open(self, place: Place) -> None:
        """Add a place, behind those of the same server. The first of all comes in front."""
        same = [index for index, other in enumerate(self._places) if other.server == place.server]
        self._places.insert(same[-1] + 1 if same else len(self._places), place)
        self._by_key[place.server, place.key] = place
        self.revision += 1
        place.opened = self.revision
        self._changed.add(place)
        if self.front is None:
            self.turn_to(place)

    def way_out(self, place: Place) -> Place | None:
        """Return the place that closing ``place`` leads to: the last one in front that can be written to, if any."""
        others = [other for other in self._places if other is not place]
        same = [other for other in others if other.server == place.server]
        visited = [other for other in reversed(self._visited) if other in others]
        usable = [other for other in (*visited, *same) if other.is_usable]
        return next(iter((*usable, *same, *others)), None)

    def close(self, place: Place) -> None:
        """Remove a place. If it is in front, another one comes in front: see ``way_out``."""
        if place is self.front:
            following = self.way_out(place)
            if following is not None:
                self.turn_to(following)
            else:
                self.front = None
        self._places.remove(place)
        if place in self._visited:
            self._visited.remove(place)
        self._by_key.pop((place.server, place.key), None)
        self._changed.discard(place)
        self.mentions = deque((mention for mention in self.mentions if mention.place is not place), _MOST_MENTIONS)
        self.revision += 1

    def rename(self, place: Place, name: str, key: str) -> None:
        """Give a place another name, because the user there has another nick. The key must be free."""
        self._by_key.pop((place.server, place.key), None)
        place.name, place.key = name, key
        self._by_key[place.server, key] = place
        self.revision += 1
        self._changed.add(place)

    def move(self, place: Place, index: int) -> None:
        """Move a place to another index in the list."""
        self._places.remove(place)
        self._places.insert(index, place)
        self.revision += 1

    # What comes in

    def note(self, place: Place, entry: Entry, *, counts: bool, is_new: bool) -> None:
        """Count an entry that has come in. ``counts``: a message of another user. ``is_new``: said just now."""
        self._changed.add(place)
        if not is_new:
            return
        if entry.mention:
            self.mentions.append(Mention(place, entry))
        if not self.is_seen(place):
            place.note(entry, counts=counts)
        elif entry.said is not None:  # a JOIN comes before what was missed, and must not count that as read
            place.mark_read()

    def _read_front(self) -> None:
        if self.is_watched and self.front is not None:
            self.front.mark_read()
            self._changed.add(self.front)

    def _remember(self, place: Place) -> None:
        if place in self._visited:
            self._visited.remove(place)
        self._visited.append(place)
        del self._visited[:-_MOST_VISITED]

    def _next(self, level: str) -> Place | None:
        start = self._places.index(self.front) + 1 if self.front is not None else 0
        order = self._places[start:] + self._places[:start]
        return next((place for place in order if place.level == level and place is not self.front), None)
