"""All settings: type, default, description, and when a change applies.

A key is a field of the dataclass of its section, made by ``_key``. ``KEYS`` lists all keys in the order of the file.
The docstrings of the sections and the descriptions of the keys are the text of ``chatroom.toml``. Durations are in
seconds and end in ``_s``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chatroom.config.values import FilePath, Kind, Network, Networks, Number, Text, Whole, Words, YesOrNo, is_origin
from chatroom.irc.names import is_channel, is_nick
from chatroom.paths import default_database

Applies = Literal["reload", "restart"]

_ONE_LINE = r"[^\x00-\x1f\x7f]*"
_ONE_WORD = r"[!-9;-~][!-~]*"  # a colon at the start would make it the last parameter of a line
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_MANY = 1_000_000_000
_RESERVED = """NickServ ChanServ SaslServ OperServ HostServ MemoServ BotServ HistServ
    Admin Administrator Operator Server Service Services System"""
# Not Root: the terminal client of somebody who works as root, as in a container, connects under that name.


def _key(
    default: Any, kind: Kind, doc: str, *, applies: Applies = "reload", secret: bool = False, shown: object = None
) -> Any:
    """Return a dataclass field for a setting.

    ``shown`` is the default to display if the real one depends on the machine.
    """
    meta = {"kind": kind, "doc": doc, "applies": applies, "secret": secret, "shown": shown}
    # A password must not be in the repr() of settings, which can end up in a traceback.
    if callable(default):
        return field(default_factory=default, metadata=meta)
    return field(default=default, repr=not secret, metadata=meta)


@dataclass(frozen=True, slots=True)
class Server:
    """How the server presents itself, and its threads."""

    name: str = _key(
        "chatroom.local",
        Text("a host name with a dot in it, such as chat.example.org", rf"{_LABEL}(\.{_LABEL})+", 63),
        "The server's name. Clients show it as the sender of the server's own messages.",
        applies="restart",
    )
    network: str = _key(
        "chatroom",
        Text("one word", _ONE_WORD, 63),
        "The network's name. Clients show it as the name of the connection.",
        applies="restart",
    )
    description: str = _key(
        "A chatroom server", Text("one line of text", _ONE_LINE), "The description of the server in WHOIS and LINKS."
    )
    password: str = _key(
        "",
        Text("one line of text", _ONE_LINE),
        "The password that every client must send (PASS). Empty: no password.",
        secret=True,
    )
    motd: str = _key(
        "",
        Text("text of at most 16,000 bytes", r"[^\x00\x7f]*", 16_000),
        "The message of the day, of one or more lines. Empty: no message.",
    )
    admin_info: str = _key(
        "",
        Text("one line of text", _ONE_LINE),
        "The answer to ADMIN: the operator of the server and how to reach them.",
    )
    io_threads: int = _key(
        1,
        Whole(1, 16),
        "The number of threads that read and write connections. One thread serves thousands of clients. More threads "
        "can help only with a free-threaded Python; with any other they make the server slower.",
        applies="restart",
    )
    websocket_origins: tuple[str, ...] = _key(
        (),
        Words('a list of origins, such as ["https://chat.example.org"], or ["*"]', is_origin),
        "The origins of the web pages that may connect to a WebSocket listener. Pages of this machine "
        "(http://localhost) and programs other than browsers may always connect. Other pages are refused: any page on "
        "the web could use the browser of a visitor to reach a server in the visitor's network. "
        '["*"] allows all pages.',
    )


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to listen on. There can be several ``[[listen]]`` tables. They replace the default one."""

    kind: str = _key(
        "irc",
        Text('"irc" or "websocket"', r"irc|websocket"),
        "The protocol: irc for IRC clients, websocket for IRC clients in a browser.",
        applies="restart",
    )
    host: str = _key(
        "127.0.0.1",
        Text("an address of this machine or a host name", r"[A-Za-z0-9.:%_-]+"),
        'The address. "127.0.0.1" accepts clients on this machine only, "0.0.0.0" and "::" from every network.',
        applies="restart",
    )
    port: int = _key(6667, Whole(0, 65535), "The port. 0 picks a free one.", applies="restart")


