"""Getting in: the dialogue from the first line to the welcome, as a pure state machine.

Messages and answers go in, steps come out: lines to send, a question for the person, or the end. It outlives the
connection: ``start`` begins anew with what is known by then, so a reconnect asks nothing twice.

States::

    idle ──start──> negotiating ──CAP END──> registering ──001──> done
                      │   ^                    │   ^
                      v   │ 903                v   │ 903, NICK
                    authenticating           authenticating
    Any of them may have a question open; a refusal that nothing can mend leads to ``over``.

Source: IRCv3 capability negotiation and SASL 3.2; Modern IRC, "Connection Registration". What our server adds:
``FAIL NICK NICK_RESERVED`` beside a 433 says that the nick belongs to an account, and AUTHENTICATE, PASS or another
NICK may follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chatroom.irc.message import Message, format_params
from chatroom.irc.sasl import encode_response, format_plain

WANTED_CAPS = (
    "account-notify",
    "away-notify",
    "batch",
    "cap-notify",
    "chghost",
    "echo-message",
    "extended-join",
    "message-tags",
    "multi-prefix",
    "sasl",
    "server-time",
    "setname",
    "soju.im/search",
    "standard-replies",
    "userhost-in-names",
)

_FENCE = "CAP LIST"

_FINAL_WORDS = ("banned", "k-line", "k:line", "kicked", "killed", "disabled", "password incorrect")

QuestionKind = Literal["nick", "password", "server-password"]


@dataclass(frozen=True, slots=True)
class Send:
    """A line for the server."""

    line: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for the person; ``answer`` takes the reply. A later question replaces an earlier one."""

    kind: QuestionKind
    name: str
    """The nick or account it is about."""
    why: str
    """What happened, as a sentence for people; ``""`` where nothing did."""
    in_use: bool = False
    """The nick is worn by somebody else right now, and not reserved."""


