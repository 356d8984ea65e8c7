from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chatroom.server.daemon import own_program


def test_the_program_is_named_as_it_can_be_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By its name where the shell finds this very one, else by the path it was started as."""
    for directory in ("our bin", "other"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "chatroomctl").touch(mode=0o755)
    ours = str(tmp_path / "our bin" / "chatroomctl")
    monkeypatch.setattr(sys, "argv", [ours])
    monkeypatch.setenv("PATH", str(tmp_path / "our bin"))
    assert own_program() == "chatroomctl"
    for path in (str(tmp_path / "other"), str(tmp_path / "none")):
        monkeypatch.setenv("PATH", path)
        assert own_program() == f"'{ours}'"
    monkeypatch.setattr(sys, "argv", ["/usr/lib/chatroom/ctl/__main__.py"])
    assert own_program() == "chatroomctl"
