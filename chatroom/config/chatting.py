"""The sections of the settings about the chat: its channels, accounts, limits and history."""

from __future__ import annotations

from dataclasses import dataclass

from chatroom.config.values import Network, Networks
from chatroom.irc.names import is_channel, is_nick
from chatroom.settings.keys import setting
from chatroom.settings.kinds import Choice, Number, Text, Whole, Words, YesOrNo

_MANY = 1_000_000_000
_RESERVED = """NickServ ChanServ SaslServ OperServ HostServ MemoServ BotServ HistServ
    Admin Administrator Operator Server Service Services System"""
# Not Root: the terminal client of somebody who works as root, as in a container, connects under that name.


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels that always exist, and a limit for all channels."""

    autojoin: tuple[str, ...] = setting(
        ("#lobby",),
        Words('a list of channel names, such as ["#lobby"], none of them twice', is_channel),
        "The channels that every user joins at the start. They always exist, and the first user in them does not "
        "become an operator.",
    )
    rejoin: bool = setting(
        True,
        YesOrNo(),
        "Let an account back into its channels at its next login if its last connection broke. After PART, QUIT or a "
        "kick it stays out.",
    )
    max_joined: int = setting(100, Whole(1, 10_000), "How many channels a user can be in at the same time.")
    max_founded: int = setting(
        50,
        Whole(0, 10_000),
        "How many channels of an account are kept when their last member leaves. A further one ends then.",
    )
    expire_days: int = setting(
        0,
        Whole(0, 36_500),
        "After how many days without a member a kept channel ends, with its topic, modes, lists and rights. Those of "
        "autojoin do not end, and none does on the first day after a start. 0: channels do not end.",
    )


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts, which are registered names, and their passwords."""

    registration: str = setting(
        "open",
        Choice(("open", "invite", "approval", "closed"), true="open", false="closed"),
        "Who can register an account from the chat. open: everyone. invite: who has an invite, which moderators and "
        '"chatroomctl invite create" make. approval: everyone whom a moderator or "chatroomctl user approve" approves, '
        "and who has an invite. closed: nobody, only chatroomctl creates accounts.",
    )
    register_before_connect: bool = setting(
        True, YesOrNo(), "Allow REGISTER before the connection is complete. If false, a user must connect first."
    )
    email_required: bool = setting(
        False, YesOrNo(), "Require a mail address to register an account. It is stored, and no mail is sent to it."
    )
    require_login: bool = setting(
        False, YesOrNo(), "Require every user to log in to an account. If false, guests can connect too."
    )
    require_tls: bool = setting(
        False,
        YesOrNo(),
        "Refuse passwords over connections that are neither encrypted nor from this machine. Guests can still connect.",
    )
    bcrypt_cost: int = setting(
        12,
        Whole(4, 16),
        "The cost of checking a password. Each step doubles the time. After a change, the hash of each password is "
        "replaced at the next login.",
    )
    scram: bool = setting(
        True,
        YesOrNo(),
        "Allow login by SCRAM-SHA-256, which never sends the password. It needs a second hash of the password, stored "
        "at the next login. With a stolen database, passwords can be guessed faster from this hash.",
    )
    scram_iterations: int = setting(
        60_000,
        Whole(4096, 1_000_000),
        "The cost of one guess at the SCRAM hash, and of a login for the client. After a change, the hash of each "
        "account is replaced at the next login.",
    )
    share_nick: bool = setting(
        True,
        YesOrNo(),
        "Allow several connections of one account to share its nick. Each gets the messages to and from the others.",
    )
    always_on_max: int = setting(
        1000,
        Whole(0, 100_000),
        "How many accounts can be always on: their users stay in their channels while none of their devices is "
        "connected. 0 turns it off.",
    )
    expire_days: int = setting(
        0,
        Whole(0, 36_500),
        "After how many days without a login an account is deleted, and anyone can use its name. Those of moderators "
        "and admins, disabled ones, those that are always on and those that are connected stay, and all do on the "
        "first day after a start. 0: accounts are not deleted.",
    )
    requests_expire_days: int = setting(
        30,
        Whole(0, 36_500),
        "After how many days a request for an account ends that no moderator has decided. Anyone can ask for the name "
        "then. None ends on the first day after a start. 0: requests do not end.",
    )
    password_min_length: int = setting(
        4, Whole(1, 200), "The minimum length of a password that is set from the chat, in characters."
    )
    reserved_names: tuple[str, ...] = setting(
        tuple(_RESERVED.split()),
        Words('a list of nicks, such as ["NickServ", "Admin"], none of them twice', is_nick),
        "Nicks and account names that nobody can take, nor any name that looks like them. Accounts that have one keep "
        "it, and chatroomctl can create one. NickServ is the server's own, even with [].",
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that protect the server and its users from a single connection.

    What is counted by address does not count this machine (loopback), unless a listener or ``webirc`` trusts it as a
    proxy.
    ``enabled = false`` is for tests and closed networks. It turns off the line rate, the connection limits and the
    delay after failed logins. ``sendq_bytes`` and the time-outs always apply.
    """

    enabled: bool = setting(True, YesOrNo(), "Limit lines, connections and logins.")
    exempt: tuple[Network, ...] = setting(
        (),
        Networks(),
        'Networks that are not limited, such as ["192.0.2.0/24"]: their lines, their connections, and the delay after '
        "failed logins by address.",
    )
    burst_lines: int = setting(
        40, Whole(1, 1_000_000), "How many lines a connection can send at once before lines_per_s slows it down."
    )
    lines_per_s: float = setting(
        10.0,
        Number(0.1, 1_000_000),
        "How many lines per second a connection can send in the long run. A line with a long answer counts as several.",
    )
    queue_lines: int = setting(
        500, Whole(1, 1_000_000), "How many lines can wait for lines_per_s. With more, the connection is closed."
    )
    sendq_bytes: int = setting(
        1_048_576,
        Whole(16_384, _MANY),
        "How many bytes can wait for a client that does not read, here and in the kernel. With more, it is "
        'disconnected ("SendQ exceeded").',
    )
    backlog_timeout_s: float = setting(
        180.0,
        Number(0.1, 86_400),
        "After how many seconds a client is disconnected that has not caught up with what waits for it.",
    )
    connections: int = setting(
        0,
        Whole(0, _MANY),
        "How many connections the server can have at the same time. 0: as many as the limit of open files leaves "
        "room for, which always holds.",
    )
    reserved_for_accounts: int = setting(
        20,
        Whole(0, 1_000_000),
        "How many of the last free connections are only for users that log in to an account while they connect. A "
        "guest is refused then. At most half of all connections are reserved, with those for operators.",
    )
    reserved_for_operators: int = setting(
        5, Whole(0, 1_000_000), "How many further ones are only for moderators and admins."
    )
    connections_per_address: int = setting(
        50, Whole(1, 1_000_000), "How many connections an address can have at the same time."
    )
    connects_per_minute: int = setting(120, Whole(1, 1_000_000), "How many times per minute an address can connect.")
    nick_changes_per_minute: int = setting(
        10, Whole(1, 1_000_000), "How many times per minute a connection can change its nick."
    )
    registrations_per_hour: int = setting(
        10, Whole(1, 1_000_000), "How many accounts can be registered per hour from an address."
    )
    searches_per_minute: int = setting(
        30, Whole(1, 1_000_000), "How many searches per minute an account can make, or all guests of an address."
    )
    history_queries_per_minute: int = setting(
        600,
        Whole(1, 1_000_000),
        "How many times per minute the clients of an account, or of all guests of an address, can ask for stored "
        "messages.",
    )
    login_tries: int = setting(3, Whole(1, 100), "How many SASL logins can fail on a connection before it is closed.")
    registration_timeout_s: float = setting(
        60.0,
        Number(0.1, 3600),
        "After how many seconds a connection is closed if it has not completed its registration.",
    )
    ping_interval_s: float = setting(
        120.0, Number(0.1, 86_400), "After how many seconds without a line the server sends a PING."
    )
    ping_timeout_s: float = setting(
        60.0, Number(0.1, 86_400), "After how many further seconds without an answer the connection is closed."
    )


@dataclass(frozen=True, slots=True)
class History:
    """The stored messages and events, and how long they are kept.

    A message is in the database before any user gets it. Direct messages are stored for those of
    the two users that have an account. A kind that is turned off is no longer stored; its older entries stay until they
    are too old or pruned.
    """

    enabled: bool = setting(
        True, YesOrNo(), "Store the history. If false, none of the kinds below is stored.", applies="restart"
    )
    synchronous: str = setting(
        "normal",
        Text('"normal" or "full"', r"normal|full"),
        "How safe a delivered message is. normal: it survives a crash of the daemon. full: it survives a power cut "
        "too, but each message waits until the disk has it.",
        applies="restart",
    )
    messages: bool = setting(True, YesOrNo(), "Store messages, notices and reactions (TAGMSG) in channels.")
    direct_messages: bool = setting(
        True,
        YesOrNo(),
        "Store messages, notices and reactions between two users, if one has an account. A guest cannot read them "
        "again.",
    )
    topics: bool = setting(True, YesOrNo(), "Store changes of topics.")
    joins: bool = setting(False, YesOrNo(), "Store when users join channels, leave them and quit.")
    kicks: bool = setting(True, YesOrNo(), "Store kicks.")
    modes: bool = setting(False, YesOrNo(), "Store changes of channel modes.")
    replay_guests: int = setting(
        50,
        Whole(0, 10_000),
        "How many of the last messages a guest gets at a JOIN. This is only for clients that do not request the "
        "history themselves, and for channels that stay when all users have left.",
    )
    replay_accounts_max: int = setting(
        500,
        Whole(0, 10_000),
        "How many missed messages an account gets at most, for each channel and for direct messages.",
    )
    max_query: int = setting(1000, Whole(1, 10_000), "How many messages a client can request at once (CHATHISTORY).")
    max_age_days: int = setting(
        0, Whole(0, 36_500), "After how many days an entry is deleted. 0: entries are kept permanently."
    )
    ended_channels_days: int = setting(
        90,
        Whole(0, 36_500),
        "After how many days the history of a channel that has ended is deleted. Users cannot read it, because a later "
        "channel of the same name begins a new history. 0: only the other limits apply to it.",
    )
    max_size_mb: int = setting(
        0,
        Whole(0, 1_000_000),
        "The size of the database in MiB from which the oldest entries are deleted. 0: no limit.",
    )
