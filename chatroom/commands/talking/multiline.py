"""Messages of several lines: BATCH, and the lines between its beginning and its end.

Source: IRCv3 client-batch and multiline. While a batch is open only its own lines are expected, besides what keeps a
connection alive; anything else is an error and ends the batch. After an error the batch's further lines mean nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.delivery.labelled_replies import Answers
from chatroom.chat.events import CONCAT_TAG
from chatroom.chat.people.multiline_batch import TIMEOUT_MS, MultilineBatch
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.talking.messages import say
from chatroom.commands.talking.utterance import Utterance
from chatroom.irc import caps, numerics
from chatroom.irc.limits import MULTILINE_BYTES, MULTILINE_LINES
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.irc.message import Message

BATCH_TYPE = "draft/multiline"
_NEEDED = caps.BATCH | caps.MULTILINE
_ANY_TIME = ("BATCH", "PING", "PONG", "QUIT")
"""What may be said while a batch is open."""


@command("BATCH", "<+reference or -reference> [<type> <target>]")
def batch(context: Context, params: list[str]) -> Pending | None:
    """Begins and ends a message of several lines (IRCv3 multiline)."""
    session, reference = context.session, params[0][1:]
    if session.caps & _NEEDED != _NEEDED:
        context.reply(numerics.ERR_UNKNOWNCOMMAND, "BATCH")
        return None
    open_batch = session.batch if session.batch is not None and not session.batch.failed else None
    if params[0].startswith("-"):
        if session.batch is None or session.batch.reference != reference:
            _invalid(context, "There is no such batch")
        else:
            return _close(context, session.batch)
    elif not params[0].startswith("+") or not reference or open_batch is not None:
        _invalid(context, "A batch is open already" if open_batch is not None else "That is no batch's beginning")
    elif len(params) < 3 or params[1] != BATCH_TYPE or not params[2]:
        _invalid(context, f"Only {BATCH_TYPE} batches with a target are known")
    else:
        label = context.answers.label if context.answers is not None else ""
        session.batch = MultilineBatch(reference, params[2], context.tags or {}, label, context.world.now_ms)
        context.answers = session.gathered = None  # the whole message is answered, once it is there
    return None


def absorb(context: Context, message: Message) -> bool:
    """Take a line that belongs to a batch, or should not have been said now; whether it was one."""
    session = context.session
    reference, current = (message.tags or {}).get("batch"), session.batch
    if current is None and session.caps & _NEEDED != _NEEDED:
        return False
    if current is not None and not current.failed and context.world.now_ms - current.opened_ms > TIMEOUT_MS:
        _refuse(context, "TIMEOUT", printable(current.reference), text="The batch was open for too long")
    if current is None or reference != current.reference:
        if reference is None and (current is None or current.failed or message.verb in _ANY_TIME):
            return False
        _invalid(context, "There is no such batch" if reference is not None else "A batch is open: that is not in it")
    elif not current.failed:
        _take_line(context, current, message)
    return True


def _take_line(context: Context, current: MultilineBatch, message: Message) -> None:
    tags, params = message.tags or {}, message.params
    concat = CONCAT_TAG in tags
    if message.verb not in ("PRIVMSG", "NOTICE") or current.verb not in ("", message.verb) or len(params) < 2:
        _invalid(context, "A multiline message is made of PRIVMSG lines, or of NOTICE lines")
    elif "label" in tags:
        _invalid(context, "A label belongs to the beginning of a multiline message")
    elif casefold(params[0]) != casefold(current.target):
        targets = printable(current.target), printable(params[0])
        _refuse(context, "MULTILINE_INVALID_TARGET", *targets, text="All lines have the target of their batch")
    elif concat and not params[1]:
        _invalid(context, "An empty line cannot go on where another ended")
    else:
        current.verb = message.verb
        current.add(params[1], concat)
        if current.size > MULTILINE_BYTES:
            _refuse(context, "MULTILINE_MAX_BYTES", str(MULTILINE_BYTES), text=f"More than {MULTILINE_BYTES} bytes")
        elif len(current.lines) > MULTILINE_LINES:
            _refuse(context, "MULTILINE_MAX_LINES", str(MULTILINE_LINES), text=f"More than {MULTILINE_LINES} lines")


def _close(context: Context, done: MultilineBatch) -> Pending | None:
    if done.failed:
        context.session.batch = None
    elif done.is_blank:
        _invalid(context, "There is nothing in it")
        context.session.batch = None
    else:
        context.session.batch = None
        _answer_for(context, done)
        context.tags = done.tags
        context.user.spoke_ms = context.world.now_ms
        context.verb = done.verb
        return say(Utterance(context, done.lines[0].text, done.lines), done.target)
    return None


def _invalid(context: Context, text: str) -> None:
    _refuse(context, "MULTILINE_INVALID", text=text)


def _refuse(context: Context, code: str, *words: str, text: str) -> None:
    """Refuse the open batch, if there is one, or the line."""
    current = context.session.batch
    if current is not None and not current.failed:
        current.fail()
        _answer_for(context, current)
    context.verb = "BATCH"
    context.fail(code, *words, text=text)


def _answer_for(context: Context, answered: MultilineBatch) -> None:
    """Let the label of the batch's beginning, if it had one, be on what is answered now."""
    if answered.label and context.answers is None:
        context.answers = context.session.gathered = Answers(answered.label)
        answered.label = ""
