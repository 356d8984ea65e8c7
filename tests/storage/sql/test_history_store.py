"""Queries on the history, compared with a plain list of its entries."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest

from chatroom.chat.stored.entries import (
    AtMessageId,
    AtTime,
    Bound,
    Conversation,
    Entry,
    Kind,
    LastSaid,
    direct,
    next_message_id,
    time_ms_of,
)
from chatroom.chat.stored.records import Actor
from chatroom.errors import NotFound
from chatroom.storage.opening import open_journal, open_upkeep
from chatroom.storage.sql.sql_stores import SqlStores

AT = 1_900_000_000_000
COUNT = 240
CONVERSATIONS: tuple[Conversation, ...] = ("#tea", "#Coffee", direct(1, 2), direct(3, 1))


class Filled(NamedTuple):
    """A database and its entries."""

    stores: SqlStores
    entries: list[Entry]

    def within(self, conversation: Conversation, *, events: bool) -> list[Entry]:
        """All entries of one conversation, in the order of message ids."""
        return [one for one in self.entries if one.conversation == conversation and (events or not one.kind.is_event)]


def make_entries() -> list[Entry]:
    """Entries in several conversations. Half-way, the clock is set back by 0.7 seconds."""
    rng = random.Random(4)
    entries, last, time_ms = list[Entry](), 0, AT
    for count in range(COUNT):
        time_ms += rng.choice((0, 0, 1, 50))
        if count == COUNT // 2:
            time_ms -= 700
        last = next_message_id(last, time_ms)
        conversation = rng.choice(CONVERSATIONS)
        kind = rng.choice((Kind.PRIVMSG, Kind.NOTICE, Kind.JOIN, Kind.TOPIC))
        target = conversation if isinstance(conversation, str) else "bob"
        entries.append(Entry(last, time_ms, conversation, kind, "ada!a@host", 1, "ada", target, f"text {count}"))
    return entries


@pytest.fixture(params=[0, COUNT // 3, COUNT])
def kept(request: pytest.FixtureRequest, stores: SqlStores) -> Filled:
    """The entries, none, some or all of which are indexed."""
    entries = make_entries()
    journal = open_journal(stores.address)
    assert journal.begin()
    journal.write(entries)
    journal.commit()
    journal.close()
    upkeep = open_upkeep(stores.address)
    left = request.param
    while left:
        before = waiting(stores)
        upkeep.index_some(left)
        left -= before - waiting(stores)
    upkeep.close()
    assert waiting(stores) == COUNT - request.param
    return Filled(stores, entries)


def waiting(stores: SqlStores) -> int:
    """The number of entries that are not indexed."""
    return stores.database.number(
        "SELECT count(*) FROM messages WHERE id > (SELECT value FROM history_state WHERE name = 'indexed')"
    )


def bounds(entries: list[Entry]) -> list[Bound]:
    """Message ids and times: before, at, between and after the entries."""
    message_ids = [
        0,
        entries[0].message_id,
        entries[COUNT // 3].message_id,
        entries[COUNT // 2].message_id + 1,
        entries[-1].message_id + 9,
    ]
    return [
        *map(AtMessageId, message_ids),
        *(
            AtTime(entries[position].time_ms)
            for position in (0, COUNT // 3, COUNT // 2 - 1, COUNT // 2 + 20, COUNT - 1)
        ),
        AtTime(AT - 10),
        AtTime(AT + 10**6),
    ]


def position_of(entries: list[Entry], bound: AtMessageId) -> tuple[int, int]:
    """The position of a message id in the order of times."""
    for entry in entries:
        if entry.message_id == bound.message_id:
            return entry.time_ms, entry.message_id
    return time_ms_of(bound.message_id), bound.message_id


def by_time(entries: list[Entry]) -> list[Entry]:
    """The entries in the order of times."""
    return sorted(entries, key=lambda entry: (entry.time_ms, entry.message_id))


def is_after(kept: Filled, entry: Entry, bound: Bound) -> bool:
    """True if the entry is after the bound, in the bound's order."""
    return entry.time_ms > bound.time_ms if isinstance(bound, AtTime) else entry.message_id > bound.message_id


