from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatroom.client.chat_events import (
    Denied,
    Event,
    Info,
    Invited,
    Joined,
    Kicked,
    Left,
    Members,
    ModeChanged,
    Renamed,
    Said,
    SearchResult,
    TopicChanged,
    Trouble,
    Welcome,
)
from chatroom.client.mentioning import mentions
from chatroom.client.rendering import nick_style, render, stamp


@pytest.mark.parametrize(
    "event, text",
    [
        (Said("#a", "bob", "hi"), "<bob> hi"),
        (Said("#a", "bob", "waves", "action"), "* bob waves"),
        (Said("#a", "bob", "careful", "notice"), "-bob- careful"),
        (Joined("bob", "#a"), "bob joined"),
        (Joined("me", "#a", mine=True), "You joined #a"),
        (Left("bob", ("#a",)), "bob left"),
        (Left("bob", ("#a",), "bob"), "bob left"),
        (Left("bob", ("#a", "#b"), "Quit: off to bed"), "bob left (off to bed)"),
        (Left("bob", ("#a",), "Connection reset"), "bob left (Connection reset)"),
        (Left("bob", ("#a",), "bob was kicked by an admin: spam"), "bob was kicked by an admin: spam"),
        (Left("me", ("#a",), mine=True), "You left #a"),
        (Kicked("bob", "#a", "carol"), "bob was kicked from #a by carol"),
        (Kicked("me", "#a", "carol", "spam", mine=True), "You were kicked from #a by carol: spam"),
        (Renamed("bob", "rob"), "bob is now known as rob"),
        (Renamed("me", "myself", mine=True), "You are now known as myself"),
        (TopicChanged("#a", "tea", "bob"), "bob set the topic: tea"),
        (TopicChanged("#a", "", "bob"), "bob cleared the topic"),
        (ModeChanged("#a", "bob", "+o", ("carol",)), "bob made carol an operator"),
        (ModeChanged("#a", "bob", "+mk", ("key",)), "bob set +mk key"),
        (ModeChanged("me", "me", "+i", ()), "Your modes changed: +i"),
        (ModeChanged("me", "srv", "+o", ()), "You are an operator of this server."),
        (Members("#a", ("@bob", "me"), asked=True), "2 here: @bob, me"),
        (Invited("me", "#b", "bob", mine=True), "bob invites you to #b (/join #b)"),
        (Invited("carol", "#a", "bob", mine=False), "bob invited carol"),
        (Info("one"), "one"),
        (Denied("No."), "No."),
        (Trouble("Lost."), "Lost."),
        (Welcome("me", again=True), "Connected again, as me."),
    ],
)
def test_wording(event: Event, text: str) -> None:
    """Each event is a sentence; a kick from the server names the user once."""
    (line,) = render(event)
    assert line.text == text


def test_an_answer_of_several_lines_is_several_lines() -> None:
    """A text of several lines is shown as several lines."""
    assert [line.text for line in render(Info("one\ntwo"))] == ["one", "two"]


def test_what_was_found_reads_unlike_talk() -> None:
    """A header and indented lines with date, time and nick; with the conversation if there are several."""
    at = datetime(2026, 11, 22, 11, 5, tzinfo=UTC)
    when = f"{at.astimezone():%Y-%m-%d %H:%M}"
    one, two = Said("#a", "bob", "hi", at=at), Said("ann", "me", "waves", "action", mine=True, at=at)

    def lines(*said: Said) -> list[str]:
        found = render(SearchResult(said), "bob")
        assert all(line.timeless and line.at is None and not line.conversation for line in found)
        return [line.text for line in found]

    assert lines() == ["Nothing found."]
    assert lines(one, one) == ["Found 2 in #a:", *[f"  {when} <bob> hi"] * 2]
    assert lines(two) == ["Found 1 with ann:", f"  {when} * me waves"]
    assert lines(one, two) == ["Found 2:", f"  {when} [#a] <bob> hi", f"  {when} [ann] * me waves"]
    assert lines(*[one] * 50)[0] == "Found 50 or more in #a:"


def test_what_was_missed_is_dim() -> None:
    """Replayed messages are dim, even those of today; a mention in them still stands out."""
    missed = Said("#a", "bob", "hi", missed=True)
    assert ("dim", "hi") in render(missed)[0].words
    assert ("mention", "hi") in render(missed, "hi")[0].words


def test_a_name_has_one_colour() -> None:
    """A nick has the same style in any case, and different nicks have different ones."""
    assert nick_style("Bob") == nick_style("bob")
    assert len({nick_style(f"nick{number}") for number in range(50)}) > 5


def test_being_named_stands_out() -> None:
    """A message that mentions the user has another style, unless the user wrote it."""
    assert ("mention", "hi Me!") in render(Said("#a", "bob", "hi Me!"), "me")[0].words
    assert ("", "hi me!") in render(Said("#a", "me", "hi me!", mine=True), "me")[0].words
    assert not mentions("some", "me")
    assert mentions("[me]: hi", "[me]")


def test_times_are_local_and_old_ones_have_a_date() -> None:
    """A time of today is hour and minute; another day's comes with its date."""
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    at = datetime(2026, 11, 22, 11, 5, tzinfo=UTC)
    assert stamp(at, now) == f"{at.astimezone():%H:%M}"
    assert stamp(None, now) == f"{now.astimezone():%H:%M}"
    assert stamp(at - timedelta(days=2), now) == f"{(at - timedelta(days=2)).astimezone():%Y-%m-%d %H:%M}"
