"""A runtime for worlds without a daemon."""

from __future__ import annotations

from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.admission.reserved_places import Places
from chatroom.chat.counts import Counts
from chatroom.chat.log_levels import LogLevels
from chatroom.chat.people.session import Session
from chatroom.chat.runtime import ALL_WRITTEN, Written
from chatroom.chat.world import World
from chatroom.config import Settings
from chatroom.errors import ConfigError, HandoverRefused


class FakeRuntime:
    """Admits every session. A test assigns what a reload finds (settings or an error), facts, places, or a refusal."""

    def __init__(self, settings: Settings) -> None:
        self.is_ending = False
        self.waiting_for_restart = ""
        self.counts = Counts()
        self.log_levels = LogLevels()
        self.settings: Settings | ConfigError = settings
        self.known_facts: dict[str, str] = {}
        self.refusal: str | None = None
        self.known_places = Places(0, None)
        self.listings: dict[int, str] = {}
        """The blocklists that addresses are on."""
        self.asked_for: list[int] = []
        """The addresses that blocklists were asked for, in order."""
        self.upgrades: list[Session | None] = []
        """Who has begun upgrades, in order."""
        self.upgrade_refusal = ""
        self.written: dict[Session, Written] = {}
        """How far sockets have taken what they were given, for sessions of which not everything is taken."""
        self.admitted: list[str] = []
        """The addresses of the sessions that asked to be admitted, in order."""

    def load_settings(self) -> Settings:
        if isinstance(self.settings, ConfigError):
            raise self.settings
        return self.settings

    def admit(self, session: Session, settings: Settings) -> str | None:
        self.admitted.append(session.address_text)
        return self.refusal

    def places(self, settings: Settings) -> Places:
        return self.known_places

    def scarce_places(self, settings: Settings) -> Places | None:
        return self.known_places

    def find_written(self, session: Session) -> Written:
        return self.written.get(session, ALL_WRITTEN)

    def find_listing(self, version: int, address: int, settings: Settings) -> str:
        self.asked_for.append(address)
        return self.listings.get(address, "")

    def begin_upgrade(self, session: Session | None) -> None:
        if self.upgrade_refusal:
            raise HandoverRefused(self.upgrade_refusal)
        self.upgrades.append(session)

    def facts(self) -> dict[str, str]:
        return self.known_facts


def make_world(settings: Settings, start_wall_ms: int = 0) -> World:
    """Make an empty world that keeps no history."""
    return World(settings, FakeRuntime(settings), Cloak(b"key"), start_wall_ms, 0)
