from __future__ import annotations

from pathlib import Path

import pytest
from harness.control_server import ControlServer
from harness.shell import Shell

from chatroom.chat.stored.records import FailedLogins
from chatroom.storage.daemon_lock import DaemonLock


@pytest.fixture
def shell(home: Path) -> Shell:
    """A shell with an account and failed logins, and no daemon."""
    shell = Shell(home / "data" / "chatroom.db")
    shell.create("Alice")
    with shell.stores() as stores:
        stores.failed_logins.save(
            [
                FailedLogins("account alice", 6, 1_900_000_000_000),
                FailedLogins("address 4 c0000207", 2, 1_900_000_000_001),
                FailedLogins("address 6 20010db800010002", 3, 1_900_000_000_002),
                FailedLogins("network 6 20010db80001/48", 3, 1_900_000_000_003),
            ]
        )
    return shell


def test_the_list_without_a_daemon(shell: Shell) -> None:
    """It has those whose next login waits, the newest first."""
    assert shell.json("login-delay", "list") == [
        {"target": "2001:db8:1:2::/64", "failed": 3, "next_waits_s": 1},
        {"target": "alice", "failed": 6, "next_waits_s": 8},
    ]
    head, *rows = shell.done("login-delay", "list").splitlines()
    assert head.split() == ["TARGET", "FAILED", "NEXT", "WAITS"]
    assert rows[1].split() == ["alice", "6", "8s"]


def test_a_delay_is_lifted_without_a_daemon(shell: Shell) -> None:
    """Once, with a row in the audit."""
    assert shell.done("login-delay", "lift", "ALICE") == "The next login of alice does not wait\n"
    assert "no logins of alice have failed lately" in shell.refused("login-delay", "lift", "alice")
    said = shell.json("login-delay", "lift", "2001:db8:1:2::9")
    assert said["answer"] == "The next login of 2001:db8:1:2::/64 and 2001:db8:1::/48 does not wait"
    assert shell.json("login-delay", "list") == []
    assert [row["target"] for row in shell.json("audit", "list")][-2:] == [
        "alice",
        "2001:db8:1:2::/64 and 2001:db8:1::/48",
    ]
    assert "logins are counted by" in shell.refused("login-delay", "lift", "192.0.2.0/24")


def test_user_show_has_the_failures(shell: Shell) -> None:
    """Their number, and when the last one was."""
    shown = shell.done("user", "show", "alice").splitlines()
    assert any(line.split() == ["Failed", "logins", "6"] for line in shown)
    assert any(line.startswith("Last failed") and "2030-03-17" in line for line in shown)
    assert shell.json("user", "show", "alice")["failed_logins"] == {"failures": 6, "last_at": "2030-03-17T17:46:40Z"}
    shell.create("bob")
    assert shell.json("user", "show", "bob")["failed_logins"] is None


def test_a_running_daemon_is_asked(shell: Shell) -> None:
    """It knows what counts now, and forgets it itself."""
    answers = [
        ":srv NOTE LOGINDELAY ENTRY una 4 2 :una: 4 failed logins in 10 minutes, the next try waits 2 s",
        ":srv NOTE LOGINDELAY END * :1 delayed",
        ":srv NOTE LOGINDELAY DONE :The next login of una does not wait",
    ]
    server = ControlServer(shell.database, {"LOGINDELAY": answers})
    try:
        with DaemonLock.acquire(shell.database):
            assert shell.json("login-delay", "list") == [{"target": "una", "failed": 4, "next_waits_s": 2}]
            assert shell.done("login-delay", "lift", "una") == "The next login of una does not wait\n"
    finally:
        server.close()
    assert "LOGINDELAY LIFT una" in server.received
