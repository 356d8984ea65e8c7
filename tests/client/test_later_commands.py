"""/login, /reconnect, /ignore and /clear, and refusals that say of what."""

from __future__ import annotations

import pytest
from harness.client_screen import CAPS
from harness.client_stage import Stage
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import Terminal

from chatroom.client.actions import Choose
from chatroom.client.chat_events import Denied, Info, Renamed, Said, Trouble
from chatroom.client.later_login import AccountPassword

LABELS = "batch echo-message labeled-response sasl"
ABOUT = "message-tags draft/message-redaction"


def test_login_asks_for_the_password() -> None:
    """/login uses SASL on the connection that there is; the next connection logs in by itself."""
    stage = Stage()
    stage.welcome("#lobby", caps="sasl")
    stage.session.enter("/login ann")
    assert stage.session.question == AccountPassword("ann")
    stage.session.answer("two words")
    assert stage.link.sent[-1] == "AUTHENTICATE PLAIN"
    stage.hear("AUTHENTICATE +")
    assert stage.hear(":srv 900 alice a!b@c ann :You are now logged in", ":srv 903 alice :ok") == [
        Info("You are logged in as ann.")
    ]
    stage.lose()
    stage.welcome("#lobby", caps="sasl")
    assert "AUTHENTICATE PLAIN" in stage.link.sent


def test_a_wrong_password_is_told_and_forgotten() -> None:
    """A refused /login says why, leaves the chat as it was, and the next connection does not use it."""
    stage = Stage()
    stage.welcome("#lobby", caps="sasl")
    stage.session.enter("/login")
    assert stage.session.question == AccountPassword("alice")
    stage.session.answer("wrong")
    events = stage.hear(":srv 904 alice :That password is wrong.")
    assert events[0] == Trouble("You are not logged in to alice: That password is wrong.")
    stage.lose()
    stage.welcome("#lobby", caps="sasl")
    assert "AUTHENTICATE PLAIN" not in stage.link.sent


def test_a_login_by_register_is_told_once() -> None:
    """The answer says so already; another account, and a later login, are told."""
    stage = Stage()
    stage.welcome("#lobby")
    logged_in = ":srv 900 alice a!b@c alice :You are now logged in"
    said = stage.hear(":srv REGISTER SUCCESS alice :alice is registered and you are logged in", logged_in)
    assert said == [Info("alice is registered and you are logged in")]
    assert stage.hear(logged_in) == [Info("You are logged in as alice.")]
    said = stage.hear(":srv REGISTER SUCCESS alice :Account created", logged_in)
    assert said == [Info("Account created"), Info("You are logged in as alice.")]


def test_login_without_an_answer_or_sasl_does_nothing() -> None:
    """An empty password sends nothing; a server without SASL, and a typed password, are refused with words."""
    stage = Stage()
    stage.welcome("#lobby", caps="sasl")
    stage.session.enter("/login")
    before = list(stage.link.sent)
    assert stage.session.answer("") == []
    (refused,) = stage.session.enter("/login ann s3cret")
    assert isinstance(refused, Denied)
    assert "s3cret" not in refused.text
    assert stage.link.sent == before
    plain = Stage()
    plain.welcome("#lobby")
    assert isinstance(plain.session.enter("/login")[0], Denied)
    assert plain.session.question is None


def test_reconnect_comes_back_at_once() -> None:
    """/reconnect hangs up and connects again without a pause, also in the middle of one."""
    stage = Stage()
    stage.welcome("#lobby")
    assert stage.session.enter("/reconnect") == [Info("Connecting again to host:6667.")]
    assert stage.link.sent[-1] == "QUIT :Connecting again"
    assert stage.link.closed
    stage.lose()
    assert len(stage.links) == 2
    assert stage.link.opened_after == 0.0
    stage.welcome("#lobby")
    stage.lose()
    assert stage.link.opened_after == 1.0
    stage.session.enter("/reconnect")
    assert stage.link.abandoned
    stage.lose()
    assert stage.link.opened_after == 0.0


