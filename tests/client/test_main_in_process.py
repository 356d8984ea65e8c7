"""The ``chatroom`` command in the process of the tests: what it prints, and its exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.client_command import Command, TerminalFile
from harness.scripted_server import CAP_S, Peer, ScriptedServer

from chatroom import __version__
from chatroom.client import chats, main
from chatroom.client.options import Options

FINGERPRINT = "ab" * 32


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, server: ScriptedServer
) -> Iterator[Command]:
    """The command, in an environment with a home of its own. It must leave no thread and no signal handler behind."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CHATROOM_PASSWORD", "CHATROOM_SERVER_PASSWORD", "CHATROOM_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    threads = set(threading.enumerate())
    yield Command(monkeypatch, capsys, tmp_path / "stdin")
    server.close()
    for thread in set(threading.enumerate()) - threads:
        thread.join(CAP_S)
        assert not thread.is_alive(), thread.name
    assert [signal.getsignal(number) for number in numbers] == handlers


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The user's settings, which do not exist yet; their directory does."""
    path = tmp_path / "config" / "chatroom" / "client.toml"
    path.parent.mkdir(parents=True)
    return path


def take_line(server: ScriptedServer, *said: str) -> Peer:
    """Log the client in, take this message, confirm it, and part in peace."""
    peer = server.accept()
    peer.login("#lobby")
    assert peer.expect("PRIVMSG").params == list(said)
    part(peer)
    return peer


def part(peer: Peer) -> None:
    """Confirm every line, and close the connection after the QUIT."""
    peer.expect("QUIT")
    peer.send("ERROR :Closing Link: 127.0.0.1 (Client quit)")
    peer.close()


def test_the_version_is_printed(run: Command) -> None:
    """``--version`` prints one line."""
    assert run("--version") == (0, f"chatroom, version {__version__}\n", "")


def test_the_help_names_the_options(run: Command) -> None:
    """``--help`` explains the argument and the options, with an example."""
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    assert out.startswith("Usage: chatroom [OPTIONS] [HOST[:PORT]|NAME|LINK]")
    assert "--server-password-stdin" in out
    assert 'echo "deployed" | chatroom --nick bot' in out


def test_the_settings_are_written_once(run: Command, settings: Path) -> None:
    """``--write-config`` writes the user's file; a second time it refuses."""
    code, out, err = run("--write-config")
    assert (code, out, err) == (0, "", f"Wrote {settings}. Every setting is commented out and has its default.\n")
    assert settings.read_text().startswith("# Settings of the terminal client.")
    code, out, err = run("--write-config")
    assert (code, out) == (1, "")
    assert err.startswith(f"chatroom: {settings} exists already; ")


def test_all_errors_of_the_settings_are_told(run: Command, settings: Path) -> None:
    """Each error of the file is one line, and no chat begins."""
    settings.write_text('[start]\nnick = "a b"\n[tea]\n')
    text = f"chatroom: {settings}: start.nick must be a nick, not 'a b'\nchatroom: {settings}: unknown section [tea]\n"
    assert run(stdin="hello\n") == (1, "", text)


def test_a_named_file_must_exist(run: Command, tmp_path: Path) -> None:
    """``--config`` with a file that is missing is an error."""
    code, _, err = run("--config", str(tmp_path / "missing.toml"))
    assert code == 1
    assert err.startswith(f"chatroom: {tmp_path / 'missing.toml'}: there is no such file")


@pytest.mark.parametrize(
    "args, why",
    [
        (["host:port"], "'host:port' is not HOST or HOST:PORT, nor a saved server"),
        (["--key", "k.pem"], "--key needs --certificate"),
        (["--fingerprint", "12"], "a SHA-256 fingerprint has 64 hexadecimal digits"),
        (["--fingerprint", FINGERPRINT, "--ca", "c.pem"], "--fingerprint and --ca exclude each other"),
        (["--tea"], "No such option"),
    ],
)
def test_a_wrong_argument_is_a_usage_error(run: Command, args: list[str], why: str) -> None:
    """The exit code is 2, and the error says what is wrong."""
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert why in " ".join(err.split())


