"""What clients have read is in the history, once and in order, however the daemon ends, and so is what it answered."""

from __future__ import annotations

import random
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from harness.daemon import Client, Daemon, Place, until

from chatroom.database_address import DatabaseAddress
from chatroom.storage.opening import open_stores

if TYPE_CHECKING:
    from harness.postgresql_server import PostgresqlServer

SAID = re.compile(r"^@(\S+) :(\w+)!\S+ PRIVMSG #lobby :(.*)$")
Said = tuple[str, str, str]
"""A message's msgid, its sender's nick, and its text."""


class Reader(threading.Thread):
    """Reads the messages in the room until the connection ends."""

    def __init__(self, daemon: Daemon, nick: str) -> None:
        super().__init__(daemon=True)
        self.read: list[Said] = []
        self.is_warm = threading.Event()
        """Set when enough messages have come for the end."""
        self.last_lines: list[str] = []
        """The last two lines that were read."""
        self._client = daemon.open()
        self._client.send("CAP REQ :message-tags server-time", f"NICK {nick}", f"USER {nick} 0 * :r", "CAP END")
        self._client.expect("366")

    def run(self) -> None:
        """Read."""
        while (line := self._client.read_line()) is not None:
            self.last_lines = [*self.last_lines[-1:], line]
            found = SAID.match(line)
            if found is not None:
                tags = dict(tag.split("=", 1) for tag in found[1].split(";"))
                self.read.append((tags["msgid"], found[2], found[3]))
                if len(self.read) == 50:
                    self.is_warm.set()
        self._client.sock.close()


class Talker(threading.Thread):
    """Says numbered lines as fast as the connection takes them, until it ends."""

    def __init__(self, daemon: Daemon, nick: str, word: str) -> None:
        super().__init__(daemon=True)
        self._client: Client = daemon.connect(nick)
        self.word = word
        """What its lines begin with."""
        self.answered = 0
        """How many lines the daemon has run: it has answered a PING behind them."""

    def run(self) -> None:
        """Talk."""
        number = 0
        try:
            while True:
                lines = [f"PRIVMSG #lobby :{self.word} {number + each}" for each in range(10)]
                number += 10
                self._client.send(*lines)
                self._client.collect()
                self.answered = number
        except (OSError, AssertionError):
            self._client.sock.close()


def kept_in(database: DatabaseAddress) -> list[Said]:
    """Return the whole history of the room, oldest first."""
    with open_stores(database) as stores:
        entries = stores.history.latest("#lobby", 1_000_000)
    return [(entry.msgid, entry.source.partition("!")[0], entry.text) for entry in entries]


def end_under_load(place: Place, chance: random.Random, number: int = signal.SIGKILL) -> list[Reader]:
    """Let users talk, end the daemon at some moment, and compare what was read with what is in the history."""
    daemon = Daemon(place)
    readers = [Reader(daemon, f"reader{number}") for number in range(3)]
    talkers = [Talker(daemon, f"talker{each}", f"w{chance.randrange(10**9)}") for each in range(3)]
    for thread in (*readers, *talkers):
        thread.start()
    assert readers[0].is_warm.wait(30)
    threading.Event().wait(chance.random() / 10)  # a random moment is the point of this test
    assert daemon.stop(number) == (0 if number == signal.SIGTERM else -number)
    for thread in (*readers, *talkers):
        thread.join(30)
    kept = compare(kept_in(place.database), readers)
    texts = {text for _, _, text in kept}
    for talker in talkers:
        assert {f"{talker.word} {each}" for each in range(talker.answered)} <= texts, "what was answered is kept"
    return readers


def compare(kept: list[Said], readers: list[Reader]) -> list[Said]:
    """Compare what was read with what is kept, which is returned."""
    assert len({msgid for msgid, _, _ in kept}) == len(kept)
    place_of = {said: index for index, said in enumerate(kept)}
    for reader in readers:
        places = [place_of.get(said, -1) for said in reader.read]
        assert -1 not in places, "what was read is kept"
        assert places == list(range(places[0], places[0] + len(places))), "in that order, with nothing left out"
    return kept


