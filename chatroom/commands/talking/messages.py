"""PRIVMSG, NOTICE and TAGMSG. A message goes one of six ways, by what its target is:

- ``#channel``: to all sessions in the channel but the sending one. The history has it if ``history.messages`` is on.
- ``@#channel`` or ``+#channel``: to the sessions of the members with that standing. The history does not have it.
  What a user without a standing says in a channel with mode U goes this way to the operators.
- a user: to all sessions of the user, and to the other sessions of the sender. The history has it for those of the two
  that have an account, if ``history.direct_messages`` is on.
- ``NickServ``: to the verb NICKSERV. The history never has it, since it may hold a password. With further targets the
  message is refused, and nobody reads it.
- ``*playback``, as the only target: to the verb ZNC.
- an account that is not connected: into the history, from which a replay shows it at the next login. The message is
  refused if the history does not take it.

With echo-message the sending session reads the message too. The history has a TAGMSG like a message, for the sake of
reactions, but none that says nothing, or only that the user is typing. A plain PRIVMSG takes a shorter way to the same
result: see ``plain_messages``.

Source: Modern IRC Client Protocol, "Sending Messages" and ``STATUSMSG``; IRCv3 echo-message and message-tags (client-
only tags, TAGMSG).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.reserved_names import is_nickserv
from chatroom.chat.people.channel import OP, VOICE, Channel
from chatroom.commands.channel_rules import is_hidden
from chatroom.commands.command_table import COMMANDS, command
from chatroom.commands.context import NICKSERV, Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.spam_checks import find_refusal
from chatroom.commands.talking.slow_mode import find_slow_refusal, note_said
from chatroom.commands.talking.utterance import Utterance
from chatroom.commands.talking.writing_history import (
    stored_conversation,
    stored_room,
    wait_for_journal,
    write_channel_message,
    write_direct_message,
)
from chatroom.irc import caps, numerics
from chatroom.irc.ctcp import is_ctcp_request
from chatroom.irc.limits import MESSAGE_TARGETS
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User

PLAYBACK_NAME = "*playback"
"""Whom clients of the ZNC bouncer ask for stored messages. No user has that name, for the asterisk."""
STATUS_PREFIXES = {"@": OP, "+": OP | VOICE}
"""Signs that may stand before a channel's name, each with the standings that read the message: one is enough."""

_ECHOED = ("HELP", "INFO", "CERT")
"""Commands of NickServ that are echoed whole: no parameter of theirs is a password."""


@command("PRIVMSG", "[<targets> <text>]")
def privmsg(context: Context, params: list[str]) -> Pending | None:
    """Sends a message to channels and users, separated by commas.

    PRIVMSG #channel :text: to the members of the channel
    PRIVMSG @#channel :text: only to the channel's operators
    PRIVMSG +#channel :text: only to the channel's operators and voiced members
    PRIVMSG nick :text: to the user
    """
    if not params:
        context.reply(numerics.ERR_NORECIPIENT, text="No recipient given (PRIVMSG)")
    elif len(params) < 2 or not params[1]:
        context.reply(numerics.ERR_NOTEXTTOSEND)
    else:
        utterance = Utterance(context, params[1])
        utterance.user.spoke_mono_ms = context.world.mono_ms
        return say(utterance, params[0])
    return None


@command("NOTICE", "[<targets> <text>]")
def notice(context: Context, params: list[str]) -> Pending | None:
    """Sends a message like PRIVMSG. Servers and clients never answer it automatically."""
    if len(params) >= 2 and params[1]:
        return say(Utterance(context, params[1]), params[0])
    return None


@command("TAGMSG", "<targets>")
def tagmsg(context: Context, params: list[str]) -> Pending | None:
    """Sends tags without a text to channels and users, separated by commas. Clients with message-tags read them."""
    if context.session.caps & caps.MESSAGE_TAGS:
        return say(Utterance(context, ""), params[0])
    return None