def test_a_missing_authority_is_no_chat(run: Command, tmp_path: Path) -> None:
    """A file of ``--ca`` that cannot be read is told before anything connects."""
    code, _, err = run("--ca", str(tmp_path / "ca.pem"))
    assert code == 1
    assert str(tmp_path / "ca.pem") in err


def test_what_is_remembered_of_a_host_can_be_forgotten(run: Command, state_directory: Path) -> None:
    """``--forget`` removes the host's lines once; then there is nothing to forget."""
    known = state_directory / "known-servers"
    known.parent.mkdir(parents=True)
    known.write_text(f"certificate chat.example 6697 {FINGERPRINT}\n")
    assert run("chat.example", "--forget") == (0, "", f"Forgot what {known} had of chat.example.\n")
    assert FINGERPRINT not in known.read_text()
    assert run("chat.example", "--forget") == (1, "", "chatroom: nothing is remembered of chat.example\n")


def test_a_script_must_set_the_password(run: Command) -> None:
    """In a pipe nobody can be asked for the password of ``--account``."""
    text = "chatroom: set CHATROOM_PASSWORD to the password of ann\n"
    assert run("--account", "ann", stdin="hello\n") == (1, "", text)


def test_a_script_with_an_invite_must_set_the_new_password(run: Command) -> None:
    """In a pipe nobody can choose the password of the new account."""
    text = "chatroom: set CHATROOM_PASSWORD to the new password\n"
    assert run("irc://127.0.0.1/tea?invite=1-abc", stdin="hello\n") == (1, "", text)


@pytest.mark.parametrize("typed", ["", "\n", "tea\ncoffee\n"])
def test_a_new_password_must_be_typed_twice(run: Command, typed: str) -> None:
    """At a terminal in plain lines a new password that is empty, or not repeated, ends the program."""
    code, _, err = run("irc://127.0.0.1/tea?invite=1-abc", "--nick", "zoe", "--plain", stdin=typed, terminal=True)
    assert code == 1
    assert err.startswith("New password for zoe: \n")
    assert err.endswith("chatroom: the passwords differ, or are empty; nothing was changed\n")


def test_the_end_of_the_input_is_no_password(run: Command) -> None:
    """Ctrl-D at the question for the password ends the program as Ctrl-C does."""
    assert run("--account", "ann", "--plain", terminal=True) == (130, "", "Password for ann: \n")


def test_a_password_program_that_fails_is_the_end_of_a_script(run: Command, settings: Path) -> None:
    """The error names the program; at a terminal the user is asked instead."""
    settings.write_text('[servers.home]\naddress = "127.0.0.1"\naccount = "ann"\npassword_command = ["false"]\n')
    why = "chatroom: password_command: false ended with exit code 1\n"
    assert run("home", stdin="hello\n") == (1, "", why)
    assert run("home", "--plain", terminal=True) == (130, "", f"{why}Password for ann: \n")


FULL, LINES = "chat_full_screen", "chat_on_screen"


