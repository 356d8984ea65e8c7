"""A session: one connection, with its address, its capabilities and the lines it has to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatroom.chat.admission.flood import is_this_machine
from chatroom.chat.stored.records import AccountData, Role
from chatroom.irc import caps

if TYPE_CHECKING:
    from chatroom.chat.admission.flood import LineBudget
    from chatroom.chat.admission.sasl_exchange import SaslExchange
    from chatroom.chat.people.held_registration import HeldRegistration
    from chatroom.chat.people.labelled_reply import LabelledReply
    from chatroom.chat.people.multiline_batch import MultilineBatch
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import AccountEntry


_USER = Role.USER


class Registration:
    """What a session has sent so far to register. It is dropped when the session has a user."""

    __slots__ = (
        "account",
        "account_data",
        "away",
        "cap_open",
        "channel",
        "has_spoken",
        "listing",
        "nick",
        "passwords",
        "realname",
        "refused_nick",
        "server_password_given",
        "told_account_id",
        "username",
    )

    def __init__(self) -> None:
        self.nick = ""
        self.refused_nick = ""
        """The nick of the last NICK if it was refused because another user has it; empty if it was not."""
        self.username = ""
        self.realname = ""
        self.passwords: list[str] = []
        """The passwords of PASS that were not checked yet, oldest first."""
        self.server_password_given = False
        """True if one of the passwords was that of the server."""
        self.has_spoken = False
        """True if the session has sent a line, whatever it was."""
        self.cap_open = False
        """True while CAP negotiation delays the registration, until CAP END."""
        self.account: AccountEntry | None = None
        """The account that the session has logged in to; None if it has not."""
        self.told_account_id = 0
        """The account whose other sessions have read of this login already; 0 for none."""
        self.away: str | None = None
        """The away message that the user will have; None if it will not be away."""
        self.listing: str | None = None
        """The DNS blocklist that the address is on; empty if it is on none, None if that was not asked."""
        self.account_data: AccountData | None = None
        """The account data that the user will have as a guest; None if METADATA has set nothing."""

        self.channel = ""
        """The channel that will let the user in because of an invite; empty if there is none."""

    def own(self) -> AccountData:
        """Return ``account_data``, which is made if there is none, for a change."""
        if self.account_data is None:
            self.account_data = AccountData()
        return self.account_data

    @property
    def is_blank(self) -> bool:
        """True if the session has sent nothing to register."""
        return not (self.nick or self.username or self.passwords or self.cap_open or self.account)


class Session:
    """One connection. The listener makes it; from its first tick on it is guarded by the hub lock.

    ``version`` (4 or 6) and ``address`` (an integer) are the real address, by which bans judge the session. It is that
    of the socket, or what a trusted gateway has sent (``stand_for``). ``host`` is what other users see. ``gateway`` is
    that gateway, as ``name (address)``, or empty.
    """

    __slots__ = (
        "_waits",
        # Many, because every connected client has a session: parts of their own would cost memory for each, and a step
        # for each line. What only some sessions need (batch, sasl, labelled replies) is an object, or None.
        "address",
        "address_text",
        "batch",
        "budget",
        "cap_version",
        "caps",
        "certificate",
        "closing",
        "connected_ms",
        "connection",
        "control",
        "gateway",
        "heard_mono_ms",
        "held",
        "host",
        "id",
        "labelled_reply",
        "login_tries",
        "opened_mono_ms",
        "oper",
        "pinged_mono_ms",
        "registration",
        "sasl",
        "secure",
        "settled_seq",
        "stepped_down",
        "subscriptions",
        "thread",
        "unread",
        "user",
        "variant",
        "version",
        "waiting",
    )

    def __init__(self, session_id: int, address_text: str, version: int, address: int, host: str, wall_ms: int) -> None:
        self.id = session_id
        self.stand_for(version, address, address_text, host, "")
        # True if the client's connection is encrypted, as far as this server or its proxy knows.
        self.secure = False
        # The SHA-256 fingerprint of the client's TLS certificate, in hexadecimal digits; empty if it showed none.
        self.certificate = ""
        self.thread = 0
        """The index of the I/O thread that owns the connection."""
        # The server's ``Connection``. The rules cannot name its type, and do not use it.
        self.connection: Any = None
        self.connected_ms = wall_ms
        """When the connection was accepted, in Unix milliseconds."""
        # When the session began, when its last line came, and when the server last sent a PING. They are of the
        # monotonic clock: setting the wall clock must not time sessions out.
        self.opened_mono_ms = 0
        self.heard_mono_ms = 0
        self.pinged_mono_ms = 0
        """0 if it never did. Any later line is the answer."""
        self.user: User | None = None
        """The session's user; None until the registration is complete, and after the session has ended."""
        self.registration: Registration | None = Registration()
        """None when the registration is complete, and for a control session."""
        self.control: ControlRights | None = None  # not None for a control session
        self.sasl: SaslExchange | None = None
        self.subscriptions: tuple[str, ...] = ()  # the metadata keys that the client subscribed to, in order
        # Only ``OnlineDirectory`` writes these two, which hold for this one of the user's sessions.
        self.oper: AccountEntry | None = None
        """The account that gives the session its role besides that of the user, by OPER; None if there is none."""
        self.stepped_down = False
        """True if the session has put its oper rights aside (user mode -o), until the next OPER or login."""
        self.login_tries = 0
        """How many SASL logins have failed, and how many invites were refused."""
        self.held: HeldRegistration | None = None
        """The account that the session wants to register, and for which something is missing; None if there is none."""
        self.caps = 0
        """The negotiated capabilities, as bits."""
        self.cap_version = 0
        """The highest version of CAP LS that the client has sent; 0 if it sent none."""
        self.variant = 0
        """The part of ``caps`` that changes the bytes of events."""
        # Only the outbox writes these two. They are slots here, and not in a table of the outbox, because the end of
        # each tick reads them for each reader.
        self.unread: list[tuple[int, bytes]] | None = None
        """This tick's lines that it reads apart from its channels' logs, with their numbers; None if there are none."""
        self.settled_seq = 0
        """What the session's channels have said up to this sequence number is in ``unread``, or was sent."""
        self.labelled_reply: LabelledReply | None = None
        """The replies so far to the labelled command under way; None if the command has no label."""
        self.batch: MultilineBatch | None = None
        """The multiline message that the client is sending; None if it sends none."""
        self.waiting = False
        """True while further lines of the session wait (``begin_wait``)."""
        self._waits = 0
        """How many things they wait for: a verb that is not done (``Pending``), and replays."""
        self.closing = False
        """True when the session has ended. It is sent nothing more."""
        self.budget: LineBudget | None = None
        """The rate limit of the session's lines; None if it has no limit."""

    @property
    def rank(self) -> Role:
        """The highest role that the session has proved, by its user's account or by OPER; ``USER`` for a guest."""
        if self.control is not None:
            return self.control.role
        account = self.user.account if self.user is not None else None
        own = account.role if account is not None else Role.USER
        return own if self.oper is None else max(own, self.oper.role)

    @property
    def role(self) -> Role:
        """The role by which the session's lines are judged: its rank, or ``USER`` if it has put that aside."""
        user = self.user
        if user is not None and user.account is None and self.oper is None:
            return _USER  # most sessions, without a further step
        return _USER if self.stepped_down else self.rank

    @property
    def is_operator(self) -> bool:
        """True if the session has the rights of a moderator or an admin."""
        return self.role >= Role.MODERATOR

    def stand_for(self, version: int, address: int, address_text: str, host: str, gateway: str) -> None:
        """Take an address: that of the gateway's client instead of that of the socket."""
        self.version = version
        self.address = address
        self.address_text = address_text
        self.host = host
        self.gateway = gateway

    @property
    def is_private(self) -> bool:
        """True if nobody on a network can read along: the connection is encrypted, or from this machine."""
        return self.secure or self.control is not None or is_this_machine(self.version, self.address)

    def set_capabilities(self, capabilities: int) -> None:
        """Change the capabilities. Call ``World.set_variant``, which lets the session read earlier lines before."""
        self.caps = capabilities
        if not capabilities & caps.METADATA:
            self.subscriptions = ()
        self.variant = capabilities & caps.RENDERED
        if capabilities & caps.PLAYBACK:
            self.variant |= caps.SERVER_TIME  # the client asks from the time of the last message on
        if not capabilities & caps.BATCH:
            self.variant &= ~caps.MULTILINE  # a multiline message is a batch
        if capabilities & caps.MESSAGE_TAGS:
            self.variant &= ~caps.RELAYMSG  # a client with message-tags reads the tag anyway: no variant of its own

    def begin_wait(self) -> None:
        """Let further lines wait for one thing more."""
        self._waits += 1
        self.waiting = True

    def end_wait(self) -> bool:
        """End what a ``begin_wait`` began. Return True if the further lines can run now."""
        self._waits -= 1
        if self._waits or self.closing:
            return False
        self.waiting = False
        return True


class ControlRights:
    """The name and role of a control session, which acts for the operator and has no user."""

    __slots__ = ("name", "role")

    def __init__(self, name: str, role: Role) -> None:
        self.name = name
        self.role = role
