"""A hub with a gate: what waits for a commit, what does not, and what becomes of it."""

from __future__ import annotations

from functools import partial

import pytest
from harness.gated_stage import HubStage

from chatroom.chat.delivery.batches import Settled
from chatroom.chat.delivery.gate import Gate
from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import ChatroomError
from chatroom.irc import caps
from chatroom.server.gated_hub import MeteredGatedHub
from chatroom.server.operator_screen import Screen

REFUSED = b"FAIL PRIVMSG NOT_KEPT #a :Your message was not sent, because it could not be stored: "


class Room:
    """Ann and bob are in a channel. Cid is in another one."""

    def __init__(self, stage: HubStage, capabilities: int = 0) -> None:
        self.stage = stage
        self.ann, self.bob, self.cid = (stage.come(nick, capabilities) for nick in ("ann", "bob", "cid"))
        stage.tick((self.ann, "JOIN #a"), (self.bob, "JOIN #a"), (self.cid, "JOIN #b"))
        stage.settle_all()
        self.forget()

    def forget(self) -> None:
        """Have all read what was sent to them."""
        for connection in self.stage.connections:
            connection.got = b""

    def said(self) -> list[bytes]:
        """What ann, bob and cid have read since."""
        read = [connection.got for connection in self.stage.connections]
        self.forget()
        return read


@pytest.fixture
def room() -> Room:
    """A room with a gate."""
    return Room(HubStage(gated=True))


def test_who_waits_for_a_commit_and_who_does_not(room: Room) -> None:
    """The readers and the sender wait, also for answers that have nothing to do with it. Others are told at once."""
    stage = room.stage
    stage.tick((room.ann, "PRIVMSG #a :hello"), (room.cid, "PING 0"))
    stage.tick((room.ann, "PING 1"), (room.bob, "PING 2"), (room.cid, "PING 3"), (room.ann, "PRIVMSG cid :you"))
    ann, bob, cid = room.said()
    assert (ann, bob) == (b"", b"")
    assert cid.count(b"PONG") == 2 and b"PRIVMSG cid :you" in cid
    stage.committer.settle()
    stage.tick()
    ann, bob, cid = room.said()
    assert ann.endswith(b":1\r\n") and cid == b""
    assert bob.index(b"hello") < bob.index(b"PONG")


def test_nobody_waits_when_there_is_nothing_to_store(room: Room) -> None:
    """A hub with an empty gate is like any other."""
    room.stage.tick((room.ann, "PRIVMSG cid :psst"), (room.ann, "PING 1"))
    ann, _, cid = room.said()
    assert b"PONG" in ann and b"psst" in cid


@pytest.mark.parametrize(
    "failure, is_busy, why",
    [("no room at /data", False, b"the database cannot be written"), ("the database is busy", True, b"is busy\r\n")],
)
def test_a_refused_message_is_read_by_nobody(room: Room, failure: str, is_busy: bool, why: bytes) -> None:
    """Its sender reads why in its place, before any later answer. The operator's log has the reason, once."""
    stage = room.stage
    stage.tick((room.ann, "PRIVMSG #a :lost"), (room.ann, "PING 0"))
    stage.tick((room.ann, "PING 1"), (room.bob, "PRIVMSG #a :kept"))
    stage.tick((room.ann, "PRIVMSG #a :lost too"))
    stage.committer.settle(failure, is_busy=is_busy)
    stage.committer.settle()
    stage.committer.settle(failure, is_busy=is_busy)
    stage.tick()
    ann, bob, _ = room.said()
    assert b"lost" not in bob and ann.count(REFUSED) == 2 and why in ann
    assert ann.index(REFUSED) < ann.index(b":0") < ann.index(b":1") < ann.index(b"kept") < ann.rindex(REFUSED)
    assert [entry.text for entry in stage.journal.kept] == ["kept"]
    assert [line for line in stage.log if "stored" in line] == [
        f"messages cannot be stored, and are not sent: {failure}",
        "messages can be stored again",
        f"messages cannot be stored, and are not sent: {failure}",
    ]


