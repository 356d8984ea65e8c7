"""Every setting there is: its type, its default, what it means, and whether a reload applies it.

A key is a field of a section's dataclass, made by ``_key``; ``KEYS`` lists them all in the order of the file. Durations
end in ``_s`` and are seconds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chatroom.config.values import FilePath, Kind, Network, Networks, Number, Text, Whole, Words, YesOrNo, is_origin
from chatroom.irc.names import is_channel
from chatroom.paths import default_database

Applies = Literal["reload", "restart"]

_ONE_LINE = r"[^\x00-\x1f\x7f]*"
_ONE_WORD = r"[!-9;-~][!-~]*"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_MANY = 1_000_000_000


def _key(
    default: Any, kind: Kind, doc: str, *, applies: Applies = "reload", secret: bool = False, shown: object = None
) -> Any:
    """A field that is a setting; ``shown`` is its default in words where that depends on the machine."""
    meta = {"kind": kind, "doc": doc, "applies": applies, "secret": secret, "shown": shown}
    if callable(default):
        return field(default_factory=default, metadata=meta)
    return field(default=default, repr=not secret, metadata=meta)


@dataclass(frozen=True, slots=True)
class Server:
    """Who this server says it is."""

    name: str = _key(
        "chatroom.local",
        Text("a host name with a dot in it, such as chat.example.org", rf"{_LABEL}(\.{_LABEL})+", 63),
        "The server's name on the wire. Clients see it as the source of what the server itself says.",
        applies="restart",
    )
    network: str = _key(
        "chatroom",
        Text("one word", _ONE_WORD, 63),
        "The network's name, which clients show for the connection.",
        applies="restart",
    )
    description: str = _key(
        "A chatroom server", Text("one line of text", _ONE_LINE), "What WHOIS and LINKS say about the server."
    )
    password: str = _key(
        "",
        Text("one line of text", _ONE_LINE),
        "A password that every connection must give (PASS). Empty: none is asked for.",
        secret=True,
    )
    motd: str = _key(
        "",
        Text("text of at most 16,000 bytes", r"[^\x00\x7f]*", 16_000),
        "The message of the day, of one or more lines. Empty: there is none.",
    )
    admin_info: str = _key(
        "", Text("one line of text", _ONE_LINE), "What ADMIN answers: who runs this server and how to reach them."
    )
    io_threads: int = _key(
        1,
        Whole(1, 16),
        "How many threads read and write connections. One serves thousands; more than one can help only under a Python "
        "without a global lock, and costs time under any other.",
        applies="restart",
    )
    websocket_origins: tuple[str, ...] = _key(
        (),
        Words('a list of origins, such as ["https://chat.example.org"], or ["*"]', is_origin),
        "Which web pages may connect to a WebSocket listener, by the site they come from. Pages of this machine itself "
        "(http://localhost) and programs that are no browser always may. Any other page could otherwise use the "
        'browser of whoever looks at it to reach a server on their network; ["*"] lets every page in.',
    )


@dataclass(frozen=True, slots=True)
class Listen:
    """One address to listen on. There may be several ``[[listen]]`` tables; they replace the default one."""

    kind: str = _key(
        "irc",
        Text('"irc" or "websocket"', r"irc|websocket"),
        "What is spoken there: irc is plain lines, websocket is IRC for clients in a browser.",
        applies="restart",
    )
    host: str = _key(
        "127.0.0.1",
        Text("an address of this machine or a host name", r"[A-Za-z0-9.:%_-]+"),
        'The address: "127.0.0.1" is this machine only, "0.0.0.0" and "::" are every network it is in.',
        applies="restart",
    )
    port: int = _key(6667, Whole(0, 65535), "The port; 0 takes any that is free.", applies="restart")


@dataclass(frozen=True, slots=True)
class Database:
    """Where everything is kept."""

    path: Path = _key(
        default_database,
        FilePath(),
        "The SQLite file. A relative path starts at the directory of this file.",
        applies="restart",
        shown="~/.local/share/chatroom/chatroom.db",
    )


@dataclass(frozen=True, slots=True)
class Channels:
    """The rooms."""

    autojoin: tuple[str, ...] = _key(
        ("#lobby",),
        Words('a list of channel names, such as ["#lobby"], none of them twice', is_channel),
        "The channels that everyone lands in. They belong to nobody: being first there makes nobody an operator.",
    )
    max_joined: int = _key(100, Whole(1, 10_000), "In how many channels one user may be.")


@dataclass(frozen=True, slots=True)
class Accounts:
    """Registered names."""

    registration: bool = _key(
        True, YesOrNo(), "Whether people may register their name from the chat. Otherwise chatroomctl makes accounts."
    )
    require_login: bool = _key(False, YesOrNo(), "Whether only accounts may enter: no guests.")
    bcrypt_cost: int = _key(
        12,
        Whole(4, 16),
        "The cost of a password check: each step doubles the time. Passwords are hashed anew after their next login.",
    )
    scram: bool = _key(
        True,
        YesOrNo(),
        "Whether clients may log in by SCRAM-SHA-256, which never sends the password. Each account needs a second "
        "verifier for that, kept from its next login on; whoever steals the database can try passwords faster on it.",
    )
    scram_iterations: int = _key(
        60_000,
        Whole(4096, 1_000_000),
        "How much work such a try is, for clients too. Verifiers are made anew after their account's next login.",
    )
    share_nick: bool = _key(
        True,
        YesOrNo(),
        "Whether several connections of one account may wear its nick: each is told what is said to and by the others.",
    )
    password_min_length: int = _key(
        4, Whole(1, 200), "How many characters a password has at least that is chosen in the chat."
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """What keeps one connection from costing the others.

    Connections from this machine itself (loopback) are not counted by ``connections_per_address`` and
    ``connects_per_minute``. ``enabled = false`` switches off the line rate, the connection limits and the slowing of
    failed logins, for tests and closed networks; never ``sendq_bytes`` and the time-outs.
    """

    enabled: bool = _key(True, YesOrNo(), "Whether lines and connections are limited at all.")
    burst_lines: int = _key(
        40, Whole(1, 1_000_000), "How many lines a connection may send at once before lines_per_s holds it back."
    )
    lines_per_s: float = _key(10.0, Number(0.1, 1_000_000), "How many lines a second a connection may send steadily.")
    queue_lines: int = _key(
        500, Whole(1, 1_000_000), "How many lines may wait for that; with more, the connection is closed."
    )
    sendq_bytes: int = _key(
        1_048_576,
        Whole(16_384, _MANY),
        'How many bytes may wait for a client that does not read; with more, it is closed ("SendQ exceeded").',
    )
    connections_per_address: int = _key(50, Whole(1, 1_000_000), "How many connections one address may have.")
    connects_per_minute: int = _key(120, Whole(1, 1_000_000), "How many times a minute one address may connect.")
    login_tries: int = _key(3, Whole(1, 100), "How many SASL logins may fail on one connection before it is closed.")
    registration_timeout_s: float = _key(
        60.0, Number(0.1, 3600), "How many seconds a new connection has to give its nick."
    )
    ping_interval_s: float = _key(120.0, Number(0.1, 86_400), "After how many silent seconds a client is asked (PING).")
    ping_timeout_s: float = _key(60.0, Number(0.1, 86_400), "How many seconds it then has to answer.")


@dataclass(frozen=True, slots=True)
class History:
    """What is kept of what is said, and for how long.

    What is kept is in the database before anybody reads it. Direct messages are kept between accounts only. Switching
    a kind off deletes nothing: what was kept stays until it is too old or pruned.
    """

    enabled: bool = _key(True, YesOrNo(), "Whether anything is kept at all.", applies="restart")
    synchronous: str = _key(
        "normal",
        Text('"normal" or "full"', r"normal|full"),
        "What everything that was read survives: normal is a crash of the daemon, full is a power cut too, and waits "
        "for the disk at every message.",
        applies="restart",
    )
    messages: bool = _key(True, YesOrNo(), "Whether messages and notices in channels are kept.")
    direct_messages: bool = _key(True, YesOrNo(), "Whether messages and notices between two accounts are kept.")
    topics: bool = _key(True, YesOrNo(), "Whether changes of a channel's topic are kept.")
    joins: bool = _key(False, YesOrNo(), "Whether joining, leaving and quitting are kept.")
    kicks: bool = _key(True, YesOrNo(), "Whether kicks are kept.")
    modes: bool = _key(False, YesOrNo(), "Whether changes of channels' modes are kept.")
    replay_guests: int = _key(
        50,
        Whole(0, 10_000),
        "How many of the last messages a guest is shown at a JOIN, by a client that does not ask for history itself, "
        "in a channel that outlives its members.",
    )
    replay_accounts_max: int = _key(
        500, Whole(0, 10_000), "How many at most an account is shown of what it missed, in a channel or directly."
    )
    max_query: int = _key(1000, Whole(1, 10_000), "How many messages a client may ask for at once (CHATHISTORY).")
    max_age_days: int = _key(
        0, Whole(0, 36_500), "After how many days an entry is deleted. 0: entries are kept permanently."
    )
    max_size_mb: int = _key(
        0,
        Whole(0, 1_000_000),
        "How many MiB the database may hold before the oldest messages are deleted. 0: there is no bound.",
    )


@dataclass(frozen=True, slots=True)
class WebIrc:
    """Gateways that connect for others and give their addresses (the WEBIRC command).

    What a gateway gives counts as the address of whom it connects, for bans, limits and WHOIS, so trust none but your
    own. Without a password or without gateways nobody may use WEBIRC.
    """

    password: str = _key(
        "", Text("one word", _ONE_WORD + "|"), "The password that the gateways have to give.", secret=True
    )
    gateways: tuple[Network, ...] = _key(
        (), Networks(), "From which addresses they connect. These are not counted by the connection limits."
    )

    def trusts(self, version: int, address: int) -> bool:
        """Whether a peer with that address (an integer, of IP version 4 or 6) may be a gateway."""
        return bool(self.password) and any(
            network.version == version and int(network.network_address) <= address <= int(network.broadcast_address)
            for network in self.gateways
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings at one moment. A reload makes a new one; nobody changes one."""

    server: Server = field(default_factory=Server)
    listen: tuple[Listen, ...] = (Listen(),)
    database: Database = field(default_factory=Database)
    channels: Channels = field(default_factory=Channels)
    accounts: Accounts = field(default_factory=Accounts)
    limits: Limits = field(default_factory=Limits)
    history: History = field(default_factory=History)
    webirc: WebIrc = field(default_factory=WebIrc)
    source: Path | None = field(default=None, compare=False)
    """The file that was read, ``None`` where there is none."""
    key_sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Where each key that is not at its default was set: the file, the environment variable or the flag."""


SECTIONS: dict[str, type[Any]] = {
    "server": Server,
    "listen": Listen,
    "database": Database,
    "channels": Channels,
    "accounts": Accounts,
    "limits": Limits,
    "history": History,
    "webirc": WebIrc,
}


@dataclass(frozen=True, slots=True)
class Key:
    """One setting as ``config show`` and the documentation tell it."""

    section: str
    name: str
    kind: Kind
    doc: str
    applies: Applies
    secret: bool
    default: object
    """The default as TOML writes it."""

    @property
    def path(self) -> str:
        """The key with its section, as in ``limits.burst_lines``."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"CHATROOM_{self.section}__{self.name}".upper()

    def value_in(self, settings: Settings) -> object:
        """What it is set to, as TOML writes it; for a key of ``[[listen]]``, in the first table."""
        section = getattr(settings, self.section)
        if isinstance(section, tuple):
            section = section[0]
        return self.kind.write(getattr(section, self.name))


def _keys_of(section: str, made_of: type[Any]) -> list[Key]:
    keys = []
    for item in dataclasses.fields(made_of):
        meta = item.metadata
        default = meta["kind"].write(item.default) if meta["shown"] is None else meta["shown"]
        keys.append(Key(section, item.name, meta["kind"], meta["doc"], meta["applies"], meta["secret"], default))
    return keys


KEYS: tuple[Key, ...] = tuple(key for section, made_of in SECTIONS.items() for key in _keys_of(section, made_of))
_KEYS_BY_PATH = {key.path: key for key in KEYS}


def find_key(path: str) -> Key | None:
    """The key written ``section.name``."""
    return _KEYS_BY_PATH.get(path)


def changed_keys(old: Settings, new: Settings) -> list[Key]:
    """The keys that differ between two settings; for ``[[listen]]`` those of the tables that differ."""
    changed = []
    for key in KEYS:
        before, after = getattr(old, key.section), getattr(new, key.section)
        if isinstance(before, tuple):
            before, after = ([getattr(table, key.name) for table in tables] for tables in (before, after))
        else:
            before, after = getattr(before, key.name), getattr(after, key.name)
        if before != after:
            changed.append(key)
    return changed
