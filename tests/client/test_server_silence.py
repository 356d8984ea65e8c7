"""When a server that does not answer is asked, shown and given up."""

from __future__ import annotations

from chatroom.client.server_silence import ANSWER_S, IDLE_S, PATIENCE_S, SHOWN_S, ServerSilence


def test_an_idle_server_is_asked_once() -> None:
    """After some silence one PING is due, and an answer begins the next silence."""
    silence = ServerSilence(100.0)
    assert silence.wake_at(100.0) == 100.0 + IDLE_S
    assert not silence.asks(100.0 + IDLE_S - 0.1)
    assert silence.asks(100.0 + IDLE_S)
    assert not silence.asks(100.0 + IDLE_S)
    assert silence.wake_at(100.0 + IDLE_S) == 100.0 + IDLE_S + SHOWN_S
    silence.heard(120.0)
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
    silence.heard(70.0)
    assert silence.lag_s(70.0) == 0
    assert not silence.is_lost(200.0)
