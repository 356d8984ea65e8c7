"""What each client reads with a gate is what it reads if each tick commits by itself, only later."""

from __future__ import annotations

from collections import deque

import pytest
from harness.gated_stage import HubStage
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatroom.irc import caps
from chatroom.server.gated_hub import GatedHub

NICKS = ["ann", "bob", "cid", "dot", "eve"]
ECHO = caps.ECHO_MESSAGE | caps.MESSAGE_TAGS | caps.SERVER_TIME
KINDS: list[tuple[int, str]] = [
    (0, ""),
    (ECHO | caps.LABELED_RESPONSE | caps.BATCH | caps.MULTILINE, "cid"),
    # A client that asks for the history itself is shown none at a JOIN.
    (caps.CHATHISTORY, "bob"),
    (caps.ECHO_MESSAGE | caps.LABELED_RESPONSE | caps.BATCH, ""),
    (caps.SERVER_TIME | caps.EXTENDED_JOIN | caps.AWAY_NOTIFY, ""),
]
CHANNELS = st.sampled_from(["#a", "#b", "#c"])
PEOPLE = st.sampled_from(NICKS)
TARGETS = st.one_of(CHANNELS, PEOPLE)
WORDS = st.text("xyz", min_size=1, max_size=3)
TEXTS = st.one_of(WORDS, WORDS.map(lambda word: word * 150))
BODIES = st.one_of(
    st.builds("PRIVMSG {} :{}".format, TARGETS, TEXTS),
    st.builds("PRIVMSG {} :{}".format, CHANNELS, WORDS),
    st.builds("PRIVMSG {} :{}".format, CHANNELS, WORDS),
    st.builds("PRIVMSG {},{} :{}".format, TARGETS, TARGETS, WORDS),
    st.builds("NOTICE {} :{}".format, TARGETS, WORDS),
    st.builds("JOIN {}".format, CHANNELS),
    st.builds("JOIN {}".format, CHANNELS),
    st.builds("PART {} :{}".format, CHANNELS, WORDS),
    st.builds("KICK {} {}".format, CHANNELS, PEOPLE),
    st.builds("MODE {} +m".format, CHANNELS),
    st.builds("NICK {}".format, PEOPLE),
    st.builds("AWAY :{}".format, WORDS),
    st.builds("PING {}".format, WORDS),
    st.builds("CAP REQ :{}".format, st.sampled_from(["echo-message", "-echo-message", "server-time", "away-notify"])),
    st.just("QUIT :bye"),
)
LINES = st.tuples(st.integers(0, len(NICKS) - 1), st.builds("{}{}".format, st.sampled_from(["", "@label=l "]), BODIES))
STEPS = st.tuples(
    st.lists(LINES, max_size=5),
    st.sampled_from([False, False, False, True]),  # the commit fails
    st.integers(0, 3),  # so many batches are settled before the next tick
)


def make_stage(*, gated: bool, threads: int, joins: bool) -> HubStage:
    """Make a stage with a user of each kind. They are in a channel."""
    stage = HubStage(gated=gated, threads=threads, joins=joins)
    for nick, (capabilities, account) in zip(NICKS, KINDS, strict=True):
        stage.come(nick, capabilities, account)
    stage.tick(*[(connection, "JOIN #a") for connection in stage.connections])
    stage.settle_all()
    return stage


def streams(stage: HubStage) -> list[tuple[bytes, int]]:
    """What each client has read, and if its connection was closed."""
    return [(connection.got, connection.closed) for connection in stage.connections]


Step = tuple[list[tuple[int, str]], bool, int]
STEPS_OF_A_DAY = st.lists(STEPS, max_size=12)
THREADS = st.sampled_from([1, 2])


def compare(steps: list[Step], threads: int, joins: bool) -> None:
    """Do the same in both ways, and compare what each client has read."""
    inline = make_stage(gated=False, threads=threads, joins=joins)
    gated = make_stage(gated=True, threads=threads, joins=joins)
    failures: deque[str] = deque()
    """What becomes of each batch that is not settled."""
    number = 0
    for lines, fails, count in steps:
        numbered = []
        for who, line in lines:
            number += 1
            numbered.append((who, f"{line} <{number}>" if "PRIVMSG" in line or "NOTICE" in line else line))
        inline.journal.is_full = fails
        before = len(gated.committer.given)
        for stage in (inline, gated):
            stage.tick(*[(stage.connections[who], line) for who, line in numbered])
        assert gated.find_leaks() == []
        if len(gated.committer.given) > before:
            failures.append("the disk is full" if fails else "")
        for _ in range(min(count, len(failures))):
            gated.committer.settle(failures.popleft())
    while failures:
        gated.committer.settle(failures.popleft())
    gated.tick(passes=False)
    assert streams(gated) == streams(inline)
    assert gated.journal.kept == inline.journal.kept
    assert isinstance(gated.hub, GatedHub)
    assert not gated.hub._gate.is_waiting and not gated.world.outbox.copies


@settings(max_examples=80, deadline=None)
@given(STEPS_OF_A_DAY, THREADS, st.booleans())
@example([([(0, "PRIVMSG #a :x")], True, 0), ([(0, "PING x"), (0, "QUIT :bye")], False, 0)], 1, False)
@example([([(3, "@label=l PRIVMSG #a :x"), (3, "PING x")], True, 0), ([(1, "JOIN #b")], False, 0)], 2, False)
@example(
    [
        ([(0, "JOIN #b"), (0, "PRIVMSG #b :x")], False, 0),
        ([(0, "PRIVMSG #a :x"), (0, "PRIVMSG #a :x"), (2, "AWAY :x")], False, 0),
    ],
    1,
    False,
)
def test_everyone_reads_the_same(steps: list[Step], threads: int, joins: bool) -> None:
    """In the same order, to the byte, with the same ids and times; what was refused is in neither stream."""
    compare(steps, threads, joins)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, deadline=None)
@given(STEPS_OF_A_DAY, THREADS, st.booleans())
def test_everyone_reads_the_same_on_many_days(steps: list[Step], threads: int, joins: bool) -> None:
    """The same for longer."""
    compare(steps, threads, joins)