def is_before(kept: Filled, entry: Entry, bound: Bound) -> bool:
    """True if the entry is before the bound, in the bound's order."""
    return entry.time_ms < bound.time_ms if isinstance(bound, AtTime) else entry.message_id < bound.message_id


def in_order(entries: list[Entry], *these: Bound | None) -> list[Entry]:
    """The entries in the order that the bounds ask for."""
    return by_time(entries) if any(isinstance(bound, AtTime) for bound in these) else entries


def newest(entries: list[Entry], limit: int, *these: Bound | None) -> list[Entry]:
    """The last entries of an answer with these bounds: by time, all of the first one's millisecond."""
    start = max(len(entries) - limit, 0)
    while is_by_time(*these) and 0 < start < len(entries) and entries[start - 1].time_ms == entries[start].time_ms:
        start -= 1
    return entries[start:]


def oldest(entries: list[Entry], limit: int, *these: Bound | None) -> list[Entry]:
    """The first entries of an answer with these bounds: by time, all of the last one's millisecond."""
    end = min(limit, len(entries))
    while is_by_time(*these) and 0 < end < len(entries) and entries[end - 1].time_ms == entries[end].time_ms:
        end += 1
    return entries[:end]


def is_by_time(*these: Bound | None) -> bool:
    """True if a client goes on from the time of the last entry, and not from its message id."""
    return not all(isinstance(bound, AtMessageId) for bound in these)


@pytest.mark.parametrize("events", [False, True])
@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_latest_before_and_after(kept: Filled, conversation: Conversation, events: bool) -> None:
    """The newest entries, those before a bound and those after it, in both orders, with events and without."""
    history, all_of_it = kept.stores.history, kept.within(conversation, events=events)
    for limit in (1, 7, 1000):
        assert history.latest(conversation, limit, events=events) == newest(all_of_it, limit, None)
        for bound in bounds(kept.entries):
            ordered = in_order(all_of_it, bound)
            after = [one for one in ordered if is_after(kept, one, bound)]
            before = [one for one in ordered if is_before(kept, one, bound)]
            assert history.after(conversation, bound, limit, events=events) == oldest(after, limit, bound)
            assert history.before(conversation, bound, limit, events=events) == newest(before, limit, bound)
            assert history.latest(conversation, limit, after=bound, events=events) == newest(after, limit, bound)


