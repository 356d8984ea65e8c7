"""The session as a whole, on a link that the test plays."""

from __future__ import annotations

from harness.client_stage import Stage

from chatroom.client.chat_events import Denied, Joined, Said, Trouble, Welcome
from chatroom.client.endings import Over
from chatroom.client.link import Closed, Opened
from chatroom.client.login_steps import Ask
from chatroom.client.new_account import NewPassword
from chatroom.client.reconnecting import GHOST_TRIES
from chatroom.client.wanted_caps import FOR_PLACES


def test_the_channel_the_server_puts_us_into_is_where_we_talk() -> None:
    """The first channel that the server puts the user into becomes the target."""
    stage = Stage()
    assert stage.welcome("#lobby")[0] == Welcome("alice")
    assert stage.session.target == "#lobby"
    assert stage.session.enter("hi all") == [Said("#lobby", "alice", "hi all", mine=True)]
    assert stage.link.lines[-1] == "PRIVMSG #lobby :hi all"


def test_an_echo_is_waited_for_where_the_server_gives_one() -> None:
    """With echo-message a message is shown when the server echoes it."""
    stage = Stage()
    stage.welcome("#lobby", caps="echo-message")
    assert stage.session.enter("hi") == []
    assert stage.hear(":alice!a@h PRIVMSG #lobby :hi") == [Said("#lobby", "alice", "hi", mine=True)]


def test_a_long_line_becomes_several_that_fit() -> None:
    """Each piece fits into 512 bytes after the server has added the source; each piece of an action is an action."""
    stage = Stage()
    stage.welcome("#lobby")
    for text in ("wörd " * 300, "/me " + "wörd " * 300):
        stage.confirm()
        before = len(stage.link.sent)
        stage.session.enter(text)
        stage.confirm()
        pieces = [line for line in stage.link.sent[before:] if line.startswith("PRIVMSG")]
        assert len(pieces) > 3
        assert all(len(f":alice!a@h {piece}\r\n".encode()) <= 512 for piece in pieces)
        if text.startswith("/me"):
            assert all(" :\x01ACTION " in piece and piece.endswith("\x01") for piece in pieces)


def test_a_paste_is_said_line_by_line() -> None:
    """A paste of several lines is text, even if one of them begins with a slash."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter("one\n\n/quit\nthree")
    stage.confirm()
    assert stage.link.lines[-3:] == ["PRIVMSG #lobby :one", "PRIVMSG #lobby :/quit", "PRIVMSG #lobby :three"]


def test_join_and_query_turn_the_prompt() -> None:
    """/join and /query change the target; leaving the target turns back to the place before."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter("/join #ops")
    assert stage.session.target == "#ops"
    stage.hear(":alice!a@h JOIN #ops")
    assert stage.session.target == "#ops"
    stage.session.enter("/join #lobby")
    assert stage.session.target == "#lobby"
    stage.session.enter("/query bob")
    assert stage.session.target == "bob"
    stage.hear(":bob!b@h NICK rob")
    assert stage.session.target == "rob"
    refusal = "/query #nowhere: You are not in #nowhere. Use /join #nowhere first."
    assert stage.session.enter("/query #nowhere") == [Denied(refusal)]
    stage.session.enter("/part")
    assert stage.session.target == "#lobby"
    stage.session.enter("/part #lobby bye")
    assert stage.link.sent[-1] == "PART #lobby :bye"
    assert stage.session.target == "#ops"
    stage.session.enter("/part #lobby")
    assert stage.link.sent[-1] == "PART #lobby"
    assert stage.session.target == "#ops"


def test_after_a_kick_nothing_is_said_elsewhere() -> None:
    """What is typed for a channel that has kicked the user is refused and kept; /close leaves for another channel."""
    stage = Stage()
    stage.welcome("#lobby", "#tea")
    stage.session.enter("/join #tea")
    stage.hear(":bob!b@h KICK #tea alice :out")
    before = list(stage.link.lines)
    why = "You are not in #tea, so nothing was sent. /join #tea goes there again, /close leaves it for #lobby."
    assert stage.session.enter("just for #tea") == [Denied(why)]
    assert stage.session.speak("this too") == [Denied(why)]
    assert stage.session.navigation.take_draft() == "just for #tea"
    stage.session.enter("/msg bob psst")
    stage.session.enter("/close")
    assert stage.session.target == "#lobby"
    assert stage.link.lines == [*before, "PRIVMSG bob :psst"]


def test_leaving_the_last_channel_leaves_nowhere() -> None:
    """After the last channel there is no target."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter("/part")
    assert stage.session.target is None
    assert stage.session.enter("/close") == [Denied("/close: You are in no channel. /quit leaves the chat.")]


def test_what_is_typed_after_join_is_for_that_channel() -> None:
    """A line that follows /join at once is not said in the channel before."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter("/join #ops")
    stage.session.enter("hello")
    assert stage.link.lines[-2:] == ["JOIN #ops", "PRIVMSG #ops :hello"]
    stage.hear(":srv 473 alice #ops :Cannot join channel (+i)")
    (denied,) = stage.session.enter("hello?")
    assert isinstance(denied, Denied)
    assert stage.link.lines[-1] == "PRIVMSG #ops :hello"


