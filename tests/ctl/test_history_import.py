"""``chatroomctl history import``, and what an export and an import keep."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from harness.kept_history import DAY_MS, NOW_MS, audited, everything, fill, iso, keep, said, texts
from harness.shell import Shell

from chatroom.ctl import history_steps
from chatroom.errors import StorageError
from chatroom.storage.sql import history_archive
from chatroom.storage.sqlite.history_upkeep import open_upkeep
from chatroom.storage.sqlite.journal import open_journal
from chatroom.storage.sqlite.sqlite_stores import open_stores


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A database with the old accounts ada and bob, and some of their messages."""
    shell = Shell(tmp_path / "chatroom.db")
    fill(shell)
    return shell


def test_the_name_of_the_file_may_be_no_unicode(shell: Shell, tmp_path: Path) -> None:
    """The audit has it with escapes, for files, archives and databases. Nothing is imported and then refused."""
    file, archive, copy = (str(tmp_path / f"a\udcff.{kind}") for kind in ("jsonl", "zip", "db"))
    shell.done("history", "export", file)
    shell.done("export", archive)
    shell.done("db", "backup", copy)
    assert "Added 0 entries" in shell.done("history", "import", file)
    assert audited(shell)[1].endswith(r"a\udcff.jsonl")
    Shell(tmp_path / "other.db").done("import", "archive", archive)
    shell.done("db", "restore", copy, "--yes")
    assert audited(shell)[2].endswith(r"a\udcff.db")


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

    with monkeypatch.context() as patched:
        patched.setattr(history_archive, "take_in", fail_at_last)
        patched.setattr(history_steps, "_STEP_S", 0.0)
        result = shell.run("history", "import", str(file))
    assert result.exit_code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert calls == [250]
    assert everything(shell) == before
    assert shell.json("history", "search", "ancient") == []
    assert "Added 300 entries" in shell.done("history", "import", str(file))
