from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from chatroom.client.chat_events import Denied, Event, Info, Joined, Members, Said, Trouble, Welcome
from chatroom.client.chat_state import State
from chatroom.client.line_output import LineOutput

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
OLD = Said("#tea", "bob", "hi", at=AT, missed=True)


def written(*events: Event, interactive: bool = False, ready: bool = True) -> tuple[str, str]:
    """What these events leave on stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    output = LineOutput(State(), out, err, interactive=interactive)
    for event in events:
        output.write(event, ready=ready)
    output.flush()
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    "event, out, err",
    [
        (Said("#tea", "bob", "hi"), "[#tea] <bob> hi\n", ""),
        (Said("#tea", "me", "hi", mine=True), "", ""),
        (Joined("bob", "#tea"), "[#tea] bob joined\n", ""),
        (Joined("me", "#tea", mine=True), "", ""),
        (Members("#tea", ("bob",), asked=True), "[#tea] 1 here: bob\n", ""),
        (Members("#tea", ("bob",), asked=False), "", ""),
        (Welcome("me"), "", ""),
        (Info("one\ntwo"), "one\ntwo\n", ""),
        (Denied("No."), "", "No.\n"),
        (Trouble("Lost."), "", "Lost.\n"),
    ],
)
def test_where_an_event_goes(event: Event, out: str, err: str) -> None:
    """News and answers go to stdout, refusals and trouble to stderr; what a script knows already goes nowhere."""
    assert written(event) == (out, err)


def test_the_message_of_the_day_is_left_out() -> None:
    """What the server tells before the login is over is no answer to anything."""
    assert written(Info("welcome to this server"), ready=False) == ("", "")


def test_old_messages_are_for_users_and_for_scripts_that_come_back() -> None:
    """A script that connects does not read what was said before; after a reconnect it reads what it missed."""
    line = f"[#tea] {AT.astimezone():%Y-%m-%d %H:%M} <bob> hi\n"
    assert written(OLD) == ("", "")
    assert written(OLD, interactive=True) == (line, "")
    assert written(Welcome("me", again=True), OLD) == (line, "")
    assert written(Said("bob", "bob", "psst", at=AT, missed=True))[0].endswith(" <bob> psst\n")


def test_complaints_and_questions_go_to_stderr() -> None:
    """A complaint names the program; a question leaves the cursor behind it."""
    err = io.StringIO()
    output = LineOutput(State(), io.StringIO(), err, interactive=True)
    output.complain("no server")
    output.prompt("Nick: ")
    assert err.getvalue() == "chatroom: no server\nNick: "
