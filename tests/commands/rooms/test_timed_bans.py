from __future__ import annotations

from pathlib import Path

import pytest
from harness.world import SERVER, Here, make_settings, params_of, verbs

from chatroom.chat.stored.entries import Kind
from chatroom.errors import StorageError

MASK = "bob!*@*"


def test_a_ban_is_lifted_when_its_time_is_over(here: Here) -> None:
    """The members read MODE +b from the operator, and MODE -b from the server."""
    una, bob = here.member(), here.connect("bob")
    una.say("JOIN #a")
    sent = una.ask("CBAN #a bob 12h :calm down")
    assert sent[0] == f":{una.prefix} MODE #a +b {MASK}"
    assert sent[1].endswith(f":{MASK} is banned for 12h, until 2030-05-02 00:00:00 UTC")
    assert verbs(bob.ask("JOIN #a")) == ["474"]
    here.wait(12 * 3600 - 1)
    assert una.read() == [] and verbs(bob.ask("JOIN #a")) == ["474"]
    here.wait(1)
    assert una.read() == [f":{SERVER} MODE #a -b {MASK}"]
    assert "JOIN" in verbs(bob.ask("JOIN #a"))
    here.wait(12 * 3600)
    assert [line for line in una.read() if "MODE" in line] == []


def test_the_list_tells_who_when_until_and_why(here: Here) -> None:
    """All bans are in it, with an end or without one. MODE b lists them all too."""
    una, bob = here.member(caps="standard-replies"), here.connect("bob")
    una.say("JOIN #a", "CBAN #a ~a:vic 7d :spam", "MODE #a +b evil!*@*")
    since = "since 2030-05-01 12:00:00 UTC"
    assert una.ask("CBAN #a") == [
        f":{SERVER} NOTE CBAN ENTRY #a :~a:vic is banned by {una.prefix} {since} until 2030-05-08 12:00:00 UTC: spam",
        f":{SERVER} NOTE CBAN ENTRY #a :evil!*@* is banned by {una.prefix} {since} without an end",
        f":{SERVER} NOTE CBAN END #a :2 bans",
    ]
    assert bob.ask("CBAN #a")[-1] == f":{SERVER} NOTICE bob :2 bans"
    assert [line.split(" ")[4] for line in bob.ask("MODE #a b")[:-1]] == ["~a:vic", "evil!*@*"]
    una.say("MODE #a +s")
    assert bob.ask("CBAN #a") == [f":{SERVER} 403 bob #a :No such channel"]


@pytest.mark.parametrize("line", [f"MODE #a -b {MASK}", "CBAN -#a bob"])
def test_a_ban_can_be_lifted_before_its_end(here: Here, line: str) -> None:
    """Then its end means nothing any more."""
    una = here.member()
    una.say("JOIN #a", "CBAN #a bob 1h")
    assert una.ask(line)[0] == f":{una.prefix} MODE #a -b {MASK}"
    here.wait(3600)
    assert una.read() == []
    assert params_of(una.ask("CBAN -#a bob"), "FAIL")[:2] == ["CBAN", "NOT_FOUND"]


def test_a_ban_can_be_replaced(here: Here) -> None:
    """By one with another end, which the members need not read of, and by MODE +b, which has no end."""
    una = here.member()
    una.say("JOIN #a", "CBAN #a bob 1h :first")
    (told,) = una.ask("CBAN #a bob 2h")
    assert "for 2h" in told and "It was banned by una!" in told and told.endswith(": first")
    here.wait(3600)
    assert una.read() == []
    assert una.ask("MODE #a +b bob") == [f":{una.prefix} MODE #a +b {MASK}"]
    assert una.ask("MODE #a +b bob") == []
    here.wait(7200)
    assert una.read() == []
    assert una.ask("CBAN #a bob 1m")[0].endswith("without an end")
    here.wait(60)
    assert una.read() == [f":{SERVER} MODE #a -b {MASK}"]


def test_an_end_survives_a_restart(here: Here) -> None:
    """A ban that ended meanwhile is lifted at the start, and one that did not later."""
    una = here.member()
    una.say("JOIN #a", "CBAN #a bob 1h :x", "CBAN #a carl 3h", "MODE #a +b dora")
    here.now = here.now.replace(hour=14)
    here.restart()
    bob, carl, una = here.connect("bob"), here.connect("carl"), here.member()
    assert "JOIN" in verbs(bob.ask("JOIN #a")) and verbs(carl.ask("JOIN #a")) == ["474"]
    here.restart()
    una = here.member()
    una.say("JOIN #a")
    assert "until 2030-05-01 15:00:00 UTC" in una.ask("CBAN #a")[0]
    una.read()
    here.wait(3600)
    assert una.read() == [f":{SERVER} MODE #a -b carl!*@*"]
    stored = here.stores.channels.find("#a")
    assert stored is not None and [entry.mask for entry in stored.lists if not entry.is_over] == ["dora!*@*"]


