"""The login of somebody with an invite, without a server: the registration, its refusals, and what follows."""

from __future__ import annotations

import pytest
from harness.client_stage import FakeLink, Stage

from chatroom.client.chat_session import ChatSession
from chatroom.client.invited_login import InvitedLogin
from chatroom.client.link import Closed, Opened
from chatroom.client.login_steps import Ask

OFFER = ":srv CAP * LS :sasl=PLAIN draft/account-registration=before-connect batch"
ACK = ":srv CAP * ACK :batch sasl"
ASKS = ":srv REGISTER VERIFICATION_REQUIRED zoe :An invite, please"
DONE = ":srv VERIFY SUCCESS zoe :You are registered"


class InvitedStage(Stage):
    """A session that came by a link with an invite."""

    def __init__(self) -> None:
        super().__init__()
        self.links.clear()
        self.login = InvitedLogin("zoe", "hunter22", "1-abc")
        self.session = ChatSession(
            self.route, self.login, self._make_link, lambda: self.now, lambda: 0.5, ("#tea",), 99
        )
        self.session.start()

    def begin(self, *, exposed: bool = False, offer: str = OFFER) -> FakeLink:
        """Connect, and negotiate the capabilities."""
        self.session.handle(Opened(exposed=exposed))
        self.hear(offer, ACK)
        return self.link


def test_the_nick_is_registered_before_the_welcome() -> None:
    """REGISTER, VERIFY with the token, CAP END. No login follows: the server has logged the user in."""
    stage = InvitedStage()
    link = stage.begin()
    assert link.lines[3:] == ["CAP REQ :batch sasl", "REGISTER * * :hunter22"]
    stage.hear(ASKS)
    assert link.lines[-1] == "VERIFY zoe 1-abc"
    stage.hear(DONE)
    assert link.lines[-1] == "CAP END"
    stage.hear(":srv 001 zoe :Hi", ":srv 422 zoe :No MOTD")
    assert stage.session.online
    assert link.lines[-1] == "JOIN #tea"


def test_a_later_connection_logs_in() -> None:
    """The invite is used up: the account is there."""
    stage = InvitedStage()
    stage.begin()
    stage.hear(ASKS, DONE, ":srv 001 zoe :Hi", ":srv 422 zoe :No MOTD")
    stage.lose()
    link = stage.begin()
    assert link.lines[-1] == "AUTHENTICATE PLAIN"
    assert not any("REGISTER" in line or "VERIFY" in line for line in link.lines)


def test_an_open_server_asks_for_no_token() -> None:
    """REGISTER alone is enough there."""
    stage = InvitedStage()
    link = stage.begin()
    stage.hear(":srv REGISTER SUCCESS zoe :You are registered")
    assert link.lines[-1] == "CAP END"


@pytest.mark.parametrize("code", ["ACCOUNT_EXISTS", "BAD_ACCOUNT_NAME"])
def test_a_name_that_is_taken_is_asked_for_again(code: str) -> None:
    """The other one is registered with the same password and token."""
    stage = InvitedStage()
    link = stage.begin()
    stage.hear(f":srv FAIL REGISTER {code} zoe :zoe is taken")
    question = stage.session.question
    assert isinstance(question, Ask) and question.kind == "nick" and question.why.startswith("zoe is taken.")
    stage.session.answer("zoe2")
    assert link.lines[-2:] == ["NICK zoe2", "REGISTER * * :hunter22"]
    stage.hear(":srv REGISTER VERIFICATION_REQUIRED zoe2 :An invite, please", ":srv VERIFY SUCCESS zoe2 :Done")
    assert link.lines[-1] == "CAP END"
    assert (stage.login.account, stage.login.password) == ("zoe2", "hunter22")


def test_an_answer_after_the_connection_was_lost_begins_anew() -> None:
    """The server does not wait long for a nick."""
    stage = InvitedStage()
    stage.begin()
    stage.hear(":srv FAIL REGISTER ACCOUNT_EXISTS zoe :zoe is taken")
    stage.session.handle(Closed("timed out", was_open=True))
    stage.session.answer("zoe2")
    link = stage.begin()
    assert "NICK zoe2" in link.lines
    assert link.lines[-1] == "REGISTER * * :hunter22"


