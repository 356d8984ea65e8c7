"""/kick, /ban and what belongs to them: the room or the whole server, and who is asked."""

from __future__ import annotations

import pytest
from harness.client_stage import Stage

from chatroom.client.actions import Action, Choose, Context, Line, Print
from chatroom.client.chat_events import Info
from chatroom.client.chat_state import State
from chatroom.client.slash_commands import interpret
from chatroom.irc.message import parse

OURS = ":srv 004 alice srv chatroom-0.1.0 iow bkl"


def context(*lines: str, target: str | None = "#tea", can_ask: bool = True) -> Context:
    """The context of alice in ``#tea`` after these lines of the server."""
    state = State()
    state.reset("alice", set())
    for line in (":alice!a@h JOIN #tea", *lines):
        state.feed(parse(line))
    return Context(state, target, can_ask)


def operator(**options: object) -> Context:
    """The context of an admin or a moderator of our server."""
    return context(OURS, ":srv MODE alice +o", **options)  # type: ignore[arg-type]


def refusal(actions: list[Action]) -> str:
    """The words of the refusal that is the only action."""
    (action,) = actions
    assert isinstance(action, Print)
    assert action.wrong
    return action.text


@pytest.mark.parametrize(
    "text, line",
    [
        ("/kick #cake bob", "KICK #cake bob"),
        ("/kick #cake bob too loud", "KICK #cake bob :too loud"),
        ("/kick --server bob too loud", "KILL bob :too loud"),
        ("/ban #cake bob", "MODE #cake +b bob!*@*"),
        ("/ban #cake *!*@evil.example", "MODE #cake +b *!*@evil.example"),
        ("/ban #cake 10.0.0.0/8", "MODE #cake +b *!*@10.0.0.0/8"),
        ("/ban #cake 2001:db8::/32", "MODE #cake +b *!*@2001:db8::/32"),
        ("/ban #cake ~a:bob", "MODE #cake +b ~a:bob"),
        ("/ban #cake bob 12h", "CBAN #cake bob!*@* 12h"),
        ("/ban #cake bob 1d12h too loud", "CBAN #cake bob!*@* 1d12h :too loud"),
        ("/ban --server bob 7d too loud", "UBAN ADD bob 7d :too loud"),
        ("/ban --ip bob 1d12h", "UBAN ADD --ip bob 1d12h"),
        ("/ban --server --force 127.0.0.1", "UBAN ADD FORCE 127.0.0.1"),
        ("/ban info bob", "UBAN INFO bob"),
        ("/unban #cake bob", "MODE #cake -b bob!*@*"),
        ("/unban --server bob", "UBAN DEL bob"),
        ("/bans #cake", "CBAN #cake"),
        ("/bans --server", "UBAN LIST"),
    ],
)
def test_what_is_named_is_what_it_acts_on(text: str, line: str) -> None:
    """With a channel or --server nobody is asked, and a pipe does the same as an operator and a guest."""
    for here in (context(OURS), operator(), operator(can_ask=False), context(OURS, target=None)):
        assert interpret(text, here) == [Line(line)]


def test_an_operator_of_our_server_is_asked() -> None:
    """Without a channel an admin or a moderator chooses between the server and the room in front."""
    assert interpret("/kick bob too loud", operator()) == [
        Choose(
            "disconnect bob from the whole server? y/N, or r for #tea only: ",
            Line("KILL bob :too loud"),
            Line("KICK #tea bob :too loud"),
            "bob",
        )
    ]
    assert interpret("/ban bob 3 times too loud", operator()) == [
        Choose("ban bob from the whole server? y/N: ", Line("UBAN ADD bob :3 times too loud"), None, "bob")
    ]
    assert interpret("/ban bob 1h x", operator()) == [
        Choose(
            "ban bob from the whole server? y/N, or r for #tea only: ",
            Line("UBAN ADD bob 1h :x"),
            Line("CBAN #tea bob!*@* 1h :x"),
            "bob",
        )
    ]
    assert interpret("/kick bob", operator(target="carol")) == [
        Choose("disconnect bob from the whole server? y/N: ", Line("KILL bob :"), None, "bob")
    ]
    assert interpret("/unban bob", operator()) == [Line("UBAN DEL bob")]
    assert interpret("/bans", operator()) == [Line("UBAN LIST")]


