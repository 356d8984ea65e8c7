"""Dispatch: from a line to its verb. The refusals that all verbs share are made here.

If a line has a label, the replies are gathered in ``session.labelled_reply`` and sent when the verb is done (IRCv3
labeled-response).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from chatroom.chat.delivery.replies import send_labelled
from chatroom.chat.log_line import LogWarning
from chatroom.chat.people.labelled_reply import LabelledReply
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import COMMANDS, Command, When
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.talking.multiline import absorb
from chatroom.commands.talking.plain_messages import say_plainly
from chatroom.errors import (
    AlreadyExists,
    ChatroomError,
    InvalidName,
    InvalidTarget,
    InvalidValue,
    NeedsForce,
    NotFound,
    NotPermitted,
    Overloaded,
    Refused,
    StorageError,
    TooMany,
    WrongPassword,
    WrongToken,
)
from chatroom.irc import caps, numerics
from chatroom.irc.framing import Malformed
from chatroom.irc.limits import LABEL_BYTES
from chatroom.irc.message import Message, split

if TYPE_CHECKING:
    from chatroom.chat.people.session import Registration, Session
    from chatroom.chat.world import World

REFUSAL_CODES: dict[type[Refused], str] = {
    AlreadyExists: "ALREADY_EXISTS",
    InvalidName: "INVALID_NAME",
    InvalidTarget: "INVALID_TARGET",
    InvalidValue: "INVALID_PARAMS",
    NeedsForce: "NEEDS_FORCE",
    NotFound: "NOT_FOUND",
    NotPermitted: "NOT_PERMITTED",
    TooMany: "LIMIT_REACHED",
    WrongPassword: "INVALID_CREDENTIALS",
    WrongToken: "INVALID_CREDENTIALS",
}
"""The FAIL code for each ``Refused`` that a rule raises. ``refuse`` answers ``NotPermitted`` with numeric 481."""

_HTTP: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"})
"""The methods of HTTP requests (RFC 9110), and ``PRI``, with which HTTP/2 begins. No IRC command is called so."""
_HTTP_VERSION: Final = re.compile(r"HTTP/\d", re.IGNORECASE)
"""How the last word of a request's first line begins."""

_BYTE_ORDER_MARK: Final = "\ufeff"
ROOM_RETRY_MS: Final = 100
"""How long a verb waits before it looks again whether there is room for what it has written."""
READ_AGAIN_MS: Final = 1000
"""How long a registration waits before it reads a database once more that has failed."""
NOT_READ: Final = "The database cannot be read now, try again in a moment"
# Read once: an attribute of an Enum class is slow, and each line needs them.
_AFTER: Final = When.AFTER
_BEFORE: Final = When.BEFORE
_CONTROL: Final = When.CONTROL
_LABELS: Final = caps.LABELED_RESPONSE | caps.BATCH
"""What a client must have negotiated for a label to count: several replies are labelled by a batch."""


def run_line(world: World, session: Session, line: str | Malformed) -> tuple[Context, Pending] | tuple[()] | None:
    """Run one line of a session. Return its context and a ``Pending`` if the verb must wait; if not, an empty tuple.

    Returns None for a plain message: it has no answer that could be long. Any exception but ``Refused`` is a bug, and
    is raised for the caller to report.
    """
    if not isinstance(line, str):
        _answer_malformed(world, session, line)
        return ()
    # Most lines are plain messages, and ``say_plainly`` needs no parsing for them.
    if line[:8] == "PRIVMSG " and say_plainly(world, session, line):
        return None
    tags, source, verb, params = split(line)
    command, registration = COMMANDS.get(verb), session.registration
    if command is None and registration is not None and line[:1] == _BYTE_ORDER_MARK:
        # Programs begin with it that read their lines from a file.
        return run_line(world, session, line.lstrip(_BYTE_ORDER_MARK))
    context = Context(world, session, verb, tags)
    # After the first line, no verb of ours is one of HTTP.
    may_be_http = registration is not None and (command is None or not registration.has_spoken)
    if may_be_http and _is_turned_away(context, line, params):
        return ()
    has_more = tags is not None or session.batch is not None
    if not verb or (has_more and _heed_tags(context, Message(verb, params, source, tags))):
        return ()
    pending = None
    try:
        if command is None:
            _refuse_unknown(context, verb)
        elif _allowed(context, command, params):
            pending = (
                _call(context, command, params)
                if command.stores and world.work.is_full
                else command.handler(context, params)
            )
    except Refused as refusal:
        refuse(context, refusal)
    except BaseException:
        session.labelled_reply = None  # the report of the bug is sent at once, without what was gathered
        raise
    if pending is not None:
        return context, pending
    if session.labelled_reply is not None:
        finish(context)
    return ()


