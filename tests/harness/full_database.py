"""A database with something in every column of every table, and a look at all of its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatroom.storage.sqlite.history_upkeep import open_upkeep
from chatroom.storage.sqlite.sqlite_stores import open_stores

SAID_MS = 1_700_000_000_000
# In the order of what they refer to. Written without our own code, which is what is tested.
_ROWS: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        {
            "id": 3,
            "name": "Ada",
            "folded": "ada",
            "role": "admin",
            "disabled": 0,
            "created_ms": 1_600_000_000_001,
            "last_login_ms": 1_700_000_000_002,
            "email": "ada@example.org",
            "always_on": 1,
            "password_changes": 2,
        },
        {"id": 5, "name": "bob", "folded": "bob", "role": "user", "disabled": 1, "created_ms": 1_600_000_000_003},
    ],
    "credentials": [
        {"account_id": 3, "kind": "bcrypt", "value": "$2b$04$abcdefghijklmnopqrstuv"},
        {"account_id": 3, "kind": "scram-sha-256", "value": "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"},
    ],
    "client_certificates": [
        {"fingerprint": "ab" * 32, "account_id": 3, "added_ms": 1_650_000_000_004, "shown_ms": 1_650_000_000_005},
        {"fingerprint": "cd" * 32, "account_id": 3, "added_ms": 1_650_000_000_006},
    ],
    "former_names": [{"account_id": 3, "folded": "augusta", "at_ms": 1_650_000_000_007}],
    "read_markers": [
        {"account_id": 3, "target": "#tea", "read_ms": 1_650_000_000_008},
        {"account_id": 5, "target": "ada", "read_ms": 1_650_000_000_009},
    ],
    "account_metadata": [{"account_id": 5, "key": "avatar", "value": "https://example.org/b\N{PILE OF POO}.png"}],
    "cleared_playback": [{"account_id": 3, "target": "#tea", "message_id": SAID_MS * 1024}],
    "presence": [
        {"account_id": 3, "channel": "", "is_present": 0, "left_number": SAID_MS * 1024 + 9},
        {"account_id": 3, "channel": "#tea", "is_present": 1, "left_number": SAID_MS * 1024, "joined_ms": 12},
    ],
    "always_on_users": [
        {
            "account_id": 3,
            "username": "al",
            "realname": "Ada L.",
            "host": "h.example",
            "away": "asleep",
            "modes": "+iw",
        },
        # A bot, which is not always on.
        {"account_id": 5, "username": "b", "realname": "Bot", "host": "b.example", "modes": "+B"},
    ],
    "bans": [
        {
            "id": 2,
            "kind": "name",
            "target": "Mallory",
            "folded": "mallory",
            "reason": "flooding",
            "created_by": "ada",
            "created_ms": 1_640_000_000_000,
            "until_ms": 1_640_000_000_010,
            "lifted_ms": 1_640_000_000_005,
            "lifted_by": "root",
        },
        {
            "id": 4,
            "kind": "ip",
            "target": "2001:db8::/64",
            "version": 6,
            "network": bytes.fromhex("20010db8" + "00" * 12),
            "prefix": 64,
            "created_by": "root",
            "created_ms": 1_640_000_000_011,
        },
    ],
    "filters": [
        {
            "id": 6,
            "pattern": "*buy*",
            "kind": "glob",
            "action": "ban",
            "reason": "adverts",
            "duration_s": 3600,
            "created_by": "ada",
            "created_ms": 1_640_000_000_012,
            "hits": 7,
            "hit_ms": 1_640_000_000_013,
        }
    ],
    "invites": [
        {
            "id": 7,
            "token_hash": "ef" * 32,
            "uses": 3,
            "used": 1,
            "channel": "#tea",
            "created_by": "ada",
            "created_ms": 1_640_000_000_014,
            "until_ms": 1_640_000_000_015,
            "used_ms": 1_640_000_000_016,
        }
    ],
    "requests": [
        {
            "id": 8,
            "name": "Dora",
            "folded": "dora",
            "email": "dora@example.org",
            "origin": "192.0.2.9",
            "created_ms": 1_640_000_000_017,
        },
        {"id": 9, "name": "eli", "folded": "eli", "origin": "192.0.2.9", "created_ms": 1_640_000_000_018},
    ],
    "hooks": [
        {
            "id": 4,
            "direction": "out",
            "channel": "#Tea",
            "folded": "#tea",
            "name": "deploys",
            "url": "https://hooks.example.org/tea?a=b",
            "secret": "whsec_c2VjcmV0",
            "events": "message join",
            "prefix": "!deploy",
            "mention": "bot",
            "hears_hooks": 1,
            "paused": 1,
            "created_by": "ada",
            "created_ms": 1_640_000_000_019,
            "last_number": 31,
            "done": 17,
            "dropped": 13,
            "done_ms": 1_640_000_000_020,
            "failing_since_ms": 1_640_000_000_021,
            "failure": "the answer is 500",
        },
        {
            "id": 5,
            "direction": "in",
            "channel": "#tea",
            "folded": "#tea",
            "name": "ci",
            "token_hash": "fe" * 32,
            "created_by": "ada",
            "created_ms": 1_640_000_000_022,
        },
    ],
    "request_credentials": [{"request_id": 8, "kind": "bcrypt", "value": "$2b$04$abcdefghijklmnopqrstuv"}],
    "channels": [
        {
            "id": 1,
            "name": "#Tea",
            "folded": "#tea",
            "founder_id": 3,
            "created_ms": 1_630_000_000_000,
            "flags": "imn",
            "key": "kettle",
            "member_limit": 9,
            "topic": "green",
            "topic_by": "ada!a@h",
            "topic_ms": 1_630_000_000_001,
            "forward": "#lobby",
            "join_throttle": "5:10",
            "nick_throttle": "3:30",
            "slow_mode_s": 8,
            "used_ms": 1_630_000_000_002,
        },
        {"id": 2, "name": "#coffee", "folded": "#coffee", "created_ms": 1_630_000_000_003},
    ],
    "channel_lists": [
        {
            "channel_id": 1,
            "position": 0,
            "mode": "b",
            "mask": "*!*@spam.example",
            "set_by": "ada!a@h",
            "set_ms": 1_630_000_000_004,
            "until_ms": 1_630_000_000_005,
            "reason": "spam",
            "is_over": 1,
        },
        {"channel_id": 1, "position": 1, "mode": "I", "mask": "~a:bob", "set_by": "ada!a@h", "set_ms": 1},
    ],
    "channel_access": [
        {"channel_id": 1, "account_id": 3, "level": "founder"},
        {"channel_id": 1, "account_id": 5, "level": "v"},
    ],
    "channel_metadata": [{"channel_id": 1, "key": "color", "value": "green"}],
    "conversations": [
        {"id": 2, "name": "#Tea", "folded": "#tea"},
        {"id": 3, "name": "#tea", "folded": "#tea", "ended_ms": 1_690_000_000_000},
        {"id": 4, "low_id": 3, "high_id": 4},
        {"id": 5, "low_id": 3, "guest": "Eve"},
    ],
    "messages": [
        {
            "id": SAID_MS * 1024 + position,
            "conversation_id": 2 + position % 4,
            "time_ms": SAID_MS,
            "kind": 1 + position % 9,
            "flags": position % 4,
            "source": "ada!a@h",
            "account_id": 3 if position % 2 else None,
            "account": "augusta" if position % 2 else "",
            "target": "bob" if position % 4 > 1 else "",
            "body": f"tea {position}" + ("\nand a line\n" if position == 1 else ""),
            "client_tags": "+typing=done" if position == 2 else "",
        }
        for position in range(12)
    ],
    "audit": [
        {
            "id": 3,
            "at_ms": 1_620_000_000_000,
            "actor": "root",
            "origin": "cli",
            "action": "ban.add",
            "target": "Mallory",
            "detail": "ban 2,\nuntil \u009b31m tomorrow",
        }
    ],
    "server_keys": [{"name": "cloak", "value": bytes(range(32))}, {"name": "scram", "value": bytes(32)}],
}
_HIGHEST = {
    "accounts": 8,
    "bans": 9,
    "filters": 10,
    "invites": 13,
    "requests": 14,
    "hooks": 15,
    "audit": 11,
    "conversations": 12,
    "channels": 2,
}
"""Ids of rows that were deleted since."""
REMADE = {
    *("changes", "failed_logins", "lockdown", "migrations", "sqlite_sequence", "sqlite_stat1"),
    *("reset_tokens", "hook_events", "kept_turn", "rename_notes", "stored_turns"),
    *("places", "message_words", "history_state"),
}
"""Tables that are not in an archive: a new database has its own (``docs/archive.md``)."""


def fill_all(path: Path) -> None:
    """Put rows into each table of an empty database, and index the messages."""
    with open_stores(path) as stores:
        for table, rows in _ROWS.items():
            for row in rows:
                marks = ", ".join("?" * len(row))
                sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
                stores.database.execute(sql, list(row.values()))
        for table, highest in _HIGHEST.items():
            stores.database.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (highest, table))
        stores.database.execute("UPDATE history_state SET value = ? WHERE name = 'highest'", (SAID_MS * 1024 + 99,))
    upkeep = open_upkeep(path)
    while upkeep.index_some():
        pass
    upkeep.close()


def tables_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of the tables that an archive has, each as its values by column."""
    found = {}
    with open_stores(path) as stores:
        for (table,) in stores.database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'"):
            if table not in REMADE and not table.startswith("message_words_"):
                cursor = stores.database.execute(f"SELECT * FROM {table}")
                columns = [column[0] for column in cursor.description]
                rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
                found[table] = sorted(rows, key=lambda row: repr(sorted(row.items())))
    return found


def highest_ids(path: Path) -> dict[str, int]:
    """The highest ids that were given out, and that of the history."""
    with open_stores(path) as stores:
        given: dict[str, int] = dict(stores.database.rows("SELECT name, seq FROM sqlite_sequence"))
        message = stores.database.number("SELECT value FROM history_state WHERE name = 'highest'")
    return {"message": message, **{table: given[table] for table in _HIGHEST if table != "audit"}}
