from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness.outbox_stage import Stage
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.chat.events import Event
from chatroom.irc import caps

VARIANTS = [0, caps.SERVER_TIME, caps.MESSAGE_TAGS, caps.AWAY_NOTIFY | caps.ACCOUNT_TAG, caps.EXTENDED_JOIN]
MOST_USERS = 6


names = st.sampled_from(["#a", "#b", "#c"])
who = st.integers(0, MOST_USERS - 1)
variants = st.sampled_from(VARIANTS)
steps = st.one_of(
    st.tuples(st.just("come"), variants),
    st.tuples(st.just("device"), who, variants),
    st.tuples(st.just("join"), who, names),
    st.tuples(st.just("join"), who, names),
    st.tuples(st.just("part"), who, names),
    st.tuples(st.just("say"), who, names, st.booleans()),
    st.tuples(st.just("say"), who, names, st.booleans()),
    st.tuples(st.just("whisper"), who, who),
    st.tuples(st.just("answer"), who),
    st.tuples(st.just("away"), who, st.booleans()),
    st.tuples(st.just("rename"), who),
    st.tuples(st.just("quit"), who),
    st.tuples(st.just("leave_device"), who),
    st.tuples(st.just("negotiate"), who, variants),
    st.tuples(st.just("end_tick")),
)


def perform(stage: Stage, step: tuple[Any, ...]) -> None:
    """Do one step. A number stands for one of the users of that moment."""
    name, *arguments = step
    if name == "come":
        if len(stage.users) < MOST_USERS:
            stage.come(*arguments)
    elif name == "end_tick":
        stage.end_tick()
    elif stage.users:
        present = len(stage.users)
        arguments[0] = stage.users[arguments[0] % present]
        if name == "whisper":
            arguments[1] = stage.users[arguments[1] % present]
        getattr(stage, name)(*arguments)


@settings(max_examples=400)
@given(st.lists(variants, min_size=2, max_size=4), st.lists(steps, max_size=60))
def test_every_session_reads_the_same_as_if_each_line_were_sent_at_once(
    first: list[int], script: list[tuple[Any, ...]]
) -> None:
    """The same lines, in the same order, each once, in the variant of the moment, however they fall into ticks."""
    stage = Stage()
    for variant in first:
        stage.join(stage.come(variant), "#a")
    for step in script:
        perform(stage, step)
    stage.end_tick()
    for session, lines in stage.expected.items():
        assert b"".join(stage.got[session]).split(b"\r\n") == b"".join(lines).split(b"\r\n")


@pytest.fixture
def stage() -> Stage:
    """Fifty users of two variants in one channel, and nothing left to read."""
    stage = Stage()
    for number in range(50):
        stage.join(stage.come(caps.SERVER_TIME if number % 2 else 0), "#a")
    stage.end_tick()
    return stage