@pytest.mark.parametrize(
    "line",
    [
        ":srv FAIL VERIFY INVALID_CODE zoe :This invite is used up",
        ":srv FAIL REGISTER WEAK_PASSWORD zoe :A password has at least 8 characters",
        ":srv FAIL REGISTER DISALLOWED zoe :This server does not register names",
        ":srv 400 zoe REGISTER :An internal error",
    ],
)
def test_another_refusal_ends_the_chat(line: str) -> None:
    """With the server's words, and without another try."""
    stage = InvitedStage()
    link = stage.begin()
    stage.hear(line)
    assert link.lines[-1] == "QUIT"
    stage.hear("ERROR :Closing link")
    stage.session.handle(Closed("closed", was_open=True))
    assert stage.session.over is not None
    assert stage.session.over.code == 1
    assert line.rpartition(":")[2] in stage.session.over.text
    assert len(stage.links) == 1


@pytest.mark.parametrize("offered", [True, False])
def test_a_server_that_registers_users_only_gets_it_after_the_welcome(offered: bool) -> None:
    """If it says so, or does not offer it before."""
    stage = InvitedStage()
    link = stage.begin(offer=OFFER if offered else ":srv CAP * LS :batch sasl")
    if offered:
        stage.hear(":srv FAIL REGISTER COMPLETE_CONNECTION_REQUIRED zoe :Connect first")
    assert link.lines[-1] == "CAP END"
    stage.hear(":srv 001 zoe :Hi")
    assert link.lines[-1] == "REGISTER * * :hunter22"
    stage.hear(ASKS)
    assert link.lines[-1] == "VERIFY zoe 1-abc"
    stage.hear(DONE)
    assert (stage.login.account, stage.login.password) == ("zoe", "hunter22")


def test_a_password_does_not_cross_the_network_in_clear_unasked() -> None:
    """The new one is held back until the user has agreed."""
    stage = InvitedStage()
    link = stage.begin(exposed=True)
    assert not any("hunter22" in line for line in link.lines)
    question = stage.session.question
    assert isinstance(question, Ask) and question.kind == "plaintext"
    stage.session.answer("y")
    assert link.lines[-1] == "REGISTER * * :hunter22"


def test_other_messages_pass_by() -> None:
    """A FAIL about something else, and a server's password that is wrong."""
    stage = InvitedStage()
    link = stage.begin()
    stage.hear(":srv FAIL METADATA KEY_INVALID x :No", ":srv NOTE REGISTER HELLO :Welcome")
    assert link.lines[-1] == "REGISTER * * :hunter22"
    stage.hear(":srv 465 zoe :You are banned")
    stage.session.handle(Closed("closed", was_open=True))
    assert stage.session.over is not None and "banned" in stage.session.over.text


def test_register_takes_a_token() -> None:
    """``/register TOKEN``: the token follows if the server asks for one."""
    stage = Stage()
    stage.welcome()
    stage.session.enter("/register 1-abc")
    stage.session.answer("hunter22")
    assert stage.link.lines[-1] == "REGISTER * * :hunter22"
    stage.hear(":srv REGISTER VERIFICATION_REQUIRED alice :An invite, please")
    assert stage.link.lines[-1] == "VERIFY alice 1-abc"
    events = stage.hear(":srv VERIFY SUCCESS alice :alice is registered")
    assert [event.text for event in events if hasattr(event, "text")] == ["alice is registered"]


def test_register_without_a_token_shows_that_one_is_needed() -> None:
    """In the server's words."""
    stage = Stage()
    stage.welcome()
    stage.session.enter("/register")
    stage.session.answer("hunter22")
    events = stage.hear(":srv REGISTER VERIFICATION_REQUIRED alice :Registering takes an invite")
    assert [event.text for event in events if hasattr(event, "text")] == ["Registering takes an invite"]
    assert not any("VERIFY" in line for line in stage.link.lines)
