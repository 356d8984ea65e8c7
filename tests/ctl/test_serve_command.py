"""``chatroomctl serve``: which form of the modules a daemon runs on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from chatroom.ctl import serve_command

NODE = '[database]\nurl = "postgresql://chat@h.invalid/chat"\n[cluster]\nredis = "redis://h.invalid"\nnode = "a"\n'


@pytest.mark.parametrize(
    "text, leaves",
    [("", False), (NODE, True), ("[cluster]\nredis = 7\n", False)],
    ids=["alone", "a node of a cluster", "a wrong configuration"],
)
def test_a_node_of_a_cluster_runs_on_the_sources(
    run: Callable[..., Result], home: Path, monkeypatch: pytest.MonkeyPatch, text: str, leaves: bool
) -> None:
    """Its classes note each change of an attribute. A wrong configuration is the daemon's to report."""
    (home / "chatroom.toml").write_text(text)
    done: list[str] = []
    monkeypatch.setattr(serve_command, "use_compiled_modules", lambda: True)
    monkeypatch.setattr(serve_command, "leave_compiled_modules", lambda: done.append("left"))
    monkeypatch.setattr("chatroom.server.daemon_life.serve", lambda *_: done.append("served"))
    run("--config", str(home / "chatroom.toml"), "serve")
    assert done == (["left", "served"] if leaves else ["served"])
