"""What stands between users and spam: the filters in force, the mutes, and how often each filter has matched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.spam_filters import FilterSet
from chatroom.chat.people.server_mutes import ServerMutes

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import SpamFilter
    from chatroom.config import Settings


class SpamGuard:
    """The filters and what came of them. Guarded by the hub lock."""

    __slots__ = ("_counted", "_looked_mono_ms", "_saving", "filters", "is_on", "mutes", "unsaved")

    def __init__(self) -> None:
        self.is_on = False
        """True if a text may be refused. Every message asks, and nothing else of this if it is False."""
        self.filters = FilterSet()
        self.mutes = ServerMutes()
        self.unsaved: dict[int, int] = {}
        """The hits that are still to be stored, by the ids of filters."""
        self._saving: dict[int, int] = {}
        """The hits that are being stored."""
        self._counted: dict[int, int] = {}
        """All hits since the filters were read."""
        self._looked_mono_ms = 0
        """When mutes that are over were last forgotten."""

    def use(self, filters: FilterSet) -> None:
        """Put filters into force instead of the earlier ones, with the hits that the database had."""
        self.filters = filters
        self._counted = {}
        for counts in (self._saving, self.unsaved):
            for filter_id, count in counts.items():
                self._counted[filter_id] = self._counted.get(filter_id, 0) + count
        self.look()

    def look(self) -> None:
        """Set ``is_on``, after the filters or mutes have changed."""
        self.is_on = bool(self.filters) or len(self.mutes) > 0

    def forget_ended(self, mono_ms: int) -> None:
        """Forget the mutes that are over; at most once a minute, because it looks at all."""
        if self.mutes and mono_ms - self._looked_mono_ms > 60_000:
            self._looked_mono_ms = mono_ms
            self.mutes.drop_ended(mono_ms)
            self.look()

    def stops(self, user: User, session: Session, settings: Settings, text: str, mono_ms: int) -> bool:
        """True if a text may have to be refused. Moderators and admins say it all the same."""
        if self.mutes:
            if self.mutes.find(user, session, settings, mono_ms) is not None:
                return True
            self.forget_ended(mono_ms)
        return self.filters.find(text) is not None

    # -- hits -------------------------------------------------------------------------------------

    def count(self, filter_id: int) -> None:
        """Count a hit of a filter."""
        self.unsaved[filter_id] = self.unsaved.get(filter_id, 0) + 1
        self._counted[filter_id] = self._counted.get(filter_id, 0) + 1

    def hits(self, one: SpamFilter) -> int:
        """Return how many texts a filter has matched."""
        return one.hits + self._counted.get(one.id, 0)

    def begin_saving(self) -> dict[int, int]:
        """Return the hits to store now. ``end_saving`` must follow; until then it returns none."""
        if self._saving:
            return {}
        self._saving, self.unsaved = self.unsaved, {}
        return self._saving

    def end_saving(self, *, stored: bool) -> None:
        """Note whether the hits were stored. If not, they are to be stored again."""
        if not stored:
            for filter_id, count in self._saving.items():
                self.unsaved[filter_id] = self.unsaved.get(filter_id, 0) + count
        self._saving = {}
