"""The times of what nodes say whose clocks are apart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from harness.cluster_nodes import Cluster
from harness.cluster_stage import ClusterStage, Node, Person
from harness.world import make_settings

from chatroom.chat.cluster.turn_times import MOST_APART_MS
from chatroom.chat.cluster.untold import tell_untold, untold_to_record
from chatroom.chat.stored.entries import Entry, Kind, first_message_id


def times_of(lines: list[str]) -> list[str]:
    """The times of the messages among some lines."""
    return [line[len("@time=") :].partition(" ")[0].partition(";")[0] for line in lines if " PRIVMSG " in line]


def meet(stage: ClusterStage, *nodes: Node) -> list[Person]:
    """People in #tea, one of each node, who read times. The last one only reads."""
    people = [node.connect(f"p{number}", caps="server-time") for number, node in enumerate([*nodes, nodes[0]])]
    stage.gather(*people)
    return people


def test_what_another_node_has_just_said_can_be_marked_as_read(tmp_path: Path) -> None:
    """Its time may be some milliseconds ahead of the reader's clock, as each line has a time of its own."""
    cluster = Cluster(tmp_path / "chat.db", make_settings(channels={"autojoin": ()}), 2)
    first, second = cluster.nodes
    ann, bob = first.connect("ann"), second.connect("bob", caps="server-time draft/read-marker")
    for client in (ann, bob):
        client.say("JOIN #tea")
    with first.tick():
        for number in range(5):
            ann.say(f"PRIVMSG #tea :{number}")
    second.apply()
    last = times_of(bob.read())[-1]
    bob.say(f"MARKREAD #tea timestamp={last}")
    assert [line.split()[-1] for line in bob.read() if " MARKREAD " in line] == [f"timestamp={last}"]
    cluster.close()


@pytest.mark.parametrize("ahead_ms", [-30_000, 30_000, 30])
@pytest.mark.parametrize("count", [1, 40])
def test_stored_messages_have_times_that_go_up(tmp_path: Path, ahead_ms: int, count: int) -> None:
    """By a millisecond at least, as in a lone daemon, also if a node says much in no time, or has joined since."""
    cluster = Cluster(tmp_path / "chat.db", make_settings(channels={"autojoin": ()}), 2)
    first, second = cluster.nodes
    first.ahead = timedelta(milliseconds=ahead_ms)
    ann, bob, reader = (
        node.connect(nick, caps="server-time") for node, nick in ((first, "ann"), (second, "bob"), (second, "rea"))
    )
    for client in (ann, bob, reader):
        client.say("JOIN #tea")
    reader.read()
    third = cluster.add_node()
    zoe = third.connect("zoe")
    zoe.say("JOIN #tea")
    for speaker in (bob, ann, bob, zoe, ann, ann, zoe, bob):
        with speaker.here.tick():
            for number in range(count):
                speaker.say(f"PRIVMSG #tea :{number}")
        second.wait(0.001)
    second.apply()
    times = times_of(reader.read())
    found = [entry.time_ms for entry in first.stores.history.latest("#tea", 1000)]
    cluster.close()
    assert len(times) == 8 * count
    assert times == sorted(set(times))
    assert found == sorted(set(found))


@pytest.mark.parametrize("ahead_ms", [-30_000, 30_000, 30])
def test_times_of_what_is_not_stored_do_not_go_back(ahead_ms: int) -> None:
    """They are those of the turns."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    first.ahead_ms = ahead_ms
    ann, bob, reader = meet(stage, first, second)
    for speaker in (bob, ann, bob, bob, ann, ann, bob):
        speaker.say("PRIVMSG #tea :hello")
    zoe = stage.add("c").connect("zoe")
    zoe.say("JOIN #tea", "PRIVMSG #tea :hello")
    times = times_of(reader.read())
    assert len(times) == 8
    assert times == sorted(times)


def test_the_clocks_of_the_nodes_lead_again() -> None:
    """When they have come to where the one was that was ahead."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob, reader = meet(stage, first, second)
    first.ahead_ms = 30_000
    ann.say("PRIVMSG #tea :one")
    first.ahead_ms = 0
    stage.wall_ms += 40_000
    bob.say("PRIVMSG #tea :two")
    ahead, now = times_of(reader.read())
    assert ahead.startswith("2030-05-01T12:00:30")
    assert now.startswith("2030-05-01T12:00:40")


def test_a_clock_that_is_set_wrong_is_not_followed() -> None:
    """If it is ahead by more than a minute, each node goes by its own, as a daemon whose clock was set back."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob, reader = meet(stage, first, second)
    first.ahead_ms = MOST_APART_MS + 5000
    ann.say("PRIVMSG #tea :one")
    first.ahead_ms = 0
    bob.say("PRIVMSG #tea :two")
    ann.say("PRIVMSG #tea :three")
    wrong, *right = times_of(reader.read())
    assert wrong.startswith("2030-05-01T12:01:05")
    assert all(time.startswith("2030-05-01T12:00:00") for time in right) and right == sorted(right)


def test_what_a_dead_node_had_said_leads_too() -> None:
    """Its clock was ahead, and the next message is later than the one that it told nobody."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob, reader = meet(stage, first, second)
    at_ms = stage.wall_ms + 30_000
    record = untold_to_record(
        [Entry(first_message_id(at_ms), at_ms, "#tea", Kind.PRIVMSG, "zoe!z@c", None, "", "#tea", "untold")]
    )
    for node in stage.nodes:
        with node.tick():
            tell_untold(node.world, record)
    bob.say("PRIVMSG #tea :two")
    ann.say("PRIVMSG #tea :three")
    times = times_of(reader.read())
    assert len(times) == 3 and times == sorted(times)
