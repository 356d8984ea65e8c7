"""When a server that does not answer is asked, shown and given up."""

from __future__ import annotations

from itertools import pairwise

from chatroom.client.server_silence import ALONE_S, ANSWER_S, IDLE_S, PATIENCE_S, SHOWN_S, THERE_S, ServerSilence


def test_an_idle_server_is_asked_once() -> None:
    """After some silence one PING is due, and an answer begins the next silence."""
    silence = ServerSilence(100.0)
    assert silence.wake_at(100.0) == 100.0 + IDLE_S
    assert not silence.asks(100.0 + IDLE_S - 0.1)
    assert silence.asks(100.0 + IDLE_S)
    assert not silence.asks(100.0 + IDLE_S)
    assert silence.wake_at(100.0 + IDLE_S) == 100.0 + IDLE_S + SHOWN_S
    silence.heard(120.0, is_news=False)
    assert silence.wake_at(120.0) == 120.0 + IDLE_S


def test_a_line_without_an_answer_is_noticed_within_seconds() -> None:
    """A PING follows an unanswered line, then the wait is shown second by second, then the server is given up."""
    silence = ServerSilence(0.0)
    silence.wrote(5.0)
    silence.wrote(5.5)
    assert silence.wake_at(5.5) == 5.0 + ANSWER_S
    assert silence.asks(6.0)
    assert silence.lag_s(7.9) == 0
    assert silence.lag_s(8.0) == 3
    assert silence.wake_at(8.0) == 9.0
    assert silence.lag_s(9.2) == 4
    assert not silence.is_lost(5.0 + PATIENCE_S - 0.1)
    assert silence.is_lost(5.0 + PATIENCE_S)
    silence.heard(70.0, is_news=False)
    assert silence.lag_s(70.0) == 0
    assert not silence.is_lost(200.0)


def test_a_server_is_asked_less_often_while_nobody_is_there() -> None:
    """For some minutes after a key each silence is short, then long. A later key has the PING go out at once."""
    silence = ServerSilence(0.0)
    silence.attended(0.0)
    pings, now = [], 0.0
    while now < THERE_S + 3 * ALONE_S:
        now = silence.wake_at(now)
        if silence.asks(now):
            pings.append(now)
        silence.heard(now, is_news=False)
    until = THERE_S - IDLE_S
    assert pings[: pings.index(until) + 1] == [IDLE_S * number for number in range(1, len(pings) - 3)]
    assert [later - before for before, later in pairwise(pings[pings.index(until) :])] == [ALONE_S] * 4
    assert silence.is_alone and silence.wake_at(now) == now + ALONE_S
    silence.attended(now + 20.0)
    assert silence.asks(now + 20.0)


def test_somebody_may_come_for_news() -> None:
    """What is said in a room is read soon: the server is asked as if a key had been pressed. A PONG is no news."""
    silence = ServerSilence(0.0)
    silence.attended(0.0)
    silence.heard(THERE_S, is_news=False)
    assert silence.is_alone
    silence.heard(THERE_S + 1.0, is_news=True)
    assert silence.wake_at(THERE_S + 1.0) == THERE_S + 1.0 + IDLE_S
    silence.attended(5.0)  # is told late, and takes nothing back
    assert not silence.is_alone


def test_a_line_without_an_answer_is_noticed_while_nobody_is_there() -> None:
    """What the client sends is asked about after a second, whoever is there."""
    silence = ServerSilence(0.0)
    silence.attended(0.0)
    silence.heard(500.0, is_news=False)
    silence.wrote(510.0)
    assert silence.wake_at(510.0) == 510.0 + ANSWER_S


def test_a_script_is_always_there() -> None:
    """A front end that knows of no keys asks as often as ever."""
    silence = ServerSilence(0.0)
    silence.heard(10_000.0, is_news=True)
    assert not silence.is_alone
    assert silence.wake_at(10_000.0) == 10_000.0 + IDLE_S
