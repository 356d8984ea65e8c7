"""Applying: another node's records are done to this node's world, and told to this node's sessions.

Nothing is stored for it, because the other node has. In a tick, outside a turn. An unknown kind, and a record that does
not fit this world, are logged and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from chatroom.chat.cluster.attributes import (
    account_from_state,
    set_channel_attribute,
    set_session_attribute,
    set_user_attribute,
)
from chatroom.chat.cluster.documents import shadow_from_document, user_from_document
from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.cluster.turn_records import Record, event_from_record
from chatroom.chat.log_line import LogWarning
from chatroom.chat.metadata import tell_change, tell_wanted
from chatroom.chat.people.server_mutes import Mute

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User


def apply(world: ClusterWorld, home: str, records: Iterable[Record]) -> None:
    """Do a turn of another node. Raises nothing that comes from the records."""
    turn = _Turn(world, home)
    with world.recorder.quiet():
        for record in records:
            act = _ACTS.get(record[0])
            if act is None:
                continue  # of a later version
            try:
                act(turn, *record[1:])
            except Exception as error:
                what = f"{type(error).__name__} {error}"
                world.log_line(f"a record of {home} does not fit: {what[:100]}: {str(record)[:200]}", LogWarning)


class _Turn:
    """Another node's turn that is being applied."""

    def __init__(self, world: ClusterWorld, home: str) -> None:
        self.world = world
        self.home = home
        self.shift_ms = 0
        """How far this node's monotonic clock is ahead of the other's."""
        self._numbers: dict[int, int] = {}
        """By a number of the other node: the number that the line or event has here."""

    # -- what is there ----------------------------------------------------------------------------

    def user(self, folded: str) -> User:
        return self.world.users[folded]

    def channel(self, folded: str) -> Channel:
        return self.world.channels[folded]

    def own(self, user: User) -> list[Session]:
        """The user's sessions that are this node's."""
        return [session for session in user.sessions if not isinstance(session, Shadow)]

    def number(self, theirs: int) -> int:
        """This node's number for a number of the other node. An event keeps it, however it reaches a session."""
        number = self._numbers.get(theirs)
        if number is None:
            number = self._numbers[theirs] = self.world.outbox.take_number()
        return number

    def event(self, record: Record) -> Event:
        event = event_from_record(record)
        event.seq = self.number(record[0])
        return event


# -- the turn -------------------------------------------------------------------------------------


def _tick(turn: _Turn, clocks: dict[str, int]) -> None:
    world = turn.world
    shift_ms = world.mono_ms - clocks["mono"]
    # The least shift is the one of the records that came the quickest.
    known_ms = world.clock_shifts.get(turn.home, shift_ms)
    turn.shift_ms = world.clock_shifts[turn.home] = min(shift_ms, known_ms)


def _end(turn: _Turn, facts: dict[str, Any]) -> None:
    world, online = turn.world, turn.world.online
    world.last_seq = max(world.last_seq, facts["seq"])
    world.outbox.times.go_on(facts["latest"])
    online.most_users = max(online.most_users, facts["most_users"])
    online.last_guest_number = facts["guests"]


# -- people ---------------------------------------------------------------------------------------


def _add_user(turn: _Turn, document: dict[str, Any], sessions: list[dict[str, Any]]) -> None:
    shadows = [shadow_from_document(turn.world, turn.home, one) for one in sessions]
    user_from_document(turn.world, document, shadows, turn.shift_ms)


def _remove_user(turn: _Turn, folded: str) -> None:
    world, user = turn.world, turn.user(folded)
    for session in turn.own(user):
        world.outbox.settle(session)
    del world.users[folded]
    world.online.discard(user)
    world.accepts.forget_user(user)
    for channel in list(user.channels):
        _leave(turn, channel, user)
    for session in user.sessions:
        session.user = None
    user.sessions = []


def _rename_user(turn: _Turn, before: str, nick: str) -> None:
    world, user = turn.world, turn.user(before)
    del world.users[before]
    user.rename(nick)
    world.users[user.folded] = user


def _add_session(turn: _Turn, folded: str, document: dict[str, Any]) -> None:
    user = turn.user(folded)
    shadow = shadow_from_document(turn.world, turn.home, document)
    shadow.user = user
    turn.world.online.add_session(user, shadow)


