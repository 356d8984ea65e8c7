from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.chat_events import Event, Joined, Left, Redacted, Renamed, Said, Unsaid
from chatroom.client.fullscreen.copying import Spot, copied_text, link_at, selected_part, spot_at
from chatroom.client.fullscreen.folding import fold
from chatroom.client.fullscreen.log_view import Row
from chatroom.client.fullscreen.shown_log import ShownLog
from chatroom.client.people import People
from chatroom.client.places.place import Place
from chatroom.client.places.place_log import PlaceLog

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def make(most: int = 1000) -> tuple[ShownLog, Place]:
    """Return a log of #tea as it is shown, 60 columns wide, and the place."""
    place = Place("channel", "#tea", "srv", "#tea", PlaceLog(str.lower, most), People(str.lower, lambda folded: ()))
    log = ShownLog(place)
    log.width = 60
    return log, place


def said(text: str, nick: str = "bob", **more: object) -> Said:
    """Return a message in #tea."""
    return Said("#tea", nick, text, **more)  # type: ignore[arg-type]


def add(place: Place, *events: Event) -> None:
    """Append events to the log of a place, each a second later than the one before."""
    for event in events:
        place.log.append(event, NOON + timedelta(seconds=len(place.log)))


def texts(log: ShownLog) -> list[str]:
    """Return all rows of a log, without times and day changes, with single blanks."""
    log.refresh()
    rows = [row for index in range(len(log)) for row in log.rows(index)]
    shown = ["".join(part for style, part in row.fragments if style != "time") for row in rows if row.line >= 0]
    return [" ".join(text.split()) for text in shown]


def test_joins_and_parts_are_one_line() -> None:
    """Who comes, leaves and is renamed in a row stands in one line, which grows; a message ends it."""
    log, place = make()
    add(place, said("hi"), Joined("ann", "#tea"), Joined("cid", "#tea"))
    assert texts(log) == ["bob hi", "— ann, cid joined"]
    add(
        place,
        Left("cid", ("#tea",)),
        Renamed("ann", "anna"),
        Left("dan", ("#tea",)),
        said("well"),
        Joined("eve", "#tea"),
    )
    assert texts(log) == ["bob hi", "— anna joined; dan left; cid came and went", "bob well", "— eve joined"]


def test_nicks_that_are_changed_back_are_not_news() -> None:
    """A nick change is shown from the first to the last name."""
    changes: list[Event] = [Renamed("a", "b"), Renamed("b", "c")]
    assert "".join(text for _, text in fold(changes)) == "a is now c"
    assert "".join(text for _, text in fold([*changes, Renamed("c", "a")])) == "nicks changed, and changed back"


def test_a_day_and_the_line_new_stand_before_their_entries() -> None:
    """A row names each new day; the line "new" stands above the first unread message."""
    log, place = make()
    add(place, said("old"))
    entry = place.log.append(said("next"), NOON + timedelta(days=1))
    place.first_unread = entry
    log.refresh()
    rows = ["".join(text for _, text in row.fragments).strip("─ ") for row in log.rows(1)]
    assert rows[:2] == ["Wednesday, 02 January 2030", "new"]
    place.first_unread = None
    assert len(log.rows(1)) == 2


def test_what_becomes_of_a_message_is_shown() -> None:
    """Deleted, replied to, reacted to, under way and not sent: each is seen in the log."""
    log, place = make()
    add(place, said("first", id="1"), said("second", "ann", id="2", reply_to="1"))
    mine = said("mine", "me", mine=True, key="k")
    entry = place.log.send(mine, NOON + timedelta(seconds=9))
    assert texts(log) == ["bob first", "ann ↪ bob: first", "second", "me mine"]
    assert entry is not None
    assert ("dim", "mine") in log.rows(2)[0].fragments
    place.log.fail(Unsaid(mine))
    place.log.redact(Redacted("#tea", "1", "op", "spam"), NOON)
    assert texts(log) == ["bob deleted by op: spam", "ann ↪ bob: a deleted message", "second", "me Not sent: mine"]


def test_links_are_found_and_copied() -> None:
    """A link is underlined, without the full stop behind it, and a click on it finds it."""
    log, place = make()
    add(place, said("see https://example.org/a_(b)?c=d. Or not"))
    log.refresh()
    assert ("link", "https://example.org/a_(b)?c=d") in log.rows(0)[-1].fragments
    spot = spot_at(log, Row(0, len(log.rows(0)) - 1), 17 + 6)
    assert spot is not None
    assert link_at(log, spot) == "https://example.org/a_(b)?c=d"
    assert link_at(log, spot._replace(char=0)) == ""


def test_a_selection_is_copied_without_the_breaks_of_the_screen() -> None:
    """A part of one message is its text alone; several messages come whole, with time and author."""
    log, place = make()
    add(place, said("word " * 20), said("second"))
    log.refresh()
    first, second = log[0].first, log[1].first
    assert copied_text(log, (Spot(first, 0, 44), Spot(first, 0, 5))) == "word " * 8
    copied = copied_text(log, (Spot(first, 0, 3), Spot(second, 0, 1)))
    assert copied.splitlines()[1].endswith("<bob> second")
    assert selected_part(log, Row(1, 0), (Spot(first, 0, 3), Spot(second, 0, 1))) == (0, 2)
    assert spot_at(log, Row(0, 0), 5) is None  # the row of the day


def test_bare_text_has_no_columns() -> None:
    """Bare text is the author and the text, without times and blanks before it."""
    log, place = make()
    add(place, said("hello " * 20))
    log.is_bare = True
    log.refresh()
    rows = ["".join(text for _, text in row.fragments) for row in log.rows(0)[1:]]
    assert rows[0].startswith("bob: hello")
    assert rows[1].startswith("hello")


EVENTS = st.sampled_from([said("a"), Joined("x", "#tea"), Left("x", ("#tea",)), said("long " * 30)])


@given(st.lists(st.lists(EVENTS, max_size=8), max_size=8), st.integers(3, 12), st.booleans())
def test_what_is_shown_is_the_log_however_it_grew(steps: list[list[Event]], most: int, has_pages: bool) -> None:
    """After any appending, dropping and inserting, the items are the entries of the log, in order."""
    log, place = make(most)
    for step in steps:
        add(place, *step)
        if has_pages and place.log.entries:
            place.log.insert([said("old", id=f"{place.log.revision}", at=NOON - timedelta(days=1))], NOON)
        log.refresh()
        shown = [entry for index in range(len(log)) for entry in log[index].entries]
        assert shown == place.log.entries
        assert all(log.index_of(log.key(index)) == index for index in range(len(log)))
        assert all(log.row_count(index) >= 1 for index in range(len(log)))
