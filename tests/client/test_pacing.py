from __future__ import annotations

from chatroom.client.pacing import BURST, Pacer, Parcel


def test_a_burst_waits_for_its_confirmation() -> None:
    """At most a burst is unconfirmed; the PONG lets the next lines go."""
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
    """A line that is sent before the pacer is open waits."""
    written: list[str] = []
    pacer = Pacer(written.append)
    pacer.send("early")
    assert written == []
    pacer.open()
    assert written == ["early"]


def test_idle_only_when_confirmed() -> None:
    """The pacer is idle when the PONG for the last line has come."""
    written: list[str] = []
    pacer = Pacer(written.append)
    pacer.open()
    idle = [pacer.idle]
    pacer.send("one")
    idle.append(pacer.idle)
    pacer.flush()
    pacer.flush()
    assert written == ["one", "PING :said-1"]
    assert pacer.pong("somebody else's") is None
    idle.append(pacer.idle)
    assert pacer.pong("said-1")
    idle.append(pacer.idle)
    assert idle == [True, False, False, True]


def test_an_old_confirmation_confirms_nothing() -> None:
    """The answer to a PING of an earlier connection confirms nothing."""
    written: list[str] = []
    pacer = Pacer(written.append)
    pacer.open()
    pacer.flush()
    pacer.close()
    pacer.open()
    pacer.send("one")
    pacer.flush()
    assert pacer.pong("said-1") == []
    assert not pacer.idle


def test_a_lost_connection_says_again_only_if_wanted() -> None:
    """With ``again`` unconfirmed lines go out again; lines that waited go out in both cases."""
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


def test_the_lines_of_a_message_stay_together() -> None:
    """A message of many lines is written whole, and the next one waits for its confirmation or is dropped."""
    written: list[str] = []
    pacer = Pacer(written.append)
    pacer.open()
    lines = [f"line {number}" for number in range(BURST + 2)]
    pacer.send(*lines, key="long")
    pacer.send("next", key="short")
    assert written == [*lines, "PING :said-1"]
    assert pacer.clear() == [Parcel(("next",), "short")]
    assert pacer.pong("said-1") == [Parcel(tuple(lines), "long")]
    assert pacer.idle
