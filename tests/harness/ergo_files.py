"""A database of Ergo as Ergo writes it: commands in the form of Redis."""

from __future__ import annotations

import base64
import json
from typing import Any

PASSPHRASE = "this is my passphrase"
HASH = "$2a$12$sJokyLJ5px3Nb51DEDhsQ.wh8nfwEYuMbVYrpqO5v9Ylyj0YyVWj."
"""Of that passphrase: the vector of irc/passwd/bcrypt_test.go in Ergo."""
REGISTERED_NS = 1_600_000_000_000_000_000


def command(*parts: str) -> bytes:
    """One command of the log."""
    encoded = [part.encode() for part in parts]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in encoded)


def key(name: str, value: object, *more: str) -> bytes:
    """Set a key. What is no text is written as JSON."""
    return command("set", name, value if isinstance(value, str) else json.dumps(value), *more)


def b64(data: bytes) -> str:
    """Bytes as Go writes them in JSON."""
    return base64.b64encode(data).decode()


def account(name: str, **credentials: Any) -> bytes:
    """A verified account."""
    folded = name.lower()
    return b"".join(
        [
            key(f"account.exists {folded}", "1"),
            key(f"account.name {folded}", name),
            key(f"account.verified {folded}", "1"),
            key(f"account.registered.time {folded}", str(REGISTERED_NS)),
            key(f"account.credentials {folded}", {"Version": 1, "PassphraseHash": b64(HASH.encode()), **credentials}),
        ]
    )


def channel(name: str, **values: Any) -> bytes:
    """A registered channel, in the form of schema 23."""
    document = {
        "UUID": "x",
        "Name": name,
        "RegisteredAt": "2021-05-06T07:08:09.123456789Z",
        "Founder": "",
        "Topic": "",
        "TopicSetBy": "",
        "TopicSetTime": "0001-01-01T00:00:00Z",
        "Modes": [ord("n"), ord("t")],
        "Key": "",
        "UserLimit": 0,
        "AccountToUMode": {},
        "Bans": None,
        "Excepts": None,
        "Invites": None,
        **values,
    }
    return key(f"1 {name}-uuid", document)


def database(*parts: bytes, version: str = "23") -> bytes:
    """The file."""
    return b"".join([key("db.version", version), *parts])
