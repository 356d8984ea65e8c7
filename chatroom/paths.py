"""The paths of the database, the configuration, the control socket and the client's memory on this machine.

Only ``runtime_directory`` creates anything: the directory itself.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from chatroom.errors import ConfigError, ServeError

SYSTEM_CONFIG = Path("/etc/chatroom")
"""The system's directory for ``chatroom.toml``."""

SYSTEM_RUNTIME = Path("/run/chatroom")
"""The runtime directory of a system service, which its unit makes for the service's user."""

SOCKET_PATH_LENGTH = 107
"""The longest path a Unix-domain socket may have on Linux, in bytes (``sun_path`` less its NUL)."""


def default_database() -> Path:
    """Return the database path that is used if none is given: in the user's data directory. Raises ``ConfigError``."""
    import platformdirs  # here, because most runs do not need it and it slows down the start

    directory = _absolute(platformdirs.user_data_dir)
    if directory is None:
        raise ConfigError("there is no home directory for the database: set HOME, or name a file with --database")
    return directory / "chatroom.db"


def kept_directory() -> Path | None:
    """Return the directory for what a daemon keeps for its next start; None if there is no home directory either.

    That is the one that systemd has made for the service, or the user's data directory.
    """
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    try:
        return default_database().parent
    except ConfigError:
        return None


def user_config_directory() -> Path:
    """Return the user's directory for ``chatroom.toml``. Raises ``ConfigError`` if there is no home directory."""
    user = config_directories()[0]
    if user == SYSTEM_CONFIG:
        raise ConfigError("there is no home directory for the configuration: set HOME, or name a file with --config")
    return user


def config_directories() -> tuple[Path, ...]:
    """Return the directories searched for ``chatroom.toml``: the user's, if there is a home, then the system's."""
    import platformdirs

    user = _absolute(platformdirs.user_config_dir)
    return (SYSTEM_CONFIG,) if user is None else (user, SYSTEM_CONFIG)


def user_state_directory() -> Path | None:
    """Return the user's directory for what programs remember; None if there is no home directory."""
    import platformdirs

    return _absolute(platformdirs.user_state_dir)


def _absolute(find: Callable[[str], str]) -> Path | None:
    # Without HOME and without an entry in passwd, "~" stays as it is, or cannot be expanded.
    try:
        found = Path(find("chatroom"))
    except (RuntimeError, KeyError):
        return None
    return found if found.is_absolute() else None


def expand(path: Path) -> Path:
    """Return the path with ``~`` replaced by the home directory. Raises ``ConfigError`` if there is none."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: there is no home directory for this") from None


def database_files(database: Path) -> list[Path]:
    """Return the paths of a database and of the files beside it, whether or not they exist. Links are followed."""
    real = os.path.realpath(database)
    return [Path(f"{real}{suffix}") for suffix in ("", "-wal", "-shm", "-reserve")]


def runtime_directory() -> Path:
    """Return a directory for the control socket that only this user can enter. It is created if it is missing.

    This is ``XDG_RUNTIME_DIR`` if that is set and usable, else ``SYSTEM_RUNTIME`` if that is this user's, else
    ``chatroom-UID`` in the directory for temporary files. Raises ``ServeError`` if the latter belongs to another user
    or is open to others.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    # The name of the socket takes up to 40 bytes of the path, see control_socket().
    if os.path.isabs(given) and len(os.fsencode(given)) < SOCKET_PATH_LENGTH - 40 and _is_private(given):
        return Path(given)
    if _is_private(SYSTEM_RUNTIME):
        return SYSTEM_RUNTIME
    directory = _shared_runtime_directory()
    # Anyone can create this directory first, because /tmp is open to all users. So it is checked in any case.
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
    """Return the path of the control socket of the daemon that serves ``database``.

    The name is a hash of the resolved path, so every spelling of the path gives the same socket, and a long path does
    not make the socket's path too long. Raises ``ServeError`` as ``runtime_directory`` does.
    """
    digest = hashlib.sha256(os.fsencode(database.resolve())).hexdigest()[:20]
    path = runtime_directory() / f"chatroom-{digest}.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_LENGTH:
        raise ServeError(f"{path} is too long for a socket: set XDG_RUNTIME_DIR to a shorter directory")
    return path


def list_control_sockets() -> list[Path]:
    """Return the paths of the control sockets of this user's daemons, and those that killed ones have left behind.

    All directories that ``runtime_directory`` can return are searched: a daemon started by cron, for example, has no
    ``XDG_RUNTIME_DIR``.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    directories = {Path(given), SYSTEM_RUNTIME, _shared_runtime_directory()}
    return sorted(
        path
        for directory in directories
        if directory.is_absolute() and _is_private(directory)
        for path in directory.glob("chatroom-*.sock")
    )


def _shared_runtime_directory() -> Path:
    import tempfile  # here, because most runs do not need it, and it is large

    return Path(tempfile.gettempdir()) / f"chatroom-{os.getuid()}"


def _is_private(path: str | Path) -> bool:
    """Return True if ``path`` is a directory, not a link, that only this user can enter."""
    # lstat() does not follow a link, which its owner could point to another directory later.
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
