"""What a chat begins with: the command line, then the saved server, then the settings of ``[start]``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chatroom.client.trust import Trust

if TYPE_CHECKING:
    from chatroom.client.settings.client_sections import ClientSettings

DEFAULT_SERVER = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Beginning:
    """Which server, who the user is there, and where to go. Empty texts stand for nothing said."""

    server: str
    nick: str
    account: str
    join: tuple[str, ...]
    tls: bool
    trust: Trust
    name: str = ""
    """The name of the saved server, if it is one."""
    password_command: tuple[str, ...] = ()
    """The program that prints the password of the account; empty for none."""


def complete(given: Beginning, settings: ClientSettings | None) -> Beginning:
    """Return what the command line has ``given``, completed from the settings; None stands for their defaults.

    ``server`` may be the name of a saved one. What follows from an account of the command line, such as the nick, comes
    before what is saved.
    """
    if settings is None:
        return replace(given, server=given.server or DEFAULT_SERVER, nick=given.nick or given.account)
    name = given.server or settings.start.server
    saved = settings.servers.get(name)
    if saved is None:
        return replace(given, server=name, nick=given.nick or given.account or settings.start.nick)
    return Beginning(
        saved.address,
        given.nick or given.account or saved.nick or saved.account or settings.start.nick,
        given.account or saved.account,
        tuple(dict.fromkeys((*given.join, *map(channel_name, saved.join)))),
        given.tls or saved.tls,
        _merge(
            given.trust,
            Trust(saved.fingerprint, *(str(file or "") for file in (saved.ca, saved.certificate, saved.key))),
        ),
        name,
        # It is for the saved account; another one of the command line has another password.
        saved.password_command if given.account in ("", saved.account) else (),
    )


def channel_name(word: str) -> str:
    """Return the name of a channel, which people may write without the sign before it."""
    return word if word.startswith(("#", "&")) else f"#{word}"


def _merge(given: Trust, saved: Trust) -> Trust:
    """Return what is given on the command line, and what is saved for the rest."""
    if given.fingerprint or given.authorities:  # either excludes the other
        saved = replace(saved, fingerprint="", authorities="")
    if given.certificate:
        saved = replace(saved, certificate="", key="")
    return Trust(
        given.fingerprint or saved.fingerprint,
        given.authorities or saved.authorities,
        given.certificate or saved.certificate,
        given.key or saved.key,
    )
