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

A password never goes out before the server's first answer on a connection without TLS: that answer may demand TLS
(``sts``). If others can read the connection, the user is asked first (``plaintext_guard``).

Source: IRCv3 capability negotiation, SASL 3.2 and STS; Modern IRC, "Connection Registration". Our server adds one
thing: after a 433, ``FAIL NICK NICK_RESERVED`` says that the nick belongs to an account. AUTHENTICATE, PASS or
another NICK may follow.
"""

from __future__ import annotations

from typing import Literal

from chatroom.client import sts
from chatroom.client.closing_reasons import closing_reason, is_final
from chatroom.client.login_steps import Ask, Failed, KeepPolicy, Secure, Send, Step, Tell, Welcomed
from chatroom.client.plaintext_guard import PlaintextGuard
from chatroom.client.sasl_dialogue import SaslDialogue
from chatroom.client.several_lines import CAPABILITY as MULTILINE
from chatroom.client.several_lines import Limits, read_limits
from chatroom.client.wanted_caps import FOR_PLACES
from chatroom.irc.message import Message, format_params

_FENCE = "CAP LIST"
"""A question without effect. Its answer proves that the server has said all there is to say about an earlier line."""


class Login:
    """The user's nick, account and passwords, and the state of the registration.

    ``wanted``: the capabilities to request if the server offers them. ``start`` and what follows it is for one
    connection. It has more attributes than other classes because each answer of the server may depend on everything
    that was offered, sent and refused before.
    """

    def __init__(
        self,
        nick: str,
        account: str = "",
        password: str = "",
        server_password: str = "",
        wanted: tuple[str, ...] = FOR_PLACES,
    ) -> None:
        self.nick = nick
        self.account = account
        self.password = password
        self.server_password = server_password
        self.caps: set[str] = set()
        self.wanted = wanted
        self._offered: dict[str, str] = {}
        self._state: Literal["idle", "negotiating", "registering", "done", "over"] = "idle"
        self._guard = PlaintextGuard()
        self._encrypted = False
        self._introduction_due = False  # the server's password, NICK and USER wait for the server's first answer
        self._sasl = SaslDialogue()
        self._sent_pass = False  # an account's password went out with PASS, so a 464 is about that one
        self._tried: set[tuple[str, str]] = set()  # (account, password) that went out on this connection
        self._nick_refused = False  # a 433 has come, and its reason is not known yet
        self._cap_end_due = False  # a refused password has kept CAP END back
        self._refusal = ""  # of the last password; the server's ERROR after it has worse words

    @property
    def done(self) -> bool:
        """True if the server has welcomed the user."""
        return self._state == "done"

    @property
    def multiline(self) -> Limits | None:
        """How long a message of several lines may be; None if the server takes none."""
        has_both = self.caps.issuperset((MULTILINE, "batch"))
        return read_limits(self._offered.get(MULTILINE, "")) if has_both else None

    @property
    def may_send_password(self) -> bool:
        """True if a password can go out without a warning before."""
        return self._guard.is_open

    def start(self, *, encrypted: bool = False, exposed: bool = False, shows_certificate: bool = False) -> list[Step]:
        """Begin on a new connection: return the first lines to send.

        ``exposed``: others on the network can read it. ``shows_certificate``: the server has the client's certificate.
        """
        self._encrypted = encrypted
        self._sasl = SaslDialogue(shows_certificate=shows_certificate)
        self._guard.begin(exposed=exposed)
        self._state = "negotiating"
        self.caps.clear()
        self._offered.clear()
        self._tried.clear()
        self._sent_pass = self._nick_refused = self._cap_end_due = False
        self._refusal = ""
        self._introduction_due = self.server_password != "" and not encrypted
        if self._introduction_due:
            return [Send("CAP LS 302")]
        *password, nick, user = self._introduction()
        return [*password, Send("CAP LS 302"), nick, user]

    def offers(self, capability: str) -> bool:
        """True if the server has offered a capability on this connection."""
        return capability in self._offered

    def lost(self) -> None:
        """Report the end of the connection. Answers from now on are for the next ``start``."""
        self._state = "idle"

    def feed(self, message: Message) -> list[Step]:
        """Take a message of the server and return the next steps."""
        if self._state in ("idle", "done", "over"):
            return []
        handler = _HANDLERS.get(message.verb)
        return [] if handler is None else self._guard.filter(handler(self, message))

    def feed_later(self, message: Message) -> list[Step]:
        """Take a CAP that comes after the welcome: capabilities that the server offers from now on."""
        if message.params[1:2] != ["NEW"]:
            return []
        offered = dict(_split_caps(message))
        names = [name for name in offered if name in self.wanted]
        return self._obey_sts(offered) or [_send("CAP", "REQ", " ".join(names))] * bool(names)

    def answer_nick(self, nick: str) -> list[Step]:
        """Use another nick. The account is dropped if its name was the old nick."""
        if self.account and self.nick == self.account:
            self.account = self.password = ""
        self.nick = nick
        if self._state == "idle":
            return []
        return self._guard.filter([self._send_nick(), *(self._end_negotiation() if self._cap_end_due else [])])

    def answer_password(self, account: str, password: str) -> list[Step]:
        """Log in to ``account`` with this password."""
        self._guard.allow()  # the question came with the warning
        self.account = account
        self.password = password
        return [] if self._state == "idle" else self._authenticate()

    def answer_server_password(self, password: str) -> None:
        """Use this password of the server at the next ``start``."""
        self._guard.allow()
        self.server_password = password

    def allow_plaintext(self) -> list[Step]:
        """Send passwords without encryption from now on, because the user has agreed to it."""
        held = self._guard.allow()
        return [] if self._state == "idle" else held

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
            offered = dict(_split_caps(message))
            self._offered.update(offered)
            self._sasl.read_offer(self._offered.get("sasl", ""))
            steps = self._obey_sts(offered)
            # "CAP * LS * :..." announces that another line of the list follows.
            if self._state == "over" or (len(message.params) > 3 and message.params[2] == "*"):
                return steps
            return [*steps, *self._introduce(), *self._request()]
        if verb == "ACK":
            self.caps.update(name for name in names if not name.startswith("-"))
            if "sasl" in self.caps and (self._sasl.takes_certificate or (self.account and self.password)):
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
        if "sasl" in names and not self._sasl.is_usable:
            names.remove("sasl")
        return [_send("CAP", "REQ", " ".join(names))] if names else self._end_negotiation()

    def _end_negotiation(self) -> list[Step]:
        if self._state != "negotiating":
            return []
        if self._sasl.shows_certificate and self.account and not self.password and not self._sasl.has_succeeded:
            self._cap_end_due = True
            knows = "know your" if self._sasl.certificate_refused else "log in by"
            return [Ask("password", self.account, f"The server does not {knows} certificate.")]
        self._cap_end_due = False
        self._state = "registering"
        steps: list[Step] = [Send("CAP END")]
        # PASS has to come before registration ends, and CAP END ends it.
        if self.account and self.password and "sasl" not in self.caps and not self._sent_pass:
            steps = [*self._authenticate(), *steps]
        return steps

    def _authenticate(self) -> list[Step]:
        if not self._sasl.takes_certificate:
            self._tried.add((self.account, self.password))
        if "sasl" in self.caps:
            return self._sasl.start(self.account, self.password)
        self._sent_pass = True
        # Our server takes "account:password"; without a name the password is for the account called like the nick.
        given = self.password if self.account == self.nick else f"{self.account}:{self.password}"
        steps: list[Step] = [_send("PASS", given, secret=True), self._send_nick()]
        return [*steps, *(self._end_negotiation() if self._cap_end_due else [])]

    def _on_authenticate(self, message: Message) -> list[Step]:
        return self._sasl.respond(message)

    def _on_authenticated(self, message: Message) -> list[Step]:
        self._sasl.end(succeeded=True)
        self._refusal = ""
        if self._state == "negotiating":
            return self._end_negotiation()
        return [self._send_nick()]

    def _on_not_authenticated(self, message: Message) -> list[Step]:
        was_external = self._sasl.mechanism == "EXTERNAL"
        self._sasl.end(succeeded=False)
        if was_external:
            return self._on_certificate_refused()
        self._cap_end_due = self._state == "negotiating"
        text = _sentence(message).removeprefix("SASL authentication failed").lstrip(": ")
        self._refusal = text[:1].upper() + text[1:] if text else "Wrong name or password."
        self.password = ""
        if is_final(self._refusal):
            return self._fail(self._refusal, final=True)
        return [Ask("password", self.account, self._refusal)]

    def _on_certificate_refused(self) -> list[Step]:
        if self.account and self.password:
            return self._authenticate()
        if self.account:
            return self._end_negotiation()  # which asks for the password
        return [Tell("The server does not know your certificate."), *self._end_negotiation()]

    def _on_nick_in_use(self, message: Message) -> list[Step]:
        # A 433 alone means that another connection has the nick. A FAIL after it means that the nick is reserved or
        # looks like another one. So the question to the user waits until the server has answered one more line. A
        # server without capabilities has no FAIL to wait for.
        self._nick_refused = True
        return [Send(_FENCE)] if self._offered else self._ask_nick_in_use()

    def _ask_nick_in_use(self) -> list[Step]:
        self._nick_refused = False
        return [Ask("nick", self.nick, f"The name {self.nick} is in use.", in_use=True)]

    def _on_unknown(self, message: Message) -> list[Step]:
        # A server that does not know CAP: it has no STS either.
        return self._introduce()

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

    def _introduce(self) -> list[Step]:
        """Return what ``start`` has held back, if anything."""
        due, self._introduction_due = self._introduction_due, False
        return self._introduction() if due else []

    def _introduction(self) -> list[Step]:
        steps: list[Step] = []
        if self.server_password:
            steps.append(_send("PASS", self.server_password, secret=True))
        steps.append(self._send_nick())
        steps.append(_send("USER", "_".join(self.nick.split()), "0", "*", self.nick))
        return steps

    def _obey_sts(self, offered: dict[str, str]) -> list[Step]:
        offer = sts.parse_offer(offered.get(sts.CAPABILITY, ""))
        if self._encrypted:
            return [] if offer.duration_s is None else [KeepPolicy(offer.duration_s)]
        if offer.port is None:
            return []
        self._state = "over"
        return [Secure(offer.port)]

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
    "410": Login._on_unknown,
    "421": Login._on_unknown,
    "432": Login._on_bad_nick,
    "433": Login._on_nick_in_use,
    "436": Login._on_nick_in_use,
    "437": Login._on_bad_nick,
    "451": Login._on_unknown,
    "464": Login._on_wrong_pass,
    "465": Login._on_banned,
    "902": Login._on_banned,
    "903": Login._on_authenticated,
    "904": Login._on_not_authenticated,
    "905": Login._on_not_authenticated,
}


def _sentence(message: Message) -> str:
    return message.params[-1] if message.params else ""


def _send(verb: str, *params: str, secret: bool = False) -> Send:
    """Make a line whose last parameter has a colon before it, so that it may contain spaces."""
    *first, last = params
    return Send(" ".join([verb, *first, ":" + last]), secret)


def _split_caps(message: Message) -> list[tuple[str, str]]:
    """Return the names and values of the capabilities that a CAP lists."""
    names = message.params[-1].split() if len(message.params) > 2 else []
    return [(key, value) for key, _, value in (name.partition("=") for name in names)]
