"""The machine under the daemon fails it: stopped, without files, read-only, damaged, with a clock that jumps."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import PASSWORD, Client, Daemon, Place, until
from harness.injected_code import InjectedCode
from harness.own_disk import own_disk
from harness.tls import ListeningDaemon

SHIFTED_CLOCK = """
import time

def shift():
    with open({file!r}) as shifted:
        return int(shifted.read())

real, real_ns = time.monotonic, time.monotonic_ns
time.monotonic = lambda: real() + shift()
time.monotonic_ns = lambda: real_ns() + shift() * 10**9
"""
BUG = """
from chatroom.commands.command_table import COMMANDS

def fail(context, params):
    raise KeyError("a bug")

COMMANDS["TIME"].handler = fail
"""


@pytest.fixture
def unlimited() -> Iterator[Place]:
    """A place without limits."""
    with Place.make(limits__enabled=False) as made:
        yield made


def write_whole(file: Path, text: str) -> None:
    """Replace a file that another process reads at any moment."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.rename(file)


def read_first(client: Client) -> list[str]:
    """Ask whether the daemon is there, and read its answer or the reason why it is not wanted."""
    client.send("PING here")
    return [client.read_line() or ""]


def test_nobody_is_disconnected_for_the_time_that_the_daemon_was_stopped(place: Place) -> None:
    """SIGSTOP for ten minutes, by a clock that goes on meanwhile.

    It hits users that have just got a PING, a client that is registering, and one in the middle of a PROXY header.
    """
    code, shift = InjectedCode(place), place.root / "shift"
    write_whole(shift, "0")
    place.environment["CHATROOM_LIMITS__ENABLED"] = "false"  # a machine that is a proxy has limits
    daemon = ListeningDaemon(place, 'proxy_protocol_from = ["127.0.0.1"]')
    code.run(SHIFTED_CLOCK.format(file=str(shift)))
    with contextlib.ExitStack() as stack:
        users = [stack.enter_context(daemon.connect(f"u{number}")) for number in range(150)]
        late, proxied = stack.enter_context(daemon.open()), stack.enter_context(Client(daemon.second_port))
        late.ask("NICK late")
        proxied.send_bytes(b"PROXY TCP4 198.51.100.3 ")
        write_whole(shift, "130")  # so long that all are asked whether they are there
        for user in users:
            user.expect("PING")
        daemon.process.send_signal(signal.SIGSTOP)
        until(lambda: "T (" in read_state(daemon), "it is stopped")
        write_whole(shift, "730")
        for user in users[::2]:
            user.send("PONG :here")
        daemon.process.send_signal(signal.SIGCONT)
        daemon.expect_log("held up for")
        proxied.send_bytes(b"203.0.113.1 50000 6667\r\n")
        proxied.register("proxied")
        late.send("USER late 0 * :late")
        late.expect("001")
        assert place.ctl_json("status")["users"] == len(users) + 2
        for user in users:
            user.collect()
            assert not [line for line in user.lines if "QUIT" in line]
    assert not daemon.log_lines("timeout") and not daemon.log_lines("in time")
    assert daemon.stop() == 0


def read_state(daemon: Daemon) -> str:
    """Return the line of ``/proc`` that has the daemon's state."""
    return Path(f"/proc/{daemon.process.pid}/status").read_text().partition("State:")[2].partition("\n")[0]


