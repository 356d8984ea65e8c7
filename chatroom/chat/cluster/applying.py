"""Applying: another node's records are done to this node's world, and told to this node's sessions.

Nothing is stored for it, because the other node has. In a tick, outside a turn. A record of an unknown kind is
left out. So is one that does not fit this world, and that is logged; if it tells who is there and where, this world is
not that of the other node any more, and the caller must know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from chatroom.chat.cluster.applied_tables import OF_TABLES
from chatroom.chat.cluster.applied_turn import AppliedTurn
from chatroom.chat.cluster.attributes import (
    set_channel_attribute,
    set_session_attribute,
    set_user_attribute,
)
from chatroom.chat.cluster.cluster_bans import put_ban
from chatroom.chat.cluster.documents import shadow_from_document, user_from_document
from chatroom.chat.cluster.session_table import Gap
from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.cluster.turn_records import Record
from chatroom.chat.cluster.untold import tell_untold
from chatroom.chat.log_line import LogWarning
from chatroom.chat.metadata import tell_change, tell_wanted
from chatroom.chat.people.server import Server
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.user import User

STRUCTURE = frozenset(
    ("+user", "-user", "nick", "+session", "-session", "closed", "+channel", "-channel", "rename", "join", "part")
)
"""The kinds of records that tell who is there and where. In equal worlds they fit, so one that does not fit shows that
this world differs."""


def apply(world: ClusterWorld, home: str, records: Iterable[Record]) -> str:
    """Do a turn of another node. Raises nothing that comes from the records.

    Return the kind of the first record that did not fit and tells who is there and where; empty if they all fit.
    """
    turn = AppliedTurn(world, home)
    with world.recorder.quiet():
        for record in records:
            act = _ACTS.get(record[0])
            if act is None:
                continue  # of a later version
            try:
                act(turn, *record[1:])
            except Exception as error:
                log_misfit(world, home, record, error)
                if not turn.misfit and record[0] in STRUCTURE:
                    turn.misfit = record[0]
    return turn.misfit


def log_misfit(world: ClusterWorld, home: str, record: Record, error: Exception) -> None:
    """Log a record that could not be applied."""
    what = f"{type(error).__name__} {error}"
    world.log_line(f"a record of {home} does not fit: {what[:100]}: {str(record)[:200]}", LogWarning)


# -- the turn -------------------------------------------------------------------------------------


def _tick(turn: AppliedTurn, clocks: dict[str, Any]) -> None:
    world = turn.world
    if "server" in clocks:
        name, description = clocks["server"]
        world.servers = {**world.servers, turn.home: Server(name, description)}
    world.turn_times.note(clocks["wall"], 0)
    shift_ms = world.mono_ms - clocks["mono"]
    # The least shift is the one of the records that came the quickest.
    known_ms = world.clock_shifts.get(turn.home, shift_ms)
    turn.shift_ms = world.clock_shifts[turn.home] = min(shift_ms, known_ms)


def _apply_kept(turn: AppliedTurn, home: str, records: list[Record]) -> None:
    turn.misfit = turn.misfit or apply(turn.world, home, records)


def _tell_untold(turn: AppliedTurn, *items: Any) -> None:
    tell_untold(turn.world, ["untold", *items])


def _end(turn: AppliedTurn, facts: dict[str, Any]) -> None:
    world, online = turn.world, turn.world.online
    world.last_seq = max(world.last_seq, facts["seq"])
    world.turn_times.note(0, facts["latest"])
    world.outbox.times.go_on(facts["latest"])
    online.most_users = max(online.most_users, facts.get("most_users", 0))
    online.last_guest_number = facts.get("guests", online.last_guest_number)


# -- people ---------------------------------------------------------------------------------------


def _add_user(turn: AppliedTurn, document: dict[str, Any], sessions: list[dict[str, Any]]) -> None:
    if casefold(document["nick"]) in turn.world.users:
        raise KeyError(f"{document['nick']} is there already")
    shadows = [shadow_from_document(turn.world, turn.world.shadow_kind, turn.home, one) for one in sessions]
    user_from_document(turn.world, document, shadows, turn.shift_ms)


def _remove_user(turn: AppliedTurn, folded: str) -> None:
    world, user = turn.world, turn.user(folded)
    for session in turn.own(user):
        world.outbox.settle(session)
        # Later it has no user, so that it would not read that the user is gone.
        if world.monitors.has(session, user.nick):
            world.tell_session(session, f":{world.settings.server.name} 731 {user.nick} :{user.nick}")
    del world.users[folded]
    world.online.discard(user)
    world.accepts.forget_user(user)
    for channel in list(user.channels):
        _leave(turn, channel, user)
    for session in user.sessions:
        session.user = None
    user.sessions = []


def _rename_user(turn: AppliedTurn, before: str, nick: str) -> None:
    world, user = turn.world, turn.user(before)
    if world.users.get(casefold(nick), user) is not user:
        raise KeyError(f"{nick} is there already")
    del world.users[before]
    user.rename(nick)
    world.users[user.folded] = user


def _add_session(turn: AppliedTurn, folded: str, document: dict[str, Any]) -> None:
    user = turn.user(folded)
    shadow = shadow_from_document(turn.world, turn.world.shadow_kind, turn.home, document)
    shadow.user = user
    turn.world.online.add_session(user, shadow)


def _detach(turn: AppliedTurn, number: int) -> None:
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


def _close(turn: AppliedTurn, number: int) -> None:
    world = turn.world
    session = world.sessions.pop(number)
    session.closing = True
    world.monitors.clear(session)
    if not isinstance(session, Shadow):
        session.labelled_reply = None
        world.deferred_ends.pop(session, None)
        world.outbox.closed.append(session)


def _change_user(turn: AppliedTurn, folded: str, values: dict[str, Any]) -> None:
    user = turn.user(folded)
    for name, value in values.items():
        if name != "account_data":
            set_user_attribute(turn.world, user, name, value, turn.shift_ms)
    if "account_data" in values:  # behind the account, whose data it may be
        set_user_attribute(turn.world, user, "account_data", values["account_data"], turn.shift_ms)


def _change_session(turn: AppliedTurn, number: int, values: dict[str, Any]) -> None:
    session, online = turn.world.sessions[number], turn.world.online
    for name, value in values.items():
        set_session_attribute(session, name, value)
    if session.oper is None:
        online.opered.pop(session, None)
    else:
        online.opered[session] = None
    if session.user is not None:
        online.show_rank(session.user)


def _note_guest_message(turn: AppliedTurn, folded: str, message_id: int) -> None:
    turn.user(folded).add_guest_message(message_id)


# -- channels -------------------------------------------------------------------------------------


def _make_channel(turn: AppliedTurn, name: str, created_ms: int) -> None:
    channel = turn.world.find_channel(name)
    if channel is None:
        turn.world.make_channel(name).created_ms = created_ms
    else:  # two nodes have it from their settings, and neither knew of the other's; both orders give the same time
        channel.created_ms = min(channel.created_ms, created_ms)


def _drop_channel(turn: AppliedTurn, folded: str) -> None:
    del turn.world.channels[folded]


def _rename_channel(turn: AppliedTurn, before: str, name: str) -> None:
    world, channel = turn.world, turn.channel(before)
    world.channel_renames += 1
    del world.channels[before]
    world.ledger.hooks.rename_channel(channel.name, name)
    world.ledger.hooks.end_rename(channel.name, name)
    channel.rename(name)
    world.channels[channel.folded] = channel


def _join(turn: AppliedTurn, folded: str, nick: str, standing: int, last_message_id: int) -> None:
    channel, user = turn.channel(folded), turn.user(nick)
    for session in turn.own(user):
        turn.world.outbox.settle(session)
    channel.add_member(user, standing, last_message_id)


def _part(turn: AppliedTurn, folded: str, nick: str) -> None:
    outbox, channel, user = turn.world.outbox, turn.channel(folded), turn.user(nick)
    if user not in channel.members:
        raise KeyError(f"{nick} is not in {folded}")
    for session in turn.own(user):
        if outbox.replays.find(channel, session) is not None:
            outbox.end_replay(channel, session)
        outbox.settle(session)
    _leave(turn, channel, user)


def _leave(turn: AppliedTurn, channel: Channel, user: User) -> None:
    channel.discard_member(user)
    for session in user.sessions:
        turn.world.outbox.drop_replay(channel, session)


def _set_standing(turn: AppliedTurn, folded: str, nick: str, standing: int) -> None:
    channel, user = turn.channel(folded), turn.user(nick)
    if user in channel.members:
        channel.set_standing(user, standing)


def _change_channel(turn: AppliedTurn, folded: str, values: dict[str, Any]) -> None:
    channel = turn.channel(folded)
    for name, value in values.items():
        set_channel_attribute(turn.world, channel, name, value, turn.shift_ms)


def _note_slow(turn: AppliedTurn, folded: str, nick: str, moment_ms: int, is_member: bool) -> None:
    channel = turn.channel(folded)
    if channel.slow_mode is not None:
        channel.slow_mode.note(turn.user(nick), moment_ms + turn.shift_ms, is_member=is_member)


# -- what is told ---------------------------------------------------------------------------------


def _say(turn: AppliedTurn, folded: str, item: Record | int, skipped: int = 0) -> None:
    world, event = turn.world, turn.event(item)
    skip = world.sessions.get(skipped) if skipped else None
    world.outbox.to_channel(turn.channel(folded), event, skip, turn.channels_of(item))


def _line(turn: AppliedTurn, number: int, seq: int, text: str) -> None:
    session = turn.world.sessions.get(number)
    seq = turn.number(seq)
    if session is not None and not isinstance(session, Shadow):
        turn.world.outbox.to_session(session, text.encode("utf-8", "surrogateescape"), seq)


def _online(turn: AppliedTurn, folded: str, prefix: str) -> None:
    turn.world.monitors.tell_prefix(turn.world.outbox, turn.world.settings.server.name, folded, prefix)


def _offline(turn: AppliedTurn, nick: str) -> None:
    turn.world.monitors.tell_offline(turn.world.outbox, turn.world.settings.server.name, nick)


def _seen(turn: AppliedTurn, folded: str, item: Record | int) -> None:
    turn.world.monitors.tell_change(turn.world.outbox, turn.user(folded), turn.event(item))


def _values(turn: AppliedTurn, folded: str, values: dict[str, str | None], is_new: bool) -> None:
    world, user = turn.world, turn.user(folded)
    watchers = list(world.monitors.watchers(user.nick))
    if is_new:
        tell_wanted(world, watchers, user.nick, {key: value for key, value in values.items() if value is not None})
        return
    # Another record tells the members of the user's channels.
    near = {user, *[member for channel in user.channels for member in channel.members]} if watchers else set()
    for key, value in values.items():
        far = [session for session in watchers if session.user not in near]
        tell_change(world, None, far, user.nick, key, value)


def _show_missed(turn: AppliedTurn, number: int, after: int) -> None:
    session = turn.world.sessions.get(number)
    if isinstance(session, Shadow):
        turn.world.sessions.gaps[number] = Gap(after, turn.world.last_seq)
    elif session is not None:
        turn.world.show_missed(session, after)


def _replay(turn: AppliedTurn, number: int, folded: str, last_message_id: int) -> None:
    world, session = turn.world, turn.world.sessions.get(number)
    if session is not None and not isinstance(session, Shadow) and world.replayer is not None:
        world.replayer(world, session, turn.channel(folded), last_message_id)


_ACTS: dict[str, Callable[..., None]] = {
    **OF_TABLES,
    "+channel": _make_channel,
    "+session": _add_session,
    "+user": _add_user,
    "-ban": lambda turn, ban_id: turn.world.bans.discard(ban_id),
    "-channel": _drop_channel,
    "-session": _detach,
    "-user": _remove_user,
    "channel": _change_channel,
    "ban": lambda turn, *values: put_ban(turn.world, values),
    "closed": _close,
    "end": _end,
    "join": _join,
    "line": _line,
    "mode": _set_standing,
    "nick": _rename_user,
    "offline": _offline,
    "online": _online,
    "missed": _show_missed,
    "part": _part,
    "rename": _rename_channel,
    "replay": _replay,
    "said": _note_guest_message,
    "say": _say,
    "seen": _seen,
    "session": _change_session,
    "slow": _note_slow,
    "tick": _tick,
    "turn": _apply_kept,
    "untold": _tell_untold,
    "user": _change_user,
    "values": _values,
}
