"""What a turn had changed and stored when its node died is told by the next holder of a turn, as if it had lived."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.node_stage import NodeStage, StagedNode
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.cluster.kept_records import read_kept, write_kept
from chatroom.chat.cluster.snapshot import snapshot_to_document
from chatroom.chat.cluster.turn_records import Record, decode_records
from chatroom.chat.cluster.untold import untold_to_record
from chatroom.chat.stored.entries import Entry, Kind
from chatroom.errors import Fenced
from chatroom.server.cluster.cluster_contract import Turn
from chatroom.server.cluster.turn_desk import Granted

Act = Callable[[StagedNode], None]


def rename(node: StagedNode) -> None:
    """Give somebody of another node another nick, as if an account had taken it."""
    user = node.world.find_user("bob")
    assert user is not None
    node.world.rename(user, "guest1")


def make_channel(node: StagedNode) -> None:
    """Make a channel with somebody of each node."""
    channel = node.world.make_channel("#new")
    for nick in ("ann", "bob"):
        user = node.world.find_user(nick)
        assert user is not None
        node.world.join(channel, user, 0)


def say(node: StagedNode) -> None:
    """Have somebody say something, before the lines of the turn."""
    node.hub.run_line(node.connections[1].session, "PRIVMSG #a :hello")


def nothing(node: StagedNode) -> None:
    """Leave it to the lines."""


TURNS: dict[str, tuple[Act, list[str]]] = {
    "a message": (nothing, ["PRIVMSG #a :hello"]),
    "a channel with another name": (nothing, ["RENAME #a #b", "PRIVMSG #b :hello"]),
    "a message before another name": (say, ["RENAME #a #b", "PRIVMSG #b :there"]),
    "only another name": (nothing, ["RENAME #a #b"]),
    "somebody with another nick": (rename, ["PRIVMSG #a :hello guest1"]),
    "a new channel": (make_channel, ["PRIVMSG #new :hello"]),
    "a new nick of the author": (nothing, ["NICK anne", "PRIVMSG #a :hello anne"]),
    "a new author": (nothing, ["PRIVMSG #a :hello", "PART #a", "QUIT"]),
    "somebody is put out": (nothing, ["KICK #a bob :bye", "PRIVMSG #a :bye"]),
    "a secret channel": (nothing, ["MODE #a +s", "PRIVMSG #a :hush"]),
}
"""What happens in a turn on node a: something of itself, and then a line of each of its people."""


LINES = st.sampled_from(
    [
        *("PRIVMSG #a :hello", "PRIVMSG #a,bob :hello", "NOTICE #a :note", "PRIVMSG bob :psst", "@+x=1 TAGMSG #a"),
        *("NICK anne", "AWAY :gone", "SETNAME :x", "JOIN #b", "PART #a :bye", "QUIT :bye", "WHO #a"),
        *("RENAME #a #c", "TOPIC #a :tea", "KICK #a bob :out", "KICK #a abe", "INVITE bob #a", "MODE #a +ms"),
        *("MODE #a +v bob", "MODE #a +b bob!*@*", "MODE #a +k key", "PRIVMSG #c :behind", "PART #c"),
    ]
)


def play(monkeypatch: pytest.MonkeyPatch, turn: tuple[Act, list[str]], *, dies: bool) -> tuple[NodeStage, bool]:
    """Have a node do a turn, and another one read of it. ``dies``: the first one dies before it tells of it.

    Return if anything of the turn was stored, too.
    """
    act, lines = turn
    stage = NodeStage(monkeypatch)
    a, b = stage.a, stage.b
    people = [a.come(nick) for nick in ("ann", "amy", "abe")]
    stage.follow()
    bob = b.come("bob")
    stage.follow()
    for client in people:
        a.take_turn((client, "JOIN #a"))
    stage.follow()
    b.take_turn((bob, "JOIN #a"))
    stage.follow()
    a.take_turn((people[0], "PRIVMSG #a :before"))
    stage.follow()
    bob.got, after = b"", b.world.last_seq
    a.hub.post(0, lambda: act(a))
    a.tick(*zip(people, lines, strict=False))
    if dies:
        a.failure = Fenced("it is dead")
    a.grant()
    a.tick()
    a.commit()
    entries, kept = a.journal.untold(after), a.journal.find_kept(after)
    is_stored = bool(entries) or kept is not None
    if not dies:
        b.read_stream()
        b.tick()
        return stage, is_stored
    told = [untold_to_record(entries)] if kept is None else read_kept(kept.home, kept.records, entries)
    stage.turns += 1
    b.desk.grant(Granted(Turn(stage.turns, len(stage.stream), True), told))
    b.tick()
    b.commit()
    b.tick()
    return stage, is_stored


def where_all_are(node: StagedNode) -> object:
    """Who is there and where, and all of the channels."""
    world = snapshot_to_document(node.world)
    return [(user["nick"], user["channels"]) for user in world["users"]], world["channels"]


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
def test_a_broken_turn_is_told_as_a_whole_one(monkeypatch: pytest.MonkeyPatch, turn: tuple[Act, list[str]]) -> None:
    """The people of other nodes read the same, and find the same people in the same channels."""
    whole, broken = (play(monkeypatch, turn, dies=dies)[0].b for dies in (False, True))
    assert broken.connections[0].got == whole.connections[0].got != b""
    assert where_all_are(broken) == where_all_are(whole)
    assert not [line for line in broken.log if "does not fit" in line]


def without_asides(node: StagedNode) -> list[bytes]:
    """What the person there has read, but for what was said to it alone."""
    lines = node.connections[0].got.splitlines()
    return [line for line in lines if b" PRIVMSG bob :" not in line and b" NOTICE bob :" not in line]


@given(lines=st.lists(LINES, min_size=1, max_size=3))
def test_any_broken_turn_is_told_as_a_whole_one(lines: list[str]) -> None:
    """But for what one guest says to another, which is not stored. If nothing is stored, the turn never was."""
    with pytest.MonkeyPatch.context() as patch:
        (whole, is_stored), (broken, is_kept) = (play(patch, (nothing, lines), dies=dies) for dies in (False, True))
    assert is_kept == is_stored
    assert without_asides(broken.b) == (without_asides(whole.b) if is_stored else [])
    assert not is_stored or where_all_are(broken.b) == where_all_are(whole.b)
    assert not [line for line in broken.b.log if "does not fit" in line]


def test_what_is_not_stored_is_not_kept_either() -> None:
    """Such as what guests say to each other. What the server tells besides is kept."""
    told: list[tuple[int, Record]] = [
        (7, ["say", "#a", [7, 0, "x!x@h", "PRIVMSG #a :stored"]]),
        (7, ["line", 1, 7, "@time=x :x!x@h PRIVMSG #a :stored"]),
        (8, ["say", "#a", [8, 0, "x!x@h", "PRIVMSG #a :not stored"]]),
        (9, ["line", 1, 9, ":x!x@h PRIVMSG bob :not stored"]),
        (0, ["line", 1, 10, "@msgid=1 :a.test NOTICE bob :not stored"]),
        (0, ["line", 1, 11, "BATCH +1 x\r\n@batch=1 :x!x@h PRIVMSG bob :not stored\r\nBATCH -1"]),
        (12, ["say", "#a", [12, 0, "x!x@h", "PART #a :PRIVMSG bye"]]),
        (12, ["say", "#b", 12]),
        (0, ["line", 1, 13, ":a.test 381 bob :You are an operator"]),
    ]
    kept = decode_records(write_kept(told, {7}))
    assert kept == [["entry", 7, "#a"], *[told[place][1] for place in (6, 7, 8)]]


def test_what_was_untold_before_the_turn_is_kept_by_its_ids_too() -> None:
    """If several nodes die one after the other, each in its turn. What is deleted meanwhile is not told."""
    entries = [
        Entry(number, 0, "#a", Kind.PRIVMSG, "x!x@h", None, "", "#a", f"text {number}") for number in (7, 8, 9, 10)
    ]
    first, second, third, _ = ([untold_to_record([entry])] for entry in entries)
    told: list[tuple[int, Record]] = [
        (0, ["turn", "a/1", [["join", "#a", "x", 0, 6], *first]]),
        *[(0, record) for record in second],
        (9, ["say", "#a", [9, 0, "x!x@h", "PRIVMSG #a :text 9"]]),
        (0, ["end", {"seq": 9}]),
    ]
    data = write_kept(told, {9})
    assert b"text" not in data
    turn: Record = ["turn", "a/1", [["join", "#a", "x", 0, 6], *first]]
    assert read_kept("b/2", data, entries) == [
        ["turn", "b/2", [turn, *second, *third, ["end", {"seq": 9}]]],
        untold_to_record(entries[3:]),
    ]
    turn[2].pop()
    assert read_kept("b/2", data, entries[1:3]) == [["turn", "b/2", [turn, *second, *third, ["end", {"seq": 9}]]]]
