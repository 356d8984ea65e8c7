"""The replay: missed messages, shown to clients that cannot ask for them (CHATHISTORY).

- At a JOIN, the user of an account is shown what the channel has said since the account left it, and a guest the last
  messages.
- At a login, the user is shown the direct messages that the account has got meanwhile.

A worker reads the entries, up to the last one before the JOIN. What the channel says while it reads waits in the
session's replay queue, so that the session reads everything once and in order.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.delivery.answer_costs import answer_bytes, count_unread
from chatroom.chat.delivery.playback import to_event
from chatroom.chat.delivery.replies import send_reply
from chatroom.chat.people.labelled_reply import Batch
from chatroom.chat.stored.entries import AtMessageId, Entry, Part
from chatroom.errors import ChatroomError
from chatroom.irc import caps
from chatroom.irc.ctcp import is_ctcp_request
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.names import casefold
from chatroom.irc.packing import split_text

if TYPE_CHECKING:
    from chatroom.chat.delivery.replay_queue import ReplayQueue
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.work_queue import Queue
    from chatroom.chat.world import World

_DAY_MS = 86_400_000
_MARK = "\x01"
_ACTION = f"{_MARK}ACTION "
_MARKED = caps.BATCH | caps.SERVER_TIME
_WITH_EVENTS = _MARKED | caps.EVENT_PLAYBACK
_ASKS = caps.CHATHISTORY | caps.PLAYBACK
"""A client with one of these asks for what it missed."""


class _Missed(NamedTuple):
    """What a session is to be shown of a channel."""

    account_id: int | None
    """None for a guest."""
    after: int
    up_to: int
    """The message ids between which it lies: with ``up_to``, without ``after``."""
    at_first: int
    """The most entries for a guest, and for an account that was never here before."""
    most: int
    """The most entries for an account that was here before."""
    events: bool
    """True if the session reads reactions, topics and so on too."""
    left: int | None = None
    """The message id at which the account has left; None to look it up."""

    def read(self, stores: Stores, name: str) -> list[Entry]:
        """Read it from the channel of that name."""
        left = self.left
        if left is None and self.account_id is not None:
            left = stores.presence.find_left(self.account_id, casefold(name))
        limit = self.at_first if left is None else self.most
        if not limit:
            return []
        after = AtMessageId(max(left or 0, self.after))
        return stores.history.latest(name, limit, after=after, up_to=self.up_to, events=self.events)


def replay_channel(
    world: World,
    session: Session,
    channel: Channel,
    *,
    up_to: int = 0,
    left: int | None = None,
) -> None:
    """Show a session what it missed in a channel that its user has just joined, when a worker has read it.

    The session's further lines wait until the replay is over: it would read its own messages at once, and what others
    said before them only then. ``up_to`` is the last message id from before the JOIN, if that was another node's.
    ``left`` is the message id at which the account has left, if it is not where the database has it.
    """
    if world.leaves_replay(session, channel):
        return
    history, ledger, user = world.settings.history, world.ledger, session.user
    if ledger.journal is None or user is None:
        return
    account_id = user.account.id if user.account is not None else None
    asks_itself = bool(session.caps & _ASKS)
    if account_id is None and (not history.replay_guests or not channel.stored):
        # A channel that ends with its last member is for the users that are in it: later ones are not shown it.
        return
    if asks_itself or user.bot:
        return  # a bot would take old messages for new ones, or carry them over once more
    guests, most = history.replay_guests, history.replay_accounts_max
    if "H" in channel.flags and not session.is_operator:
        guests = most = 0  # a member can read the channel from its JOIN on
    events = session.caps & _WITH_EVENTS == _WITH_EVENTS
    # What is said from here on is not read by the worker, because it waits in the replay queue.
    missed = _Missed(account_id, channel.began_after, up_to or world.outbox.seq, guests, most, events, left)
    queue = world.outbox.begin_replay(channel, session)
    world.whereabouts.begin_replay(session, channel)
    session.begin_wait()
    _show_missed(world, session, channel, missed, queue)


def _show_missed(world: World, session: Session, channel: Channel, missed: _Missed, queue: ReplayQueue) -> None:
    """Have a worker read it, and then show it and end the replay."""
    outbox, name = world.outbox, channel.name

    def then(found: object) -> None:
        # Another queue, or none, if the session has left the channel since, and perhaps joined again.
        is_wanted = outbox.replays.find(channel, session) is queue
        if is_wanted and channel.name != name:
            # Once more, because the job may have looked under the old name when there was nothing left.
            _show_missed(world, session, channel, missed, queue)
            return
        try:
            if is_wanted:
                if not isinstance(found, ChatroomError) and not session.closing:
                    _show(world, session, found, channel.name)
                outbox.end_replay(channel, session)
                world.whereabouts.end_replay(session, channel)
        finally:
            if session.end_wait():
                world.work.resumed.append(session)

    # The store worker writes where an account left, perhaps a moment ago. So it must be the one that reads it.
    worker: Queue = "history" if missed.account_id is None else "store"
    world.work.ask(worker, lambda stores: missed.read(stores, name), then, session)


def replay_gap(world: World, session: Session, after: int, up_to: int) -> None:
    """Show a session what its account has missed between two message ids, though its user was there.

    The user's other sessions were those of a node that was dying.
    """
    user = session.user
    if user is None or user.account is None:
        return
    for channel in list(user.channels):
        left = max(after, channel.joined_after.get(user, up_to))
        if left < up_to and world.outbox.replays.find(channel, session) is None:
            replay_channel(world, session, channel, up_to=up_to, left=left)
    replay_direct(world, session, up_to=up_to, left=after)


def replay_direct(world: World, session: Session, *, up_to: int = 0, left: int | None = None) -> None:
    """Show a session the direct messages that its account got while no session was logged in to it.

    ``up_to`` and ``left`` are as for ``replay_channel``.
    """
    user = session.user
    if world.ledger.journal is None or user is None or user.account is None:
        return
    account_id, up_to = user.account.id, up_to or world.outbox.seq
    most = world.settings.history.replay_accounts_max
    if session.caps & _ASKS or user.bot or not most:
        return

    def job(stores: Stores) -> list[Entry]:
        # An account that was never connected has read nothing.
        after = left if left is not None else stores.presence.find_left(account_id, "") or 0
        found = stores.history.direct_since(account_id, AtMessageId(after), most, up_to=up_to)
        return [entry for entry in found if entry.account_id != account_id]

    def then(found: object) -> None:
        world.note_direct_replay(session, is_over=True)
        if not isinstance(found, ChatroomError) and not session.closing:
            _show(world, session, found)
            world.whereabouts.end_replay(session, None)

    world.whereabouts.begin_replay(session, None)
    world.note_direct_replay(session, is_over=False)
    world.work.ask("store", job, then, session)


def _show(world: World, session: Session, found: object, target: str = "") -> None:
    """Send entries to a session; in ``chathistory`` batches, if the client knows batches and times.

    Software that obeys or carries over what it reads leaves such a batch alone. ``target`` is the channel; without it,
    direct messages have a batch for each sender.
    """
    assert isinstance(found, list)
    before = count_unread(session)
    _send(world, session, found, target)
    world.costs.pay(session, answer_bytes(session, before), world.mono_ms)


def _send(world: World, session: Session, found: list[Entry], target: str) -> None:
    # An earlier version of the daemon stored them. A client would answer, to who asked long ago.
    found = [entry for entry in found if not is_ctcp_request(entry.text)]
    if session.caps & _MARKED == _MARKED:
        batches: dict[str, Batch] = {}
        for entry in found:
            name = target or entry.source.partition("!")[0]
            if name not in batches:
                batches[name] = Batch(world.outbox.reference(), f"chathistory {name}")
            event = to_event(entry)
            world.outbox.number(event)
            batches[name].replies.append(event)
        for batch in batches.values():
            send_reply(world.outbox, session, batch, world.settings.server.name)
        return
    for entry in found:
        event = to_event(entry)
        world.outbox.number(event)
        variant = session.variant
        if not variant & caps.SERVER_TIME:
            stamp(event, entry, world.wall_ms)
            variant &= ~caps.MULTILINE  # a message that is in parts only because of its stamp may be an ACTION
        world.outbox.to_session(session, event.render(variant))


@lru_cache(maxsize=1024)
def _show_minute(minute: int, is_recent: bool) -> str:
    shape = "[%H:%M]" if is_recent else "[%Y-%m-%d %H:%M]"
    return datetime.fromtimestamp(minute * 60, UTC).strftime(shape)


def stamp(event: Event, entry: Entry, wall_ms: int) -> None:
    """Put the time (UTC) in front of the text, for a client without server-time."""
    when = _show_minute(entry.time_ms // 60_000, wall_ms - entry.time_ms < _DAY_MS)
    head = f"{entry.kind.name} {entry.target}"
    if event.parts is not None:
        first, *others = event.parts  # the time is on the first line only
        event.set_parts(head, [Part(f"{when} {first.text}", False), *others])
    elif not entry.text.startswith(_ACTION):
        event.set_text(head, f"{when} {entry.text}")
    else:
        # In an ACTION the time goes behind the mark, so that the client still shows an action. One that is too long
        # with it becomes two.
        text = f"{when} {entry.text.removeprefix(_ACTION).removesuffix(_MARK)}"
        room = LINE_BYTES - len(f":{event.source} {head} :{_ACTION}{_MARK}".encode())
        event.set_parts(head, [Part(f"{_ACTION}{piece}{_MARK}", False) for piece in split_text(text, room)])
