from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence

import pytest

from chatroom.chat.log_line import Level
from chatroom.server.fault_log import FaultLog
from chatroom.server.log_thinning import Likeness
from chatroom.server.operator_screen import Screen

log = logging.getLogger("chatroom.test")


class Shown(Screen):
    """A screen that keeps what it is to show."""

    def __init__(self) -> None:
        super().__init__()
        self.levels_shown: list[Level] = []
        self.groups: list[tuple[Sequence[str], Likeness | None]] = []

    def show(
        self,
        lines: Sequence[str],
        likeness: Likeness | None = None,
        level: Level = Level.INFO,
        area: str = "server",
    ) -> None:
        """Keep a group of lines."""
        self.groups.append((lines, likeness))
        self.levels_shown.append(level)


@pytest.fixture
def shown() -> Iterator[Shown]:
    """What the fault log shows."""
    screen = Shown()
    fault_log = FaultLog(screen)
    fault_log.install()
    yield screen
    fault_log.remove()
    fault_log.remove()
    assert log.getEffectiveLevel() == logging.WARNING
    assert logging.getLogger("chatroom").propagate


def fail(word: str) -> None:
    """Log an exception."""
    try:
        raise ValueError(word)
    except ValueError:
        log.exception("a line of %s failed", word)


def test_a_traceback_is_one_group_of_lines(shown: Shown) -> None:
    """It is shown or held back as a whole."""
    fail("alice")
    (lines, likeness), *others = shown.groups
    assert (lines[0], lines[-1], others) == ("a line of alice failed", "ValueError: alice", [])
    assert likeness is not None and likeness.most_same == 1


def test_a_fault_has_its_level(shown: Shown) -> None:
    """What the code calls an error or a warning is one in the log."""
    fail("alice")
    log.warning("a worker was still busy")
    assert shown.levels_shown == [Level.ERROR, Level.WARNING]


def test_faults_of_one_origin_are_the_same_whatever_their_texts(shown: Shown) -> None:
    """An exception counts by where it was raised, a message without one by its text."""
    fail("alice")
    fail("bob")
    log.error("cannot look for changes: %s", "corrupt")
    log.error("cannot look for changes: %s", "busy")
    log.info("nothing to say")
    causes = [likeness.same for _, likeness in shown.groups if likeness is not None]
    assert len(causes) == 4
    assert causes[0] == causes[1]
    assert causes[2] != causes[3]


def test_what_ends_a_thread_is_shown(shown: Shown) -> None:
    """Python itself would write it to stderr, past the screen, and say nothing of a SystemExit."""

    def end() -> None:
        raise SystemExit(3)

    thread = threading.Thread(target=end, name="doomed")
    thread.start()
    thread.join()
    assert shown.groups[0][0][0] == "the thread doomed failed"
