"""Lines that wait for a turn, and the sessions among theirs that are still to be shown what they missed."""

from __future__ import annotations

import pytest
from harness.gated_stage import StagedConnection
from harness.node_stage import NodeStage

from chatroom.chat.work_queue import PATIENCE_MS


class Returning:
    """ann and cid are in #a, on node a. ann is to be shown what a node that is gone has not told her."""

    def __init__(self, stage: NodeStage) -> None:
        self.stage, self.node = stage, stage.a
        self.ann, self.cid = (self._come(nick) for nick in ("ann", "cid"))
        self.channel = self.node.world.channels["#a"]
        self.forget()

    def _come(self, nick: str) -> StagedConnection:
        connection = self.node.come(nick)
        self.node.take_turn((connection, "CAP REQ :echo-message"))
        self.node.take_turn((connection, "JOIN #a"))
        return connection

    def forget(self) -> None:
        """Forget what both have read."""
        self.ann.got = self.cid.got = b""

    def begin(self) -> None:
        """Have the next turn begin it, as the one does that ends the people of the other node."""
        self.node.hub.post(0, lambda: self._do("begin"))

    def end(self) -> None:
        """Have the next turn end it: a worker has read what ann missed."""
        self.node.hub.post_outcome(0, lambda: self._do("end"))

    def _do(self, what: str) -> None:
        outbox = self.node.world.outbox
        (outbox.begin_replay if what == "begin" else outbox.end_replay)(self.channel, self.ann.session)

    def turn(self) -> None:
        """Have a turn, which is committed and told."""
        self.node.grant()
        self.node.tick()
        self.node.commit()
        self.node.tick()


@pytest.fixture
def returning(monkeypatch: pytest.MonkeyPatch) -> Returning:
    """Both are there, and nothing is to be shown yet."""
    return Returning(NodeStage(monkeypatch))


def texts(data: bytes) -> list[bytes]:
    """What was said, in the order in which it was read."""
    return [line.rpartition(b":")[2] for line in data.splitlines() if b" PRIVMSG " in line]


@pytest.mark.parametrize("comes", ["before the turn", "in the turn"])
def test_an_own_line_does_not_overtake_what_others_say(returning: Returning, comes: str) -> None:
    """It waits until the session has been shown everything, and all read both lines in one order."""
    node, ann, cid = returning.node, returning.ann, returning.cid
    returning.begin()
    lines = (cid, "PRIVMSG #a :one"), (ann, "PRIVMSG #a :two"), (ann, "PRIVMSG #a :three")
    if comes == "before the turn":
        node.tick(*lines)
        returning.turn()
    else:
        node.grant()
        node.tick(*lines)
        node.commit()
        node.tick()
    assert (texts(ann.got), texts(cid.got)) == ([], [b"one"])
    returning.end()
    returning.turn()
    returning.turn()
    assert texts(ann.got) == texts(cid.got) == [b"one", b"two", b"three"]


def test_a_line_that_waits_for_what_is_shown_asks_for_no_turn(returning: Returning) -> None:
    """Turns would follow each other until a worker has read it. What ends the replay otherwise asks for one."""
    node, ann = returning.node, returning.ann
    returning.begin()
    node.tick((ann, "PRIVMSG #a :one"))
    returning.turn()
    node.tick()
    assert not node.desk.wait_wanted(0)
    with node.hub.lock:
        assert not node.hub.is_at_rest
    node.world.outbox.drop_replay(returning.channel, ann.session)
    node.tick()
    assert node.desk.wait_wanted(0)
    returning.turn()
    assert texts(returning.cid.got) == [b"one"]


def test_a_line_that_waits_too_long_for_what_is_shown_is_refused(returning: Returning) -> None:
    """As any other, and the next ones of its session go on."""
    node, ann = returning.node, returning.ann
    returning.begin()
    node.tick((ann, "PRIVMSG #a :one"), (ann, "PING behind"))
    returning.turn()
    assert b"behind" not in ann.got
    returning.stage.mono_ms += PATIENCE_MS
    node.tick()
    node.tick()
    first, last = ann.got.splitlines()
    assert b"FAIL PRIVMSG NOT_CONNECTED" in first and last.endswith(b"behind")


def test_the_line_of_a_session_that_ends_is_said(returning: Returning) -> None:
    """Nobody reads its echo."""
    node, ann = returning.node, returning.ann
    returning.begin()
    node.tick((ann, "PRIVMSG #a :one"))
    returning.turn()
    with node.hub.lock:
        node.world.close(ann.session, "gone", lost=True)
    returning.turn()
    assert texts(returning.cid.got) == [b"one"]
    assert b" QUIT " in returning.cid.got
