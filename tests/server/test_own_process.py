from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatroom.server.own_process import describe_use


def test_a_process_tells_what_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processor time is a whole number, for programs. Without /proc nothing is said of the memory."""
    found = describe_use()
    assert int(found["cpu_ms"]) > 0
    assert re.fullmatch(r"[1-9]\d* MiB", found["memory"])

    def refuse(self: Path) -> str:
        raise FileNotFoundError(str(self))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert set(describe_use()) == {"cpu_ms"}
