"""Whose sessions are closed when a tick cannot be done."""

from __future__ import annotations

from harness.world import Here

from chatroom.chat.relief import HOG_BYTES, relieve


def test_the_sessions_with_long_answers_are_closed(here: Here) -> None:
    """They read why and nothing else. Others read what they would have read, and that the user is gone."""
    hog, other = here.connect("hog"), here.connect("other")
    other.say("JOIN #a")
    hog.say("JOIN #a")
    here.forget_unread()
    with here.tick():
        other.say("PRIVMSG hog :hello", "PING here")
        for _ in range(HOG_BYTES // 100):
            here.world.tell_session(hog.session, "x" * 100)
        assert relieve(here.world, other.session)
    assert [line.split(" ")[0] for line in hog.read()] == ["ERROR"]
    lines = other.read()
    assert lines[0].endswith(":here") and " QUIT " in lines[-1] and len(lines) == 2
    assert "closed hog (10.0.0.1): its lines were too much at once" in here.world.log_lines


def test_without_a_long_answer_the_failed_session_is_closed(here: Here) -> None:
    """It is asked for once: a second time nothing is left to close."""
    one, other = here.connect("one"), here.connect("other")
    with here.tick():
        assert relieve(here.world, one.session)
        assert not relieve(here.world, one.session)
    assert one.closed and not other.closed


def test_if_no_session_failed_those_that_spoke_are_closed(here: Here) -> None:
    """What the tick held comes from their lines."""
    speaker, other = here.connect("speaker"), here.connect("other")
    with here.tick():
        speaker.session.heard_mono_ms, other.session.heard_mono_ms = here.world.mono_ms, 0
        assert relieve(here.world)
        assert not relieve(here.world)
    assert speaker.closed and not other.closed