@pytest.mark.debian("faketime")
def test_the_wall_clock_jumps_both_ways(place: Place) -> None:
    """Three hours ahead and back, then three days back: nobody is disconnected, lines keep their order, bans their end.

    Only the wall clock is set, as ``date --set`` does it.
    """
    clock = place.root / "clock"
    place.create("ada", "admin")
    place.environment |= {
        "LD_PRELOAD": str(next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "CHATROOM_LIMITS__ENABLED": "false",
    }
    write_whole(clock, "+0")
    daemon = Daemon(place)

    def is_banned(address: str) -> bool:
        with daemon.open(address) as client:
            return any("banned" in line for line in read_first(client))

    with daemon.connect("ada", password=PASSWORD) as ada, daemon.connect("bob") as bob:
        ada.ask("UBAN ADD 127.8.0.1 1h first")
        for number, setting in enumerate(("+0", "+3h", "+0", "-3d", "+0")):
            write_whole(clock, setting)
            until(lambda: is_banned("127.8.0.1") is (setting != "+3h"), "the ban follows the clock")  # noqa: B023
            ada.send(f"PRIVMSG #lobby :{number}")
            bob.expect(f"#lobby :{number}")
        ada.ask("UBAN ADD 127.8.0.2 1h second")
        assert is_banned("127.8.0.2")
        told = ada.ask("CHATHISTORY LATEST #lobby * 10")
        assert [line[-1] for line in told if "PRIVMSG" in line] == list("01234")
        assert not [line for line in ada.lines + bob.lines if "QUIT" in line]
    assert daemon.stop() == 0
    assert not daemon.log_lines("timeout") and not daemon.log_lines("Traceback")


def test_a_bug_in_a_verb_costs_its_caller_one_line(unlimited: Place) -> None:
    """The caller is told once and goes on. Others notice nothing, and the log has one traceback for all of them."""
    code = InjectedCode(unlimited)
    daemon = Daemon(unlimited)
    code.run(BUG)
    with daemon.connect("ann") as ann, daemon.connect("bob") as bob:
        ann.collect()
        for _ in range(100):
            told = ann.ask("TIME")
            assert [line.split(" ")[1] for line in told] == ["400"], told
            assert "it was logged" in told[0]
        ann.send("PRIVMSG bob :still here")
        bob.expect("still here")
    assert daemon.stop() == 0
    assert daemon.log_lines("a bug")
    assert 1 <= len(daemon.log_lines("Traceback")) <= 3


def test_connections_wait_while_no_file_can_be_opened(daemon: Daemon) -> None:
    """Those that are there are served. When files can be opened again, those that waited are served too."""
    pid = daemon.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with daemon.connect("ann") as ann, daemon.connect("bob") as bob:
        # Below every file that a worker may close meanwhile: its number would be free for a connection.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
        with contextlib.ExitStack() as stack:
            waiting = [stack.enter_context(daemon.open()) for _ in range(20)]
            daemon.expect_log("cannot accept connections: Too many open files")
            for number in range(50):
                ann.send(f"PRIVMSG #lobby :{number}")
                bob.expect(f"#lobby :{number}")
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
            for number, client in enumerate(waiting):
                client.register(f"w{number}")
        assert any("#lobby :49" in line for line in ann.ask("CHATHISTORY LATEST #lobby * 50"))
    assert len(daemon.log_lines("cannot accept")) <= 10


@contextlib.contextmanager
def failing_disk(place: Place) -> Iterator[Path]:
    """An ext4 file system for the database, which becomes read-only if its device reports an error."""
    image, disk = place.root / "image", place.root / "disk"
    image.write_bytes(bytes(16 * 1024 * 1024))
    made = ["mkfs.ext4", "-q", "-F", str(image)], ["mount", "-o", "loop,errors=remount-ro", str(image), str(disk)]
    with own_disk(place, disk, made):
        yield disk


def break_disk(disk: Path) -> None:
    """Have the file system of a mounted image find an error, and so become read-only."""
    with open("/proc/self/mountinfo") as mounts:
        number = next(line.split(" ")[2] for line in mounts if f" {disk} " in line)
    device = os.path.basename(os.readlink(f"/sys/dev/block/{number}"))
    try:
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")
    except OSError:
        pytest.skip("this kernel cannot be told to find an error")


def test_a_disk_that_becomes_read_only(place: Place) -> None:
    """Messages are refused, bans act and say that they are not stored, guests chat, and the log says so once."""
    with failing_disk(place) as disk:
        place.create("ada", "admin")
        daemon = Daemon(place)
        with (
            daemon.connect("ada", password=PASSWORD) as ada,
            daemon.connect("bob") as bob,
            daemon.connect("eve") as eve,
        ):
            ada.ask("PRIVMSG #lobby :before")
            break_disk(disk)
            for number in range(20):
                bob.send(f"PRIVMSG #lobby :{number}")
                bob.expect("NOT_KEPT")
            assert any("NOT STORED" in line for line in ada.ask("UBAN ADD eve 1h gone"))
            assert "banned: gone" in eve.expect_closed()[-1]
            with daemon.connect("zoe") as zoe:
                bob.send("PRIVMSG zoe :between guests")
                zoe.expect("between guests")
        assert daemon.stop() == 0
        assert len(daemon.log_lines("messages cannot be stored")) == 1
        assert not daemon.log_lines("Traceback")


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_database_that_is_locked_for_a_minute(place: Place) -> None:
    """Messages are refused after some seconds, guests chat, a ban acts, and everything is written afterwards."""
    place.create("ada", "admin")
    daemon = Daemon(place)
    with daemon.connect("ada", password=PASSWORD) as ada, daemon.connect("bob") as bob, daemon.open() as eve:
        eve.register("eve")
        with contextlib.closing(sqlite3.connect(place.database, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            ada.send("UBAN ADD eve 1h locked")
            for _ in range(10):
                bob.send("PRIVMSG #lobby :refused")
                bob.expect("NOT_KEPT")
                bob.collect()
                bob.send("PRIVMSG bob :to myself")
                bob.expect("to myself")
            database.execute("ROLLBACK")
        assert "banned: locked" in eve.expect_closed()[-1]
        bob.send("PRIVMSG #lobby :kept")
        ada.expect("kept")
    assert daemon.stop() == 0
    assert [row["target"] for row in place.ctl_json("ban", "list")] == ["eve"]
    assert not daemon.log_lines("Traceback")


def test_a_page_that_is_damaged_while_the_daemon_runs(unlimited: Place) -> None:
    """Who asks for what is on it is told so; everything else goes on. The log names the damage a few times."""
    daemon = Daemon(unlimited)
    with daemon.connect("ann") as ann, daemon.connect("bob") as bob:
        for number in range(200):
            ann.send(f"PRIVMSG #lobby :{number} {'x' * 300}")
        ann.collect()
        daemon.stop()
    with contextlib.closing(sqlite3.connect(unlimited.database)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'messages'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    daemon = Daemon(unlimited)
    with daemon.connect("ann") as ann, daemon.connect("bob") as bob:
        with unlimited.database.open("r+b") as file:
            file.seek((root - 1) * size)
            file.write(b"\xaa" * size)
        for _ in range(100):
            told = ann.ask("CHATHISTORY LATEST #lobby * 50")
            assert any("could not be" in line or "FAIL" in line for line in told), told
        ann.send("PRIVMSG bob :still here")
        bob.expect("still here")
    assert daemon.stop() == 0
    assert 1 <= len(daemon.log_lines("the database is damaged")) <= 20
    assert not daemon.log_lines("Traceback")
