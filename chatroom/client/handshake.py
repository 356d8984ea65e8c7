"""Registration: the dialogue with the server from the first line to the welcome, as a state machine.

Messages of the server and answers of the user go in. Steps come out: lines to send, a question for the user, or the
end. No input or output. ``Login`` outlives a connection: ``start`` uses everything that the user has answered so far,
so a reconnect asks no question twice.

States::

    idle ──start──> negotiating ──CAP END──> registering ──001──> done
                      │   ^                    │   ^
                      v   │ 903                v   │ 903, NICK
                    authenticating           authenticating
    In each of them a question may be open. A refusal that no answer can change leads to ``over``.

Source: IRCv3 capability negotiation and SASL 3.2; Modern IRC, "Connection Registration". Our server adds one thing:
after a 433, ``FAIL NICK NICK_RESERVED`` says that the nick belongs to an account. AUTHENTICATE, PASS or another NICK
may follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chatroom.irc.message import Message, format_params
from chatroom.irc.sasl import encode_response, format_plain

# Not draft/chathistory: our server replays what was missed by itself, but not to a client that can ask for it.
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
"""A question without effect. Its answer proves that the server has said all there is to say about an earlier line."""

# No standard code tells a client to stay away, so the text of ERROR has to do. These are the words for kicks, bans and
# logins that were refused in the texts of our server and of other common ones.
_FINAL_WORDS = ("banned", "k-line", "k:line", "kicked", "killed", "disabled", "password incorrect")

QuestionKind = Literal["nick", "password", "server-password"]


@dataclass(frozen=True, slots=True)
class Send:
    """A line to send to the server."""

    line: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for the user. A later question replaces an earlier one.

    ``Login.answer_nick``, ``answer_password`` or ``answer_server_password`` takes the answer.
    """

    kind: QuestionKind
    name: str
    """The nick or account that the question is about; empty for the server's password."""
    why: str
    """What has happened, as a sentence for the user; empty if there is nothing to say."""
    in_use: bool = False
    """True if another connection has the nick now, and it is not reserved."""


