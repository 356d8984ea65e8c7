from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pty
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import CAP_S, Client, Daemon, Place, script, until


def refused_start(place: Place, *arguments: str, serve: tuple[str, ...] = ("--port", "0")) -> str:
    """Run a daemon that refuses to start. Returns its one line, without the program's name."""
    call = [script("chatroomctl"), "--database", str(place.database), *arguments, "serve", *serve]
    done = subprocess.run(call, env=place.environment, cwd=place.root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("chatroomctl: "), lines[0]
    return lines[0].removeprefix("chatroomctl: ")


def test_the_first_start_says_where_everything_is(daemon: Daemon) -> None:
    """It shows address, database, the lack of a configuration file, and how to make an admin."""
    told = daemon.expect_log("there is no admin yet")
    # Whoever works on it may have compiled modules there.
    shown = [line for line in daemon.stderr if line != "compiled modules are in use"]
    assert shown[:4] == [
        f"listening on 127.0.0.1:{daemon.port}",
        f"database {daemon.place.database}",
        "configuration none found, everything at its default",
        told,
    ]
    command = shlex.split(told.partition("make one with: ")[2])
    assert command[1:] == ["--database", str(daemon.place.database), "user", "create-admin", "NAME"]
    assert shutil.which(command[0], path=daemon.place.environment["PATH"]) is not None, (
        "the command can be typed as it stands"
    )


def test_a_later_start_does_not_ask_for_an_admin(place: Place) -> None:
    """With an admin in the database and a configuration file, it names the file and no command."""
    place.ctl("user", "create-admin", "ada", "--password-stdin", stdin="correct horse")
    place.config_file.write_text('[server]\nmotd = "hello"\n')
    daemon = Daemon(place)
    assert daemon.stop() == 0
    assert f"configuration {place.config_file}" in daemon.stderr
    assert not daemon.log_lines("create-admin")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_tells_all_clients_and_ends_in_order(place: Place, number: signal.Signals) -> None:
    """SIGTERM and SIGINT tell every client why its connection ends, and not of others' ends. The exit code is 0."""
    daemon = Daemon(place)
    with daemon.connect("alice") as alice, daemon.connect("bob") as bob, daemon.open() as nobody:
        nobody.ask("NICK nobody")
        alice.collect()
        assert daemon.stop(number) == 0
        for client in (alice, bob, nobody):
            assert client.expect_closed() == [
                ":chatroom.local NOTICE * :Server is shutting down",
                "ERROR :Closing Link: 127.0.0.1 (Server is shutting down)",
            ]
    assert daemon.stderr[-2:] == [f"stopping ({number.name})", "stopped"]


def test_a_signal_that_another_thread_takes_is_not_lost(place: Place) -> None:
    """The kernel may hand a signal to any thread, or to the main thread just before it waits."""
    daemon = Daemon(place)
    pid = daemon.process.pid
    others = {int(name) for name in os.listdir(f"/proc/{pid}/task")} - {pid}
    assert ctypes.CDLL(None, use_errno=True).tgkill(pid, min(others), signal.SIGTERM) == 0
    assert daemon.wait() == 0


def test_stopping_does_not_wait_for_a_client_that_does_not_read(place: Place) -> None:
    """A client with a full backlog does not keep the daemon from ending."""
    place.environment["CHATROOM_LIMITS__ENABLED"] = "false"
    daemon = Daemon(place)
    with daemon.connect("alice") as alice, daemon.open() as deaf:
        deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.register("deaf")
        alice.send(*(f"PRIVMSG deaf :{'x' * 400}" for _ in range(2000)))
        alice.collect()
        assert daemon.stop() == 0
        assert "Server is shutting down" in alice.expect_closed()[-1]


def test_stopping_does_not_wait_for_a_password_check(place: Place) -> None:
    """A bcrypt check under way is given up, and its client is told of the end as all are."""
    # Each check takes many seconds, also for an unknown name.
    place.environment["CHATROOM_ACCOUNTS__BCRYPT_COST"] = "16"
    daemon = Daemon(place)
    with daemon.connect("alice") as alice:
        alice.send("OPER nobody password")
        assert daemon.stop() == 0
        assert "Server is shutting down" in alice.expect_closed()[-1]


def test_hangup_reads_the_configuration_again(place: Place) -> None:
    """Without a controlling terminal, SIGHUP applies the file and no client is disconnected."""
    file = place.config_file
    file.write_text('[server]\nmotd = "first"\n')
    daemon = Daemon(place)
    with daemon.connect("alice") as alice:
        assert "first" in str(alice.ask("MOTD"))
        file.write_text('[server]\nmotd = "second"\n')
        daemon.process.send_signal(signal.SIGHUP)
        daemon.expect_log("configuration read again, changed: server.motd")
        assert "second" in str(alice.ask("MOTD"))
        file.write_text("[server]\nmotd = 3\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.expect_log("the configuration stays as it was: ")
        assert "second" in str(alice.ask("MOTD"))
    assert daemon.stop() == 0


def test_many_hangups_at_once_do_no_harm(place: Place) -> None:
    """Signals that arrive while others are handled interrupt nothing."""
    daemon = Daemon(place)
    for _ in range(20):
        daemon.process.send_signal(signal.SIGHUP)
    daemon.expect_log("configuration read again")
    assert daemon.is_well()
    assert daemon.stop() == 0


@contextlib.contextmanager
def at_a_terminal(place: Place) -> Iterator[tuple[int, int]]:
    """Run a daemon with a controlling terminal. Gives its process id and the terminal's other end."""
    call = [script("chatroomctl"), "--database", str(place.database), "serve", "--port", "0"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(place.root)
        os.execve(call[0], call, place.environment)
    try:
        screen = b""
        while b"create-admin" not in screen:
            screen += os.read(terminal, 4096)
        yield pid, terminal
    finally:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def exit_code_of(pid: int) -> int:
    """Return the exit code of a child when it has ended, without reaping it."""
    ended = until(lambda: os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT), "the end of the daemon")
    assert ended is not None
    assert ended.si_code == os.CLD_EXITED
    return ended.si_status


def test_hangup_of_its_terminal_ends_it(place: Place) -> None:
    """With a controlling terminal, SIGHUP says that its window was closed, and the daemon ends."""
    with at_a_terminal(place) as (pid, terminal):
        os.kill(pid, signal.SIGHUP)
        assert exit_code_of(pid) == 0
        os.close(terminal)


def test_closing_the_terminal_ends_it(place: Place) -> None:
    """A closed window ends the daemon in order, although it can no longer write its log."""
    with at_a_terminal(place) as (pid, terminal):
        os.close(terminal)
        assert exit_code_of(pid) == 0


def test_one_database_has_one_daemon(daemon: Daemon) -> None:
    """A second daemon on the same database refuses, and the first goes on."""
    assert "another daemon serves this database" in refused_start(daemon.place)
    assert daemon.is_well()
    assert daemon.place.ctl_json("status")["users"] == 0


def test_a_port_in_use(place: Place) -> None:
    """If another program has the port, the one line names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused_start(place, serve=("--port", port))
    assert port in line
    assert "127.0.0.1" in line


def test_an_address_that_is_not_ours(place: Place) -> None:
    """An address that no interface of this machine has is refused."""
    assert "192.0.2.1" in refused_start(place, serve=("--host", "192.0.2.1", "--port", "0"))


def test_a_path_that_cannot_be_written(place: Place) -> None:
    """A database below a regular file cannot be made."""
    (place.root / "file").write_text("")
    place.database = place.root / "file" / "below" / "chat.db"
    assert str(place.root / "file") in refused_start(place)


def test_a_path_that_is_a_directory(place: Place) -> None:
    """A directory at the database's path is refused in one line."""
    place.database.mkdir()
    call = [script("chatroomctl"), "serve", "--port", "0"]
    place.environment["CHATROOM_DATABASE__PATH"] = str(place.database)
    done = subprocess.run(call, env=place.environment, cwd=place.root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert str(place.database) in done.stderr


def test_a_newer_database(place: Place) -> None:
    """A database of a later version is refused and not changed."""
    place.create("ada")
    with sqlite3.connect(place.database) as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    assert "newer" in refused_start(place)


@pytest.mark.parametrize(
    "content", [b"This is no database at all.\n" * 400, b"SQLite format 3\0" + bytes(range(256)) * 40]
)
def test_a_damaged_database(place: Place, content: bytes) -> None:
    """A file that is no database is refused and not overwritten."""
    place.database.write_bytes(content)
    assert str(place.database) in refused_start(place)
    assert place.database.read_bytes() == content


def test_a_database_with_a_broken_page(place: Place) -> None:
    """A chatroom database with damaged tables is refused in one line."""
    place.create("ada")
    for path in (place.database, Path(f"{place.database}-wal")):
        if path.exists() and path.stat().st_size > 8192:
            data = bytearray(path.read_bytes())
            data[4096:] = b"\xaa" * (len(data) - 4096)
            path.write_bytes(data)
    assert str(place.database) in refused_start(place)


@pytest.mark.parametrize(
    "text, names",
    [
        ("[server]\nio_threads = 0\n", "server.io_threads"),
        ('[server]\nnaem = "x"\n', "naem"),
        ("[sever]\n", "sever"),
        ("[server\n", "chatroom.toml"),
        ('[channels]\nautojoin = "#lobby"\n', "channels.autojoin"),
        ('[[listen]]\nport = "http"\n', "listen.port"),
    ],
)
def test_a_wrong_setting(place: Place, text: str, names: str) -> None:
    """The one line names the wrong value, key or file, and no database is made."""
    place.config_file.write_text(text)
    assert names in refused_start(place)
    assert not place.database.exists()


def test_a_wrong_variable(place: Place) -> None:
    """The one line names an environment variable that does not parse."""
    place.environment["CHATROOM_SERVER__IO_THREADS"] = "many"
    assert re.search("CHATROOM_SERVER__IO_THREADS|server.io_threads", refused_start(place))


def test_a_start_that_fails_leaves_nothing_behind(place: Place) -> None:
    """A port that is in use costs no directory and no file, and those that were there stay."""
    place.database = place.root / "new" / "deep" / "chat.db"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refused_start(place, serve=("--port", str(port)))
        assert not (place.root / "new").exists()
        (place.root / "new").mkdir()
        refused_start(place, serve=("--port", str(port)))
        assert list((place.root / "new").iterdir()) == []


def test_a_password_that_all_can_read_is_warned_of(place: Place) -> None:
    """The log warns at the start if every user of the machine can read a password in the configuration."""
    place.config_file.write_text('[server]\npassword = "hunter2"\n')
    place.config_file.chmod(0o644)
    daemon = Daemon(place)
    assert "server.password" in daemon.expect_log("warning: ")
    assert daemon.stop() == 0
    assert not daemon.log_lines("hunter2")


def test_a_configuration_that_is_not_there(place: Place) -> None:
    """A file that is named on the command line must exist."""
    assert "nowhere.toml" in refused_start(place, "--config", "nowhere.toml")


def test_it_starts_again_after_a_kill(place: Place) -> None:
    """The files of a killed daemon (lock file, control socket) do not stop the next one."""
    Daemon(place).kill()
    assert place.run("status").returncode == 1
    daemon = Daemon(place)
    status = place.ctl_json("status")
    assert status["pid"] == daemon.process.pid
    assert status["modules"] == ("compiled" if daemon.log_lines("compiled modules are in use") else "plain Python")
    assert daemon.stop() == 0
    gone = place.run("status")
    assert gone.returncode == 1
    assert "no daemon serves" in gone.stderr


@contextlib.contextmanager
def serving_onto(place: Place, screen: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a daemon that writes its log to a descriptor. Returns its port, as the control socket reports it."""
    call = [script("chatroomctl"), "--database", str(place.database), "serve", "--port", "0"]
    process = subprocess.Popen(call, env=place.environment, cwd=place.root, stderr=screen, start_new_session=True)
    os.close(screen)
    try:
        until(lambda: list((place.root / "run").glob("*.sock")), "the control socket")
        listening = str(until(lambda: json.loads(place.run("status", "--json").stdout or "{}"), "status")["listening"])
        yield process, int(listening.rpartition(":")[2])
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "held"])
def test_stderr_may_be_closed_or_full(place: Place, closed: bool) -> None:
    """A daemon whose stderr is closed at the other end, or full, chats on and stops in order."""
    place.environment["CHATROOM_LIMITS__ENABLED"] = "false"
    reader, writer = os.pipe()
    with serving_onto(place, writer) as (process, port):
        if closed:
            os.close(reader)
        with Client(port).register("alice") as alice, Client(port).register("bob") as bob:
            for number in range(2000):
                alice.send(f"NICK {'a' * 25}{number}")
            alice.collect()
            bob.send("PRIVMSG #lobby :hello")
            alice.expect("hello")
            process.send_signal(signal.SIGTERM)
            assert process.wait(CAP_S) == 0
            assert "Server is shutting down" in alice.expect_closed()[-1]
    if not closed:
        os.close(reader)
