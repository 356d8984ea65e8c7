"""A turn that cannot be appended, because Redis is away: who waits for it, and who does not any more."""

from __future__ import annotations

import pytest
from harness.gated_stage import StagedConnection, StagedWorkers
from harness.node_stage import NodeStage
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.server.cluster.turn_desk import Done

HELD = b":ann!ann@h.x PRIVMSG #a :held"
NICKS = ("ann", "bea", "cid")
PEOPLE = st.integers(0, 2)
SAID = st.tuples(
    PEOPLE, st.sampled_from(["PRIVMSG #a :x", "PRIVMSG bea :y", "NICK {}x", "NICK {}", "PART #a", "JOIN #a", "AWAY :z"])
)
ASKED = st.tuples(PEOPLE, st.sampled_from(["PING 1", "PING 2", "ISON ann bea", "USERHOST cid"]))
ROUND = st.tuples(st.lists(SAID, min_size=1, max_size=4), st.lists(st.lists(ASKED, max_size=3), max_size=4))
ANSWERS = {b"PONG", b"303", b"302"}
Round = tuple[list[tuple[int, str]], list[list[tuple[int, str]]]]
"""What is said in a turn, and what is asked in each tick while it waits: by whom, and the line."""


class Turn:
    """Ann and bea are in a channel on node a, and have said something in a turn that is not appended yet."""

    def __init__(self, stage: NodeStage) -> None:
        self.stage, self.node = stage, stage.a
        self.ann, bob = stage.come_together()
        self.bea = self.node.come("bea")
        self.node.take_turn((self.bea, "JOIN #a"))
        stage.follow()
        self.node.tick((self.ann, "PRIVMSG #a :held"))
        self.node.grant()
        self.node.tick()
        self.ann.got = self.bea.got = bob.got = b""

    def wait(self) -> None:
        """Have as much time pass as patience lasts."""
        self.stage.mono_ms += PATIENCE_MS
        self.node.tick()
        self.node.tick()  # what a session has said behind a line that was refused

    def append(self) -> None:
        """Have Redis come back."""
        self.node.commit()
        self.node.tick()


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Turn:
    """The node, and the people that the turn concerns."""
    return Turn(NodeStage(monkeypatch))


def ask(turn: Turn) -> tuple[StagedConnection, StagedConnection]:
    """Have the sender and a reader of the turn say and ask something."""
    ann, bea = turn.ann, turn.bea
    turn.node.tick((ann, "PING first"), (ann, "PRIVMSG #a :lost"), (bea, "NAMES #a"), (bea, "TOPIC #a :lost"))
    return ann, bea


def test_answers_and_refusals_overtake_a_turn_that_takes_too_long(turn: Turn) -> None:
    """They wait as long as patience lasts, and no longer. What the turn tells is told behind them, once."""
    ann, bea = ask(turn)
    assert (ann.got, bea.got) == (b"", b"")
    turn.wait()
    assert [line.split()[1] for line in ann.got.splitlines()] == [b"PONG", b"FAIL"]
    assert b"FAIL PRIVMSG NOT_CONNECTED" in ann.got
    assert b" 353 bea " in bea.got and b"FAIL TOPIC NOT_CONNECTED" in bea.got
    assert b"held" not in ann.got + bea.got
    turn.node.tick((bea, "PING later"))
    assert bea.got.endswith(b":later\r\n"), "what comes later need not wait at all"
    turn.append()
    assert bea.got.count(HELD) == 1 and bea.got.endswith(b"held\r\n")
    assert b"held" not in ann.got


def test_nothing_overtakes_the_next_turn(turn: Turn) -> None:
    """That the last one took too long does not count for it."""
    ask(turn)
    turn.wait()
    turn.append()
    turn.node.tick((turn.ann, "PRIVMSG #a :again"))
    turn.node.grant()
    turn.node.tick()
    turn.bea.got = b""
    turn.node.tick((turn.bea, "PING behind"))
    assert turn.bea.got == b""
    turn.append()
    assert turn.bea.got.index(b":again") < turn.bea.got.index(b":behind")


