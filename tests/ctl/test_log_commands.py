from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from harness.control_server import ControlServer

Run = Callable[..., Result]


def test_levels_are_a_table_or_json(run: Run, database: Path) -> None:
    """The daemon's answer is shown; what was asked reaches it as one line."""
    server = ControlServer(database, {"LOGLEVEL": [":srv NOTE LOGLEVEL rooms :warning"]})
    try:
        shown = run("--database", database, "log", "level", "rooms", "warning").stdout
        found = json.loads(run("--database", database, "log", "level", "--json").stdout)
    finally:
        server.close()
    assert [line.split() for line in shown.splitlines()] == [["AREA", "LEVEL"], ["rooms", "warning"]]
    assert found == [{"area": "rooms", "level": "warning"}]
    assert "LOGLEVEL rooms :warning" in server.received or "LOGLEVEL rooms warning" in server.received


def test_an_unknown_area_is_a_wrong_use(run: Run, database: Path) -> None:
    """The areas are listed."""
    result = run("--database", database, "log", "level", "kitchen")
    assert result.exit_code == 2
    assert "connecting" in result.stderr