def test_ignored_users_are_not_read() -> None:
    """Neither messages nor invitations of an ignored user are shown, under another nick either."""
    stage = Stage()
    stage.welcome("#lobby")
    assert stage.session.enter("/ignore") == [Info("You ignore nobody.")]
    stage.session.enter("/ignore Bob")
    assert stage.hear(":bob!b@h PRIVMSG #lobby :spam", ":bob!b@h INVITE alice #spam") == []
    assert stage.hear(":bob!b@h NICK rob", ":rob!b@h PRIVMSG alice :spam") == [
        Renamed("bob", "rob", channels=("#lobby",))
    ]
    assert stage.session.enter("/ignore") == [Info("You ignore rob.")]
    assert stage.hear(":carol!c@h PRIVMSG #lobby :hi") == [Said("#lobby", "carol", "hi")]
    stage.session.enter("/ignore rob")
    assert stage.hear(":rob!b@h PRIVMSG #lobby :sorry") == [Said("#lobby", "rob", "sorry")]


def test_refusals_say_of_what() -> None:
    """With labels a refusal begins with the command that it answers, alone or in a batch."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    stage.session.enter("/kick #lobby bob too loud")
    stage.session.enter("/topic new topic")
    assert stage.link.sent[-2:] == ["@label=1 KICK #lobby bob :too loud", "@label=2 TOPIC #lobby :new topic"]
    text = "Only an operator of #lobby may do that."
    assert stage.hear("@label=2 :srv 482 alice #lobby :no") == [Denied(f"/topic new topic: {text}")]
    assert stage.hear(
        "@label=1 :srv BATCH +x labeled-response", "@batch=x :srv 482 alice #lobby :no", ":srv BATCH -x"
    ) == [Denied(f"/kick #lobby bob too loud: {text}")]
    assert stage.hear(":srv 482 alice #lobby :no") == [Denied(text)]


@pytest.mark.parametrize("caps", [f"{LABELS} {ABOUT}", f"echo-message {ABOUT}"], ids=["labels", "none"])
@pytest.mark.parametrize(
    "typed, refusal, text",
    [
        ("/join #ops", ":srv 473 alice #ops :no", "#ops is by invitation only."),
        ("/join #OPS", ":srv FAIL JOIN NOT_NOW #ops :Try later.", "Try later."),
        ("/part #cats", ":srv 403 alice #cats :no", "There is no channel called #cats."),
        ("/part #cats bye", ":srv 442 alice #cats :no", "You are not in #cats."),
        ("/react +1", ":srv 404 alice #lobby :You are muted", "Cannot send to #lobby: You are muted"),
        ("/redact bob off topic", ":srv FAIL REDACT REDACT_FORBIDDEN #lobby m1 :You may not.", "You may not."),
        ("/edit no tea", ":srv FAIL REDACT REDACT_FORBIDDEN #lobby m2 :You may not.", "You may not."),
    ],
)
def test_refusals_of_commands_about_channels_and_messages_say_of_what(
    caps: str, typed: str, refusal: str, text: str
) -> None:
    """By the label if the server has those, otherwise by the channel that it names, or by the command."""
    stage = Stage()
    stage.welcome("#lobby", caps=caps)
    stage.hear("@msgid=m1 :bob!b@h PRIVMSG #lobby :tea?", "@msgid=m2 :alice!a@h PRIVMSG #lobby :tea")
    stage.hear(":bob!b@h TOPIC #lobby :cake")
    assert not [event for event in stage.session.enter(typed) if isinstance(event, Denied)]
    label = stage.link.sent[-1].partition(" ")[0].partition(";")[0]
    if not label.startswith("@label="):
        label = ""
    (denied,) = [event for event in stage.hear(f"{label} {refusal}".strip()) if isinstance(event, Denied)]
    assert denied.text.startswith(f"{typed}: ")
    (denied,) = [event for event in stage.hear(refusal) if isinstance(event, Denied)]
    assert not denied.text.startswith("/")  # the next one answers something else


def test_a_command_that_was_carried_out_is_refused_no_more() -> None:
    """Without labels: a later refusal that names the channel is that of another line; one of another numeric, too."""
    stage = Stage()
    stage.welcome("#lobby", caps="echo-message")
    stage.session.enter("/join #ops")
    stage.hear(":alice!a@h JOIN #ops", ":srv 353 alice = #ops :alice", ":srv 366 alice #ops :End")
    assert stage.hear(":srv 403 alice #ops :no") == [Denied("There is no channel called #ops.")]
    stage.session.enter("/join #cats")
    stage.hear(":bob!b@h JOIN #cats")
    assert stage.hear(":srv 482 alice #cats :no") == [Denied("Only an operator of #cats may do that.")]
    assert stage.hear(":srv 475 alice #cats :no") == [Denied("/join #cats: #cats needs a key: /join #cats KEY")]
    stage.session.enter("/join #tea")
    stage.lose()
    stage.welcome("#lobby", caps="echo-message")
    assert stage.hear(":srv 471 alice #tea :no") == [Denied("#tea is full.")]


def test_no_password_is_in_a_refusal() -> None:
    """Of /raw only the verb is shown; long commands are cut, and many unanswered ones are forgotten."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    stage.session.enter("/raw OPER root s3cret")
    (denied,) = stage.hear("@label=1 :srv 464 alice :Password incorrect")
    assert isinstance(denied, Denied)
    assert denied.text.startswith("/raw OPER: ")
    for _ in range(200):
        stage.session.enter("/mode +m")
    assert stage.hear("@label=2 :srv 482 alice #lobby :no") == [Denied("Only an operator of #lobby may do that.")]
    stage.session.enter("/topic " + "x" * 100)
    (denied,) = stage.hear("@label=202 :srv 482 alice #lobby :no")
    assert isinstance(denied, Denied)
    assert len(denied.text) < 90