def test_everybody_else_means_the_room_in_front() -> None:
    """A guest of our server, and anybody on another server, acts on the channel in front."""
    elsewhere = context(":srv 004 alice srv ngircd-26.1 io bkl", ":srv MODE alice +o")
    for here in (context(OURS), context(OURS, ":srv MODE alice +o", ":srv MODE alice -o"), elsewhere):
        assert interpret("/kick bob too loud", here) == [Line("KICK #tea bob :too loud")]
        assert interpret("/ban bob", here) == [Line("MODE #tea +b bob!*@*")]
        assert interpret("/unban bob", here) == [Line("MODE #tea -b bob!*@*")]
    assert interpret("/bans", elsewhere) == [Line("MODE #tea b")]
    assert "Name a channel." in refusal(interpret("/kick bob", context(target="carol")))
    assert "lifts no ban by itself" in refusal(interpret("/ban bob 1h", elsewhere))
    assert "comes after its TIME" in refusal(interpret("/ban bob too loud", context(OURS)))


@pytest.mark.parametrize("text", ["/kick bob", "/ban bob 1h"])
def test_a_pipe_names_the_room_or_the_server(text: str) -> None:
    """In a pipe a script that names neither is refused, whoever runs it."""
    for here in (context(OURS, can_ask=False), operator(can_ask=False)):
        assert "Name a channel, or --server for the whole server." in refusal(interpret(text, here))


@pytest.mark.parametrize(
    "text", ["/kick", "/kick #tea", "/kick --server", "/ban", "/ban #tea", "/ban --ip", "/unban", "/unban #tea", "/op"]
)
def test_a_missing_name_is_a_wrong_use(text: str) -> None:
    """Without a name the usage is shown."""
    assert "Usage: " in refusal(interpret(text, operator()))


def test_standings() -> None:
    """/op and its kin change the standing of users in the channel in front, or in the one that is named."""
    assert interpret("/op bob carol", context()) == [Line("MODE #tea +o bob"), Line("MODE #tea +o carol")]
    assert interpret("/devoice #cake bob", context()) == [Line("MODE #cake -v bob")]
    assert interpret("/deop bob", context()) == [Line("MODE #tea -o bob")]
    assert interpret("/voice bob", context()) == [Line("MODE #tea +v bob")]


@pytest.mark.parametrize(
    "answer, sent", [("y", "KILL bob :x"), ("YES", "KILL bob :x"), ("r", "KICK #tea bob :x"), ("", None), ("n", None)]
)
def test_the_answer_decides(answer: str, sent: str | None) -> None:
    """y is the server, r is the room, and n or nothing is nothing."""
    stage = Stage()
    stage.welcome("#tea")
    stage.hear(OURS, ":srv 221 alice +io")
    stage.session.enter("/kick bob x")
    assert isinstance(stage.session.question, Choose)
    before = list(stage.link.lines)
    events = stage.session.answer(answer)
    assert stage.link.lines == [*before, *([sent] if sent else [])]
    assert events == ([] if sent else [Info("Nothing was done.")])


def test_what_is_no_answer_is_asked_again() -> None:
    """It was perhaps meant for the room. Nothing is done and nothing given up, and the question says why it is back."""
    stage = Stage()
    stage.welcome("#tea")
    stage.hear(OURS, ":srv 221 alice +io")
    stage.session.enter("/kick bob x")
    asked = stage.session.question
    before = list(stage.link.lines)
    for _ in range(2):
        assert stage.session.answer("hello there") == []
        again = stage.session.question
        assert again == asked and again is not asked  # a screen asks what it has not asked yet
        assert again is not None and again.why == "Answer y, n or r."
    stage.hear(":bob!b@h NICK rob")
    stage.session.answer("room")
    assert stage.link.lines == [*before, "KICK #tea rob :x"]
    assert stage.session.question is None
