"""Settings at a terminal and in a pipe."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.client_screen import CAPS, leave
from harness.scripted_server import ScriptedServer
from harness.terminal import Terminal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The user's file, which does not exist yet; its directory does."""
    path = tmp_path / "config" / "chatroom" / "client.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """The terminals of the test, closed at its end."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def run(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the client in a pipe to its end."""
    return subprocess.run(
        [sys.executable, "-m", "chatroom.client", *args], input=stdin, capture_output=True, text=True, check=False
    )


def test_a_saved_server_is_enough_for_a_chat(server: ScriptedServer, file: Path, terminals: list[Terminal]) -> None:
    """``chatroom home`` asks nothing: the table has the address, the nick and the channels."""
    file.write_text(f'[servers.home]\naddress = "127.0.0.1:{server.port}"\nnick = "ann"\njoin = ["#tea"]\n')
    terminal = Terminal("-m", "chatroom.client", "home")
    terminals.append(terminal)
    peer = server.accept()
    assert peer.login(caps=CAPS) == "ann"
    assert peer.expect("JOIN").params == ["#tea"]
    terminal.enter("/quit")
    leave(peer)
    assert terminal.finish() == 0


def test_words_stand_out_and_ring_as_soon_as_they_are_set(
    server: ScriptedServer, file: Path, terminals: list[Terminal]
) -> None:
    """Without a file ``/set`` writes one; the next message with the word rings, and stands out."""
    terminal = Terminal("-m", "chatroom.client", f"127.0.0.1:{server.port}", "--prompt", "--nick", "bob")
    terminals.append(terminal)
    peer = server.accept()
    peer.login("#lobby", caps=CAPS)
    terminal.see_last("[#lobby]")
    terminal.enter("/set attention.bell yes")
    terminal.see("attention.bell = true")
    terminal.enter("/set attention.words tea")
    terminal.see("attention.words = ")
    assert "\a" not in terminal.raw
    peer.send(":alice!a@h PRIVMSG #lobby :nothing", ":alice!a@h PRIVMSG #lobby :tea is ready")
    terminal.see("tea is ready")
    terminal.wait(lambda: "\a" in terminal.raw, "the bell")
    assert "\nbell = true\n" in file.read_text()
    assert '\nwords = ["tea"]\n' in file.read_text()


def test_colours_can_be_turned_off(server: ScriptedServer, file: Path, terminals: list[Terminal]) -> None:
    """With ``look.colours = false`` no colour is written: SGR 30 to 37, 90 to 97 and 38."""
    file.write_text("[look]\ncolours = false\n")
    terminal = Terminal("-m", "chatroom.client", f"127.0.0.1:{server.port}", "--prompt", "--nick", "bob")
    terminals.append(terminal)
    peer = server.accept()
    peer.login("#lobby", caps=CAPS)
    peer.send(":alice!a@h PRIVMSG #lobby :hello bob")
    terminal.see("<alice> hello bob")
    codes = {code for part in terminal.raw.split("\x1b[")[1:] for code in part.partition("m")[0].split(";")}
    assert not codes & {str(code) for code in (38, *range(30, 38), *range(90, 98))}


@pytest.mark.parametrize("args", [(), ("--config", "FILE")])
def test_a_wrong_file_ends_the_program_with_all_errors(file: Path, args: tuple[str, ...]) -> None:
    """Each error is one line; the exit code is 1, and the file stays as it is."""
    text = '[start]\nnick = "a b"\n[tea]\n'
    file.write_text(text)
    done = run(*(str(file) if arg == "FILE" else arg for arg in args), stdin="hello\n")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"chatroom: {file}: start.nick must be a nick, not 'a b'",
        f"chatroom: {file}: unknown section [tea]",
    ]
    assert file.read_text() == text


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """``--config`` with a file that is missing is an error, not a chat with the defaults."""
    done = run("--config", str(tmp_path / "missing.toml"))
    assert done.returncode == 1
    assert "there is no such file" in done.stderr


def test_the_file_that_explains_everything_is_written_once(file: Path) -> None:
    """``--write-config`` writes it where it is read; a second time it refuses."""
    assert run("--write-config").returncode == 0
    assert file.read_text().startswith("# Settings of the terminal client.")
    again = run("--write-config")
    assert again.returncode == 1
    assert "exists already" in again.stderr


