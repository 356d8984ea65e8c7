"""What the imports share: reading a file twice, the report of bad lines, and an orderly end at a signal."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import IO

import click

from chatroom.ctl.streams import plain, print_error
from chatroom.errors import InvalidValue, Refused

_SHOWN_ERRORS = 20
"""How many bad lines of a file are listed; the others are counted."""


@contextlib.contextmanager
def open_seekable(file: str) -> Iterator[IO[bytes]]:
    """Open FILE so that it can be read twice: what comes from a pipe is kept in a temporary file without a name."""
    with click.open_file(file, "rb") as given:
        if file != "-" and given.seekable():
            yield given
            return
        import tempfile  # here, because most files are not pipes, and it is large

        with tempfile.TemporaryFile() as spooled:
            shutil.copyfileobj(given, spooled)
            spooled.seek(0)
            yield spooled


@contextlib.contextmanager
def named_file(file: str) -> Iterator[None]:
    """In the block, what is wrong with the file names it."""
    try:
        yield
    except InvalidValue as error:
        raise InvalidValue(f"{file}: {error}; nothing was imported") from None


def require_readable(file: str, errors: Sequence[str], skip_bad: bool) -> None:
    """List the bad lines (``NUMBER: text``) of a file. Raises ``Refused`` if there are any, unless ``skip_bad``."""
    for error in errors[:_SHOWN_ERRORS]:
        # As compilers do, "file:line: text", so that editors can jump to the line.
        print_error(plain(f"{file}:{error}"))
    if len(errors) > _SHOWN_ERRORS:
        print_error(f"and {len(errors) - _SHOWN_ERRORS} more")
    if errors and not skip_bad:
        count = "1 line" if len(errors) == 1 else f"{len(errors)} lines"
        raise Refused(f"{count} cannot be read, so nothing was imported; --skip-bad imports the others")


@contextlib.contextmanager
def raise_at_signals() -> Iterator[None]:
    """In the block, SIGTERM and SIGHUP (a closed terminal) raise ``SystemExit``, so that what was begun is undone.

    That is also the file beside its place that an export or a copy writes first.
    """
    # Under nohup SIGHUP is ignored, and stays so.
    numbers = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
    before = [signal.signal(number, _raise) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _raise(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
