"""The daemon's own process: the limits of the kernel, who may read what it writes, and how its program is called."""

from __future__ import annotations

import contextlib
import os
import resource
import shlex
import shutil
import sys
import time
from pathlib import Path

_MIB = 1024 * 1024


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


def describe_use() -> dict[str, str]:
    """What the process uses: processor time in milliseconds, and memory. For ``STATUS``."""
    facts = {"cpu_ms": f"{time.process_time() * 1000:.0f}"}
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        facts["memory"] = f"{pages * resource.getpagesize() // _MIB} MiB"
    return facts


def own_program() -> str:
    """Return what to type to run this same program.

    That is its name if the shell finds it by its name, or else the path that it was started by: ``make serve`` runs it
    from ``.venv/bin``, which is not on the search path.
    """
    started_as, found = sys.argv[0], shutil.which("chatroomctl")
    if Path(started_as).name != "chatroomctl" or (
        found is not None and Path(found).resolve() == Path(started_as).resolve()
    ):
        return "chatroomctl"
    return shlex.quote(started_as)