def say(utterance: Utterance, targets: str) -> Pending | None:
    """Send a message to each of its targets, which are separated by commas, or return what it must wait for first."""
    names = targets.split(",") if "," in targets else [targets]
    if len(names) > MESSAGE_TARGETS:
        utterance.refuse(numerics.ERR_TOOMANYTARGETS, printable(targets))
        return None
    if len(names) > 1 and any(map(is_nickserv, names)):
        # Nobody reads any of it: what is for NickServ may hold a password.
        text = "Write to NickServ alone: your message was sent to nobody"
        utterance.refuse(numerics.ERR_TOOMANYTARGETS, utterance.world.nickserv.nick, text=text)
        return None
    ledger = utterance.world.ledger
    # Nothing to wait for if the tick's transaction is open already. Asked here, because it is so for most messages.
    if ledger.journal is not None and not ledger.is_open and utterance.is_kept:
        pending = wait_for_journal(utterance, names, _say_to_all)
        if pending is not None:
            return pending
    return _say_to_all(utterance, names)


def _say_to_all(utterance: Utterance, names: list[str]) -> Pending | None:
    if utterance.world.spam.is_on and _is_refused_as_spam(utterance, names):
        return None
    for name in names:
        sign = name[:1]
        if sign == "#":
            _say_to_channel(utterance, name)
        elif sign in STATUS_PREFIXES:
            _say_to_standing(utterance, name)
        else:
            target = utterance.world.find_user(name)
            if target is not None:
                _say_to_user(utterance, target)
            elif is_nickserv(name):
                # Before a message can be left for an account of that name, which the shell may have made.
                return _ask_nickserv(utterance)
            elif len(names) == 1 and utterance.verb == "PRIVMSG" and casefold(name) == PLAYBACK_NAME:
                return _ask_playback(utterance)
            elif not _leave_message(utterance, name):
                utterance.refuse(numerics.ERR_NOSUCHNICK, printable(name))
    return None


def _is_refused_as_spam(utterance: Utterance, names: list[str]) -> bool:
    """Refuse a message that matches a filter, or whose sender is muted. True if it was refused."""
    # Text for a service is a command, perhaps with a password.
    if len(names) == 1 and (is_nickserv(names[0]) or casefold(names[0]) == PLAYBACK_NAME):
        return False
    texts = [utterance.whole_text, *utterance.tag_texts]
    why = next((why for text in texts if (why := find_refusal(utterance.context, text))), "")
    for name in names if why else ():
        if name.lstrip("@+").startswith("#"):
            channel = utterance.world.find_channel(name.lstrip("@+"))
            # No more of a hidden channel than any other refusal tells.
            _refuse_channel(utterance, name, channel, text=why)
        else:
            utterance.refuse(numerics.ERR_CANTSENDTOUSER, printable(name), text=why)
    return bool(why)


def _ask_playback(utterance: Utterance) -> Pending | None:
    """Run a message to ``*playback`` as the verb ZNC, as the bouncer of that name does. The history never has it."""
    context = utterance.context
    utterance.echo(utterance.event_for(PLAYBACK_NAME))
    context.verb = "ZNC"
    return COMMANDS["ZNC"].handler(context, [PLAYBACK_NAME, utterance.text])


def _ask_nickserv(utterance: Utterance) -> Pending | None:
    """Run a message to NickServ as the verb. A NOTICE is no command, nor is a TAGMSG or a CTCP request."""
    context = utterance.context
    if utterance.verb != "PRIVMSG" or utterance.text.startswith("\x01"):
        return None
    context.verb = NICKSERV
    name, words = context.world.nickserv.nick, utterance.text.split()
    # Clients and bouncers store what they are sent, so a password is not echoed, and with it no word behind the first.
    if words and words[0].upper() not in _ECHOED:
        utterance.text = words[0]
    event = utterance.event_for(name)
    event.body, event.parts = f"PRIVMSG {name} :{utterance.text}", None
    utterance.echo(event)
    if utterance.parts is not None:
        context.notice("One line is one command: /msg NickServ HELP lists them")
        return None
    return COMMANDS[NICKSERV].handler(context, words)


