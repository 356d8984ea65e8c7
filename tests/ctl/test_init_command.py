from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from click.testing import Result

from chatroom.config import Settings, load
from chatroom.ctl import init_command
from chatroom.storage.sqlite.sqlite_stores import open_stores

Run = Callable[..., Result]
PASSWORD = "correct horse battery"


@pytest.fixture
def file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration file, which is not there yet. The machine has a name that a server can have."""
    monkeypatch.setattr("chatroom.ctl.init_command.socket.gethostname", lambda: "box")
    monkeypatch.setenv("CHATROOM_ACCOUNTS__BCRYPT_COST", "4")
    return home / ".config" / "chatroom" / "chatroom.toml"


def read(file: Path) -> Settings:
    """Return the settings of a file alone."""
    return load(file, {})


def test_without_a_terminal_all_is_at_its_default(run: Run, file: Path) -> None:
    """The server is for this machine only, without TLS, open for registration, and without an admin."""
    done = run("init")
    assert done.exit_code == 0, done.stderr
    settings, (listen,) = read(file), read(file).listen
    assert (settings.server.name, listen.host, listen.port, listen.tls) == ("box.local", "127.0.0.1", 6667, False)
    assert (settings.accounts.registration, settings.history.max_size_mb) == ("open", 4096)
    assert done.stdout.splitlines() == [
        f"Wrote {file}.",
        "What to do next:",
        "  chatroomctl user create-admin NAME",
        "  chatroomctl serve",
        "  chatroom irc://127.0.0.1:6667",
        "  chatroomctl service install    # have systemd run it",
        "  # the history has at most 4096 MB: history.max_size_mb",
    ]
    again = run("init")
    assert (again.exit_code, f"{file} exists already" in again.stderr) == (1, True)


def test_each_answer_is_an_option(run: Run, file: Path, home: Path) -> None:
    """A server for a network has a certificate of its own, in files that only the user may read."""
    done = run(
        *("--config", "my.toml", "--database", "my.db", "init", "--name", "chat.lan", "--address", "0.0.0.0"),
        *("--registration", "closed", "--admin", "alice", "--password-stdin", "--json"),
        input=PASSWORD,
    )
    assert done.exit_code == 0, done.stderr
    made = json.loads(done.stdout)
    assert (made["file"], made["admin"]) == (str(home / "my.toml"), "alice")
    assert made["certificate"] == str(home / "certificate.pem")
    assert f"chatroomctl --config {home}/my.toml serve" in made["todo"]
    assert "chatroom ircs://chat.lan:6697" in made["todo"]
    settings, (listen,) = read(home / "my.toml"), read(home / "my.toml").listen
    assert (settings.server.name, settings.accounts.registration) == ("chat.lan", "closed")
    assert (listen.host, listen.port, listen.tls) == ("0.0.0.0", 6697, True)
    assert listen.certificate == (home / "certificate.pem",)
    assert {(home / name).stat().st_mode & 0o777 for name in ("certificate.pem", "key.pem", "my.toml")} == {0o600}
    with open_stores(home / "my.db") as stores:
        assert stores.accounts.count_admins() == 1
    shown = run("--config", "my.toml", "tls", "show").stdout
    assert "chat.lan" in shown


def test_a_certificate_that_is_there_is_used(run: Run, file: Path, home: Path) -> None:
    """Both files must be there, and both options must be given."""
    for name in ("full.pem", "priv.pem"):
        (home / name).touch()
    done = run("init", "--address", "[::1]:7000", "--certificate", "full.pem", "--key", "priv.pem")
    assert done.exit_code == 0, done.stderr
    (listen,) = read(file).listen
    assert (listen.host, listen.port, listen.tls) == ("::1", 7000, True)
    assert (listen.certificate, listen.key) == ((home / "full.pem",), (home / "priv.pem",))
    assert "chatroom ircs://[::1]:7000" in done.stdout


@pytest.mark.parametrize(
    "options, code, refusal",
    [
        (["--name", "nodot"], 1, "server.name must be a host name with a dot in it"),
        (["--address", "127.0.0.1:99999"], 1, "listen.port must be "),
        (["--address", "::1x"], 1, "::1x is no address"),
        (["--address", "a b"], 1, "listen.host must be "),
        (["--certificate", "full.pem"], 2, "--certificate and --key go together"),
        (["--certificate", "a", "--key", "b", "--tls", "none"], 2, "--certificate goes with --tls files"),
        (["--certificate", "a", "--key", "b"], 1, "a is no file"),
        (["--tls", "files"], 1, "name a PEM file"),
        (["--tls", "self-signed", "--address", "a..b"], 1, "a certificate cannot be made: "),
        (["--admin", "no name", "--password-stdin"], 1, "no name"),
        (["--tls", "self-signed", "--admin", "alice"], 1, "use --password-stdin"),
    ],
)
def test_what_cannot_be_leaves_nothing_behind(
    run: Run, file: Path, home: Path, options: list[str], code: int, refusal: str
) -> None:
    """The operator mends the answer and calls it again."""
    done = run("init", *options, input=PASSWORD)
    assert (done.exit_code, refusal in done.stderr) == (code, True), done.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_a_certificate_is_not_replaced(run: Run, file: Path) -> None:
    """It may be the one that clients trust."""
    file.parent.mkdir(parents=True)
    (file.parent / "key.pem").write_text("old")
    done = run("init", "--tls", "self-signed")
    assert "key.pem exists already; name it with --certificate and --key" in done.stderr
    assert [path.name for path in file.parent.iterdir()] == ["key.pem"]
    assert (file.parent / "key.pem").read_text() == "old"


def test_a_name_that_no_server_can_have_is_not_proposed(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own name is proposed if it can be."""
    for own, proposed in (("my_box", "chat.local"), ("box.example.org", "box.example.org")):
        monkeypatch.setattr("chatroom.ctl.init_command.socket.gethostname", lambda own=own: own)
        assert run("init").exit_code == 0
        assert read(file).server.name == proposed
        file.unlink()


