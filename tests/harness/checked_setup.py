"""A set-up that ``chatroomctl check`` finds nothing wrong with, until a test breaks it."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result
from harness.control_server import ControlServer

from chatroom.ctl.main import cli

Run = Callable[..., Result]
Found = dict[str, list[str]]


class CheckedSetup:
    """A configuration and a database with an admin, in a home of its own."""

    def __init__(self, run: Run, home: Path) -> None:
        self._run = run
        self.home = home
        self.config = home / ".config" / "chatroom" / "chatroom.toml"
        self.database = home / "data" / "chat.db"
        self.servers: list[ControlServer] = []
        self.config.parent.mkdir(parents=True)
        self.database.parent.mkdir(mode=0o700)
        self.configure()
        self.database.touch(0o600)
        self.database.write_bytes(_made_once())

    def configure(self, *lines: str, listen: str = "port = 0") -> None:
        """Write the configuration, with a table of a listener and further lines."""
        text = "\n".join([f'[database]\npath = "{self.database}"\nwarn_free_mb = 0', "[[listen]]", listen, *lines])
        self.config.write_text(text)
        self.config.chmod(0o600)

    def serve(self, **values: str) -> None:
        """Have a daemon answer STATUS with these values, and the lock say that it runs."""
        lines = [f":srv NOTE STATUS {key} :{value}" for key, value in values.items()]
        self.servers.append(ControlServer(self.database, {"STATUS": lines}))

    def run(self, *args: str) -> Result:
        """Run the check."""
        return self._run("check", *args)

    def find(self, *args: str) -> Found:
        """Return what the check finds: for each family that finds something, each problem with its way out."""
        result = self.run("--json", *args)
        document = json.loads(result.stdout)
        found: Found = {}
        for one in document["findings"]:
            assert one["problem"] and one["way_out"]
            found.setdefault(one["check"], []).append(f"{one['problem']} -> {one['way_out']}")
        assert result.exit_code == bool(found) == (not document["ok"]), result.output
        return found


# The password of an admin is costly by default.
@functools.cache
def _made_once() -> bytes:
    with tempfile.TemporaryDirectory(prefix="chatroom-test-") as directory:
        path = Path(directory, "chat.db")
        call = ["--database", str(path), "user", "create-admin", "ada", "--password-stdin"]
        made = CliRunner().invoke(cli, call, input="a lamp of seven winters\n", prog_name="chatroomctl")
        assert made.exit_code == 0, made.stderr
        assert [each.name for each in path.parent.iterdir()] == [path.name], "the log is written into the file"
        return path.read_bytes()