def _detach(turn: _Turn, number: int) -> None:
    world, session = turn.world, turn.world.sessions[number]
    user = session.user
    assert user is not None
    world.outbox.settle(session)
    user.discard_session(session)
    world.online.discard_session(user, session)
    for channel in user.channels:
        channel.sessions.discard(session)
        world.outbox.drop_replay(channel, session)
    session.user = None


def _close(turn: _Turn, number: int) -> None:
    world = turn.world
    session = world.sessions.pop(number)
    session.closing = True
    world.monitors.clear(session)
    if not isinstance(session, Shadow):
        session.labelled_reply = None
        world.deferred_ends.pop(session, None)
        world.outbox.closed.append(session)


def _change_user(turn: _Turn, folded: str, values: dict[str, Any]) -> None:
    user = turn.user(folded)
    for name, value in values.items():
        if name != "account_data":
            set_user_attribute(turn.world, user, name, value, turn.shift_ms)
    if "account_data" in values:  # behind the account, whose data it may be
        set_user_attribute(turn.world, user, "account_data", values["account_data"], turn.shift_ms)


def _change_session(turn: _Turn, number: int, values: dict[str, Any]) -> None:
    session, online = turn.world.sessions[number], turn.world.online
    for name, value in values.items():
        set_session_attribute(session, name, value)
    if session.oper is None:
        online.opered.pop(session, None)
    else:
        online.opered[session] = None
    if session.user is not None:
        online.show_rank(session.user)


def _note_guest_message(turn: _Turn, folded: str, message_id: int) -> None:
    turn.user(folded).add_guest_message(message_id)


# -- channels -------------------------------------------------------------------------------------


def _make_channel(turn: _Turn, name: str, created_ms: int) -> None:
    turn.world.make_channel(name).created_ms = created_ms


def _drop_channel(turn: _Turn, folded: str) -> None:
    turn.world.channels.pop(folded, None)


def _rename_channel(turn: _Turn, before: str, name: str) -> None:
    world, channel = turn.world, turn.channel(before)
    world.channel_renames += 1
    del world.channels[before]
    world.ledger.hooks.rename_channel(channel.name, name)
    world.ledger.hooks.end_rename(channel.name, name)
    channel.rename(name)
    world.channels[channel.folded] = channel


def _join(turn: _Turn, folded: str, nick: str, standing: int, last_message_id: int) -> None:
    channel, user = turn.channel(folded), turn.user(nick)
    for session in turn.own(user):
        turn.world.outbox.settle(session)
    channel.add_member(user, standing, last_message_id)


def _part(turn: _Turn, folded: str, nick: str) -> None:
    outbox, channel, user = turn.world.outbox, turn.channel(folded), turn.user(nick)
    for session in turn.own(user):
        if outbox.replays.find(channel, session) is not None:
            outbox.end_replay(channel, session)
        outbox.settle(session)
    _leave(turn, channel, user)


def _leave(turn: _Turn, channel: Channel, user: User) -> None:
    channel.discard_member(user)
    for session in user.sessions:
        turn.world.outbox.drop_replay(channel, session)


def _set_standing(turn: _Turn, folded: str, nick: str, standing: int) -> None:
    channel, user = turn.channel(folded), turn.user(nick)
    if user in channel.members:
        channel.set_standing(user, standing)


def _change_channel(turn: _Turn, folded: str, values: dict[str, Any]) -> None:
    channel = turn.channel(folded)
    for name, value in values.items():
        set_channel_attribute(turn.world, channel, name, value, turn.shift_ms)


def _note_slow(turn: _Turn, folded: str, nick: str, moment_ms: int, is_member: bool) -> None:
    channel = turn.channel(folded)
    if channel.slow_mode is not None:
        channel.slow_mode.note(turn.user(nick), moment_ms + turn.shift_ms, is_member=is_member)


# -- directories and tables -----------------------------------------------------------------------


def _put_account(turn: _Turn, state: list[Any]) -> None:
    account = account_from_state(state)
    assert account is not None
    turn.world.accounts.put(account)


def _discard_account(turn: _Turn, account_id: int) -> None:
    turn.world.accounts.discard(account_id)


def _rename_target(turn: _Turn, before: str, after: str) -> None:
    turn.world.online.rename_target(turn.world.users.values(), before, after)


def _was(turn: _Turn, *values: Any) -> None:
    turn.world.whowas.use_state([list(values)])


