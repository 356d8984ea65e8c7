"""Makes commits safe from a power cut without the write lock, so that messages do not wait for the disk meanwhile.

With ``synchronous=FULL`` SQLite waits for the disk within COMMIT, while it has the write lock. With ``NORMAL`` a commit
only writes to the write-ahead log. If the log is synced after that, the commit is as safe: FULL does nothing else
(https://www.sqlite.org/wal.html, "Performance Considerations"; https://www.sqlite.org/pragma.html, "synchronous"). What
SQLite must sync in a certain order it syncs with NORMAL too: the log before a checkpoint copies it, the database file
before the log begins anew, and the header of a new log before its frames. In rollback-journal mode the order of writes
within a commit matters, so this is for WAL mode only.

Others may see the rows before they are safe. So whoever tells people of rows that another process has written syncs the
log first, too (``ChangeLog``).
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


def sync_log(path: Path) -> bool:
    """Wait until the disk has all of a write-ahead log. Return False, and log why, if the disk reports an error.

    The file may be opened and closed at will: SQLite has its locks on other files.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True  # the last connection to close has copied all of it into the database file, and synced that
    except OSError as error:
        return _report(path, error)
    try:
        os.fdatasync(descriptor)  # with what is needed to read the file, such as its size
    except OSError as error:
        return _report(path, error)
    finally:
        os.close(descriptor)
    return True


def _report(path: Path, error: OSError) -> bool:
    log.error("%s: the disk does not confirm the last change, a power cut could undo it: %s", path, error.strerror)
    return False
