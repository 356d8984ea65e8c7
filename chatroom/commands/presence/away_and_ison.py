"""Being here: away or back, one's real name, and which of some nicks are here.

Source: Modern IRC Client Protocol, "Optional Messages" and "USERHOST message"; IRCv3 setname and draft/pre-away; RFC
2812, section 4.9.
"""

from __future__ import annotations

from chatroom.chat.events import Event
from chatroom.chat.people.user import User
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.irc import caps, numerics
from chatroom.irc.limits import AWAY_BYTES, REALNAME_BYTES
from chatroom.irc.packing import shorten

ABSENT = "*"
"""What a client says that connects by itself, with nobody in front of it (IRCv3 pre-away): where there are other
devices on the nick, it is as if this one were not there."""


@command("AWAY", "[<text>]", early=caps.PRE_AWAY)
def away(context: Context, params: list[str]) -> Pending | None:
    """Marks you as away, or as back when there is no text. With draft/pre-away * gives no reason."""
    session = context.session
    text = shorten(params[0], AWAY_BYTES) if params and params[0] else None
    if session.registration is not None:
        session.registration.away = text
    elif not (text == ABSENT and session.caps & caps.PRE_AWAY and len(context.user.sessions) > 1):
        set_away(context, context.user, text)
    context.reply(numerics.RPL_UNAWAY if text is None else numerics.RPL_NOWAWAY)
    return None


def set_away(context: Context, user: User, text: str | None) -> None:
    """Make somebody away, or back, and tell those who asked to know."""
    if text != user.away:
        user.away = text
        body = "AWAY" if text is None else f"AWAY :{text}"
        event = Event.by(user, body, needs=caps.AWAY_NOTIFY)
        context.world.tell_neighbours(user, event, skip=context.session)


@command("SETNAME", "<realname>")
def setname(context: Context, params: list[str]) -> Pending | None:
    """Changes your real name."""
    user = context.user
    if not params[0] or len(params[0].encode()) > REALNAME_BYTES:
        context.fail("INVALID_REALNAME", text=f"A real name has 1 to {REALNAME_BYTES} bytes")
        return None
    user.realname = params[0]
    event = Event.by(user, f"SETNAME :{user.realname}", needs=caps.SETNAME)
    context.world.tell_neighbours(user, event, skip=context.session)
    context.say(event)
    return None


@command("ISON", "<nicks>")
def ison(context: Context, params: list[str]) -> Pending | None:
    """Tells which of some nicks are here."""
    wanted = [nick for param in params for nick in param.split()]
    here = [user.nick for nick in wanted if (user := context.world.find_user(nick)) is not None]
    context.reply_words(numerics.RPL_ISON, words=here or [""])
    return None


@command("USERHOST", "<nicks>")
def userhost(context: Context, params: list[str]) -> Pending | None:
    """Tells user name, host and away state of up to five nicks."""
    words = []
    for nick in [nick for param in params for nick in param.split()][:5]:
        user = context.world.find_user(nick)
        if user is not None:
            operator = "*" if user.is_operator else ""
            words.append(f"{user.nick}{operator}={'-' if user.away is not None else '+'}{user.username}@{user.host}")
    context.reply_words(numerics.RPL_USERHOST, words=words or [""])
    return None
