from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.checked_setup import CheckedSetup

from chatroom import __version__
from chatroom.ctl import check_command
from chatroom.ctl.daemon_troubles import find_trouble
from chatroom.storage.daemon_lock import DaemonLock


def test_nothing_is_wrong(setup: CheckedSetup) -> None:
    """Each family is named, those that do not apply with the reason, and the exit code is 0."""
    result = setup.run()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[:-1]] == list(check_command.FAMILIES)
    assert "certificates   - (no listener has TLS)" in lines
    assert "daemon         - (no daemon serves the database)" in lines
    assert lines[-1] == "All is fine."


def test_a_finding_has_its_way_out(setup: CheckedSetup) -> None:
    """It stands under its family, the last line counts all, and the exit code is 1."""
    setup.configure(listen='host = "0.0.0.0"\nport = 0')
    result = setup.run()
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "configuration  1 finding"
    assert lines[1].startswith("  0.0.0.0 port 0 is open to a network without TLS")
    assert lines[2].startswith("    -> set tls = true there")
    assert lines[-1] == "1 finding"


def test_the_document_for_programs(setup: CheckedSetup) -> None:
    """It says what was looked at, what was not and why, and each finding with its way out."""
    setup.configure(listen='host = "0.0.0.0"\nport = 0')
    result = setup.run("--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["ok"]) == (1, False)
    [finding] = document["findings"]
    assert set(finding) == {"check", "problem", "way_out"} and finding["check"] == "configuration"
    assert document["skipped"] == {
        "backups": "backup.every is not set",
        "certificates": "no listener has TLS",
        "daemon": "no daemon serves the database",
        "cluster": "this server is in no cluster",
    }
    assert sorted([*document["checks"], *document["skipped"]]) == sorted(check_command.FAMILIES)


def test_a_command_that_was_not_understood(setup: CheckedSetup) -> None:
    """The exit code is 2, which is that of no finding."""
    assert setup.run("--deep").exit_code == 2


def test_a_configuration_with_errors(setup: CheckedSetup) -> None:
    """Each error is a finding, and nothing else is looked at: the other checks follow the configuration."""
    setup.configure("[limits]\nburst_lines = true\n[nonsense]")
    found = setup.find()
    assert list(found) == ["configuration"]
    assert len(found["configuration"]) == 2
    assert all(word in str(found) for word in ("limits.burst_lines", "[nonsense]"))
    assert "the configuration has errors" in setup.run().stdout


def test_what_cannot_be_looked_at_is_a_finding(setup: CheckedSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the machine ends no check but its own."""

    def fail(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("chatroom.ctl.checks.file_rights.find_open_files", fail)
    found = setup.find()
    assert list(found) == ["permissions"]
    assert "could not be looked at: " in found["permissions"][0] and "Permission denied" in found["permissions"][0]


def test_a_daemon_that_is_well(setup: CheckedSetup) -> None:
    """Its status is looked at, and nothing is found."""
    setup.serve(version=f"chatroom-{__version__}", threads="all 9 run", history="kept")
    assert setup.find() == {}


@pytest.mark.parametrize(
    "values, words",
    [
        ({"threads": "upkeep has died"}, "upkeep has died"),
        ({"history": "the disk is full"}, "messages cannot be stored: the disk is full"),
        ({"connections": "95", "most_connections": "100"}, "95 of 100 connections"),
        ({"version": "chatroom-0.0.1"}, "the daemon runs version 0.0.1"),
    ],
)
def test_a_daemon_that_is_not_well(setup: CheckedSetup, values: dict[str, str], words: str) -> None:
    """What "status --watch" shows in red is a finding, and so is another version."""
    setup.serve(**values)
    found = setup.find()
    assert list(found) == ["daemon"]
    assert words in found["daemon"][0]


@pytest.mark.parametrize(
    "database, way_out", [("/srv/chat.db", "make room on the disk"), ("postgresql://db/chat", "look at the PostgreSQL")]
)
def test_what_to_do_if_messages_cannot_be_stored(database: str, way_out: str) -> None:
    """It depends on who keeps them."""
    found = find_trouble("history", {"history": "no connection", "database": database})
    assert found is not None and way_out in found.way_out


def test_a_setting_that_waits_for_a_restart(setup: CheckedSetup) -> None:
    """The daemon says which, after a reload."""
    setup.serve(waits_for_restart="server.name")
    assert "new value of server.name" in setup.find()["configuration"][0]


def test_a_daemon_that_does_not_answer(setup: CheckedSetup) -> None:
    """The lock says that there is one. Its addresses are not judged: they are its own, or those of another program."""
    with DaemonLock.acquire(setup.database):
        found = setup.find()
        assert list(found) == ["daemon"]
        assert "does not answer" in found["daemon"][0]
        assert "(the daemon does not answer)" in setup.run().stdout


def test_a_key_in_a_webroot_is_found(setup: CheckedSetup, tmp_path: Path) -> None:
    """The server leaves it out, and it should not lie there at all."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<!doctype html>")
    (site / "old.pem").write_text("-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n")
    setup.configure(listen=f'kind = "websocket"\nport = 0\nwebroot = "{site}"')
    result = setup.run()
    assert result.exit_code == 1
    assert f"{site}/old.pem is a private key: browsers do not get it" in result.stdout
    assert "-> move it elsewhere" in result.stdout


def test_a_webroot_that_ends_the_next_start_is_found(setup: CheckedSetup, tmp_path: Path) -> None:
    """Before that start. The page that comes with the server is always there."""
    setup.configure(listen='kind = "websocket"\nport = 0\nwebroot = "default"')
    assert setup.run().exit_code == 0
    setup.configure(listen=f'kind = "websocket"\nport = 0\nwebroot = "{tmp_path / "nowhere"}"')
    result = setup.run()
    assert result.exit_code == 1
    assert "the server will not start: listen.webroot" in result.stdout
