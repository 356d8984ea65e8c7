"""Waiting for a signal in a process with many open files."""

from __future__ import annotations

import os
import signal

import pytest
from harness.daemon import CAP_S

from chatroom.config import Settings
from chatroom.errors import ConfigError, ServeError
from chatroom.server.daemon_life import serve
from chatroom.server.own_process import allow_many_files
from chatroom.server.process_signals import ProcessSignals


def test_descriptors_above_a_thousand_can_be_waited_for(process_state: None) -> None:
    """A daemon that takes over thousands of connections has them before its own files."""
    allow_many_files()
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    signals = ProcessSignals()
    try:
        assert files[-1] > 1023
        signals.handle(lambda: None, lambda: None)
        os.kill(os.getpid(), signal.SIGTERM)
        signals.wait(lambda: None, CAP_S)
        assert signals.stopped_by == "SIGTERM"
    finally:
        signals.close()
        for file in files:
            os.close(file)


def test_a_signal_to_upgrade_does_not_kill_a_daemon_that_starts(
    process_state: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may come before the configuration is read."""
    seen: list[object] = []

    def load_settings() -> Settings:
        seen.append(signal.getsignal(signal.SIGUSR2))
        raise ConfigError("no")

    monkeypatch.setattr("chatroom.server.daemon_life.keep_secrets", lambda: None)  # which lasts
    with pytest.raises(ConfigError):
        serve(load_settings)
    assert seen == [signal.SIG_IGN]


def test_another_thread_can_end_the_wait(process_state: None) -> None:
    """With an error, which is raised in the main thread."""
    signals = ProcessSignals()
    try:
        signals.end("gone", ServeError("it cannot go on"))
        with pytest.raises(ServeError, match="it cannot go on"):
            signals.wait(lambda: None, CAP_S)
    finally:
        signals.close()
