"""The full screen of a saved server in a terminal: TLS, what the settings say, and what is left on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import script, until
from harness.terminal import Terminal
from harness.tls import TlsDaemon, tls_running


@pytest.fixture
def daemon() -> Iterator[TlsDaemon]:
    """A daemon with a self-signed certificate of localhost."""
    with tls_running() as started:
        yield started


def test_a_saved_server_with_tls_and_logs(daemon: TlsDaemon, tmp_path: Path) -> None:
    """Its name is enough: address, nick and channels are saved. Its certificate is asked about once. Logs are kept."""
    config = tmp_path / "config"
    (config / "chatroom").mkdir(parents=True)
    logs = tmp_path / "logs"
    (config / "chatroom" / "client.toml").write_text(
        f'[logs]\ndirectory = "{logs}"\n'
        f'[servers.home]\naddress = "localhost:{daemon.tls_port}"\ntls = true\nnick = "alice"\njoin = ["#tea"]\n'
    )
    env = {
        **daemon.place.environment,
        "TERM": "xterm-256color",
        "XDG_CONFIG_HOME": str(config),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }

    def kept() -> str:
        return "".join(path.read_text() for path in logs.rglob("*") if path.is_file()) if logs.exists() else ""

    for is_first in (True, False):
        terminal = Terminal("home", program=script("chatroom"), env=env)
        try:
            if is_first:
                terminal.see("Trust this certificate from now on? [y/N]:")
                terminal.enter("y")
            terminal.see("You joined #tea")
            terminal.enter(f"for the record {is_first}")
            terminal.see(f"alice for the record {is_first}")
            until(lambda is_first=is_first: f"for the record {is_first}" in kept(), "the log has it")  # type: ignore[misc]
            terminal.enter("/quit")
            assert terminal.finish() == 0
            assert terminal.raw.count("Trust this certificate") == 0 or is_first
        finally:
            terminal.close()
    (path,) = {path.name for path in logs.rglob("*") if "tea" in path.name and path.is_file()}
    assert path