def test_extended_bans_can_end_too(here: Here) -> None:
    """A mute ends as any ban does."""
    alice, bob = here.connect("alice"), here.connect("bob")
    for client in (alice, bob):
        client.say("JOIN #a")
    alice.say("CBAN #a ~m:bob 10m")
    assert verbs(bob.ask("PRIVMSG #a :hi")) == ["404"]
    here.wait(600)
    assert bob.read() == [f":{SERVER} MODE #a -b ~m:{MASK}"]
    assert bob.ask("PRIVMSG #a :hi") == []
    assert verbs(alice.ask("CBAN #a ~x:y 10m")) == ["696"]


def test_several_ends_of_one_moment_are_one_line(here: Here) -> None:
    """And bans of several channels end each in its own."""
    una = here.member()
    una.say("JOIN #a,#b")
    with here.tick():
        una.say("CBAN #a bob 1m", "CBAN #a carl 1m", "CBAN #b bob 1m", "CBAN #b dora 2m")
    una.read()
    here.wait(60)
    assert una.read() == [f":{SERVER} MODE #a -bb {MASK} carl!*@*", f":{SERVER} MODE #b -b {MASK}"]
    here.wait(60)
    assert una.read() == [f":{SERVER} MODE #b -b dora!*@*"]


def test_refusals(here: Here) -> None:
    """Only operators ban. A ban needs a mask and a duration that can be read."""
    una, bob = here.member(), here.connect("bob")
    una.say("JOIN #a")
    bob.say("JOIN #a")
    assert verbs(bob.ask("CBAN #a una 1h")) == verbs(bob.ask("CBAN -#a una")) == ["482"]
    assert verbs(una.ask("CBAN #none")) == ["403"]
    for line in ("CBAN #a bob", "CBAN #a bob soon", "CBAN #a bob 0s", "CBAN #a bob 1M", "CBAN -#a"):
        assert params_of(una.ask(line), "FAIL")[:2] == ["CBAN", "INVALID_PARAMS"], line
    assert here.channel("#a").entries("b") == []
    for number in range(100):
        una.say(f"CBAN #a x{number} 1h")
    assert verbs(una.ask("CBAN #a bob 1h")) == ["478"]
    assert "is banned for 2h" in una.ask("CBAN #a x7 2h")[0]


def test_a_lift_is_stored_before_it_is_told_and_before_later_changes(here: Here) -> None:
    """What a line of the same tick saves of the channel is not overwritten."""
    una = here.member()
    una.say("JOIN #a", "CBAN #a bob 1m")
    una.read()
    here.holding = True
    here.wait(60)
    assert una.read() == []
    here.wait(60)
    with here.tick():
        una.say("MODE #a +m")
    here.holding = False
    here.release()
    assert una.read() == [f":{SERVER} MODE #a -b {MASK}", f":{una.prefix} MODE #a +m"]
    stored = here.stores.channels.find("#a")
    assert stored is not None and stored.flags == "mnt"
    assert [(entry.mask, entry.is_over) for entry in stored.lists] == [(MASK, True)]


def test_a_change_in_the_tick_of_a_lift_is_kept(here: Here) -> None:
    """The lift is saved first."""
    una = here.member()
    una.say("JOIN #a", "CBAN #a bob 1m")
    here.now = here.now.replace(minute=5)
    here.mono_ms += 300_000
    una.say("MODE #a +m")
    stored = here.stores.channels.find("#a")
    assert stored is not None and stored.flags == "mnt"
    assert [(entry.mask, entry.is_over) for entry in stored.lists] == [(MASK, True)]


def test_a_lift_that_cannot_be_stored_is_told_all_the_same(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator reads why in the log."""
    una = here.member()
    una.say("JOIN #a", "CBAN #a bob 1m")
    una.read()

    def fail(*_: object) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(type(here.stores.channels), "save", fail)
    here.wait(60)
    assert una.read() == [f":{SERVER} MODE #a -b {MASK}"]
    assert "#a could not be stored, and is tried again: disk full" in here.world.log_lines


def test_history_and_audit_have_it(tmp_path: Path) -> None:
    """The history, if it has modes, has the lift as said by the server."""
    with Here(tmp_path / "chat.db", make_settings(history={"modes": True}), history=True) as here:
        una = here.member()
        una.say("JOIN #a", "CBAN #a bob 1m :why not")
        here.wait(60)
        una.say("PRIVMSG #a :x")
        modes = [entry for entry in here.stores.history.latest("#a", 9, events=True) if entry.kind is Kind.MODE]
        assert [(entry.source.partition("!")[0], entry.text) for entry in modes] == [
            ("una", f"+b {MASK}"),
            (SERVER, f"-b {MASK}"),
        ]
        details = [row.detail for row in here.stores.audit.list_entries(target="#a") if row.action == "channel.mode"]
        assert f"+b {MASK} for 1m: why not" in details and f"-b {MASK} (the time was over)" in details