@pytest.mark.parametrize(
    "args, full_screen, size, function",
    [
        ([], None, (80, 24), FULL),
        ([], True, (80, 24), FULL),
        ([], False, (80, 24), LINES),
        (["--full"], False, (80, 24), FULL),
        (["--prompt"], True, (80, 24), LINES),
        ([], None, (24, 6), FULL),
        ([], None, (23, 24), LINES),
        (["--full"], None, (80, 5), LINES),
        ([], None, None, LINES),
    ],
)
def test_a_terminal_gets_a_screen(
    run: Command,
    monkeypatch: pytest.MonkeyPatch,
    settings: Path,
    args: list[str],
    full_screen: bool | None,
    size: tuple[int, int] | None,
    function: str,
) -> None:
    """It is the full one, unless the option or else the setting says no, or the terminal is too small for it."""
    begun: list[Options] = []

    async def chat(options: Options, *settled: object) -> int:
        begun.append(options)
        return 3

    def measure() -> os.terminal_size:
        if size is None:
            raise OSError
        return os.terminal_size(size)

    monkeypatch.setattr(chats, function, chat)
    monkeypatch.setattr(os, "get_terminal_size", measure)
    monkeypatch.setenv("TERM", "xterm")
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    if full_screen is not None:
        settings.write_text(f"[look]\nfull_screen = {str(full_screen).lower()}\n")
    assert run("chat.example", "--nick", "ann", "--join", "tea", *args, terminal=True)[0] == 3
    assert [(options.nick, options.join, options.joins_asked) for options in begun] == [("ann", ("#tea",), True)]


