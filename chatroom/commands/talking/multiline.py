"""Multiline messages: BATCH, and the lines between the opening and the end of a batch.

While a batch is open, the client may send only lines of the batch and the verbs in ``_ANY_TIME``. Any other line is an
error, and fails the batch. The lines of a failed batch are ignored until the client closes it.

Source: IRCv3 client-batch and multiline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.events import CONCAT_TAG
from chatroom.chat.people.labelled_reply import LabelledReply
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
"""Verbs without a batch tag that the client may send while a batch is open."""


@command("BATCH", "<+reference or -reference> [<type> <target>]")
def batch(context: Context, params: list[str]) -> Pending | None:
    """Opens or closes a batch of lines that are one message (IRCv3 multiline)."""
    session, reference = context.session, params[0][1:]
    if session.caps & _NEEDED != _NEEDED:
        context.reply(numerics.ERR_UNKNOWNCOMMAND, "BATCH")
        return None
    is_open = session.batch is not None and not session.batch.failed
    if params[0].startswith("-"):
        if session.batch is None or session.batch.reference != reference:
            _invalid(context, "There is no such batch")
        else:
            return _close(context, session.batch)
    elif is_open:
        _invalid(context, "A batch is open already")
    elif not params[0].startswith("+") or not reference:
        _invalid(context, "BATCH needs +reference or -reference")
    elif len(params) < 3 or params[1] != BATCH_TYPE or not params[2]:
        _invalid(context, f"Only {BATCH_TYPE} batches with a target are supported")
    else:
        label = session.labelled_reply.label if session.labelled_reply is not None else ""
        session.batch = MultilineBatch(reference, params[2], context.tags or {}, label, context.world.mono_ms)
        # The label is for the answer to the whole message, at the end of the batch. The opening line gets no ACK.
        session.labelled_reply = None
    return None


def absorb(context: Context, message: Message) -> bool:
    """Take a line that belongs to a batch, or refuse one that must not come now. False if the line is any other.

    Called for lines with a batch tag, and for all lines while a batch is open.
    """
    session = context.session
    reference, current = (message.tags or {}).get("batch"), session.batch
    if current is None and session.caps & _NEEDED != _NEEDED:
        return False
    if current is not None and not current.failed and context.world.mono_ms - current.opened_mono_ms > TIMEOUT_MS:
        _refuse(context, "TIMEOUT", printable(current.reference), text="The batch was open for too long")
    if current is None or reference != current.reference:
        if reference is None and (current is None or current.failed or message.verb in _ANY_TIME):
            return False
        text = "There is no such batch" if reference is not None else "A batch is open, and this line is not part of it"
        _invalid(context, text)
    elif not current.failed:
        _take_line(context, current, message)
    return True


def _take_line(context: Context, current: MultilineBatch, message: Message) -> None:
    tags, params = message.tags or {}, message.params
    concat = CONCAT_TAG in tags
    if message.verb not in ("PRIVMSG", "NOTICE") or current.verb not in ("", message.verb) or len(params) < 2:
        _invalid(context, "The lines of a multiline message must all be PRIVMSG, or all NOTICE")
    elif "label" in tags:
        _invalid(context, "The label of a multiline message must be on the line that opens the batch")
    elif casefold(params[0]) != casefold(current.target):
        targets = printable(current.target), printable(params[0])
        _refuse(context, "MULTILINE_INVALID_TARGET", *targets, text="Each line must have the target of its batch")
    elif concat and not params[1]:
        _invalid(context, "An empty line cannot continue the line before it")
    else:
        current.verb = message.verb
        current.add(params[1], concat)
        if current.size > MULTILINE_BYTES:
            text = f"A multiline message has at most {MULTILINE_BYTES} bytes"
            _refuse(context, "MULTILINE_MAX_BYTES", str(MULTILINE_BYTES), text=text)
        elif len(current.lines) > MULTILINE_LINES:
            text = f"A multiline message has at most {MULTILINE_LINES} lines"
            _refuse(context, "MULTILINE_MAX_LINES", str(MULTILINE_LINES), text=text)


def _close(context: Context, done: MultilineBatch) -> Pending | None:
    if done.failed:
        context.session.batch = None
    elif done.is_blank:
        _invalid(context, "The batch has no text")
        context.session.batch = None
    else:
        context.session.batch = None
        _answer_for(context, done)
        # From here on this is the context of a PRIVMSG or NOTICE with the tags of the opening line.
        context.tags = done.tags
        context.verb = done.verb
        context.user.spoke_mono_ms = context.world.mono_ms
        return say(Utterance(context, done.lines[0].text, done.lines), done.target)
    return None


def _invalid(context: Context, text: str) -> None:
    _refuse(context, "MULTILINE_INVALID", text=text)


def _refuse(context: Context, code: str, *words: str, text: str) -> None:
    """Send a FAIL of BATCH, and fail the open batch, if there is one."""
    current = context.session.batch
    if current is not None and not current.failed:
        current.fail()
        _answer_for(context, current)
    verb, context.verb = context.verb, "BATCH"
    context.fail(code, *words, text=text)
    context.verb = verb  # behind a batch that timed out, the line itself still runs


def _answer_for(context: Context, answered: MultilineBatch) -> None:
    """Label the answers from here on with the label of the opening line, if it had one; once only."""
    if answered.label and context.session.labelled_reply is None:
        context.session.labelled_reply = LabelledReply(answered.label)
        answered.label = ""