def _accept(turn: _Turn, folded: str, other: str, named: bool) -> None:
    turn.world.accepts.use_state([[folded, other, named]], turn.world.users)


def _unaccept(turn: _Turn, folded: str, other: str) -> None:
    users = turn.world.users
    if folded in users and other in users:
        turn.world.accepts.discard(users[folded], users[other])


def _mute(turn: _Turn, keys: list[str], values: list[Any]) -> None:
    mute = Mute(*values)
    mute = mute._replace(until_mono_ms=mute.until_mono_ms + turn.shift_ms)
    turn.world.mutes.put(keys, mute)
    turn.world.spam.look()


def _unmute(turn: _Turn, keys: list[str]) -> None:
    turn.world.mutes.discard(keys)
    turn.world.spam.look()


def _tries(turn: _Turn, key: str, moments: list[int]) -> None:
    turn.world.throttle.put(key, [moment + turn.shift_ms for moment in moments])


def _action(turn: _Turn, key: str, moment_ms: int) -> None:
    turn.world.actions.put(key, moment_ms + turn.shift_ms)


# -- what is told ---------------------------------------------------------------------------------


def _say(turn: _Turn, folded: str, record: Record, skipped: int = 0, others: Iterable[str] = ()) -> None:
    world = turn.world
    channels = [world.channels[name] for name in others if name in world.channels]
    skip = world.sessions.get(skipped) if skipped else None
    world.outbox.to_channel(turn.channel(folded), turn.event(record), skip, channels)


def _line(turn: _Turn, number: int, seq: int, text: str) -> None:
    session = turn.world.sessions.get(number)
    seq = turn.number(seq)
    if session is not None and not isinstance(session, Shadow):
        turn.world.outbox.to_session(session, text.encode("utf-8", "surrogateescape"), seq)


def _online(turn: _Turn, folded: str, prefix: str) -> None:
    turn.world.monitors.tell_prefix(turn.world.outbox, turn.world.settings.server.name, folded, prefix)


def _offline(turn: _Turn, nick: str) -> None:
    turn.world.monitors.tell_offline(turn.world.outbox, turn.world.settings.server.name, nick)


def _seen(turn: _Turn, folded: str, record: Record) -> None:
    turn.world.monitors.tell_change(turn.world.outbox, turn.user(folded), turn.event(record))


def _values(turn: _Turn, folded: str, values: dict[str, str | None], is_new: bool) -> None:
    world, user = turn.world, turn.user(folded)
    watchers = list(world.monitors.watchers(user.nick))
    if is_new:
        tell_wanted(world, watchers, user.nick, {key: value for key, value in values.items() if value is not None})
        return
    # Who is in a channel with the user has a line of its own.
    near = {user, *[member for channel in user.channels for member in channel.members]} if watchers else set()
    for key, value in values.items():
        far = [session for session in watchers if session.user not in near]
        tell_change(world, None, far, user.nick, key, value)


def _lockdown(turn: _Turn, *values: Any) -> None:
    turn.world.lockdown.use_state(*values)


def _replay(turn: _Turn, number: int, folded: str, last_message_id: int) -> None:
    world, session = turn.world, turn.world.sessions.get(number)
    if session is not None and not isinstance(session, Shadow) and world.replayer is not None:
        world.replayer(world, session, turn.channel(folded), last_message_id)


_ACTS: dict[str, Callable[..., None]] = {
    "+channel": _make_channel,
    "+session": _add_session,
    "+user": _add_user,
    "-accept": _unaccept,
    "-account": _discard_account,
    "-channel": _drop_channel,
    "-mute": _unmute,
    "-session": _detach,
    "-user": _remove_user,
    "accept": _accept,
    "account": _put_account,
    "action": _action,
    "channel": _change_channel,
    "closed": _close,
    "end": _end,
    "join": _join,
    "line": _line,
    "lockdown": _lockdown,
    "mode": _set_standing,
    "mute": _mute,
    "nick": _rename_user,
    "offline": _offline,
    "online": _online,
    "part": _part,
    "rename": _rename_channel,
    "replay": _replay,
    "said": _note_guest_message,
    "say": _say,
    "seen": _seen,
    "session": _change_session,
    "slow": _note_slow,
    "target": _rename_target,
    "tick": _tick,
    "tries": _tries,
    "user": _change_user,
    "values": _values,
    "was": _was,
}