@pytest.mark.parametrize(
    "text",
    ["/kick", "/nick bad nick!", "/buffer 7", "/buffer #nowhere", "/search tea", "/disconnect work", "/set no.such 1"],
)
def test_a_refusal_of_the_client_says_of_what(text: str) -> None:
    """It begins with the command as it was typed, as a refusal of the server does; offline too."""
    stage = Stage()
    stage.welcome("#lobby")
    (refused,) = stage.session.enter(text)
    assert isinstance(refused, Denied)
    assert refused.text.startswith(f"{text}: ")
    stage.lose()
    for command in ("/topic tea", "/me waves", "/join #tea"):
        (refused,) = stage.session.enter(command)
        assert refused == Denied(f"{command}: You are not connected, so nothing was sent.")
    assert stage.session.enter("hello") == [Denied("You are not connected, so nothing was sent.")]
    assert stage.session.enter("/ ")[0] == Denied("There is no command /. /help lists them; // sends it as text.")


@pytest.mark.parametrize(
    "text",
    [
        "/identify s3cret",
        "/login ann s3cret",
        "/register two s3cret",
        "/msg NickServ IDENTIFY s3cret",
        "/join #a s3cret",
    ],
)
def test_a_refusal_of_the_client_shows_no_password(text: str) -> None:
    """Of a command that may have a password only the name is shown."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.lose()
    (refused,) = stage.session.enter(text)
    assert isinstance(refused, Denied)
    assert refused.text.startswith(f"{text.split()[0]}: ")
    assert "s3cret" not in refused.text


def test_the_answer_to_a_question_is_refused_with_the_command() -> None:
    """/kick asks first: a refusal that follows the answer, of the client or the server, says of what, too."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    stage.hear(":srv 004 alice srv chatroom-1 i n", ":srv MODE alice +o")
    stage.session.enter("/kick bob")
    assert stage.session.answer("y") == []
    assert stage.link.sent[-1] == "@label=1 KILL bob :"
    assert stage.hear("@label=1 :srv 401 alice bob :No such nick") == [
        Denied("/kick bob: There is no user called bob.")
    ]
    stage.session.enter("/kick bob")
    stage.lose()
    assert stage.session.answer("y") == [Denied("/kick bob: You are not connected, so nothing was sent.")]