@dataclass(frozen=True, slots=True)
class Welcomed:
    """Registered; the server calls us ``nick``."""

    nick: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The server will not have us. ``final``: trying again unasked would be wrong."""

    text: str
    final: bool


Step = Send | Ask | Welcomed | Failed


class Login:
    """Who we want to be, and how far we have come."""

    def __init__(
        self,
        nick: str,
        account: str = "",
        password: str = "",
        server_password: str = "",
        wanted: tuple[str, ...] = WANTED_CAPS,
    ) -> None:
        self.nick = nick
        self.account = account
        self.password = password
        self.server_password = server_password
        self.caps: set[str] = set()
        self.wanted = wanted
        self._offered: dict[str, str] = {}
        self._state: Literal["idle", "negotiating", "registering", "done", "over"] = "idle"
        self._authenticating = False
        self._passed = False  # an account password went out with PASS: a 464 is about that one
        self._tried: set[tuple[str, str]] = set()  # (account, password) that went out on this connection
        self._in_use = False  # a 433 whose meaning is not known yet
        self._held = False  # a refused password keeps the negotiation open
        self._refusal = ""

    @property
    def done(self) -> bool:
        """Whether the server has welcomed us."""
        return self._state == "done"

    def start(self) -> list[Step]:
        """The first lines on a new connection."""
        self._state = "negotiating"
        self.caps.clear()
        self._offered.clear()
        self._tried.clear()
        self._authenticating = self._passed = self._in_use = self._held = False
        self._refusal = ""
        steps: list[Step] = []
        if self.server_password:
            steps.append(_send("PASS", self.server_password))
        steps.append(Send("CAP LS 302"))
        steps.append(self._send_nick())
        steps.append(_send("USER", "_".join(self.nick.split()), "0", "*", self.nick))
        return steps

    def lost(self) -> None:
        """The connection is gone; what is answered from here on is kept for the next ``start``."""
        self._state = "idle"

    def feed(self, message: Message) -> list[Step]:
        """What a message of the server leads to."""
        if self._state in ("idle", "done", "over"):
            return []
        handler = _HANDLERS.get(message.verb)
        return [] if handler is None else handler(self, message)

    def answer_nick(self, nick: str) -> list[Step]:
        """The person wants to be called ``nick`` instead. An account given before is only kept for its own name."""
        if self.account and self.nick == self.account:
            self.account = self.password = ""
        self.nick = nick
        if self._state == "idle":
            return []
        return [self._send_nick(), *(self._end_negotiation() if self._held else [])]

    def answer_password(self, account: str, password: str) -> list[Step]:
        """The person knows the password of ``account``."""
        self.account = account
        self.password = password
        return [] if self._state == "idle" else self._authenticate()

    def answer_server_password(self, password: str) -> None:
        """The person knows the server's password; the next ``start`` sends it."""
        self.server_password = password

    def registered(self, account: str, password: str) -> None:
        """The user has registered an account on this connection; the next ``start`` logs in to it."""
        self.account = account
        self.password = password

    # What the server says

    def _on_cap(self, message: Message) -> list[Step]:
        verb = message.params[1].upper() if len(message.params) > 1 else ""
        names = message.params[-1].split() if len(message.params) > 2 else []
        if verb == "LS":
            for name in names:
                key, _, value = name.partition("=")
                self._offered[key] = value
            return [] if len(message.params) > 3 and message.params[2] == "*" else self._request()
        if verb == "ACK":
            self.caps.update(name for name in names if not name.startswith("-"))
            if "sasl" in self.caps and self.account and self.password:
                return self._authenticate()
            return self._end_negotiation()
        if verb == "NAK":
            return self._end_negotiation()
        if verb == "LIST" and self._in_use:
            return self._ask_nick_in_use()
        return []

    def _request(self) -> list[Step]:
        if self._state != "negotiating":
            return []
        names = [name for name in self.wanted if name in self._offered]
        mechanisms = self._offered.get("sasl", "")
        if "sasl" in names and mechanisms and "PLAIN" not in mechanisms.upper().split(","):
            names.remove("sasl")
        return [_send("CAP", "REQ", " ".join(names))] if names else self._end_negotiation()

    def _end_negotiation(self) -> list[Step]:
        if self._state != "negotiating":
            return []
        self._state = "registering"
        steps: list[Step] = [Send("CAP END")]
        if self.account and self.password and "sasl" not in self.caps:
            steps = [*self._authenticate(), *steps]
        return steps

    def _authenticate(self) -> list[Step]:
        self._tried.add((self.account, self.password))
        if "sasl" in self.caps:
            self._authenticating = True
            return [Send("AUTHENTICATE PLAIN")]
        self._passed = True
        given = self.password if self.account == self.nick else f"{self.account}:{self.password}"
        return [_send("PASS", given), self._send_nick()]

    def _on_authenticate(self, message: Message) -> list[Step]:
        if not self._authenticating or message.params != ["+"]:
            return []
        return [Send(f"AUTHENTICATE {piece}") for piece in encode_response(format_plain(self.account, self.password))]

    def _on_authenticated(self, message: Message) -> list[Step]:
        self._authenticating = False
        self._refusal = ""
        if self._state == "negotiating":
            return self._end_negotiation()
        return [self._send_nick()]

    def _on_not_authenticated(self, message: Message) -> list[Step]:
        self._authenticating = False
        self._held = self._state == "negotiating"
        text = _sentence(message).removeprefix("SASL authentication failed").lstrip(": ")
        self._refusal = text[:1].upper() + text[1:] if text else "That name and password do not fit."
        self.password = ""
        if is_final(self._refusal):
            return self._fail(self._refusal, final=True)
        return [Ask("password", self.account, self._refusal)]

    def _on_nick_in_use(self, message: Message) -> list[Step]:
        """433 alone says "somebody wears it"; only a FAIL beside it says "it is an account's". So wait one answer."""
        self._in_use = True
        return [Send(_FENCE)] if self._offered else self._ask_nick_in_use()

    def _ask_nick_in_use(self) -> list[Step]:
        self._in_use = False
        return [Ask("nick", self.nick, f"The name {self.nick} is in use.", in_use=True)]

    def _on_bad_nick(self, message: Message) -> list[Step]:
        return [Ask("nick", self.nick, _sentence(message))]

    def _on_fail(self, message: Message) -> list[Step]:
        code = message.params[1] if len(message.params) > 2 else ""
        if code == "NICK_RESERVED":
            self._in_use = False
            return self._prove(message.params[2] if len(message.params) > 3 else self.nick, _sentence(message))
        if code == "NICK_LOOKS_ALIKE":
            self._in_use = False
            return [Ask("nick", self.nick, _sentence(message))]
        if code.startswith("ACCOUNT_REQUIRED"):
            # It closes the connection after this; the answer makes another.
            return [Ask("password", self.account or self.nick, _sentence(message))]
        return []

    def _prove(self, name: str, why: str) -> list[Step]:
        """The server wants the password of ``name``: give the one we have, once, else ask."""
        if self.password and self.account in ("", name) and (name, self.password) not in self._tried:
            return self.answer_password(name, self.password)
        return [Ask("password", name, why)]

    def _on_wrong_pass(self, message: Message) -> list[Step]:
        if self._passed or self.server_password:
            return self._fail(_sentence(message), final=True)
        self._state = "over"
        return [Ask("server-password", "", _sentence(message))]

    def _on_banned(self, message: Message) -> list[Step]:
        return self._fail(_sentence(message), final=True)

    def _on_welcome(self, message: Message) -> list[Step]:
        self._state = "done"
        if message.params and message.params[0] not in ("", "*"):
            self.nick = message.params[0]
        return [Welcomed(self.nick)]

    def _on_error(self, message: Message) -> list[Step]:
        text = closing_reason(message)
        if self._refusal:
            return self._fail(self._refusal, final=True)
        return self._fail(text, final=is_final(text))

    def _send_nick(self) -> Send:
        """Whatever it is called: a name that is none is for the server to refuse, in its words."""
        return Send(f"NICK {format_params([self.nick])}")

    def _fail(self, text: str, *, final: bool) -> list[Step]:
        self._state = "over"
        return [Failed(text, final)]


_HANDLERS = {
    "CAP": Login._on_cap,
    "AUTHENTICATE": Login._on_authenticate,
    "FAIL": Login._on_fail,
    "ERROR": Login._on_error,
    "001": Login._on_welcome,
    "432": Login._on_bad_nick,
    "433": Login._on_nick_in_use,
    "436": Login._on_nick_in_use,
    "437": Login._on_bad_nick,
    "464": Login._on_wrong_pass,
    "465": Login._on_banned,
    "902": Login._on_banned,
    "903": Login._on_authenticated,
    "904": Login._on_not_authenticated,
    "905": Login._on_not_authenticated,
}


def closing_reason(message: Message) -> str:
    """Why an ERROR closes the connection: the words in its last parentheses, else all of it."""
    text = message.params[-1] if message.params else ""
    start = text.find("(")
    inner = text[start + 1 : -1] if start >= 0 and text.endswith(")") else text
    return inner.strip() or "the server closed the connection"


def is_final(reason: str) -> bool:
    """Whether a connection closed for this reason must not be made again unasked: a kick, a ban, a wrong password."""
    lowered = reason.lower()
    return any(word in lowered for word in _FINAL_WORDS)


def _sentence(message: Message) -> str:
    return message.params[-1] if message.params else ""


def _send(verb: str, *params: str) -> Send:
    """A line whose last parameter always stands behind a colon."""
    *first, last = params
    return Send(" ".join([verb, *first, ":" + last]))