@pytest.fixture
def count_renders(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Returns how many lines were rendered since the last call."""
    count = 0
    real = Event.render_with

    def counting(self: Event, variant: int, extra_tags: str) -> bytes:
        nonlocal count
        count += 1
        return real(self, variant, extra_tags)

    def take() -> int:
        nonlocal count
        taken, count = count, 0
        return taken

    monkeypatch.setattr(Event, "render_with", counting)
    return take


@pytest.mark.interpreted("replaces or counts calls, which compiled code makes by itself")
def test_a_line_is_rendered_once_for_each_variant(stage: Stage, count_renders: Callable[[], int]) -> None:
    """Ten lines for fifty readers of two variants need twenty renderings, not five hundred."""
    channel = stage.world.channels["#a"]
    for number in range(10):
        stage.world.tell_channel(channel, stage.world.outbox.event("x!y@z", f"PRIVMSG #a :{number}"))
    writes = stage.end_tick()
    assert count_renders() == 20
    assert len(writes) == 50


def test_readers_of_a_variant_share_one_bytes_object(stage: Stage) -> None:
    """Members that have no other lines are sent the same bytes object."""
    channel = stage.world.channels["#a"]
    speaker = stage.users[0].sessions[0]
    for number in range(10):
        stage.world.tell_channel(channel, stage.world.outbox.event("x!y@z", f"PRIVMSG #a :{number}"), skip=speaker)
    stage.answer(stage.users[2])
    writes = dict(stage.end_tick())
    assert speaker not in writes
    shared = {id(data) for session, data in writes.items() if session is not stage.users[2].sessions[0]}
    assert len(shared) == 2
    assert writes[stage.users[2].sessions[0]].endswith(f" :{stage.number}\r\n".encode())


@pytest.mark.interpreted("replaces or counts calls, which compiled code makes by itself")
def test_readers_of_the_same_channels_share_one_bytes_object(stage: Stage, count_renders: Callable[[], int]) -> None:
    """For many members of the same two channels, the lines of both are joined once for each variant."""
    for user in stage.users[:40]:
        stage.join(user, "#b")
    stage.end_tick()
    count_renders()
    speaker = stage.users[0].sessions[0]
    for number in range(10):
        name = "#b" if number % 2 else "#a"
        event = stage.world.outbox.event("x!y@z", f"PRIVMSG {name} :{number}")
        stage.world.tell_channel(stage.world.channels[name], event, skip=speaker)
    writes = dict(stage.end_tick())
    assert speaker not in writes and len(writes) == 49
    assert count_renders() == 20
    both = [writes[user.sessions[0]] for user in stage.users[1:40]]
    assert len({id(data) for data in both}) == 2
    for data in both:
        assert [line[-1:] for line in data.split(b"\r\n")[:-1]] == [b"%d" % number for number in range(10)]


def test_speakers_of_several_variants_read_the_lines_of_the_others(stage: Stage) -> None:
    """Each reads what the others say in its own variant, however the readers of the variants follow each other."""
    for user in stage.users:
        stage.say(user, "#a", echo=False)
    stage.end_tick()
    assert all(b"".join(stage.got[session]) == b"".join(lines) for session, lines in stage.expected.items())


def test_a_session_without_bytes_is_not_written_to(stage: Stage) -> None:
    """An event that no reader has the capabilities for causes no write."""
    channel = stage.world.channels["#a"]
    event = Event("x!y@z", "AWAY :gone", needs=caps.AWAY_NOTIFY)
    stage.outbox.number(event)
    stage.world.tell_channel(channel, event)
    assert stage.end_tick() == []


@pytest.mark.interpreted("replaces or counts calls, which compiled code makes by itself")
def test_visitors_need_no_renderings_of_their_own(stage: Stage, count_renders: Callable[[], int]) -> None:
    """Thirty that join and leave read the ends of the lists that all share: two renderings for each line."""
    visitors = [stage.come(caps.SERVER_TIME if number % 2 else 0) for number in range(30)]
    for visitor in visitors:
        stage.join(visitor, "#a")
    for visitor in visitors:
        stage.part(visitor, "#a")
    taken = count_renders()
    assert len(stage.end_tick()) == 80
    assert taken + count_renders() == 2 * 60


def test_a_member_is_written_to_once_a_tick(stage: Stage) -> None:
    """However many users join, part and quit in the tick."""
    members = stage.users[:]
    for _ in range(3):
        visitors = [stage.come(0) for _ in range(20)]
        for visitor in visitors:
            stage.join(visitor, "#a")
        for visitor in visitors[::2]:
            stage.part(visitor, "#a")
        for visitor in visitors[1::2]:
            stage.quit(visitor)
        written = [session.user for session, _ in stage.end_tick()]
        assert len([user for user in written if user in members]) == len(members)


def test_a_lost_session_is_sent_nothing(stage: Stage) -> None:
    """A session whose connection is lost costs nothing at the end of the tick. The others read on."""
    lost = [user.sessions[0] for user in stage.users[:20]]
    channel = stage.world.channels["#a"]
    for session in lost:
        stage.world.tell_channel(channel, stage.world.outbox.event("x!y@z", "PRIVMSG #a :hi"))
        stage.world.tell_session(session, "PING :x")
        stage.world.close(session, "Connection reset by peer", tell=False, lost=True)
    writes = dict(stage.outbox.drain())
    assert not writes.keys() & set(lost)
    assert len(writes) == 30
    assert all(data.count(b"QUIT") == 20 and data.count(b"PRIVMSG") == 20 for data in writes.values())
