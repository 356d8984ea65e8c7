"""Which messages go into the history, and waiting for the database (see ``chatroom.chat.delivery.ledger``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from chatroom.chat.admission.reserved_names import is_nickserv
from chatroom.chat.log_line import LogWarning
from chatroom.chat.stored.entries import Conversation, direct
from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.commands.pending import Pending
from chatroom.errors import StorageError
from chatroom.irc.framing import encode

if TYPE_CHECKING:
    from chatroom.chat.delivery.ledger import NotWritten
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.chat.world import World
    from chatroom.commands.context import Context
    from chatroom.commands.talking.utterance import Utterance

RETRY_MS = 5
"""How long a waiting line waits before it asks again."""
_NOT_SENT = "Your message was not sent, because it could not be stored"
Say = Callable[["Utterance", "list[str]"], "Pending | None"]
"""Sends a message to the targets of these names. Returns what must be waited for, if a target is a service."""

_REFUSED = Pending(None, None, lambda context, result: None)
"""Does nothing: for None, the caller would send the message that was just refused."""


def wait_for_journal(
    utterance: Utterance, names: list[str], say: Say, since_mono_ms: int | None = None
) -> Pending | None:
    """Return what to wait for if the message must be stored and another process has the write lock; otherwise None.

    ``say`` runs when the lock is free, in a later tick. ``since_mono_ms`` is when the wait began; None begins
    one. After ``PATIENCE_MS``, or if the database cannot be written, the message is refused and not sent.
    """
    world = utterance.world
    if not any(_is_stored(utterance, name) for name in names):
        return None
    try:
        if world.ledger.ready():
            return None
    except StorageError:
        report_commit(world)
        utterance.context.fail("NOT_KEPT", names[0], text=f"{_NOT_SENT}: the database cannot be written")
        return _REFUSED
    if since_mono_ms is None:
        since_mono_ms = world.mono_ms
    if world.mono_ms - since_mono_ms > PATIENCE_MS:
        utterance.context.fail("NOT_KEPT", names[0], text=f"{_NOT_SENT}: the database is busy")
        return _REFUSED

    def then(context: Context, result: object) -> Pending | None:
        if context.session.user is None:
            return None  # the session ended meanwhile
        pending = wait_for_journal(utterance, names, say, since_mono_ms)
        return say(utterance, names) if pending is None else pending

    return Pending(None, None, then, RETRY_MS)


def _is_stored(utterance: Utterance, name: str) -> bool:
    world = utterance.world
    history = world.settings.history
    if name.startswith("#"):
        return history.messages
    if not history.direct_messages or is_nickserv(name):
        return False
    account, target = utterance.user.account, world.find_user(name)
    if target is not None:
        return account is not None or target.account is not None
    return account is not None and world.accounts.find(name) is not None


def conversation_with(user: User, other: AccountEntry | None, nick: str) -> Conversation | None:
    """The conversation that a user's message to another one is kept in; None for the messages between guests.

    ``other`` is the account of the other user; if it has none, ``nick`` is that of the guest.
    """
    account = user.account
    if account is not None:
        return (account.id, nick) if other is None else direct(account.id, other.id)
    return None if other is None else (other.id, user.nick)


def stored_room(world: World, channel: Channel) -> Channel | None:
    """The conversation of a message to a channel (see ``ConversationTimes``); None if the settings store none.

    Messages that are not stored belong to none: nobody asks for them by time, so they need no time of their own.
    """
    return channel if world.ledger.writes_channels else None


def stored_conversation(world: World, user: User, other: AccountEntry | None, nick: str) -> Conversation | None:
    """Like ``conversation_with``, but None too if the settings store no direct messages (see ``stored_room``)."""
    return conversation_with(user, other, nick) if world.ledger.writes_direct else None


def write_channel_message(utterance: Utterance, event: Event, channel: Channel) -> None:
    """Write a message to a channel into the history, if the settings want it.

    Called before the message is said, with the ledger open.
    """
    world, session, user = utterance.world, utterance.session, utterance.user
    if world.settings.history.messages:
        channel.has_history = True
        by = user, session
        world.ledger.add_message(
            event, utterance.verb, channel.name, channel.name, utterance.text, by, utterance.kept_tags
        )
        if user.account is None:
            user.add_guest_message(event.seq)


def write_direct_message(utterance: Utterance, event: Event, account: AccountEntry | None, target: str) -> bool:
    """Write a message to a user into the history, if the settings want it and one has an account; True if so.

    ``account`` is that of the reader, and ``target`` the name that readers see. Called before the message is said,
    with the ledger open.
    """
    world, user = utterance.world, utterance.user
    conversation = stored_conversation(world, user, account, target)
    if conversation is None:
        return False
    by = user, utterance.session
    world.ledger.add_message(event, utterance.verb, conversation, target, utterance.text, by, utterance.kept_tags)
    if user.account is None:
        user.add_guest_message(event.seq)
    return True


def report_commit(world: World, not_written: Iterable[NotWritten] = ()) -> None:
    """Tell the senders which messages a commit could not write, and the operator if commits fail or succeed again."""
    failure, told = world.ledger.failure, world.ledger.told_failure
    world.ledger.told_failure = failure
    if failure and not told:
        world.log_line(f"messages cannot be stored, and are not sent: {failure}", LogWarning)
    elif told and not failure:
        world.log_line("messages can be stored again")
    for seq, session, verb, target in not_written:
        if session is not None and not session.closing:
            place, line = refusal(world, seq, verb, target)
            world.outbox.to_session_at(session, line, place)


def refusal(
    world: World, seq: int, verb: str, target: str, why: str = "the database cannot be written"
) -> tuple[int, bytes]:
    """The line that tells a sender that a message was not stored, and not sent, and the number of its place.

    ``seq`` is the number of the message. The line has the message's label, if there is one, or is in a batch that has
    it; the lines that open and close the batch are then part of it.
    """
    place, tags, before, after = world.outbox.answers.find(seq)
    line = f":{world.settings.server.name} FAIL {verb} NOT_KEPT {target} :{_NOT_SENT}: {why}"
    return place, before + encode(f"@{tags} {line}" if tags else line) + after
