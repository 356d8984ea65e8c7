"""``chatroomctl ban add`` of what hits more than it should, or what is banned already."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from harness.bans import in_force, targets
from harness.control_server import ControlServer

Ctl = Callable[..., Result]


@pytest.fixture
def ctl(run: Ctl, database: Path, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """Run ``chatroomctl ban`` on the test's database, with cheap passwords."""
    monkeypatch.setenv("CHATROOM_ACCOUNTS__BCRYPT_COST", "4")

    def invoke(*args: str | Path, **how: object) -> Result:
        return run("--database", database, "ban", *args, **how)

    return invoke


def test_a_network_with_users_is_asked_about(ctl: Ctl, database: Path, present: Callable[..., None]) -> None:
    """If the daemon has users from a network, its ban needs --yes. One user's own address does not."""
    present(("alice", "10.1.0.1"), ("bob", "10.1.9.2"), *((f"user{n}", f"192.0.2.{n}") for n in range(30)))
    result = ctl("add", "10.1.0.0/16")
    assert result.exit_code == 1
    assert "2 of the 32 users present come from 10.1.0.0/16" in result.stderr
    assert targets(database) == []
    assert ctl("add", "198.51.100.0/24").exit_code == 0
    assert ctl("add", "10.1.0.1").exit_code == 0
    assert ctl("add", "10.1.0.0/16", "--yes").exit_code == 0
    assert targets(database) == ["198.51.100.0/24", "10.1.0.1", "10.1.0.0/16"]


def test_a_list_that_hits_users_is_asked_about(ctl: Ctl, database: Path, present: Callable[..., None]) -> None:
    """If a network of several subscribers does. Single addresses do not ask, and the answer counts who is gone."""
    present(("alice", "10.1.0.1"), ("bob", "10.1.9.2"), ("eve", "192.0.2.3"), ("fay", "2001:db8::1"))
    result = ctl("import", "-", input="10.1.0.0/16\n192.0.2.3\n2001:db8::/64\n")
    assert result.exit_code == 1
    assert "2 of the 4 users present come from 10.1.0.0/16. Ban them?" in result.stderr
    assert targets(database) == []
    assert ctl("import", "-", input="192.0.2.3\n198.51.100.0/24\n").exit_code == 0


def test_each_user_counts_once(ctl: Ctl, present: Callable[..., None]) -> None:
    """Two sessions of one user count once, and a session before registration does not count."""
    present(("alice", "192.0.2.1"), ("alice", "192.0.2.2"), ("bob", "198.51.100.1"), ("eve", "192.0.2.3", "*"))
    assert "1 of the 2 users present" in ctl("add", "192.0.2.0/24").stderr


def test_an_address_that_users_share_is_asked_about(ctl: Ctl, present: Callable[..., None]) -> None:
    """A ban of one address that two users share hits one more than the one it is for."""
    present(("alice", "192.0.2.1"), ("bob", "192.0.2.1"), ("eve", "192.0.2.3"), ("fay", "192.0.2.4"))
    assert "2 of the 4 users present come from 192.0.2.1" in ctl("add", "192.0.2.1").stderr
    assert "come from 192.0.2.1" in ctl("add", "alice", "--ip").stderr
    assert ctl("add", "alice").exit_code == 0


def test_a_ban_that_is_replaced_is_told(ctl: Ctl, database: Path) -> None:
    """The answer has the old ban with its reason and end, as a text and as JSON."""
    ctl("add", "192.0.2.7", "--for", "1h", "--reason", "spam")
    [old] = in_force(database)
    told = ctl("add", "192.0.2.7/32").stdout
    assert "Banned 192.0.2.7 permanently (ban 2)" in told
    assert f"it replaces ban 1 by {old.by}, until {old.until_at:%Y-%m-%d %H:%M:%S}Z, spam" in told
    document = json.loads(ctl("add", "192.0.2.7", "--json").stdout)
    assert [ban["id"] for ban in document["replaced"]] == [2]
    assert "replaces" not in ctl("add", "192.0.2.8").stdout


def test_the_last_admin_is_asked_about(ctl: Ctl, run: Ctl, database: Path, home: Path) -> None:
    """A ban that leaves no admin who can log in needs --yes, from a list too. Another admin who is banned is none."""
    for name in ("ada", "bea"):
        run("--database", database, "user", "create-admin", name, "--password-stdin", input="correct horse\n")
    assert ctl("add", "bea").exit_code == 0
    refused = ctl("add", "ADA")
    assert (refused.exit_code, "ada is the only admin who can log in. Ban ada?" in refused.stderr) == (1, True)
    (home / "list.txt").write_text("mallory\nada\n")
    refused = ctl("import", "list.txt")
    assert (refused.exit_code, "ada is the only admin" in refused.stderr) == (1, True)
    assert targets(database) == ["bea"]
    assert ctl("add", "ada", "--yes").exit_code == 0


def test_the_last_admins_address_is_asked_about(ctl: Ctl, run: Ctl, database: Path) -> None:
    """A ban of the address that the only admin is connected from is asked about, too."""
    run("--database", database, "user", "create-admin", "ada", "--password-stdin", input="correct horse\n")
    line = ":srv NOTE SESSIONS 1 boss ada 192.0.2.1 ada admin 1900000000 0 *"
    server = ControlServer(database, {"SESSIONS": [line]})
    assert "ada is the only admin" in ctl("add", "192.0.2.1").stderr
    server.close()