def test_a_lost_connection_comes_back_to_its_channels() -> None:
    """After a loss the session says so, waits longer each time, and returns to its channels silently."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter("/join #ops sesame")
    stage.hear(":alice!a@h JOIN #ops", ":srv 366 alice #ops :End")
    assert stage.lose() == [Trouble("The connection is lost: the server closed the connection. Trying again in 1 s.")]
    assert stage.link.opened_after == 1.0
    assert stage.session.enter("hello?") == [Denied("You are not connected, so nothing was sent.")]
    assert stage.session.handle(Closed("no server is listening there", was_open=False)) == [
        Trouble("Still not connected: no server is listening there. Trying again in 2 s.")
    ]
    assert stage.link.opened_after == 2.0
    events = stage.welcome("#lobby")
    assert events == [Welcome("alice", again=True)]
    assert "JOIN #ops sesame" in stage.link.sent
    assert stage.hear(":alice!a@h JOIN #ops", ":srv 353 alice = #ops :alice", ":srv 366 alice #ops :End") == []
    assert stage.session.target == "#ops"
    assert stage.hear(":dave!d@h JOIN #ops") == [Joined("dave", "#ops")]


def test_a_channel_left_is_not_joined_again() -> None:
    """A channel that the user left, or was kicked from, is not joined again."""
    stage = Stage()
    stage.welcome("#lobby", "#ops", "#tea")
    stage.hear(":alice!a@h PART #ops", ":bob!b@h KICK #tea alice")
    stage.lose()
    stage.welcome()
    assert [line for line in stage.link.sent if line.startswith("JOIN")] == ["JOIN #lobby"]


def test_the_pause_begins_anew_after_a_steady_time() -> None:
    """After a connection that lasted, the pause is the shortest again."""
    stage = Stage()
    stage.welcome()
    for pause in (1.0, 2.0, 4.0):
        stage.lose()
        assert stage.link.opened_after == pause
        stage.welcome()
    stage.now += 60
    stage.lose()
    assert stage.link.opened_after == 1.0


def test_attempts_may_be_bounded() -> None:
    """The session ends after ``most_attempts`` attempts."""
    stage = Stage(attempts=2)
    stage.welcome()
    stage.lose()
    stage.lose("no server is listening there")
    stage.lose("no server is listening there")
    assert stage.session.over == Over(1, "Still not connected: no server is listening there. Gave up after 2 attempts.")


def test_a_shutdown_is_told_in_its_words() -> None:
    """The reason that is shown is the text of the server's ERROR."""
    stage = Stage()
    stage.welcome()
    stage.hear("ERROR :Closing Link: 127.0.0.1 (Server is shutting down)")
    (trouble,) = stage.lose()
    assert trouble == Trouble("The connection is lost: Server is shutting down. Trying again in 1 s.")


def test_kicked_banned_or_disabled_is_the_end() -> None:
    """After a kick, a ban or a disabled account the session does not reconnect."""
    for why in ("You were kicked by an admin: spam", "You are banned: spam", "this account is disabled"):
        stage = Stage()
        stage.welcome("#lobby")
        stage.hear(f"ERROR :Closing Link: 127.0.0.1 ({why})")
        assert stage.lose() == []
        assert stage.session.over == Over(1, why)
        assert len(stage.links) == 1


def test_no_server_at_first_is_the_end() -> None:
    """If the first connection cannot be made, the session ends."""
    stage = Stage()
    stage.session.handle(Closed("no server is listening there", was_open=False))
    assert stage.session.over == Over(1, "Cannot connect to host:6667: no server is listening there.", unreachable=True)


def test_a_question_outlives_the_connection() -> None:
    """If the server closes before the user has answered, the session connects again with the answer."""
    stage = Stage()
    stage.session.handle(Opened())
    stage.hear(":srv CAP * LS :sasl", ":srv CAP * ACK :sasl", ":srv FAIL NICK NICK_RESERVED alice :It is reserved.")
    assert stage.session.question == Ask("password", "alice", "It is reserved.")
    stage.hear("ERROR :Closing Link: 127.0.0.1 (Registration timed out)")
    stage.lose()
    assert len(stage.links) == 1
    assert stage.session.over is None
    stage.session.answer("secret")
    assert len(stage.links) == 2
    stage.session.handle(Opened())
    stage.hear(":srv CAP * LS :sasl", ":srv CAP * ACK :sasl")
    assert stage.link.sent[-1] == "AUTHENTICATE PLAIN"


