"""The file of doubts: what a daemon has refused, and PostgreSQL may have stored all the same.

Only the daemon knows that it has refused a message, because it could tell nobody: the database did not answer. So if it
ends before that is settled, a file on its machine tells the next start. It has numbers only. If the machine is gone, or
the file cannot be written, the history may show the message for good.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from chatroom.new_file import new_file

log = logging.getLogger(__name__)


class KeptDoubt(NamedTuple):
    """What of a doubt outlasts the daemon."""

    entries: Sequence[int]
    """The numbers of all entries of the transaction."""
    messages: Sequence[int]
    """The numbers of the messages that were refused."""
    mark: int
    """As in ``Doubt``."""
    connection: int
    """The number of the journal's connections: one of them may still be about to make the transaction."""


class DoubtFile:
    """The file. For the thread that commits, and the start."""

    def __init__(self, path: Path | None) -> None:
        """None keeps nothing."""
        self._path = path

    def read(self) -> list[KeptDoubt]:
        """What the run before has left. It is left there until ``write``."""
        if self._path is None:
            return []
        try:
            rows = json.loads(self._path.read_bytes())
            return [
                KeptDoubt(_numbers(row["entries"]), _numbers(row["messages"]), int(row["mark"]), int(row["connection"]))
                for row in rows
            ]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.error("%s cannot be read: messages that were refused may be in the history: %s", self._path, error)
            return []

    def write(self, doubts: Sequence[KeptDoubt]) -> None:
        """Keep these doubts and no others."""
        if self._path is None:
            return
        try:
            if not doubts:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with new_file(self._path) as file:
                json.dump([doubt._asdict() for doubt in doubts], file)
        except OSError as error:
            log.error("%s cannot be written: messages that were refused may be in the history: %s", self._path, error)


def _numbers(value: object) -> list[int]:
    if not isinstance(value, list):
        raise ValueError("these are no numbers")
    return [int(each) for each in value]
