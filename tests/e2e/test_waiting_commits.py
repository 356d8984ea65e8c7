"""While a commit waits (``history.synchronous = "full"``), nobody else does. Here it waits for another's write lock."""

from __future__ import annotations

import contextlib
import select
import sqlite3
from collections.abc import Iterator

import pytest
from harness.daemon import Client, Daemon, Place, until


@pytest.fixture(params=[1, 2], ids=["one-io-thread", "two-io-threads"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A place whose daemons have a thread for commits."""
    with Place.make(history__synchronous="full", server__io_threads=request.param) as place:
        yield place


@contextlib.contextmanager
def locked(place: Place) -> Iterator[None]:
    """Hold the write lock of the database."""
    with contextlib.closing(sqlite3.connect(place.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def have_all_read(daemon: Daemon) -> None:
    """Have each I/O thread read what was sent to it before: sessions are dealt out to the threads in turn.

    Nobody registers: who is in the room already when the message is read, is told it, and waits with it.
    """
    with Client(daemon.port) as one, Client(daemon.port) as other:
        for client in (one, other):
            client.send("CAP LS 302")
            client.expect("CAP")


def has_anything(client: Client) -> bool:
    """True if there is something to read."""
    return bool(select.select([client.sock], [], [], 0)[0])


def test_others_are_answered_while_a_commit_waits(place: Place) -> None:
    """Who does not read the message goes on. Who reads it, and its sender, read everything in its order afterwards."""
    daemon = Daemon(place)
    with daemon.connect("ann") as ann, daemon.connect("bob") as bob, daemon.connect("cid") as cid:
        cid.ask("PART #lobby")
        ann.collect()
        bob.collect()
        with locked(place):
            ann.send("PRIVMSG #lobby :one", "PING behind", "PRIVMSG #lobby :two", "TOPIC #lobby")
            for number in range(20):
                cid.ask(f"PING {number}")
            bob.send("PING bob")
            cid.ask("JOIN #elsewhere", "WHO bob")
            assert not has_anything(ann) and not has_anything(bob)
        assert "behind" in ann.expect("PONG")
        assert [line.rpartition(":")[2] for line in bob.collect()] == ["one", "two", "bob"]
    assert daemon.stop() == 0


def test_a_message_that_waits_too_long_is_refused(place: Place) -> None:
    """After five seconds its sender reads why. Nobody reads the message, then or later; what is said next is told."""
    daemon = Daemon(place)
    with daemon.connect("ann") as ann, daemon.connect("bob") as bob:
        bob.send("CAP REQ :draft/chathistory batch")
        bob.collect()
        with locked(place):
            assert any("NOT_KEPT" in line and "is busy" in line for line in ann.ask("PRIVMSG #lobby :lost"))
        ann.ask("PRIVMSG #lobby :kept")
        lines = bob.ask("CHATHISTORY LATEST #lobby * 10")
        assert "lost" not in " ".join(lines) and any(line.endswith(":kept") for line in lines)
    daemon.expect_log("messages cannot be stored, and are not sent: the database is busy")
    daemon.expect_log("messages can be stored again")
    assert daemon.stop() == 0


def test_a_kill_while_a_commit_waits_leaves_nothing_that_was_read(place: Place) -> None:
    """The message is neither read nor stored, and the next daemon goes on."""
    daemon = Daemon(place)
    with daemon.connect("ann") as ann, daemon.connect("bob") as bob:
        bob.collect()
        with locked(place):
            ann.send("PRIVMSG #lobby :lost")
            have_all_read(daemon)
            daemon.kill()
        assert "lost" not in " ".join(bob.expect_closed())
    daemon = Daemon(place)
    with daemon.connect("ann") as ann:
        ann.ask("PRIVMSG #lobby :kept")
    assert [entry["text"] for entry in place.ctl_json("history", "search", "--from", "ann")] == ["kept"]
    assert daemon.stop() == 0


def test_a_stop_stores_what_waits(place: Place) -> None:
    """What was accepted is stored before the daemon ends, if the lock is free in time."""
    daemon = Daemon(place)
    with daemon.connect("ann") as ann:
        with locked(place):
            ann.send("PRIVMSG #lobby :accepted")
            have_all_read(daemon)
            daemon.process.terminate()
            until(lambda: daemon.log_lines("stopping"), "it stops")
        ann.expect("ERROR")
    assert daemon.wait() == 0
    assert [entry["text"] for entry in place.ctl_json("history", "search", "--from", "ann")] == ["accepted"]
