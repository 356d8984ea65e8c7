"""``chatroomctl hook``, on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from harness.hook_receiver import Receiver, is_signed
from harness.world import SHELL

from chatroom.chat.stored.hook_records import Hook, HookEventRow
from chatroom.chat.stored.records import StoredChannel
from chatroom.storage.sqlite.sqlite_stores import open_stores

Ctl = Callable[..., Result]
URL = "http://127.0.0.1:9/x"


@pytest.fixture
def ctl(run: Ctl, database: Path) -> Ctl:
    """Run ``chatroomctl hook`` on the test's database."""

    def invoke(*args: str) -> Result:
        return run("--database", database, "hook", *args)

    return invoke


def stored(database: Path) -> list[Hook]:
    """The hooks in the database."""
    with open_stores(database) as stores:
        return stores.hooks.list_all()


def test_a_hook_is_added_and_its_secret_shown(ctl: Ctl, database: Path) -> None:
    """Once. A channel that does not stay is warned of, and one of autojoin is none such."""
    result = ctl("add", "#lobby", URL)
    assert (result.exit_code, result.stderr) == (0, "")
    first, secret = result.stdout.splitlines()
    assert first == f"Added hook 1 in {database}: message of #lobby to {URL}"
    assert secret.startswith("Secret: whsec_")
    shown = ctl("list").stdout
    assert "whsec_" not in shown and URL in shown and "good" in shown
    options = ("--event", "join", "--event", "notice", "--prefix", "!x", "--mention", "bot", "--with-hooks")
    document = json.loads((more := ctl("add", "#ops", URL, *options, "--name", "a bot", "--json")).stdout)
    assert "no stored channel #ops" in more.stderr
    assert document["hook"]["events"] == ["notice", "join"]
    assert "notice join !x bot hooks" in ctl("list").stdout
    assert [one.name for one in stored(database)] == ["", "a bot"]


@pytest.mark.parametrize(
    "args, code",
    [(("ops", URL), 1), (("#ops", "example.org"), 1), (("#ops", URL, "--event", "x"), 2), (("#ops",), 2)],
)
def test_bad_options_make_nothing(ctl: Ctl, database: Path, args: tuple[str, ...], code: int) -> None:
    """One line says why."""
    result = ctl("add", *args)
    assert result.exit_code == code
    assert stored(database) == []


def test_a_hook_is_paused_resumed_and_removed(ctl: Ctl, database: Path) -> None:
    """By its number. What waits is named before it is gone."""
    ctl("add", "#lobby", URL)
    assert ctl("pause", "1").stdout == f"Paused hook 1 in {database}\n"
    assert "paused" in ctl("list").stdout
    assert ctl("resume", "1").stdout == f"Resumed hook 1 in {database}\n"
    with open_stores(database) as stores:
        stores.hooks.add_events([HookEventRow(1, 7, 1000, "message", "ada", "", "hello")])
    assert "2 events" not in (asked := ctl("remove", "1").output) and "1 events wait" in asked
    assert ctl("remove", "1", "--yes").stdout == f"Removed hook 1 from {database}\n"
    for command in ("pause", "resume", "remove", "test"):
        result = ctl(command, "1")
        assert (result.exit_code, "there is no hook 1" in result.stderr) == (1, True)


def test_how_deliveries_go_is_listed(ctl: Ctl, database: Path) -> None:
    """Failing with the reason and since when; and in JSON."""
    ctl("add", "#lobby", URL)
    with open_stores(database) as stores:
        stores.hooks.add_events([HookEventRow(1, 7, 1000, "message", "ada", "", "hello")])
        event = stores.hooks.next_event(1)
        assert event is not None
        stores.hooks.fail_delivery(event, "Connection refused", is_refusal=False)
    shown = ctl("list").stdout
    assert " fails " in shown and ": Connection refused" in shown
    (document,) = json.loads(ctl("list", "--json").stdout)
    assert (document["waiting"], document["failure"], document["by"] != "") == (1, "Connection refused", True)
    fail_since(database, timedelta(hours=25))
    assert "fails for a day" in ctl("list").stdout


def fail_since(database: Path, ago: timedelta) -> None:
    """Have hook 1 fail for so long."""
    at_ms = round((datetime.now(UTC) - ago).timestamp() * 1000)
    with open_stores(database) as stores:
        stores.database.execute("UPDATE hooks SET failing_since_ms = ?, failure = 'no answer' WHERE id = 1", (at_ms,))


def test_a_hook_is_tried(ctl: Ctl) -> None:
    """The request is signed with its secret. A receiver that does not take it is an error."""
    with Receiver() as receiver:
        secret = json.loads(ctl("add", "#lobby", receiver.url, "--json").stdout)["secret"]
        result = ctl("test", "1")
        assert result.exit_code == 0 and "204 No Content" in result.stdout
        (document,) = receiver.taken
        assert (document["type"], document["channel"]) == ("test", "#lobby")
        assert document["id"] in result.stdout
        assert is_signed(secret, receiver.headers[0], receiver.bodies[0])
        receiver.status = 401
        assert "could not be delivered: the answer is 401 Unauthorized" in (failed := ctl("test", "1")).stderr
        assert failed.exit_code == 1


def test_an_incoming_hook_has_a_url(ctl: Ctl, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown once, at the address where others reach the daemon. Without a listener there is a warning."""
    result = ctl("add", "#lobby", "--incoming", "--name", "ci")
    assert "hooks.listen is not set" in result.stderr
    monkeypatch.setenv("CHATROOM_HOOKS__LISTEN", "127.0.0.1:9680")
    document = json.loads((result := ctl("add", "#lobby", "--incoming", "--name", "git", "--json")).stdout)
    assert result.stderr == ""
    assert document["url"] == f"http://127.0.0.1:9680/hooks/{document['secret']}"
    monkeypatch.setenv("CHATROOM_HOOKS__PUBLIC_URL", "https://chat.example.org/")
    first, url = ctl("add", "#lobby", "--incoming", "--name", "cron").stdout.splitlines()
    assert first == f"Added hook 3 in {database}: cron/hook speaks in #lobby"
    assert url.startswith("URL:    https://chat.example.org/hooks/3-")
    shown = ctl("list").stdout
    assert "as ci/hook" in shown and document["secret"] not in shown
    assert "is incoming: try it with a POST" in ctl("test", "1").stderr


@pytest.mark.parametrize(
    "args, code",
    [
        (("#lobby", "--incoming"), 1),
        (("#lobby", "--incoming", "--name", "a b"), 1),
        (("#lobby", URL, "--incoming", "--name", "ci"), 2),
        (("#lobby", "--incoming", "--name", "ci", "--prefix", "!"), 2),
    ],
)
def test_an_incoming_hook_has_a_name_and_nothing_else(
    ctl: Ctl, database: Path, args: tuple[str, ...], code: int
) -> None:
    """One line says why."""
    assert ctl("add", *args).exit_code == code
    assert stored(database) == []


def test_a_hook_says_that_its_channel_was_deleted(ctl: Ctl, run: Ctl, database: Path) -> None:
    """In the list, until it is resumed."""
    with open_stores(database) as stores:
        stores.channels.save(StoredChannel("#tea", None, datetime.now(UTC)), SHELL, "", "")
    ctl("add", "#tea", URL)
    assert run("--database", database, "channel", "delete", "#tea", "--yes").exit_code == 0
    why = "hook 1 is paused: its channel was deleted"
    assert why in ctl("list").stdout
    assert ctl("resume", "1").exit_code == 0
    assert why not in (shown := ctl("list").stdout) and "good" in shown