def _say_to_channel(utterance: Utterance, name: str) -> None:
    world = utterance.world
    channel = world.find_channel(name)
    if channel is None or not _may_say(channel, utterance):
        _refuse_channel(utterance, name, channel)
        return
    event = utterance.event_for(channel.name, stored_room(world, channel))
    if utterance.refuse_broken_ctcp(event) or (channel.slow_mode is not None and _refuse_slow(utterance, channel)):
        return
    if is_for_operators(channel, utterance.session, utterance.user):
        _tell_standing(utterance, channel, event, OP)
        return
    # Before it is said, because the entry gives the event its message id. The ledger is open, by ``wait_for_journal``,
    # if one of the targets wants an entry; the function looks whether this one does.
    if world.ledger.is_open and utterance.is_kept:
        write_channel_message(utterance, event, channel)
    if world.ledger.hooks.by_channel:
        world.ledger.hooks.add_message(channel, event, utterance.verb, utterance.text)
    world.outbox.to_channel(channel, event, utterance.session)
    utterance.echo(event)


def _may_say(channel: Channel, utterance: Utterance) -> bool:
    """True if the user may say all lines of the message in the channel."""
    if not may_speak(channel, utterance.session, utterance.user, utterance.text):
        return False
    return utterance.parts is None or "C" not in channel.flags or not utterance.has_ctcp_request


def may_speak(channel: Channel, session: Session, user: User, text: str) -> bool:
    """True if the session may say the text in the channel for its user.

    Mode C refuses CTCP from every user. Other modes, and bans, do not hold for opers and members with a standing.
    """
    flags = channel.flags
    # Before the standing, because mode C holds for opers too.
    if "C" in flags and is_ctcp_request(text):
        return False
    standing = channel.members.get(user)
    if standing:
        return True
    refused = "m" in flags or (standing is None and "n" in flags) or ("M" in flags and user.account is None)
    if refused or (channel.lists and channel.is_silenced(user)):
        return session.is_operator
    return True


def may_tell(context: Context, channel: Channel, text: str) -> bool:
    """True if all members may read the text from the user in passing, as by the reason of a PART."""
    session, user = context.session, context.user
    if not may_speak(channel, session, user, text):
        return False
    if "U" in channel.flags and is_for_operators(channel, session, user):
        return False
    return channel.slow_mode is None or not find_slow_refusal(context.world, channel, session, user)


def is_for_operators(channel: Channel, session: Session, user: User) -> bool:
    """True if only the channel's operators read what the session says there (mode U)."""
    return "U" in channel.flags and not channel.members.get(user) and not session.is_operator


def _refuse_channel(utterance: Utterance, name: str, channel: Channel | None, *, text: str | None = None) -> None:
    """Refuse a message to a channel. ``text`` is why, if it is not for a rule of the channel."""
    if channel is None or is_hidden(utterance.context, channel):
        utterance.refuse(numerics.ERR_NOSUCHCHANNEL, printable(name))
    else:
        utterance.refuse(numerics.ERR_CANNOTSENDTOCHAN, channel.name, text=text)


def _refuse_slow(utterance: Utterance, channel: Channel) -> bool:
    """Refuse a message for which slow mode has the user wait; otherwise note that it is said. True if it is refused."""
    if not utterance.may_be_kept:
        return False  # it tells of the user's typing, and interrupts nobody
    of_user = utterance.world, channel, utterance.session, utterance.user
    refusal = find_slow_refusal(*of_user)
    if refusal:
        utterance.refuse(numerics.ERR_CANNOTSENDTOCHAN, channel.name, text=refusal)
    else:
        note_said(*of_user)
    return bool(refusal)


