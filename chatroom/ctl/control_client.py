"""A client of the running daemon's control socket.

The socket speaks IRC. A request is three lines: ``ACTOR`` names the shell user for the audit, then comes the verb, then
a PING; its PONG marks the end of the answer. There is no login: only the daemon's own user can open the socket.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from chatroom.chat.admission.ban_targets import Address, format_network, parse_address, parse_network
from chatroom.chat.stored.records import Ban
from chatroom.ctl.invocation import Invocation
from chatroom.database_address import DatabaseAddress, find_address, local_path
from chatroom.errors import ChatroomError, InvalidTarget, InvalidValue, NotRunning, Refused
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.message import Message, format_message, parse
from chatroom.paths import control_socket, list_control_sockets
from chatroom.storage.daemon_lock import list_nodes

_TIMEOUT_S = 10.0
"""How long the daemon can take. It answers within a tick, unless the machine is overloaded."""
_LONGEST_S = 1000.0
"""How long it may take from one line of a long task to the next: upgrading a large database takes minutes."""
_GLANCE_S = 2.0
"""How long a daemon can take that is only asked for its database."""
_END = "done"


ABSENT = "absent"
"""How the id of a user without a session begins."""


class SessionInfo(NamedTuple):
    """One session of the running daemon. The field names are the keys of ``chatroomctl who --json``."""

    id: str
    nick: str | None
    """Before registration the nick that the client asked for, ``None`` if there is none yet."""
    user: str
    """The username; ``*`` before registration."""
    address: str
    account: str | None
    role: str | None
    connected_at: datetime
    idle_s: int
    """Seconds since the user last spoke, or since the connection was made before registration."""
    channels: tuple[str, ...]
    node: str | None = None
    """The node of a cluster that it is connected to."""

    @property
    def is_registered(self) -> bool:
        """True if the session has a user. Before registration it has at most a wish for a nick."""
        return self.user != "*"

    @property
    def is_absent(self) -> bool:
        """True if it stands for a user that is always on and has no session (``list_absent``)."""
        return self.id.startswith(ABSENT)

    def host(self) -> Address | None:
        """Return the client's address, or ``None`` if it is not an IP address (a control session's is ``cli``)."""
        try:
            return parse_address(self.address)
        except InvalidTarget:
            return None


def request(invocation: Invocation, verb: str, *params: str) -> list[Message]:
    """Send one command to the daemon that serves the database, and return the lines of its answer.

    Raises as ``exchange`` does, and ``Refused`` with the daemon's text if it refuses the command.
    """
    answers = exchange(invocation, verb, *params)
    require_done(answers)
    return answers


def exchange(invocation: Invocation, verb: str, *params: str) -> list[Message]:
    """Send one command to the daemon, and return the lines of its answer, refusals too.

    Raises ``NotRunning``, and ``InvalidValue`` if a parameter has a line break or a NUL, or the command is too long for
    a line.
    """
    asked = [Message("ACTOR", [invocation.actor.name]), Message(verb, list(params))]
    with _as_not_running(invocation.address, _TIMEOUT_S):
        return _exchange(_find_socket(invocation), asked, _TIMEOUT_S)


def follow(invocation: Invocation, verb: str) -> Iterator[Message]:
    """Send one command to the daemon, and yield the lines of its answer as they come, to the end of the connection.

    Raises ``NotRunning``.
    """
    asked = [Message("ACTOR", [invocation.actor.name]), Message(verb, [])]
    with (
        _as_not_running(invocation.address, _LONGEST_S),
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link,
    ):
        link.settimeout(_LONGEST_S)
        link.connect(str(_find_socket(invocation)))
        link.sendall("".join(f"{_one_line(message)}\r\n" for message in asked).encode())
        with link.makefile("r", encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                yield parse(line.rstrip("\r\n"))


def _find_socket(invocation: Invocation) -> Path:
    """The control socket of the daemon: of several nodes on this machine, that of the configuration, or the first."""
    address = invocation.address
    nodes = list_nodes(address)
    if not nodes:
        return control_socket(local_path(address))
    own = invocation.settings.cluster.node if len(nodes) > 1 else ""
    return control_socket(local_path(address, own if own in nodes else nodes[0]))


@contextlib.contextmanager
def _as_not_running(database: DatabaseAddress, patience_s: float) -> Iterator[None]:
    """Raise ``NotRunning`` for what the system says of a daemon that does not answer."""
    try:
        yield
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning(_no_daemon(database)) from error
    except TimeoutError as error:
        raise NotRunning(f"the daemon did not answer within {patience_s:.0f} s") from error
    except ConnectionError as error:
        raise NotRunning("the daemon closed the connection before it answered") from error
    except OSError as error:
        raise NotRunning(f"the daemon's control socket does not answer: {error.strerror or error}") from error


def require_done(answers: list[Message]) -> None:
    """Raise ``Refused`` with the daemon's text if one of these lines refuses the command."""
    for message in answers:
        # 4xx and 5xx are the error numerics of IRC.
        if message.verb in ("FAIL", "ERROR") or (message.verb.isdecimal() and message.verb[0] in "45"):
            raise Refused(_refusal(message))


