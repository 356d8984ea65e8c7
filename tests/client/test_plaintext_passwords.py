"""Passwords on connections without TLS: not before the server could demand TLS, not without asking the user."""

from __future__ import annotations

from harness.client_stage import PLAIN, Stage

from chatroom.client.address import Address
from chatroom.client.chat_events import Exposed, Welcome
from chatroom.client.endings import Over
from chatroom.client.handshake import Login
from chatroom.client.link import Opened
from chatroom.client.login_steps import Ask, Send
from chatroom.client.new_account import NewPassword
from chatroom.client.plaintext_guard import WARNING
from chatroom.irc.message import parse

QUESTION = Ask("plaintext", "", WARNING)


def test_the_servers_password_waits_for_the_first_answer() -> None:
    """The first answer may demand TLS. Only after it come the password, NICK and USER, in the order of RFC 1459."""
    login = Login("bob", server_password="open sesame")
    assert login.start() == [Send("CAP LS 302")]
    assert login.feed(parse(":srv CAP * LS * :batch")) == []
    steps = login.feed(parse(":srv CAP * LS :server-time"))
    assert steps == [
        Send("PASS :open sesame"),
        Send("NICK bob"),
        Send("USER bob 0 * :bob"),
        Send("CAP REQ :batch server-time"),
    ]


def test_a_server_that_does_not_know_cap_gets_the_password_too() -> None:
    """Its refusal of CAP is the first answer."""
    for refusal in (":srv 421 * CAP :Unknown command", ":srv 451 * :You have not registered"):
        login = Login("bob", server_password="open sesame")
        login.start()
        assert login.feed(parse(refusal))[0] == Send("PASS :open sesame")
        assert login.feed(parse(refusal)) == []


def exposed_stage(**options: str) -> Stage:
    """A session whose connection others can read."""
    stage = Stage(**options)  # type: ignore[arg-type]
    stage.session.handle(Opened(exposed=True))
    return stage


def test_what_is_neither_yes_nor_no_is_asked_again() -> None:
    """The password waits, and the connection stays."""
    stage = exposed_stage(account="alice", password="secret")
    stage.hear(":srv CAP * LS :sasl=PLAIN", ":srv CAP * ACK :sasl")
    stage.session.answer("yeah")
    assert stage.session.question == Ask("plaintext", "", "Answer y or n.")
    assert not any("AUTHENTICATE" in line for line in stage.link.sent)
    stage.session.answer("y")
    assert stage.link.sent[-1] == "AUTHENTICATE PLAIN"


def test_a_known_password_is_asked_about() -> None:
    """Nothing of it goes out before the user says yes; then the login goes on where it stopped."""
    stage = exposed_stage(account="alice", password="secret")
    stage.hear(":srv CAP * LS :sasl=PLAIN", ":srv CAP * ACK :sasl")
    assert stage.session.question == QUESTION
    assert not any("AUTHENTICATE" in line for line in stage.link.sent)
    stage.session.answer(" YES ")
    assert stage.link.sent[-1] == "AUTHENTICATE PLAIN"
    stage.hear("AUTHENTICATE +")
    assert stage.link.sent[-1] == "AUTHENTICATE AGFsaWNlAHNlY3JldA=="


def test_the_servers_password_is_asked_about() -> None:
    """The same for the password of the server."""
    stage = exposed_stage(server_password="open sesame")
    stage.hear(":srv CAP * LS :batch")
    assert stage.session.question == QUESTION
    assert stage.link.sent == ["CAP LS 302"]
    stage.session.answer("y")
    assert stage.link.sent[1] == "PASS :open sesame"


def test_without_sasl_the_end_of_the_negotiation_waits_too() -> None:
    """PASS comes before CAP END, so CAP END waits with it."""
    stage = exposed_stage(account="alice", password="secret")
    stage.hear(":srv CAP * LS :")
    assert stage.link.sent[-1].startswith("USER")
    stage.session.answer("yes")
    assert stage.link.sent[-3:] == ["PASS :secret", "NICK alice", "CAP END"]


def test_no_ends_the_chat() -> None:
    """Any other answer is a no: the client hangs up, and says what encrypts."""
    stage = exposed_stage(server_password="open sesame")
    stage.hear(":srv CAP * LS :batch")
    stage.session.answer("")
    assert stage.link.abandoned
    stage.lose()
    text = "The password was not sent. `chatroom ircs://host` encrypts it, if the server has TLS."
    assert stage.session.over == Over(1, text)
    assert stage.link.sent == ["CAP LS 302"]


def test_a_yes_holds_for_the_connections_after() -> None:
    """The server may have hung up while the user thought; the answer is used on the next connection."""
    stage = exposed_stage(server_password="open sesame")
    stage.hear(":srv CAP * LS :batch")
    stage.lose()
    assert stage.session.over is None
    stage.session.answer("yes")
    assert len(stage.links) == 2
    stage.session.handle(Opened(exposed=True))
    stage.hear(":srv CAP * LS :batch")
    assert stage.session.question is None
    assert stage.link.sent[1] == "PASS :open sesame"


def test_a_question_for_a_password_has_the_warning_in_it() -> None:
    """The user who types the password then has read the warning, and is not asked twice."""
    stage = exposed_stage()
    stage.hear(":srv CAP * LS :sasl=PLAIN", ":srv CAP * ACK :sasl")
    stage.hear(":srv FAIL NICK NICK_RESERVED alice :alice is registered.")
    assert stage.session.question == Ask("password", "alice", f"alice is registered. {WARNING}")
    stage.session.answer("secret")
    assert stage.link.sent[-1] == "AUTHENTICATE PLAIN"
    stage.hear(":srv 904 * :Wrong")
    assert stage.session.question == Ask("password", "alice", "Wrong")


def test_a_new_password_comes_with_the_warning() -> None:
    """/register sends a password, too."""
    stage = exposed_stage()
    stage.hear(":srv CAP * LS :")
    stage.enter("#lobby")
    stage.session.enter("/register")
    assert stage.session.question == NewPassword("alice", WARNING)
    stage.session.answer("secret")
    assert stage.link.sent[-1] == "REGISTER * * :secret"
    stage.session.enter("/register")
    assert stage.session.question == NewPassword("alice", "")


def test_a_guest_is_told_once() -> None:
    """One line after the welcome, and none after a reconnect."""
    stage = exposed_stage()
    stage.hear(":srv CAP * LS :")
    assert stage.enter("#lobby")[:2] == [Welcome("alice"), Exposed("host:6667")]
    stage.lose()
    stage.session.handle(Opened(exposed=True))
    stage.hear(":srv CAP * LS :")
    assert Exposed("host:6667") not in stage.enter("#lobby")


def test_nothing_is_asked_on_this_machine_or_with_tls() -> None:
    """On a connection that nobody else reads, passwords go out as they always have."""
    for address in (PLAIN, Address("host", 6697, tls=True)):
        stage = Stage(account="alice", password="secret", address=address)
        stage.session.handle(Opened())
        stage.hear(":srv CAP * LS :sasl=PLAIN", ":srv CAP * ACK :sasl")
        assert stage.link.sent[-1] == "AUTHENTICATE PLAIN"
        assert Exposed(str(address)) not in stage.enter("#lobby")