@pytest.mark.parametrize("echo", [0, caps.ECHO_MESSAGE])
def test_the_refusal_of_a_labelled_message_is_its_answer(echo: int) -> None:
    """What was copied for the sender, or the ACK, is taken out with the message. The refusal has the label."""
    room = Room(HubStage(gated=True), echo | caps.LABELED_RESPONSE | caps.BATCH | caps.MESSAGE_TAGS)
    room.stage.tick((room.ann, "@label=x PRIVMSG #a :lost"), (room.ann, "@label=y PING 1"))
    room.stage.tick((room.ann, "@label=z PRIVMSG #a :lost"))
    for _ in range(2):
        room.stage.committer.settle("full")
    room.stage.tick()
    ann, bob, _ = room.said()
    assert b"lost" not in ann + bob and b"ACK" not in ann
    assert [line.split(b" ")[0::2][:2] for line in ann.splitlines()] == [
        [b"@label=x", b"FAIL"],
        [b"@label=y", b"PONG"],
        [b"@label=z", b"FAIL"],
    ]


@pytest.mark.parametrize(
    "echo, targets, answers",
    [
        (caps.ECHO_MESSAGE, "#a,#a,nobody", [b"FAIL", b"FAIL", b"401"]),
        (0, "#a,#a", [b"FAIL", b"FAIL"]),
        (0, "#a,nobody", [b"401", b"FAIL"]),
        (0, "nobody,#a,none", [b"401", b"401", b"FAIL"]),
    ],
)
def test_the_refusals_of_a_labelled_line_are_in_its_batch(echo: int, targets: str, answers: list[bytes]) -> None:
    """Each stands in the place of an echo. Without one, they replace the ACK, or a reply that was the whole answer."""
    room = Room(HubStage(gated=True), echo | caps.LABELED_RESPONSE | caps.BATCH | caps.MESSAGE_TAGS)
    line = f"@label=x PRIVMSG {targets} :text"
    room.stage.tick((room.ann, line), (room.ann, "@label=y PING 1"))
    room.stage.committer.settle("full")
    room.stage.tick()
    first, *said, last, pong = room.said()[0].splitlines()
    reference = first.split()[3][1:]
    assert first.startswith(b"@label=x ") and last.endswith(b" BATCH -" + reference) and pong.startswith(b"@label=y ")
    assert [line.split()[0] for line in said] == [b"@batch=" + reference] * len(answers)
    assert [line.split()[2] for line in said] == answers
    room.stage.tick((room.ann, line))
    room.stage.settle_all()
    words = [line.split() for line in room.said()[0].splitlines()]
    good = [b"PRIVMSG" if each == b"FAIL" else each for each in answers if echo or each != b"FAIL"]
    assert [each[2] for each in words if b"BATCH" not in each] == (good or [b"ACK"])


def test_who_has_ended_reads_everything_first(room: Room) -> None:
    """The connection is closed behind what waited. Others read of the end in its place."""
    stage = room.stage
    stage.tick((room.ann, "PRIVMSG #a :last words"))
    stage.tick((room.ann, "QUIT :bye"), (room.cid, "QUIT :bye"))
    assert [connection.closed for connection in stage.connections] == [0, 0, 1]
    stage.settle_all()
    assert room.ann.closed == 1 and b"ERROR" in room.ann.got
    assert room.bob.got.index(b"last words") < room.bob.got.index(b"QUIT")


def test_an_upgrade_waits_until_the_gate_is_empty(room: Room) -> None:
    """At rest nothing waits: not for the disk, and not to be told."""
    stage = room.stage
    rests = [stage.is_at_rest()]
    stage.tick((room.ann, "PRIVMSG #a :hello"))
    rests.append(stage.is_at_rest())
    stage.committer.settle()
    rests.append(stage.is_at_rest())
    stage.tick()
    assert [*rests, stage.is_at_rest()] == [True, False, False, True]


def test_a_new_member_reads_nothing_that_was_said_before(room: Room) -> None:
    """Who joins while a message waits is shown the channel, and is in it from then on."""
    stage = room.stage
    stage.tick((room.ann, "PRIVMSG #a :before"))
    stage.tick((room.cid, "JOIN #a"))
    assert b"JOIN #a" in room.cid.got and b" 353 " in room.cid.got
    stage.tick((room.ann, "PRIVMSG #a :after"))
    stage.settle_all()
    assert b"before" not in room.cid.got and b"after" in room.cid.got
    assert room.bob.got.index(b"before") < room.bob.got.index(b"JOIN") < room.bob.got.index(b"after")


def test_who_has_left_reads_what_was_said_before(room: Room) -> None:
    """It was rendered for the members and the capabilities of its tick."""
    stage = room.stage
    stage.tick((room.ann, "PRIVMSG #a :before"))
    stage.tick((room.bob, "PART #a"), (room.bob, "CAP REQ :server-time"))
    stage.tick((room.ann, "PRIVMSG #a :after"))
    stage.settle_all()
    assert b"before" in room.bob.got and b"after" not in room.bob.got and b"time=" not in room.bob.got


