"""What the world needs from the process that runs it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from chatroom.chat.admission.reserved_places import Places
    from chatroom.chat.counts import Counts
    from chatroom.chat.log_levels import LogLevels
    from chatroom.chat.people.session import Session
    from chatroom.config import Settings


class Written(NamedTuple):
    """How far what a session was told is handed to its socket."""

    seq: int
    """Everything up to this sequence number is."""
    is_all: bool
    """True if the socket takes what it is given; False if something waits for it, or it takes nothing any more."""


ALL_WRITTEN = Written(sys.maxsize, is_all=True)
"""If the session has no socket here."""


class Runtime(Protocol):
    """The process around the world: its configuration file, its sockets, its end.

    The daemon implements it (``chatroom.server.daemon_runtime``); tests have their own.
    """

    is_ending: bool
    """True from the moment the daemon begins to stop. Changed under the hub lock."""

    counts: Counts
    """What happened since the start. Changed under the hub lock."""

    log_levels: LogLevels
    """Which log lines are written. Changed under the hub lock."""

    waiting_for_restart: str
    """The keys that a reload has found changed and only a restart changes, for people. Changed under the hub lock."""

    def load_settings(self) -> Settings:
        """Read the configuration again. Blocks, so call it without the hub lock. Raises ``ConfigError``."""
        ...

    def admit(self, session: Session, settings: Settings) -> str | None:
        """Count a session against the limits of its present address, and of no other. Needs the hub lock.

        Return the reason for a refusal, or None if the session may stay.
        """
        ...

    def places(self, settings: Settings) -> Places:
        """How many connections are open, and how many there can be. From any thread."""
        ...

    def scarce_places(self, settings: Settings) -> Places | None:
        """The same if more than half of all places are taken; None if not: none is reserved then. From any thread."""
        ...

    def find_written(self, session: Session) -> Written:
        """Return how far what a session was told is handed to its socket. Needs the hub lock."""
        ...

    def find_listing(self, version: int, address: int, settings: Settings) -> str:
        """Return the DNS blocklist that an address is on; empty if it is on none, or none can be asked.

        Blocks, so call it without the hub lock.
        """
        ...

    def begin_upgrade(self, session: Session | None) -> None:
        """Begin an upgrade: a new daemon takes the place of this one. From any thread.

        If there is a ``session``, it reads how that goes. Raises ``HandoverRefused`` if that cannot begin.
        """
        ...

    def facts(self) -> dict[str, str]:
        """The daemon's own facts for ``STATUS``: its addresses, database, configuration and process id."""
        ...
