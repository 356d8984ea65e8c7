"""The capabilities that the settings in force offer, and telling clients when they change.

Source: IRCv3 "Capability Negotiation" (values, ``CAP NEW``, ``CAP DEL``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.admission.sasl_exchange import mechanisms
from chatroom.chat.metadata import capability_value
from chatroom.irc import caps
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.limits import MULTILINE_BYTES, MULTILINE_LINES
from chatroom.irc.names import RELAY_SEPARATOR
from chatroom.irc.packing import pack_words

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World
    from chatroom.config import Settings

CAP_302 = 302
"""From this version of the negotiation on, a client understands values, several lines of LS, NEW and DEL."""


def offered(settings: Settings, *, private: bool = True, certified: bool = False) -> dict[str, str]:
    """Return the offered capabilities, ratified ones first, each with its value; most values are empty.

    ``private`` is that of the session. With ``accounts.require_tls``, others are offered nothing with a password.
    ``certified``: the session has shown a certificate, so it can log in by it.
    """
    values = {
        caps.MULTILINE: f"max-bytes={MULTILINE_BYTES},max-lines={MULTILINE_LINES}",
        caps.SASL: ",".join(mechanisms(settings, certified=certified)),
        caps.METADATA: capability_value(),
        caps.RELAYMSG: RELAY_SEPARATOR,
        caps.ACCOUNT_REGISTRATION: _registration_value(settings),
    }
    withheld = 0
    if settings.accounts.registration == "closed":
        withheld |= caps.ACCOUNT_REGISTRATION
    if settings.accounts.require_tls and not private:
        withheld |= caps.ACCOUNT_REGISTRATION | caps.SASL
    if not settings.history.enabled:
        withheld |= caps.OF_HISTORY
    return {
        name: values.get(bit, "")
        # A name with a slash is a draft's or a vendor's.
        for name, bit in sorted(caps.NAMES.items(), key=lambda item: ("/" in item[0], item[0]))
        if not bit & withheld
    }


def registers_before_connect(settings: Settings) -> bool:
    """True if REGISTER is allowed before the connection is complete.

    It is not with a server password: that is checked when registration completes.
    """
    return settings.accounts.register_before_connect and not settings.server.password


def _registration_value(settings: Settings) -> str:
    before_connect = ["before-connect"] if registers_before_connect(settings) else []
    return ",".join([*before_connect, *(["email-required"] if settings.accounts.email_required else [])])


def written(offers: dict[str, str], *, with_values: bool) -> list[str]:
    """Return capabilities as LS and NEW list them."""
    return [f"{name}={value}" if value and with_values else name for name, value in offers.items()]


def strict_transport(settings: Settings, session: Session) -> str:
    """Return the value of the capability ``sts`` for a session; empty if it is not offered.

    In clear, it is the port with TLS; with TLS, for how many seconds the client must use TLS from now on. Source: IRCv3
    "Strict Transport Security".
    """
    port = next((one.port for one in settings.listen if one.tls and one.kind == "irc"), 0)
    if not port or not settings.server.sts_days or session.cap_version < CAP_302:
        return ""
    return f"duration={settings.server.sts_days * 86_400}" if session.secure else f"port={port}"


def announce(world: World, old: Settings) -> None:
    """Tell clients with cap-notify what a reload has changed, and take lost capabilities from sessions.

    Clients that know values are also told of changed ones.
    """
    kinds = [(private, certified) for private in (False, True) for certified in (False, True)]
    announce_changes(world, [(*kind, offered(old, private=kind[0], certified=kind[1])) for kind in kinds])


def announce_changes(world: World, before: Sequence[tuple[bool, bool, dict[str, str]]]) -> None:
    """Do what ``announce`` does. ``before`` is what was offered: to sessions that are private, and are certified."""
    was_offered = {(private, certified): offers for private, certified, offers in before}
    # Sessions that are offered the same, together: few kinds, however many sessions.
    kinds: dict[tuple[bool, bool], list[Session]] = {}
    for session in world.own_sessions():
        if session.control is None:
            kinds.setdefault((session.is_private, bool(session.certificate)), []).append(session)
    for (private, certified), sessions in kinds.items():
        now = offered(world.settings, private=private, certified=certified)
        _announce(world, sessions, was_offered[private, certified], now)


def _announce(world: World, sessions: list[Session], before: dict[str, str], after: dict[str, str]) -> None:
    gone = [name for name in before if name not in after]
    new = {name: value for name, value in after.items() if name not in before}
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    lost = 0
    for name in gone:
        lost |= caps.NAMES.get(name, 0)  # another version of the program may have offered it
    for session in sessions:
        if session.caps & caps.CAP_NOTIFY:
            knows_values = session.cap_version >= CAP_302
            _tell(world, session, "DEL", gone)
            _tell(world, session, "NEW", written(changed if knows_values else new, with_values=knows_values))
        if session.caps & lost:
            world.set_variant(session, session.caps & ~lost)


def _tell(world: World, session: Session, subcommand: str, names: list[str]) -> None:
    if names:
        nick = session.user.nick if session.user is not None else "*"
        head = f":{world.settings.server.name} CAP {nick} {subcommand} :"
        for line in pack_words(names, " ", LINE_BYTES - len(head.encode())):
            world.tell_session(session, head + line)
