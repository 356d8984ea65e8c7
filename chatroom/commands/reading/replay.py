"""What somebody missed, shown by itself to clients that do not ask for history themselves.

At a JOIN: an account what was said since it left, a guest the last messages. The read runs in a worker, bounded by what
was the last thing said at the JOIN; what is said in the channel meanwhile waits behind it for that session, so that
nothing is read twice or out of order. When an account comes: the direct messages that were written to it meanwhile.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.delivery.playback import to_event
from chatroom.chat.people.labelled_reply import Batch
from chatroom.chat.stored.entries import AtMessageId, Entry, Part, first_message_id
from chatroom.errors import ChatroomError
from chatroom.irc import caps

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World

_DAY_MS = 86_400_000
_ACTION = "\x01ACTION "
_MARKED = caps.BATCH | caps.SERVER_TIME


def replay_channel(world: World, session: Session, channel: Channel, *, own: bool = False) -> None:
    """Have what was missed shown to a session that is in a channel from now on; its live lines wait behind it.

    Where the session joined by its ``own`` line, that line is done when this is: what it says next is answered behind.
    """
    history, ledger, user = world.settings.history, world.ledger, session.user
    if ledger.journal is None or user is None:
        return
    account_id = user.account.id if user.account is not None else None
    asks_itself = bool(session.caps & caps.CHATHISTORY)
    if account_id is not None:
        world.record_arrival(account_id, channel.folded)
    elif not history.replay_guests or not channel.stored:
        return  # a guests' channel is of the moment: who comes later was not meant
    if asks_itself or user.bot:
        return  # a bot would take old messages for new ones, or carry them over once more
    name, folded, up_to = channel.name, channel.folded, ledger.last_message_id
    made = first_message_id(channel.history_from_ms) - 1
    guests, most = history.replay_guests, history.replay_accounts_max
    if "H" in channel.flags and not user.is_operator:
        guests = most = 0  # the channel shows nothing from before

    def job(stores: Stores) -> list[Entry]:
        left = stores.presence.find_left(account_id, folded) if account_id is not None else None
        limit = guests if left is None else most
        if not limit:
            return []
        after = AtMessageId(max(left or 0, made))
        return stores.history.latest(name, limit, after=after, up_to=up_to)

    outbox = world.outbox
    queue = outbox.begin_replay(channel, session)
    waits = own and session.begin_replay()

    def then(found: object) -> None:
        try:
            if outbox.replays.find(channel, session) is queue:
                if not isinstance(found, ChatroomError) and not session.closing:
                    _show(world, session, found, channel.name)
                outbox.end_replay(channel, session)
        finally:
            if waits and session.end_replay():
                world.work.resumed.append(session)

    # Where an account left is written by the store worker, perhaps just now: it is the one to ask then.
    world.work.ask("history" if account_id is None else "store", job, then)


def replay_direct(world: World, session: Session) -> None:
    """Have the direct messages shown to a session that were written to its account while it was away."""
    user = session.user
    if world.ledger.journal is None or user is None or user.account is None:
        return
    account_id, up_to = user.account.id, world.ledger.last_message_id
    most = world.settings.history.replay_accounts_max
    world.record_arrival(account_id, "")
    if session.caps & caps.CHATHISTORY or user.bot or not most:
        return

    def job(stores: Stores) -> list[Entry]:
        left = stores.presence.find_left(account_id, "") or 0  # who never was here has read nothing
        found = stores.history.direct_since(account_id, AtMessageId(left), most, up_to=up_to)
        return [entry for entry in found if entry.account_id != account_id]

    def then(found: object) -> None:
        if not isinstance(found, ChatroomError) and not session.closing:
            _show(world, session, found)

    world.work.ask("store", job, then)


def _show(world: World, session: Session, found: object, target: str = "") -> None:
    """Send entries to a session; in ``chathistory`` batches, if the client knows batches and times.

    Software that obeys or carries over what it reads leaves such a batch alone. ``target`` is the channel; without it,
    direct messages have a batch for each sender.
    """
    assert isinstance(found, list)
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
            world.outbox.send_reply(session, batch, world.settings.server.name)
        return
    for entry in found:
        event = to_event(entry)
        world.outbox.number(event)
        if not session.variant & caps.SERVER_TIME:
            _stamp(event, entry, world.now_ms)
        world.outbox.to_session(session, event.render(session.variant))


def _stamp(event: Event, entry: Entry, now_ms: int) -> None:
    """Put the time in front of the text, for clients that have no other way to know it. UTC."""
    shape = "[%H:%M]" if now_ms - entry.time_ms < _DAY_MS else "[%Y-%m-%d %H:%M]"
    when = datetime.fromtimestamp(entry.time_ms / 1000, UTC).strftime(shape)
    if event.parts is not None:
        event.parts = [Part(f"{when} {event.parts[0].text}", False), *event.parts[1:]]
        return
    action = _ACTION if entry.text.startswith(_ACTION) else ""
    event.body = f"{entry.kind.name} {entry.target} :{action}{when} {entry.text.removeprefix(action)}"
