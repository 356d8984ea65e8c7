"""The directories and tables of the world that note their changes, for the world of several nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from chatroom.chat.admission.account_directory import AccountDirectory
from chatroom.chat.admission.action_budgets import ActionBudgets
from chatroom.chat.admission.flood import LoginThrottle
from chatroom.chat.admission.lockdown import CurrentLockdown, Lockdown
from chatroom.chat.cluster.attributes import account_to_state
from chatroom.chat.cluster.documents import session_to_document
from chatroom.chat.people.accept_lists import AcceptLists
from chatroom.chat.people.online_directory import OnlineDirectory
from chatroom.chat.people.server_mutes import Mute, ServerMutes
from chatroom.chat.people.whowas import WhowasList

if TYPE_CHECKING:
    from chatroom.chat.cluster.recorder import Recorder
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import AccountEntry


class ClusterAccounts(AccountDirectory):
    """The accounts. A change reaches the other nodes with the turn, before they read it from the database."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder, entries: Iterable[AccountEntry]) -> None:
        self._recorder = recorder
        with recorder.quiet():
            super().__init__(entries)

    def put(self, entry: AccountEntry) -> None:
        """As ``AccountDirectory``, and recorded."""
        if self.find_by_id(entry.id) != entry:
            self._recorder.add(["account", account_to_state(entry)])
            # A new name takes the old one out first, which is no deletion.
            with self._recorder.quiet():
                super().put(entry)

    def discard(self, account_id: int) -> AccountEntry | None:
        """As ``AccountDirectory``, and recorded."""
        if self.find_by_id(account_id) is not None:
            self._recorder.add(["-account", account_id])
        return super().discard(account_id)


class ClusterLockdown(CurrentLockdown):
    """The lockdown."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def set(self, state: Lockdown, until_ms: int | None, by: str) -> None:
        """As ``CurrentLockdown``, and recorded."""
        super().set(state, until_ms, by)
        self._recorder.add(["lockdown", *self.to_state()])

    def to_state(self) -> list[Any]:
        """The state, for ``use_state``."""
        return [self._state.value, self.until_ms, self.set_by]

    def use_state(self, state: str, until_ms: int | None, by: str) -> None:
        """Take over the state of another node, which has stored it."""
        self.set(Lockdown(state), until_ms, by)


class ClusterOnline(OnlineDirectory):
    """The users online. ``note_device`` is called with each session of this node that a user has besides others."""

    __slots__ = ("_note_device", "_recorder")

    def __init__(self, recorder: Recorder, note_device: Callable[[Session], None]) -> None:
        super().__init__()
        self._recorder = recorder
        self._note_device = note_device

    def add_session(self, user: User, session: Session) -> None:
        """As ``OnlineDirectory``, and recorded."""
        self._recorder.add(["+session", user.folded, session_to_document(session)])
        super().add_session(user, session)
        self._note_device(session)
        self._recorder.forget(session)

    def rename_target(self, users: Iterable[User], before: str, after: str) -> None:
        """As ``OnlineDirectory``, and recorded."""
        self._recorder.add(["target", before, after])
        super().rename_target(users, before, after)


class ClusterAccepts(AcceptLists):
    """The accept lists."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def discard(self, user: User, other: User) -> bool:
        """As ``AcceptLists``, and recorded."""
        is_done = super().discard(user, other)
        if is_done:
            self._recorder.add(["-accept", user.folded, other.folded])
        return is_done

    def _put(self, user: User, other: User, named: bool) -> None:
        self._recorder.add(["accept", user.folded, other.folded, named])
        super()._put(user, other, named)


class ClusterWhowas(WhowasList):
    """The list of those who gave up a nick."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def _add(self, folded: str, one: tuple[Any, ...]) -> None:
        self._recorder.add(["was", *one])
        super()._add(folded, one)


class ClusterMutes(ServerMutes):
    """The mutes."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def put(self, keys: Iterable[str], mute: Mute) -> None:
        """As ``ServerMutes``, and recorded."""
        keys = list(keys)
        self._recorder.add(["mute", keys, list(mute)])
        super().put(keys, mute)

    def lift(self, mute: Mute) -> None:
        """As ``ServerMutes``, and recorded."""
        keys = [key for key, other in self._by_key.items() if other == mute]
        self._recorder.add(["-mute", keys])
        super().lift(mute)

    def discard(self, keys: Iterable[str]) -> None:
        """End the mutes under these keys, which another node has lifted."""
        for key in keys:
            self._by_key.pop(key, None)


class ClusterThrottle(LoginThrottle):
    """The failed logins."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def forgive(self, key: str, at_ms: int) -> None:
        """As ``LoginThrottle``, and recorded."""
        super().forgive(key, at_ms)
        self._record(key)

    def forget(self, key: str) -> None:
        """As ``LoginThrottle``, and recorded."""
        super().forget(key)
        self._record(key)

    def put(self, key: str, moments: list[int]) -> None:
        """Take over the tries of a key from another node."""
        self._tries.pop(key, None)
        if moments:
            self._tries[key] = moments
            self.drop_oldest()

    def _count(self, key: str, at_ms: int, mono_ms: int) -> None:
        super()._count(key, at_ms, mono_ms)
        self._record(key)

    def _record(self, key: str) -> None:
        self._recorder.add(["tries", key, list(self._tries.get(key, ()))])


class ClusterActions(ActionBudgets):
    """The budgets of actions."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def take(self, key: str, most: int, period_ms: int, mono_ms: int) -> int:
        """As ``ActionBudgets``, and recorded."""
        wait_ms = super().take(key, most, period_ms, mono_ms)
        if not wait_ms:
            self._recorder.add(["action", key, self._full_at_ms[key]])
        return wait_ms

    def put(self, key: str, full_at_ms: int) -> None:
        """Take over what is spent of a key's budget from another node."""
        self._full_at_ms.pop(key, None)
        self._full_at_ms[key] = full_at_ms
        self.drop_oldest()
