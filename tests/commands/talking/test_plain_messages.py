"""``plain_messages`` repeats rules of the long way: here, each situation is played both ways and compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.world import Here

from chatroom.storage.sql.history_archive import read_all

ALICE, BOB, CARL, UNA, VERA = range(5)
# What changes the way of a message, as lines that users send beforehand.
_SITUATIONS: dict[str, list[tuple[int, str]]] = {
    "nothing special": [],
    "moderated": [(ALICE, "MODE #a +mv carl")],
    "for accounts": [(ALICE, "MODE #a +M")],
    "no CTCP": [(ALICE, "MODE #a +C")],
    "open to those outside": [(ALICE, "MODE #a -n"), (BOB, "PART #a"), (VERA, "PART #a")],
    "closed to those outside": [(BOB, "PART #a"), (VERA, "PART #a")],
    "banned": [(ALICE, "MODE #a +b bob!*@*"), (ALICE, "MODE #a +b ~account:vera")],
    "excepted": [(ALICE, "MODE #a +bbe bob!*@* carl!*@* carl!*@*")],
    "away": [(BOB, "AWAY :at lunch"), (VERA, "AWAY :at lunch")],
    "for accounts only": [(BOB, "MODE bob +R"), (VERA, "MODE vera +R")],
    "accepted": [(BOB, "MODE bob +R"), (BOB, "ACCEPT alice"), (BOB, "PRIVMSG carl :you too")],
    "no CTCP to users": [(BOB, "MODE bob +T"), (VERA, "MODE vera +T")],
    "read by operators": [(ALICE, "MODE #a +Uv carl"), (VERA, "PART #a")],
    "slow": [(ALICE, "MODE #a +Wv 10 carl")],
    "bots": [(BOB, "MODE bob +B"), (VERA, "MODE vera +B")],
    "echoed": [(BOB, "CAP REQ :echo-message"), (VERA, "CAP REQ :echo-message")],
    "tagged": [(who, "CAP REQ :message-tags server-time account-tag") for who in (BOB, CARL, UNA)],
    "renamed": [(BOB, "NICK robert"), (CARL, "NICK bob")],
}
_TARGETS = (
    "#a",
    "#A",
    "#none",
    "bob",
    "BOB",
    "carl",
    "una",
    "vera",
    "walt",
    "xena",
    "nobody",
    "NickServ",
    "#a,bob",
    "@#a",
    "",
    "#a x",
)
_TEXTS = (" :hello", " :\x01VERSION\x01", " :\x01ACTION waves\x01", " : : ", " word", " :", "", " :" + "é" * 250)


def play(here: Here, before: list[tuple[int, str]], verb: str) -> list[list[str]]:
    """What each client reads while all clients send all texts to all targets with ``verb``."""
    present = [here.connect(nick) for nick in ("alice", "bob", "carl")]
    present += [here.member(name, caps="message-tags account-tag") for name in ("una", "vera")]
    present += [here.member("walt"), here.connect("walt", login="walt"), here.connect("una", login="una")]
    present.append(here.member("xena"))
    for client in present:
        client.say("JOIN #a")
    for who, line in before:
        present[who].say(line)
    here.forget_unread()
    for client in present:
        for target in _TARGETS:
            with here.tick():
                client.say(*[f"{verb} {target}{text}" for text in _TEXTS])
            client.say(f"{verb} {target} :alone in its tick")
    return [client.read() for client in present]


@pytest.mark.unmeasured
@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("situation", _SITUATIONS)
def test_the_short_way_gives_the_result_of_the_long_way(tmp_path: Path, situation: str, history: bool) -> None:
    """Only ``PRIVMSG`` in capitals takes the short way. All users read the same bytes, and the history is the same."""
    heard, kept = [], []
    for verb in ("PRIVMSG", "privmsg"):
        with Here(tmp_path / f"{verb}.db", history=history) as here:
            heard.append(play(here, _SITUATIONS[situation], verb))
            kept.append(list(read_all(here.stores.database)))
    assert heard[0] == heard[1]
    assert all(heard[0])
    assert kept[0] == kept[1]
    assert bool(kept[0]) == history


def test_a_plain_message_goes_the_short_way(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain message to a channel or a user is not even parsed."""
    alice, bob = here.connect("alice"), here.connect("bob")
    monkeypatch.setattr("chatroom.commands.dispatch.split", None)
    bob.read()
    alice.say("PRIVMSG #lobby :hello", "PRIVMSG bob :psst")
    assert bob.read() == [f":{alice.prefix} PRIVMSG #lobby :hello", f":{alice.prefix} PRIVMSG bob :psst"]
