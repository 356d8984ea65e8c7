"""CAP: the capabilities that the server offers, and those that a session has.

Source: IRCv3 "Capability Negotiation" (CAP LS 302).
"""

from __future__ import annotations

from chatroom.chat.offered_capabilities import CAP_302, offered, strict_transport, written
from chatroom.commands.command_table import When, command
from chatroom.commands.connecting.registration import advance
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import caps, numerics
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.packing import pack_words, shorten

_HIGHEST_VERSION = 9999
"""A client may send any number as its version. A larger one is stored as this."""


@command("CAP", "<subcommand> [<capabilities>]", when=When.ANY)
def cap(context: Context, params: list[str]) -> Pending | None:
    """Negotiates IRCv3 capabilities:

    CAP LS [302]: list the capabilities that the server offers
    CAP LIST: list those that you have
    CAP REQ :<names>: ask for capabilities, or give up those with - before the name
    CAP END: end the negotiation, so that registration can be completed
    """
    session = context.session
    registration = session.registration
    subcommand = params[0].upper()
    argument = params[1] if len(params) > 1 else ""
    # These two begin a negotiation: registration waits for CAP END.
    if subcommand in ("LS", "REQ") and registration is not None:
        registration.cap_open = True
    if subcommand == "LS":
        _list_offers(context, argument)
    elif subcommand == "LIST":
        names = [name for name in _offered(context) if session.caps & caps.NAMES[name]]
        _list(context, "LIST", names, several_lines=session.cap_version >= CAP_302)
    elif subcommand == "REQ":
        _request(context, argument)
    elif subcommand == "END":
        if registration is not None:
            registration.cap_open = False
            return advance(context)
    else:
        context.reply(numerics.ERR_INVALIDCAPCMD, printable(params[0]))
    return None


def _list_offers(context: Context, argument: str) -> None:
    """Answer LS in the form of the version in this line. The session keeps the highest version that it ever sent."""
    session = context.session
    version = min(int(argument[:9]), _HIGHEST_VERSION) if argument.isascii() and argument.isdigit() else 301
    session.cap_version = max(session.cap_version, version)
    is_302 = version >= CAP_302
    if is_302:  # which implies the capability
        session.caps |= caps.CAP_NOTIFY
    offers = _offered(context)
    policy = strict_transport(context.world.settings, session)
    if is_302 and policy:
        offers["sts"] = policy  # it is information: no client may ask for it
    _list(context, "LS", written(offers, with_values=is_302), several_lines=is_302)


def _offered(context: Context) -> dict[str, str]:
    session = context.session
    return offered(context.world.settings, private=session.is_private, certified=bool(session.certificate))


def _list(context: Context, subcommand: str, names: list[str], *, several_lines: bool) -> None:
    """Send a list of names. Without ``several_lines``, what does not fit in one line is left out."""
    head = f":{context.server} CAP {context.nick} {subcommand} "
    lines = pack_words(names, " ", LINE_BYTES - len(f"{head}* :".encode())) or [""]
    if several_lines:
        for line in lines[:-1]:
            context.say(f"{head}* :{line}")
        context.say(f"{head}:{lines[-1]}")
    else:
        context.say(f"{head}:{lines[0]}")


def _request(context: Context, names: str) -> None:
    session = context.session
    known = _offered(context)
    wanted = session.caps
    for name in names.split():
        bare = name.removeprefix("-")
        bit = caps.NAMES[bare] if bare in known else 0
        # A client of version 302 has cap-notify for good (IRCv3 "cap-notify").
        implied = bit == caps.CAP_NOTIFY and session.cap_version >= CAP_302
        if not bit or (implied and bare != name):
            _answer(context, "NAK", names)
            return
        wanted = wanted | bit if bare == name else wanted & ~bit
    # The answer first: lines after it are rendered for the new capabilities.
    _answer(context, "ACK", names)
    context.world.set_variant(session, wanted)


def _answer(context: Context, subcommand: str, names: str) -> None:
    """Repeat the names of a request. They may need several lines, because the head is longer than the client's."""
    head = f":{context.server} CAP {context.nick} {subcommand} :"
    room = LINE_BYTES - len(head.encode())
    for line in pack_words(names.split(), " ", room) or [""]:
        context.say(head + shorten(line, room))  # only a word that is no capability can be longer
