"""What was said around a message that the log does not have any more, or not yet: pages that the server is asked for.

An excerpt is shown in place of the log. The log stays as it is, without a gap in it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chatroom.client.chat_events import Event, Said
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place import Place
from chatroom.client.places.place_log import PlaceLog
from chatroom.client.talk import Talk
from chatroom.irc.times import format_time


class Excerpt:
    """A part of what was said in ``place``, around ``said``. ``changed`` is called when a page has come."""

    def __init__(self, talk: Talk, place: Place, said: Said, now: datetime, changed: Callable[[Excerpt], None]) -> None:
        self.of = place
        """The place that it is an excerpt of."""
        self.said = said
        self.has_failed = False
        """True if the server does not show what was said there."""
        log = PlaceLog(talk.state.fold)
        self.place = Place(place.kind, place.name, place.server, place.key, log, place.people)
        """What a ``LogWidget`` shows."""
        self._talk = talk
        self._now = now
        self._changed = changed
        self._is_asking = False
        self._is_whole = {"BEFORE": False, "AFTER": False}

    @property
    def entry(self) -> Entry | None:
        """The message that it is about; None until the first page has come."""
        log = self.place.log
        if self.said.id:
            return log.find(self.said.id)
        alike = (entry for entry in log.entries if entry.said is not None and entry.said.at == self.said.at)
        return next((entry for entry in alike if entry.said is not None and entry.said.text == self.said.text), None)

    @property
    def newest_of_log(self) -> Entry | None:
        """The newest message, as it is in the log of the place; None if it is not there."""
        return self.of.log.find(self.place.log.newest_id)

    def ask(self) -> bool:
        """Ask for what was said around the message; False if the server cannot be asked."""
        said = self.said
        if said.id:
            mark = f"msgid={said.id}"
        elif said.at is not None:
            mark = f"timestamp={format_time(max(0, round(said.at.timestamp() * 1000)))}"
        else:
            return False
        return self._ask("AROUND", mark)

    def ask_older(self) -> None:
        """Ask for the page before what is here."""
        self._ask_next("BEFORE", self.place.log.oldest_id)

    def ask_newer(self) -> None:
        """Ask for the page after what is here."""
        self._ask_next("AFTER", self.place.log.newest_id)

    def _ask_next(self, side: str, msgid: str) -> None:
        if msgid and not self._is_asking and not self._is_whole[side]:
            self._ask(side, f"msgid={msgid}")

    def _ask(self, subcommand: str, bounds: str) -> bool:
        self._is_asking = self._talk.is_online and self._talk.history.ask_excerpt(
            self.of, subcommand, bounds, lambda events: self._take(events, subcommand)
        )
        return self._is_asking

    def _take(self, events: tuple[Event, ...] | None, subcommand: str) -> None:
        self._is_asking = False
        if events is not None:
            self.place.log.insert(events, self._now)
        if subcommand in self._is_whole and not events:
            self._is_whole[subcommand] = True
        self.has_failed = self.entry is None
        self._changed(self)
