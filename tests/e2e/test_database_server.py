"""The whole program on PostgreSQL: a server of the test's own, which is taken away in the middle of a chat."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from harness.daemon import Client, Daemon, Place, stopped_well, until
from harness.postgresql_server import PostgresqlServer
from harness.upgrading import Upgradable, prepared_place

pytestmark = pytest.mark.debian("postgres")


@pytest.fixture
def place(postgresql_server: PostgresqlServer) -> Iterator[Place]:
    """A place whose database is on a server. It has no tables yet."""
    address = postgresql_server.make_database(empty=True)
    with Place.make(limits__enabled=False) as made:
        made.database = address  # type: ignore[assignment] # only its text is used
        yield made
    postgresql_server.drop_database(address)


@pytest.fixture
def daemon(place: Place) -> Iterator[Daemon]:
    """A daemon there."""
    yield from stopped_well(Daemon(place))


def say(sender: Client, reader: Client, text: str) -> None:
    """Have one say something in #lobby, which the other reads."""
    sender.send(f"PRIVMSG #lobby :{text}")
    assert reader.expect("PRIVMSG").endswith(f"PRIVMSG #lobby :{text}")


def serve_elsewhere(place: Place) -> str:
    """Try to serve the database as another machine would, which must fail. Return what is said."""
    here = dict(place.environment)
    elsewhere = place.root / "elsewhere"
    elsewhere.mkdir(mode=0o700, exist_ok=True)
    place.environment.update(XDG_RUNTIME_DIR=str(elsewhere), TMPDIR=str(elsewhere))
    try:
        refused = place.run("serve", "--port", "0")
    finally:
        place.environment = here
    assert refused.returncode == 1
    return refused.stderr


def said(daemon: Daemon, channel: str = "#lobby") -> list[str]:
    """What the history of a channel has, as a new client reads it."""
    with daemon.connect("reader") as reader:
        reader.ask("CAP REQ :draft/chathistory", f"JOIN {channel}")
        lines = reader.ask(f"CHATHISTORY LATEST {channel} * 100")
    return [line.partition(f" PRIVMSG {channel} :")[2] for line in lines if f" PRIVMSG {channel} :" in line]


def test_a_chat_outlives_its_daemon(place: Place) -> None:
    """Accounts, channels, bans and what was said are there after a kill and a restart."""
    place.create("ada", "admin", "wonderland")
    for end in (signal.SIGTERM, signal.SIGKILL):
        daemon = Daemon(place)
        with daemon.connect("ada", password="wonderland") as ada, daemon.connect("bob") as bob:
            ada.ask("JOIN #lobby")
            bob.ask("JOIN #lobby")
            say(ada, bob, f"before {end.name}")
        if end is signal.SIGKILL:
            daemon.kill()
        else:
            assert daemon.stop(end) == 0
    daemon = Daemon(place)
    assert said(daemon) == ["before SIGTERM", "before SIGKILL"]
    assert daemon.stop() == 0
    assert not daemon.log_lines("Traceback")
    assert "before SIGKILL" in place.ctl("history", "search", "before sigkill")


def test_what_the_shell_does_is_in_force_at_once(daemon: Daemon) -> None:
    """The daemon hears of the commit."""
    place = daemon.place
    with daemon.connect("mallory") as mallory:
        place.ctl("ban", "add", "mallory", "--yes")
        mallory.expect_closed()
    place.create("una", "user", "wonderland")
    with daemon.connect("una", password="wonderland") as una:
        assert una.ask("WHOIS una")
    assert [one["target"] for one in place.ctl_json("ban", "list")] == ["mallory"]


def test_a_restart_of_the_server_disconnects_nobody(daemon: Daemon, postgresql_server: PostgresqlServer) -> None:
    """What is said is stored before and after it, in its order."""
    with daemon.connect("ada") as ada, daemon.connect("bob") as bob:
        ada.ask("JOIN #lobby")
        bob.ask("JOIN #lobby")
        for number in range(3):
            say(ada, bob, f"{number}")
            postgresql_server.end_connections()
        say(ada, bob, "3")
        daemon.place.ctl("ban", "add", "mallory", "--yes")
        until(lambda: daemon.log_lines("banned mallory"), "the daemon follows the changes again")
    assert said(daemon) == ["0", "1", "2", "3"]


def test_while_the_server_is_away(daemon: Daemon, postgresql_server: PostgresqlServer) -> None:
    """Nobody is disconnected. What cannot be stored is refused and shown to nobody; then everything goes on."""
    daemon.place.create("ada", "admin", "wonderland")
    with daemon.connect("ada", password="wonderland") as ada, daemon.connect("bob") as bob:
        ada.ask("JOIN #lobby", "OPER ada wonderland")
        bob.ask("JOIN #lobby")
        say(ada, bob, "before")
        postgresql_server.stop(signal.SIGINT)  # a restart: what was committed is there
        try:
            ada.send("PRIVMSG #lobby :nobody reads this")
            ada.expect("FAIL")
            ada.ask("UBAN ADD mallory 1d :spam")
            with daemon.open() as mallory:
                mallory.send("NICK mallory", "USER m 0 * :m")
                assert any("banned" in line.lower() for line in mallory.expect_closed())
        finally:
            postgresql_server.start()
        until(lambda: tried(ada, bob), "it is stored again")
        until(lambda: daemon.place.ctl_json("ban", "list"), "the ban is stored")
    assert said(daemon) == ["before", "after"]


