"""One connection of somebody: where it comes from, what it negotiated, what it has yet to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatroom.chat.stored.records import AccountData

if TYPE_CHECKING:
    from chatroom.chat.admission.flood import LineBudget
    from chatroom.chat.admission.sasl_exchange import SaslExchange
    from chatroom.chat.people.labelled_reply import LabelledReply
    from chatroom.chat.people.multiline_batch import MultilineBatch
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import AccountEntry, Role


class Registration:
    """What a session has said of itself before it is somebody. Dropped once it is."""

    __slots__ = (
        "account",
        "account_data",
        "away",
        "cap_open",
        "nick",
        "passwords",
        "realname",
        "refused_nick",
        "server_password_given",
        "username",
    )

    def __init__(self) -> None:
        self.nick = ""
        self.refused_nick = ""
        """The nick of the last NICK if it was refused because another user has it; empty if it was not."""
        self.username = ""
        self.realname = ""
        self.passwords: list[str] = []
        """What PASS gave, not looked at yet."""
        self.server_password_given = False
        self.cap_open = False
        """Whether CAP negotiation holds registration back until CAP END."""
        self.account: AccountEntry | None = None
        self.away: str | None = None
        """What AWAY said before there was anybody who could be away."""
        self.account_data: AccountData | None = None
        """What METADATA said of who is coming, as a guest."""

    def own(self) -> AccountData:
        """``account_data``, to be changed."""
        if self.account_data is None:
            self.account_data = AccountData()
        return self.account_data

    @property
    def is_blank(self) -> bool:
        """Whether nothing was said yet."""
        return not (self.nick or self.username or self.passwords or self.cap_open or self.account)


class Session:
    """One connection. Made by the I/O thread that owns it; everything in it is guarded by the hub lock.

    ``version`` and ``address`` are the peer's real address, 4 or 6 and as an integer: what bans look at. It is the
    socket's, or what a trusted gateway gave (``stand_for``). ``host`` is what others are shown.
    """

    __slots__ = (
        # Many, because every connected client has a session: parts of their own would cost memory for each, and a step
        # for each line. What only some sessions need (batch, sasl, labelled replies) is an object, or None.
        "address",
        "address_text",
        "batch",
        "budget",
        "cap_version",
        "caps",
        "closing",
        "connected_ms",
        "connection",
        "control",
        "gateway",
        "heard_ms",
        "host",
        "id",
        "labelled_reply",
        "login_tries",
        "opened_ms",
        "pinged_ms",
        "registration",
        "replays",
        "sasl",
        "settled_seq",
        "subscriptions",
        "thread",
        "unread",
        "user",
        "variant",
        "version",
        "waiting",
    )

    def __init__(self, session_id: int, address_text: str, version: int, address: int, host: str, now_ms: int) -> None:
        self.id = session_id
        self.address_text = address_text
        self.version = version
        self.address = address
        self.host = host
        self.gateway = ""
        """The gateway it comes through, as ``name (address)``; empty where it comes by itself."""
        self.thread = 0
        """Which I/O thread owns the connection."""
        self.connection: Any = None
        """The server's end of it; no rule looks at it."""
        self.connected_ms = now_ms
        self.opened_ms = 0
        """When it was made, on the clock that never jumps."""
        self.heard_ms = 0
        """When its last line came, on the clock that never jumps."""
        self.pinged_ms = 0
        """When it was last asked whether it is alive, on the clock that never jumps; 0 where it never was."""
        self.user: User | None = None
        self.registration: Registration | None = Registration()
        self.control: ControlRights | None = None
        self.sasl: SaslExchange | None = None
        self.subscriptions: tuple[str, ...] = ()
        """The metadata keys it wants to be told of, in the order in which it asked."""
        self.login_tries = 0
        self.caps = 0
        self.cap_version = 0
        self.variant = 0
        """The part of ``caps`` that changes the bytes of events."""
        # The outbox alone writes these two. They are slots of the session because it reads them for every reader of
        # every tick.
        self.unread: list[tuple[int, bytes]] | None = None
        """The lines of this tick for this session alone, by sequence number; None if there are none."""
        self.settled_seq = 0
        """The session was given everything that its channels said up to this sequence number."""
        self.labelled_reply: LabelledReply | None = None
        """What the labelled command under way was answered so far; None if the command has no label."""
        self.batch: MultilineBatch | None = None
        """The lines of a message that is not complete yet."""
        self.waiting = False
        """True while further lines of the session wait: for a job of its last line, which the hub runs, or for
        replays."""
        self.replays = 0
        """How many replays the further lines wait for: those of the channels that the last line joined."""
        self.closing = False
        self.budget: LineBudget | None = None

    def stand_for(self, version: int, address: int, address_text: str, host: str, gateway: str) -> None:
        """Be from another address than the socket's: a gateway's peer has its own."""
        self.version = version
        self.address = address
        self.address_text = address_text
        self.host = host
        self.gateway = gateway

    def begin_replay(self) -> bool:
        """Let further lines wait until ``end_replay``. False if they wait for a job, whose end lets them run anyway."""
        if self.waiting and not self.replays:
            return False
        self.replays += 1
        self.waiting = True
        return True

    def end_replay(self) -> bool:
        """Undo one ``begin_replay`` that was True. True if the further lines may run now."""
        self.replays -= 1
        if self.replays or self.closing:
            return False
        self.waiting = False
        return True


class ControlRights:
    """What makes a session the operator's, on the control socket: it acts, but is nobody present."""

    __slots__ = ("name", "role")

    def __init__(self, name: str, role: Role) -> None:
        self.name = name
        self.role = role