@pytest.fixture(params=["normal", "full", pytest.param("server", marks=pytest.mark.debian("postgres"))])
def loaded(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A place without limits and with one I/O thread, as by default.

    With "full", and with a database on a server, a thread of its own commits.
    """
    synchronous = "full" if request.param == "full" else "normal"
    with Place.make(limits__enabled=False, server__io_threads=1, history__synchronous=synchronous) as place:
        if request.param == "server":
            server: PostgresqlServer = request.getfixturevalue("postgresql_server")
            place.database = server.make_database()  # type: ignore[assignment] # only its text is used
        yield place


def forget_all(database: DatabaseAddress) -> None:
    """Remove what was said: comparing many messages takes most of the time."""
    if isinstance(database, Path):
        database.unlink()
        return
    with open_stores(database) as stores:
        stores.database.execute("TRUNCATE messages, places, message_words")


def test_what_was_read_is_kept_over_kills(loaded: Place) -> None:
    """After twenty kills at random moments nothing is missing or doubled, and order and ids are as they were read."""
    chance = random.Random(20)
    for _ in range(20):
        end_under_load(loaded, chance)


def test_a_stop_in_a_storm_loses_nothing_and_tells_everyone(loaded: Place) -> None:
    """At SIGTERM while users talk, the daemon ends with 0; what was read or answered is kept, and all read why."""
    for reader in end_under_load(loaded, random.Random(15), signal.SIGTERM):
        assert [line.partition(" :")[2] if line.startswith("@") else line for line in reader.last_lines] == [
            "chatroom.local NOTICE * :Server is shutting down",
            "ERROR :Closing Link: 127.0.0.1 (Server is shutting down)",
        ]


def kill_server_under_load(server: PostgresqlServer, rounds: int) -> None:
    """Let users talk, kill the database server again and again, and compare what was read with what it has."""
    with Place.make(limits__enabled=False, history__synchronous="full") as place:
        address = server.make_database()
        place.database = address  # type: ignore[assignment] # only its text is used
        daemon = Daemon(place)
        readers = [Reader(daemon, f"reader{number}") for number in range(2)]
        talkers = [Talker(daemon, f"talker{each}", f"w{each}") for each in range(3)]
        for thread in (*readers, *talkers):
            thread.start()
        for _ in range(rounds):
            count = len(readers[0].read)
            until(lambda: len(readers[0].read) > count + 50, "messages are told")  # noqa: B023 - called in the loop only
            server.stop()
            server.start()
        count = len(readers[0].read)
        until(lambda: len(readers[0].read) > count, "messages are told again")
        assert daemon.stop() == 0
        assert not daemon.log_lines("Traceback")
        for thread in (*readers, *talkers):
            thread.join(30)
        compare(kept_in(address), readers)
    server.drop_database(address)


@pytest.mark.debian("postgres")
def test_what_was_read_is_kept_when_the_server_is_killed(postgresql_server: PostgresqlServer) -> None:
    """In the middle of commits. Nobody is disconnected; nothing is lost, doubled or out of order."""
    kill_server_under_load(postgresql_server, 5)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.debian("postgres")
def test_what_was_read_is_kept_when_the_server_is_killed_a_hundred_times(postgresql_server: PostgresqlServer) -> None:
    """The same, for longer."""
    kill_server_under_load(postgresql_server, 100)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_what_was_read_is_kept_over_a_thousand_kills(loaded: Place) -> None:
    """The same, for an hour."""
    chance = random.Random(1000)
    for _ in range(1000):
        end_under_load(loaded, chance)
        forget_all(loaded.database)


def test_a_restart_shows_what_was_said_before() -> None:
    """A client that connects after a restart reads the last lines, each with its time as a tag or in front of it."""
    with Place.make(history__replay_guests=10) as place:
        daemon = Daemon(place)
        with daemon.connect("alice") as alice:
            alice.ask("PRIVMSG #lobby :before the end")
            daemon.kill()
        daemon = Daemon(place)
        with daemon.open() as bob, daemon.open() as carol:
            bob.send("NICK bob", "USER bob 0 * :b")
            assert re.search(r"PRIVMSG #lobby :\[\d\d:\d\d\] before the end$", bob.expect("PRIVMSG"))
            carol.send("CAP REQ :server-time", "NICK carol", "USER c 0 * :c", "CAP END")
            assert re.search(r"^@time=\S+Z :alice!\S+ PRIVMSG #lobby :before the end$", carol.expect("PRIVMSG"))
        assert daemon.stop() == 0