def _no_daemon(database: DatabaseAddress) -> str:
    served = list_served_databases()
    if not served and _is_served_elsewhere(database):
        return f"a daemon serves {database}, but none of this user on this machine: run this where it runs"
    if not served:
        return f'no daemon serves {database}; "chatroomctl serve" starts one'
    return f"no daemon serves {database}, but one of yours serves {served[0]}: choose it with --database"


def _is_served_elsewhere(database: DatabaseAddress) -> bool:
    if isinstance(database, Path):
        return False
    from chatroom.ctl.offline import is_served  # here, because few have a server

    try:
        return is_served(database)
    except ChatroomError:
        return False


def _refusal(message: Message) -> str:
    if not message.params:
        return message.verb
    # A numeric names its subject, such as a nick, in a parameter of its own: ``401 * bob :No such nick``.
    about = " ".join(message.params[1:-1]) if message.verb.isdecimal() else ""
    return f"{about}: {message.params[-1]}" if about else message.params[-1]


def list_served_databases() -> list[DatabaseAddress]:
    """Return the databases of this user's daemons, as far as they answer."""
    return [path for path in map(_find_database, list_control_sockets()) if path is not None]


def _find_database(control: Path) -> DatabaseAddress | None:
    try:
        answers = _exchange(control, [Message("STATUS", [])], _GLANCE_S)
    except OSError:  # a daemon that was killed leaves its socket
        return None
    # A long address comes in several lines.
    shown = "".join(answer.params[2] for answer in answers if answer.params[:2] == ["STATUS", "database"])
    return find_address(shown) if shown else None


def perform(invocation: Invocation, verb: str, *params: str) -> str:
    """Have the daemon run a command and return its confirmation, with its warnings. Raises as ``request`` does."""
    answers = request(invocation, verb, *params)
    # A long confirmation comes in several lines.
    # The answer to LOCKDOWN has the verb as its code: it is also that of a question.
    done = "".join(message.params[-1] for message in answers if message.params[1:2] in (["DONE"], [verb])) or "Done."
    return ". ".join([done, *(message.params[-1] for message in answers if message.verb == "WARN")])


def ask_status(invocation: Invocation) -> dict[str, str]:
    """Ask the daemon how it is doing. Raises as ``request`` does."""
    values: dict[str, str] = {}
    for message in request(invocation, "STATUS"):
        if message.verb == "NOTE" and message.params[:1] == ["STATUS"] and len(message.params) == 3:
            key, value = message.params[1:]
            values[key] = values.get(key, "") + value  # a long value, such as a path, comes in several lines
    return values


