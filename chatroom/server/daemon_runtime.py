"""What the daemon does for its world: implements ``chatroom.chat.runtime.Runtime``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.counts import Counts
from chatroom.chat.runtime import ALL_WRITTEN, Written
from chatroom.errors import HandoverRefused
from chatroom.server.own_process import describe_use

if TYPE_CHECKING:
    from chatroom.chat.admission.reserved_places import Places
    from chatroom.chat.log_levels import LogLevels
    from chatroom.chat.people.session import Session
    from chatroom.config import Settings
    from chatroom.server.blocklists import Blocklists
    from chatroom.server.connection import Connection
    from chatroom.server.connection_counter import ConnectionCounter
    from chatroom.server.handover.upgrade import Upgrade
    from chatroom.server.supervisor import Supervisor

LoadSettings = Callable[[], "Settings"]
"""Reads the configuration from its file, the environment and the flags. Raises ``ConfigError``."""


class DaemonRuntime:
    """The daemon's configuration, connection limits and facts. ``is_ending`` is guarded by the hub lock."""

    supervisor: Supervisor
    """Watches the threads. Set once, before the first tick."""

    def __init__(
        self,
        load_settings: LoadSettings,
        counter: ConnectionCounter,
        facts: dict[str, str],
        blocklists: Blocklists,
        log_levels: LogLevels,
    ) -> None:
        self.is_ending = False
        self.upgrade: Upgrade | None = None
        """Begins upgrades. Set once, before the first tick; None if no other daemon can take the place of this one."""
        self.no_upgrade = "no new daemon can take the place of this one"
        """Why there is no ``upgrade``."""
        self.waiting_for_restart = ""
        self.counts = Counts()
        self.log_levels = log_levels
        self._load_settings = load_settings
        self._counter = counter
        self.scarce_places = counter.scarce_places
        """See ``Runtime``. The counter's own method, because each connection asks it twice."""
        self._facts = facts
        self._blocklists = blocklists
        self.more_facts: Callable[[], dict[str, str]] = dict
        """Facts that change while the daemon runs."""

    def load_settings(self) -> Settings:
        """Read the configuration again. Raises ``ConfigError``. From any thread, without the hub lock."""
        return self._load_settings()

    def admit(self, session: Session, settings: Settings) -> str | None:
        """Count a session against the limits of its present address; the reason for a refusal, or None."""
        return self._counter.admit(session, settings)

    def places(self, settings: Settings) -> Places:
        """How many connections are open, and how many there can be. From any thread."""
        return self._counter.places(settings)

    def find_written(self, session: Session) -> Written:
        """Return how far what a session was told is handed to its socket. Needs the hub lock."""
        connection: Connection | None = session.connection
        return ALL_WRITTEN if connection is None else connection.written

    def find_listing(self, version: int, address: int, settings: Settings) -> str:
        """Return the DNS blocklist that an address is on, or nothing. From any thread, without the hub lock."""
        return self._blocklists.find(version, address, settings.dnsbl)

    def begin_upgrade(self, session: Session | None) -> None:
        """Begin an upgrade: a new daemon takes the place of this one. From any thread.

        The ``session`` reads how that goes. Raises ``HandoverRefused`` if it cannot begin; without a session the log
        says so.
        """
        try:
            if self.upgrade is None:
                raise HandoverRefused(self.no_upgrade)
            self.upgrade.begin(session)
        except HandoverRefused as error:
            if session is not None:
                raise
            logging.getLogger(__name__).warning("not upgraded: %s", error)

    def facts(self) -> dict[str, str]:
        """The daemon's facts for ``STATUS``."""
        return {**self._facts, "threads": self.supervisor.describe(), **describe_use(), **self.more_facts()}
