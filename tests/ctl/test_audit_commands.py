from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from harness.shell import Shell

from chatroom.chat.stored.records import Actor
from chatroom.storage.sqlite.sqlite_stores import open_stores


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A database with three audit entries: one from 2020, one two days old, one an hour old."""
    shell = Shell(tmp_path / "chatroom.db")
    now = datetime.now(UTC)
    moments = [datetime(2020, 6, 1, 23, 30, tzinfo=UTC), now - timedelta(days=2), now - timedelta(hours=1)]
    whose = [("alice", "mallory"), ("bob", "mallory"), ("Alice", "eve")]
    for at, (actor, target) in zip(moments, whose, strict=True):
        with open_stores(
            shell.database, create=True, clock=partial(datetime.fromtimestamp, at.timestamp(), UTC)
        ) as stores:
            stores.audit.add(Actor(actor, "192.0.2.1"), "kick", target, "why\x1b[31m")
    return shell


def ids(shell: Shell, *options: str) -> list[int]:
    """The ids of the listed entries."""
    return [entry["id"] for entry in shell.json("audit", "list", *options)]


@pytest.mark.parametrize(
    "options, expected",
    [
        ((), [1, 2, 3]),
        (("--actor", "ALICE"), [1, 3]),
        (("--target", "Mallory"), [1, 2]),
        (("--actor", "alice", "--target", "mallory"), [1]),
        (("--actor", "nobody"), []),
        (("--since", "1d"), [3]),
        (("--since", "2d12h"), [2, 3]),
        (("--since", "2020-06-01"), [1, 2, 3]),
        (("--since", "2020-06-02"), [2, 3]),
        (("--since", "2020-06-01T23:30"), [1, 2, 3]),
        (("--since", "2020-06-01T23:30:01Z"), [2, 3]),
        (("--since", "2020-06-02T00:30:00+01:00"), [1, 2, 3]),
        (("--limit", "2"), [2, 3]),
    ],
)
def test_filters(shell: Shell, options: tuple[str, ...], expected: list[int]) -> None:
    """Names match in any case.

    --since takes a duration, or a time in UTC or with an offset. --limit takes the newest.
    """
    assert ids(shell, *options) == expected


def test_entry_as_json(shell: Shell) -> None:
    """The JSON of an entry has all of its fields, with the time in UTC."""
    entry = shell.json("audit", "list")[0]
    assert entry == {
        "id": 1,
        "at": "2020-06-01T23:30:00Z",
        "actor": "alice",
        "origin": "192.0.2.1",
        "action": "kick",
        "target": "mallory",
        "detail": "why\x1b[31m",
    }


def test_table_is_harmless(shell: Shell) -> None:
    """Escape sequences in an entry do not reach the terminal."""
    said = shell.done("audit", "list")
    assert "\x1b" not in said
    shown = ["2020-06-01", "23:30:00Z", "alice", "192.0.2.1", "kick", "mallory", "why\\x1b[31m"]
    assert said.splitlines()[1].split() == shown


@pytest.mark.parametrize("since", ["yesterday", "7", "0d", "2030-13-01", "999999999999y", "0001-01-01T00:00+14:00", ""])
def test_moments_that_are_none(shell: Shell, since: str) -> None:
    """A value that is neither a duration nor a date is a usage error."""
    assert "--since" in shell.misused("audit", "list", "--since", since)


def test_bytes_that_are_no_text(shell: Shell) -> None:
    """An argument that is not UTF-8 is refused in one line."""
    assert "valid Unicode" in shell.refused("audit", "list", "--actor", "\udcff")


def test_help_has_an_example(shell: Shell) -> None:
    """The help of the command has an example."""
    assert "chatroomctl audit list --since 7d" in shell.done("audit", "list", "--help")
