from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unicodedata import category

from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.chat_events import Event, Joined, Left, Redacted, Renamed, Said, Unsaid
from chatroom.client.chat_state import State
from chatroom.client.fullscreen.cells import columns
from chatroom.client.fullscreen.copying import Spot, copied_text, link_at, selected_part, spot_at
from chatroom.client.fullscreen.folding import fold
from chatroom.client.fullscreen.log_view import Row
from chatroom.client.fullscreen.look import Looks
from chatroom.client.fullscreen.shown_log import ShownLog
from chatroom.client.fullscreen.typed_rows import typed_rows
from chatroom.client.message_reading import read_said
from chatroom.client.people import People
from chatroom.client.places.place import Place
from chatroom.client.places.place_log import PlaceLog
from chatroom.client.text import clean_message
from chatroom.irc.message import Message

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


def test_a_copy_has_the_characters_that_were_said() -> None:
    """Also those that others stand for while they are drawn: see ``pinning``."""
    log, place = make()
    text = "https://example.org/हिंदी नमस्ते दुनिया"
    add(place, said(text), said("second"))
    log.refresh()
    first, second = log[0].first, log[1].first
    assert copied_text(log, (Spot(first, 0, 0), Spot(first, 0, 99))) == text
    assert text in copied_text(log, (Spot(first, 0, 0), Spot(second, 0, 0)))
    assert link_at(log, Spot(first, 0, 3)) == text.split()[0]


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


HOSTILE = st.text(
    st.one_of(
        st.sampled_from("\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f"),
        st.sampled_from("0123456789,abcdef \x1b\x07\x9b\u202e\u200d\u0301\u4e2d\U0001f468"),
        st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]),
    ),
    max_size=80,
)


@given(st.lists(st.tuples(st.sampled_from(["PRIVMSG", "NOTICE"]), HOSTILE), max_size=4), st.integers(10, 90))
def test_no_message_draws_outside_its_row(lines: list[tuple[str, str]], width: int) -> None:
    """However a message is formatted, its rows have their width, and nothing in them drives a terminal."""
    log, place = make()
    log.width = width
    for verb, text in lines:
        message = clean_message(Message(verb, ["#tea", text], "bob!b@h"))
        add(place, *(event for event in read_said(message, State()) if isinstance(event, Said)))
    log.refresh()
    for index in range(len(log)):
        for row in log.rows(index):
            strip = Looks().strip(row.fragments, width)
            assert strip.cell_length == width == sum(segment.cell_length for segment in strip)
            assert not any(category(char) in ("Cc", "Cf", "Cs") for char in strip.text)


@given(HOSTILE, st.integers(4, 40), st.integers(0, 80))
def test_no_typed_text_draws_outside_its_row(text: str, width: int, cursor: int) -> None:
    """A text with codes that is being typed stays in its rows, and codes are shown as letters."""
    typed = typed_rows(text, min(cursor, len(text)), 0, width)
    for number in range(len(typed.rows)):
        shown = "".join(part for _, part in typed.fragments(number))
        assert columns(shown.rstrip()) <= width
        assert not any(category(char) in ("Cc", "Cf", "Cs") for char in shown)


def test_formatting_is_shown_if_the_user_wants_it() -> None:
    """Styles and links go together; without the setting the text is plain; copies have no codes."""
    log, place = make()
    add(place, said("see https://a.example/b now", formatted="see \x02https://a.\x0304example/b\x0f now"))
    log.refresh()
    *_, see, first, second, now = log.rows(0)[-1].fragments
    assert [see, first, second, now] == [
        ("", "see "),
        ("f-bold link", "https://a."),
        ("f-bold ink:ff0000/ link", "example/b"),
        ("", " now"),
    ]
    entry = log[0].first
    assert link_at(log, Spot(entry, 0, 20)) == "https://a.example/b"
    assert copied_text(log, (Spot(entry, 0, 0), Spot(entry, 0, 99))) == "see https://a.example/b now"
    log.is_formatted = False
    assert log.rows(0)[-1].fragments[-2:] == [("link", "https://a.example/b"), ("", " now")]