def test_an_answer_may_cross_the_end_of_its_connection() -> None:
    """An answer that crosses the end of its connection is used on the next one, and only there."""
    stage = Stage()
    stage.session.handle(Opened())
    stage.hear(":srv CAP * LS :", ":srv 464 * :Password incorrect", "ERROR :Closing Link: h (Password incorrect)")
    stage.session.answer("open sesame")
    stage.lose()
    assert len(stage.links) == 2
    stage.session.handle(Opened())
    stage.hear(":srv CAP * LS :")
    assert stage.link.sent[1] == "PASS :open sesame"
    stage.lose()
    assert stage.session.over == Over(1, "host:6667 refused the login: the server closed the connection")


def test_an_empty_password_asks_for_another_nick() -> None:
    """An empty password asks for another nick."""
    stage = Stage()
    stage.session.handle(Opened())
    stage.hear(":srv FAIL NICK NICK_RESERVED alice :It is reserved.")
    stage.session.answer("")
    assert stage.session.question == Ask("nick", "alice", "")
    stage.session.answer("al")
    assert stage.link.sent[-1] == "NICK al"
    assert stage.session.question is None


def test_our_own_ghost_is_waited_for() -> None:
    """After a loss the old connection may still hold the nick: wait a few times, then ask the user."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.lose()
    for _ in range(GHOST_TRIES):
        stage.session.handle(Opened())
        stage.hear(":srv CAP * LS :", ":srv 433 * alice :In use")
        assert stage.link.closed
        stage.hear(":srv ERROR :Closing link: Quit:")  # the answer to our QUIT, and no reason
        (trouble,) = stage.lose()
        assert isinstance(trouble, Trouble)
        assert "alice is still taken" in trouble.text
    stage.session.handle(Opened())
    stage.hear(":srv CAP * LS :", ":srv 433 * alice :In use")
    assert isinstance(stage.session.question, Ask)


def test_quit_is_no_loss() -> None:
    """/quit sends QUIT, and the session ends with code 0 when the connection has closed."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter("/quit good night")
    assert stage.link.sent[-1] == "QUIT :good night"
    assert stage.link.closed
    stage.hear("ERROR :Closing Link: 127.0.0.1 (Quit: kicked the habit)")
    stage.lose()
    assert stage.session.over == Over(0)


def test_quitting_while_there_is_no_connection_is_at_once() -> None:
    """Without a connection, /quit ends the session at once, in a pause or during an attempt."""
    stage = Stage()
    stage.session.quit()
    assert stage.session.over == Over(0)
    stage = Stage()
    stage.welcome("#lobby")
    stage.lose()
    stage.session.enter("/quit")
    assert stage.link.closed
    assert stage.session.over == Over(0)


def test_registering_is_remembered_for_a_reconnect() -> None:
    """After /register the next connection logs in with the new password."""
    stage = Stage()
    stage.welcome("#lobby", caps="sasl")
    stage.session.enter("/register")
    assert stage.session.question == NewPassword("alice")
    stage.session.answer("two words")
    assert stage.link.sent[-1] == "REGISTER * * :two words"
    stage.hear(":srv REGISTER SUCCESS alice :You are registered.")
    stage.lose()
    stage.session.handle(Opened())
    stage.hear(":srv CAP * LS :sasl", ":srv CAP * ACK :sasl")
    assert stage.link.sent[-1] == "AUTHENTICATE PLAIN"


def test_a_refused_registration_is_forgotten() -> None:
    """A FAIL REGISTER is shown, and the password is not used later."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter("/register")
    stage.session.answer("secret")
    events = stage.hear(":srv FAIL REGISTER WEAK_PASSWORD alice :That is too short.")
    assert events == [Denied("That is too short.")]
    stage.lose()
    stage.session.handle(Opened())
    stage.hear(":srv CAP * LS :sasl", ":srv CAP * ACK :sasl")
    assert stage.link.sent[-1] == "CAP END"


def test_a_refused_nick_is_told_once() -> None:
    """If a FAIL follows the numeric, only the FAIL is shown."""
    stage = Stage()
    stage.welcome("#lobby")
    events = stage.hear(":srv 433 alice bob :In use", ":srv FAIL NICK NICK_RESERVED bob :bob is registered.")
    assert events == [Denied("bob is registered.")]
    assert stage.hear(":srv 433 alice bob :In use") == [Denied("The nick bob is taken.")]


def test_new_capabilities_are_asked_for() -> None:
    """Of the capabilities in a CAP NEW, the wanted ones are requested."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.hear(":srv CAP alice NEW :batch unheard-of")
    assert stage.link.sent[-1] == "CAP REQ :batch"


def test_nothing_a_server_says_reaches_the_screen_as_a_control() -> None:
    """Escape sequences are removed before a message is used."""
    stage = Stage()
    stage.welcome("#lobby")
    (said,) = stage.hear(":bob\x1b[2J!b@h PRIVMSG #lobby :\x1b]0;owned\x07hi")
    assert said == Said("#lobby", "bob[2J", "]0;ownedhi")


def test_the_capabilities_we_want_fit_one_line() -> None:
    """The request for capabilities fits into one line."""
    assert len(" ".join(FOR_PLACES)) < 400
