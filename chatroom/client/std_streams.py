"""The standard streams of the process: they may be closed, full, or unable to encode a character.

``prepare`` comes first in the program and ``finish`` last. Between them stdout may fail with ``OSError``, and stderr
never does.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO


def prepare() -> None:
    """Give each of the three streams a file, and make output replace characters that it cannot encode."""
    for descriptor, name, flags in ((0, "stdin", os.O_WRONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_RDWR)):
        try:
            os.fstat(descriptor)
        except OSError:
            # The next file would get the free number, and a socket with number 1 would receive what is printed. stdin
            # and stdout are opened the wrong way round, so that using them fails as on the closed descriptor.
            # A descriptor that is closed is the lowest free one, because those below it are open by now.
            os.open(os.devnull, flags)
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, "r" if descriptor == 0 else "w", closefd=False))  # noqa: SIM115
    tolerant(sys.stdout)
    tolerant(sys.stderr)


def tolerant(stream: TextIO) -> TextIO:
    """Make stdout or stderr replace characters that it cannot encode, instead of raising."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return stream


def tell(stream: TextIO, text: str) -> None:
    """Write to stderr. If it is full or broken, nothing can be told any more; the exit code still says it."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        divert(stream)


def divert(stream: TextIO) -> None:
    """Send a stream that has failed to nowhere from now on."""
    # Python flushes the streams once more when it ends, and would report the failure a second time.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def stdout_failure() -> OSError | None:
    """Flush stdout; return the error if that fails. stdout goes nowhere then."""
    try:
        sys.stdout.flush()
    except OSError as error:
        divert(sys.stdout)
        return error
    return None


def finish(code: int) -> int:
    """Write what the streams still hold, and return the exit code: ``code``, or 1 instead of 0 if stdout fails."""
    failure = stdout_failure()
    if failure is not None:
        # The reader of a pipe that has gone, as with ``| head``, knows it.
        if not isinstance(failure, BrokenPipeError):
            tell(sys.stderr, f"chatroom: cannot write to stdout: {failure.strerror}\n")
        code = code or 1
    tell(sys.stderr, "")
    return code
