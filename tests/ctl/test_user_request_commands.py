"""``chatroomctl user pending``, ``approve`` and ``reject``, without a daemon and with one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from harness.control_server import ControlServer
from harness.verifiers import find_verifier

from chatroom.chat.stored.invite_records import NewAccount
from chatroom.chat.stored.records import Credential
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.sqlite.sqlite_stores import open_stores

Ctl = Callable[..., Result]


@pytest.fixture
def ctl(run: Ctl, database: Path) -> Ctl:
    """Run ``chatroomctl user`` on a database in which zoe waits for an account."""
    with open_stores(database) as stores:
        new = NewAccount("Zoe", [Credential("bcrypt", "$2b$04$x")], "zoe@example.org")
        stores.requests.add(new, "192.0.2.1")

    def invoke(*args: str | Path, input: str | None = None) -> Result:
        return run("--database", database, "user", *args, input=input)

    return invoke


def test_who_waits_is_listed(ctl: Ctl) -> None:
    """As a table and as JSON, without verifiers."""
    header, row = ctl("pending").stdout.splitlines()
    assert header.split() == ["NAME", "FROM", "MAIL", "ADDRESS", "SINCE"]
    assert row.split()[:3] == ["Zoe", "192.0.2.1", "zoe@example.org"]
    (one,) = json.loads(ctl("pending", "--json").stdout)
    assert sorted(one) == ["created_at", "email", "id", "name", "origin"]


def test_an_approved_one_is_an_account(ctl: Ctl, database: Path) -> None:
    """With the password that was chosen."""
    result = ctl("approve", "zoe")
    assert (result.exit_code, result.stdout) == (0, f"Approved the account Zoe in {database}\n")
    with open_stores(database) as stores:
        assert find_verifier(stores, "zoe") == "$2b$04$x"
    assert "nobody waits to register zoe" in ctl("approve", "zoe").stderr


def test_a_rejected_one_is_gone(ctl: Ctl, database: Path) -> None:
    """The audit has the reason."""
    document = json.loads(ctl("reject", "zoe", "--reason", "who?", "--json").stdout)
    assert document["request"]["name"] == "Zoe"
    with open_stores(database) as stores:
        assert stores.requests.list_all() == []
        assert stores.audit.list_entries()[-1].detail.endswith("192.0.2.1: who?")
    assert ctl("reject", "zoe").exit_code == 1


def test_a_running_daemon_decides(ctl: Ctl, database: Path) -> None:
    """It gets the name and the reason, and what it refuses is an error here."""
    server = ControlServer(database, {"REQUEST": [":srv NOTE REQUEST DONE :Rejected the request for Zoe"]})
    try:
        with DaemonLock.acquire(database):
            assert ctl("reject", "zoe", "--reason", "who are you?", "--yes").exit_code == 0
        assert "REQUEST REJECT zoe :who are you?" in server.received
    finally:
        server.close()
