"""What ``chatroomctl check`` says of hooks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from chatroom.chat.admission.hook_policy import make_incoming, make_outgoing
from chatroom.chat.stored.records import Actor
from chatroom.ctl.checks import hooks_delivered
from chatroom.ctl.checks.scene import look_around
from chatroom.ctl.invocation import Invocation
from chatroom.storage.sqlite.sqlite_stores import open_stores

ROOT = Actor("root", "cli")
Run = Callable[..., Result]


def find(database: Path) -> list[str]:
    """The findings as text."""
    return [str(finding) for finding in hooks_delivered.find(look_around(Invocation(database_flag=database)))]


def test_a_hook_that_fails_for_a_day_is_found(database: Path) -> None:
    """Not one that fails for an hour, and none that is paused."""
    assert find(database) == []
    with open_stores(database) as stores:
        stores.hooks.add(make_outgoing("#ops", "http://h/"), ROOT)
        for hours, expected in ((1, 0), (25, 1)):
            at_ms = round((datetime.now(UTC) - timedelta(hours=hours)).timestamp() * 1000)
            stores.database.execute("UPDATE hooks SET failing_since_ms = ?, failure = 'no answer'", (at_ms,))
            assert len(found := find(database)) == expected
        assert "hook 1 (#ops) has failed since" in found[0] and "chatroomctl hook test 1" in found[0]
        stores.hooks.set_paused(1, True, ROOT)
        assert find(database) == []


def test_a_full_queue_is_found(database: Path) -> None:
    """Events are lost."""
    with open_stores(database) as stores:
        stores.hooks.add(make_outgoing("#ops", "http://h/"), ROOT)
        stores.database.execute_many(
            "INSERT INTO hook_events VALUES (1, ?, 1, 1, 'message', 'ada', '', 'x', 0)",
            [(number,) for number in range(1000)],
        )
    assert "loses events: 1000 wait" in find(database)[0]


def test_an_incoming_hook_needs_a_listener(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one nobody can use it."""
    with open_stores(database) as stores:
        stores.hooks.add(make_incoming("#ops", "ci"), ROOT)
    assert "hook 1 (#ops) is incoming, and the daemon listens for none; set hooks.listen" in find(database)[0]
    monkeypatch.setenv("CHATROOM_HOOKS__LISTEN", "127.0.0.1:9680")
    assert find(database) == []


def test_a_missing_database_is_no_finding_of_hooks(tmp_path: Path) -> None:
    """Another check says so."""
    assert find(tmp_path / "none.db") == []
