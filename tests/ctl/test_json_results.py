"""``--json`` of the commands that change something: one document, with the keys that the help names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from harness.control_server import ControlServer
from harness.shell import Shell

LINE = {
    "at": "2020-01-01T00:00:00Z",
    "channel": "#a",
    "kind": "PRIVMSG",
    "source": "a!b@c",
    "account": None,
    "text": "x",
}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell with the admin alice, the user bob, and a configuration file."""
    (tmp_path / "chatroom.toml").write_text("[limits]\nqueue_lines = 50\n")
    monkeypatch.setenv("CHATROOM_CONFIG", str(tmp_path / "chatroom.toml"))
    shell = Shell(tmp_path / "chat.db")
    shell.create("alice", "admin")
    shell.create("bob")
    (tmp_path / "bans.txt").write_text("eve\nnot a name\n")
    (tmp_path / "lines.jsonl").write_text(json.dumps(LINE) + "\n")
    return shell


CALLS: list[tuple[list[str], str, dict[str, object]]] = [
    (["user", "create", "zoe", "--password-stdin"], "correct horse", {}),
    (["user", "passwd", "bob", "--password-stdin"], "another horse", {}),
    (["user", "set-role", "bob", "user"], "", {"changed": False}),
    (["user", "set-role", "bob", "moderator"], "", {"changed": True}),
    (["user", "disable", "bob"], "", {"changed": True}),
    (["user", "enable", "bob"], "", {"changed": False}),
    (["user", "rename", "bob", "rob"], "", {"before": "bob"}),
    (["user", "delete", "bob", "--yes"], "", {}),
    (["ban", "add", "mallory"], "", {"replaced": [], "disconnected": None}),
    (["ban", "import", "bans.txt", "--skip-bad"], "", {"added": 1, "unchanged": 0}),
    (
        ["config", "set", "limits.burst_lines", "77"],
        "",
        {"key": "limits.burst_lines", "value": 77, "applies": "reload"},
    ),
    (["config", "unset", "limits.queue_lines"], "", {"key": "limits.queue_lines"}),
    (["config", "init", "other.toml"], "", {"file": "other.toml"}),
    (["db", "migrate"], "", {"copy": None}),
    (["db", "backup", "copy.db"], "", {"file": "copy.db"}),
    (["db", "vacuum"], "", {"freed": 0}),
    (["history", "import", "lines.jsonl"], "", {"added": 1, "known": 0, "unplaced": 0, "errors": []}),
    (["history", "prune", "--older-than", "30d", "--yes"], "", {"deleted": 0}),
    (["history", "forget", "bob", "--yes"], "", {"name": "bob", "deleted": 0}),
]


@pytest.mark.parametrize("call, stdin, wanted", CALLS, ids=[" ".join(call[:3]) for call, _, _ in CALLS])
def test_documents(
    shell: Shell, call: list[str], stdin: str, wanted: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has exactly the keys of the help, and their values."""
    monkeypatch.chdir(shell.database.parent)
    result = shell.run(*call, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {**found, **wanted} == found
    shown = re.sub(r"\s+", " ", shell.done(*call[:2], "--help"))
    assert set(found) == set(re.findall(r"with the keys ([a-z_, ]+)\.", shown)[0].split(", "))


def test_a_lifted_ban(shell: Shell) -> None:
    """The document has the ban, and the wider ones that still hold."""
    shell.done("ban", "add", "192.0.2.0/24")
    shell.done("ban", "add", "192.0.2.7")
    result = shell.run("ban", "remove", "192.0.2.7", "--json")
    found = json.loads(result.stdout)
    assert found["ban"]["target"] == "192.0.2.7"
    assert [one["target"] for one in found["covered_by"]] == ["192.0.2.0/24"]


@pytest.mark.parametrize("call", [["kick", "bob"], ["announce", "hi"]])
def test_answers_of_the_daemon(shell: Shell, call: list[str]) -> None:
    """What the daemon says is the answer."""
    verb = {"kick": "KILL", "announce": "ANNOUNCE"}[call[0]]
    server = ControlServer(shell.database, {verb: [f":srv NOTE {verb} DONE :as you wish"]})
    try:
        assert shell.json(*call) == {"answer": "as you wish"}
    finally:
        server.close()
