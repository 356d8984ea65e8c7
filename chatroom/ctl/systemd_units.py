"""The text of systemd units for chatroom: a service of the system, a service of a user, and the sockets of either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STATE = Path("/var/lib/chatroom")
"""The home of a system service's user, with its database. systemd makes it (``StateDirectory``)."""
MARK = "Written by chatroomctl service install"
"""Stands in the first line of each unit that this program has written."""
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - nothing is written there


@dataclass(frozen=True, slots=True)
class Setup:
    """What a unit runs, and what of the machine it needs for that."""

    program: tuple[str, ...]
    """How ``chatroomctl`` is called, with its global options."""
    database: Path | None
    """The file; None if a server has the database."""
    reads: tuple[Path, ...] = ()
    """Further files that the daemon reads: its program, configuration and certificates."""
    writes: tuple[Path, ...] = ()
    """Further directories that it writes to: that of its log file."""
    user: str = "chatroom"
    """The user of a system service."""

    @property
    def directories(self) -> tuple[Path, ...]:
        """The directories that the daemon writes to."""
        own = () if self.database is None else (self.database.parent,)
        return tuple(dict.fromkeys((*own, *self.writes)))


_COMMON = """\
Type=notify
NotifyAccess=main
ExecStart={serve}
# Its exit code says if the new configuration was taken.
ExecReload={reload}
WatchdogSec=30
Restart=on-failure
RestartSec=2
# A large database of an earlier version is upgraded before the start is done.
TimeoutStartSec=10min
TimeoutStopSec=20
# Each connection is an open file.
LimitNOFILE=65536
LimitCORE=0
UMask=0077
{identity}
NoNewPrivileges=yes
LockPersonality=yes
# Not MemoryDenyWriteExecute: TLS (pyOpenSSL) makes its callbacks at run time.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""

_SYSTEM_IDENTITY = """\

# Whose it is, and the only directories that it can write to.
User={user}
StateDirectory=chatroom
StateDirectoryMode=0700
RuntimeDirectory=chatroom
RuntimeDirectoryMode=0700
{writable}
# What it cannot see, change or become.
ProtectSystem=strict
ProtectHome={home}
PrivateTmp={private_tmp}
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
RemoveIPC=yes
CapabilityBoundingSet=
AmbientCapabilities="""


def system_unit(setup: Setup, mark: str = MARK) -> str:
    """Return a service of the system, which runs as ``setup.user`` and can write only where ``setup`` says."""
    directories = setup.directories
    outside = [quote_path(str(path)) for path in directories if not path.is_relative_to(STATE)]
    writable = f"ReadWritePaths={' '.join(outside)}\n" if outside else ""
    needed = (*directories, *setup.reads)
    identity = _SYSTEM_IDENTITY.format(
        user=setup.user,
        writable=writable,
        home="read-only" if _is_any_below(needed, _HOMES) else "yes",
        private_tmp="no" if _is_any_below(needed, _TEMPORARY) else "yes",
    )
    return _service(setup, mark, identity, "network-online.target", "multi-user.target")


def user_unit(setup: Setup, mark: str = MARK) -> str:
    """Return a service of the user who runs it. What only root can forbid is left out."""
    return _service(setup, mark, "", "", "default.target")


def socket_unit(addresses: Sequence[str], mark: str = MARK) -> str:
    """Return the sockets that systemd opens for the service, such as ``127.0.0.1:6667``."""
    streams = "\n".join(f"ListenStream={address}" for address in addresses)
    return f"""\
# {mark}
# Each address must be that of a [[listen]] table in chatroom.toml.
[Unit]
Description=Sockets of the chatroom IRC server

[Socket]
{streams}
# A client that connects while the daemon restarts waits here.
Backlog=4096
NoDelay=yes

[Install]
WantedBy=sockets.target
"""


def _is_any_below(needed: Sequence[Path], directories: Sequence[Path]) -> bool:
    return any(path.is_relative_to(directory) for path in needed for directory in directories)


def _service(setup: Setup, mark: str, identity: str, after: str, wanted_by: str) -> str:
    called = " ".join(map(quote_word, setup.program))
    body = _COMMON.format(serve=f"{called} serve", reload=f"{called} reload", identity=identity)
    order = f"Wants={after}\nAfter={after}\n" if after else ""
    return f"""\
# {mark}
[Unit]
Description=chatroom IRC server
{order}
[Service]
{body}
[Install]
WantedBy={wanted_by}
"""


def quote_path(path: str) -> str:
    """Return a path as systemd reads it back in a list of paths."""
    path = path.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{path}"' if any(char in path for char in " \t'\"\\;") else path


def quote_word(word: str) -> str:
    """Return a word as systemd reads it back in a command line, which has variables too."""
    return quote_path(word.replace("$", "$$"))
