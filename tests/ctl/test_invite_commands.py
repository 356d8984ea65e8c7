"""``chatroomctl invite``, on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import segno
from click.testing import Result

from chatroom.chat.stored.invite_records import Invite, NewAccount
from chatroom.chat.stored.records import Actor
from chatroom.ctl.qr_code import draw
from chatroom.storage.sqlite.sqlite_stores import open_stores

Ctl = Callable[..., Result]


@pytest.fixture
def ctl(run: Ctl, database: Path, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """Run ``chatroomctl invite`` on the test's database."""
    monkeypatch.setenv("CHATROOM_SERVER__PUBLIC_ADDRESS", "ircs://chat.example.org")

    def invoke(*args: str | Path, input: str | None = None) -> Result:
        return run("--database", database, "invite", *args, input=input)

    return invoke


def stored(database: Path) -> list[Invite]:
    """The invites in the database."""
    with open_stores(database) as stores:
        return stores.invites.list_all()


def test_an_invite_is_made_and_its_link_shown(ctl: Ctl, database: Path) -> None:
    """Once, for a week. The link opens the invite."""
    result = ctl("create")
    assert (result.exit_code, result.stderr) == (0, "")
    first, link, token = result.stdout.splitlines()
    (one,) = stored(database)
    assert first == f"Made invite 1 for 1 account, until {one.until_at:%Y-%m-%d %H:%M:%S}Z, in {database}"
    assert (one.until_at - one.created_at).days == 7
    assert link == f"Link:  ircs://chat.example.org/?invite={token.removeprefix('Token: ')}"
    with open_stores(database) as stores:
        assert stores.invites.check(token.removeprefix("Token: ")) == one


def test_uses_time_and_channel_are_options(ctl: Ctl, database: Path) -> None:
    """A channel that does not stay is warned of, and one of autojoin is none such."""
    result = ctl("create", "--uses", "5", "--for", "12h", "--channel", "#tea", "--json")
    document = json.loads(result.stdout)
    (one,) = stored(database)
    assert (one.uses, one.channel, (one.until_at - one.created_at).total_seconds()) == (5, "#tea", 43_200)
    assert document["invite"]["id"] == 1
    assert document["link"] == f"ircs://chat.example.org/tea?invite={document['token']}"
    assert "no stored channel #tea" in result.stderr
    assert ctl("create", "--channel", "#LOBBY").stderr == ""


def test_a_server_with_a_page_has_a_second_link(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one of the QR code, and is warned of if it leads to this machine."""
    assert json.loads(ctl("create", "--json").stdout)["page"] == ""
    monkeypatch.setenv("CHATROOM_SERVER__PAGE_ADDRESS", "http://127.0.0.1:8097")
    result = ctl("create", "--qr")
    _, link, page, token, *code = result.stdout.splitlines()
    assert link.startswith("Link:  ircs://chat.example.org/?invite=")
    assert page == f"Page:  http://127.0.0.1:8097/#/join?invite={token.removeprefix('Token: ')}"
    assert code == list(draw(page.removeprefix("Page:  "), coloured=False))
    assert "server.page_address" in result.stderr


@pytest.mark.parametrize(
    "options, code", [(["--uses", "0"], 2), (["--for", "2y"], 1), (["--for", "soon"], 1), (["--channel", "tea"], 1)]
)
def test_bad_options_make_nothing(ctl: Ctl, database: Path, options: list[str], code: int) -> None:
    """One line says why."""
    result = ctl("create", *options)
    assert result.exit_code == code
    assert stored(database) == []


def test_an_invite_that_nobody_can_use_is_warned_of(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server registers nobody, or the link is one of this machine."""
    monkeypatch.setenv("CHATROOM_ACCOUNTS__REGISTRATION", "closed")
    monkeypatch.setenv("CHATROOM_SERVER__PUBLIC_ADDRESS", "")
    result = ctl("create")
    assert result.exit_code == 0
    assert "accounts.registration" in result.stderr and "server.public_address" in result.stderr


def test_open_ones_are_listed(ctl: Ctl, database: Path) -> None:
    """With --all those too that are used up. No list has a token."""
    ctl("create")
    token = json.loads(ctl("create", "--json").stdout)["token"]
    with open_stores(database) as stores:
        stores.invites.register(token, NewAccount("zoe", []), Actor("zoe", "192.0.2.1"))
    listed = ctl("list").stdout.splitlines()
    assert listed[0].split()[:4] == ["ID", "STATE", "USED", "CHANNEL"]
    assert [line.split()[:3] for line in listed[1:]] == [["1", "open", "0/1"]]
    everything = ctl("list", "--all").stdout
    assert [line.split()[:3] for line in everything.splitlines()[1:]] == [["1", "open", "0/1"], ["2", "used", "up"]]
    assert token.partition("-")[2] not in everything
    assert [one["id"] for one in json.loads(ctl("list", "--json").stdout)] == [1]


def test_one_is_removed_after_a_question(ctl: Ctl, database: Path) -> None:
    """Without a terminal only with --yes."""
    ctl("create")
    assert "use --yes" in ctl("remove", "1").stderr
    assert len(stored(database)) == 1
    assert ctl("rm", "1", "--yes").stdout == f"Removed invite 1 from {database}\n"
    assert stored(database) == []
    assert "no invite 1" in ctl("remove", "1", "--yes").stderr


def test_the_qr_code_is_that_of_the_link(ctl: Ctl) -> None:
    """Each half block is two squares: they are those of the standard's code, with white around it."""
    result = ctl("create", "--qr")
    link = result.stdout.splitlines()[1].removeprefix("Link:  ")
    drawn = result.stdout.splitlines()[3:]
    squares = segno.make_qr(link).matrix
    for upper, line in enumerate(drawn):
        for half in (0, 1):
            row, shown = 2 * upper + half - 2, line.ljust(len(squares) + 4)
            dark = [char in ("█", "▄" if half else "▀") for char in shown]
            expected = [bool(one) for one in squares[row]] if 0 <= row < len(squares) else [False] * len(squares)
            assert dark == [False, False, *expected, False, False]
    assert 2 * len(drawn) >= len(squares) + 4


def test_a_terminal_gets_black_on_white() -> None:
    """Whatever its own colours are."""
    for line in draw("irc://chat.example.org", coloured=True):
        assert line.startswith("\x1b[30;107m") and line.endswith("\x1b[0m")


def test_json_has_no_picture(ctl: Ctl) -> None:
    """A program could not read the document."""
    assert json.loads(ctl("create", "--qr", "--json").stdout)["invite"]["id"] == 1
