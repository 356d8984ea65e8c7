from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.shell import Shell

from chatroom.chat.stored.entries import AtMessageId, Entry, Kind, first_message_id
from chatroom.storage.sql.timestamps import to_ms
from chatroom.storage.sqlite.journal import open_journal
from chatroom.storage.sqlite.sqlite_stores import open_stores


def make(path: Path, *accounts: str) -> Shell:
    """A database with old accounts, whose ids go up from 1."""
    shell = Shell(path)
    for name in accounts:
        shell.create(name)
    with open_stores(path) as stores:
        stores.database.execute("UPDATE accounts SET created_ms = 1")
    return shell


def test_messages_with_a_guest_are_exported_and_imported(tmp_path: Path) -> None:
    """The line has the account and the guest's nick. They are the account's again, and nobody else's."""
    shell = make(tmp_path / "chatroom.db", "ada")
    time_ms = to_ms(datetime.now(UTC) - timedelta(hours=8))
    journal = open_journal(shell.database)
    assert journal.begin()
    asked = Entry(
        first_message_id(time_ms), time_ms, (1, "Zoe"), Kind.PRIVMSG, "Zoe!u@h", None, "", "ada", "a guest asks"
    )
    journal.write([asked])
    journal.commit()
    journal.close()
    file = tmp_path / "history.jsonl"
    shell.done("history", "export", str(file))
    line = json.loads(file.read_text())
    assert (line["direct"], line["guest"], line["account"]) == (["ada"], "Zoe", None)
    assert "Added 0" in shell.done("history", "import", str(file))

    other = make(tmp_path / "other.db", "bob", "ada", "zoe")
    assert "Added 1" in other.done("history", "import", str(file))
    with open_stores(other.database) as stores:
        assert [entry.text for entry in stores.history.latest((2, "zoe"), 9)] == ["a guest asks"]
        assert [stores.history.direct_since(one, AtMessageId(0), 9) for one in (1, 3)] == [[], []]

    nobody = make(tmp_path / "nobody.db", "zoe")
    assert "1 are direct messages of accounts" in nobody.done("history", "import", str(file))
