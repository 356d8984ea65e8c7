"""The log of a place: order, doubles, echoes, pages, what becomes of a message, and the bound."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.chat_events import Event, Info, Joined, Reacted, Redacted, Said, Unsaid
from chatroom.client.places.place_log import PlaceLog
from chatroom.irc.names import casefold

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
NOW = NOON + timedelta(hours=1)


def said(number: int, *, at: int | None = None, **more: object) -> Said:
    """The message ``number`` of a conversation, a second after the one before."""
    second = number if at is None else at
    return Said("#tea", "bob", f"text {number}", at=NOON + timedelta(seconds=second), id=f"m{number}", **more)  # type: ignore[arg-type]


def log(most: int = 100) -> PlaceLog:
    """An empty log."""
    return PlaceLog(casefold, most)


def ids(place: PlaceLog) -> list[str]:
    """The msgids in the order of the log; empty for entries without one."""
    return [entry.id for entry in place.entries]


def fill(place: PlaceLog, *events: Event) -> PlaceLog:
    """Append live events."""
    for event in events:
        place.append(event, NOW)
    return place


def test_live_events_stay_in_the_order_in_which_they_came() -> None:
    """A message with an earlier time than the one before is still behind it, and keeps its time."""
    place = fill(log(), said(5), said(3), Info("hello"))
    assert ids(place) == ["m5", "m3", ""]
    assert place.entries[1].at == NOON + timedelta(seconds=3)
    assert place.entries[2].at == NOW
    assert place.entries[2].moment == NOON + timedelta(seconds=5)


def test_a_message_is_in_the_log_once() -> None:
    """A message that the server sends again, live or in a page, makes no second entry."""
    place = fill(log(), said(1), said(1))
    assert place.insert([said(1), said(2)], NOW) == [place.entries[1]]
    assert ids(place) == ["m1", "m2"]


def test_without_ids_a_page_repeats_nothing_that_is_known() -> None:
    """Time, nick and text tell a message without a msgid, and two alike in one page are two."""
    one, two = (Said("#tea", "bob", text, at=NOON) for text in ("one", "two"))
    place = fill(log(), one)
    place.insert([one, two, two], NOW)
    assert [entry.event for entry in place.entries] == [one, two, two]


def test_an_echo_takes_the_place_of_the_message_under_way() -> None:
    """The message is under way, behind all others; its echo is the same entry, at its place in the conversation."""
    place = log()
    mine = Said("#tea", "me", "hi", mine=True, key="7")
    entry = place.send(mine, NOW)
    assert [entry.delivery] == ["under way"]
    fill(place, said(1))
    place.insert([said(0)], NOW)
    assert ids(place) == ["m0", "m1", ""]
    echo = Said("#tea", "me", "hi", mine=True, key="7", id="m2", at=NOON + timedelta(seconds=2))
    assert place.append(echo, NOW) is entry
    assert (entry.delivery, entry.at) == ("said", echo.at)
    assert ids(place) == ["m0", "m1", "m2"]


def test_an_echo_that_a_page_has_brought_leaves_one_entry() -> None:
    """The page with the message may arrive before its echo."""
    place = log()
    place.send(Said("#tea", "me", "hi", mine=True, key="7"), NOW)
    place.insert([said(1)], NOW)
    assert place.append(said(1, mine=True, key="7"), NOW) is None
    assert ids(place) == ["m1"]


def test_a_message_that_was_not_said_is_marked() -> None:
    """It says if it was perhaps said, and a message that is not here is none."""
    place = log()
    for key, perhaps, delivery in (("1", False, "unsaid"), ("2", True, "perhaps")):
        mine = Said("#tea", "me", "hi", mine=True, key=key)
        place.send(mine, NOW)
        entry = place.fail(Unsaid(mine, perhaps=perhaps))
        assert entry is not None
        assert (entry.delivery, entry.revision) == (delivery, 1)
        assert place.fail(Unsaid(mine)) is None


def test_an_older_page_comes_before_what_is_here() -> None:
    """Also if its last messages have the time of the first one that is here."""
    place = fill(log(), said(4, at=3))
    place.insert([said(2), said(3)], NOW, before="m4")
    assert ids(place) == ["m2", "m3", "m4"]


def test_what_begins_a_log_without_a_time_stands_where_the_user_came() -> None:
    """Behind older pages, and before what the server says next."""
    welcome = Info("You are connected")
    place = fill(log(), welcome, said(9))
    place.insert([said(7), said(8)], NOW, before="m9")
    place.insert([said(5), said(6)], NOW, before="m7")
    assert ids(place) == ["m5", "m6", "m7", "m8", "", "m9"]
    place = fill(log(), welcome)
    place.insert([said(7), said(8)], NOW)
    fill(place, said(9))
    assert ids(place) == ["m7", "m8", "", "m9"]


def test_a_page_fills_the_gap() -> None:
    """What was said during a lost connection lies between what was there before and after it."""
    place = fill(log(), said(1), said(6))
    place.insert([said(1), said(2), said(5)], NOW, after="m1")
    assert ids(place) == ["m1", "m2", "m5", "m6"]


def test_events_of_a_page_have_their_place_too() -> None:
    """A JOIN in a page is an entry, and one that was seen live is not there twice."""
    join = Joined("carol", "#tea", at=NOON + timedelta(seconds=2))
    place = fill(log(), said(1), join, said(3))
    assert place.insert([said(1), join, said(3)], NOW) == []
    assert place.insert([Joined("dave", "#tea", at=NOON)], NOW)[0] is place.entries[0]


def test_a_deleted_message_has_no_text_any_more() -> None:
    """The entry says who deleted it, and the text is not kept anywhere in it."""
    place = fill(log(), said(1))
    redacted = Redacted("#tea", "m1", "alice", "spam")
    assert place.redact(redacted, NOW) is place.entries[0]
    entry = place.entries[0]
    assert entry.redaction is redacted
    assert "text 1" not in repr(entry)
    assert place.redact(redacted, NOW) is None


def test_reactions_are_counted_once_a_user_and_can_be_taken_back() -> None:
    """A nick in another case is the same user, and a page that repeats an old reaction does not bring it back."""
    place = fill(log(), said(1))
    first = Reacted("#tea", "m1", "Bob", "+1", at=NOON)
    for event in (first, Reacted("#tea", "m1", "bob", "+1", at=NOON), Reacted("#tea", "m1", "carol", "+1", at=NOON)):
        place.react(event, NOW)
    entry = place.entries[0]
    assert entry.reactions == {"+1": ["Bob", "carol"]}
    place.react(Reacted("#tea", "m1", "Bob", "+1", added=False, at=NOON + timedelta(seconds=1)), NOW)
    place.insert([first], NOW)
    assert entry.reactions == {"+1": ["carol"]}


def test_what_becomes_of_a_message_is_known_before_the_message() -> None:
    """A reaction and a deletion hold for a message that a later page brings."""
    place = log()
    place.react(Reacted("#tea", "m1", "carol", "+1"), NOW)
    place.redact(Redacted("#tea", "m1", "alice"), NOW)
    place.insert([said(1)], NOW)
    entry = place.entries[0]
    assert entry.reactions == {"+1": ["carol"]}
    assert entry.redaction is not None
    assert entry.event == replace(said(1), text="")


def test_old_entries_make_room_unless_the_user_reads_them() -> None:
    """A full log drops its oldest entry; while the user reads back it keeps twice as many."""
    place = fill(log(most=3), *(said(number) for number in range(10, 14)))
    assert ids(place) == ["m11", "m12", "m13"]
    assert place.find("m10") is None
    place.is_read_back = True
    place.insert([said(9), said(10)], NOW, before="m11")
    full = [(len(place), place.is_full)]
    fill(place, said(14), said(15))
    assert [*full, (len(place), place.is_full)] == [(5, False), (6, True)]
    place.settle()
    assert ids(place) == ["m13", "m14", "m15"]


def test_the_ends_of_the_log_have_ids() -> None:
    """Pages are asked for by the oldest and the newest message with a msgid."""
    assert (log().oldest_id, log().newest_id) == ("", "")
    place = fill(log(), Info("x"), said(1), said(2), Info("y"))
    assert (place.oldest_id, place.newest_id) == ("m1", "m2")
    place.clear()
    assert len(place) == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("live"), st.integers(1, 5)),
        st.tuples(st.just("lost"), st.integers(1, 5)),
        st.tuples(st.just("own"), st.booleans()),
        st.tuples(st.just("older"), st.integers(1, 6)),
        st.tuples(st.just("news"), st.integers(1, 6)),
        st.tuples(st.just("latest"), st.integers(1, 6)),
        st.tuples(st.just("redact"), st.integers(0, 40)),
        st.tuples(st.just("react"), st.integers(0, 40)),
        st.tuples(st.just("info"), st.just(0)),
        st.tuples(st.just("read back"), st.booleans()),
    ),
    max_size=60,
)


class Model:
    """A server's conversation, and the log of a client that sees parts of it."""

    def __init__(self, times: list[int], most: int) -> None:
        self.times = times
        self.all: list[Said] = []
        self.log = log(most)
        self.most = most
        self.reacted: set[str] = set()
        self.redacted: set[str] = set()

    def say(self, *, mine: bool = False, key: str = "") -> Said:
        """Say something on the server."""
        number = len(self.all)
        at = (self.all[-1].at or NOON) if self.all else NOON
        step = timedelta(seconds=self.times[number % len(self.times)])
        self.all.append(Said("#tea", "bob", f"text {number}", at=at + step, id=f"m{number}", mine=mine, key=key))
        return self.all[-1]

    def number_of(self, msgid: str) -> int:
        """The number of a message."""
        return int(msgid[1:])

    def step(self, kind: str, value: int) -> None:
        """Do what the step says, as the session would."""
        if kind in ("redact", "react") and value < len(self.all):
            self.change(kind, f"m{value}")
        elif kind in ("older", "news", "latest"):
            self.page(kind, value)
        elif kind == "live":
            fill(self.log, *(self.say() for _ in range(value)))
        elif kind == "lost":
            for _ in range(value):
                self.say()
        elif kind == "own":
            key = f"k{len(self.all)}"
            self.log.send(Said("#tea", "bob", "mine", mine=True, key=key), NOW)
            if value:
                fill(self.log, self.say(), self.say(mine=True, key=key))
        elif kind == "info":
            fill(self.log, Info("info"))
        elif kind == "read back":
            self.log.is_read_back = bool(value)
            if not value:
                self.log.settle()

    def page(self, kind: str, size: int) -> None:
        """Ask the server for a page."""
        place = self.log
        if kind == "latest":
            self.catch_up()
            place.insert(self.all[-size:], NOW)
        elif kind == "older" and place.oldest_id:
            end = self.number_of(place.oldest_id)
            place.insert(self.all[max(0, end - size) : end], NOW, before=place.oldest_id)
        elif kind == "news" and place.newest_id:
            begin = self.number_of(place.newest_id) + 1
            place.insert(self.all[begin : begin + size], NOW, after=place.newest_id)

    def catch_up(self) -> None:
        """Read what was lost, so that the newest page joins on to it."""
        if self.log.newest_id:
            begin = self.number_of(self.log.newest_id) + 1
            self.log.insert(self.all[begin:], NOW, after=self.log.newest_id)

    def change(self, kind: str, msgid: str) -> None:
        """React to a message, or delete it."""
        if kind == "react":
            self.log.react(Reacted("#tea", msgid, "carol", "+1"), NOW)
            self.reacted.add(msgid)
        else:
            self.log.redact(Redacted("#tea", msgid, "alice"), NOW)
            self.redacted.add(msgid)

    def check(self) -> None:
        """What holds after each step."""
        entries, place = self.log.entries, self.log
        moments = [entry.moment for entry in entries]
        assert moments == sorted(moments)
        numbers = [self.number_of(entry.id) for entry in entries if entry.id]
        assert len(set(numbers)) == len(numbers)
        assert numbers == sorted(numbers)
        assert len(entries) <= self.most * (2 if place.is_read_back else 1)
        assert len({entry.serial for entry in entries}) == len(entries)
        under_way = [entry.delivery == "under way" for entry in entries]
        assert under_way == sorted(under_way)
        for index, entry in enumerate(entries):
            assert place.position(entry) == index
            if entry.id:
                assert place.find(entry.id) is entry
                assert entry.delivery == "said"
                assert (entry.redaction is not None) == (entry.id in self.redacted)
                assert bool(entry.reactions) == (entry.id in self.reacted)
        assert place.find(f"m{len(self.all)}") is None


@given(STEPS, st.lists(st.integers(0, 1), min_size=1, max_size=5), st.integers(1, 30))
def test_any_mixture_of_pages_and_live_lines_makes_one_conversation(
    steps: list[tuple[str, int]], times: list[int], most: int
) -> None:
    """The order is the server's, nothing is there twice, the bound holds, and what becomes of a message is known."""
    model = Model(times, most)
    for kind, value in steps:
        model.step(kind, value)
        model.check()
