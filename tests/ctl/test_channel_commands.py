"""``chatroomctl channel`` without a daemon; ``tests/e2e/test_live.py`` has it with one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.kept_history import keep, said
from harness.shell import Shell

from chatroom.chat.stored.records import Actor, ListEntry, StoredChannel
from chatroom.storage.sql.history_rows import find_conversation

AT = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A database with the account alice and the channels #Tea, which is hers, and #bare."""
    shell = Shell(tmp_path / "chat.db")
    shell.create("alice")
    tea = StoredChannel(
        "#Tea",
        1,
        AT,
        flags="nst",
        key="key",
        limit=9,
        topic="at four",
        topic_by="alice!a@h",
        topic_at=AT,
        lists=(ListEntry("b", "*!*@spam.example", "alice!a@h", AT),),
        access={1: "founder"},
        metadata={"url": "https://tea.example"},
        join_throttle="5:10",
        slow_mode_s=30,
        used_at=AT,
    )
    with shell.stores() as stores:
        for channel in (tea, StoredChannel("#bare", None, AT)):
            stores.channels.save(channel, Actor("x", "cli"), "", "")
    return shell


def test_list(shell: Shell) -> None:
    """The table and the document have the stored channels by name."""
    lines = shell.done("channel", "list").splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "#bare", "#Tea"]
    assert lines[2].split()[1:5] == ["0", "yes", "+nst", "alice"]
    found = shell.json("channel", "ls")
    assert [one["name"] for one in found] == ["#bare", "#Tea"]
    assert found[1]["topic"] == "at four"


def test_show(shell: Shell) -> None:
    """All that is stored is shown, as lines and as a document."""
    text = shell.done("channel", "show", "#tea")
    for part in ("#Tea", "at four", "alice!a@h", "+nst", "key", "founder", "*!*@spam.example", "https://tea.example"):
        assert part in text
    assert "at most 5 in 10 s" in text and "one message of a user every 30 s" in text
    found = shell.json("channel", "show", "#TEA")
    assert (found["join_throttle"], found["nick_throttle"], found["slow_mode_s"]) == ("5:10", None, 30)
    assert (found["founder"], found["limit"], found["access"]) == ("alice", 9, {"alice": "founder"})
    assert found["masks"][0]["mask"] == "*!*@spam.example"
    assert found["used_at"] == "2030-01-01T12:00:00Z"
    assert shell.json("channel", "show", "#bare")["used_at"] is None
    assert "#none" in shell.refused("channel", "show", "#none")


def test_delete(shell: Shell) -> None:
    """It asks, and it refuses a configured channel. A later channel of the name does not show the history."""
    keep(shell, said("hello", where="#tea"))
    assert "--yes" in shell.refused("channel", "delete", "#tea")
    assert shell.json("channel", "rm", "#tea", "--yes") == {"database": str(shell.database), "channel": "#Tea"}
    assert [one["name"] for one in shell.json("channel", "list")] == ["#bare"]
    with shell.stores() as stores:
        assert find_conversation(stores.database, "#tea") is None
        assert stores.database.number("SELECT count(*) FROM messages") == 1
    assert shell.json("audit", "list")[-1]["action"] == "channel.delete"
    assert "#none" in shell.refused("channel", "delete", "#none", "--yes")
    with shell.stores() as stores:
        stores.channels.save(StoredChannel("#lobby", None, AT), Actor("x", "cli"), "", "")
    assert "autojoin" in shell.refused("channel", "delete", "#lobby", "--yes")
