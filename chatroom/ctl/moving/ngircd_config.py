"""Reads the configuration of ngIRCd: operators become accounts, and channels channels.

Source: the manual page ngircd.conf(5) of ngIRCd 26.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime

from chatroom.chat.people.ban_masks import normalise_ban
from chatroom.chat.people.channel import CHANNEL_KINDS, FLAG_MODES, LIST_MODES
from chatroom.chat.people.flood_modes import parse_number
from chatroom.chat.stored.records import ListEntry, Role
from chatroom.ctl.moving.arrivals import Arrivals, ArrivingAccount, ArrivingChannel
from chatroom.errors import InvalidValue
from chatroom.irc.modes import parse_changes

_Section = list[tuple[str, str]]
"""The variables of a section, their names in lower case. A name can come several times."""
_MOST_LIMIT = 1_000_000
_KNOWN = ("global", "limits", "options", "ssl", "operator", "server", "channel", "features")
SETTINGS = {
    ("global", "name"): "server.name",
    ("global", "info"): "server.description",
    ("global", "network"): "server.network",
    ("global", "motdphrase"): "server.motd",
    ("global", "admininfo1"): "server.admin_info",
    ("limits", "maxconnections"): "limits.connections",
    ("limits", "maxconnectionsip"): "limits.connections_per_address",
    ("limits", "maxjoins"): "channels.max_joined",
}
"""Variables that have a setting of the same meaning."""
_BY_HAND = {
    ("global", "password"): "set server.password in the configuration file to the password of [Global]",
    ("global", "motdfile"): "set server.motd in the configuration file to the text of MotdFile",
    ("global", "ports"): "name the ports in [[listen]] tables of the configuration file",
    ("global", "listen"): "name the addresses in [[listen]] tables of the configuration file",
    ("ssl", "certfile"): "give a [[listen]] table tls = true, and the certificate and key of [SSL]",
    ("options", "webircpassword"): "set password and gateways in [webirc] of the configuration file",
    ("options", "includedir"): "import the files of IncludeDir too, one by one",
}


def read_ngircd(lines: Iterable[str], operators: Role, now: datetime) -> Arrivals:
    """Return what the file has. ``operators`` is the role that operators get. Raises ``InvalidValue``."""
    found, channels = Arrivals(), list[_Section]()
    for name, section in _sections(lines):
        if name == "operator":
            _add_operator(found, section, operators)
        elif name == "channel":
            channels.append(section)
        elif name == "server":
            found.leave_out("links to other servers")
        else:
            _add_settings(found, name, section)
    # Operators first: they are operators of persistent channels (OperChanPAutoOp).
    for section in channels:
        _add_channel(found, section, now)
    return found


def _sections(lines: Iterable[str]) -> list[tuple[str, _Section]]:
    sections: list[tuple[str, _Section]] = []
    for number, line in enumerate(lines, 1):
        text = line.lstrip("\ufeff").strip()
        if not text or text[0] in "#;":
            continue
        if text.startswith("[") and text.endswith("]"):
            name = text[1:-1].strip().lower()
            if name not in _KNOWN:
                raise InvalidValue(f"line {number}: ngIRCd has no section [{text[1:-1]}]")
            sections.append((name, []))
        elif "=" in text and sections:
            variable, _, value = text.partition("=")
            sections[-1][1].append((variable.strip().lower(), value.strip()))
        else:
            raise InvalidValue(f"line {number}: neither a section nor a variable of ngIRCd")
    if not sections:
        raise InvalidValue("not a configuration of ngIRCd: it has no section")
    return sections


def _add_operator(found: Arrivals, section: _Section, role: Role) -> None:
    given = dict(section)
    if not given.get("name"):
        return
    if given.get("mask"):
        found.leave_out("masks of operators: an account logs in from anywhere")
    found.accounts.append(ArrivingAccount(given["name"], role, password=given.get("password") or None))


def _add_settings(found: Arrivals, name: str, section: _Section) -> None:
    for variable, value in section:
        key = SETTINGS.get((name, variable))
        if key is not None and value:
            found.settings.append(f"chatroomctl config set {key} {shlex.quote(value)}")
        elif (name, variable) in _BY_HAND:
            found.settings.append(_BY_HAND[name, variable])


def _add_channel(found: Arrivals, section: _Section, now: datetime) -> None:
    given = dict(section)
    name = given.get("name", "")
    if not name:
        return
    if name[0] in "&+":
        found.leave_out(f"channels that begin with {name[0]}: here they begin with #")
        return
    channel = ArrivingChannel(name, flags="", topic=given.get("topic", ""))
    channel.topic_by, channel.topic_at = ("ngircd", now) if channel.topic else ("", None)
    channel.access = {account.name: "o" for account in found.accounts}
    for variable, value in section:
        if variable == "modes":
            _apply_modes(found, channel, value, now)
    channel.key = given.get("key") or channel.key
    channel.limit = parse_number(given.get("maxusers", ""), _MOST_LIMIT) or channel.limit
    if given.get("keyfile"):
        found.leave_out("key files of channels")
    if given.get("autojoin", "").lower() in ("yes", "true", "1"):
        found.settings.append(f"add {name} to channels.autojoin in the configuration file")
    found.channels.append(channel)


def _apply_modes(found: Arrivals, channel: ArrivingChannel, text: str, now: datetime) -> None:
    """Set the modes of a variable ``Modes``, such as ``tnk`` or ``+b *!*@spam.example``."""
    for change in parse_changes(text.split(), CHANNEL_KINDS):
        letter, param = change.letter, change.param
        if not change.adding or letter == "P":  # what is stored is persistent
            continue
        if letter in FLAG_MODES:
            channel.flags = "".join(sorted({*channel.flags, letter}))
        elif letter == "k":
            channel.key = param or channel.key
        elif letter == "l":
            channel.limit = parse_number(param or "", _MOST_LIMIT) or channel.limit
        elif (mode := next((one for one in LIST_MODES if one == letter), None)) and param:
            mask = normalise_ban(param)
            if mask is not None:
                channel.lists = (*channel.lists, ListEntry(mode, mask, "ngircd", now))
        else:
            found.leave_out(f"channel mode {letter}")
