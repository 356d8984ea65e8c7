"""AWAY, SETNAME, ISON and USERHOST: a user's own status, and which users are connected.

Source: Modern IRC Client Protocol, "Optional Messages" and "USERHOST message"; IRCv3 setname and draft/pre-away; RFC
2812, section 4.9.
"""

from __future__ import annotations

from chatroom.chat.people.user import ABSENT, User
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.spam_checks import find_name_refusal, find_refusal
from chatroom.errors import InvalidValue
from chatroom.irc import caps, numerics
from chatroom.irc.limits import AWAY_BYTES, REALNAME_BYTES


@command("AWAY", "[<text>]", early=caps.PRE_AWAY)
def away(context: Context, params: list[str]) -> Pending | None:
    """Marks you as away, or as back if there is no text.

    With the capability draft/pre-away, the text * says that no person is at the device.
    """
    session = context.session
    text = params[0] if params and params[0] else None
    if text is not None and len(text.encode()) > AWAY_BYTES:
        raise InvalidValue(f"An away message has at most {AWAY_BYTES} bytes")
    if text is not None:
        why = find_refusal(context, text) if session.user is not None else find_name_refusal(context, "", text)
        if why:
            context.fail("CANNOT_SEND", text=why)
            return None
    if session.registration is not None:
        session.registration.away = text  # the welcome applies it: there is no user yet
    # While the user has other sessions, a device without a person does not change the user's away status.
    elif not (text == ABSENT and session.caps & caps.PRE_AWAY and len(context.user.sessions) > 1):
        set_away(context, context.user, text)
    context.reply(_away_numeric(text))
    return None


def _away_numeric(text: str | None) -> numerics.Numeric:
    return numerics.RPL_UNAWAY if text is None else numerics.RPL_NOWAWAY


def set_away(context: Context, user: User, text: str | None) -> None:
    """Set a user's away text, or mark the user as back (None). Sessions with away-notify that see the user read it.

    The user's own sessions without it read the numeric that answers AWAY.
    """
    context.world.set_away(user, text, skip=context.session)
    for session in user.sessions:
        if session is not context.session and not session.caps & caps.AWAY_NOTIFY:
            Context(context.world, session, "AWAY", is_asked=False).reply(_away_numeric(text))
    context.world.whereabouts.save_user(user)


@command("SETNAME", "<realname>")
def setname(context: Context, params: list[str]) -> Pending | None:
    """Changes your real name."""
    user = context.user
    if not params[0] or len(params[0].encode()) > REALNAME_BYTES:
        context.fail("INVALID_REALNAME", text=f"A real name has 1 to {REALNAME_BYTES} bytes")
        return None
    why = find_refusal(context, params[0])
    if why:
        context.fail("CANNOT_CHANGE_REALNAME", text=why)
        return None
    user.realname = params[0]
    event = user.event(f"SETNAME :{user.realname}", needs=caps.SETNAME)
    context.world.tell_neighbours(user, event, skip=context.session)
    context.say(event)
    context.world.whereabouts.save_user(user)
    return None


@command("ISON", "<nicks>")
def ison(context: Context, params: list[str]) -> Pending | None:
    """Lists which of the given nicks are connected."""
    nicks = [nick for param in params for nick in param.split()]
    present = [user.nick for nick in nicks if (user := context.world.find_shown(nick)) is not None]
    context.reply_words(numerics.RPL_ISON, words=present or [""])  # 303 is sent even if its list is empty
    return None


@command("USERHOST", "<nicks>")
def userhost(context: Context, params: list[str]) -> Pending | None:
    """Shows user name, host and away status of up to five nicks."""
    words = []
    for nick in [nick for param in params for nick in param.split()][:5]:  # RFC 2812 allows five
        user = context.world.find_shown(nick)
        if user is not None:
            operator = "*" if user.is_operator else ""
            words.append(f"{user.nick}{operator}={'-' if user.away is not None else '+'}{user.username}@{user.host}")
    context.reply_words(numerics.RPL_USERHOST, words=words or [""])
    return None
