"""/reply, /react, /redact and /edit: what each typed line asks the session to do."""

from __future__ import annotations

from chatroom.client.actions import AboutMessage, Action, Context
from chatroom.client.command_words import Misused, wrong

REPLY_HELP = """\
/reply TEXT       answers the last message of somebody else here
/reply NAME TEXT  answers the last message of NAME
Others see the answer with what it answers, if their client can show that."""

REACT_HELP = """\
/react :)         reacts to the last message of somebody else here
/react NAME :)    reacts to the last message of NAME
The same again takes it back."""

REDACT_HELP = """\
/redact                deletes your last message here
/redact NAME [REASON]  deletes the last message of NAME, if you may
Whoever has read it has read it; some clients go on showing it."""


def reply(context: Context, rest: str) -> list[Action]:
    """Answer a message."""
    return _about(context, "reply", rest)


def react(context: Context, rest: str) -> list[Action]:
    """React to a message."""
    return _about(context, "react", rest)


def redact(context: Context, rest: str) -> list[Action]:
    """Delete a message."""
    name, _, reason = rest.partition(" ")
    return _act(context, AboutMessage("redact", name, reason.strip()))


def edit(context: Context, rest: str) -> list[Action]:
    """Say the user's last message differently."""
    if not rest:
        raise Misused("Type the whole new text.")
    return _act(context, AboutMessage("edit", "", rest))


def _about(context: Context, kind: str, rest: str) -> list[Action]:
    """The first word is a nick if somebody of that nick has spoken, and if more follows."""
    if not rest:
        raise Misused
    first, _, more = rest.partition(" ")
    is_nick = context.state.fold(first) in context.state.spoken
    if more.strip() and is_nick:
        return _act(context, AboutMessage(kind, first, more.strip()))  # type: ignore[arg-type]
    return _act(context, AboutMessage(kind, "", rest))  # type: ignore[arg-type]


def _act(context: Context, action: AboutMessage) -> list[Action]:
    return [action] if context.target is not None else [wrong("You are in no channel.")]
