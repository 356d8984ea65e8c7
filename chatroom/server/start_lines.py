"""What the log says at a start."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom import __version__, paths
from chatroom.compiled_modules import are_in_use
from chatroom.config import Settings, find_unsafe
from chatroom.database_address import DatabaseAddress
from chatroom.server.listening_sockets import Inherited, describe_inherited
from chatroom.server.own_process import own_program
from chatroom.storage.file_modes import find_open_files

if TYPE_CHECKING:
    from chatroom.server.connection_counter import ConnectionCounter


def start_lines(
    settings: Settings,
    where: list[str],
    inherited: Sequence[Inherited],
    metrics_url: str,
    hooks_url: str,
    upgraded_from: Path | None,
) -> list[str]:
    """Return the addresses, the files in use, and whether the database was upgraded.

    Programs that start a daemon wait for "listening on" and read the port, and for "configuration".
    """
    source = settings.source.absolute() if settings.source else "none found, everything at its default"
    upgraded = f"the database was upgraded; as it was before, it is in {upgraded_from}"
    return [
        *(f"listening on {address}" for address in where),
        *describe_inherited(inherited),
        *(f"web page at {url}" for url in _page_urls(settings, where)),
        *([f"metrics at {metrics_url}"] if metrics_url else []),
        *([f"incoming hooks at {hooks_url}"] if hooks_url else []),
        f"database {settings.database.address}",
        *([upgraded] if upgraded_from is not None else []),
        *(["compiled modules are in use"] if are_in_use() else []),
        f"configuration {source}",
    ]


def _page_urls(settings: Settings, where: list[str]) -> list[str]:
    """Return where a browser finds the web pages. ``where`` has the address of each listener, in their order."""
    urls = []
    for listen, shown in zip(settings.listen, where, strict=True):
        if listen.webroot is not None:
            host, _, port = shown.split(" ")[0].rpartition(":")
            name = settings.server.name if host in ("0.0.0.0", "[::]") else host  # noqa: S104 - compared with
            urls.append(f"{'https' if listen.tls else 'http'}://{name}:{port}/")
    return urls


def risk_lines(settings: Settings) -> list[str]:
    """Return a line for each unsafe setting, and for each file of the database that others may read."""
    open_files = [] if settings.database.url is not None else find_open_files(settings.database.path)
    return [f"warning: {text}" for text in [*find_unsafe(settings), *open_files]]


def no_admin_line(database: DatabaseAddress) -> str:
    """Return how to make the first admin."""
    flag = (
        ""
        if isinstance(database, Path) and database == paths.default_database()
        else f" --database {shlex.quote(str(database))}"
    )
    return f"there is no admin yet; make one with: {own_program()}{flag} user create-admin NAME"


def describe_node(settings: Settings, where: list[str], counter: ConnectionCounter) -> dict[str, object]:
    """Return what the other nodes of a cluster know of this one."""
    server = settings.server
    return {
        "server": server.name,
        "description": server.description,
        "version": __version__,
        "machine": socket.gethostname(),
        "listening": ", ".join(where),
        "clients": counter.places(settings).taken,
        "addresses": counter.recent(),
        "lease_s": settings.cluster.lease_s,
    }


def describe_set_up(settings: Settings, where: list[str], metrics_url: str) -> dict[str, str]:
    """Return what ``STATUS`` says of the set-up: addresses, files and process."""
    source = settings.source
    return {
        "listening": ", ".join(where),
        "database": str(settings.database.address),
        "configuration": str(source.absolute() if source else "none (defaults)"),
        "pid": str(os.getpid()),
        "modules": "compiled" if are_in_use() else "plain Python",
        **({"metrics": metrics_url} if metrics_url else {}),
    }
