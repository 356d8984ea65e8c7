"""Asking the running daemon, over its control socket.

What is spoken there is IRC: one line as a request, then a PING, whose PONG ends the answer. The first line, ``ACTOR``,
names the shell user for the audit; that we may ask at all follows from the socket being ours alone.
"""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from chatroom.chat.admission.ban_targets import Address, parse_address
from chatroom.ctl.invocation import Invocation
from chatroom.errors import InvalidTarget, InvalidValue, NotRunning, Refused
from chatroom.irc.message import Message, format_message, parse
from chatroom.paths import control_socket

_TIMEOUT_S = 10.0
_END = "done"


class Present(NamedTuple):
    """One session of a running daemon."""

    id: str
    nick: str | None
    """Before registration the nick that the client asked for, ``None`` if it did not ask yet."""
    user: str
    """The username; ``*`` before registration."""
    address: str
    account: str | None
    role: str | None
    connected_at: datetime
    idle_s: int
    channels: tuple[str, ...]

    @property
    def is_registered(self) -> bool:
        """True if the session has a user. Before registration it has at most a wish for a nick."""
        return self.user != "*"

    def host(self) -> Address | None:
        """Where it comes from, ``None`` where that is not an address."""
        try:
            return parse_address(self.address)
        except InvalidTarget:
            return None


def ask(invocation: Invocation, verb: str, *params: str) -> list[Message]:
    """What the daemon that serves the database answers to one command.

    Raises ``NotRunning``; ``Refused`` with the daemon's words where it says no; ``InvalidValue`` for a parameter that
    does not fit into a line.
    """
    lines = [Message("ACTOR", [invocation.actor.name]), Message(verb, list(params)), Message("PING", [_END])]
    request = "".join(f"{_one_line(message)}\r\n" for message in lines).encode()
    with _connect(invocation.database) as link:
        try:
            link.sendall(request)
            answers = _read_answers(link)
        except TimeoutError as error:
            raise NotRunning(f"the daemon did not answer within {_TIMEOUT_S:.0f} s") from error
        except ConnectionError as error:
            raise NotRunning("the daemon ended before it answered") from error
    for message in answers:
        if message.verb in ("FAIL", "ERROR") or (message.verb.isdecimal() and message.verb[0] in "45"):
            raise Refused(_refusal(message))
    return answers


def _refusal(message: Message) -> str:
    """A refusal's words; a numeric's begin with what they are about, such as a nick."""
    if not message.params:
        return message.verb
    about = " ".join(message.params[1:-1]) if message.verb.isdecimal() else ""
    return f"{about}: {message.params[-1]}" if about else message.params[-1]


def tell(invocation: Invocation, verb: str, *params: str) -> str:
    """What the daemon says when it has done what it was told to. Raises as ``ask`` does."""
    answers = ask(invocation, verb, *params)
    return next((message.params[-1] for message in answers if message.params[1:2] == ["DONE"]), "Done.")


def who_is_present(invocation: Invocation) -> list[Present]:
    """The running daemon's sessions. Raises as ``ask`` does."""
    found = []
    for message in ask(invocation, "SESSIONS"):
        if message.verb == "NOTE" and message.params[:1] == ["SESSIONS"] and len(message.params) == 10:
            found.append(_present(message.params[1:]))
    return found


def _present(words: list[str]) -> Present:
    number, nick, user, address, account, role, connected, idle, channels = words
    return Present(
        number,
        None if nick == "*" else nick,
        user,
        _shortest(address),
        None if account == "*" else account,
        None if role == "*" else role,
        datetime.fromtimestamp(float(connected), UTC),
        int(float(idle)),
        () if channels == "*" else tuple(channels.split(",")),
    )


def _shortest(address: str) -> str:
    """The address without the 0 that keeps ``::1`` from looking like the last parameter of a line."""
    try:
        return str(parse_address(address))
    except InvalidTarget:
        return address


def _one_line(message: Message) -> str:
    if any(char in param for param in message.params for char in "\r\n\0"):
        raise InvalidValue("a text for the daemon must be one line")
    return format_message(message)


def _connect(database: Path) -> socket.socket:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(_TIMEOUT_S)
    try:
        link.connect(str(control_socket(database)))
    except OSError as error:
        link.close()
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            raise NotRunning(f'no daemon serves {database}; "chatroomctl serve" starts one') from error
        raise NotRunning(f"the daemon's control socket does not answer: {error.strerror or error}") from error
    return link


def _read_answers(link: socket.socket) -> list[Message]:
    """Everything up to the PONG."""
    answers: list[Message] = []
    with link.makefile("r", encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            message = parse(line.rstrip("\r\n"))
            if message.verb == "PONG":
                return answers
            answers.append(message)
    if answers and answers[-1].verb == "ERROR":
        return answers
    raise ConnectionResetError
