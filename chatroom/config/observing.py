"""The sections of the settings about watching the server: the log, metrics, and hooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chatroom.config.values import is_loopback
from chatroom.settings.keys import setting
from chatroom.settings.kinds import FilePath, Text

_PORT = r"([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_ADDRESS = rf"|([0-9.]+|localhost|\[[0-9A-Fa-f:.]+\]):{_PORT}"


def split_address(listen: str) -> tuple[str, int]:
    """Return the host and the port of an address of these sections."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


@dataclass(frozen=True, slots=True)
class Log:
    """The log: one line for each event.

    ``chatroomctl log level`` changes the level of one area of the running server.
    """

    format: str = setting(
        "text",
        Text('"text" or "json"', r"text|json"),
        "text: lines for people. json: a JSON object on each line, with the keys time (UTC), level, area and message.",
        applies="restart",
    )
    level: str = setting(
        "info",
        Text('"error", "warning" or "info"', r"error|warning|info"),
        "Which events are written. error: faults of the program. warning: also what an operator should look at. "
        "info: also who comes and goes, and what operators do.",
    )
    file: Path | None = setting(
        None,
        FilePath("the path of a file, or nothing", is_optional=True),
        "The file to write to, which is made with mode 0600. Empty: stderr. If the file is moved away, as logrotate "
        "does, the next event is written to a new one.",
        applies="restart",
    )


@dataclass(frozen=True, slots=True)
class Hooks:
    """Incoming hooks: programs say something in a channel over HTTP (``chatroomctl hook add --incoming``)."""

    listen: str = setting(
        "",
        Text("an address with a port, such as 127.0.0.1:9680 or [::1]:9680, or nothing", _ADDRESS),
        "Where programs reach incoming hooks, under the path /hooks. Empty: nowhere. There is no TLS here, and a token "
        "is a key: use an address of this machine, and a web server with TLS before it for others. Port 0 picks a free "
        "one.",
        applies="restart",
    )
    public_url: str = setting(
        "",
        Text("a URL such as https://chat.example.org, or nothing", r"|https?://[!-~]+"),
        "Where others reach this listener, for the URLs that chatroomctl shows. Empty: at the address in listen.",
    )

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port of ``listen``, which is not empty."""
        return split_address(self.listen)

    @property
    def is_exposed(self) -> bool:
        """True if other machines can connect, and tokens go over a network without TLS."""
        return bool(self.listen) and not is_loopback(self.address[0])

    def url_of(self, token: str) -> str:
        """Where a program sends to that has this token. Before there is a listener, HOST:PORT stands for it."""
        return f"{self.public_url.rstrip('/') or 'http://' + (self.listen or 'HOST:PORT')}/hooks/{token}"


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics for Prometheus, over HTTP. They need the package prometheus_client (``chatroom[metrics]``)."""

    listen: str = setting(
        "",
        Text("an address with a port, such as 127.0.0.1:9667 or [::1]:9667, or nothing", _ADDRESS),
        "Where Prometheus finds the metrics, under the path /metrics. Empty: nowhere. Anyone who can connect there can "
        "read how many people are online, so use an address of this machine. Port 0 picks a free one.",
        applies="restart",
    )

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port of ``listen``, which is not empty."""
        return split_address(self.listen)

    @property
    def is_exposed(self) -> bool:
        """True if other machines can read the metrics."""
        return bool(self.listen) and not is_loopback(self.address[0])
