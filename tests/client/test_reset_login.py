"""The login of somebody with a token for a new password, without a server."""

from __future__ import annotations

import pytest
from harness.client_stage import FakeLink, Stage

from chatroom.client.chat_session import ChatSession
from chatroom.client.link import Closed, Opened
from chatroom.client.login_steps import Ask
from chatroom.client.reset_login import ResetLogin

OFFER = ":srv CAP * LS :sasl=PLAIN,EXTERNAL standard-replies"


class ResetStage(Stage):
    """A session that came by a link with a token."""

    def __init__(self) -> None:
        super().__init__()
        self.links.clear()
        login = ResetLogin("bob", "bob", "hunter 22", "1-abc")
        self.session = ChatSession(self.route, login, self._make_link, lambda: self.now, lambda: 0.5, (), 99)
        self.session.start()

    def begin(self, *, exposed: bool = False, ack: str = "sasl standard-replies") -> FakeLink:
        """Connect, and negotiate the capabilities."""
        self.session.handle(Opened(exposed=exposed))
        self.hear(OFFER, f":srv CAP * ACK :{ack}")
        return self.link


def test_the_password_is_set_and_logs_in() -> None:
    """RESETPASS, then SASL with the new password. A later connection only logs in."""
    stage = ResetStage()
    link = stage.begin()
    assert link.lines[-1] == "RESETPASS bob 1-abc :hunter 22"
    stage.hear(":srv NOTE RESETPASS CHANGED bob :The password of bob is changed")
    assert link.lines[-1] == "AUTHENTICATE PLAIN"
    stage.hear("AUTHENTICATE +", ":srv 903 bob :Good", ":srv 001 bob :Hi", ":srv 422 bob :No MOTD")
    assert stage.session.online
    stage.lose()
    assert stage.begin().lines[-1] == "AUTHENTICATE PLAIN"


@pytest.mark.parametrize(
    "line",
    [
        ":srv FAIL RESETPASS INVALID_CODE bob :There is no such token for this account",
        ":srv 421 bob RESETPASS :Unknown command",
    ],
)
def test_a_refusal_ends_the_chat(line: str) -> None:
    """In the server's words."""
    stage = ResetStage()
    link = stage.begin()
    stage.hear(line)
    assert link.lines[-1] == "QUIT"
    stage.session.handle(Closed("closed", was_open=True))
    assert stage.session.over is not None and line.rpartition(":")[2] in stage.session.over.text


def test_a_server_that_cannot_answer_is_not_asked() -> None:
    """It is not ours."""
    stage = ResetStage()
    link = stage.begin(ack="sasl")
    assert link.lines[-1] == "QUIT"
    assert not any("RESETPASS" in line for line in link.lines)


def test_nothing_goes_out_in_clear_unasked() -> None:
    """The token and the password wait for the user's word."""
    stage = ResetStage()
    link = stage.begin(exposed=True)
    assert not any("RESETPASS" in line for line in link.lines)
    question = stage.session.question
    assert isinstance(question, Ask) and question.kind == "plaintext"
    stage.session.answer("y")
    assert link.lines[-1] == "RESETPASS bob 1-abc :hunter 22"


def test_a_lost_connection_asks_again() -> None:
    """The answer may have been lost: then the token is used up, and the server says so."""
    stage = ResetStage()
    stage.begin()
    stage.hear(":srv NOTE OTHER THING bob :Hello")
    stage.session.handle(Closed("lost", was_open=True))
    assert len(stage.links) == 1  # the first connection never came to the welcome
