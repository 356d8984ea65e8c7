"""What of this machine and this set-up stands in a systemd unit: for ``service install`` and for the check of it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from chatroom import paths
from chatroom.config import Settings
from chatroom.config.load import FLAG_NAMES
from chatroom.ctl.invocation import Invocation
from chatroom.ctl.systemd_units import MARK, Setup
from chatroom.errors import Refused

_SYSTEM_UNITS = Path("/etc/systemd/system")
SERVICE, SOCKET = "chatroom.service", "chatroom.socket"
_STDERR = 2
_UNSAFE_IN_PROGRAM = "\"'\\"
"""Characters that systemd accepts in no program's path, however they are quoted."""


@dataclass(frozen=True, slots=True)
class Manager:
    """One of systemd's two managers: of the system, or of this user."""

    of_user: bool

    @property
    def directory(self) -> Path:
        """The directory of its units."""
        if not self.of_user:
            return _SYSTEM_UNITS
        given = os.environ.get("XDG_CONFIG_HOME", "")
        home = Path(given) if os.path.isabs(given) else paths.expand(Path("~/.config"))
        return home / "systemd" / "user"

    def call(self, *words: str) -> list[str]:
        """Return the call of ``systemctl``."""
        return ["systemctl", *(["--user"] if self.of_user else []), *words]

    def run(self, *words: str) -> None:
        """Run ``systemctl``. Raises ``Refused`` if it is missing or fails."""
        program = shutil.which("systemctl")
        shown = shlex.join(self.call(*words))
        if program is None:
            raise Refused(f"there is no systemctl on this machine to run: {shown}")
        done = subprocess.run([program, *self.call(*words)[1:]], stdin=subprocess.DEVNULL, stdout=_STDERR)  # noqa: S603
        if done.returncode:
            raise Refused(f"{shown} failed with the exit code {done.returncode}")


def make_setup(invocation: Invocation, user: str) -> Setup:
    """Return what a unit for this set-up says. Raises ``Refused`` if systemd could not run it."""
    settings, call = invocation.settings, own_call()
    if any(char in _UNSAFE_IN_PROGRAM for char in call[0]):
        raise Refused(f"systemd runs no program with a quote or a backslash in its path: {call[0]}")
    reads = [Path(call[0]).parent, Path(sys.prefix), Path(sys.base_prefix)]
    if settings.source is not None:
        source = settings.source.absolute()
        call += ["--config", str(source)]
        reads.append(source)
    # An address from a flag or the environment is not in the file that the service reads.
    url = settings.database.url
    key = "database.path" if url is None else "database.url"
    if settings.key_sources.get(key) in (FLAG_NAMES[key], f"CHATROOM_{key.replace('.', '__').upper()}"):
        if url is not None and (url.password is not None or settings.database.password_file is not None):
            raise Refused(
                "the service would not know the password of the database: set database.url and database.password_file"
                " in the configuration"
            )
        call += ["--database", str(settings.database.address)]
    if settings.database.password_file is not None:
        reads.append(settings.database.password_file)
    for listen in settings.listen:
        reads += [*listen.certificate, *listen.key]
    writes = [] if settings.log.file is None else [settings.log.file.parent]
    if settings.backup.every and url is None:
        writes.append(settings.backup_directory)
    file = settings.database.path if url is None else None
    return Setup(tuple(call), file, tuple(reads), tuple(writes), user)


def own_call() -> list[str]:
    """Return what runs this program with this interpreter."""
    script = Path(sys.executable).with_name("chatroomctl")
    return [str(script)] if script.exists() else [sys.executable, "-m", "chatroom.ctl"]


def list_addresses(settings: Settings) -> list[str]:
    """Return the addresses of the socket unit. Raises ``Refused`` if systemd cannot open them."""
    if any(listen.port == 0 for listen in settings.listen):
        raise Refused("systemd cannot open port 0: give each [[listen]] a port, or leave out --socket")
    named = [listen.host for listen in settings.listen if not listen.host.replace(".", "").isdecimal()]
    names = [host for host in named if ":" not in host]
    if names:
        raise Refused(f"systemd opens addresses, not names: set listen.host to the address of {names[0]}")
    return [f"[{one.host}]:{one.port}" if ":" in one.host else f"{one.host}:{one.port}" for one in settings.listen]


def is_ours(file: Path) -> bool:
    """True for a unit that this program has written."""
    try:
        with open(file, encoding="utf-8", errors="replace") as text:
            return MARK in text.readline()
    except OSError:
        return False
