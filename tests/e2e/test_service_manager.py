"""A daemon under a service manager: what it reports, and the sockets that it takes over."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import Client, Daemon, Place
from harness.injected_code import InjectedCode
from harness.service_manager import NotifySocket


@pytest.fixture
def notify(place: Place) -> Iterator[NotifySocket]:
    """The socket that daemons in this place report to."""
    with NotifySocket(str(place.root / "notify")) as made:
        place.environment["NOTIFY_SOCKET"] = made.address
        yield made


def test_ready_means_that_connections_are_served(place: Place, notify: NotifySocket) -> None:
    """The address stands in the status; a reload and the stop are told too, and children inherit no variable."""
    code = InjectedCode(place)
    daemon = Daemon(place)
    status = f"listening on 127.0.0.1:{daemon.port}"
    assert notify.read() == {"READY": "1", "STATUS": status}
    daemon.connect("ann").sock.close()
    daemon.process.send_signal(signal.SIGHUP)
    assert notify.read().keys() == {"RELOADING", "MONOTONIC_USEC", "STATUS"}
    assert notify.read() == {"READY": "1", "STATUS": status}
    place.config_file.write_text("[server]\nmotto = 1\n")
    daemon.process.send_signal(signal.SIGHUP)
    assert notify.read().keys() == {"RELOADING", "MONOTONIC_USEC", "STATUS"}
    assert notify.read() == {"READY": "1", "STATUS": status}
    daemon.expect_log("the configuration stays as it was")
    code.run(f"import os; open({str(place.root / 'inherited')!r}, 'w').write(' '.join(os.environ))")
    assert "NOTIFY_SOCKET" not in (place.root / "inherited").read_text()
    assert daemon.stop() == 0
    assert notify.read() == {"STOPPING": "1", "STATUS": "stopping (SIGTERM)"}


def test_a_daemon_that_cannot_start_is_never_ready(place: Place, notify: NotifySocket) -> None:
    """Another one has the database."""
    daemon = Daemon(place)
    assert "READY" in notify.read()
    assert place.run("serve", "--port", "0").returncode == 1
    assert notify.drain() == []
    assert daemon.stop() == 0


_HANG = """
import os, threading, time
def hang():
    while not os.path.exists({path!r}):
        time.sleep(0.01)
next(thread for thread in threading.enumerate() if thread.name == "io-0").post(hang)
"""


def test_a_hung_tick_starves_the_watchdog(place: Place, notify: NotifySocket) -> None:
    """The manager reads what hangs, and nothing feeds its watchdog until the tick has ended."""
    place.environment["WATCHDOG_USEC"] = "1000000"
    code, end = InjectedCode(place), Path(place.root) / "end"
    daemon = Daemon(place)
    for _ in range(3):
        assert notify.expect("WATCHDOG") == {"WATCHDOG": "1"}
    code.run(_HANG.format(path=str(end)))
    assert "io-0 has been in one tick for" in notify.expect("STATUS")["STATUS"]
    for _ in range(2):  # each is told a second later
        assert "io-0 has been in one tick for" in notify.read()["STATUS"]
    end.touch()
    assert notify.read()["STATUS"].startswith("listening on ")
    assert notify.read() == {"WATCHDOG": "1"}
    assert daemon.stop() == 0


def test_connections_from_before_the_start_are_served(place: Place) -> None:
    """The service manager has opened the socket. It stays open after the stop, so the next daemon serves the next."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        for nick in ("ann", "bob"):
            with Client(port) as early:
                early.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
                daemon = Daemon(place, "--port", str(port), listening=[listening])
                assert daemon.port == port
                early.expect("001")
                daemon.expect_log(f"127.0.0.1:{port} was opened by the service manager (chatroom.socket)")
                assert daemon.stop() == 0
                assert any("shutting down" in line for line in early.expect_closed())


def test_a_socket_that_is_not_configured_stops_the_start(place: Place) -> None:
    """The way out stands in the line."""
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(AssertionError, match="no \\[\\[listen"):
        Daemon(place, listening=[listening])
    assert place.daemons[0].process.returncode == 1
    assert not place.database.exists()
