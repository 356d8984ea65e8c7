"""Taking back what was said: REDACT.

Source: IRCv3 draft/message-redaction. The stored text is gone before anybody is told; only those who negotiated the
capability are. A message may be taken out by who said it, by the channel's operators, and by moderators and admins
unless somebody said it who is as high or higher. What is not kept (TAGMSG, direct messages of guests) has no id here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.people.channel import OP
from chatroom.chat.stored.entries import Entry, message_id_of
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.reading.history_access import Place, find_place, is_same, look_up
from chatroom.commands.talking.messages import may_speak
from chatroom.errors import NotFound
from chatroom.irc import caps
from chatroom.irc.limits import KICK_BYTES
from chatroom.irc.names import casefold
from chatroom.irc.packing import shorten

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.stores import Stores


class _Redaction(NamedTuple):
    """A message that is being taken out, and by whom, who may be gone by the time it is."""

    place: Place
    msgid: str
    reason: str
    user: User
    source: str


@command("REDACT", "<target> <msgid> [<reason>]")
def redact(context: Context, params: list[str]) -> Pending | None:
    """Takes a message out of a channel or a direct conversation, and of what is kept."""
    target, msgid = params[0], params[1]
    reason = shorten(params[2], KICK_BYTES) if len(params) > 2 else ""
    place, number = find_place(context, target), message_id_of(msgid)
    if place is None:
        _refuse_target(context, target)
    elif number is None or place.conversation is None:
        _refuse_unknown(context, target, msgid)
    else:
        return _look_for(context, place, (target, msgid, reason), number)
    return None


def _refuse_target(context: Context, target: str) -> None:
    context.fail("INVALID_TARGET", target, text=f"You cannot delete messages from {target}")


def _refuse_unknown(context: Context, target: str, msgid: str) -> None:
    context.fail("UNKNOWN_MSGID", target, msgid, text="This message does not exist or is too old")


def _look_for(context: Context, place: Place, said: tuple[str, str, str], number: int) -> Pending:
    target, msgid, reason = said

    def then(context: Context, entry: Entry | None) -> Pending | None:
        if not is_same(place, find_place(context, target)):
            _refuse_target(context, target)
        elif entry is None or not _is_in(place, entry):
            _refuse_unknown(context, target, msgid)
        elif not _may_redact(context, place, entry):
            text = "You are not authorised to delete this message"
            context.fail("REDACT_FORBIDDEN", target, msgid, text=text)
        else:
            user, channel = context.user, place.channel
            # A reason is read by everybody: it is for those who may speak.
            heard = channel is None or may_speak(channel, user, reason)
            redaction = _Redaction(place, msgid, reason if heard else "", user, user.prefix)
            return _take_out(context, redaction, target, number)
        return None

    def failed(context: Context) -> None:
        context.fail("TEMPORARILY_UNAVAILABLE", target, msgid, text="The message could not be looked up")

    return look_up(context, lambda stores: stores.history.find(number), then, failed)


def _is_in(place: Place, entry: Entry) -> bool:
    """Whether an entry is a message of that conversation."""
    if entry.kind.is_event or entry.time_ms < place.since_ms:
        return False
    one, other = entry.conversation, place.conversation
    if isinstance(one, str) and isinstance(other, str):
        return casefold(one) == casefold(other)
    return one == other


def _may_redact(context: Context, place: Place, entry: Entry) -> bool:
    user, channel = context.user, place.channel
    if user.account is not None and user.account.id == entry.account_id:
        return True
    if user.guest_messages is not None and entry.msgid in user.guest_messages:
        return True
    if channel is not None and channel.members.get(user, 0) & OP:
        return True
    if context.role < Role.MODERATOR:
        return False
    author = context.world.accounts.find_by_id(entry.account_id) if entry.account_id is not None else None
    return author is None or author.role < context.role


def _take_out(context: Context, redaction: _Redaction, target: str, number: int) -> Pending:
    actor, reason, msgid = context.actor, redaction.reason, redaction.msgid

    def job(stores: Stores) -> Entry | None:
        try:
            return stores.history.redact(number, actor, reason)
        except NotFound:
            return None

    def then(context: Context, entry: Entry | None) -> None:
        if entry is not None:
            _tell(context, redaction)
        elif context.session.user is not None:
            _refuse_unknown(context, target, msgid)

    return Pending("store", job, then)


# -- telling --------------------------------------------------------------------------------------


def _event(context: Context, redaction: _Redaction, target: str) -> Event:
    body = f"REDACT {target} {redaction.msgid}" + (f" :{redaction.reason}" if redaction.reason else "")
    event = context.world.outbox.event(redaction.source, body, redaction.user)
    event.needs = caps.MESSAGE_REDACTION
    return event


def _tell(context: Context, redaction: _Redaction) -> None:
    """Tell those who could read the message, as they are told messages."""
    world, session, channel = context.world, context.session, redaction.place.channel
    event = _event(context, redaction, redaction.place.name)
    if channel is not None:
        if world.find_channel(channel.name) is channel:
            world.tell_channel(channel, event, skip=session)
    else:
        _tell_both(context, redaction, event)
    if session.user is not None and session.caps & caps.ECHO_MESSAGE:
        context.say(event)


def _tell_both(context: Context, redaction: _Redaction, event: Event) -> None:
    """Tell both sides of a direct conversation: the other one under its own nick, as the message was."""
    world, account, conversation = context.world, redaction.user.account, redaction.place.conversation
    if account is None or conversation is None or isinstance(conversation, str):
        return
    for account_id in set(conversation):
        for user in world.online.users_of(account_id):
            own = account_id == account.id
            told = event if own else _event(context, redaction, user.nick)
            world.tell_user(user, told, skip=context.session)