def test_a_question_about_a_user_is_closed_if_the_nick_is_free_for_others() -> None:
    """A yes that comes later must not hit whoever has the nick by then."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    stage.hear(":srv 004 alice srv chatroom-1 i n", ":srv MODE alice +o")
    stage.session.enter("/kick bob spam")
    stage.hear(":eve!e@h PRIVMSG #lobby :hi")
    asked, before = stage.session.question, list(stage.link.sent)
    assert asked is not None
    events = stage.hear(":bob!b@h QUIT :bye", ":bob!other@h JOIN #lobby")
    assert events[-1] == Denied("/kick bob spam: bob has left, so nothing was done.")
    assert stage.session.question is None
    assert stage.session.answer("y") == []
    assert stage.link.sent == before


@pytest.mark.parametrize(
    "typed, yes, room",
    [
        ("/kick bob spam", "KILL bobby :spam", "KICK #lobby bobby spam"),
        ("/ban bob 1h spam", "UBAN ADD bobby 1h spam", "CBAN #lobby bobby!*@* 1h spam"),
    ],
)
def test_a_question_follows_its_user_to_another_nick(typed: str, yes: str, room: str) -> None:
    """Twice, and though somebody else has the old nick by then: the answer hits whom the question was about."""
    for answer, line in (("y", yes), ("r", room)):
        stage = Stage()
        stage.welcome("#lobby", caps=LABELS)
        stage.hear(":srv 004 alice srv chatroom-1 i n", ":srv MODE alice +o")
        stage.session.enter(typed)
        asked = stage.session.question
        stage.hear(":bob!b@h NICK rob", ":bob!other@h JOIN #lobby")
        events = stage.hear(":rob!b@h NICK bobby")
        assert events[-1] == Info(f"{typed}: the question is about bobby now.")
        assert stage.session.question is asked and isinstance(asked, Choose)
        assert asked.words.startswith("rob is bobby now: ") and " bobby from the whole server?" in asked.words
        stage.session.answer(answer)
        assert stage.link.sent[-1].replace(" :", " ") == f"@label=1 {line}".replace(" :", " ")


@pytest.mark.parametrize("text", ["/nick bad nick!", "/nick"])
def test_a_nick_is_one_word(text: str) -> None:
    """A nick of two words is refused, not cut."""
    stage = Stage()
    stage.welcome("#lobby")
    before = list(stage.link.sent)
    assert isinstance(stage.session.enter(text)[0], Denied)
    assert stage.link.sent == before


def test_clear_empties_the_screen(chat: tuple[Terminal, Peer]) -> None:
    """/clear leaves the prompt alone on the screen, and a resize does not bring the lines back."""
    terminal, peer = chat
    peer.send(":carol!c@h PRIVMSG #lobby :hello")
    terminal.see("<carol> hello")
    terminal.enter("/clear")
    terminal.wait(lambda: terminal.lines == ["[#lobby]"], "an empty screen")
    terminal.resize(60)
    peer.send(":carol!c@h PRIVMSG #lobby :again")
    terminal.see("<carol> again")
    assert not any("hello" in line for line in terminal.lines)


def test_login_at_a_terminal_shows_no_password(server: ScriptedServer, chat: tuple[Terminal, Peer]) -> None:
    """The answer is hidden, and Ctrl-C at the question leaves the user in the chat."""
    terminal, peer = chat
    assert "sasl=PLAIN" in CAPS
    terminal.enter("/login ann")
    terminal.see_last("Password for ann:")
    terminal.type("\x03")
    terminal.see_last("[#lobby]")
    terminal.enter("/login ann")
    terminal.see_last("Password for ann:")
    terminal.enter("s3cret")
    assert peer.expect("AUTHENTICATE").params == ["PLAIN"]
    peer.send("AUTHENTICATE +")
    peer.expect("AUTHENTICATE")
    peer.send(":srv 900 bob b!b@h ann :You are now logged in", ":srv 903 bob :ok")
    terminal.see("You are logged in as ann.")
    assert "s3cret" not in terminal.raw
