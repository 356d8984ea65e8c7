"""A daemon that is upgraded while it runs, and new daemons that fail on purpose."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.daemon import Daemon, Place

_SCRIPT = """
import os
if "CHATROOM_HANDOVER_FD" in os.environ and os.path.exists(os.environ["IN_NEW_DAEMON"]):
    with open(os.environ["IN_NEW_DAEMON"]) as code:
        exec(code.read(), {})
"""
"""Runs in each process before its own code. Only a daemon that takes the place of another one runs the test's code."""


class Upgradable:
    """A daemon, and those that take its place."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.place = daemon.place
        self._code = Path(self.place.environment["IN_NEW_DAEMON"])

    def break_next(self, code: str) -> None:
        """Have the next daemons run this code first, in Python."""
        self._code.write_text(code)

    def mend(self) -> None:
        """Have the next daemons run nothing but their own."""
        self._code.unlink(missing_ok=True)

    @property
    def pid(self) -> int:
        """The number of the process that serves now."""
        return int(self.place.ctl_json("status")["pid"])

    def upgrade(self) -> dict[str, Any]:
        """Upgrade, which must succeed. Return what ``chatroomctl upgrade`` tells."""
        done: dict[str, Any] = self.place.ctl_json("upgrade")
        return done

    def fail_to_upgrade(self) -> str:
        """Try to upgrade, which must fail. Return what ``chatroomctl upgrade`` says."""
        done = self.place.run("upgrade")
        assert done.returncode == 1, (done.stdout, self.daemon.stderr)
        return done.stderr.splitlines()[-1]

    def end(self) -> None:
        """Stop the daemon that serves now, and wait for the end of all."""
        os.kill(self.pid, signal.SIGTERM)
        self.wait()

    def wait(self) -> None:
        """Wait for the end of all daemons. None may have logged a traceback."""
        self.daemon.wait()  # for the first one, and until none has its stderr
        assert not self.daemon.is_read_on, self.daemon.stderr
        assert not self.daemon.log_lines("Traceback"), self.daemon.stderr


@contextlib.contextmanager
def prepared_place(**settings: float | str) -> Iterator[Place]:
    """Make a place whose new daemons can be broken, and end all of them at the end."""
    with Place.make(**settings) as place:
        site = place.root / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(_SCRIPT)
        place.environment["PYTHONPATH"] = str(site)
        place.environment["IN_NEW_DAEMON"] = str(place.root / "in_new_daemon.py")
        try:
            yield place
        finally:
            for daemon in place.daemons:
                # All successors are in the process group of the first.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(daemon.process.pid, signal.SIGKILL)


@contextlib.contextmanager
def upgradable(**settings: float | str) -> Iterator[Upgradable]:
    """Run a daemon that can be upgraded, and stop the last one at the end. None may have logged a traceback."""
    with prepared_place(**settings) as place:
        one = Upgradable(Daemon(place))
        yield one
        one.end()