# -- what must find the messages in the database --------------------------------------------------


def test_a_question_waits_for_what_was_said_before_it(room: Room) -> None:
    """It is submitted when that is stored, and does not wait for what is said later."""
    stage, hub = room.stage, room.stage.hub
    stage.tick((room.ann, "PRIVMSG #a :one"))
    asked: list[str] = []
    with hub.lock:
        hub.when_committed(partial(asked.append, "hook"))
        stage.world.work.ask("history", lambda stores: None, lambda found: None)
        context = Context(stage.world, room.cid.session, "SEARCH")
        hub._submit(
            room.cid.session, context, Pending("history", lambda stores: None, lambda *_: None, after_commit=True)
        )
    stage.tick((room.ann, "PRIVMSG #a :two"))
    stage.committer.settle()
    stage.tick((room.ann, "PRIVMSG #a :three"))
    assert not asked and "history" not in [name for name, _, _ in stage.workers.held]
    stage.committer.settle()
    stage.tick()
    assert asked == ["hook"] and [name for name, _, _ in stage.workers.held].count("history") == 2
    assert len(stage.committer.given) == 1


def test_a_task_sees_if_its_own_tick_was_stored(room: Room) -> None:
    """The answer to an incoming hook depends on its message, not on the last one."""
    stage, hub = room.stage, room.stage.hub
    seen: list[str] = []

    def look() -> None:
        seen.append(stage.world.ledger.failure)

    for _ in range(3):
        with hub.lock:
            hub.when_committed(look)
        stage.tick((room.ann, "PRIVMSG #a :x"))
    stage.committer.settle()
    stage.committer.settle("full")
    stage.committer.settle()
    stage.tick()
    assert seen == ["", "full", ""]


def test_a_new_name_is_told_while_it_waits_for_a_lock_but_questions_wait(room: Room) -> None:
    """As without a gate: members read it at once, and nobody is answered from under the old name."""
    stage, ledger = room.stage, room.stage.world.ledger
    stage.tick((room.ann, "RENAME #a #new"))
    assert b"#new" not in room.bob.got and ledger.is_behind
    stage.committer.is_behind = stage.committer.is_busy = True
    stage.committer.settled.append(Settled(stage.committer.given.popleft().number, "", is_busy=True))
    stage.world.work.ask("history", lambda stores: None, lambda found: None)
    stage.tick()
    assert b"#new" in room.bob.got and not ledger.failure
    assert len(stage.world.work.questions) == 1
    stage.committer.is_behind = stage.committer.is_busy = False
    stage.tick()
    assert not stage.world.work.questions and not ledger.is_behind


def test_what_a_replay_has_held_back_waits_too() -> None:
    """A message that came during a replay is told when that is over and it is stored, and not at all if it is not."""
    stage = HubStage(gated=True)
    room = Room(stage)
    eve = stage.come("eve", account="eve")
    stage.tick((eve, "JOIN #a"))
    stage.settle_all()
    for text in ("kept", "lost"):
        stage.tick((room.ann, f"PRIVMSG #a :{text}"))
    stage.answer(ChatroomError("nothing was missed"))
    stage.tick((eve, "PING 1"))
    assert b"kept" not in eve.got and b"PONG" not in eve.got
    stage.committer.settle()
    stage.committer.settle("full")
    stage.tick()
    assert eve.got.index(b"kept") < eve.got.index(b"PONG") and b"lost" not in eve.got


# -- bounds ---------------------------------------------------------------------------------------


def test_senders_wait_when_much_waits_for_the_disk() -> None:
    """Before readers could have too much to read. After five seconds the sender reads that the database is busy."""
    room = Room(HubStage(gated=True, sendq_bytes=16_384))
    stage = room.stage
    for number in range(100):
        stage.tick((room.ann, f"PRIVMSG #a :{number}"))
    assert 10 < len(stage.committer.given) < 60
    stage.mono_ms += PATIENCE_MS
    before = len(stage.committer.given)
    stage.settle_all()
    stage.tick()
    while stage.committer.given or room.ann.parked:
        stage.settle_all()
    ann, bob, _ = room.said()
    assert not room.bob.dropped
    assert ann.count(REFUSED + b"the database is busy") == 1, "the one that waited"
    assert bob.count(b"PRIVMSG") == 99 and before < 60


