"""The sections of the settings about serving: the server, where it listens, its gateways, its database."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from chatroom.config.server_url import DatabaseFile, ServerUrl
from chatroom.config.values import Network, Networks, Webroot, is_among, is_loopback, is_origin
from chatroom.database_address import DatabaseAddress, ServerAddress
from chatroom.paths import default_database
from chatroom.settings.keys import setting
from chatroom.settings.kinds import FilePath, FilePaths, Number, Period, Text, Whole, Words, YesOrNo

ONE_LINE = r"[^\x00-\x1f\x7f]*"
ONE_WORD = r"[!-9;-~][!-~]*"  # a colon at the start would make it the last parameter of a line
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_RESOLVER = r"|[0-9.]+(:[0-9]{1,5})?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?"
_PLACE = rf"({_LABEL}(\.{_LABEL})*|[0-9.]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{{1,5}})?"
_PUBLIC = rf"|ircs?://{_PLACE}"
_PAGE = rf"|https?://{_PLACE}(/[A-Za-z0-9._~/-]*)?"
MOST_ZONE_CHARACTERS = 180
"""A name has at most 253 characters, and the digits of an IPv6 address take 64 (RFC 1035, section 2.3.4)."""


@dataclass(frozen=True, slots=True)
class Server:
    """How the server presents itself, and its threads."""

    name: str = setting(
        "chatroom.local",
        Text("a host name with a dot in it, such as chat.example.org", rf"{_LABEL}(\.{_LABEL})+", 63),
        "The server's name. Clients show it as the sender of the server's own messages.",
        applies="restart",
    )
    network: str = setting(
        "chatroom",
        Text("one word", ONE_WORD, 63),
        "The network's name. Clients show it as the name of the connection.",
        applies="restart",
    )
    description: str = setting(
        "A chatroom server",
        Text("one line of text", ONE_LINE, 250),
        "The description of the server in WHOIS and LINKS.",
    )
    password: str = setting(
        "",
        Text("one line of text", ONE_LINE),
        "The password that every client must send (PASS). Empty: no password.",
        secret=True,
    )
    public_address: str = setting(
        "",
        Text("an address such as ircs://chat.example.org or irc://192.0.2.1:6667, or nothing", _PUBLIC),
        "How users reach this server, for the links of invites. Empty: server.name, or the one address that the server "
        "listens on, with the port of the first IRC listener, one with TLS if there is any.",
    )
    page_address: str = setting(
        "",
        Text("an address such as https://chat.example.org, or nothing", _PAGE),
        "How browsers reach the server's page, for the links of invites. Empty: the address of the listener that has "
        'webroot = "default". Set it if the page is behind a proxy, or on another web server.',
    )
    motd: str = setting(
        "",
        Text("text of at most 16,000 bytes", r"[^\x00\x7f]*", 16_000),
        "The message of the day, of one or more lines. Empty: no message.",
    )
    admin_info: str = setting(
        "",
        Text("one line of text", ONE_LINE),
        "The answer to ADMIN: the operator of the server and how to reach them.",
    )
    sts_days: int = setting(
        0,
        Whole(0, 3650),
        "For how many days after its last visit a client must use TLS, if it knows STS (Strict Transport Security of "
        "IRCv3). The server tells it the port of the first TLS listener. Set this only if clients can verify the "
        "certificate at any time. 0: the server does not offer STS.",
    )
    io_threads: int = setting(
        1,
        Whole(1, 16),
        "The number of threads that read and write connections. One thread serves thousands of clients. More threads "
        "can help only with a free-threaded Python; with any other they make the server slower.",
        applies="restart",
    )
    websocket_origins: tuple[str, ...] = setting(
        (),
        Words('a list of origins, such as ["https://chat.example.org"], or ["*"]', is_origin),
        "The origins of the web pages that may connect to a WebSocket listener. Pages of this machine "
        "(http://localhost) and programs other than browsers may always connect. Other pages are refused: any page on "
        "the web could use the browser of a visitor to reach a server in the visitor's network. "
        '["*"] allows all pages.',
    )


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to listen on. There can be several ``[[listen]]`` tables. They replace the default one.

    With ``tls = true``, connections are encrypted; "chatroomctl tls self-signed" makes a certificate for a start.
    Behind a proxy, ``proxy_protocol_from`` or ``forwarded_from`` takes the clients' addresses from it. Bans, limits
    and WHOIS then use these.
    """

    kind: str = setting(
        "irc",
        Text('"irc" or "websocket"', r"irc|websocket"),
        "The protocol: irc for IRC clients, websocket for IRC clients in a browser.",
        applies="restart",
    )
    host: str = setting(
        "127.0.0.1",
        Text("an address of this machine or a host name", r"[A-Za-z0-9.:%_-]+"),
        'The address. "127.0.0.1" accepts clients on this machine only, "0.0.0.0" and "::" from every network.',
        applies="restart",
    )
    port: int = setting(6667, Whole(0, 65535), "The port. 0 picks a free one.", applies="restart")
    tls: bool = setting(
        False, YesOrNo(), "Encrypt the connections (TLS 1.2 or newer). It needs certificate and key.", applies="restart"
    )
    certificate: tuple[Path, ...] = setting(
        (),
        FilePaths(),
        "The PEM file of the certificate with its chain, such as certbot's fullchain.pem. With several, each client "
        "gets the one for the name that it connects to, or else the first. The daemon notices a changed file and "
        "reads it again.",
        applies="restart",
    )
    key: tuple[Path, ...] = setting(
        (), FilePaths(), "The PEM file of the certificate's private key. As many as certificates.", applies="restart"
    )
    proxy_protocol_from: tuple[Network, ...] = setting(
        (),
        Networks(),
        "The networks of proxies that send the PROXY protocol, version 1 or 2, such as HAProxy's. Every connection "
        "must then come from them and begin with the header. [] means that there is no such proxy.",
        applies="restart",
    )
    forwarded_from: tuple[Network, ...] = setting(
        (),
        Networks(),
        "The networks of HTTP proxies that send X-Forwarded-For, such as nginx's. Every connection must then come from "
        "them and have the header. Only for websocket.",
        applies="restart",
    )
    webroot: Path | str | None = setting(
        None,
        Webroot(),
        "What a browser gets that opens the address as a page: default is the page that comes with the server; a "
        "directory has the files of another web client. They are read when the server starts, and that page may "
        "connect. Empty: nothing. Only for websocket.",
        applies="restart",
    )

    @property
    def is_exposed(self) -> bool:
        """True if passwords and messages come here in clear over a network: no TLS, no proxy, not this machine only."""
        return not (self.tls or self.proxy_protocol_from or self.forwarded_from or is_loopback(self.host))

    @property
    def is_plain(self) -> bool:
        """True if IRC clients connect to it directly and without TLS."""
        return self.kind == "irc" and not self.tls and not self.proxy_protocol_from

    def find_fault(self) -> str:
        """Return why the values do not fit together; empty if they do."""
        if self.tls and not self.certificate:
            return 'tls needs certificate and key ("chatroomctl tls self-signed" makes them)'
        if len(self.certificate) != len(self.key):
            return f"{len(self.certificate)} certificates and {len(self.key)} keys: each certificate needs its key"
        if self.certificate and not self.tls:
            return "there is a certificate, so set tls = true, or remove the certificate"
        if self.forwarded_from and self.kind != "websocket":
            return 'forwarded_from is only for kind = "websocket"; proxy_protocol_from is for both kinds'
        if self.webroot is not None and self.kind != "websocket":
            return 'webroot is only for kind = "websocket"'
        return ""


