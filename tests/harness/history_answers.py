"""Answers of CHATHISTORY and SEARCH in tests: one batch each, and its lines."""

from __future__ import annotations

from harness.session_client import Client
from harness.world import START, Here

from chatroom.irc.message import Message, parse
from chatroom.irc.times import format_time

CAPS = "draft/chathistory batch server-time message-tags account-tag"
_MS = int(START.timestamp() * 1000)


def at(second: int) -> str:
    """The bound ``second`` seconds after the start of the test."""
    return f"timestamp={format_time(_MS + second * 1000)}"


def batch_of(lines: list[str], kind: str = "chathistory #c") -> list[Message]:
    """The lines of an answer, which must be one batch."""
    opening, *within, closing = map(parse, lines)
    reference = opening.params[0].removeprefix("+")
    assert opening.verb == closing.verb == "BATCH" and closing.params == [f"-{reference}"]
    assert " ".join(opening.params[1:]) == kind
    assert all(line.tags is not None and line.tags["batch"] == reference for line in within)
    return within


def texts(lines: list[str], kind: str = "chathistory #c") -> list[str]:
    """The last parameters of the lines of an answer, which must be one batch."""
    return [line.params[-1] for line in batch_of(lines, kind)]


def speak(here: Here, speaker: Client, *said: str, target: str = "#c") -> None:
    """Say messages, with a second after each."""
    for text in said:
        speaker.say(f"PRIVMSG {target} :{text}")
        here.wait(1)
