"""What the checks look at: a set-up, and the daemon that serves it, if one does."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatroom.config import Settings
from chatroom.ctl.control_client import ask_status
from chatroom.ctl.invocation import Invocation
from chatroom.ctl.offline import is_served
from chatroom.database_address import DatabaseAddress
from chatroom.errors import ChatroomError, NotRunning


@dataclass(frozen=True, slots=True)
class Scene:
    """One set-up. The daemon was asked once, so all checks see the same answer."""

    invocation: Invocation
    settings: Settings
    database: DatabaseAddress
    daemon: Mapping[str, str]
    """What the daemon says of itself (``STATUS``); empty if none answers."""
    silence: str
    """Why a daemon that serves the database does not answer; empty if it does, or if there is none."""
    is_quick: bool
    """True if the database is not to be read as a whole."""

    @property
    def daemon_pid(self) -> int | None:
        """The process id of the daemon that answers."""
        pid = self.daemon.get("pid", "")
        return int(pid) if pid.isdecimal() else None


def look_around(invocation: Invocation, *, quick: bool = False) -> Scene:
    """Read the configuration and ask the daemon. Raises ``ConfigError``."""
    settings, database = invocation.settings, invocation.address
    daemon: Mapping[str, str] = {}
    silence = ""
    try:
        daemon = ask_status(invocation)
    except NotRunning as error:
        silence = str(error) if _is_served(database) else ""
    except ChatroomError as error:
        silence = str(error)
    return Scene(invocation, settings, database, daemon, silence, quick)


def owner_name(path: Path) -> str:
    """Return the user that a file belongs to, or the number of a user without a name. Raises ``OSError``."""
    uid = os.stat(path).st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _is_served(database: DatabaseAddress) -> bool:
    try:
        return is_served(database)
    except ChatroomError:
        return False
