"""Where the client's settings are. Apart from ``client_file``, because most pipes have none and load no more."""

from __future__ import annotations

import os
from pathlib import Path

from chatroom.errors import ConfigError

FILE_NAME = "client.toml"


def find_file(named: str | None) -> Path | None:
    """Return the file to read: the one that ``--config`` names, or that of the user; None if there is none.

    Raises ``ConfigError`` if the named file does not exist.
    """
    path = file_to_write(named)
    if path is None:
        return None
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if named is not None:
            raise ConfigError(f"{path}: there is no such file (--config names it; --write-config makes it)") from None
        return None
    except PermissionError:
        # The home of another user, as with sudo: its settings are not ours.
        if named is None and not os.access(path.parent, os.X_OK):
            return None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    return path


def file_to_write(named: str | None) -> Path | None:
    """Return the path of the file, which need not exist; None without a home directory. Raises ``ConfigError``."""
    from chatroom import paths  # here, because --version and --help need no path

    if named is not None:
        return paths.expand(Path(named)).absolute()
    directory = paths.config_directories()[0]
    return None if directory == paths.SYSTEM_CONFIG else directory / FILE_NAME
