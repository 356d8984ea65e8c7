from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemon import CAP_S, Client, until
from harness.service_manager import NotifySocket

from chatroom.chat.stored.history_stores import Journal
from chatroom.config import Listen, Settings
from chatroom.config.observing import Metrics
from chatroom.config.serving import Backup, Database
from chatroom.errors import ConfigError, StorageError
from chatroom.server import daemon as daemon_module
from chatroom.server import served_database
from chatroom.server.daemon import Daemon
from chatroom.server.database_directory import prepare_directory
from chatroom.server.own_process import own_program
from chatroom.server.service_manager import ServiceManager
from chatroom.storage.sqlite.journal import open_journal
from chatroom.storage.write_guard import WriteGuard


@pytest.fixture
def journals(monkeypatch: pytest.MonkeyPatch) -> list[Journal]:
    """The journals that daemons open, in order."""
    opened: list[Journal] = []

    def open_and_list(path: Path, *, full: bool, guard: WriteGuard) -> Journal:
        opened.append(open_journal(path, full=full, guard=guard))
        return opened[-1]

    monkeypatch.setattr(served_database, "open_journal", open_and_list)
    return opened


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings for a daemon in the test's own directory, on a free port."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    settings = Settings(listen=(Listen(port=0),), database=Database(path=tmp_path / "data" / "chat.db"))
    prepare_directory(settings.database.path)
    return settings


def test_a_stopped_daemon_has_closed_its_journal(
    settings: Settings, journals: list[Journal], process_state: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """SQLite merges the write-ahead log into the database when its last connection is closed."""
    daemon = Daemon(settings, lambda: settings)
    daemon.start()
    assert journals[0].last_message_id() == 0
    daemon.stop()
    with pytest.raises(StorageError, match="closed"):
        journals[0].last_message_id()
    left = sorted(path.name for path in settings.database.path.parent.glob("chat.db*"))
    assert left == ["chat.db", "chat.db-reserve"]
    assert capfd.readouterr().err.splitlines()[-1].endswith("stopped")


def test_a_daemon_that_cannot_start_has_closed_its_journal(
    settings: Settings, journals: list[Journal], process_state: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure after the database was opened leaves no connection behind."""

    def refuse(path: Path) -> object:
        raise StorageError("no control socket")

    monkeypatch.setattr(daemon_module, "open_control", refuse)
    daemon = Daemon(settings, lambda: settings)
    with pytest.raises(StorageError, match="no control socket"):
        daemon.start()
    daemon.stop()
    with pytest.raises(StorageError, match="closed"):
        journals[0].last_message_id()


def test_the_service_manager_follows_a_life(
    settings: Settings, process_state: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A reload ends with READY, whether the configuration can be used or not; the watchdog is fed until the end."""
    with NotifySocket(str(tmp_path / "notify")) as notify:
        daemon = Daemon(settings, lambda: settings, manager=ServiceManager(notify.address, 30.0))
        daemon.start()
        try:
            for faulty in (False, True):
                if faulty:
                    daemon._load_settings = _refuse_settings
                daemon._reload()
            feeding = threading.Thread(target=_stop_when_fed, args=(notify,))
            feeding.start()
            daemon.wait()
            feeding.join(CAP_S)
        finally:
            daemon.stop()
        notify.drain()
    kinds = [next(iter(message)) for message in notify.messages]
    assert kinds == ["READY", "RELOADING", "READY", "RELOADING", "READY", "WATCHDOG", "STOPPING"]
    log = capfd.readouterr().err
    assert "configuration read again, changed: nothing" in log
    assert "the configuration stays as it was: no file" in log


def _stop_when_fed(notify: NotifySocket) -> None:
    notify.expect("WATCHDOG")
    os.kill(os.getpid(), signal.SIGTERM)


def _refuse_settings() -> Settings:
    raise ConfigError("no file")


def test_the_program_is_named_as_it_can_be_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """That is its name if the shell finds this program by it, or else the path that it was started by."""
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


def test_a_daemon_loads_what_its_settings_need() -> None:
    """Without TLS, web pages, blocklists and logins by SCRAM, their libraries are not loaded."""
    code = "import sys, chatroom.server.daemon; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    libraries = {"OpenSSL", "cryptography", "asn1crypto", "scramp", "websockets", "dns", "zxcvbn", "re2"}
    assert libraries.isdisjoint(done.stdout.split())


def test_metrics_are_answered_while_the_daemon_runs(
    settings: Settings, process_state: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """The log says where. Lines of clients are counted; other paths are answered with 404; the stop closes the port."""
    settings = replace(settings, metrics=Metrics(listen="127.0.0.1:0"))
    daemon = Daemon(settings, lambda: settings)
    daemon.start()
    metrics, listener = daemon._metrics, daemon._listener
    assert metrics is not None and listener is not None
    try:
        port = next(iter(listener._entrances)).getsockname()[1]
        with Client(port).register("alice") as alice:
            alice.ask("PRIVMSG alice :hello")
            with urllib.request.urlopen(metrics.url, timeout=CAP_S) as answer:
                lines = answer.read().decode().splitlines()
        assert "chatroom_users 1.0" in lines and "chatroom_messages_received_total 1.0" in lines
        assert any(re.fullmatch(r"chatroom_lines_sent_total [1-9].*", line) for line in lines)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(metrics.url.removesuffix("metrics"), timeout=CAP_S)
    finally:
        daemon.stop()
    assert not metrics.is_alive()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(metrics.url, timeout=CAP_S)
    assert f"metrics at {metrics.url}" in capfd.readouterr().err


def test_a_backup_needs_no_lock_that_the_chat_needs(
    settings: Settings, process_state: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is made and checked while another thread has the hub lock, and another connection SQLite's write lock."""
    backup = Backup(every=3600)
    daemon = Daemon(settings, lambda: settings)
    daemon.start()
    try:
        hub, backups = daemon._hub, daemon._backups
        assert hub is not None
        writer = sqlite3.connect(settings.database.path, isolation_level=None)
        with hub.lock:
            writer.execute("BEGIN IMMEDIATE")
            hub.world.settings = replace(settings, backup=backup, database=replace(settings.database, warn_free_mb=0))
            until(lambda: backups.state.facts().get("backup") == "good", "a backup")
            writer.execute("ROLLBACK")
        writer.close()
    finally:
        daemon.stop()
    assert len(list((settings.database.path.parent / "backups").iterdir())) == 1
    assert "made the backup " in capfd.readouterr().err