def list_sessions(invocation: Invocation) -> list[SessionInfo]:
    """Return the running daemon's sessions, registered or not. Raises as ``request`` does."""
    found: dict[str, SessionInfo] = {}
    for message in request(invocation, "SESSIONS"):
        if message.verb == "NOTE" and message.params[:1] == ["SESSIONS"] and len(message.params) in (10, 11):
            one = _parse_session(message.params[1:])
            before = found.get(one.id)
            # A session in many channels has several lines, which differ in the channels.
            found[one.id] = one if before is None else before._replace(channels=before.channels + one.channels)
    return list(found.values())


def list_absent(invocation: Invocation) -> list[SessionInfo]:
    """Return the running daemon's users that are always on and not connected, each like a session of theirs.

    Its id is that of no session, and its address the last one, or ``*``. Raises as ``request`` does; a daemon of an
    earlier version lists none.
    """
    answers = exchange(invocation, "ABSENT")
    now = datetime.now(UTC)
    return [
        SessionInfo(f"{ABSENT} {nick}", nick, user, _without_padding(address), account, role, now, 0, ())
        for nick, user, address, account, role in (
            message.params[1:] for message in answers if message.params[:1] == ["ABSENT"] and len(message.params) == 6
        )
    ]


def list_unstored_bans(invocation: Invocation) -> list[Ban]:
    """Return the bans that act in the running daemon and are not in the database yet. Their id is 0.

    Empty if no daemon runs. Raises as ``request`` does.
    """
    try:
        answers = request(invocation, "UNSTORED")
    except NotRunning:
        return []
    notes = [message.params[1:] for message in answers if message.verb == "NOTE" and len(message.params) == 7]
    return [
        Ban(
            0,
            "name" if kind == "name" else "ip",
            target if kind == "name" else format_network(parse_network(target).network),
            reason,
            by,
            datetime.fromtimestamp(int(created_ms) / 1000, UTC),
            datetime.fromtimestamp(int(until_ms) / 1000, UTC) if int(until_ms) else None,
        )
        for kind, target, by, created_ms, until_ms, reason in notes
    ]


def _parse_session(words: list[str]) -> SessionInfo:
    number, nick, user, address, account, role, connected, idle, *node, channels = words
    return SessionInfo(
        number,
        None if nick == "*" else nick,
        user,
        _without_padding(address),
        None if account == "*" else account,
        None if role == "*" else role,
        datetime.fromtimestamp(float(connected), UTC),
        int(float(idle)),
        () if channels == "*" else tuple(channels.split(",")),
        node[0] if node else None,
    )


def _without_padding(address: str) -> str:
    # The daemon sends ``::1`` as ``0::1``, because a parameter that begins with a colon is the last one of a line.
    try:
        return str(parse_address(address))
    except InvalidTarget:
        return address


def _one_line(message: Message) -> str:
    if any(char in param for param in message.params for char in "\r\n\0"):
        raise InvalidValue("the text must be a single line")
    line = format_message(message)
    try:
        too_long = len(line.encode()) - LINE_BYTES
    except UnicodeEncodeError:  # an argument in another encoding
        raise InvalidValue("this text is not valid Unicode") from None
    if too_long > 0:
        most = len(message.params[-1].encode()) - too_long
        raise InvalidValue(f"the text is too long: it has at most {most} bytes")
    return line


def _exchange(control: Path, asked: list[Message], timeout_s: float) -> list[Message]:
    """Send commands to a control socket, and return the lines of the answer. Raises ``OSError``."""
    data = "".join(f"{_one_line(message)}\r\n" for message in [*asked, Message("PING", [_END])]).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(timeout_s)
        link.connect(str(control))
        link.sendall(data)
        return _read_answers(link)


def _read_answers(link: socket.socket) -> list[Message]:
    answers: list[Message] = []
    with link.makefile("r", encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            message = parse(line.rstrip("\r\n"))
            if message.verb == "PONG":
                return answers
            answers.append(message)
    # The connection ended before the PONG. With an ERROR line the daemon gave a reason, else it went away.
    if answers and answers[-1].verb == "ERROR":
        return answers
    raise ConnectionResetError
