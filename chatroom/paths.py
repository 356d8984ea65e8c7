"""Where chatroom keeps things on this machine: the database, the control socket.

Nothing is made here but the runtime directory, and that only when it is asked for.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from chatroom.errors import ServeError

SOCKET_PATH_LENGTH = 107
"""The longest path a Unix-domain socket may have on Linux, in bytes (``sun_path`` less its NUL)."""


def default_database() -> Path:
    """The database where none is named: in the user's data directory."""
    import platformdirs  # here, because most starts name a database or ask for nothing

    return Path(platformdirs.user_data_dir("chatroom")) / "chatroom.db"


def config_directories() -> tuple[Path, Path]:
    """The user's directory for ``chatroom.toml``, then the system's."""
    import platformdirs

    return Path(platformdirs.user_config_dir("chatroom")), Path("/etc/chatroom")


def runtime_directory() -> Path:
    """A directory that only this user can enter, for the control socket; made where it is missing.

    It is ``XDG_RUNTIME_DIR`` where that is set and usable, else one of our own in the directory for temporary files.
    Raises ``ServeError`` where somebody else made that one first, or opened it to others.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(given) and len(os.fsencode(given)) < SOCKET_PATH_LENGTH - 40 and _is_private(given):
        return Path(given)
    directory = Path(tempfile.gettempdir()) / f"chatroom-{os.getuid()}"
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise ServeError(f"cannot make the runtime directory {directory}: {error.strerror}") from error
    if not _is_private(directory):
        raise ServeError(f"{directory} is not a directory of our own with mode 0700: remove it, or set XDG_RUNTIME_DIR")
    return directory


def control_socket(database: Path) -> Path:
    """Where the daemon that serves ``database`` listens for ``chatroomctl``.

    The name is a hash of the database's resolved path, so that the same file always gives the same socket, however
    it was named, and its length does not depend on it. Raises ``ServeError`` as ``runtime_directory`` does.
    """
    digest = hashlib.sha256(os.fsencode(database.resolve())).hexdigest()[:20]
    path = runtime_directory() / f"chatroom-{digest}.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_LENGTH:
        raise ServeError(f"{path} is too long for a socket: set XDG_RUNTIME_DIR to a shorter directory")
    return path


def _is_private(path: str | Path) -> bool:
    """Whether ``path`` is a directory, no link, that we own and nobody else may enter."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
