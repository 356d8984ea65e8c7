"""The connection itself: who one is, being alive, leaving. Capabilities are in ``capabilities``.

Source: Modern IRC Client Protocol, "Connection Messages".
"""

from __future__ import annotations

from chatroom.commands.channels import shorten
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.presence import REALNAME_BYTES
from chatroom.commands.registration import advance, nick_refusal
from chatroom.commands.table import When, command
from chatroom.irc import numerics
from chatroom.irc.names import NICK_LENGTH, is_nick

USERNAME_BYTES = 18
_UNNAMED = "user"


@command("PASS", "<password>", when=When.BEFORE)
def password(context: Context, params: list[str]) -> Pending | None:
    """Gives the server's password where it has one, else the password of the account called like your
    NICK. PASS account:password names the account.
    """
    registration = context.session.registration
    if registration is not None and len(registration.passwords) < 4:
        registration.passwords.append(params[0])
        return advance(context)
    return None


@command("NICK", "[<nick>]", when=When.ANY)
def nick(context: Context, params: list[str]) -> Pending | None:
    """Chooses or changes your nick."""
    if not params or not params[0]:
        context.reply(numerics.ERR_NONICKNAMEGIVEN)
        return None
    wanted = params[0]
    if not is_nick(wanted):
        text = f"Erroneous nickname: letters, digits and -_[]{{}}\\|^` only, at most {NICK_LENGTH} bytes"
        context.reply(numerics.ERR_ERRONEUSNICKNAME, printable(wanted), text=text)
        return None
    registration = context.session.registration
    if registration is None:
        _change_nick(context, wanted)
        return None
    wearer = context.world.find_user(wanted)
    if wearer is not None and wearer.account is None:
        context.reply(numerics.ERR_NICKNAMEINUSE, wanted, text="Nickname is already in use")
        return None
    registration.nick = wanted
    return advance(context)


def _change_nick(context: Context, wanted: str) -> None:
    user = context.user
    if wanted == user.nick:
        return
    refusal = nick_refusal(context, wanted, user.account)
    if refusal is not None:
        numeric, code, text = refusal
        context.reply(numeric, wanted, text=text)
        if code:
            context.fail(code, wanted, text=text)
        return
    old = user.nick
    event = context.world.rename(user, wanted, skip=context.session)
    context.say(event)
    context.world.note(f"{old} is now {wanted}")


@command("USER", "<username> <mode> <unused> <realname>", when=When.BEFORE)
def user(context: Context, params: list[str]) -> Pending | None:
    """Says who you are, when connecting."""
    registration = context.session.registration
    if registration is None or registration.username:
        return None
    if not params[0] or not params[3]:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "USER")
        return None
    username = params[0]
    if not username.isalnum():
        username = "".join(char for char in username if char.isalnum() or char in "-_.")
    registration.username = shorten(username, USERNAME_BYTES) or _UNNAMED
    registration.realname = shorten(params[3], REALNAME_BYTES)
    return advance(context)


@command("PING", "<token>", when=When.ANY, control=True)
def ping(context: Context, params: list[str]) -> Pending | None:
    """Asks the server for a PONG with the same token."""
    if not params[0]:
        context.reply(numerics.ERR_NOORIGIN)
    else:
        context.say(f":{context.server} PONG {context.server} :{params[0]}")
    return None


@command("PONG", "[<token>]", when=When.ANY, control=True)
def pong(context: Context, params: list[str]) -> Pending | None:
    """Answers the server's PING."""
    return None


@command("QUIT", "[<reason>]", when=When.ANY, control=True)
def quit_(context: Context, params: list[str]) -> Pending | None:
    """Leaves, with a reason for the others to read."""
    session = context.session
    text = f"Quit: {params[0] if params else ''}"
    if session.user is not None:
        context.world.note(f"left: {session.user.nick} ({text})")
    context.world.close(session, text)
    return None


@command("ERROR", "[<reason>]", when=When.ANY)
def error(context: Context, params: list[str]) -> Pending | None:
    """For servers only; a client's is ignored."""
    return None
