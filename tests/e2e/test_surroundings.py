"""Both kinds of addresses, a database that another process has locked, and the limit of open files."""

from __future__ import annotations

import resource
import socket
import sqlite3

import pytest
from harness.daemon import PASSWORD, Daemon, Place, until, verb_of


def has_ipv6() -> bool:
    """True if this machine has the IPv6 loopback address."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6 here")
def test_all_networks_at_once(place: Place) -> None:
    """On "::" a peer that comes over IPv4 has an IPv4 address, in who and for bans. ::1 is this machine."""
    place.create("ada", "admin")
    daemon = Daemon(place, "--host", "::")
    with daemon.connect("ada", password=PASSWORD) as ada, daemon.connect("four", from_address="127.7.0.1") as four:
        with socket.create_connection(("::1", daemon.port)) as six:
            six.sendall(b"NICK six\r\nUSER s 0 * :S\r\n")
            addresses = until(
                lambda: (
                    {row["nick"]: row["address"] for row in place.ctl_json("who")}
                    if place.ctl_json("status")["users"] == 3
                    else None
                ),
                "all three are there",
            )
            assert addresses == {"ada": "127.0.0.1", "four": "127.7.0.1", "six": "::1"}
            assert any("FORCE" in line for line in ada.ask("UBAN ADD --ip six"))
        ada.send("UBAN ADD FORCE 127.7.0.0/24 1h four")
        assert "banned: four" in four.expect_closed()[-1]
        with daemon.open("127.7.0.2") as refused:
            assert "banned: four" in refused.expect_closed()[-1]
    assert daemon.stop() == 0


def test_a_locked_database_is_waited_for(daemon: Daemon) -> None:
    """During a write transaction of the shell, REGISTER waits and all other users chat. Then it is done."""
    database = sqlite3.connect(daemon.place.database, isolation_level=None)
    with daemon.connect("rita") as rita, daemon.connect("sam") as sam, daemon.connect("tom") as tom:
        rita.ask("PART #lobby")
        rita.lines.clear()
        database.execute("BEGIN IMMEDIATE")
        rita.send("REGISTER * * :long enough", "PING behind")
        for number in range(20):
            sam.ask(f"PRIVMSG tom :{number}")
        assert len([line for line in tom.collect() if verb_of(line) == "PRIVMSG"]) == 20
        database.execute("ROLLBACK")
        database.close()
        rita.expect("REGISTER SUCCESS")
        assert rita.expect("PONG").endswith(":behind")


def test_the_shell_is_not_starved_by_the_daemon(daemon: Daemon) -> None:
    """While topics change as fast as they can, chatroomctl gets its turn to write, and the daemon takes it in."""
    daemon.create("ada", "admin")
    with daemon.connect("ada", password=PASSWORD) as ada, daemon.connect("victim") as victim:
        for number in range(25):
            ada.send(f"TOPIC #lobby :topic {number}")
        daemon.place.ctl("ban", "add", "victim", "--reason", "in between")
        assert "banned: in between" in victim.expect_closed()[-1]
        ada.expect("topic 24")


def test_connections_leave_files_to_everything_else(daemon: Daemon) -> None:
    """At the limit of open files new connections are refused, and everything else works."""
    files = 64 + 3
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (files, files))
    daemon.create("eve", "admin")
    with daemon.connect("ann") as ann, daemon.connect("bob") as bob, daemon.connect("eve", password=PASSWORD):
        for _ in range(5):
            with daemon.open() as late:
                assert late.expect_closed() == [
                    "ERROR :Closing Link: 127.0.0.1 (too many connections to this server, try again later)"
                ]
        assert daemon.place.ctl_json("status")["users"] == 3
        daemon.create("zoe")
        ann.send("PRIVMSG bob :still here")
        bob.expect("still here")
    until(lambda: daemon.place.ctl_json("status")["users"] == 0, "all have left")
    daemon.connect("cid").sock.close()
    refused = daemon.log_lines("open files")
    assert set(refused) == {
        "refused 127.0.0.1: 3 connections are open, as many as a limit of 67 open files leaves room for"
    }
