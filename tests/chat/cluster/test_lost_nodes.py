"""The people of a node that is gone: what they have missed is shown to them when they come back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from harness.cluster_stage import ClusterStage, Node
from harness.journal import FakeJournal

from chatroom.chat.cluster.lost_home import close_home
from chatroom.chat.cluster.told import Told
from chatroom.chat.stored.records import AccountEntry, Role

UNA, BOB = AccountEntry(7, "una", Role.USER, False), AccountEntry(8, "bob", Role.USER, False)


class Places:
    """A presence store that notes who leaves, and up to where they have read."""

    def __init__(self) -> None:
        self.left: list[tuple[int, str, int | None, bool]] = []
        self.corrected: dict[int, Collection[str]] = {}
        self.markers: dict[int, Mapping[str, int]] = {}
        self.raised: list[tuple[int, Collection[str], int]] = []

    def go(self, account_id: int, channel: str, message_id: int | None, *, returns: bool = False) -> None:
        """Note it."""
        self.left.append((account_id, channel, message_id, returns))

    def correct(self, channels: Mapping[int, Collection[str]], joined_ms: int) -> None:
        """Note it. That comes first."""
        assert not self.left
        self.corrected.update(channels)

    def raise_markers(self, markers: Mapping[int, Mapping[str, int]]) -> None:
        """Note them. They come first, too."""
        assert not self.left
        self.markers.update(markers)

    def raise_left(self, account_id: int, channels: Collection[str], message_id: int) -> None:
        """Note it."""
        self.raised.append((account_id, channels, message_id))

    def come(self, *_: Any) -> None:
        """Nothing that counts here."""


def run_writes(node: Node, places: Places) -> None:
    """Do what a node has its store worker write."""
    stores: Any = SimpleNamespace(presence=places, account_data=places)
    for item in node.world.work.take_writes():
        item.job(stores)


def end_home(node: Node, gone: Node, told: Told | None) -> Places:
    """Have a node end the people of another one, in a turn. Return where it has stored that they left."""
    places = Places()
    node.world.work.take_writes()
    node.world.ledger.journal = FakeJournal()
    with node.turn():
        close_home(node.world, gone.world.home, "b is gone", told)
    run_writes(node, places)
    return places


@pytest.mark.parametrize("is_known", [True, False])
def test_they_have_read_what_their_node_is_known_to_have_told(is_known: bool) -> None:
    """Not what was said between its end and the moment at which the others notice it. Everybody comes back."""
    stage = ClusterStage(accounts=(UNA, BOB))
    first, second = stage.add("a"), stage.add("b")
    bob, una = first.connect("bobby"), second.connect("una2")
    with first.turn():
        first.world.set_account(first.user("bobby"), BOB)
        first.world.set_account(first.user("una2"), UNA)
    bob.say("JOIN #tea")
    una.say("JOIN #tea", "MARKREAD #tea timestamp=2020-01-01T00:00:00.000Z")
    told = stage.last_seq
    stage.nodes.remove(second)
    bob.say("PRIVMSG #tea :are you there?")
    places = end_home(first, second, Told(told) if is_known else None)
    assert [(account_id, channel, returns) for account_id, channel, _, returns in places.left] == [
        (UNA.id, "", False),
        (UNA.id, "#tea", True),
    ]
    assert places.corrected == {UNA.id: {"#tea"}}
    assert places.markers == {UNA.id: {"#tea": 1_577_836_800_000}}
    for _, _, message_id, _ in places.left:
        assert message_id is not None
        assert message_id == told if is_known else message_id > told
    # Who leaves by itself has read everything.
    bob.say("PART #tea")
    run_writes(first, places)
    assert places.left[-1][0] == BOB.id
    assert (places.left[-1][2] or 0) > told


def test_what_they_were_still_to_be_shown_they_have_not_read() -> None:
    """Of a channel that they had just joined, and of their direct messages: what is recorded from before counts."""
    stage = ClusterStage(accounts=(UNA,))
    first, second = stage.add("a"), stage.add("b")
    first.connect("bobby").say("JOIN #tea")
    una = second.connect("una2")
    with first.turn():
        first.world.set_account(first.user("una2"), UNA)
    una.say("JOIN #tea")
    una.say("JOIN #mine")
    told = Told(stage.last_seq, {}, {una.session.id: {"#tea", ""}})
    stage.nodes.remove(second)
    places = end_home(first, second, told)
    assert {channel: message_id for _, channel, message_id, _ in places.left} == {
        "": None,
        "#tea": None,
        "#mine": told.seq,
    }


def test_how_far_an_account_had_read_is_stored_though_it_is_there() -> None:
    """Its further device is shown the rest. If that one's node dies before, the account is shown it from there on."""
    stage = ClusterStage(accounts=(UNA,))
    first, second = stage.add("a"), stage.add("b")
    first.connect("bobby").say("JOIN #tea")
    una = second.connect("una", account=UNA)
    una.say("JOIN #tea")
    una.say("JOIN #mine")
    told = Told(stage.last_seq, {}, {una.session.id: {"#mine"}})
    stage.nodes.remove(second)
    first.connect("una", account=UNA)
    places = end_home(first, second, told)
    assert places.left == []
    assert places.raised == [(UNA.id, {"", "#tea"}, told.seq)]


