from __future__ import annotations

from chatroom.chat.log_line import Level
from chatroom.server.log_event import LogEvent
from chatroom.server.log_thinning import ALIKE_LINES, MINUTE_S, SAME_LINES, LogThinning


def event(text: str) -> LogEvent:
    """Make the event of a line."""
    return LogEvent(0.0, Level.INFO, "server", [text])


def counted(thinning: LogThinning) -> list[str]:
    """End the minute. Returns what the log then says, without its times."""
    return [one.to_text(None, is_journal=True).removeprefix("<6>").rstrip("\n") for one in thinning.end_minute(60.0)]


def shown(thinning: LogThinning, text: str, times: int, place: str = "here") -> int:
    """Log a line that many times. Returns how often it is shown."""
    return sum(thinning.shows(event(text), text, place, 0.0) for _ in range(times))


def test_a_line_that_repeats_is_shown_a_few_times_and_counted() -> None:
    """The rest is one line at the end of the minute."""
    thinning = LogThinning()
    assert shown(thinning, "refused 10.0.0.1", 1244) == SAME_LINES
    assert thinning.holds_any
    assert counted(thinning) == ["… and 1,234 more like it in the last minute: refused 10.0.0.1"]
    assert counted(thinning) == []


def test_lines_of_one_place_are_alike_whoever_they_are_about() -> None:
    """Many addresses cannot fill the log where one could not. Lines of other places are shown."""
    thinning = LogThinning()
    assert sum(shown(thinning, f"refused {number}", 1) for number in range(ALIKE_LINES + 7)) == ALIKE_LINES
    assert shown(thinning, "banned eve", 1, "elsewhere") == 1
    assert counted(thinning) == [f"… and 7 more like it in the last minute: refused {ALIKE_LINES + 6}"]
    assert shown(thinning, "refused again", 1) == 1


def test_what_goes_on_is_only_counted() -> None:
    """A fault that repeats is shown once, then counted each minute. After a quiet minute it is news again."""
    thinning = LogThinning()
    found = []

    def is_shown(now_s: float) -> bool:
        return thinning.shows(event("corrupt"), "corrupt", "look", now_s, most_same=1)

    for minute in range(3):
        found.append([is_shown(minute * MINUTE_S) for _ in range(300)].count(True))
        assert len(counted(thinning)) == 1
    assert found == [1, 0, 0]
    assert counted(thinning) == []
    assert is_shown(4 * MINUTE_S)


def test_texts_without_end_keep_no_memory() -> None:
    """What is held back for its place is not counted by its text."""
    thinning = LogThinning()
    for number in range(10_000):
        shown(thinning, f"refused {number}", 1)
    assert len(counted(thinning)) == 1
    assert thinning.ends_at_s is None
