"""The servers that are measured. Each starts afresh as one child process, on a free port of loopback.

The two C daemons are Debian's. Each is configured without limits and look-ups, so that only the work of a message is
compared.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certificates import write_pair

_BACKLOG = 1024
READY_CAP_S = 60.0
"""How long to wait, in seconds, until a server has registered its first client."""

_NGIRCD = """\
[Global]
Name = ngircd.bench
Info = bench
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = hello
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 30
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
"""

_INSPIRCD = """\
<server name="inspircd.bench" description="bench" network="bench">
<admin name="bench" nick="bench" email="bench@localhost">
<bind address="127.0.0.1" port="{port}" type="clients"{profile}>
<connect name="bench" allow="*" timeout="600" pingfreq="1h" hardsendq="64M" softsendq="64M" recvq="64M"
    threshold="1000000" commandrate="1000000000" fakelag="no" localmax="100000" globalmax="100000" limit="100000"
    maxchans="1000" maxconnwarn="no" resolvehostnames="no" useident="no">
<performance softlimit="100000" somaxconn="{backlog}">
<pid file="{directory}/inspircd.pid">
"""

_INSPIRCD_TLS = """\
<module name="ssl_gnutls">
<sslprofile name="bench" provider="gnutls" certfile="{certificate}" keyfile="{key}">
"""

_ACTIVATE = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


class ServerFailed(Exception):
    """A server did not start, or reported a fault."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a server, when everything that it needs is in its directory."""

    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    listening: socket.socket | None = None
    """The listening socket that it inherits, if it does not listen by itself."""
    tls: bool = False
    """True if clients must shake hands first."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """All ports by their kind, if there are several."""


Recipe = Callable[[Path, int], Launch]
"""Prepares a server in an empty directory to listen on a port."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The processors of the server and of the generator; None for both if there is only one."""

    server: int | None
    generator: int | None

    @classmethod
    def choose(cls) -> Cores:
        """Choose the first two processors that this process may use."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[1]) if len(usable) > 1 else cls(None, None)


@dataclass(slots=True)
class Server:
    """A server that runs and has registered a client."""

    process: subprocess.Popen[bytes]
    port: int
    ready_s: float
    """The time from its start until its first client was registered."""
    ports: Mapping[str, int]
    """``Launch.ports``."""
    screen: Path
    """What it writes to stdout and stderr."""


def ngircd(directory: Path, port: int) -> Launch:
    """Start ngIRCd in the foreground. As root it changes its user to nobody by itself.

    By default it lets only ten connections wait to be accepted, and a burst of clients runs into time-outs. It is
    therefore given its listening socket as systemd would, as descriptor 3.
    """
    path = directory / "ngircd.conf"
    path.write_text(_NGIRCD.format(port=port))
    listening = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
    # It becomes the server and keeps its process id, which LISTEN_PID must name.
    activate = [sys.executable, "-IS", "-c", _ACTIVATE, str(listening.fileno())]
    return Launch([*activate, program("ngircd"), "-n", "-f", str(path)], listening=listening)


def inspircd(directory: Path, port: int) -> Launch:
    """Start InspIRCd in the foreground, with the modules of its core only."""
    path = directory / "inspircd.conf"
    path.write_text(_INSPIRCD.format(port=port, directory=directory, backlog=_BACKLOG, profile=""))
    return Launch(inspircd_command(path))


def inspircd_tls(directory: Path, port: int) -> Launch:
    """Start InspIRCd with Debian's module for TLS, which stands on GnuTLS."""
    certificate, key = write_pair(directory)
    text = _INSPIRCD.format(port=port, directory=directory, backlog=_BACKLOG, profile=' sslprofile="bench"')
    path = directory / "inspircd.conf"
    path.write_text(text + _INSPIRCD_TLS.format(certificate=certificate, key=key))
    return Launch(inspircd_command(path), tls=True)


def inspircd_command(path: Path) -> list[str]:
    """Return the command that runs InspIRCd in the foreground."""
    command = [program("inspircd"), "--nofork", "--config", str(path)]
    return [*command, "--runasroot"] if os.geteuid() == 0 else command


def missing(name: str) -> bool:
    """True if that peer is not installed."""
    return not Path(program(name)).exists()


def version(name: str) -> str:
    """Return the peer's version, in its own words."""
    said = subprocess.run([program(name), "--version"], capture_output=True, text=True, check=False).stdout
    return said.partition("\n")[0]


def program(name: str) -> str:
    """Return the path of a peer's program, also if the administrator's programs are not on PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") or f"/usr/sbin/{name}"


def pinned_to(core: int | None) -> Callable[[], None] | None:
    """Return what a child does before it runs its program, to stay on a processor."""
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


@contextlib.contextmanager
def running(recipe: Recipe, cores: Cores) -> Iterator[Server]:
    """Run a server in a directory of its own, and kill it at the end: it has nothing to keep.

    Raises ``ServerFailed`` if it does not start, or has written a traceback.
    """
    with tempfile.TemporaryDirectory(prefix="chatroom-bench-", ignore_cleanup_errors=True) as name:
        directory, port = Path(name), free_port()
        launch, screen = recipe(directory, port), directory / "screen"
        with screen.open("wb") as out:
            began = time.perf_counter()
            process = subprocess.Popen(
                launch.command,
                cwd=directory,
                env={"HOME": name, "LANG": "C.UTF-8", "PATH": os.environ["PATH"], **launch.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=pinned_to(cores.server),
                pass_fds=() if launch.listening is None else (launch.listening.fileno(),),
            )
        if launch.listening is not None:
            launch.listening.close()
        try:
            ready_at = _register_one(process, port, launch.tls, screen)
            yield Server(process, port, ready_at - began, launch.ports, screen)
            if process.poll() is not None:
                raise ServerFailed(f"ended by itself: {_end_of(screen)}")
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if "Traceback" in screen.read_text(errors="replace"):
            raise ServerFailed(f"reported a fault: {_end_of(screen)}")


def _register_one(process: subprocess.Popen[bytes], port: int, tls: bool, screen: Path) -> float:
    """Connect as soon as possible, register, and leave. Returns the moment of the registration."""
    give_up_at = time.monotonic() + READY_CAP_S
    while True:
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise ServerFailed(f"did not start: {_end_of(screen)}")
        try:
            sock = socket.create_connection(("127.0.0.1", port), timeout=READY_CAP_S)
            break
        except ConnectionRefusedError:
            time.sleep(0.002)
    with _secured(sock) if tls else sock as sock:
        read = b""
        sock.sendall(b"NICK first\r\nUSER first 0 * :first\r\n")
        while b" 001 first " not in read:
            data = sock.recv(65_536)
            if not data:
                raise ServerFailed(f"did not register a client: {read!r}")
            read += data
        registered_at = time.perf_counter()
        sock.sendall(b"QUIT\r\n")
        with contextlib.suppress(ssl.SSLEOFError):
            while sock.recv(65_536):
                pass
    return registered_at


def _secured(sock: socket.socket) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


def _end_of(screen: Path) -> str:
    return screen.read_text(errors="replace")[-2000:].strip()


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
