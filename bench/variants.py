"""This checkout's daemon as the bench starts it, with the settings and the database of each variant."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from certificates import write_pair
from peers import Launch, Recipe

from chatroom.chat.admission.passwords import hash_password
from chatroom.chat.stored.records import Actor, NewBan, Role
from chatroom.storage.sqlite.sqlite_stores import open_stores

ACCOUNTS, PASSWORD = "member", "bench"
"""The beginning of all account names, and the password of all accounts."""
_ACTOR = Actor("bench", "cli")
_COST = 4
_BATCH = 250
# Without limits, as the peers are.
_SETTINGS: dict[str, object] = {
    "limits.enabled": False,
    "limits.sendq_bytes": 64 * 2**20,
    "limits.registration_timeout_s": 600,
    "limits.ping_interval_s": 3600,
    "limits.ping_timeout_s": 3600,
    "server.motd": "hello",
    "channels.autojoin": [],
    "channels.max_joined": 1000,
    "accounts.bcrypt_cost": _COST,
    "accounts.scram": False,
    "history.enabled": False,
}


def daemon(database: Callable[[], Path] | None = None, *, tls: bool = False, **settings: object) -> Recipe:
    """Run ``chatroomctl serve`` with settings such as ``server__io_threads=1``, on a copy of a database."""

    def prepare(directory: Path, port: int) -> Launch:
        if database is not None:
            shutil.copyfile(database(), directory / "chat.db")
        listen = f'[[listen]]\nhost = "127.0.0.1"\nport = {port}\n'
        if tls:
            certificate, key = write_pair(directory)
            listen += f'tls = true\ncertificate = "{certificate}"\nkey = "{key}"\n'
        mine = {key.replace("__", "."): value for key, value in settings.items()}
        command, environment = serve(directory, listen, {**_SETTINGS, **mine})
        return Launch(command, environment, tls=tls)

    return prepare


def serve(directory: Path, listen: str, settings: Mapping[str, object]) -> tuple[list[str], dict[str, str]]:
    """Prepare the daemon in a directory. Returns its command, and its environment with these settings."""
    script = Path(sys.executable).with_name("chatroomctl")
    runtime, configuration = directory / "run", directory / "chatroom.toml"
    runtime.mkdir(mode=0o700)
    configuration.write_text(listen)
    environment = {"XDG_RUNTIME_DIR": str(runtime)}
    for key, value in settings.items():
        environment[f"CHATROOM_{key.replace('.', '__')}".upper()] = json.dumps(value)
    where = ["--config", str(configuration), "--database", str(directory / "chat.db")]
    return [str(script), *where, "serve"], environment


def make_database(path: Path, accounts: int, bans: int, cost: int = _COST) -> Path:
    """Make a database of that many accounts and that many bans, of names and addresses in turn.

    The accounts are named ``ACCOUNTS`` and a number from 0. All share one verifier, because bcrypt is not measured.
    """
    stores = open_stores(path, create=True)
    with stores:
        # No other process reads it before it is complete.
        stores.database.execute("PRAGMA synchronous = OFF")
        stores.database.syncs_log = False
        credential = hash_password(PASSWORD, cost)
        for number in range(accounts):
            stores.accounts.create(f"{ACCOUNTS}{number}", Role.USER, [credential], _ACTOR)
        for start in range(0, bans, _BATCH):
            stores.bans.add_many([_ban(number) for number in range(start, min(bans, start + _BATCH))], _ACTOR)
    return path


def _ban(number: int) -> NewBan:
    if number % 2:
        return NewBan("name", f"banned{number}", "bench", None)
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    return NewBan("ip", address, "bench", datetime(2100, 1, 1, tzinfo=UTC))


class Databases:
    """The databases that variants start from, in one directory. Each is made when it is first needed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.find = cache(self._make)

    def _make(self, accounts: int, bans: int, cost: int = _COST) -> Path:
        print(f"making a database of {accounts} accounts and {bans} bans", file=sys.stderr, flush=True)
        return make_database(self._directory / f"{accounts}-{bans}-{cost}.db", accounts, bans, cost)
