"""What was said, as text files on this machine: ``DIRECTORY/SERVER/PLACE.log``, a line for each message or event.

A line is its time, exact to the millisecond and with the zone, and the text that the screen shows::

    2030-01-01T12:00:00.000+01:00 <alice> hello

Lines stand in the order in which they came. Files are opened for each write, so they may be moved away at any time.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from chatroom.client.chat_events import Event, History, Said
from chatroom.client.rendering import render

_LONGEST = 200
"""The longest name of a file, in bytes, without its ending. A file system takes 255."""
_TAIL_BYTES = 8192
_REMEMBERED = 10_000
"""How many of the last lines are compared with what the server replays."""


class DiskLog:
    """Writes the logs of one server. ``server`` is its name, ``fold`` gives a name as the server compares it.

    ``now`` returns the time, aware; ``find_directory`` the directory of the logs, None for no logs. After an error
    nothing more is written until that directory is another one. For one thread.
    """

    def __init__(
        self,
        server: str,
        fold: Callable[[str], str],
        now: Callable[[], datetime],
        find_directory: Callable[[], Path | None],
    ) -> None:
        self._server = server
        self._fold = fold
        self._now = now
        self._find_directory = find_directory
        self._failed: Path | None = None
        self._unwritten: dict[Path, list[str]] = {}
        # When the last line was written that a file had before this chat: what the server replays begins after it.
        self._ends: dict[Path, datetime | None] = {}
        self._lines: OrderedDict[tuple[Path, str], None] = OrderedDict()
        self._trouble = ""

    def note(self, event: Event) -> None:
        """Take an event for the next ``write``. The pages that the user reads back are left out."""
        directory = self._find_directory()
        if directory != self._failed:
            self._failed = None
        if directory is None or self._failed is not None:
            return
        try:
            if not isinstance(event, History):
                self._note(event, directory, replayed=isinstance(event, Said) and event.missed)
            elif event.news or not event.before:
                for old in event.events:
                    self._note(old, directory, replayed=True)
        except OSError as error:
            self._fail(error, directory)

    def write(self) -> str:
        """Write what was noted. Returns why that, or ``note``, has failed; each fault once."""
        unwritten, self._unwritten = self._unwritten, {}
        try:
            for path, lines in unwritten.items():
                _append(path, lines)
        except OSError as error:
            self._fail(error, path.parent.parent)
        trouble, self._trouble = self._trouble, ""
        return trouble

    def _fail(self, error: OSError, directory: Path) -> None:
        self._failed = directory
        self._trouble = f"Nothing is logged any more: {error.filename or directory}: {error.strerror}."

    def _note(self, event: Event, directory: Path, *, replayed: bool) -> None:
        for line in render(event):
            at = (line.at or self._now()).astimezone()
            text = f"{at.isoformat(timespec='milliseconds')} {line.text}\n"
            for place in [line.conversation] if line.conversation else getattr(event, "channels", ()):
                path = directory / file_name(self._server) / f"{file_name(self._fold(place))}.log"
                if not (replayed and self._is_known(path, line.at, text)):
                    self._keep(path, text)

    def _keep(self, path: Path, text: str) -> None:
        self._end(path)  # before this chat writes to the file
        self._unwritten.setdefault(path, []).append(text)
        self._lines[path, text] = None
        if len(self._lines) > _REMEMBERED:
            self._lines.popitem(last=False)

    def _is_known(self, path: Path, at: datetime | None, text: str) -> bool:
        """True if an earlier chat has logged this, or this one has before a lost connection."""
        end = self._end(path)
        return (path, text) in self._lines or (at is not None and end is not None and at <= end)

    def _end(self, path: Path) -> datetime | None:
        if path not in self._ends:
            self._ends[path] = _read_end(path)
        return self._ends[path]


def file_name(name: str) -> str:
    """Return a name as that of a file: unique, without ``/``, and not hidden. Most names stay as they are."""
    shown = "".join(
        char if char.isprintable() and char not in "/%\\" else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in name
    )
    if shown.startswith("."):
        shown = f"%2E{shown[1:]}"
    data = shown.encode()
    if len(data) > _LONGEST:
        digest = hashlib.sha256(data).hexdigest()[:16]
        shown = f"{data[: _LONGEST - 17].decode(errors='ignore')}~{digest}"
    return shown


def _append(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.writelines(lines)


def _read_end(path: Path) -> datetime | None:
    """Return the latest time among the last lines; None if there is none. A log that is not there has no lines."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read().decode(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None  # if the log cannot be made either, writing says why
    times = []
    for line in tail.splitlines():
        try:
            at = datetime.fromisoformat(line.partition(" ")[0])
        except ValueError:
            continue  # a user has edited the line, or it was cut
        if at.tzinfo is not None:
            times.append(at)
    return max(times, default=None)