def test_at_a_terminal_it_asks_until_an_answer_is_good(home: Path) -> None:
    """Return takes what is proposed: TLS, as the server is for a network. The password is typed unseen."""
    child = pexpect.spawn(sys.executable, ["-m", "chatroom.ctl", "init"], encoding="utf-8", timeout=20)
    for prompt, typed in (
        ("Name of the server", "chat"),
        ("server.name must be a host name with a dot in it", "chat.lan"),
        ("Address to listen on", "0.0.0.0:7000"),
        ("[self-signed]", ""),
        ("Who may register", "nobody"),
        ("answer one of open, invite, approval, closed", "closed"),
        ("first admin", "alice"),
    ):
        child.expect_exact(prompt)
        child.expect(": $")
        child.sendline(typed)
    for prompt in ("Password: ", "Repeat the password: "):
        child.expect_exact(prompt)
        child.waitnoecho()
        child.sendline(PASSWORD)
        assert PASSWORD not in (child.before or "")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    settings = read(home / ".config" / "chatroom" / "chatroom.toml")
    (listen,) = settings.listen
    assert (settings.server.name, settings.accounts.registration) == ("chat.lan", "closed")
    assert (listen.port, listen.certificate) == (7000, (home / ".config" / "chatroom" / "certificate.pem",))


def test_questions_are_answered_here_too(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the terminal above, inside this process."""
    monkeypatch.setattr(init_command, "_is_asked", lambda: True)
    done = run("init", input="chat\nchat.lan\n\nnone\n\n\n")
    assert done.exit_code == 0, done.stderr
    assert "Error: server.name must be" in done.stderr
    assert read(file).server.name == "chat.lan"


def test_the_page_for_browsers_is_a_second_listener(run: Run, file: Path) -> None:
    """At the same address, with the same certificate; the other listener and later changes by a command stay well."""
    done = run("init", "--name", "chat.lan", "--address", "0.0.0.0", "--web", "8097", "--admin", "")
    assert done.exit_code == 0, done.stderr
    plain, page = read(file).listen
    assert (plain.kind, plain.webroot, plain.tls) == ("irc", None, True)
    assert (page.kind, page.host, page.port, page.webroot) == ("websocket", "0.0.0.0", 8097, "default")
    assert (page.tls, page.certificate, page.key) == (True, plain.certificate, plain.key)
    assert "  # in a browser: https://chat.lan:8097/" in done.stdout.splitlines()
    assert run("config", "set", "server.motd", "hello").exit_code == 0
    assert read(file).listen == (plain, page)
