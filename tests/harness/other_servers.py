"""Other IRC servers from Debian, as people run them: with limits, and for InspIRCd with its modules for IRCv3."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.daemon import until

_NGIRCD = """\
[Global]
Name = ngircd.test
Info = test
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = hello
[Limits]
MaxConnectionsIP = 0
[Options]
DNS = no
Ident = no
PAM = no
"""

_MODULES = (
    "cap",
    "ircv3",
    "ircv3_batch",
    "ircv3_capnotify",
    "ircv3_ctctags",
    "ircv3_echomessage",
    "ircv3_labeledresponse",
    "ircv3_msgid",
    "ircv3_servertime",
    "namesx",
    "uhnames",
)

_INSPIRCD = """\
<server name="inspircd.test" description="test" network="test">
<admin name="test" nick="test" email="test@localhost">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect name="main" allow="*" resolvehostnames="no" useident="no" localmax="100" globalmax="100"{pace}>
<pid file="{directory}/inspircd.pid">
{modules}
"""


def find_server(name: str) -> str | None:
    """Return the path of a server's program, also if the administrator's programs are not on PATH; None without it."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def _ngircd(program: str, directory: Path, port: int) -> list[str]:
    path = directory / "ngircd.conf"
    path.write_text(_NGIRCD.format(port=port))
    return [program, "-n", "-f", str(path)]


def _inspircd(program: str, directory: Path, port: int, pace: str = "") -> list[str]:
    path = directory / "inspircd.conf"
    modules = "\n".join(f'<module name="{name}">' for name in _MODULES)
    path.write_text(_INSPIRCD.format(port=port, directory=directory, modules=modules, pace=pace))
    return [program, "--nofork", "--config", str(path), *(["--runasroot"] if os.geteuid() == 0 else [])]


def _quick_inspircd(program: str, directory: Path, port: int) -> list[str]:
    return _inspircd(program, directory, port, ' commandrate="1000000" threshold="1000"')


_RECIPES: dict[str, Callable[[str, Path, int], list[str]]] = {
    "ngircd": _ngircd,
    "inspircd": _inspircd,
    "quick inspircd": _quick_inspircd,  # without the pauses that it makes for users who say much
}


class OtherServer:
    """A server that can be killed and started again on its port. It runs in a ``with``."""

    def __init__(self, name: str) -> None:
        program = find_server(name.split()[-1])
        assert program is not None
        self.port = _free_port()
        self._name = name
        self._root = tempfile.TemporaryDirectory(prefix="chatroom-e2e-", ignore_cleanup_errors=True)
        self._directory = Path(self._root.name)
        self._directory.chmod(0o755)  # ngIRCd, started as root, reads its file as another user
        self._command = _RECIPES[name](program, self._directory, self.port)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with (self._directory / "screen").open("wb") as out:
            self._process = subprocess.Popen(
                self._command, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        until(lambda: _answers(self.port, self._process, self._directory), f"{self._name} listens")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> OtherServer:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._root.cleanup()


@contextlib.contextmanager
def other_server(name: str) -> Iterator[int]:
    """Run a server, and yield its port."""
    with OtherServer(name) as server:
        yield server.port


def _answers(port: int, process: subprocess.Popen[bytes], directory: Path) -> bool:
    assert process.poll() is None, (directory / "screen").read_text(errors="replace")[-2000:]
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True