def _answer_malformed(world: World, session: Session, malformed: Malformed) -> None:
    """Refuse a line that cannot be read."""
    tags, _, verb, params = split(malformed.text)
    context = Context(world, session, verb, tags)
    if _is_turned_away(context, malformed, params):
        return
    if tags is not None:
        _take_label(context, tags)
    _refuse_malformed(context, malformed)
    finish(context)


def answer_not_run(world: World, session: Session, line: str, code: str, text: str) -> None:
    """Answer a line that was not run, and will not be: FAIL with ``code``."""
    tags, _, verb, _ = split(line)
    context = Context(world, session, verb, tags)
    if tags is not None:
        _take_label(context, tags)
    context.fail(code, text=text)
    finish(context)


def _heed_tags(context: Context, message: Message) -> bool:
    """Take the label of a line, and the line itself if it belongs to a batch. True if it does: the verb is not run."""
    tags = message.tags
    if tags is not None:
        _take_label(context, tags)
    # ``absorb`` also refuses lines that must not come while a batch is open.
    in_batch = context.session.batch is not None or (tags is not None and "batch" in tags)
    if in_batch and absorb(context, message):
        finish(context)
        return True
    return False


def _call(context: Context, command: Command, params: list[str]) -> Pending | None:
    """Run a verb that has something written. It waits while there is no room for that; operators need not wait."""
    if not context.world.work.is_full or context.role >= Role.MODERATOR:
        return command.handler(context, params)

    def again(context: Context, result: None) -> Pending | None:
        if context.session.closing or not _allowed(context, command, params):
            return None
        return _call(context, command, params)

    return Pending(None, None, again, ROOM_RETRY_MS)


def _take_label(context: Context, tags: dict[str, str]) -> None:
    """Begin a labelled reply if the line has a label that counts."""
    session = context.session
    if session.caps & _LABELS == _LABELS:
        label = tags.get("label", "")
        if label and len(label.encode()) <= LABEL_BYTES:
            session.labelled_reply = LabelledReply(label)


def resume(context: Context, pending: Pending, outcome: object) -> Pending | None:
    """Resume a verb when its job is done. ``outcome`` is the job's result, or the ``ChatroomError`` that it raised.

    The verb is resumed even if the session has ended: the job may have changed the database, and memory must follow.
    Return a further ``Pending`` if the verb must wait again. Other exceptions are raised as in ``run_line``.
    """
    following = None
    try:
        if isinstance(outcome, Overloaded) and pending.if_overloaded is not None:
            following = pending.if_overloaded(context)
        elif isinstance(outcome, StorageError) and pending.reads:
            following = _read_again(context, pending, outcome)
        elif isinstance(outcome, ChatroomError):
            refuse(context, outcome)
        else:
            following = pending.then(context, outcome)
    except Refused as refusal:
        refuse(context, refusal)
    if following is None:
        finish(context)
    return following


def _read_again(context: Context, pending: Pending, error: StorageError) -> Pending | None:
    """Refuse a verb whose job could not read the database. A registration waits until the database is there again.

    If that takes longer than a registration may, the connection is closed: its client comes back, and a client that
    reads of a failed line only may wait for ever.
    """
    world, session = context.world, context.session
    # The error names the path of the database, which only the operator should read.
    world.log_line(f"{context.verb} of {context.nick} failed: {error}", LogWarning, at=(__name__, "unreadable"))
    is_registering = session.registration is not None and not session.closing
    give_up_ms = session.opened_mono_ms + int(world.settings.limits.registration_timeout_s * 1000)
    if is_registering and world.mono_ms < give_up_ms:
        return pending._replace(delay_ms=READ_AGAIN_MS)
    if pending.if_unreadable is not None:
        pending.if_unreadable(context)
    else:
        context.fail("TEMPORARILY_UNAVAILABLE", text=NOT_READ)
    if is_registering:
        world.close(session, NOT_READ)
    return None