def test_a_pipe_uses_the_saved_server_and_ignores(server: ScriptedServer, file: Path) -> None:
    """In a pipe, too, the table is enough, and an ignored user is not read."""
    file.write_text(
        f'[start]\nserver = "home"\n[people]\nignored = ["eve"]\n'
        f'[servers.home]\naddress = "127.0.0.1:{server.port}"\nnick = "ann"\njoin = ["tea"]\n'
    )
    with subprocess.Popen(
        [sys.executable, "-m", "chatroom.client"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        peer = server.accept()
        nick = peer.login()
        assert peer.expect("JOIN").params == ["#tea"]
        peer.send(f":{nick}!a@h JOIN #tea", ":srv 353 ann = #tea :ann", ":srv 366 ann #tea :End")
        peer.send(":eve!e@h PRIVMSG #tea :buy", ":bob!b@h PRIVMSG #tea :hello")
        assert client.stdout.readline() == "[#tea] <bob> hello\n"
        client.stdin.close()
        leave(peer)
        assert client.wait() == 0


def test_settings_are_not_loaded_without_a_file() -> None:
    """A pipe without a file loads neither the sections nor TOML: its start costs what it did."""
    code = (
        "import sys; from chatroom.client.settings.chat_settings import ChatSettings; import chatroom.client.chats;"
        "assert ChatSettings().found is None; print(*sys.modules)"
    )
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert {"chatroom.client.settings.client_sections", "chatroom.settings.kinds", "tomllib", "tomlkit"}.isdisjoint(
        loaded
    )


def save_home(server: ScriptedServer, file: Path, code: str) -> None:
    """Save a server whose password a Python program of this code prints."""
    file.write_text(
        f'[servers.home]\naddress = "127.0.0.1:{server.port}"\naccount = "ann"\n'
        f"password_command = [{sys.executable!r}, '-c', {code!r}]\n"
    )


def test_a_program_gives_the_password(server: ScriptedServer, file: Path) -> None:
    """A script with a saved server logs in with what the program of its table prints."""
    save_home(server, file, "print(4711)")
    with subprocess.Popen([sys.executable, "-m", "chatroom.client", "home"], stdin=subprocess.PIPE) as client:
        peer = server.accept()
        assert peer.start_login() == "ann"
        assert peer.expect("PASS").params == ["4711"]
        client.kill()


def test_a_program_without_a_password_ends_a_script(server: ScriptedServer, file: Path) -> None:
    """The reason is one line, and no connection is made."""
    save_home(server, file, "raise SystemExit(3)")
    done = run("home", stdin="hello\n")
    assert done.returncode == 1
    assert done.stderr == f"chatroom: password_command: {sys.executable} ended with exit code 3\n"
    assert not server.is_called_within(0)


def test_the_keyring_gives_the_password(
    server: ScriptedServer, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``passwords.keyring`` a script logs in to the account with what the keyring has for this address."""
    file.write_text("[passwords]\nkeyring = true\n")
    (tmp_path / "desktop.py").write_text(
        "from keyring.backend import KeyringBackend\n\n"
        "class Desktop(KeyringBackend):\n"
        "    priority = 1\n"
        "    def set_password(self, *entry): raise NotImplementedError\n"
        f"    def get_password(self, *entry): return {{('chatroom', 'ann@127.0.0.1:{server.port}'): '4711'}}[entry]\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "desktop.Desktop")
    words = [sys.executable, "-m", "chatroom.client", f"127.0.0.1:{server.port}", "--account", "ann"]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as client:
        peer = server.accept()
        assert peer.start_login() == "ann"
        assert peer.expect("PASS").params == ["4711"]
        client.kill()


def test_no_keyring_ends_a_script(server: ScriptedServer, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a desktop has no keyring: one line says so, and no connection is made."""
    file.write_text("[passwords]\nkeyring = true\n")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    done = run(f"127.0.0.1:{server.port}", "--account", "ann", stdin="hello\n")
    assert done.returncode == 1
    assert done.stderr.startswith("chatroom: the keyring cannot be used: ")
    assert done.stderr.count("\n") == 1
    assert not server.is_called_within(0)
