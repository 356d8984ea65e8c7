"""What PostgreSQL's own programs do better than ours: copies of a database on a server, and its upkeep."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

from chatroom.database_address import DatabaseAddress
from chatroom.errors import Refused

_STDOUT = Path("-")


def require_file(address: DatabaseAddress, task: Literal["backup", "restore", "vacuum"], file: Path = _STDOUT) -> Path:
    """Return the path of a database in a file. Raises ``Refused`` for one on a server, with the command to run."""
    if isinstance(address, Path):
        return address
    url = shlex.quote(str(address))
    if task == "backup":
        to = "" if file == _STDOUT else f" --file={shlex.quote(str(file))}"
        call, what = f"pg_dump --format=custom{to} --dbname={url}", "pg_dump copies a database on a server"
    elif task == "restore":
        options = "--clean --if-exists --no-owner --single-transaction"
        call = f"pg_restore {options} --dbname={url} {shlex.quote(str(file))}"
        what = "stop the daemon, and pg_restore puts a copy in the place of a database on a server"
    else:
        call, what = (
            f"vacuumdb --full --analyze --dbname={url}",
            "the server does this by itself, and at once with",
        )
    raise Refused(f"{address}: {what}: {call}")