def test_a_session_that_asks_too_much_meanwhile_is_dropped() -> None:
    """What waits for one client has an end, in the gate too."""
    room = Room(HubStage(gated=True, sendq_bytes=16_384))
    stage = room.stage
    stage.tick((room.bob, "PRIVMSG #a :x"))
    while not room.bob.dropped:
        stage.tick(*[(room.bob, f"PING {'x' * 300}") for _ in range(10)])
    assert room.bob.dropped == "SendQ exceeded" and not room.ann.dropped


def test_a_long_answer_does_not_grow_in_the_gate(room: Room) -> None:
    """Its next piece is made when the client has been sent the one before."""
    stage, hub = room.stage, room.stage.hub
    stage.tick((room.ann, "PRIVMSG #a :x"))
    made: list[bool] = []
    piece = Pending(None, None, lambda context, is_lost: made.append(is_lost), is_next_piece=True)
    with hub.lock:
        room.ann.session.begin_wait()
        hub._submit(room.ann.session, Context(stage.world, room.ann.session, "WHO"), piece)
    for _ in range(3):
        stage.tick()
    assert made == []
    stage.settle_all()
    stage.tick()
    assert made == [False]


def test_events_do_not_wait_for_a_lock_that_is_taken() -> None:
    """Joins are told even if they cannot be stored now. A message waits."""
    room = Room(HubStage(gated=True, joins=True))
    stage = room.stage
    stage.tick((room.cid, "JOIN #a"))
    assert b"JOIN" not in room.ann.got
    stage.settle_all()
    assert b"JOIN" in room.ann.got
    stage.committer.is_busy = True
    stage.tick((room.bob, "PART #a"))
    assert b"PART" in room.ann.got
    stage.tick((room.ann, "PRIVMSG #a :x"))
    assert b"PRIVMSG" not in room.cid.got


# -- ticks that fail ------------------------------------------------------------------------------


def test_a_tick_whose_lines_cannot_be_made_holds_up_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its message is stored, and lost to the readers, as without a gate. What waits and what follows is told."""
    stage = room.stage
    stage.tick((room.ann, "PRIVMSG #a :first"))
    hold = Gate.hold
    monkeypatch.setattr(Gate, "hold", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        stage.tick((room.ann, "PRIVMSG #a :second"))
    monkeypatch.setattr(Gate, "hold", hold)
    with stage.hub.lock:
        stage.world.ledger.abandon()
        stage.world.outbox.abandon()
    stage.settle_all()
    stage.tick((room.ann, "PRIVMSG #a :third"))
    stage.settle_all()
    bob = room.said()[1]
    assert b"first" in bob and b"second" not in bob and b"third" in bob
    assert [entry.text for entry in stage.journal.kept] == ["first", "second", "third"]


def test_a_new_name_whose_tick_fails_holds_up_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later ticks do not wait for a number that is settled."""
    stage = room.stage
    with monkeypatch.context() as patched:
        patched.setattr(Gate, "hold", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stage.tick((room.ann, "RENAME #a #new"))
    with stage.hub.lock:
        stage.world.ledger.abandon()
        stage.world.outbox.abandon()
    stage.settle_all()
    stage.tick((room.ann, "PRIVMSG #new :next"), (room.cid, "PING 1"))
    assert b"PONG" in room.cid.got
    stage.settle_all()
    assert b"next" in room.said()[1]


def test_an_abandoned_tick_stores_nothing(room: Room) -> None:
    """But channels keep their new names."""
    stage, ledger = room.stage, room.stage.world.ledger
    with stage.hub.lock:
        assert ledger.ready()
        ledger.add_line(1, 1, room.ann.session.user, room.ann.session, "#a", "#a", "x")  # type: ignore[arg-type]
        ledger.rename_channel("#a", "#new")
        ledger.abandon()
    stage.tick()
    stage.settle_all()
    assert stage.journal.ended == ["#a is now #new"] and not stage.journal.kept


def test_a_metered_hub_counts_what_is_sent(room: Room) -> None:
    """It counts lines when they are released."""
    hub = MeteredGatedHub(room.stage.world, room.stage.workers, Screen())
    hub.threads = room.stage.threads
    room.stage.hub = hub
    for connection in room.stage.connections:
        connection.hub = hub
    room.stage.tick((room.ann, "PRIVMSG #a :x"))
    assert (hub.messages_in, hub.lines_out) == (1, 0)
    room.stage.settle_all()
    assert hub.lines_out == 1
