"""A database with some history, and a look at all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from harness.shell import Shell

from chatroom.chat.stored.entries import Entry, EntryFlag, Kind, Part, direct, join_parts, next_message_id
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


def fill(shell: Shell) -> None:
    """Make the old accounts ada and bob, and some of their messages."""
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


def iso(time_ms: int) -> str:
    """Return the time as a line of the file has it."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()
