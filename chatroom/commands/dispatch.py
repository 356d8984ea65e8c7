"""From a line to its verb: the refusals common to all verbs are made here, once.

A labelled command's answers are gathered and sent together (IRCv3 labeled-response): none is an ACK, one carries the
label itself, more become a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.events import Event
from chatroom.commands.context import Context, printable
from chatroom.commands.table import COMMANDS, Command, When
from chatroom.errors import (
    AlreadyExists,
    ChatroomError,
    InvalidName,
    InvalidTarget,
    InvalidValue,
    NeedsForce,
    NotFound,
    NotPermitted,
    Refused,
    StorageError,
    WrongPassword,
)
from chatroom.irc import caps, numerics
from chatroom.irc.framing import Malformed, encode
from chatroom.irc.message import escape, parse

if TYPE_CHECKING:
    from chatroom.chat.session import Session
    from chatroom.chat.world import World
    from chatroom.commands.pending import Pending

REFUSAL_CODES: dict[type[Refused], str] = {
    AlreadyExists: "ALREADY_EXISTS",
    InvalidName: "INVALID_NAME",
    InvalidTarget: "INVALID_TARGET",
    InvalidValue: "INVALID_PARAMS",
    NeedsForce: "NEEDS_FORCE",
    NotFound: "NOT_FOUND",
    NotPermitted: "NOT_PERMITTED",
    WrongPassword: "INVALID_CREDENTIALS",
}
"""What a refusal raised by a rule is called in a FAIL line; ``NotPermitted`` is numeric 481 as well."""


def run_line(world: World, session: Session, line: str | Malformed) -> tuple[Context, Pending] | None:
    """Run one line of a session; what it waits for, if it must.

    Any exception that is no ``Refused`` is a bug and the caller's to report.
    """
    if isinstance(line, Malformed):
        _refuse_malformed(Context(world, session, ""), line)
        return None
    message = parse(line)
    verb = message.verb
    if not verb:
        return None
    context = Context(world, session, verb, message.tags)
    if message.tags is not None and session.caps & caps.LABELED_RESPONSE:
        context.label = message.tags.get("label", "")
        if context.label:
            session.gathered = []
    command = COMMANDS.get(verb)
    try:
        pending = None
        if command is None:
            _refuse_unknown(context, verb)
        elif _allowed(context, command, message.params):
            pending = command.handler(context, message.params)
    except Refused as refusal:
        refuse(context, refusal)
        pending = None
    except BaseException:
        session.gathered = None
        raise
    if pending is not None:
        return context, pending
    finish(context)
    return None


def resume(context: Context, pending: Pending, outcome: object) -> Pending | None:
    """Go on with a verb once its job is done; ``outcome`` is the result or the ``ChatroomError`` it raised.

    Also where the session has ended meanwhile: what was stored must be taken in all the same.
    """
    following = None
    try:
        if isinstance(outcome, ChatroomError):
            refuse(context, outcome)
        else:
            following = pending.then(context, outcome)
    except Refused as refusal:
        refuse(context, refusal)
    except BaseException:
        context.session.gathered = None
        raise
    if following is None:
        finish(context)
    return following


def refuse(context: Context, error: ChatroomError) -> None:
    """Tell the session what was refused, and why."""
    if isinstance(error, NotPermitted):
        context.reply(numerics.ERR_NOPRIVILEGES, text=f"Permission Denied - {error}")
    elif isinstance(error, Refused):
        context.fail(REFUSAL_CODES.get(type(error), "REFUSED"), text=str(error))
    elif isinstance(error, StorageError):
        context.world.note(f"{context.verb} of {context.nick} failed: {error}")
        context.fail("TEMPORARILY_UNAVAILABLE", text=f"That could not be stored, try again in a moment ({error})")
    else:
        context.fail("FAILED", text=str(error))


def finish(context: Context) -> None:
    """Send what was gathered for a labelled command."""
    session = context.session
    gathered, session.gathered = session.gathered, None
    if gathered is None or session.closing:
        return
    label = f"label={escape(context.label)}"
    server = context.server
    if not gathered:
        _send(context, f":{server} ACK", label)
    elif len(gathered) == 1:
        _send(context, gathered[0], label)
    else:
        outbox = context.world.outbox
        reference = f"l{outbox.seq:x}"
        _send(context, f":{server} BATCH +{reference} labeled-response", label)
        for answer in gathered:
            _send(context, answer, f"batch={reference}")
        _send(context, f":{server} BATCH -{reference}", "")


def _send(context: Context, answer: str | Event, tags: str) -> None:
    session, outbox = context.session, context.world.outbox
    if isinstance(answer, Event):
        line = answer.render_with(session.variant, tags)
        if line:
            outbox.to_session(session, line)
    else:
        outbox.to_session(session, encode(f"@{tags} {answer}" if tags else answer))


def _allowed(context: Context, command: Command, params: list[str]) -> bool:
    session = context.session
    if session.control is not None:
        if not command.control and command.when is not When.CONTROL:
            _refuse_unknown(context, command.verb)
            return False
    elif command.when is When.CONTROL:
        _refuse_unknown(context, command.verb)
        return False
    elif session.user is None:
        if command.when is When.AFTER:
            context.reply(numerics.ERR_NOTREGISTERED)
            return False
    elif command.when is When.BEFORE:
        context.reply(numerics.ERR_ALREADYREGISTERED)
        return False
    if command.role is not None and context.role < command.role:
        context.world.note(
            f"refused {command.verb} by {context.nick} ({session.address_text}): needs {command.role.word}"
        )
        context.reply(numerics.ERR_NOPRIVILEGES)
        return False
    if len(params) < command.arity:
        context.reply(numerics.ERR_NEEDMOREPARAMS, command.verb)
        return False
    return True


def _refuse_unknown(context: Context, verb: str) -> None:
    context.reply(numerics.ERR_UNKNOWNCOMMAND, printable(verb))


def _refuse_malformed(context: Context, malformed: Malformed) -> None:
    if malformed is Malformed.TOO_LONG:
        context.reply(numerics.ERR_INPUTTOOLONG)
    elif malformed is Malformed.NOT_UTF8:
        context.fail("INVALID_UTF8", text="Message rejected, your IRC software must use UTF-8 on this network")
    else:
        context.reply(numerics.ERR_UNKNOWNERROR, "*", text="Message rejected, it held a NUL character")
