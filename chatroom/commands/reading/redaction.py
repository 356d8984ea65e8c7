"""REDACT: deleting a message from the history, and telling the clients that show it.

A message can be deleted by its author, by an operator of its channel, and by a moderator or admin whose role is above
that of its author. A message that is not stored (typing, messages between guests) cannot be deleted. The text is
deleted from the database before any client reads of it. Only clients with the capability do.

Source: IRCv3 draft/message-redaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.people.channel import OP
from chatroom.chat.stored.entries import Entry, folded, message_id_of
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.reading.history_access import Readable, find_readable, is_same, look_up
from chatroom.commands.spam_checks import find_refusal
from chatroom.commands.talking.messages import may_tell
from chatroom.commands.talking.slow_mode import note_said
from chatroom.commands.talking.writing_history import conversation_with
from chatroom.errors import NotFound
from chatroom.irc import caps
from chatroom.irc.limits import KICK_BYTES

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.stores import Stores


class _Redaction(NamedTuple):
    """A message that is being deleted."""

    readable: Readable
    msgid: str
    reason: str
    # The user may be gone, or have another nick, when the job is done: the source is that of the command's time.
    user: User
    source: str


@command("REDACT", "<target> <msgid> [<reason>]")
def redact(context: Context, params: list[str]) -> Pending | None:
    """Deletes a message from a channel or a conversation with a user, and from the history."""
    target, msgid = params[0], params[1]
    reason = context.use_reason(params, 2, KICK_BYTES)
    if reason and find_refusal(context, reason):
        reason = ""
    readable, message_id = _find_redactable(context, target), message_id_of(msgid)
    if readable is None:
        _refuse_target(context, target)
    elif message_id is None or not readable.conversations:
        _refuse_unknown(context, target, msgid)
    else:
        return _look_up(context, readable, (target, msgid, reason), message_id)
    return None


def _find_redactable(context: Context, target: str) -> Readable | None:
    """Return the history that a user may delete messages from: what it may read, and a guest's messages to accounts."""
    readable = find_readable(context, target)
    if readable is not None and readable.channel is None and context.user.account is None:
        other = context.world.find_user(target)
        conversation = conversation_with(context.user, other.account, target) if other is not None else None
        if conversation is not None:
            return readable._replace(conversations=(conversation,))
    return readable


def _refuse_target(context: Context, target: str) -> None:
    context.fail("INVALID_TARGET", target, text=f"You cannot delete messages from {printable(target)}")


def _refuse_unknown(context: Context, target: str, msgid: str) -> None:
    context.fail("UNKNOWN_MSGID", target, msgid, text="This message does not exist or is too old")


def _look_up(context: Context, readable: Readable, words: tuple[str, str, str], message_id: int) -> Pending:
    target, msgid, reason = words

    def then(context: Context, entry: Entry | None) -> Pending | None:
        found = entry if entry is not None and _is_in(context, readable, entry) else None
        is_target = readable.is_known or found is not None
        if not is_target or not is_same(readable, _find_redactable(context, target)):
            _refuse_target(context, target)
        elif found is None:
            _refuse_unknown(context, target, msgid)
        elif not _may_redact(context, readable, found):
            text = "You are not authorised to delete this message"
            context.fail("REDACT_FORBIDDEN", target, msgid, text=text)
        else:
            user, channel, told = context.user, readable.channel, reason
            # The whole channel reads the reason, so a user that may not speak to all cannot give one.
            if channel is not None and reason:
                told = reason if may_tell(context, channel, reason) else ""
                if told:
                    note_said(context.world, channel, context.session, user)
            redaction = _Redaction(readable, msgid, told, user, user.prefix)
            return _delete(context, redaction, target, message_id)
        return None

    def failed(context: Context) -> None:
        context.fail("TEMPORARILY_UNAVAILABLE", target, msgid, text="The message could not be looked up")

    return look_up(context, lambda stores: stores.history.find(message_id), then, failed)


