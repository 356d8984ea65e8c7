from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chatroom.chat.stored.records import Actor, Credential, Role
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

WRITER = """
import sys
from pathlib import Path
from chatroom.chat.stored.records import Actor, Role
from chatroom.storage.sqlite.sqlite_stores import open_stores

stores = open_stores(Path(sys.argv[1]))
by = Actor("root", "cli")
number = 0
while True:
    number += 1
    print("account", stores.accounts.create(f"{sys.argv[2]}{number}", Role.USER, [], by).id, flush=True)
    print("ban", stores.bans.add("name", f"{sys.argv[2]}{number}", "", None, by).id, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 57, 300])
def test_what_was_said_to_be_written_survives_a_kill(stores: SqliteStores, path: Path, lines: int) -> None:
    """After SIGKILL, the file is whole and has every row that the process reported as written."""
    stores.close()
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), "name"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as writer:
        assert writer.stdout is not None
        said += [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        said += writer.stdout.readlines()
    assert len(said) >= lines
    with open_stores(path) as survivor:
        accounts = {account.id for account in survivor.accounts.list_all()}
        bans = {ban.id for ban in survivor.bans.list_all()}
        for line in said:
            kind, _, row_id = line.partition(" ")
            assert int(row_id) in (accounts if kind == "account" else bans), line
        # Each row came together with its audit row and its change, or not at all.
        assert len(survivor.audit.list_entries()) == survivor.last_change_id() == len(accounts) + len(bans)
        assert survivor.database.row("PRAGMA integrity_check") == ("ok",)


def test_deleted_secrets_are_gone_from_the_file(stores: SqliteStores, path: Path) -> None:
    """After a deletion and a checkpoint, no byte of the database is of the account's verifier."""
    by = Actor("root", "cli")
    account = stores.accounts.create("ada", Role.USER, [Credential("bcrypt", "verifier-to-forget")], by)
    stores.accounts.delete(account.id, by)
    stores.close()
    assert b"ada" in path.read_bytes()
    assert b"verifier-to-forget" not in path.read_bytes()