def test_latest_up_to(kept: Filled) -> None:
    """``up_to`` excludes entries with a higher message id, with any bound on the other side."""
    up_to = kept.entries[COUNT // 2 + 10].message_id
    known = [one for one in kept.within("#tea", events=True) if one.message_id <= up_to]
    assert kept.stores.history.latest("#tea", 5, up_to=up_to, events=True) == newest(known, 5, None)
    for bound in bounds(kept.entries):
        after = [one for one in in_order(known, bound) if is_after(kept, one, bound)]
        assert kept.stores.history.latest("#tea", 1000, after=bound, up_to=up_to, events=True) == after


def test_no_answer_has_what_is_behind_its_end(kept: Filled) -> None:
    """With ``up_to``, each question is answered as if nothing with a higher message id were there."""
    history, up_to = kept.stores.history, kept.entries[COUNT // 2 + 10].message_id
    known = [one for one in kept.within("#tea", events=True) if one.message_id <= up_to]
    for bound in bounds(kept.entries):
        ordered = in_order(known, bound)
        after = [one for one in ordered if is_after(kept, one, bound)]
        before = [one for one in ordered if is_before(kept, one, bound)]
        for limit in (7, 1000):
            assert history.after("#tea", bound, limit, up_to=up_to, events=True) == oldest(after, limit, bound)
            assert history.before("#tea", bound, limit, up_to=up_to, events=True) == newest(before, limit, bound)
        assert history.around("#tea", bound, 1000, up_to=up_to, events=True) == ordered
        for other in bounds(kept.entries):
            found = history.between("#tea", bound, other, 1000, events=True)
            expected = [one for one in found if one.message_id <= up_to]
            assert history.between("#tea", bound, other, 1000, up_to=up_to, events=True) == expected


def test_between(kept: Filled) -> None:
    """The entries nearest to the first bound, in either direction, with message ids and times mixed."""
    history, all_of_it = kept.stores.history, kept.within("#tea", events=True)
    for start in bounds(kept.entries):
        for end in bounds(kept.entries):
            if isinstance(start, AtMessageId) and isinstance(end, AtMessageId):
                ordered, low, high = all_of_it, min(start, end), max(start, end)
                found = [one for one in ordered if low.message_id < one.message_id < high.message_id]
                backward = start > end
            else:
                positions = [
                    (bound.time_ms, 0) if isinstance(bound, AtTime) else position_of(kept.entries, bound)
                    for bound in (start, end)
                ]
                backward = positions[0] > positions[1]
                early, late = (end, start) if backward else (start, end)
                low_position = (early.time_ms, 2**63) if isinstance(early, AtTime) else position_of(kept.entries, early)
                high_position = (late.time_ms, -1) if isinstance(late, AtTime) else position_of(kept.entries, late)
                found = [
                    one for one in by_time(all_of_it) if low_position < (one.time_ms, one.message_id) < high_position
                ]
            for limit in (3, 1000):
                expected = (newest if backward else oldest)(found, limit, start, end)
                assert history.between("#tea", start, end, limit, events=True) == expected, (start, end, limit)


@pytest.mark.parametrize("limit", [1, 2, 7, 50, 1000])
def test_around(kept: Filled, limit: int) -> None:
    """The entry at the bound, and half of the limit on either side. What one side lacks, the other one gets."""
    all_of_it = kept.within("#tea", events=True)
    for bound in bounds(kept.entries):
        ordered = in_order(all_of_it, bound)
        found = kept.stores.history.around("#tea", bound, limit, events=True)
        earlier = [one for one in ordered if is_before(kept, one, bound)]
        later = ordered[len(earlier) :]
        of_earlier = min(max(limit // 2, limit - len(later)), len(earlier))
        assert found == newest(earlier, of_earlier, bound) + oldest(later, limit - of_earlier, bound)
        exact = [one for one in ordered if isinstance(bound, AtMessageId) and one.message_id == bound.message_id]
        assert all(one in found for one in exact)


def test_names_in_any_case(kept: Filled) -> None:
    """A channel is found by its name in any case, and its entries have the name as it is."""
    found = kept.stores.history.latest("#COFFEE", 3)
    assert found == kept.within("#Coffee", events=False)[-3:]


@pytest.mark.parametrize("conversation", ["#nowhere", direct(8, 9), "#tea "])
def test_nothing_was_said_there(kept: Filled, conversation: Conversation) -> None:
    """An unknown conversation has no entries."""
    history = kept.stores.history
    assert history.latest(conversation, 5) == []
    assert history.around(conversation, AtMessageId(5), 5) == []
    assert history.between(conversation, AtTime(0), AtMessageId(5), 5) == []


def test_direct_messages_of_an_account(kept: Filled) -> None:
    """The newest direct messages to and from an account since a bound, over all its conversations."""
    history = kept.stores.history
    mine = [one for one in kept.entries if not isinstance(one.conversation, str) and not one.kind.is_event]
    assert history.direct_since(1, AtMessageId(0), 1000) == mine
    assert history.direct_since(3, AtMessageId(0), 1000) == [one for one in mine if one.conversation == direct(1, 3)]
    assert history.direct_since(9, AtMessageId(0), 1000) == []
    for bound in bounds(kept.entries):
        after = [one for one in mine if is_after(kept, one, bound)]
        assert history.direct_since(1, bound, 4) == after[-4:]
    assert history.direct_since(1, AtMessageId(0), 4, up_to=mine[9].message_id) == mine[6:10]


def test_targets(kept: Filled) -> None:
    """The given channels and the account's direct conversations, by the time of their last message."""
    history = kept.stores.history
    last = {
        one.conversation: LastSaid(one.conversation, one.time_ms, one.message_id)
        for one in kept.entries
        if not one.kind.is_event
    }
    everything = sorted(last.values(), key=lambda one: one.time_ms)
    assert history.targets(["#TEA", "#coffee", "#none"], 1, 0, AT * 2, 9) == everything
    assert history.targets(["#tea"], None, 0, AT * 2, 9) == [last["#tea"]]
    assert history.targets([], 2, 0, AT * 2, 9) == [last[direct(1, 2)]]
    assert history.targets(["#tea", "#coffee"], 1, 0, AT * 2, 2) == everything[:2]
    assert history.targets(["#tea", "#coffee"], 1, AT * 2, 0, 2) == everything[-2:]
    low, high = everything[0].time_ms, everything[-1].time_ms
    inside = [one for one in everything if low < one.time_ms < high]
    assert history.targets(["#tea", "#coffee"], 1, low, high, 9) == inside
    for up_to in (entry.message_id for entry in kept.entries):
        said = [one for one in kept.entries if one.message_id <= up_to and not one.kind.is_event]
        last = {one.conversation: LastSaid(one.conversation, one.time_ms, one.message_id) for one in said}
        found = history.targets(["#tea", "#coffee"], 1, 0, AT * 2, 9, up_to=up_to)
        assert found == sorted(last.values(), key=lambda one: (one.time_ms, one.message_id))


def test_redacted_entry_is_found_no_more(kept: Filled, by: Actor) -> None:
    """A redacted entry is found no more. The audit has its author and conversation, not its text."""
    history = kept.stores.history
    for entry in (kept.within("#tea", events=False)[1], kept.within("#tea", events=False)[-1]):
        assert history.redact(entry.message_id, by, "spam") == entry
        assert history.find(entry.message_id) is None
        assert entry not in history.latest("#tea", 1000)
        with pytest.raises(NotFound):
            history.redact(entry.message_id, by)
        row = kept.stores.audit.list_entries()[-1]
        assert (row.actor, row.action, row.target) == ("root", "history.redact", "ada")
        assert row.detail == f"{entry.msgid} in #tea: spam"
    assert history.redact(kept.within(direct(1, 2), events=False)[0].message_id, by)
    assert "a direct message" in kept.stores.audit.list_entries()[-1].detail


def test_a_page_by_time_has_the_whole_millisecond(stores: SqlStores) -> None:
    """Any paging by time finds every entry, whatever the limit: of channels, and of the conversations with messages."""
    entries, last = list[Entry](), 0
    for count in range(40):
        time_ms = AT + count // 5
        last = next_message_id(last, time_ms)
        name = f"#c{count % 20}" if count < 20 else "#tea"
        entries.append(Entry(last, time_ms, name, Kind.PRIVMSG, "ada!a@host", 1, "ada", name, f"text {count}"))
    journal = open_journal(stores.address)
    assert journal.begin()
    journal.write(entries)
    journal.commit()
    journal.close()
    history, tea = stores.history, entries[20:]
    for limit in (1, 2, 7):
        page = history.latest("#tea", limit)
        found = page
        while page:
            page = history.before("#tea", AtTime(page[0].time_ms), limit)
            found = page + found
        assert found == tea
        found = page = history.after("#tea", AtTime(0), limit)
        while page:
            page = history.after("#tea", AtTime(page[-1].time_ms), limit)
            found = found + page
        assert found == tea
        names = [f"#c{number}" for number in range(20)]
        targets = last_said = history.targets(names, None, 0, AT * 2, limit)
        while last_said:
            last_said = history.targets(names, None, last_said[-1].time_ms, AT * 2, limit)
            targets = targets + last_said
        assert sorted(one.conversation for one in targets if isinstance(one.conversation, str)) == sorted(names)