@dataclass(frozen=True, slots=True)
class Welcomed:
    """Registration is complete; ``nick`` is the user's nick."""

    nick: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The server has refused the connection."""

    text: str
    """Why, as a sentence for the user."""
    final: bool
    """True if the client must not try again unasked."""


Step = Send | Ask | Welcomed | Failed


class Login:
    """The user's nick, account and passwords, and the state of the registration.

    ``wanted``: the capabilities to request if the server offers them.
    """

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
        self._sent_pass = False  # an account's password went out with PASS, so a 464 is about that one
        self._tried: set[tuple[str, str]] = set()  # (account, password) that went out on this connection
        self._nick_refused = False  # a 433 has come, and its reason is not known yet
        self._cap_end_due = False  # a refused password has kept CAP END back
        self._refusal = ""  # of the last password; the server's ERROR after it has worse words

    @property
    def done(self) -> bool:
        """True if the server has welcomed the user."""
        return self._state == "done"

    def start(self) -> list[Step]:
        """Begin on a new connection: return the first lines to send."""
        self._state = "negotiating"
        self.caps.clear()
        self._offered.clear()
        self._tried.clear()
        self._authenticating = self._sent_pass = self._nick_refused = self._cap_end_due = False
        self._refusal = ""
        steps: list[Step] = []
        if self.server_password:
            steps.append(_send("PASS", self.server_password))
        steps.append(Send("CAP LS 302"))
        steps.append(self._send_nick())
        steps.append(_send("USER", "_".join(self.nick.split()), "0", "*", self.nick))
        return steps

    def lost(self) -> None:
        """Report the end of the connection. Answers from now on are for the next ``start``."""
        self._state = "idle"

    def feed(self, message: Message) -> list[Step]:
        """Take a message of the server and return the next steps."""
        if self._state in ("idle", "done", "over"):
            return []
        handler = _HANDLERS.get(message.verb)
        return [] if handler is None else handler(self, message)

    def answer_nick(self, nick: str) -> list[Step]:
        """Use another nick. The account is dropped if its name was the old nick."""
        if self.account and self.nick == self.account:
            self.account = self.password = ""
        self.nick = nick
        if self._state == "idle":
            return []
        return [self._send_nick(), *(self._end_negotiation() if self._cap_end_due else [])]

    def answer_password(self, account: str, password: str) -> list[Step]:
        """Log in to ``account`` with this password."""
        self.account = account
        self.password = password
        return [] if self._state == "idle" else self._authenticate()

    def answer_server_password(self, password: str) -> None:
        """Use this password of the server at the next ``start``."""
        self.server_password = password

    def registered(self, account: str, password: str) -> None:
        """Use an account that the user has just registered at the next ``start``."""
        self.account = account
        self.password = password

    def renamed(self, nick: str) -> None:
        """Use the nick that the user has changed to at the next ``start``."""
        self.nick = nick

    # Messages of the server

    def _on_cap(self, message: Message) -> list[Step]:
        verb = message.params[1].upper() if len(message.params) > 1 else ""
        names = message.params[-1].split() if len(message.params) > 2 else []
        if verb == "LS":
            for name in names:
                key, _, value = name.partition("=")
                self._offered[key] = value
            # "CAP * LS * :..." announces that another line of the list follows.
            return [] if len(message.params) > 3 and message.params[2] == "*" else self._request()
        if verb == "ACK":
            self.caps.update(name for name in names if not name.startswith("-"))
            if "sasl" in self.caps and self.account and self.password:
                return self._authenticate()
            return self._end_negotiation()
        if verb == "NAK":
            return self._end_negotiation()  # the server has taken none of them; the chat works without
        if verb == "LIST" and self._nick_refused:
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
        # PASS has to come before registration ends, and CAP END ends it.
        if self.account and self.password and "sasl" not in self.caps:
            steps = [*self._authenticate(), *steps]
        return steps

    def _authenticate(self) -> list[Step]:
        self._tried.add((self.account, self.password))
        if "sasl" in self.caps:
            self._authenticating = True
            return [Send("AUTHENTICATE PLAIN")]
        self._sent_pass = True
        # Our server takes "account:password"; without a name the password is for the account called like the nick.
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
        self._cap_end_due = self._state == "negotiating"
        text = _sentence(message).removeprefix("SASL authentication failed").lstrip(": ")
        self._refusal = text[:1].upper() + text[1:] if text else "Wrong name or password."
        self.password = ""
        if is_final(self._refusal):
            return self._fail(self._refusal, final=True)
        return [Ask("password", self.account, self._refusal)]

    def _on_nick_in_use(self, message: Message) -> list[Step]:
        # A 433 alone means that another connection has the nick. A FAIL after it means that the nick is reserved or
        # looks like another one. So the question to the user waits until the server has answered one more line. A
        # server without capabilities has no FAIL to wait for.
        self._nick_refused = True
        return [Send(_FENCE)] if self._offered else self._ask_nick_in_use()

    def _ask_nick_in_use(self) -> list[Step]:
        self._nick_refused = False
        return [Ask("nick", self.nick, f"The name {self.nick} is in use.", in_use=True)]

    def _on_bad_nick(self, message: Message) -> list[Step]:
        return [Ask("nick", self.nick, _sentence(message))]

    def _on_fail(self, message: Message) -> list[Step]:
        code = message.params[1] if len(message.params) > 2 else ""
        if code == "NICK_RESERVED":
            self._nick_refused = False
            return self._prove(message.params[2] if len(message.params) > 3 else self.nick, _sentence(message))
        if code == "NICK_LOOKS_ALIKE":
            self._nick_refused = False
            return [Ask("nick", self.nick, _sentence(message))]
        if code.startswith("ACCOUNT_REQUIRED"):
            # The server closes the connection after this; the answer makes another one.
            return [Ask("password", self.account or self.nick, _sentence(message))]
        return []

    def _prove(self, name: str, why: str) -> list[Step]:
        """Send the password of ``name`` if it is known and was not tried yet; else ask the user."""
        if self.password and self.account in ("", name) and (name, self.password) not in self._tried:
            return self.answer_password(name, self.password)
        return [Ask("password", name, why)]

    def _on_wrong_pass(self, message: Message) -> list[Step]:
        # A 464 does not say which password is wrong. If one was sent, it is that one; else the server wants its own.
        if self._sent_pass or self.server_password:
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
        # A name that is no nick goes out too: the server knows its own rules and says which one is broken.
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
    """Return why an ERROR closes the connection: the text in its parentheses, or all of it."""
    text = message.params[-1] if message.params else ""
    start = text.find("(")
    inner = text[start + 1 : -1] if start >= 0 and text.endswith(")") else text
    return inner.strip() or "the server closed the connection"


def is_final(reason: str) -> bool:
    """Tell if the client must not connect again unasked after this reason: a kick, a ban, a wrong password."""
    lowered = reason.lower()
    return any(word in lowered for word in _FINAL_WORDS)


def _sentence(message: Message) -> str:
    return message.params[-1] if message.params else ""


def _send(verb: str, *params: str) -> Send:
    """Make a line whose last parameter has a colon before it, so that it may contain spaces."""
    *first, last = params
    return Send(" ".join([verb, *first, ":" + last]))
