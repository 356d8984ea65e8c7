"""People of a dying node that are back on another one before it is gone: they are shown what they missed."""

from __future__ import annotations

import pytest
from harness.cluster_stage import ClusterStage, Node, Person

from chatroom.chat.cluster.lost_home import close_home
from chatroom.chat.cluster.told import Told
from chatroom.chat.people.session import Session
from chatroom.chat.stored.records import AccountEntry, Role

UNA = AccountEntry(7, "una", Role.USER, False)
Shown = list[tuple[str, Session, int, int]]


def add_listening(stage: ClusterStage, name: str, shown: Shown) -> Node:
    """Have a node join that notes what its sessions are shown."""
    node = stage.add(name)
    node.world.gap_replayer = lambda world, session, after, up_to: shown.append((name, session, after, up_to))
    return node


@pytest.mark.parametrize("place", ["a", "b"])
def test_a_device_that_came_meanwhile_is_shown_the_gap(place: str) -> None:
    """From what the dying node is known to have told to the moment it came, by its home, whoever's turn it is."""
    stage, shown = ClusterStage(accounts=(UNA,)), Shown()
    nodes = {name: add_listening(stage, name, shown) for name in ("a", "b")}
    dying, ann = stage.add("c"), nodes["a"].connect("ann")
    una = dying.connect("una", account=UNA)
    una.say("JOIN #tea")
    ann.say("JOIN #tea")
    told = stage.last_seq
    ann.say("PRIVMSG #tea :are you there?")
    missed = stage.last_seq
    back: Person = nodes[place].connect("una", account=UNA)
    ann.say("PRIVMSG #tea :welcome back")
    stage.nodes.remove(dying)
    with nodes["a"].turn():
        close_home(nodes["a"].world, dying.world.home, "c is gone", Told(told))
    ((name, session, after, up_to),) = shown
    assert (name, session, after) == (place, back.session, told)
    assert missed <= up_to < stage.last_seq
    stage.check_same()


@pytest.mark.parametrize("is_known", [True, False])
def test_who_missed_nothing_is_shown_nothing(is_known: bool) -> None:
    """A device that was there before, and all of them if nobody knows what the node has told."""
    stage, shown = ClusterStage(accounts=(UNA,)), Shown()
    first = add_listening(stage, "a", shown)
    other = first.connect("una", account=UNA)
    dying = stage.add("c")
    dying.connect("una", account=UNA)
    told = stage.last_seq
    stage.nodes.remove(dying)
    with first.turn():
        close_home(first.world, dying.world.home, "c is gone", Told(told) if is_known else None)
    assert shown == [] and other.session.user is not None
