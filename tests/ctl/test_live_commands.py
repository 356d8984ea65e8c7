"""The commands that ask the running daemon, against a control socket of the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from harness.control_server import ControlServer

Run = Callable[..., Result]
Serve = Callable[..., ControlServer]

PRESENT = [
    ":srv NOTE SESSIONS 7 alice alice 192.0.2.7 Alice admin 1900000000 61 #lobby,#dev",
    ":srv NOTE SESSIONS 8 bob bob 0::1 * * 1900000060 0 *",
    ":srv NOTE SESSIONS 9 * * 192.0.2.8 * * 1900000090 3 *",
]


@pytest.fixture
def serve(database: Path) -> Iterator[Serve]:
    """Start a control server for the database, with these answers."""
    servers = []

    def start(**answers: list[str] | None) -> ControlServer:
        servers.append(ControlServer(database, answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("command", [["status"], ["who"], ["kick", "bob"], ["announce", "hello"], ["reload"]])
def test_without_a_daemon_each_command_says_so(run: Run, database: Path, command: list[str]) -> None:
    """Without a daemon, one line says how to start one, and the exit code is 1."""
    result = run("--database", database, *command)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f'chatroomctl: no daemon serves {database}; "chatroomctl serve" starts one\n'


def test_status_prints_what_the_daemon_tells(run: Run, database: Path, serve: Serve) -> None:
    """Each value is one line for people and one JSON key. Numbers are JSON numbers."""
    serve(STATUS=[":srv NOTE STATUS version :0.1.0", ":srv NOTE STATUS sessions :12"])
    assert run("--database", database, "status").stdout.splitlines() == ["version   0.1.0", "sessions  12"]
    result = run("--database", database, "status", "--json")
    assert json.loads(result.stdout) == {"version": "0.1.0", "sessions": 12}


def test_the_shell_user_is_named_before_anything_is_asked(run: Run, database: Path, serve: Serve) -> None:
    """The first line is ACTOR with the shell user. The last one is the PING that ends the answer."""
    server = serve()
    assert run("--database", database, "status").exit_code == 0
    first, asked, last = server.received
    assert first.startswith("ACTOR ")
    assert (asked, last) == ("STATUS", "PING done")


def test_who_lists_sessions(run: Run, database: Path, serve: Serve) -> None:
    """Sessions are listed as a table and as JSON. A value that is not known yet is a dash or null."""
    serve(SESSIONS=PRESENT)
    table = run("--database", database, "who").stdout.splitlines()
    assert " ".join(table[1].split()) == "alice Alice admin alice 192.0.2.7 2030-03-17 17:46:40Z 1m1s #lobby #dev"
    assert "::1" in table[2].split()
    alice, bob, nobody = json.loads(run("--database", database, "who", "--json").stdout)
    assert alice["channels"] == ["#lobby", "#dev"]
    assert alice["connected_at"] == "2030-03-17T17:46:40Z"
    assert (bob["address"], bob["account"], bob["channels"]) == ("::1", None, [])
    assert nobody["nick"] is None


def test_who_shows_the_nodes_of_a_cluster(run: Run, database: Path, serve: Serve) -> None:
    """In a column of its own, and as a key. --node narrows the list, and is refused without a cluster."""
    alice = ":srv NOTE SESSIONS 7 alice alice 192.0.2.7 Alice admin 1900000000 61 a #lobby,#dev"
    bob = ":srv NOTE SESSIONS 8 bob bob 0::1 * * 1900000060 0 b #lobby"
    serve(SESSIONS=[alice, bob])
    header, *rows = (line.split() for line in run("--database", database, "who").stdout.splitlines())
    assert header[:2] == ["NODE", "NICK"]
    assert [row[:2] for row in rows] == [["a", "alice"], ["b", "bob"]]
    (one,) = json.loads(run("--database", database, "who", "--node", "b", "--json").stdout)
    assert (one["nick"], one["node"], one["channels"]) == ("bob", "b", ["#lobby"])


def test_there_are_no_nodes_without_a_cluster(run: Run, database: Path, serve: Serve) -> None:
    """Then --node is a mistake, and not an empty list."""
    serve(SESSIONS=PRESENT)
    result = run("--database", database, "who", "--node", "b")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "chatroomctl: --node is for the nodes of a cluster, and this daemon is in none\n"


@pytest.mark.parametrize(
    "command, line",
    [
        (["kick", "bob", "calm", "down"], "KILL bob :calm down"),
        (["kick", "bob"], "KILL bob :"),
        (["kick", "bob", "--node", "b", "calm", "down"], "KILLAT b bob :calm down"),
        (["announce", "back", "at noon"], "ANNOUNCE :back at noon"),
        (["announce", "--node", "b", "move", "over"], "ANNOUNCE b :move over"),
        (["lockdown"], "LOCKDOWN"),
        (["lockdown", "off"], "LOCKDOWN off"),
        (["lockdown", "on", "--for", "1h"], "LOCKDOWN on 1h"),
    ],
)
def test_what_is_told_to_the_daemon(run: Run, database: Path, serve: Serve, command: list[str], line: str) -> None:
    """A command sends one line of IRC, and the daemon's confirmation is printed."""
    verb = line.split()[0]
    server = serve(**{verb: [f":srv NOTE {verb} DONE :It is done"]})
    result = run("--database", database, *command)
    assert (result.exit_code, result.stdout) == (0, "It is done\n")
    assert server.received[1] == line