def _is_in(context: Context, readable: Readable, entry: Entry) -> bool:
    """True if the entry is a message of the conversation, which the user may read."""
    if not entry.kind.has_author or entry.message_id <= readable.after:
        return False
    if folded(entry.conversation) in map(folded, readable.conversations):
        return True
    if readable.channel is not None or isinstance(entry.conversation, str) or not _is_by_guest(context.user, entry):
        return False
    # A guest's message to an account is kept under the nick of its time, which the user may have changed since.
    world = context.world
    other = world.find_user(readable.name)
    account = other.account if other is not None else world.accounts.find(readable.name)
    return account is not None and account.id == entry.conversation[0]


def _is_by_guest(user: User, entry: Entry) -> bool:
    """True if this user has said the message as a guest. Who has its nick now has not: the message id decides."""
    return user.guest_messages is not None and entry.message_id in user.guest_messages


def _may_redact(context: Context, readable: Readable, entry: Entry) -> bool:
    user, channel = context.user, readable.channel
    if user.account is not None and user.account.id == entry.account_id:
        return True
    if _is_by_guest(user, entry):
        return True
    if channel is not None and channel.members.get(user, 0) & OP:
        return True
    if context.role < Role.MODERATOR:
        return False
    # The role that the author has now. A guest, or an account that was deleted since, has none.
    author = context.world.accounts.find_by_id(entry.account_id) if entry.account_id is not None else None
    return author is None or author.role < context.role


def _delete(context: Context, redaction: _Redaction, target: str, message_id: int) -> Pending:
    actor, reason, msgid = context.actor, redaction.reason, redaction.msgid

    def job(stores: Stores) -> Entry | None:
        try:
            return stores.history.redact(message_id, actor, reason)
        except NotFound:
            return None  # deleted by another command since it was looked up

    def then(context: Context, entry: Entry | None) -> None:
        if entry is not None:
            _tell(context, redaction, entry)
        elif context.session.user is not None:
            _refuse_unknown(context, target, msgid)

    return Pending("store", job, then)


# -- telling clients ------------------------------------------------------------------------------


def _event(context: Context, redaction: _Redaction, target: str, channel: Channel | None = None) -> Event:
    body = f"REDACT {target} {redaction.msgid}" + (f" :{redaction.reason}" if redaction.reason else "")
    event = context.world.outbox.event(redaction.source, body, redaction.user, channel)
    event.needs = caps.MESSAGE_REDACTION
    return event


def _tell(context: Context, redaction: _Redaction, entry: Entry) -> None:
    """Tell the clients that may show the message, in the way in which they read messages."""
    world, session, channel = context.world, context.session, redaction.readable.channel
    event = _event(context, redaction, redaction.readable.name if channel is None else channel.name, channel)
    if channel is not None:
        if world.find_channel(channel.name) is channel:  # it may have ended since
            world.tell_channel(channel, event, skip=session)
    else:
        _tell_both(context, redaction, entry, event)
    if session.user is not None and session.caps & caps.ECHO_MESSAGE:
        context.say(event)


def _tell_both(context: Context, redaction: _Redaction, entry: Entry, event: Event) -> None:
    """Tell both users of a direct message. The other one reads its own nick as target, as for the message."""
    world, author = context.world, redaction.user
    account_id = author.account.id if author.account is not None else None
    if isinstance(entry.conversation, str):
        return
    conversation: tuple[int, int] | tuple[int, str] = entry.conversation
    for other in {*conversation}:  # one account if the user wrote to itself
        if isinstance(other, str):
            # The guest that the message was for or from, unless the nick is another guest's by now.
            guest = world.find_user(author.nick if _is_by_guest(author, entry) else other)
            is_here = guest is not None and guest.account is None and guest.signon_ms <= entry.time_ms
            users = [guest] if guest is not None and is_here else []
        else:
            users = list(world.online.users_of(other))
        for user in users:
            is_own = user is author or other == account_id
            world.tell_user(user, event if is_own else _event(context, redaction, user.nick), skip=context.session)