def refuse(context: Context, error: ChatroomError) -> None:
    """Answer with the reason why the verb was refused."""
    if isinstance(error, NotPermitted):
        context.reply(numerics.ERR_NOPRIVILEGES, text=f"Permission Denied - {error}")
    elif isinstance(error, Refused):
        context.fail(REFUSAL_CODES.get(type(error), "REFUSED"), text=str(error))
    elif isinstance(error, StorageError):
        # The error names the path of the database, which only the operator should read.
        context.world.log_line(f"{context.verb} of {context.nick} failed: {error}", LogWarning, at=(__name__, "failed"))
        context.fail("TEMPORARILY_UNAVAILABLE", text="That could not be stored, try again in a moment")
    elif isinstance(error, Overloaded):
        context.fail("TEMPORARILY_UNAVAILABLE", text=f"{str(error)[:1].upper()}{str(error)[1:]}")
    else:
        context.fail("FAILED", text=str(error))


def finish(context: Context) -> None:
    """Send the replies that were gathered for a labelled command, if there are any."""
    session = context.session
    labelled = session.labelled_reply
    if labelled is None:
        return
    session.labelled_reply = None
    if not session.closing:  # a session whose connection was lost reads nothing
        send_labelled(context.world.outbox, session, labelled, context.server)


def _allowed(context: Context, command: Command, params: list[str]) -> bool:
    session = context.session
    # A verb of the other kind of session is refused like one that does not exist.
    if session.control is not None:
        if not command.control and command.when is not _CONTROL:
            _refuse_unknown(context, command.verb)
            return False
    elif command.when is _CONTROL:
        _refuse_unknown(context, command.verb)
        return False
    elif session.user is None:
        if command.when is _AFTER and not session.caps & command.early:
            context.reply(numerics.ERR_NOTREGISTERED)
            return False
    elif command.when is _BEFORE:
        context.reply(numerics.ERR_ALREADYREGISTERED)
        return False
    if command.role is not None and context.role < command.role:
        context.world.log_line(
            f"refused {command.verb} by {context.nick} ({session.address_text}): needs {command.role.word}",
            at=(__name__, "role"),
        )
        context.reply(numerics.ERR_NOPRIVILEGES)
        return False
    if len(params) < command.arity:
        context.reply(numerics.ERR_NEEDMOREPARAMS, command.verb)
        return False
    return True


def _refuse_unknown(context: Context, verb: str) -> None:
    context.reply(numerics.ERR_UNKNOWNCOMMAND, printable(verb))


def _is_http(registration: Registration, line: str | Malformed, verb: str, params: list[str]) -> bool:
    """True if a line before the welcome is that of an HTTP request.

    Other methods than those we know are judged by the first line alone, which is the request's: a later line of IRC may
    end in any word.
    """
    is_first, registration.has_spoken = not registration.has_spoken, True
    if verb in _HTTP or not is_first:
        return verb in _HTTP
    if isinstance(line, Malformed):
        if line == Malformed.TOO_LONG:  # the end may be lost
            return bool(params) and params[0].startswith("/")
        line = line.text
    return _HTTP_VERSION.match(line.rpartition(" ")[2]) is not None


def _is_turned_away(context: Context, line: str | Malformed, params: list[str]) -> bool:
    """Close a connection that speaks HTTP before anything else of it is run. True if it does.

    Any web page can have its reader's browser send a POST here, and its body would be lines of IRC from the reader's
    address.
    """
    session, registration = context.session, context.session.registration
    if registration is None:
        return False
    if isinstance(line, str) and "/" not in line and context.verb not in _HTTP:
        registration.has_spoken = True  # as ``_is_http`` does, which most lines need not be asked
        return False
    if not _is_http(registration, line, context.verb, params):
        return False
    context.world.log_line(f"refused {session.address_text}: it speaks HTTP", at=(__name__, "http"))
    context.world.close(session, "This is an IRC server, and you speak HTTP")
    return True


def _refuse_malformed(context: Context, malformed: Malformed) -> None:
    if malformed == Malformed.TOO_LONG:
        context.reply(numerics.ERR_INPUTTOOLONG)
    elif malformed == Malformed.NOT_UTF8:
        context.verb = context.verb if context.verb.isascii() else "*"  # replacement characters name no verb
        context.fail("INVALID_UTF8", text="Message rejected, your IRC software must use UTF-8 on this network")
    else:
        context.reply(numerics.ERR_UNKNOWNERROR, "*", text="Message rejected, it held a NUL character")