@pytest.mark.parametrize(
    "answer, told",
    [
        (":srv FAIL KILL NO_SUCH_NICK bob :No such nick", "No such nick"),
        (":srv 401 * bob :No such nick", "bob: No such nick"),
        (":srv 481 * :Permission Denied", "Permission Denied"),
        ("ERROR :No such nick", "No such nick"),
    ],
)
def test_the_daemons_no_is_told_in_its_words(run: Run, database: Path, serve: Serve, answer: str, told: str) -> None:
    """FAIL, an error numeric and ERROR give exit code 1 and the daemon's text, for a numeric with its subject."""
    serve(KILL=[answer])
    result = run("--database", database, "kick", "bob")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"chatroomctl: {told}\n")


def test_a_daemon_that_ends_while_it_is_asked(run: Run, database: Path, serve: Serve) -> None:
    """A connection that closes before the answer is complete is an error, not an empty answer."""
    serve(SESSIONS=None)
    result = run("--database", database, "who")
    assert (result.exit_code, result.stderr) == (
        1,
        "chatroomctl: the daemon closed the connection before it answered\n",
    )


@pytest.mark.parametrize("command", [["announce", "one\r\nKILL bob :two"], ["kick", "bob", "a\nb"]])
def test_a_text_cannot_smuggle_in_a_second_command(run: Run, database: Path, serve: Serve, command: list[str]) -> None:
    """Line ends in a text are refused before anything is sent."""
    server = serve()
    result = run("--database", database, *command)
    assert result.exit_code == 1
    assert "a single line" in result.stderr
    assert server.received == []


@pytest.mark.parametrize(
    "command", [["announce", "a\udcff"], ["kick", "bob", "a\udcff"], ["channel", "show", "#\udcff"]]
)
def test_a_text_that_is_no_unicode_is_refused(run: Run, database: Path, serve: Serve, command: list[str]) -> None:
    """It was typed in another encoding than that of the terminal."""
    server = serve()
    result = run("--database", database, *command)
    assert (result.exit_code, result.stderr) == (1, "chatroomctl: this text is not valid Unicode\n")
    assert server.received == []


@pytest.mark.parametrize("words", [[""], [" ", ""]])
def test_an_empty_announcement_is_refused(run: Run, database: Path, words: list[str]) -> None:
    """The shell refuses it without asking the daemon."""
    result = run("--database", database, "announce", *words)
    assert (result.exit_code, result.stderr) == (1, "chatroomctl: there is no text to announce\n")


@pytest.mark.parametrize("state", [[], ["off"]])
def test_only_a_lockdown_has_an_end(run: Run, database: Path, state: list[str]) -> None:
    """--for without a state that can end is a mistake, and nothing is asked."""
    result = run("--database", database, "lockdown", *state, "--for", "1h")
    assert (result.exit_code, result.stderr) == (1, "chatroomctl: --for needs the STATE accounts-only or on\n")


def test_a_lockdown_with_an_empty_end_is_refused(run: Run, database: Path) -> None:
    """It is an unset variable of a script, and must not make a lockdown without an end."""
    result = run("--database", database, "lockdown", "on", "--for", "")
    assert (result.exit_code, "'' is not a duration" in result.stderr) == (1, True)


def test_kick_wants_a_name(run: Run, database: Path) -> None:
    """A word that cannot be a nick is refused without asking the daemon."""
    result = run("--database", database, "kick", "not a nick")
    assert result.exit_code == 1
    assert "not a name" in result.stderr


def test_a_daemons_text_cannot_steer_the_terminal(run: Run, database: Path, serve: Serve) -> None:
    """Escape sequences in an answer of the daemon are shown and not obeyed."""
    serve(STATUS=[":srv NOTE STATUS motd :\x1b[2Jgone"])
    assert run("--database", database, "status").stdout == "motd  \\x1b[2Jgone\n"


def test_an_answer_of_several_lines_is_one_answer(run: Run, database: Path, serve: Serve) -> None:
    """A long value, the channels of one session: the daemon needs several lines for them."""
    serve(
        STATUS=[":srv NOTE STATUS database :/a long ", ":srv NOTE STATUS database :path"],
        SESSIONS=[*PRESENT[:1], PRESENT[0].replace("#lobby,#dev", "#tea")],
        KILL=[":srv WARN KILL TEXT_CUT 255 :The text was cut", ":srv NOTE KILL DONE bob :bob was kicked"],
    )
    assert run("--database", database, "status").stdout == "database  /a long path\n"
    (alice,) = json.loads(run("--database", database, "who", "--json").stdout)
    assert alice["channels"] == ["#lobby", "#dev", "#tea"]
    assert run("--database", database, "kick", "bob", "x").stdout == "bob was kicked. The text was cut\n"


def test_a_text_that_no_line_can_hold_is_refused(run: Run, database: Path, serve: Serve) -> None:
    """The limit is named, in bytes, and nothing is sent."""
    server = serve()
    result = run("--database", database, "announce", "é" * 251)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "chatroomctl: the text is too long: it has at most 501 bytes\n"
    assert server.received == []
    assert run("--database", database, "announce", "é" * 250).exit_code == 0
