"""What the store worker has looked at once a minute or an hour."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.world import Here

from chatroom.server import expiry
from chatroom.server.expiry import Expiry
from chatroom.server.inbox import Task


def test_failed_logins_are_looked_at_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the monotonic clock."""
    with Here(tmp_path / "chat.db") as here:
        monkeypatch.setattr(expiry, "read_clocks", lambda: (here.now_ms, here.mono_ms))
        seen: list[int] = []
        monkeypatch.setattr(type(here.world.kept_failures), "expire", lambda _, mono_ms: seen.append(mono_ms))
        tasks: list[Task] = []
        look = Expiry(here.world, tasks.append)
        for seconds, jump_s in ((59, 0), (0, 3600), (1, 0), (59, 0), (1, 0)):
            here.wait(seconds)
            here.set_clock(jump_s)
            look.look()
            with here.tick():
                while tasks:
                    tasks.pop()()
        assert [mono_ms - here.world.start_mono_ms for mono_ms in seen] == [60_000, 120_000]
