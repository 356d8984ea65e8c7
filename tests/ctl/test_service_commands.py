from __future__ import annotations

import json
import pwd
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from chatroom.ctl import service_setup

Run = Callable[..., Result]


@pytest.fixture
def units(home: Path) -> Path:
    """The directory of the user's units."""
    return home / ".config" / "systemd" / "user"


@pytest.fixture
def system_units(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the system's units."""
    monkeypatch.setattr(service_setup, "_SYSTEM_UNITS", home / "system")
    return home / "system"


@pytest.fixture
def systemctl(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``systemctl`` that writes its calls to this file, and fails if there is a file ``fail`` beside it."""
    program, calls = home / "bin" / "systemctl", home / "calls"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\ntest ! -e {home}/fail\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return calls


def test_a_users_unit_runs_this_set_up(run: Run, home: Path, units: Path) -> None:
    """It names this interpreter's program, the configuration and the database that was chosen."""
    (home / "my.toml").write_text('[server]\nmotd = "hello"\n')
    done = run("--config", "my.toml", "--database", "my chat.db", "service", "install", "--user")
    assert done.exit_code == 0, done.stderr
    program = Path(sys.executable).with_name("chatroomctl")
    options = f'--config {home}/my.toml --database "{home}/my chat.db"'
    text = (units / "chatroom.service").read_text()
    assert f"\nExecStart={program} {options} serve\n" in text
    assert f"\nExecReload={program} {options} reload\n" in text
    assert done.stdout.splitlines() == [
        f"Wrote {units}/chatroom.service.",
        "What to do next:",
        "  systemctl --user daemon-reload",
        "  systemctl --user enable --now chatroom.service",
        "  loginctl enable-linger    # it runs while you are not logged in, too",
        "  systemctl --user status chatroom.service",
        f"  {program} --config {home}/my.toml --database '{home}/my chat.db' user create-admin NAME",
    ]
    assert not (units / "chatroom.socket").exists()


def test_a_unit_of_a_set_up_with_a_server(
    run: Run, home: Path, system_units: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes to no directory of a database, and reads the password from the file that the configuration names."""
    config = home / "my.toml"
    config.write_text('[database]\nurl = "postgresql://chat@db/chat"\npassword_file = "secret"\n')
    done = run("--config", "my.toml", "service", "install", "--system")
    assert done.exit_code == 0, done.stderr
    text = (system_units / "chatroom.service").read_text()
    assert f"--config {config} serve\n" in text and "ReadWritePaths" not in text
    assert "chown" not in done.stdout and "install -d" not in done.stdout
    url = "postgresql://other@db/chat"
    done = run("--config", "my.toml", "--database", url, "service", "install", "--system", "--dry-run")
    assert f"--database {url} serve\n" in done.stdout
    monkeypatch.setenv("CHATROOM_DATABASE__URL", "postgresql://other:hush@db/chat")
    config.write_text("")
    done = run("--config", "my.toml", "service", "install", "--system", "--dry-run")
    assert done.exit_code == 1 and "would not know the password" in done.stderr and "hush" not in done.stderr


def test_the_file_decides_the_rest(run: Run, home: Path, units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of the configuration is not repeated; settings of the environment are not the service's."""
    monkeypatch.setenv("CHATROOM_SERVER__MOTD", "hello")
    (home / ".config" / "chatroom").mkdir(parents=True)
    config = home / ".config" / "chatroom" / "chatroom.toml"
    config.write_text('[database]\npath = "x.db"\n')
    done = run("service", "install", "--user", "--json")
    written = json.loads(done.stdout)
    assert (written["files"], written["started"]) == ([str(units / "chatroom.service")], False)
    assert "CHATROOM_SERVER__MOTD count here and not in the service" in written["todo"][0]
    assert f"chatroomctl --config {config} serve\n" in (units / "chatroom.service").read_text()


def test_a_dry_run_writes_nothing(run: Run, units: Path) -> None:
    """It prints each unit under its path."""
    done = run("service", "install", "--user", "--socket", "--dry-run")
    assert done.exit_code == 0
    assert f"# {units}/chatroom.service\n# Written by chatroomctl service install\n[Unit]" in done.stdout
    assert f"# {units}/chatroom.socket\n" in done.stdout
    assert "\nListenStream=127.0.0.1:6667\n" in done.stdout
    assert not units.exists()


def test_another_file_is_replaced_only_with_consent(run: Run, units: Path) -> None:
    """The same text is no change; a change in ours is lost, and another one's may be in use."""
    service = units / "chatroom.service"
    for _ in range(2):
        assert run("service", "install", "--user").exit_code == 0
    written = service.read_text()
    service.write_text(f"{written}# mine\n")
    done = run("service", "install", "--user")
    assert (done.exit_code, "changes in it are lost" in done.stderr) == (1, True)
    service.write_text("[Unit]\n")
    done = run("service", "install", "--user")
    assert (done.exit_code, "chatroomctl has not written it" in done.stderr) == (1, True)
    assert service.read_text() == "[Unit]\n"
    service.unlink()
    service.symlink_to("/nonexistent")
    assert run("service", "install", "--user").exit_code == 1
    assert run("service", "install", "--user", "--yes").exit_code == 0
    assert (service.read_text(), service.is_symlink()) == (written, False)


def test_it_is_started_only_if_told(run: Run, home: Path, systemctl: Path) -> None:
    """The socket comes first, so that systemd opens it and not the daemon. A failure is told."""
    assert run("service", "install", "--user", "--socket").exit_code == 0
    assert not systemctl.exists()
    done = run("service", "install", "--user", "--socket", "--start")
    assert done.exit_code == 0, done.stderr
    assert "Started chatroom.service." in done.stdout
    assert "daemon-reload" not in done.stdout
    assert systemctl.read_text() == "--user daemon-reload\n--user enable --now chatroom.socket chatroom.service\n"
    (home / "fail").touch()
    done = run("service", "install", "--user", "--start")
    assert (done.exit_code, "systemctl --user daemon-reload failed with the exit code 1" in done.stderr) == (1, True)


def test_a_machine_without_systemd_is_told_so(
    run: Run, home: Path, units: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit is there all the same."""
    monkeypatch.setenv("PATH", str(home))
    done = run("service", "install", "--user", "--start")
    assert (done.exit_code, "there is no systemctl on this machine" in done.stderr) == (1, True)
    assert (units / "chatroom.service").exists()


def test_uninstall_removes_all_of_it(run: Run, units: Path, systemctl: Path) -> None:
    """Also the links by which systemd starts the units at boot. Without --stop, the commands for it are named."""
    assert run("service", "install", "--user", "--socket").exit_code == 0
    wants = units / "default.target.wants"
    wants.mkdir()
    (wants / "chatroom.service").symlink_to(units / "chatroom.service")
    assert run("service", "uninstall", "--user").exit_code == 1
    done = run("service", "uninstall", "--user", "--yes")
    assert done.stdout.splitlines()[1:] == [
        "What to do next:",
        "  systemctl --user stop chatroom.service chatroom.socket",
        "  systemctl --user daemon-reload",
    ]
    assert [path for path in units.rglob("*") if not path.is_dir()] == []
    assert not systemctl.exists()
    done = run("service", "uninstall", "--user", "--yes")
    assert (done.exit_code, f"there is no chatroom.service in {units}" in done.stderr) == (1, True)


def test_uninstall_stops_if_told(run: Run, units: Path, systemctl: Path) -> None:
    """A unit of another is named before it is removed."""
    units.mkdir(parents=True)
    (units / "chatroom.service").write_text("[Unit]\n")
    assert "Not all of it was written by chatroomctl" in run("service", "uninstall", "--user").stderr
    assert run("service", "uninstall", "--user", "--stop", "--yes").exit_code == 0
    assert systemctl.read_text() == "--user disable --now chatroom.service\n"


def test_a_system_service_needs_places_of_its_own(run: Run, home: Path, system_units: Path) -> None:
    """Without them it would look in the home of its user. The commands that mend it stand in the refusal."""
    done = run("service", "install", "--system")
    assert "config init /etc/chatroom/chatroom.toml" in done.stderr
    (home / "c.toml").write_text("")
    done = run("--config", "c.toml", "service", "install", "--system")
    assert "c.toml config set database.path /var/lib/chatroom/chatroom.db" in done.stderr
    assert not system_units.exists()


def test_a_system_service_says_what_its_user_needs(run: Run, home: Path, system_units: Path) -> None:
    """The user, the database's directory, and the right to read the configuration."""
    config = home / "c.toml"
    config.write_text(f'[database]\npath = "/srv/chat/chat.db"\n[log]\nfile = "{home}/chat.log"\n')
    done = run("--config", "c.toml", "service", "install", "--system", "--run-as", "nobody-of-chat", "--json")
    assert done.exit_code == 0, done.stderr
    text = (system_units / "chatroom.service").read_text()
    assert "\nUser=nobody-of-chat\n" in text
    assert f"\nReadWritePaths=/srv/chat {home}\n" in text
    todo = json.loads(done.stdout)["todo"]
    assert todo[0].startswith("useradd --system --user-group --home-dir /var/lib/chatroom ")
    assert "install -d -m 700 -o nobody-of-chat -g nobody-of-chat /srv/chat" in todo
    assert f"# check that the user nobody-of-chat can write to {home}" in todo
    assert f"chgrp nobody-of-chat {config} && chmod 640 {config}" in todo
    assert todo[-1].startswith("sudo -u nobody-of-chat ") and todo[-1].endswith("user create-admin NAME")
    someone = pwd.getpwall()[0].pw_name
    config.write_text('[database]\npath = "/var/lib/chatroom/chatroom.db"\n')
    again = run("--config", "c.toml", "service", "install", "--system", "--run-as", someone, "--yes", "--json")
    assert not any(line.startswith(("useradd", "install")) for line in json.loads(again.stdout)["todo"])


@pytest.mark.parametrize(
    "listen, refusal",
    [("port = 0", "systemd cannot open port 0"), ('host = "localhost"', "systemd opens addresses, not names")],
)
def test_what_systemd_cannot_open_is_refused(run: Run, home: Path, units: Path, listen: str, refusal: str) -> None:
    """Before anything is written."""
    (home / "c.toml").write_text(f"[[listen]]\n{listen}\n")
    done = run("--config", "c.toml", "service", "install", "--user", "--socket")
    assert (done.exit_code, refusal in done.stderr) == (1, True)
    assert not units.exists()


def test_systemd_opens_the_configured_addresses(run: Run, home: Path) -> None:
    """One line for each table."""
    (home / "c.toml").write_text('[[listen]]\nhost = "::1"\n[[listen]]\nport = 7000\n')
    done = run("--config", "c.toml", "service", "install", "--user", "--socket", "--dry-run")
    assert "\nListenStream=[::1]:6667\nListenStream=127.0.0.1:7000\n" in done.stdout


def test_another_installation_is_run_as_a_module(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No console script lies beside the interpreter. A path that systemd would not run is refused."""
    monkeypatch.setattr(sys, "executable", str(home / "python"))
    done = run("service", "install", "--user", "--dry-run")
    assert f"\nExecStart={home}/python -m chatroom.ctl serve\n" in done.stdout
    monkeypatch.setattr(sys, "executable", "/opt/it's/python")
    done = run("service", "install", "--user", "--dry-run")
    assert "systemd runs no program with a quote" in done.stderr
