"""The verbs that run without the turn change nothing that another node has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from harness.cluster_scripts import EVERYTHING, settings_of
from harness.cluster_sides import Sides
from harness.random_lines import line_of

from chatroom.chat.cluster.local_verbs import LOCAL_VERBS
from chatroom.chat.cluster.snapshot import snapshot_to_document
from chatroom.commands.command_table import COMMANDS, When

NEED_THE_TURN = frozenset(
    [
        # They change what others see, what the world lets others do, or what the account's other sessions have.
        *(
            "ACCEPT",
            "ANNOUNCE",
            "AUTHENTICATE",
            "AWAY",
            "BATCH",
            "CAP",
            "CBAN",
            "CERT",
            "DELETECHANNEL",
            "FILTER",
            "INVITE",
        ),
        *(
            "INVITELINK",
            "JOIN",
            "KICK",
            "KILL",
            "KILLAT",
            "KNOCK",
            "LOCKDOWN",
            "LOGINDELAY",
            "MARKREAD",
            "METADATA",
            "MODE",
            "NICK",
        ),
        *("NICKSERV", "NOTICE", "NS", "OPER", "PART", "PRIVMSG", "QUIT", "REDACT", "REGISTER", "REHASH", "RELAYMSG"),
        *("RENAME", "RENAMEACCOUNT", "REQUEST", "RESETPASS", "SETNAME", "TAGMSG", "TOPIC", "UBAN", "VERIFY", "WALLOPS"),
        *("UPGRADE", "ZNC"),
        # They end a registration, so that a user comes.
        *("PASS", "USER", "WEBIRC"),
    ]
)


SAY_NOTHING = frozenset(["PONG", "ERROR", "ACTOR", "ABSENT", "UNSTORED"])
"""The verbs that are not answered, here."""


def test_every_verb_is_decided() -> None:
    """A new verb stands in one of the two lists."""
    assert not LOCAL_VERBS & NEED_THE_TURN
    assert set(COMMANDS) == LOCAL_VERBS | NEED_THE_TURN


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """Two nodes, with users on both who have said something."""
    path: Path = tmp_path_factory.mktemp("cluster")
    sides = Sides(path, settings_of(joins=True, always_on=True, limits=False, replays=False), 2)
    for number, (node, nick) in enumerate([(0, "ada"), (0, "guest"), (1, "una"), (1, "eve")]):
        sides.come(node, nick, EVERYTHING, 1, login=True, secure=False)
        sides.say(number, "JOIN #a,#b")
        sides.say(number, "PRIVMSG #a,una :hello")
    sides.cluster.catch_up()
    yield sides
    sides.close()


@pytest.mark.parametrize("verb", sorted(LOCAL_VERBS))
def test_nothing_changes(sides: Sides, verb: str) -> None:
    """The node records nothing, wants no turn, and has the same document as before. The client is answered."""
    node = sides.cluster.nodes[0]
    random = Random(verb)
    if COMMANDS[verb].when is When.CONTROL:
        speakers = [node.control()]
    else:
        speakers = [sides.cluster_side.clients[0], sides.cluster_side.clients[1], node.open()]
    lines = [verb, *(line_of(verb, random) for _ in range(30)), f"{verb} #a", f"{verb} una", f"{verb} una eve"]
    before = json.dumps(snapshot_to_document(node.world))
    end = len(sides.cluster.stream)
    with node.without_turn():
        for speaker in speakers:
            for line in lines:
                speaker.say(line)
                assert not node.world.wants_turn, line
            assert not speaker.session.closing and (speaker.read() or verb in SAY_NOTHING)
    assert json.dumps(snapshot_to_document(node.world)) == before
    assert len(sides.cluster.stream) == end