@pytest.mark.parametrize("other_acts", [False, True])
@pytest.mark.parametrize("order", ["bc", "cb"])
def test_two_nodes_die_before_the_others_know_of_either(order: str, other_acts: bool) -> None:
    """An account had come back to the second one, which never showed it the rest: it has read what the first told."""
    stage = ClusterStage(accounts=(UNA,))
    a, b, c, d = (stage.add(name) for name in "abcd")
    bob, una = a.connect("bobby"), b.connect("una", account=UNA)
    for each in (bob, una):
        each.say("JOIN #tea")
    told = {"b": Told(stage.last_seq)}
    bob.say("PRIVMSG #tea :missed")
    c.connect("una", account=UNA)
    bob.say("PRIVMSG #tea :live")
    told["c"] = Told(stage.last_seq)
    dead = {"b": b, "c": c}
    stage.nodes = [a, d]
    first, second = order[0], order[1]
    places = end_home(a, dead[first], told[first])
    assert places.left == []
    assert [message_id for _, _, message_id in places.raised] == ([told["b"].seq] if first == "b" else [])
    places = end_home(d if other_acts else a, dead[second], told[second])
    assert {channel: message_id for _, channel, message_id, _ in places.left} == {
        "": told["b"].seq,
        "#tea": told["b"].seq,
    }
    assert places.raised == []


def test_a_device_that_was_shown_the_rest_has_read_it() -> None:
    """Its node has told more than what it read of the other one's end."""
    stage = ClusterStage(accounts=(UNA,))
    a, b, c = (stage.add(name) for name in "abc")
    bob, una = a.connect("bobby"), b.connect("una", account=UNA)
    for each in (bob, una):
        each.say("JOIN #tea")
    told = Told(stage.last_seq)
    bob.say("PRIVMSG #tea :missed")
    c.connect("una", account=UNA)
    stage.nodes.remove(b)
    end_home(a, b, told)
    bob.say("PRIVMSG #tea :live")
    told = Told(stage.last_seq)
    stage.nodes.remove(c)
    places = end_home(a, c, told)
    assert {message_id for _, _, message_id, _ in places.left} == {told.seq}


def test_a_session_that_was_behind_is_shown_more() -> None:
    """Its socket had not taken everything. The other device of the account had read further, and does not count."""
    stage = ClusterStage(accounts=(UNA, BOB))
    first, second = stage.add("a"), stage.add("b")
    first.connect("ann").say("JOIN #tea")
    una, also, bob = (second.connect(nick, account=who) for nick, who in (("una", UNA), ("una", UNA), ("bob", BOB)))
    for each in (una, bob):
        each.say("JOIN #tea")
    told = Told(stage.last_seq, {also.session.id: stage.last_seq - 1})
    stage.nodes.remove(second)
    places = end_home(first, second, told)
    assert {(account_id, channel): message_id for account_id, channel, message_id, _ in places.left} == {
        **{(UNA.id, place): told.seq - 1 for place in ("", "#tea")},
        **{(BOB.id, place): told.seq for place in ("", "#tea")},
    }


def test_of_two_nicks_of_an_account_the_one_counts_that_was_told_less() -> None:
    """Whichever leaves last. It was shown what it missed before it came, if one of the two was."""
    stage = ClusterStage(accounts=(UNA,))
    first, second = stage.add("a"), stage.add("b")
    first.connect("ann").say("JOIN #tea")
    una, other = second.connect("una", account=UNA), second.connect("una2")
    with first.turn():
        first.world.set_account(first.user("una2"), UNA)
    for each in (una, other):
        each.say("JOIN #tea")
    other.say("JOIN #mine")
    unshown = {una.session.id: {"#tea"}, other.session.id: {"#mine"}}
    told = Told(stage.last_seq, {una.session.id: stage.last_seq - 1}, unshown)
    stage.nodes.remove(second)
    places = end_home(first, second, told)
    assert {channel: message_id for _, channel, message_id, _ in places.left} == {
        **dict.fromkeys(("", "#tea"), told.seq - 1),
        "#mine": None,
    }
