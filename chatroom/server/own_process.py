"""What the daemon sets for its own process: the limits of the kernel, and who may read what it writes."""

from __future__ import annotations

import contextlib
import os
import resource


def allow_many_files() -> None:
    """Raise this process's limit of open files to the system's: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def keep_secrets() -> None:
    """Leave no core dump, which would have passwords in it, and make no file that other users may read.

    PR_SET_DUMPABLE is not used: it would keep the operator's own tools, such as lsof, from looking at the daemon.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    os.umask(0o077)
