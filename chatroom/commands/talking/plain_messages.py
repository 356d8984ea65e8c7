"""The short way of a plain PRIVMSG, which is what most lines are.

A plain message is one line without tags, to one channel or one user that is present, and nothing has to be refused,
waited for or answered. For such a line, ``say_plainly`` does at once what ``run_line`` and the verb would do: the same
bytes to the same sessions, and the same entry in the history. For any other line it changes nothing and returns False,
and ``run_line`` goes the long way. When in doubt, it returns False.

It exists for speed alone. It makes no message, context or utterance of the line, and takes 30 to 40 % of the time that
the rules take on the long way (see "What makes it quick" in ``docs/architecture.md``). So this is the one module that
repeats rules which stand elsewhere, in ``messages`` and ``writing_history``; a change there belongs here too.
``tests/commands/talking/test_plain_messages.py`` plays each situation both ways, and compares what all users read and
what the history has. A new rule about messages gets its situation there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chatroom.chat.stored.entries import direct
from chatroom.commands.talking.messages import is_for_operators, may_speak
from chatroom.commands.talking.writing_history import conversation_with
from chatroom.irc import caps
from chatroom.irc.ctcp import is_ctcp_request
from chatroom.irc.framing import ALWAYS_FITS, LINE_BYTES
from chatroom.irc.limits import PREFIX_BYTES

if TYPE_CHECKING:
    from chatroom.chat.delivery.ledger import Ledger
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.entries import Conversation
    from chatroom.chat.world import World

_SHORT_LINE: Final = ALWAYS_FITS - PREFIX_BYTES // 4 - 2
"""A line of so many characters fits behind every source, which has at most PREFIX_BYTES and two signs more."""


def say_plainly(world: World, session: Session, line: str) -> bool:
    """Say a line that begins with ``PRIVMSG`` and a space, if it is a plain message; otherwise return False.

    Returns False before it has changed anything. Raises nothing.
    """
    user = session.user
    head, _, text = line.partition(" :")
    # An echo may need tags, and a line within an open batch is an error: both take the long way.
    if user is None or not text or session.batch is not None or session.caps & caps.ECHO_MESSAGE:
        return False
    if world.spam.is_on and world.spam.stops(user, session, world.settings, text, world.mono_ms):
        return False
    # A line that readers may need in parts takes the long way too.
    if len(line) > _SHORT_LINE and len(f":{user.prefix} {line}".encode()) > LINE_BYTES:
        return False
    # The dictionaries have casefolded names. A target in another case, a list of targets, a sign before a channel or a
    # further parameter is not found here, and takes the long way: no folding and no parsing for what most clients send.
    name = head[8:]
    channel = world.channels.get(name)
    if channel is not None:
        if not _say_in_channel(world, session, user, channel, text):
            return False
    else:
        target = world.users.get(name)
        if target is None or not _say_to_user(world, session, user, target, text):
            return False
    user.spoke_mono_ms = world.mono_ms
    return True


def _say_in_channel(world: World, session: Session, user: User, channel: Channel, text: str) -> bool:
    ledger, outbox = world.ledger, world.outbox
    if channel.slow_mode is not None or not may_speak(channel, session, user, text):
        return False
    if ledger.hooks.by_channel and channel.folded in ledger.hooks.by_channel:
        return False
    if "U" in channel.flags and is_for_operators(channel, session, user):
        return False
    room = channel if ledger.writes_channels else None
    if room is not None and (not ledger.is_open or "\x01" in text) and not _may_be_stored(ledger, text):
        return False
    name = channel.name
    event = outbox.event(user.prefix, f"PRIVMSG {name} :{text}", user, room)
    if room is not None:
        channel.has_history = True
        ledger.add_line(event.seq, event.time_ms, user, session, name, name, text)
        if user.account is None:
            user.add_guest_message(event.seq)
    outbox.to_channel(channel, event, session)
    return True


def _say_to_user(world: World, session: Session, user: User, target: User, text: str) -> bool:
    # A refusal (+R, +T), an answer (301), or a copy for the sender's other sessions takes the long way. So does what a
    # sender with +R says, because the target may have to be allowed to answer.
    if target.registered_only or target.no_ctcp or target.away is not None or user.registered_only:
        return False
    if len(user.sessions) > 1:
        return False
    ledger, outbox, account, other = world.ledger, world.outbox, user.account, target.account
    conversation: Conversation | None = None
    if ledger.writes_direct:
        if account is not None and other is not None:
            conversation = direct(account.id, other.id)
        else:
            conversation = conversation_with(user, other, target.nick)
        if conversation is not None and (not ledger.is_open or "\x01" in text) and not _may_be_stored(ledger, text):
            return False
    readers = target.sessions
    reader = readers[0]
    if not reader.variant and len(readers) == 1:
        # One session reads it, and reads it without tags: the line needs no event that renders it for several variants.
        # Nor does it need ``framing.encode``, which cuts lines and replaces controls: this one is short enough, and its
        # text was a line of the wire.
        nick = target.nick
        data = f":{user.prefix} PRIVMSG {nick} :{text}\r\n".encode()
        if conversation is None:
            outbox.to_session(reader, data)
            return True
        time_ms = outbox.event_to_session(reader, data, conversation)
        ledger.add_line(outbox.seq, time_ms, user, session, conversation, nick, text)
        if account is None:
            user.add_guest_message(outbox.seq)
        return True
    event = outbox.event(user.prefix, f"PRIVMSG {target.nick} :{text}", user, conversation)
    if conversation is not None:
        ledger.add_line(event.seq, event.time_ms, user, session, conversation, target.nick, text)
        if account is None:
            user.add_guest_message(event.seq)
    world.tell_user(target, event)
    return True


def _may_be_stored(ledger: Ledger, text: str) -> bool:
    """True if the history can have the text in this tick. It has no CTCP requests."""
    return (ledger.is_open or ledger.is_ready()) and not ("\x01" in text and is_ctcp_request(text))