@dataclass(frozen=True, slots=True)
class WebIrc:
    """Gateways that connect users and report the users' addresses (the WEBIRC command).

    Bans, limits and WHOIS use the address that the gateway reports, so trust your own gateways only. WEBIRC is refused
    unless there are a password and gateways.
    """

    password: str = setting(
        "", Text("one word", ONE_WORD + "|"), "The password that the gateways must send.", secret=True
    )
    gateways: tuple[Network, ...] = setting(
        (), Networks(), "The addresses of the gateways. The connection limits do not count their connections."
    )

    def trusts(self, version: int, address: int) -> bool:
        """Return True if a gateway can have that address, an integer of IP version 4 or 6."""
        return bool(self.password) and is_among(self.gateways, version, address)


def is_zone(word: str) -> bool:
    """Return True for the domain name of a DNS blocklist: an address of 32 labels fits in front of it."""
    return len(word) <= MOST_ZONE_CHARACTERS and re.fullmatch(rf"{_LABEL}(\.{_LABEL})+", word) is not None


@dataclass(frozen=True, slots=True)
class Dnsbl:
    """DNS blocklists: lists of addresses that are known for spam or break-ins, which others run and DNS answers for.

    The server asks them for the address of each new user, unless it is this machine's, private, or in
    ``limits.exempt``, or the user logs in as a moderator or an admin. If a list does not answer, the user comes in, and
    the log says so once. Each list learns the addresses of your users and has rules of its own for who may ask it.
    """

    zones: tuple[str, ...] = setting(
        (),
        Words('a list of at most 5 domain names of blocklists, such as ["dnsbl.dronebl.org"]', is_zone, most=5),
        "The domain names of the lists. [] asks none.",
    )
    action: str = setting(
        "refuse",
        Text('"refuse" or "login"', r"refuse|login"),
        "What happens to a user whose address is listed. refuse: the user cannot come in. login: the user must log in "
        "to an account, and cannot register one.",
    )
    resolver: str = setting(
        "",
        Text("an address with or without a port, such as 127.0.0.1 or [::1]:5353, or nothing", _RESOLVER),
        "The DNS server to ask. Empty: those of this machine (/etc/resolv.conf). Many lists do not answer the large "
        "public resolvers, so use one of your own.",
    )
    timeout_s: float = setting(
        2.0,
        Number(0.1, 30),
        "How many seconds to wait for the answer of a list. A list that does not answer is not asked for a minute.",
    )


