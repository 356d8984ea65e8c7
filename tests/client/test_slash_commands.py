from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.actions import Action, Context, Join, Leave, Line, Print, Quit, Register, Say, Turn
from chatroom.client.chat_state import State
from chatroom.client.slash_commands import COMMANDS, TOPICS, Command, find_command, interpret
from chatroom.irc.message import parse


def context(target: str | None = "#lobby") -> Context:
    """The context of alice in ``#lobby``, with this target."""
    state = State()
    state.reset("alice", set())
    state.feed(parse(":alice!a@h JOIN #lobby"))
    return Context(state, target)


@pytest.mark.parametrize(
    "text, actions",
    [
        ("hello there", [Say("#lobby", "hello there")]),
        ("//etc is full", [Say("#lobby", "/etc is full")]),
        ("   ", []),
        ("/me waves", [Say("#lobby", "waves", "action")]),
        ("/msg bob  hi there", [Say("bob", "hi there")]),
        ("/m bob hi", [Say("bob", "hi")]),
        ("/query bob", [Turn("bob")]),
        ("/query bob hi", [Turn("bob"), Say("bob", "hi")]),
        ("/join #ops", [Join("#ops")]),
        ("/JOIN ops sesame", [Join("#ops", "sesame")]),
        ("/part", [Leave("#lobby")]),
        ("/part #ops see you", [Leave("#ops", "see you")]),
        ("/part see you", [Leave("#lobby", "see you")]),
        ("/topic", [Line("TOPIC #lobby")]),
        ("/topic tea at four", [Line("TOPIC #lobby :tea at four")]),
        ("/topic -", [Line("TOPIC #lobby :")]),
        ("/topic #ops -", [Line("TOPIC #ops :")]),
        ("/who", [Line("WHO #lobby")]),
        ("/who bob", [Line("WHO bob")]),
        ("/names", [Line("NAMES #lobby")]),
        ("/list", [Line("LIST")]),
        ("/whois bob", [Line("WHOIS bob")]),
        ("/nick bobby", [Line("NICK bobby")]),
        ("/away", [Line("AWAY :away")]),
        ("/away at tea", [Line("AWAY :at tea")]),
        ("/back", [Line("AWAY")]),
        ("/invite bob", [Line("INVITE bob #lobby")]),
        ("/mode +o bob", [Line("MODE #lobby +o bob")]),
        ("/mode alice +i", [Line("MODE alice +i")]),
        ("/register", [Register()]),
        ("/raw VERSION", [Line("VERSION")]),
        ("/quote PRIVMSG #x :a  b", [Line("PRIVMSG #x :a  b")]),
        ("/raw quit :bye", [Quit("bye")]),
        ("/quit", [Quit()]),
        ("/exit good night", [Quit("good night")]),
    ],
)
def test_what_is_typed(text: str, actions: list[Action]) -> None:
    """Each command becomes the action that /help promises."""
    assert interpret(text, context()) == actions


@pytest.mark.parametrize(
    "text", ["/kick", "/kick #lobby", "/msg bob", "/ban", "/ban --ip", "/join", "/me", "/raw", "/nick"]
)
def test_too_few_words_tell_how_it_goes(text: str) -> None:
    """A command with too few parameters answers with its usage, and sends nothing."""
    (action,) = interpret(text, context())
    assert isinstance(action, Print)
    assert action.wrong
    assert f"Usage: {text.split()[0]} " in action.text


def test_a_server_without_search_is_said() -> None:
    """Without search or batches on the server nothing is sent, and the user reads why."""
    here = context()
    for caps in (set[str](), {"batch"}, {"soju.im/search"}):
        here.state.caps = caps
        assert interpret("/search cake", here) == [Print("This server cannot search past messages.", wrong=True)]
    here.state.caps = {"batch", "soju.im/search"}
    assert interpret("/search cake", here) == [Line("SEARCH in=#lobby;text=cake;limit=50")]
    (action,) = interpret("/search from: cake", here)
    assert action == Print("Type a name directly after from: (no space). Usage: /search [OPTIONS] WORDS", wrong=True)


@pytest.mark.parametrize("text", ["/help /", "/help nonesuch", "/help / join"])
def test_help_for_no_command(text: str) -> None:
    """/help with a word that is no command says so."""
    (action,) = interpret(text, context())
    assert isinstance(action, Print)
    assert action.wrong
    assert "/help lists them." in action.text


def test_help_for_search_explains_its_options() -> None:
    """/help search explains the options."""
    (action,) = interpret("/help search", context())
    assert isinstance(action, Print)
    assert all(option in action.text for option in ("from:", "in:", "after:", "before:", "all"))


def test_help_for_ban_tells_how_long_it_lasts() -> None:
    """/help ban explains the time and the options, in lines that fit a terminal."""
    (action,) = interpret("/help ban", context())
    assert isinstance(action, Print)
    assert "without a TIME the ban lasts permanently" in action.text
    assert all(option in action.text for option in ("--ip", "--force", "/ban info"))
    assert max(len(line) for line in action.text.split("\n")) <= 80


def test_an_unknown_command_is_not_said() -> None:
    """A mistyped command is not sent, and the user reads what to do."""
    assert interpret("/kcik bob", context()) == [
        Print("There is no command /kcik. /help lists them; //kcik sends it as text.", wrong=True)
    ]


@pytest.mark.parametrize("text", ["hello", "/me waves"])
def test_talk_in_no_channel_says_what_to_do(text: str) -> None:
    """Without a target a message is refused, with the command that helps."""
    (action,) = interpret(text, context(None))
    assert isinstance(action, Print)
    assert "/join" in action.text


def test_a_conversation_is_left_for_the_channel() -> None:
    """/part and /close end a conversation with one user."""
    assert interpret("/part", context("bob")) == interpret("/close", context("bob")) == [Leave("bob")]
    assert interpret("/whois", context("bob")) == [Line("WHOIS bob")]


def test_away_ends_away() -> None:
    """/away without a text ends being away."""
    away = context()
    away.state.feed(parse(":srv 306 alice :You are away"))
    assert interpret("/away", away) == [Line("AWAY")]


@pytest.mark.parametrize("text", ["/help", "/help all", *(f"/help {topic}" for topic in TOPICS), "/help PEOPLE"])
def test_help_fits_the_terminal(text: str) -> None:
    """No line is wider than 80 columns, and only /help all is longer than a screen."""
    (action,) = interpret(text, context())
    assert isinstance(action, Print)
    lines = action.text.split("\n")
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 20 or text == "/help all"


def test_help_names_every_command() -> None:
    """/help names all commands, and /help all has a line for each."""
    (short,), (whole,) = interpret("/help", context()), interpret("/help all", context())
    assert isinstance(short, Print)
    assert isinstance(whole, Print)
    for command in COMMANDS:
        assert f" /{command.name}" in short.text
        assert f"  /{command.name} " in whole.text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_for_one_command(command: Command) -> None:
    """/help NAME has the command's usage, for the name with and without its slash."""
    name = command.name
    for typed in (f"/help {name}", f"/help /{name}"):
        (action,) = interpret(typed, context())
        assert isinstance(action, Print)
        assert action.text.startswith(f"/{name}")
    assert find_command(name.upper()) is command


@given(st.text(), st.sampled_from([None, "#lobby", "bob"]), st.sampled_from([c.name for c in COMMANDS]))
def test_nothing_typed_breaks_it(text: str, target: str | None, name: str) -> None:
    """Any text, alone or after a command, becomes a list of actions."""
    for typed in (text, f"/{name} {text}"):
        assert isinstance(interpret(typed, context(target)), list)