def test_what_others_have_done_since_stays_behind(turn: Turn) -> None:
    """Redis is back, and the reader is quicker than the answer to the append: all is read in the stream's order."""
    ask(turn)
    turn.wait()
    node, bea = turn.node, turn.bea
    bea.got = b""
    position = node.hub.position
    own = Done(position + 1, node.world.home, [])
    said = ["say", "#a", [node.world.outbox.seq + 1, node.world.wall_ms, "bob!bob@h.x", "PRIVMSG #a :next"]]
    node.desk.add([own, Done(position + 2, turn.stage.b.world.home, [said])])
    node.tick()
    assert bea.got == b""
    node.tick((bea, "PING last"))
    assert bea.got == b""
    turn.append()
    assert bea.got.index(b":held") < bea.got.index(b":next") < bea.got.index(b":last")


def test_its_own_entry_keeps_nobody_waiting(turn: Turn) -> None:
    """It was read, and the answer to the append was lost: this is nothing that another node has done."""
    ann, bea = ask(turn)
    node = turn.node
    node.desk.add([Done(node.hub.position + 1, node.world.home, [])])
    turn.wait()
    assert b"FAIL PRIVMSG NOT_CONNECTED" in ann.got and b"FAIL TOPIC NOT_CONNECTED" in bea.got
    turn.append()
    assert bea.got.endswith(b"held\r\n")


def test_a_question_to_the_history_is_asked(turn: Turn) -> None:
    """A worker gets it when patience has ended, or at once if it comes later. The answer ends at what was told."""
    workers = turn.node.hub.workers
    assert isinstance(workers, StagedWorkers)
    workers.held.clear()
    turn.node.tick((turn.bea, "CHATHISTORY LATEST #a * 10"))
    assert not workers.held
    turn.wait()
    assert len(workers.held) == 1
    turn.node.tick((turn.ann, "CHATHISTORY LATEST #a * 10"))
    assert len(workers.held) == 2


def test_a_node_that_begins_anew_drops_the_turn(turn: Turn) -> None:
    """Its people have read the answers, and read that they must connect again, but not what the turn told."""
    ask(turn)
    turn.wait()
    with turn.node.hub.lock:
        turn.node.hub.leave("a test says so")
    turn.node.tick()
    for connection in (turn.ann, turn.bea):
        assert b"held" not in connection.got and b"ERROR" in connection.got
        assert connection.closed == 1


def read_a_day(rounds: list[Round], *, late: int) -> list[bytes]:
    """Return what each reads if in each round Redis keeps a turn waiting.

    ``late`` says behind how many of the round's further ticks patience ends; with 9, it never does.
    """
    with pytest.MonkeyPatch.context() as patch:
        stage = NodeStage(patch)
        node = stage.a
        people = [node.come(nick) for nick in NICKS]
        for said, ticks in rounds:
            node.tick(*[(people[who], line.format(NICKS[who])) for who, line in said])
            node.grant()
            node.tick()
            for number, asked in enumerate(ticks):
                if number == late:
                    stage.mono_ms += PATIENCE_MS
                node.tick(*[(people[who], line) for who, line in asked])
            node.commit()
            node.tick()
        return [one.got for one in people]


@given(rounds=st.lists(ROUND, max_size=5), late=st.integers(0, 3))
def test_what_overtakes_a_turn_changes_nothing_else(rounds: list[Round], late: int) -> None:
    """All read the same events in the same order, and the same answers in the same order, whoever is first."""
    for usual, overtaken in zip(read_a_day(rounds, late=9), read_a_day(rounds, late=late), strict=True):
        lines, others = usual.splitlines(), overtaken.splitlines()
        for is_answer in (True, False):
            assert [line for line in lines if (line.split()[1] in ANSWERS) is is_answer] == [
                line for line in others if (line.split()[1] in ANSWERS) is is_answer
            ]