def test_a_dumb_terminal_gets_lines(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot move the cursor: the program asks as in plain lines, whatever the options say."""
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert run("--account", "ann", "--full", terminal=True) == (130, "", "Password for ann: \n")


def test_a_piped_line_is_said(run: Command, server: ScriptedServer) -> None:
    """The line arrives, is confirmed, and the exit code is 0."""
    result = run.chat(
        lambda: take_line(server, "#lobby", "deployed"),
        f"127.0.0.1:{server.port}",
        "--nick",
        "bot",
        stdin="deployed\n",
    )
    assert result == (0, "", "")


def test_a_saved_server_is_enough(run: Command, server: ScriptedServer, settings: Path) -> None:
    """The settings give the address, the nick and the channel."""
    settings.write_text(f'[servers.home]\naddress = "127.0.0.1:{server.port}"\nnick = "ann"\njoin = ["#tea"]\n')

    def serve() -> None:
        peer = server.accept()
        assert peer.login() == "ann"
        assert peer.expect("JOIN").params == ["#tea"]
        peer.send(":ann!ann@host JOIN #tea", ":srv 353 ann = #tea :ann", ":srv 366 ann #tea :End of names")
        assert peer.expect("PRIVMSG").params == ["#tea", "hello"]
        part(peer)

    code, _, err = run.chat(serve, "home", stdin="hello\n")
    assert (code, err) == (0, "")


def test_the_first_line_of_stdin_is_the_password_of_the_server(run: Command, server: ScriptedServer) -> None:
    """``--server-password-stdin`` sends that line as the password, and the next one to the channel."""

    def serve() -> None:
        peer = take_line(server, "#lobby", "hello")
        assert [line for line in peer.seen if line.startswith("PASS ")] == ["PASS :sesame"]
        assert not any("sesame" in line for line in peer.seen if line.startswith("PRIVMSG"))

    address = f"127.0.0.1:{server.port}"
    result = run.chat(serve, address, "--nick", "bot", "--server-password-stdin", stdin="sesame\nhello\n")
    assert result[0] == 0


def test_stdin_that_cannot_be_read_gives_no_password(
    run: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A directory as stdin is told in one line."""
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        monkeypatch.setattr(TerminalFile, "fileno", lambda self: descriptor)
        text = "chatroom: cannot read stdin: Is a directory\n"
        assert run("--server-password-stdin", terminal=True) == (1, "", text)
    finally:
        os.close(descriptor)


def test_the_password_of_the_account_comes_from_the_environment(
    run: Command, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--account`` logs in with ``CHATROOM_PASSWORD``, and the account is the nick."""
    monkeypatch.setenv("CHATROOM_PASSWORD", "hunter22")

    def serve() -> None:
        peer = server.accept()
        assert peer.start_login("sasl=PLAIN") == "bot"
        assert peer.expect("AUTHENTICATE").params == ["PLAIN"]
        peer.send("AUTHENTICATE +")
        assert peer.expect("AUTHENTICATE").params == ["AGJvdABodW50ZXIyMg=="]
        peer.send(":srv 900 bot bot!b@h bot :You are logged in", ":srv 903 bot :SASL authentication successful")
        assert peer.expect("CAP").params == ["END"]
        peer.welcome("bot", "#lobby")
        assert peer.expect("PRIVMSG").params == ["#lobby", "hello"]
        part(peer)

    assert run.chat(serve, f"127.0.0.1:{server.port}", "--account", "bot", stdin="hello\n")[0] == 0


def test_an_invite_registers_the_nick(run: Command, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link's token and ``CHATROOM_PASSWORD`` make the account, and the line goes to the link's channel."""
    monkeypatch.setenv("CHATROOM_PASSWORD", "hunter22")

    def serve() -> None:
        peer = server.accept()
        peer.start_login("sasl=PLAIN draft/account-registration=before-connect")
        assert peer.expect("REGISTER").params == ["*", "*", "hunter22"]
        peer.send(":srv REGISTER VERIFICATION_REQUIRED zoe :An invite, please")
        assert peer.expect("VERIFY").params == ["zoe", "1-abc"]
        peer.send(":srv VERIFY SUCCESS zoe :You are registered")
        assert peer.expect("CAP").params == ["END"]
        peer.welcome("zoe")
        assert peer.expect("JOIN").params == ["#tea"]
        peer.send(":zoe!z@h JOIN #tea", ":srv 353 zoe = #tea :zoe", ":srv 366 zoe #tea :End of names")
        assert peer.expect("PRIVMSG").params == ["#tea", "hello"]
        part(peer)

    link = f"irc://127.0.0.1:{server.port}/tea?invite=1-abc"
    assert run.chat(serve, link, "--nick", "zoe", stdin="hello\n")[0] == 0


def test_a_refused_login_is_exit_code_1(run: Command, server: ScriptedServer) -> None:
    """A nick that is in use is one line on stderr."""

    def serve() -> None:
        peer = server.accept()
        peer.start_login()
        assert peer.expect("CAP").params == ["END"]
        peer.send(":srv 433 * bot :Nickname is already in use")
        assert peer.expect("CAP").params == ["LIST"]
        peer.send(":srv CAP * LIST :")
        part(peer)

    result = run.chat(serve, f"127.0.0.1:{server.port}", "--nick", "bot", stdin="hello\n")
    assert result == (1, "", "chatroom: The name bot is in use.\n")


def test_nothing_listens(run: Command, server: ScriptedServer) -> None:
    """A server that cannot be reached is exit code 1, with the reason."""
    server.close()
    text = f"chatroom: Cannot connect to 127.0.0.1:{server.port}: no server is listening there.\n"
    assert run(f"127.0.0.1:{server.port}", "--nick", "bot", stdin="hello\n") == (1, "", text)


@pytest.mark.parametrize(
    "error, text",
    [
        (RuntimeError("oops"), "internal error: RuntimeError: oops (CHATROOM_DEBUG=1 shows where)"),
        (OSError(28, "No space left on device"), "cannot write to stdout: No space left on device"),
        (FileNotFoundError(2, "No such file", "tea"), "tea: No such file"),
    ],
)
def test_an_error_is_one_line(run: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str) -> None:
    """Whatever is raised inside, the user reads one line; with ``CHATROOM_DEBUG`` the traceback comes before it."""

    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(main, "_open_settings", fail)
    assert run() == (1, "", f"chatroom: {text}\n")
    monkeypatch.setenv("CHATROOM_DEBUG", "1")
    code, _, err = run()
    assert code == 1
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith(f"\nchatroom: {text}\n")


@pytest.mark.parametrize("error, code, err", [(KeyboardInterrupt(), 130, "\n"), (BrokenPipeError(), 1, "")])
def test_an_end_from_outside_needs_no_words(
    run: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, err: str
) -> None:
    """After Ctrl-C there is only the end of its line, and nothing for a reader of stdout that has gone."""

    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(main, "_open_settings", fail)
    assert run() == (code, "", err)
