"""Long work on the history, in steps so short that nobody else waits long for the write lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chatroom.ctl.history_lines import Unplaceable, read_line
from chatroom.errors import InvalidValue, Refused
from chatroom.storage.sqlite import history_archive, history_index
from chatroom.storage.sqlite.database import Database
from chatroom.storage.sqlite.history_upkeep import SqliteUpkeep

PAUSE_S = 0.002
"""How long others have to get the write lock, between two steps."""
_STEP_S = 0.02
_CLEARING_S = 120.0
_REMOVED_AT_ONCE = 100

Tell = Callable[[int], object]
"""Told how much more is done."""


@dataclass(slots=True)
class Imported:
    """What came of an import."""

    added: int = 0
    there: int = 0
    """How many entries were there already."""
    unplaced: int = 0
    """How many are between accounts that are not here."""
    faults: list[str] = field(default_factory=list)
    """The lines that cannot be read, as ``NUMBER: why``."""


def take_in(database: Database, upkeep: SqliteUpkeep, lines: Iterable[bytes], skip_bad: bool, tell: Tell) -> Imported:
    """Add the entries of all lines; ``tell`` counts bytes.

    Raises ``Refused`` at the first line that cannot be read, unless they are to be skipped; what stood before it stays.
    """
    done, numbered = Imported(), iter(enumerate(lines, 1))
    went_on = True
    while went_on:
        size = 0
        with database.transaction():
            ends_at, went_on = time.monotonic() + _STEP_S, False
            for number, line in numbered:
                size += len(line)
                fault = _take_in_line(database, line, done)
                if fault:
                    done.faults.append(f"{number}: {fault}")
                    if not skip_bad:
                        break
                if time.monotonic() > ends_at:
                    went_on = True
                    break
        tell(size)
        upkeep.merge_some()
        time.sleep(PAUSE_S)
    if done.faults and not skip_bad:
        raise Refused(f"line {done.faults[0]}; the lines before it were imported (--skip-bad leaves out such lines)")
    return done


def _take_in_line(database: Database, line: bytes, done: Imported) -> str:
    """Add one line's entry; what is wrong with it, or nothing."""
    if not line.strip():
        return ""
    try:
        entry, ended_ms = read_line(
            line.decode("utf-8-sig"), lambda name, at_ms: history_archive.find_account(database, name, at_ms)
        )
        if history_archive.take_in(database, entry, ended_ms):
            done.added += 1
        else:
            done.there += 1
    except UnicodeDecodeError:
        return "not UTF-8"
    except Unplaceable:
        done.unplaced += 1
    except InvalidValue as error:
        return str(error)
    return ""


def index_all(upkeep: SqliteUpkeep) -> None:
    """Make everything quick to find."""
    while upkeep.index_some():
        time.sleep(PAUSE_S)


def remove_all(upkeep: SqliteUpkeep, numbers: Sequence[int], tell: Tell) -> None:
    """Delete these entries."""
    start = 0
    while start < len(numbers):
        done = upkeep.remove_some(numbers[start : start + _REMOVED_AT_ONCE])
        start += done
        tell(done)
        time.sleep(PAUSE_S)


def prune_all(upkeep: SqliteUpkeep, before_ms: int, tell: Tell) -> int:
    """Delete what is older than ``before_ms``; how much it was."""
    total = 0
    while done := upkeep.prune_some(before_ms=before_ms):
        total += done
        tell(done)
        time.sleep(PAUSE_S)
    return total


def clear_files(database: Database, upkeep: SqliteUpkeep) -> bool:
    """Remove the bytes of what was deleted from the files; False where somebody is in the way for too long."""
    # A daemon may have cleared them after the first deletion, before the last one.
    with database.transaction():
        history_index.ask_for_scrub(database)
    give_up_at = time.monotonic() + _CLEARING_S
    while upkeep.scrub_some():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(PAUSE_S)
    return True
