"""Times for the operator: in the zone of this machine, which is shown, or in UTC."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from chatroom.chat.stored.records import Actor, Role
from chatroom.storage.sqlite.sqlite_stores import open_stores

Run = Callable[..., Result]
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture(autouse=True)
def half_past(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in a zone that is five and a half hours ahead of UTC."""
    monkeypatch.setenv("TZ", "IST-5:30")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("command", [["audit", "list"], ["ban", "list"], ["ban", "check", "mallory"], ["user", "list"]])
def test_a_table_has_the_zone_of_the_machine_or_utc(run: Run, database: Path, command: list[str]) -> None:
    """``--utc`` stands before the command or behind it. JSON is in UTC in any case."""
    with open_stores(database) as stores:
        stores.accounts.create("bob", Role.USER, [], Actor("root", "cli"))
    assert re.search(
        rf"until {TIME}\+05:30", run("--database", database, "ban", "add", "mallory", "--for", "1h").stdout
    )
    local = run("--database", database, *command).stdout
    assert re.search(rf"{TIME}\+05:30", local)
    for call in ([*command, "--utc"], ["--utc", *command]):
        utc = run("--database", database, *call).stdout
        assert re.search(f"{TIME}Z", utc)
        assert "+05:30" not in utc
    assert "+05:30" not in run("--database", database, *command, "--json").stdout


@pytest.mark.parametrize(
    "option, since, listed",
    [
        ([], "2030-01-01T12:00", True),
        ([], "2030-01-01T12:01", False),
        (["--utc"], "2030-01-01T06:30", True),
        (["--utc"], "2030-01-01T06:31", False),
        ([], "2030-01-01T06:31Z", False),
    ],
)
def test_a_time_is_read_in_the_zone_that_is_shown(
    run: Run, database: Path, option: list[str], since: str, listed: bool
) -> None:
    """A time that was copied from a table means the same moment. Another zone can be named."""
    with open_stores(database, clock=lambda: datetime(2030, 1, 1, 6, 30, tzinfo=UTC)) as stores:
        stores.bans.add("name", "mallory", "", None, Actor("root", "cli"))
    shown = run("--database", database, "audit", "list", "--since", since, *option).stdout
    assert ("mallory" in shown) is listed


def test_the_end_of_time(run: Run, database: Path) -> None:
    """A ban until the last day that a date can have is shown, although it is later in this zone."""
    line = '{"kind": "name", "target": "mallory", "until_at": "9999-12-31T23:59:59Z"}'
    assert run("--database", database, "ban", "import", "-", input=line).exit_code == 0
    assert "9999-12-31 23:59:59Z" in run("--database", database, "ban", "list").stdout
