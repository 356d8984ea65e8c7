"""What chats on a screen leave behind: open places, up to when they were read, typed lines, and logs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.client.chat_events import Event, Trouble
from chatroom.client.chat_session import ChatSession
from chatroom.client.disk_log import DiskLog
from chatroom.client.options import Options
from chatroom.client.remembering import OpenPlaces
from chatroom.client.store.memory import Memory

if TYPE_CHECKING:
    from chatroom.client.kept_lines import KeptLines


MARK_PAUSE_S = 5.0
"""How often it is written up to when the places were read. In a busy room that changes all the time."""


class Record:
    """Follows the sessions of a screen. ``clock`` returns seconds. For one thread."""

    def __init__(self, memory: Memory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock
        self._marked_at = clock()
        self._places: dict[ChatSession, OpenPlaces] = {}
        self._logs: list[DiskLog] = []

    def find_places(self, options: Options) -> OpenPlaces | None:
        """Return the places of this user's last chat with a server; None if the user does not want them back."""
        return OpenPlaces(self._memory, options.place_owner) if options.settings.current.start.reopen else None

    def begin(self, session: ChatSession, options: Options, places: OpenPlaces | None) -> None:
        """Open the places of the last chat in a session that has not begun, and follow it from now on."""
        session.places.highlights = options.settings.current.attention.words
        log = DiskLog(
            options.server_name,
            session.state.fold,
            lambda: datetime.now(UTC),
            lambda: options.settings.current.logs.directory,
        )
        session.talk.note = log.note
        self._logs.append(log)
        if places is None:
            return
        session.navigation.recall(places.find_read_mark)
        people = [name for name in reversed(places.names) if not session.state.is_channel(name)]
        named = options.join[0] if options.joins_asked else None
        session.navigation.reopen(people, named or places.front or session.target)
        self._places[session] = places

    def open_history(self, most: int, place: Callable[[], str]) -> KeptLines:
        """Return the typed lines of earlier chats, at most so many. ``place`` returns the place in front."""
        from chatroom.client.kept_lines import KeptLines  # here, because it loads prompt_toolkit

        return KeptLines(self._memory, most, place)

    def take(self, session: ChatSession) -> list[Event]:
        """Remember how a chat stands after each change, and write the logs of all.

        Returns what went wrong with that, each fault once.
        """
        places = self._places.get(session)
        if places is not None and session.online:
            front = session.state.fold(session.target) if session.target is not None else None
            places.follow(session.navigation.open_places, front)
            if self._clock() - self._marked_at >= MARK_PAUSE_S:
                self._write_marks()
        faults = [self._memory.take_trouble(), *(log.write() for log in self._logs)]
        return [Trouble(fault) for fault in faults if fault]

    @property
    def is_behind(self) -> bool:
        """True if places were read further than is written. ``take`` writes it, a little later."""
        return any(
            session.online and places.differs(session.navigation.read_marks) for session, places in self._places.items()
        )

    def finish(self) -> None:
        """Remember what is not written yet, at the end of the chats, and close the memory."""
        self._write_marks()
        self._memory.close()
        for log in self._logs:
            log.write()

    def _write_marks(self) -> None:
        self._marked_at = self._clock()
        for session, places in self._places.items():
            places.mark(session.navigation.read_marks)
