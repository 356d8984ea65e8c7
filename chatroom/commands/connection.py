"""The connection itself: capabilities, who one is, being alive, leaving.

Source: Modern IRC Client Protocol, "Connection Messages"; IRCv3 "Capability Negotiation".
"""

from __future__ import annotations

from chatroom.commands.channels import shorten
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.presence import REALNAME_BYTES
from chatroom.commands.registration import advance, nick_refusal
from chatroom.commands.table import When, command
from chatroom.irc import caps, numerics
from chatroom.irc.names import NICK_LENGTH, is_nick

_CAP_LINE_BYTES = 400


@command("CAP", "<subcommand> [<capabilities>]", when=When.ANY)
def cap(context: Context, params: list[str]) -> Pending | None:
    """Negotiates IRCv3 capabilities: LS [302], LIST, REQ :<names>, END."""
    session = context.session
    subcommand = params[0].upper()
    registration = session.registration
    if subcommand == "LS":
        if registration is not None:
            registration.cap_open = True
        version = int(params[1]) if len(params) > 1 and params[1].isascii() and params[1].isdigit() else 301
        session.cap_version = max(session.cap_version, min(version, 9999))
        if session.cap_version >= 302:
            session.caps |= caps.CAP_NOTIFY
        _list_caps(context, "LS", offered(context, with_values=session.cap_version >= 302))
    elif subcommand == "LIST":
        _list_caps(context, "LIST", [name for name, bit in caps.NAMES.items() if session.caps & bit])
    elif subcommand == "REQ":
        if registration is not None:
            registration.cap_open = True
        _request(context, params[1] if len(params) > 1 else "")
    elif subcommand == "END":
        if registration is not None:
            registration.cap_open = False
            return advance(context)
    else:
        context.reply(numerics.ERR_INVALIDCAPCMD, printable(params[0]))
    return None


def offered(context: Context, *, with_values: bool) -> list[str]:
    """What CAP LS lists; values go only to clients that know version 302."""
    accounts = context.world.settings.accounts
    names = []
    for name, bit in caps.NAMES.items():
        if bit == caps.ACCOUNT_REGISTRATION and not accounts.registration:
            continue
        value = {caps.SASL: "PLAIN"}.get(bit) if with_values else None
        names.append(f"{name}={value}" if value else name)
    return names


def _list_caps(context: Context, subcommand: str, names: list[str]) -> None:
    lines: list[str] = [""]
    for name in names:
        if lines[-1] and len(lines[-1]) + len(name) >= _CAP_LINE_BYTES:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + name
    for line in lines[:-1]:
        context.say(f":{context.server} CAP {context.nick} {subcommand} * :{line}")
    context.say(f":{context.server} CAP {context.nick} {subcommand} :{lines[-1]}")


def _request(context: Context, names: str) -> None:
    session = context.session
    wanted = session.caps
    known = {name.partition("=")[0] for name in offered(context, with_values=False)}
    for name in names.split():
        bare = name.removeprefix("-")
        if bare not in known:
            context.say(f":{context.server} CAP {context.nick} NAK :{names}")
            return
        bit = caps.NAMES[bare]
        if not name.startswith("-"):
            wanted |= bit
        elif not (bit == caps.CAP_NOTIFY and session.cap_version >= 302):
            wanted &= ~bit
    context.world.set_variant(session, wanted)
    context.say(f":{context.server} CAP {context.nick} ACK :{names}")


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
    username = "".join(char for char in params[0] if char.isalnum() or char in "-_.")[:18]
    registration.username = username or "user"
    registration.realname = shorten(params[3], REALNAME_BYTES) or params[0]
    return advance(context)


@command("PING", "[<token>]", when=When.ANY, control=True)
def ping(context: Context, params: list[str]) -> Pending | None:
    """Asks the server for a PONG with the same token."""
    if not params or not params[0]:
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
    text = f"Quit: {params[0]}" if params and params[0] else "Quit"
    if session.user is not None:
        context.world.note(f"left: {session.user.nick} ({text})")
    context.world.close(session, text)
    return None


@command("ERROR", "[<reason>]", when=When.ANY)
def error(context: Context, params: list[str]) -> Pending | None:
    """For servers only; a client's is ignored."""
    return None
