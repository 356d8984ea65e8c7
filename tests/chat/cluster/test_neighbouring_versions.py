"""Nodes of neighbouring versions side by side: they leave out what they do not know, and agree on everything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from harness.cluster_stage import ClusterStage, Node

from chatroom.chat.cluster.attributes import OF_CHANNEL, OF_SESSION, OF_USER
from chatroom.chat.cluster.snapshot import load_snapshot, snapshot_to_document
from chatroom.chat.cluster.turn_records import Record, event_from_record
from chatroom.chat.stored.records import AccountEntry, Role
from chatroom.irc import caps

ANN = AccountEntry(1, "ann", Role.MODERATOR, False)
_UNKNOWN = {"of tomorrow": [1, {"x": None}], "future": "y"}
_TABLES = ("accepted", "account_data", "actions", "lockdown", "mutes", "tries")
"""The keys of a snapshot that stand for nothing in the worlds here."""
_EVENTS = {"say": 2, "seen": 2}
"""Where these records have their event, if it is no number."""
_ATTRIBUTES = {*OF_USER, *OF_CHANNEL, *OF_SESSION, "guest_messages", "gateway", "cap_version"}


def _documents_of(record: Record) -> list[dict[str, Any]]:
    """The documents of a record."""
    kind = record[0]
    if kind in ("tick", "end", "user", "session", "channel"):
        return [record[-1]]
    if kind == "+user":
        return [record[1], *record[2]]
    return [record[2]] if kind == "+session" else []


def write_later(records: list[Record]) -> list[Record]:
    """What a later version writes: kinds, keys, attributes and capabilities that nobody here knows."""
    for record in records:
        for document in _documents_of(record):
            if "caps" in document:
                document["caps"] = ["draft/of-tomorrow", *document["caps"]]
            if document.get("account_data"):
                document["account_data"].update(_UNKNOWN)
            document.update(_UNKNOWN)
        place = _EVENTS.get(record[0])
        if place is not None and isinstance(record[place], list):
            record[place] = [*record[place][:4], {**(record[place][4] if len(record[place]) > 4 else {}), **_UNKNOWN}]
    return [records[0], ["of tomorrow", 1, {}], *records[1:-1], ["+tomorrow"], records[-1]]


def write_earlier(records: list[Record]) -> list[Record]:
    """What an earlier version writes, whose users, channels and sessions have none of the attributes yet."""
    return [_without_empty(record) if record[0] in ("+user", "+session") else record for record in records]


def _without_empty(value: Any) -> Any:
    """Leave out attributes that are as they are for something new."""
    if isinstance(value, list):
        return [_without_empty(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_empty(one) for key, one in value.items() if one or key not in _ATTRIBUTES}


VERSIONS: dict[str, Callable[[list[Record]], list[Record]]] = {"later": write_later, "earlier": write_earlier}


class MixedStage(ClusterStage):
    """Nodes, the last of which is of another version."""

    def __init__(self, write: Callable[[list[Record]], list[Record]]) -> None:
        super().__init__(accounts=(ANN,))
        self.write = write
        self.read: list[Record] = []
        """What the other version has written."""

    def send(self, sender: Node, records: list[Record]) -> None:
        """Put a turn into the stream, as the sender's version writes it."""
        if sender is self.nodes[-1] and records:
            records = self.write(json.loads(json.dumps(records)))
            self.read += records
        super().send(sender, records)


@pytest.mark.parametrize("version", VERSIONS)
def test_nodes_agree_on_what_both_know(version: str) -> None:
    """Whoever acts on whom: people, devices, channels, what they set, and what they say."""
    stage = MixedStage(VERSIONS[version])
    one, other = stage.add("a"), stage.add("b")
    ann = one.connect("ann", caps="message-tags away-notify", account=ANN)
    device = other.connect("ann", caps="away-notify", account=ANN)
    bob, cat = other.connect("bob", caps="away-notify multi-prefix"), one.connect("cat")
    for person in (bob, cat, ann):
        person.say("JOIN #tea")
    stage.check_same()
    bob.say("MODE #tea +ilkb 9 secret *!*@bad", "TOPIC #tea :green", "AWAY :out", "INVITE cat #tea", "MODE bob +B")
    device.say("MARKREAD #tea timestamp=2030-05-01T12:00:00.001Z", "METADATA * SET url :there", "ACCEPT bob")
    stage.check_same()
    for person in (ann, device, bob, cat):
        person.read()
    bob.say("PRIVMSG #tea :from b", "PRIVMSG cat :psst", "NICK bobby", "AWAY")
    assert [line.split(" ", 1)[1] for line in cat.read()] == ["PRIVMSG #tea :from b", "PRIVMSG cat :psst", "NICK bobby"]
    cat.say("PRIVMSG #tea :from a", "PRIVMSG bobby :answer")
    assert [line.split(" ", 1)[1] for line in bob.read()][-2:] == ["PRIVMSG #tea :from a", "PRIVMSG bobby :answer"]
    bob.say("MODE #tea -i", "KICK #tea cat :enough", "PART #tea", "JOIN #other")
    device.say("QUIT")
    cat.say("JOIN #other", "NICK kate")
    stage.check_same()
    bob.say("QUIT")
    stage.check_same()
    assert stage.read and one.world.users.keys() == {"ann", "kate"}


@pytest.mark.parametrize("key", [*_UNKNOWN, *_TABLES])
def test_a_snapshot_of_another_version(key: str) -> None:
    """Keys that are unknown are left out; one that is missing stands for nothing."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    first.connect("ann").say("JOIN #tea")
    with first.tick():
        document = snapshot_to_document(first.world)
    if document.pop(key, None) is None:
        document[key] = _UNKNOWN
        for one in (*document["users"], *document["channels"]):
            one.update(_UNKNOWN)
    document["users"], document["channels"] = _without_empty(document["users"]), _without_empty(document["channels"])
    third = Node(stage, "c", 3)
    stage.nodes.append(third)
    with third.tick():
        load_snapshot(third.world, document)
    stage.check_same()
    assert second.world.users.keys() == third.world.users.keys() == {"ann"}


def test_an_event_for_an_unknown_capability_is_for_nobody() -> None:
    """A client cannot have asked for it here. One of several names for a capability is enough."""
    everything = sum({*caps.NAMES.values()})
    unknown = event_from_record([1, 1, "ann", "TOMORROW", {"needs": ["draft/of-tomorrow"]}])
    known = event_from_record([1, 1, "ann", "AWAY", {"needs": ["draft/of-tomorrow", "away-notify"]}])
    assert unknown.needs & ~everything
    assert known.needs == caps.AWAY_NOTIFY