@dataclass(frozen=True, slots=True)
class Database:
    """The database, which stores everything: a file, or a database of a PostgreSQL server."""

    path: Path = setting(
        default_database,
        DatabaseFile(),
        "The SQLite file. A relative path is relative to the directory of this configuration file.",
        applies="restart",
        shown="~/.local/share/chatroom/chatroom.db",
    )
    url: ServerAddress | None = setting(
        None,
        ServerUrl(),
        "The database of a PostgreSQL server, instead of a file: postgresql://USER@HOST/DATABASE. It needs the package "
        "chatroom[postgresql]. Leave the password out of it: it comes from password_file, or from PostgreSQL's own "
        "places, the variable PGPASSWORD and the file that PGPASSFILE names (~/.pgpass). Empty: path is the database.",
        applies="restart",
    )
    password_file: Path | None = setting(
        None,
        FilePath("the path of a file, or nothing", is_optional=True),
        "A file whose first line is the password for url. Only the daemon's user may read it. It is read for each "
        "connection, so a new password needs no restart.",
        applies="restart",
    )
    warn_free_mb: int = setting(
        512,
        Whole(0, 1_000_000_000),
        "The log and chatroomctl status warn if fewer MiB are free on the disk of the database. 0: no warning. If the "
        "disk is full, messages are refused, and some MiB are kept for bans and accounts. Only for path: the disk of "
        "a PostgreSQL server is watched there.",
    )

    @property
    def address(self) -> DatabaseAddress:
        """Where the database is."""
        return self.path if self.url is None else replace(self.url, password_file=self.password_file)

    def find_fault(self) -> str:
        """Return why the values do not fit together; empty if they do."""
        if self.url is None and self.password_file is not None:
            return "database.password_file is set, and database.url is not: it is for the password of a URL"
        if self.url is not None and self.url.password is not None and self.password_file is not None:
            return "database.url has a password, and database.password_file names another one: remove one of them"
        return ""


@dataclass(frozen=True, slots=True)
class Backup:
    """Scheduled backups: the server copies its database while people chat, and checks each copy for faults.

    They are of a database in a file. For one of a PostgreSQL server, run pg_dump by a timer.

    ``chatroomctl status`` tells how old the last good one is, and the log why there is none. ``chatroomctl db restore``
    puts one in the place of the database.
    """

    every: int = setting(
        0,
        Period("10m", "52w"),
        "How often a backup is made. Empty: never. The first one is made at once.",
    )
    keep: int = setting(
        7,
        Whole(1, 10_000),
        "How many backups are kept. Older ones are deleted: those that the server has made of this database, and no "
        "other file.",
    )
    directory: Path | None = setting(
        None,
        FilePath("the path of a directory, or nothing", is_optional=True, is_directory=True),
        "Where the backups are. It is made with mode 0700. Empty: the directory backups beside the database. A backup "
        "is not begun if less than database.warn_free_mb would be left free there.",
    )
