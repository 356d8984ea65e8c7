from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.kept_history import audited, everything, fill, texts
from harness.shell import Shell

from chatroom.storage.sqlite.history_upkeep import open_upkeep


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A database with the old accounts ada and bob, and some of their messages."""
    shell = Shell(tmp_path / "chatroom.db")
    fill(shell)
    return shell


@pytest.mark.parametrize(
    "options, count",
    [
        (("tea",), 6),
        (("good", "tea"), 1),
        (('"good old"',), 1),
        (("tea", "--channel", "#LOBBY"), 4),
        (("tea", "--from", "Bob"), 1),
        (("--from", "bob"), 1),
        (("tea", "--after", "30d"), 5),
        (("tea", "--before", "30d"), 1),
        (("tea", "--after", "2d12h", "--before", "18h"), 3),
        (("tea", "--limit", "2"), 2),
        (("coffee",), 0),
    ],
)
def test_search(shell: Shell, options: tuple[str, ...], count: int) -> None:
    """Words, phrases and each filter work before the entries are indexed and after."""
    assert len(texts(shell, *options)) == count
    upkeep = open_upkeep(shell.database)
    while upkeep.index_some():
        pass
    upkeep.close()
    assert len(texts(shell, *options)) == count


def test_search_for_people(shell: Shell) -> None:
    """Each message is a line, its further lines are indented, and escape sequences are harmless."""
    lines = shell.done("history", "search", "tea").splitlines()
    assert [line[21:] for line in lines if line.startswith("20")] == [
        "#lobby <ada> good old tea",
        "#lobby <bob> bring tea\\x1b[31m",
        "to bob <ada> only for you: tea",
        "#lobby <ada> first tea line",
        "#Kitchen -ada- \\x01ACTION pours tea\\x01",
        "#lobby <guest> fresh tea",
    ]
    assert lines[4] == "    second line"


def test_search_as_json(shell: Shell) -> None:
    """The JSON of a message has all of its fields."""
    found = shell.json("history", "search", "fresh")
    assert found[0].pop("at").endswith("Z")
    assert len(found[0].pop("msgid")) == 13
    assert found == [
        {
            "channel": "#lobby",
            "target": "#lobby",
            "kind": "PRIVMSG",
            "source": "guest!u@h",
            "account": None,
            "text": "fresh tea",
            "tags": None,
        }
    ]


def test_search_that_cannot_be(shell: Shell) -> None:
    """A search without words, an unknown channel and a wrong time are each refused in one line."""
    nothing = shell.run("history", "search", "tea", "nowhere")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "No message matches.\n")
    assert shell.json("history", "search", "tea", "nowhere") == []
    assert "needs a word" in shell.refused("history", "search", '"*"')
    assert "needs a word" in shell.refused("history", "search")
    assert "#none" in shell.refused("history", "search", "tea", "--channel", "#none")
    assert "--after" in shell.misused("history", "search", "tea", "--after", "soon")
    assert "--limit" in shell.misused("history", "search", "tea", "--limit", "0")


def test_export_for_people(shell: Shell) -> None:
    """The text format can be limited to one channel and one span of time."""
    lines = shell.done("history", "export", "--format", "text", "--channel", "#lobby", "--after", "20h").splitlines()
    assert [line[21:] for line in lines] == ["#lobby <guest> fresh tea", "#lobby -- ada kicked bob no tea for you"]
    assert shell.done("history", "export", "--before", "500d") == ""
    assert "#none" in shell.refused("history", "export", "--channel", "#none")


def test_list_is_what_an_account_said(shell: Shell) -> None:
    """The list has all entries by one account in every conversation, and none by others."""
    assert [entry["source"] for entry in shell.json("history", "list", "BOB")] == ["bob!u@h"]
    assert len(shell.json("history", "list", "ada")) == 5
    assert "only for you" in shell.done("history", "list", "ada")
    assert "nobody" in shell.refused("history", "list", "nobody")


def test_prune(shell: Shell) -> None:
    """Older entries are deleted after confirmation, audited, and erased from the files."""
    assert "--yes" in shell.refused("history", "prune", "--older-than", "1y")
    assert len(everything(shell)) == 7
    assert "Deleted 1 entries" in shell.done("history", "prune", "--older-than", "1y", "--yes")
    assert everything(shell)[0].text == "bring tea\x1b[31m"
    action, _, detail = audited(shell)
    assert (action, detail.startswith("1 entries before")) == ("history.prune", True)
    assert b"good old" not in shell.database.read_bytes()
    assert "no entries that old" in shell.done("history", "prune", "--older-than", "1y", "--yes")
    assert "--older-than" in shell.misused("history", "prune")
    assert "--older-than" in shell.misused("history", "prune", "--older-than", "0d")


def test_forget(shell: Shell) -> None:
    """All entries by an account are deleted after confirmation and erased from the files.

    The account and the entries of others stay.
    """
    assert "--yes" in shell.refused("history", "forget", "ada")
    assert "Deleted 5 entries" in shell.done("history", "forget", "Ada", "--yes")
    assert [entry.text for entry in everything(shell)] == ["bring tea\x1b[31m", "fresh tea"]
    assert audited(shell) == ["history.forget", "Ada", "5 entries"]
    left = b"".join(file.read_bytes() for file in shell.database.parent.iterdir())
    for word in (b"only for you", b"pours", b"second line"):
        assert word not in left
    assert "ada" in shell.done("user", "show", "ada")
    assert "nobody" in shell.refused("history", "forget", "nobody", "--yes")


def test_forget_who_is_deleted(shell: Shell) -> None:
    """Entries by a deleted account are listed and deleted by its name.

    A newer account with that name is not affected.
    """
    shell.done("user", "delete", "bob", "--yes")
    assert len(shell.json("history", "list", "bob")) == 1
    shell.create("bob")
    assert shell.json("history", "list", "bob") == []
    assert "Deleted 0" in shell.done("history", "forget", "bob", "--yes")
    shell.done("user", "delete", "bob", "--yes")
    assert "Deleted 1" in shell.done("history", "forget", "bob", "--yes")


def test_stats(shell: Shell) -> None:
    """The statistics have counts by kind, the oldest and newest time, and the largest channels."""
    found = shell.json("history", "stats")
    assert (found["entries"], found["kinds"]) == (7, {"PRIVMSG": 5, "NOTICE": 1, "KICK": 1})
    assert (found["channels"], found["direct_conversations"], found["not_indexed"]) == (2, 1, 7)
    oldest = datetime.now(UTC) - datetime.fromisoformat(found["oldest_at"])
    assert timedelta(days=399) < oldest < timedelta(days=401)
    upkeep = open_upkeep(shell.database)
    while upkeep.index_some():
        pass
    upkeep.close()
    assert shell.json("history", "stats")["largest"] == [["#lobby", 5], ["#Kitchen", 1]]
    shown = shell.done("history", "stats")
    assert "#Kitchen" in shown
    assert "Direct conversations" in shown


def test_nothing_kept_yet(tmp_path: Path) -> None:
    """The empty history of a new database is no error."""
    shell = Shell(tmp_path / "chatroom.db")
    shell.create("ada")
    assert shell.json("history", "stats")["oldest_at"] is None
    assert shell.done("history", "stats")
    assert shell.done("history", "export") == ""
    assert shell.json("history", "search", "tea") == []
    assert shell.json("history", "list", "ada") == []


def test_a_failed_export_keeps_the_old_one(shell: Shell, tmp_path: Path) -> None:
    """An export that fails leaves the file of the last one as it was."""
    file = tmp_path / "history.jsonl"
    file.write_text("old")
    assert "#none" in shell.refused("history", "export", str(file), "--channel", "#none")
    assert file.read_text() == "old"
