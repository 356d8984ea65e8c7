"""How replies become lines: single ones, batches, and the whole reply to a labelled command.

A long answer is made over several ticks (``chatroom.commands.long_answers``). What there is of it at the end of a tick
is sent at once: ``begin_batch`` and ``begin_labelled`` send a batch as far as it goes, and ``send_reply`` and
``send_labelled`` send the rest and end it. Other lines may stand between, because each line in a batch names it.

Source: IRCv3 labeled-response and batch. All of it needs the hub lock. ``server`` is the source of the lines that open
and close a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.delivery.message_answers import Answer
from chatroom.chat.events import Event
from chatroom.chat.people.labelled_reply import Batch, LabelledReply, Reply
from chatroom.irc import caps
from chatroom.irc.framing import encode
from chatroom.irc.message import escape

if TYPE_CHECKING:
    from chatroom.chat.delivery.outbox import Outbox
    from chatroom.chat.people.session import Session


def send_reply(
    outbox: Outbox, session: Session, reply: Reply, server: str, tags: str = "", closing_tags: str = ""
) -> None:
    """Add one reply for a session, with further tags on its line or, for a batch, on the line that opens it.

    ``closing_tags`` are those of the line that closes it: the reference of the outer batch, if there is one.
    """
    if isinstance(reply, str):
        outbox.to_session(session, encode(f"@{tags} {reply}" if tags else reply))
    elif isinstance(reply, Event):
        outbox.copy_to_session(session, reply.render_with(session.variant, tags), reply)
        if not reply.message_id:
            outbox.answers.note(reply.seq, Answer(outbox.seq, tags))
    else:
        begin_batch(outbox, session, reply, server, tags)
        send_reply(outbox, session, f":{server} BATCH -{reply.reference}", server, closing_tags)


def begin_batch(outbox: Outbox, session: Session, batch: Batch, server: str, tags: str) -> None:
    """Open a batch, unless it is open, and send what is in it. ``send_reply`` sends what is added, and closes it."""
    if not batch.is_open:
        batch.is_open = True
        send_reply(outbox, session, f":{server} BATCH +{batch.reference} {batch.kind}", server, tags)
    inside = f"batch={batch.reference}"
    for each in batch.replies:
        send_reply(outbox, session, each, server, inside, inside)
    batch.replies = []


def send_labelled(outbox: Outbox, session: Session, labelled: LabelledReply, server: str) -> None:
    """Add the whole reply to a labelled command for the session that sent it.

    The label is on exactly one logical message: on an ACK if there is no reply, on the reply if there is one, and on a
    batch if there are several, or if some were sent before (``begin_labelled``).
    """
    replies, label = _readable(session, labelled), _label_tag(labelled)
    echoes = {reply.seq for reply in replies if isinstance(reply, Event)}
    has_silent = not echoes.issuperset(labelled.stored)  # messages that are answered only if they are refused
    is_single = labelled.batch is None and len(replies) <= 1
    if is_single and (not replies or _is_one_message(replies[0], session.variant)):
        send_reply(outbox, session, replies[0] if replies else f":{server} ACK", server, label)
        if has_silent:
            _note_refusals(outbox, session, labelled.stored, replies, label, server)
        return
    batch = _batch_of(outbox, labelled, replies)
    begin_batch(outbox, session, batch, server, label)
    if has_silent:
        for seq in labelled.stored:
            if seq not in echoes:
                outbox.answers.note(seq, Answer(outbox.seq, f"batch={batch.reference}"))
    send_reply(outbox, session, batch, server)


def _note_refusals(
    outbox: Outbox, session: Session, stored: list[int], replies: list[Reply], label: str, server: str
) -> None:
    """Note what is read instead of the line just sent if the messages ``stored`` are refused. All are, or none.

    That is one refusal with the label; or a batch with the label, for several refusals or one behind a reply.
    """
    place = outbox.seq
    outbox.withdraw_with(stored[0])
    others = [reply for reply in replies if not isinstance(reply, Event) or reply.seq not in stored]
    if len(stored) == 1 and not others:
        outbox.answers.note(stored[0], Answer(place, label))
        return
    reference = outbox.reference()
    tags = f"batch={reference}"
    before = encode(f"@{label} :{server} BATCH +{reference} labeled-response")
    for reply in others:
        if isinstance(reply, str):
            before += encode(f"@{tags} {reply}")
        elif isinstance(reply, Event):
            before += reply.render_with(session.variant, tags)
    for seq in stored:
        after = encode(f":{server} BATCH -{reference}") if seq == stored[-1] else b""
        outbox.answers.note(seq, Answer(place, tags, before, after))
        before = b""


def begin_labelled(outbox: Outbox, session: Session, labelled: LabelledReply, server: str) -> Batch:
    """Send what there is of the reply to a labelled command. Return its batch, which ``send_labelled`` closes."""
    batch = _batch_of(outbox, labelled, _readable(session, labelled))
    begin_batch(outbox, session, batch, server, _label_tag(labelled))
    return batch


def tell_last(outbox: Outbox, session: Session, line: str, server: str) -> None:
    """Add a session's last line. It ends the reply to a labelled command, if one is being made."""
    labelled, session.labelled_reply = session.labelled_reply, None
    if labelled is None:
        outbox.to_session(session, encode(line))
    else:
        labelled.replies.append(line)
        labelled.stored = []  # who has ended reads no refusal
        send_labelled(outbox, session, labelled, server)


def _batch_of(outbox: Outbox, labelled: LabelledReply, replies: list[Reply]) -> Batch:
    """Put replies into the batch of a labelled reply, which is made if there is none. None are left outside it."""
    if labelled.batch is None:
        labelled.batch = Batch(outbox.reference(), "labeled-response")
    labelled.batch.replies, labelled.replies = replies, []
    return labelled.batch


def _label_tag(labelled: LabelledReply) -> str:
    return f"label={escape(labelled.label)}"


def _readable(session: Session, labelled: LabelledReply) -> list[Reply]:
    """The replies without events that the client did not negotiate: they render to nothing, and count as none."""
    variant = session.variant
    return [reply for reply in labelled.replies if not isinstance(reply, Event) or not reply.needs & ~variant]


def _is_one_message(reply: Reply, variant: int) -> bool:
    """False for a message in parts that is several lines to a reader of the variant."""
    return not isinstance(reply, Event) or reply.parts is None or bool(variant & caps.MULTILINE)