def _say_to_standing(utterance: Utterance, name: str) -> None:
    signs, number_sign, rest = name.partition("#")
    wanted = 0
    for sign in signs:
        wanted |= STATUS_PREFIXES.get(sign, 0)
    if not number_sign or any(sign not in STATUS_PREFIXES for sign in signs):
        utterance.refuse(numerics.ERR_NOSUCHNICK, printable(name))
        return
    channel = utterance.world.find_channel("#" + rest)
    if channel is None or not _may_say(channel, utterance):
        _refuse_channel(utterance, name, channel)
        return
    if is_for_operators(channel, utterance.session, utterance.user):
        wanted = OP
    # Readers see one sign: ``@+#c`` is for the same members as ``+#c``.
    name = ("@" if wanted == OP else "+") + channel.name
    event = utterance.event_for(name, stored_room(utterance.world, channel))
    if utterance.refuse_broken_ctcp(event) or (channel.slow_mode is not None and _refuse_slow(utterance, channel)):
        return
    _tell_standing(utterance, channel, event, wanted)


def _tell_standing(utterance: Utterance, channel: Channel, event: Event, wanted: int) -> None:
    """Send a message to the members with one of the wanted standings.

    It is not stored: every member may read the channel's history, later also those that are no members yet.
    """
    world, session, user = utterance.world, utterance.session, utterance.user
    for member, standing in channel.members.items():
        # The sender's other sessions read it even without the standing: they show what the user said.
        if standing & wanted or member is user:
            world.tell_user(member, event, skip=session)
    utterance.echo(event)


def _say_to_user(utterance: Utterance, target: User) -> None:
    world, session, user = utterance.world, utterance.session, utterance.user
    refusal = _user_refusal(utterance, target)
    if refusal:
        utterance.refuse(numerics.ERR_CANTSENDTOUSER, target.nick, text=refusal)
        return
    if user.registered_only and target.account is None and utterance.verb != "TAGMSG":
        world.accepts.add_written_to(user, target)
    event = utterance.event_for(target.nick, stored_conversation(world, user, target.account, target.nick))
    if utterance.refuse_broken_ctcp(event):
        return
    is_written = not utterance.is_kept
    if world.ledger.is_open and not is_written:
        is_written = write_direct_message(utterance, event, target.account, target.nick)
    if not is_written and not target.sessions:
        # Nobody would ever read it: the target is always on, and not connected.
        text = "This person is not connected, and your message cannot be kept"
        utterance.refuse(numerics.ERR_CANTSENDTOUSER, target.nick, text=text)
        return
    world.tell_user(target, event)
    # A message to oneself has reached all sessions by now.
    if target is not user and len(user.sessions) > 1:
        world.tell_user(user, event, skip=session)
    utterance.echo(event)
    if target.away is not None and utterance.verb == "PRIVMSG":
        utterance.context.reply(numerics.RPL_AWAY, target.nick, text=target.away)


def _user_refusal(utterance: Utterance, target: User) -> str:
    """Why the target's user modes refuse the message; empty if they do not."""
    user = utterance.user
    if target is user:
        return ""
    if target.registered_only and user.account is None and not utterance.world.accepts.has(target, user):
        return "You must be logged in to write to this person"
    if target.no_ctcp and utterance.has_ctcp_request:
        return "This person receives no CTCP"
    return ""


def _leave_message(utterance: Utterance, name: str) -> bool:
    """Write a message to the history for an account that is not connected; a replay shows it at the next login.

    Returns False and does nothing if there is no such account, the sender has no account, or nothing can be stored.
    True if it is done or was refused.
    """
    world, session = utterance.world, utterance.session
    account = world.accounts.find(name)
    if utterance.user.account is None or not utterance.is_kept or not world.ledger.is_open:
        return False
    if account is None or account.disabled:
        return False
    event = utterance.event_for(account.name, stored_conversation(world, utterance.user, account, account.name))
    if utterance.refuse_broken_ctcp(event):
        return True
    if not write_direct_message(utterance, event, account, account.name):
        return False
    world.tell_user(utterance.user, event, skip=session)
    utterance.echo(event)
    text = f"{account.name} is not connected. Your message will be delivered at their next login"
    utterance.context.note("LEFT_FOR", account.name, text=text)
    return True
