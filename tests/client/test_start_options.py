"""What a chat begins with: the command line before the saved server before the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatroom.client.settings.client_sections import ClientSettings, SavedServer, Start
from chatroom.client.start_options import Beginning, complete
from chatroom.client.trust import SYSTEM_TRUST, Trust

NOTHING = Beginning("", "", "", (), False, SYSTEM_TRUST)
HOME = SavedServer(
    "chat.example.org", True, "anna", "ann", ("#tea", "cats"), ("pass",), "a" * 64, None, Path("/c.pem"), Path("/k.pem")
)
SETTINGS = ClientSettings(start=Start("home", "starter"), servers={"home": HOME, "bare": SavedServer("b.example")})


def given(server: str = "", *, nick: str = "", account: str = "", trust: Trust = SYSTEM_TRUST) -> Beginning:
    """What the command line says."""
    return Beginning(server, nick, account, ("#tea", "#x"), False, trust)


def test_without_settings_the_command_line_decides() -> None:
    """The server is that of this machine, and the nick that of the account."""
    assert complete(NOTHING, None).server == "127.0.0.1"
    assert complete(given("a", account="ann"), None).nick == "ann"
    assert complete(given("a", nick="n", account="ann"), None) == given("a", nick="n", account="ann")


def test_a_saved_server_gives_all_that_is_not_said() -> None:
    """Address, nick, account, channels and certificates come from its table; channels of both are joined once."""
    trust = Trust("a" * 64, "", "/c.pem", "/k.pem")
    assert complete(NOTHING, SETTINGS) == Beginning(
        "chat.example.org", "anna", "ann", ("#tea", "#cats"), True, trust, "home", ("pass",)
    )
    assert complete(given("home"), SETTINGS).join == ("#tea", "#x", "#cats")
    assert complete(given("bare"), SETTINGS).nick == "starter"


def test_a_host_that_is_not_saved_is_a_host() -> None:
    """A name that no table has is an address."""
    assert complete(given("chat.example.net"), SETTINGS) == Beginning(
        "chat.example.net", "starter", "", ("#tea", "#x"), False, SYSTEM_TRUST
    )


@pytest.mark.parametrize(
    "nick, account, expected", [("n", "", ("n", "ann")), ("", "bob", ("bob", "bob")), ("n", "bob", ("n", "bob"))]
)
def test_the_command_line_comes_first(nick: str, account: str, expected: tuple[str, str]) -> None:
    """--nick and --account override what is saved; an account is a nick, too."""
    found = complete(given("home", nick=nick, account=account), SETTINGS)
    assert (found.nick, found.account) == expected


def test_what_excludes_each_other_is_not_mixed() -> None:
    """--ca takes the place of a saved fingerprint, and --certificate that of a saved certificate with its key."""
    assert complete(given("home", trust=Trust("", "/ca.pem")), SETTINGS).trust == Trust(
        "", "/ca.pem", "/c.pem", "/k.pem"
    )
    assert complete(given("home", trust=Trust("", "", "/mine.pem")), SETTINGS).trust == Trust(
        "a" * 64, "", "/mine.pem", ""
    )


def test_the_program_gives_the_password_of_the_saved_account_only() -> None:
    """Another account of the command line has another password."""
    assert complete(given("home", account="ann"), SETTINGS).password_command == ("pass",)
    assert complete(given("home", account="bob"), SETTINGS).password_command == ()
