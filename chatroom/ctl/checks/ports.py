"""The addresses of the configuration: whether the daemon can have them, and who does if it cannot."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from chatroom.config import Listen, Settings
from chatroom.ctl.checks.scene import Scene
from chatroom.ctl.service_setup import SOCKET, Manager
from chatroom.errors import AddressUnusable
from chatroom.findings import Finding
from chatroom.server.opening_sockets import bind, find_address

_LISTENING = "0A"
"""The state of a listening socket in /proc/net/tcp."""


def find(scene: Scene) -> Iterator[Finding]:
    """Yield each address that cannot be listened on. One that the daemon listens on already is fine."""
    ours = _served(scene)
    for setting, listen in list_addresses(scene.settings):
        if listen.port == 0:
            continue
        try:
            if _shown(listen) in ours:
                continue
            bind(listen).close()
        except AddressUnusable as error:
            finding = _explain(setting, listen, error, scene)
            if finding is not None:
                yield finding


def list_addresses(settings: Settings) -> list[tuple[str, Listen]]:
    """Return all addresses, with the setting that each stands in."""
    addresses = [("[[listen]]", listen) for listen in settings.listen]
    if settings.metrics.listen:
        host, port = settings.metrics.address
        addresses.append(("metrics.listen", Listen(host=host, port=port)))
    return addresses


def _served(scene: Scene) -> set[str]:
    """Return the addresses that the daemon says it listens on."""
    listening = scene.daemon.get("listening", "").split(", ")
    found = {one.partition(" (")[0] for one in listening}  # "0.0.0.0:6697 (websocket, TLS)"
    return found | {scene.daemon.get("metrics", "").removeprefix("http://").partition("/")[0]}


def _shown(listen: Listen) -> str:
    host, port = find_address(listen)[4][:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _explain(setting: str, listen: Listen, error: AddressUnusable, scene: Scene) -> Finding | None:
    where = f"{setting} {listen.host} port {listen.port}"
    cause = error.__cause__
    number = cause.errno if isinstance(cause, OSError) else None
    if number == errno.EADDRINUSE:
        holder = find_holder(listen.port)
        if holder is not None and holder[0] == scene.daemon_pid:
            return None
        if holder is not None and holder[1] == "systemd" and _has_socket_unit():
            return None
        who = f"{holder[1]} (process {holder[0]}) listens there" if holder else "another program listens there"
        hint = "end that program" if holder else f'"ss -ltnp sport = :{listen.port}" as root names it; end it'
        return Finding(f"{where}: {who}", f"{hint}, or choose another port")
    if number == errno.EACCES:
        return Finding(
            f"{where}: only root may listen on ports below 1024",
            'have systemd open it ("chatroomctl service install --socket"), or choose another port',
        )
    if number == errno.EADDRNOTAVAIL:
        return Finding(f"{where}: this machine has no such address", '"ip address" lists those that it has')
    return Finding(f"{where}: {error}", "choose another address")


def _has_socket_unit() -> bool:
    return any((Manager(of_user).directory / SOCKET).exists() for of_user in (True, False))


def find_holder(port: int) -> tuple[int, str] | None:
    """Return the process that listens on a TCP port of this machine, and its name; None if that cannot be seen."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(file) in inodes for file in (process / "fd").iterdir()):
                return int(process.name), (process / "comm").read_text().strip()
        except OSError:  # it has ended, or is another user's
            continue
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for words in map(str.split, lines):
            if words[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                yield words[9]