@dataclass(frozen=True, slots=True)
class Database:
    """The database, which stores everything."""

    path: Path = _key(
        default_database,
        FilePath(),
        "The SQLite file. A relative path is relative to the directory of this configuration file.",
        applies="restart",
        shown="~/.local/share/chatroom/chatroom.db",
    )


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels that always exist, and a limit for all channels."""

    autojoin: tuple[str, ...] = _key(
        ("#lobby",),
        Words('a list of channel names, such as ["#lobby"], none of them twice', is_channel),
        "The channels that every user joins at the start. They always exist, and the first user in them does not "
        "become an operator.",
    )
    max_joined: int = _key(100, Whole(1, 10_000), "How many channels a user can be in at the same time.")


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts, which are registered names, and their passwords."""

    registration: bool = _key(
        True, YesOrNo(), "Allow users to register accounts from the chat. If false, only chatroomctl creates accounts."
    )
    register_before_connect: bool = _key(
        True, YesOrNo(), "Allow REGISTER before the connection is complete. If false, a user must connect first."
    )
    email_required: bool = _key(
        False, YesOrNo(), "Require a mail address to register an account. It is stored, and no mail is sent to it."
    )
    require_login: bool = _key(
        False, YesOrNo(), "Require every user to log in to an account. If false, guests can connect too."
    )
    bcrypt_cost: int = _key(
        12,
        Whole(4, 16),
        "The cost of checking a password. Each step doubles the time. After a change, the hash of each password is "
        "replaced at the next login.",
    )
    scram: bool = _key(
        True,
        YesOrNo(),
        "Allow login by SCRAM-SHA-256, which never sends the password. It needs a second hash of the password, stored "
        "at the next login. With a stolen database, passwords can be guessed faster from this hash.",
    )
    scram_iterations: int = _key(
        60_000,
        Whole(4096, 1_000_000),
        "The cost of one guess at the SCRAM hash, and of a login for the client. After a change, the hash of each "
        "account is replaced at the next login.",
    )
    share_nick: bool = _key(
        True,
        YesOrNo(),
        "Allow several connections of one account to share its nick. Each gets the messages to and from the others.",
    )
    password_min_length: int = _key(
        4, Whole(1, 200), "The minimum length of a password that is set from the chat, in characters."
    )
    reserved_names: tuple[str, ...] = _key(
        tuple(_RESERVED.split()),
        Words('a list of nicks, such as ["NickServ", "Admin"], none of them twice', is_nick),
        "Nicks and account names that nobody can take, nor any name that looks like them. Accounts that have one keep "
        "it, and chatroomctl can create one. [] reserves none.",
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that protect the server and its users from a single connection.

    ``connections_per_address`` and ``connects_per_minute`` do not count connections from this machine (loopback).
    ``enabled = false`` is for tests and closed networks. It turns off the line rate, the connection limits and the
    delay after failed logins. ``sendq_bytes`` and the time-outs always apply.
    """

    enabled: bool = _key(True, YesOrNo(), "Limit lines, connections and logins.")
    burst_lines: int = _key(
        40, Whole(1, 1_000_000), "How many lines a connection can send at once before lines_per_s slows it down."
    )
    lines_per_s: float = _key(
        10.0, Number(0.1, 1_000_000), "How many lines per second a connection can send in the long run."
    )
    queue_lines: int = _key(
        500, Whole(1, 1_000_000), "How many lines can wait for lines_per_s. With more, the connection is closed."
    )
    sendq_bytes: int = _key(
        1_048_576,
        Whole(16_384, _MANY),
        'How many bytes can wait for a client that does not read. With more, it is disconnected ("SendQ exceeded").',
    )
    connections_per_address: int = _key(
        50, Whole(1, 1_000_000), "How many connections an address can have at the same time."
    )
    connects_per_minute: int = _key(120, Whole(1, 1_000_000), "How many times per minute an address can connect.")
    login_tries: int = _key(3, Whole(1, 100), "How many SASL logins can fail on a connection before it is closed.")
    registration_timeout_s: float = _key(
        60.0,
        Number(0.1, 3600),
        "After how many seconds a connection is closed if it has not completed its registration.",
    )
    ping_interval_s: float = _key(
        120.0, Number(0.1, 86_400), "After how many seconds without a line the server sends a PING."
    )
    ping_timeout_s: float = _key(
        60.0, Number(0.1, 86_400), "After how many further seconds without an answer the connection is closed."
    )


@dataclass(frozen=True, slots=True)
class History:
    """The stored messages and events, and how long they are kept.

    A message is in the database before any user gets it. Direct messages are stored only if both users have accounts. A
    kind that is turned off is no longer stored; its older entries stay until they are too old or pruned.
    """

    enabled: bool = _key(
        True, YesOrNo(), "Store the history. If false, none of the kinds below is stored.", applies="restart"
    )
    synchronous: str = _key(
        "normal",
        Text('"normal" or "full"', r"normal|full"),
        "How safe a delivered message is. normal: it survives a crash of the daemon. full: it survives a power cut "
        "too, but the server waits for the disk at every message.",
        applies="restart",
    )
    messages: bool = _key(True, YesOrNo(), "Store messages and notices in channels.")
    direct_messages: bool = _key(True, YesOrNo(), "Store messages and notices between two accounts.")
    topics: bool = _key(True, YesOrNo(), "Store changes of topics.")
    joins: bool = _key(False, YesOrNo(), "Store when users join channels, leave them and quit.")
    kicks: bool = _key(True, YesOrNo(), "Store kicks.")
    modes: bool = _key(False, YesOrNo(), "Store changes of channel modes.")
    replay_guests: int = _key(
        50,
        Whole(0, 10_000),
        "How many of the last messages a guest gets at a JOIN. This is only for clients that do not request the "
        "history themselves, and for channels that stay when all users have left.",
    )
    replay_accounts_max: int = _key(
        500,
        Whole(0, 10_000),
        "How many missed messages an account gets at most, for each channel and for direct messages.",
    )
    max_query: int = _key(1000, Whole(1, 10_000), "How many messages a client can request at once (CHATHISTORY).")
    max_age_days: int = _key(
        0, Whole(0, 36_500), "After how many days an entry is deleted. 0: entries are kept permanently."
    )
    max_size_mb: int = _key(
        0,
        Whole(0, 1_000_000),
        "The size of the database in MiB from which the oldest entries are deleted. 0: no limit.",
    )


@dataclass(frozen=True, slots=True)
class WebIrc:
    """Gateways that connect users and report the users' addresses (the WEBIRC command).

    Bans, limits and WHOIS use the address that the gateway reports, so trust your own gateways only. WEBIRC is refused
    unless there are a password and gateways.
    """

    password: str = _key(
        "", Text("one word", _ONE_WORD + "|"), "The password that the gateways must send.", secret=True
    )
    gateways: tuple[Network, ...] = _key(
        (), Networks(), "The addresses of the gateways. The connection limits do not count their connections."
    )

    def trusts(self, version: int, address: int) -> bool:
        """Return True if a gateway can have that address, an integer of IP version 4 or 6."""
        return bool(self.password) and any(
            network.version == version and int(network.network_address) <= address <= int(network.broadcast_address)
            for network in self.gateways
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Immutable: a reload makes a new object."""

    server: Server = field(default_factory=Server)
    listen: tuple[Listen, ...] = (Listen(),)
    database: Database = field(default_factory=Database)
    channels: Channels = field(default_factory=Channels)
    accounts: Accounts = field(default_factory=Accounts)
    limits: Limits = field(default_factory=Limits)
    history: History = field(default_factory=History)
    webirc: WebIrc = field(default_factory=WebIrc)
    source: Path | None = field(default=None, compare=False)
    """The file that was read, or None."""
    key_sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """The source of each key that has been set: the file, an environment variable or a flag. Other keys are missing."""


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
    """The description of one setting."""

    section: str
    name: str
    kind: Kind
    doc: str
    applies: Applies
    secret: bool
    default: object
    """The default as TOML has it."""

    @property
    def path(self) -> str:
        """The key with its section, as in ``limits.burst_lines``."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets the key."""
        return f"CHATROOM_{self.section}__{self.name}".upper()

    def value_in(self, settings: Settings) -> object:
        """Return the key's value as TOML has it. For a key of ``[[listen]]`` it is that of the first table."""
        section = getattr(settings, self.section)
        if isinstance(section, tuple):
            section = section[0]
        return self.kind.write(getattr(section, self.name))


def _keys_of(section: str, made_of: type[Any]) -> list[Key]:
    keys = []
    for item in dataclasses.fields(made_of):
        meta = item.metadata
        # A path that depends on the home directory would make every template different.
        default = meta["kind"].write(item.default) if meta["shown"] is None else meta["shown"]
        keys.append(Key(section, item.name, meta["kind"], meta["doc"], meta["applies"], meta["secret"], default))
    return keys


KEYS: tuple[Key, ...] = tuple(key for section, made_of in SECTIONS.items() for key in _keys_of(section, made_of))
_KEYS_BY_PATH = {key.path: key for key in KEYS}


def find_key(path: str) -> Key | None:
    """Return the key ``section.name``, or None if there is none."""
    return _KEYS_BY_PATH.get(path)


def changed_keys(old: Settings, new: Settings) -> list[Key]:
    """Return the keys with different values. For ``[[listen]]`` the values in all tables are compared."""
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
