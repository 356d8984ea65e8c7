"""What the daemon says to the service manager that started it, such as systemd: ready, reloading, stopping, well.

The protocol is that of sd_notify(3): each message is one datagram of ``NAME=value`` lines to the socket that
``NOTIFY_SOCKET`` names. Without the variable, nothing is said.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import MutableMapping
from typing import TYPE_CHECKING

from chatroom.server.supervisor import LOOK_EVERY_S, STUCK_S

if TYPE_CHECKING:
    from chatroom.server.supervisor import Supervisor

_SIGNS_OF_LIFE = 3
"""How often the watchdog is fed within its interval, so that a late look does not end the daemon."""
_PATIENCE_S = 1.0
"""How long one message may wait for the manager to read those before it."""

log = logging.getLogger(__name__)


class ServiceManager:
    """Tells the service manager how the daemon is. For the main thread and the reload's: never for one that runs ticks.

    No method raises, and none waits longer than ``_PATIENCE_S``, if the manager does not read.
    """

    def __init__(self, address: str = "", watchdog_s: float = 0.0, *, only_sees_process: bool = False) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        """Where the messages go: a path, or an abstract name after a NUL. Empty if nobody listens."""
        self._watchdog_s = watchdog_s
        """The daemon is restarted if nothing feeds the watchdog for this long. 0 if there is no watchdog."""
        self.only_sees_process = only_sees_process
        """True if systemd started this process and cannot be told of another one: when it ends, the service ends."""
        self._fed_s = 0.0
        """When the watchdog was fed last, on the monotonic clock."""
        self._is_ready = False
        self._status = ""
        """What the daemon says of itself while all is well."""
        self._troubles: list[str] = []

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> ServiceManager:
        """Read the service manager's variables, and remove them: they are not for the programs that this one starts.

        ``SYSTEMD_EXEC_PID`` is of systemd.exec(5): the process that a unit's ``ExecStart=`` has started.
        """
        address = environ.pop("NOTIFY_SOCKET", "")
        started_pid = environ.pop("SYSTEMD_EXEC_PID", "")
        interval_us, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        if address and address[0] not in "/@":
            log.warning("NOTIFY_SOCKET is neither a path nor an abstract name: %s", address)
            address = ""
        is_ours = pid in ("", str(os.getpid()))
        is_number = interval_us.isascii() and interval_us.isdecimal()
        watchdog_s = int(interval_us) / 1e6 if is_ours and is_number else 0.0
        return cls(address, watchdog_s, only_sees_process=not address and started_pid == str(os.getpid()))

    @property
    def look_every_s(self) -> float:
        """How often ``look`` must be called."""
        return min(LOOK_EVERY_S, self._watchdog_s / _SIGNS_OF_LIFE / 2) if self._watchdog_s else LOOK_EVERY_S

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables by which another process of the service finds the manager."""
        found = {"NOTIFY_SOCKET": f"@{self._address[1:]}" if self._address.startswith("\0") else self._address}
        if self._watchdog_s:
            found["WATCHDOG_USEC"] = str(round(self._watchdog_s * 1e6))
        return found if self._address else {}

    def hand_over(self, pid: int) -> None:
        """Say that the service's main process is that one from now on, which speaks for it then."""
        self._tell(f"MAINPID={pid}")

    def ready(self, status: str) -> None:
        """Say that the daemon serves now."""
        self._is_ready, self._status = True, status
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Say that the configuration is read again; ``reloaded`` must follow. Says nothing before ``ready``."""
        if self._is_ready:
            # The manager compares this moment with that of its request, on the same clock.
            now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            self._tell("RELOADING=1", f"MONOTONIC_USEC={now_us}", "STATUS=reading the configuration again")

    def reloaded(self) -> None:
        """Say that the configuration was read, or was refused and stays as it was."""
        if self._is_ready:
            self._tell("READY=1", f"STATUS={self._status}")

    def stopping(self, why: str) -> None:
        """Say that the daemon ends."""
        self._is_ready = False
        self._tell("STOPPING=1", f"STATUS=stopping ({why})")

    def look(self, supervisor: Supervisor) -> None:
        """Feed the watchdog if it is time, and only if all threads run and no tick is stuck. Report troubles."""
        if not self._address or not self._is_ready:
            return
        stuck_s = min(STUCK_S, self._watchdog_s / 2) if self._watchdog_s else STUCK_S
        troubles = supervisor.find_troubles(stuck_s)
        if troubles != self._troubles:
            self._troubles = troubles
            self._tell(f"STATUS={'; '.join(troubles) or self._status}")
        now_s = time.monotonic()
        if self._watchdog_s and not troubles and now_s - self._fed_s >= self._watchdog_s / _SIGNS_OF_LIFE:
            self._fed_s = now_s
            self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        message = "\n".join(" ".join(line.splitlines()) for line in lines)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(_PATIENCE_S)
            sock.sendto(message.encode("utf-8", "replace"), self._address)
