from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness.shell import Shell

from chatroom.chat.stored.entries import Entry, EntryFlag, Kind, Part, direct, join_parts, next_message_id
from chatroom.ctl import history_steps
from chatroom.errors import StorageError
from chatroom.storage.sqlite import history_archive
from chatroom.storage.sqlite.history_upkeep import open_upkeep
from chatroom.storage.sqlite.journal import open_journal
from chatroom.storage.sqlite.sqlite_stores import open_stores

NOW_MS = int(datetime.now(UTC).timestamp() * 1000)
DAY_MS = 86_400_000


def keep(shell: Shell, *entries: Entry, index: bool = True) -> list[Entry]:
    """Store entries, each with the message id that follows from its time."""
    kept = list[Entry]()
    journal = open_journal(shell.database)
    last = journal.last_message_id()
    for entry in entries:
        last = next_message_id(last, entry.time_ms)
        kept.append(entry._replace(message_id=last))
    assert journal.begin()
    journal.write(kept)
    journal.commit()
    journal.close()
    upkeep = open_upkeep(shell.database)
    while index and upkeep.index_some():
        pass
    upkeep.close()
    return kept


def said(text: str, *, days_ago: float = 1, where: str | tuple[int, int] = "#lobby", nick: str = "ada") -> Entry:
    """Return a message. The account of ada has the id 1, that of bob the id 2."""
    account = {"ada": 1, "bob": 2}.get(nick)
    target = where if isinstance(where, str) else "bob"
    at_ms = NOW_MS - round(days_ago * DAY_MS)
    return Entry(0, at_ms, where, Kind.PRIVMSG, f"{nick}!u@h", account, nick if account else "", target, text)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A database with the old accounts ada and bob, and some of their messages."""
    shell = Shell(tmp_path / "chatroom.db")
    shell.create("ada")
    shell.create("bob")
    with open_stores(shell.database) as stores:
        stores.database.execute("UPDATE accounts SET created_ms = 1")
    keep(
        shell,
        said("good old tea", days_ago=400),
        said("bring tea\x1b[31m", days_ago=3, nick="bob"),
        said("only for you: tea", days_ago=2, where=direct(1, 2)),
        said(join_parts([Part("first tea", False), Part(" line", True), Part("second line", False)]), days_ago=1.5),
        said("\x01ACTION pours tea\x01", where="#Kitchen")._replace(
            flags=int(EntryFlag.BOT | EntryFlag.RELAYED), client_tags="+x=1", kind=Kind.NOTICE
        ),
        said("fresh tea", days_ago=0.5, nick="guest"),
        said("bob", days_ago=0.4)._replace(kind=Kind.KICK, text="bob no tea for you"),
        index=False,
    )
    return shell


def texts(shell: Shell, *options: str) -> list[str]:
    """Return the texts that a search finds."""
    return [entry["text"] for entry in shell.json("history", "search", *options)]


def everything(shell: Shell) -> list[Entry]:
    """Return all entries."""
    with open_stores(shell.database) as stores:
        numbers = stores.database.rows("SELECT id FROM messages ORDER BY id")
        found = [stores.history.find(number) for (number,) in numbers]
    return [entry for entry in found if entry is not None]


def audited(shell: Shell) -> list[Any]:
    """Return action, target and detail of the newest audit entry."""
    newest = shell.json("audit", "list")[-1]
    return [newest["action"], newest["target"], newest["detail"]]


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


def test_export_and_import_give_the_same(shell: Shell, tmp_path: Path) -> None:
    """An import into another database restores every exported entry with its id. A second import adds nothing."""
    file = str(tmp_path / "history.jsonl")
    assert "7 entries" in shell.done("history", "export", file)
    assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
    other = Shell(tmp_path / "other.db")
    other.create("bob")
    other.create("ada")
    with open_stores(other.database) as stores:
        stores.database.execute("UPDATE accounts SET created_ms = 1")
    assert "Added 7 entries" in other.done("history", "import", file)
    assert "Added 0 entries" in other.done("history", "import", file)
    # There, ada is account 2 and bob is 1.
    swapped = {1: 2, 2: 1, None: None}
    assert [one._replace(account_id=swapped[one.account_id]) for one in everything(other)] == everything(shell)
    assert other.done("history", "export") == Path(file).read_text().replace('["ada", "bob"]', '["bob", "ada"]')
    assert len(texts(other, "tea")) == 6
    assert audited(other) == ["history.import", file, "0 entries"]


def test_import_between_what_is_there(shell: Shell) -> None:
    """An imported entry is sorted in by its time, even if its id is taken, and the index finds it."""
    upkeep = open_upkeep(shell.database)
    while upkeep.index_some():
        pass
    upkeep.close()
    there = everything(shell)
    lines = [
        {"msgid": there[1].msgid, "at": iso(there[1].time_ms), "text": "same moment tea"},
        {"msgid": "7fffffffffffffff", "at": iso(there[0].time_ms + 5), "text": "wild number tea"},
        {"at": iso(there[2].time_ms + 5), "text": "no number tea"},
    ]
    common = {"channel": "#lobby", "kind": "PRIVMSG", "source": "eve!u@h", "account": None}
    script = "".join(json.dumps({**common, **line}) + "\n" for line in lines)
    for added in (3, 0):
        assert f"Added {added} entries" in shell.done("history", "import", "-", stdin=script)
    assert [entry.text for entry in everything(shell)][:6] == [
        "good old tea",
        "wild number tea",
        "bring tea\x1b[31m",
        "same moment tea",
        "only for you: tea",
        "no number tea",
    ]
    assert len(texts(shell, "tea", "--from", "eve")) == 3


def test_import_does_not_give_to_whom_it_is_not(shell: Shell, tmp_path: Path) -> None:
    """An account that took over a name gets neither the direct messages nor the authorship of the one before."""
    file = str(tmp_path / "history.jsonl")
    shell.done("history", "export", file)
    other = Shell(tmp_path / "other.db")
    other.create("ada")
    other.create("bob")
    assert "1 are direct messages" in other.done("history", "import", file)
    assert {entry.account_id for entry in everything(other)} == {None}
    assert all(isinstance(entry.conversation, str) for entry in everything(other))


def test_ended_channels_stay_ended(shell: Shell, tmp_path: Path) -> None:
    """Entries of an ended channel do not become part of a newer channel with the same name."""
    journal = open_journal(shell.database)
    assert journal.begin()
    journal.end_channel("#kitchen")
    journal.commit()
    journal.close()
    keep(shell, said("new kitchen", days_ago=0.1, where="#Kitchen"))
    file = str(tmp_path / "history.jsonl")
    shell.done("history", "export", file, "--channel", "#kitchen")
    other = Shell(tmp_path / "other.db")
    other.create("ada")
    assert "Added 2" in other.done("history", "import", file)
    assert "Added 0" in other.done("history", "import", file)
    with open_stores(other.database) as stores:
        assert [entry.text for entry in stores.history.latest("#kitchen", 9)] == ["new kitchen"]


@pytest.mark.parametrize(
    "line, why",
    [
        ("tea", "JSON"),
        ("[" * 100_000, "JSON"),
        ("[]", "object"),
        ("{}", "at must be"),
        ('{"at": "2030-01-01"}', "at must be"),
        ('{"at": "1900-01-01T00:00:00Z"}', "at must be"),
        ({"at": "2999-01-01T00:00:00Z"}, "future"),
        ({"kind": "WALLOPS"}, "kind"),
        ({"source": "a b"}, "source"),
        ({"channel": "lobby"}, "channel"),
        ({"channel": None}, "channel"),
        ({"direct": ["ada", "bob"]}, "channel"),
        ({"channel": None, "direct": ["ada"]}, "channel"),
        ({"channel": None, "direct": ["ada", "bob"], "guest": "zoe"}, "channel"),
        ({"channel": None, "direct": ["ada"], "guest": "#zoe"}, "guest"),
        ({"text": 5}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": "x" * 70_000}, "text"),
        ({"text": "\udcff"}, "Unicode"),
        ({"tags": "a b"}, "tags"),
        ({"ended_at": "later"}, "ended_at"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_lines_that_cannot_be_read(shell: Shell, line: object, why: str) -> None:
    """A bad line is named, and nothing is imported. With --skip-bad the lines around it are."""
    good: dict[str, object] = {
        "at": "2029-01-01T00:00:00Z",
        "channel": "#old",
        "kind": "PRIVMSG",
        "source": "a!b@c",
        "account": None,
        "text": "",
    }
    good["at"] = iso(NOW_MS - DAY_MS)
    if isinstance(line, dict):
        line = json.dumps({**good, **line})
    bad = line if isinstance(line, bytes) else str(line).encode()
    script = b"\n".join(
        [json.dumps({**good, "text": "one"}).encode(), b"", bad, json.dumps({**good, "text": "two"}).encode()]
    )
    result = shell.run("history", "import", "-", stdin=script)
    assert result.exit_code == 1
    assert "-:3: " in result.stderr
    assert "nothing was imported" in result.stderr
    assert why in result.stderr
    assert [entry.text for entry in everything(shell) if entry.conversation == "#old"] == []
    result = shell.run("history", "import", "-", "--skip-bad", stdin=script)
    assert (result.exit_code, "1 lines cannot be read" in result.stdout) == (0, True)
    assert "-:3: " in result.stderr
    assert {entry.text for entry in everything(shell) if entry.conversation == "#old"} == {"one", "two"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), StorageError("there is no room left on the disk")])
def test_an_import_that_breaks_off_is_undone(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """After Ctrl-C or a full disk in the middle, the history is as it was before."""
    before = everything(shell)
    lines = [
        json.dumps(
            {
                "at": iso(NOW_MS - DAY_MS + number),
                "channel": "#old",
                "kind": "PRIVMSG",
                "source": "a!b@c",
                "account": None,
                "text": f"ancient {number}",
            }
        )
        for number in range(300)
    ]
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(lines))
    take_in, calls = history_archive.take_in, [0]

    def fail_at_last(*given: Any) -> int | None:
        calls[0] += 1
        if calls[0] == 250:
            raise error
        return take_in(*given)

    monkeypatch.setattr(history_archive, "take_in", fail_at_last)
    monkeypatch.setattr(history_steps, "_STEP_S", 0.0)
    result = shell.run("history", "import", str(file))
    assert result.exit_code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert calls == [250]
    assert everything(shell) == before
    assert shell.json("history", "search", "ancient") == []
    monkeypatch.undo()
    assert "Added 300 entries" in shell.done("history", "import", str(file))


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


def iso(time_ms: int) -> str:
    """Return the time as a line of the file has it."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()


def test_a_failed_export_keeps_the_old_one(shell: Shell, tmp_path: Path) -> None:
    """An export that fails leaves the file of the last one as it was."""
    file = tmp_path / "history.jsonl"
    file.write_text("old")
    assert "#none" in shell.refused("history", "export", str(file), "--channel", "#none")
    assert file.read_text() == "old"
