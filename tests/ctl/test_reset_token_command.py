"""``chatroomctl user reset-token``, on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from chatroom.chat.stored.records import Actor, Role
from chatroom.storage.sqlite.sqlite_stores import open_stores

Ctl = Callable[..., Result]
ROOT = Actor("root", "cli")


@pytest.fixture
def ctl(run: Ctl, database: Path, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """Run ``chatroomctl user reset-token`` on a database with the account Bob."""
    monkeypatch.setenv("CHATROOM_SERVER__PUBLIC_ADDRESS", "ircs://chat.example.org")
    with open_stores(database) as stores:
        stores.accounts.create("Bob", Role.USER, [], ROOT)

    def invoke(*args: str) -> Result:
        return run("--database", database, "user", "reset-token", *args)

    return invoke


def test_a_token_is_made_and_shown_once(ctl: Ctl, database: Path) -> None:
    """With its link, which has the account. It lasts a day."""
    result = ctl("bob")
    assert (result.exit_code, result.stderr) == (0, "")
    first, link, token = result.stdout.splitlines()
    assert first.startswith("Made a token for a new password of Bob, until ")
    secret = token.removeprefix("Token: ")
    assert link == f"Link:  ircs://chat.example.org/?account=Bob&reset={secret}"
    with open_stores(database) as stores:
        assert stores.reset_tokens.check("Bob", secret).name == "Bob"
        assert stores.audit.list_entries()[-1].action == "user.reset-token"


def test_a_script_gets_json(ctl: Ctl) -> None:
    """With the end of the token."""
    document = json.loads(ctl("bob", "--for", "2h", "--json").stdout)
    assert sorted(document) == ["account", "database", "link", "token", "until"]


@pytest.mark.parametrize("arguments", [["nobody"], ["bob", "--for", "31d"], ["bob", "--for", "soon"]])
def test_what_cannot_be_is_refused(ctl: Ctl, arguments: list[str]) -> None:
    """In one line."""
    result = ctl(*arguments)
    assert result.exit_code == 1 and len(result.stderr.splitlines()) == 1


def test_a_disabled_account_gets_none(ctl: Ctl, database: Path) -> None:
    """The way out is named."""
    with open_stores(database) as stores:
        stores.accounts.set_disabled(stores.accounts.get("bob").id, True, ROOT)
    assert "user enable Bob" in ctl("bob").stderr
