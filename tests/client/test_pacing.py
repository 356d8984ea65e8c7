from __future__ import annotations

from chatroom.client.pacing import BURST, Pacer


def test_a_burst_waits_for_its_confirmation() -> None:
    """No more than a burst is under way; the PONG lets the next one go."""
    written: list[str] = []
    pacer = Pacer(written.append)
    pacer.open()
    for number in range(BURST + 2):
        pacer.send(f"line {number}")
    assert written == [*(f"line {number}" for number in range(BURST)), "PING :said-1"]
    assert pacer.waiting == 2
    assert pacer.pong("said-1")
    assert written[BURST + 1 :] == [f"line {BURST}", f"line {BURST + 1}"]


def test_nothing_goes_out_before_it_is_open() -> None:
    """What is sent before the server takes it is kept."""
    written: list[str] = []
    pacer = Pacer(written.append)
    pacer.send("early")
    assert written == []
    pacer.open()
    assert written == ["early"]


def test_idle_only_when_confirmed() -> None:
    """Everything has arrived once the PONG for it has."""
    written: list[str] = []
    pacer = Pacer(written.append)
    pacer.open()
    idle = [pacer.idle]
    pacer.send("one")
    idle.append(pacer.idle)
    pacer.flush()
    pacer.flush()
    assert written == ["one", "PING :said-1"]
    assert not pacer.pong("somebody else's")
    idle.append(pacer.idle)
    assert pacer.pong("said-1")
    idle.append(pacer.idle)
    assert idle == [True, False, False, True]


def test_an_old_confirmation_confirms_nothing() -> None:
    """A PONG for an earlier PING, of the connection before, does not count."""
    written: list[str] = []
    pacer = Pacer(written.append)
    pacer.open()
    pacer.flush()
    pacer.close()
    pacer.open()
    pacer.send("one")
    pacer.flush()
    assert pacer.pong("said-1")
    assert not pacer.idle


def test_a_lost_connection_says_again_only_if_wanted() -> None:
    """What was under way goes out again for a script, and not for a person; what waited goes out for both."""
    for again, expected in ((True, ["one", "two"]), (False, ["two"])):
        written: list[str] = []
        pacer = Pacer(written.append, again=again)
        pacer.open()
        pacer.send("one")
        pacer.close()
        pacer.send("two")
        written.clear()
        pacer.open()
        assert written == expected