def test_a_login_waits_for_the_server(daemon: Daemon, postgresql_server: PostgresqlServer) -> None:
    """Who logs in while it restarts reads a welcome when that is over; a question to the history is refused as such."""
    daemon.place.create("una", "user", "wonderland")
    with daemon.connect("bob") as bob, daemon.open() as una:
        bob.ask("CAP REQ :draft/chathistory", "JOIN #lobby")
        postgresql_server.stop(signal.SIGINT)
        try:
            bob.send("CHATHISTORY LATEST #lobby * 10")
            assert bob.expect("FAIL").endswith("Messages could not be retrieved")
            una.send("PASS una:wonderland", "NICK una", "USER u 0 * :u")
            until(lambda: daemon.log_lines("USER of "), "the login finds no server")
        finally:
            postgresql_server.start()
        una.expect(" 001 ")
        assert not [line for line in una.lines if " FAIL " in line]
        assert any(" 900 " in line for line in una.lines)


def tried(sender: Client, reader: Client) -> bool:
    """Say "after", which may be refused. Return True if the other has read it."""
    answers = sender.ask("PRIVMSG #lobby :after")
    if any(" FAIL " in line or line.startswith("FAIL") for line in answers):
        return False
    assert reader.expect("PRIVMSG").endswith(":after")
    return True


@pytest.fixture
def held(postgresql_server: PostgresqlServer, place: Place) -> Iterator[Daemon]:
    """A daemon whose commits wait for the server's disk. Those of the next lines are done, and are not answered."""
    place.environment["CHATROOM_HISTORY__SYNCHRONOUS"] = "full"
    try:
        yield from stopped_well(Daemon(place))
    finally:
        postgresql_server.release_commits()


def lose_answer(server: PostgresqlServer, client: Client, line: str) -> None:
    """Have the server end when it has done what a line commits, before it says so. Read that messages are refused."""
    server.hold_commits()
    client.send(line)
    until(server.count_held, "the commit is done")
    client.send("PRIVMSG #den :behind")
    server.stop()
    try:
        client.expect("NOT_KEPT #den")
    finally:
        server.start()
        server.release_commits()


def test_a_message_whose_commit_had_no_answer(held: Daemon, postgresql_server: PostgresqlServer) -> None:
    """Who is told that it is not kept finds it nowhere, though it was stored."""
    with held.connect("ada") as ada, held.connect("bob") as bob:
        ada.ask("JOIN #lobby", "JOIN #den")
        bob.ask("JOIN #lobby")
        say(ada, bob, "before")
        lose_answer(postgresql_server, ada, "PRIVMSG #lobby :in doubt")
        assert [line for line in ada.lines if "NOT_KEPT #lobby" in line]
        until(lambda: tried(ada, bob), "it is stored again")
    assert said(held) == ["before", "after"]


def test_a_daemon_that_ends_before_it_knows(place: Place, postgresql_server: PostgresqlServer) -> None:
    """The next one takes back what this one has refused, and nothing else of what was said last."""
    place.environment["CHATROOM_HISTORY__SYNCHRONOUS"] = "full"
    daemon = Daemon(place)
    with daemon.connect("ada") as ada, daemon.connect("bob") as bob:
        ada.ask("JOIN #lobby", "JOIN #den")
        bob.ask("JOIN #lobby")
        say(ada, bob, "before")
        postgresql_server.hold_commits()
        try:
            ada.send("PRIVMSG #lobby :in doubt")
            until(postgresql_server.count_held, "the commit is done")
            ada.send("PRIVMSG #den :behind")
            postgresql_server.stop()
            try:
                ada.expect("NOT_KEPT #den")
                assert [line for line in ada.lines if "NOT_KEPT #lobby" in line]
                daemon.kill()
            finally:
                postgresql_server.start()
        finally:
            postgresql_server.release_commits()
    daemon = Daemon(place)
    with daemon.connect("ada") as ada, daemon.connect("bob") as bob:
        for client in (ada, bob):
            client.ask("JOIN #lobby")
        until(lambda: tried(ada, bob), "messages are stored")
    assert said(daemon) == ["before", "after"]
    assert daemon.stop() == 0


def test_a_new_name_whose_commit_had_no_answer(held: Daemon, postgresql_server: PostgresqlServer) -> None:
    """The channel has it once, and keeps its history."""
    with held.connect("ada") as ada, held.connect("bob") as bob:
        ada.ask("JOIN #lobby", "JOIN #den", "JOIN #tea", "PRIVMSG #tea :before")
        bob.ask("JOIN #lobby")
        lose_answer(postgresql_server, ada, "RENAME #tea #coffee")
        until(lambda: tried(ada, bob), "it is stored again")
        assert said(held, "#coffee") == ["before"]


def test_a_database_has_one_daemon(daemon: Daemon) -> None:
    """Of all machines: one that does not see the lock on this one is told by the server."""
    place = daemon.place
    assert "another daemon serves this database" in place.run("serve", "--port", "0").stderr
    assert "another daemon serves this database, from " in serve_elsewhere(place)


def test_a_new_daemon_takes_over(postgresql_server: PostgresqlServer) -> None:
    """As with a file: nobody is dropped, and it has the lock of the database afterwards."""
    address = postgresql_server.make_database()
    with prepared_place(limits__enabled=False) as place:
        place.database = address  # type: ignore[assignment] # only its text is used
        house = Upgradable(Daemon(place))
        with house.daemon.connect("ada") as ada, house.daemon.connect("bob") as bob:
            ada.ask("JOIN #lobby")
            bob.ask("JOIN #lobby")
            say(ada, bob, "before")
            pid = house.pid
            house.upgrade()
            say(ada, bob, "after")
            assert house.pid != pid
        assert said(house.daemon) == ["before", "after"]
        until(lambda: "another daemon serves" in serve_elsewhere(place), "the new daemon has the lock")
        house.end()
    postgresql_server.drop_database(address)
