"""Names that are reserved for the server (``accounts.reserved_names``)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, Here, change_settings, params_of, verbs

from chatroom.chat.admission.reserved_names import find_reserved
from chatroom.chat.reload import use_settings
from chatroom.chat.stored.records import Role
from chatroom.config import Settings

# NickServ with a Cyrillic letter, Admin with "rn" for "m", in wide letters, and in small capitals.
RESERVED = ["NickServ", "nickserv", "ChanServ", "SASLSERV", "OperServ", "Admin", "server", "System"]
ALIKE = ["Niсkserv", "Adrnin", "ＡＤＭＩＮ", "ａｄｍｉｎ", "ᴀᴅᴍɪɴ"]


def refused(client: Client, name: str) -> bool:
    """Send NICK; True if it was refused as reserved, by the numeric and by FAIL."""
    sent = client.ask(f"NICK {name}")
    if "433" not in verbs(sent):
        return False
    assert verbs(sent) == ["433", "FAIL"]
    assert params_of(sent, "FAIL")[:3] == ["NICK", "NICK_RESERVED", name]
    assert "reserved for the server" in params_of(sent, "FAIL")[-1]
    return True


@pytest.mark.parametrize("name", RESERVED + ALIKE)
def test_a_reserved_name_is_refused_to_every_user(here: Here, name: str) -> None:
    """A guest, a member and an admin read 433 and FAIL, and keep their nicks."""
    for client in (here.connect("eve"), here.member(), here.admin()):
        before = client.user.nick
        assert refused(client, name)
        assert client.user.nick == before


@pytest.mark.parametrize("name", RESERVED + ALIKE)
def test_a_reserved_name_is_refused_when_registration_would_complete(here: Here, name: str) -> None:
    """The connection stays open, and another nick completes it. The log says that no account has the name."""
    client = here.open()
    client.say("USER u 0 * :U")
    assert refused(client, name)
    assert f"refused {name} from 10.0.0.1: reserved for the server" in here.world.log_lines
    assert "001" in verbs(client.ask("NICK eve"))


def test_a_name_that_has_a_reserved_one_in_it_is_free(here: Here) -> None:
    """Only the whole name counts."""
    for name in ("Admina", "NickServ2", "my_server", "root"):
        here.connect(name)


@pytest.mark.parametrize("name", ["Admin", "Adrnin"])
def test_a_reserved_name_cannot_be_registered(here: Here, name: str) -> None:
    """REGISTER answers BAD_ACCOUNT_NAME before the connection is complete, and no account is made."""
    client = here.open()
    client.say(f"NICK {name}")
    assert params_of(client.ask(f"REGISTER * * :{PASSWORD}"), "FAIL")[:3] == ["REGISTER", "BAD_ACCOUNT_NAME", name]
    assert here.stores.accounts.list_all() == []


def test_an_account_with_a_reserved_name_keeps_working_for_its_owner(here: Here) -> None:
    """The owner logs in and has the nick, on two devices and by a later NICK. Nobody else has it."""
    here.account("Admin")
    client = here.connect("admin", login="Admin")
    here.connect("ADMIN", login="admin")
    client.say("NICK eve")
    client.say("NICK Admin")
    assert client.user.nick == "Admin"
    assert refused(client, "Adrnin")
    other = here.open()
    sent = other.ask("NICK Admin", "USER u 0 * :U")
    assert params_of(sent, "FAIL")[:3] == ["NICK", "NICK_RESERVED", "Admin"]
    assert "log in to use it" in params_of(sent, "FAIL")[-1]


def test_the_nick_goes_with_the_account(here: Here) -> None:
    """A user whose account is deleted is a guest, and no guest is called Admin."""
    here.account("Admin", Role.ADMIN)
    client = here.connect("Admin", login="Admin")
    here.delete("Admin")
    assert client.user.nick == "Guest1"
    assert any("reserved for the server" in line for line in client.read())


def test_a_reload_that_reserves_a_name_takes_it_from_its_user(here: Here) -> None:
    """The user gets a guest's nick and reads why. The owner of an account of that name keeps the nick."""
    here.account("boss")
    owner, guest = here.connect("boss", login="boss"), here.connect("Helpdesk")
    with here.tick():
        names = ("Boss", "HELPDESK", "Guest1")
        use_settings(here.world, change_settings(here.world.settings, accounts={"reserved_names": names}))
    assert (owner.user.nick, guest.user.nick) == ("boss", "Guest2")
    assert any("Helpdesk is reserved for the server: you are Guest2 now" in line for line in guest.read())
    here.connect("Admin")


def test_without_reserved_names_every_name_but_one_is_free(make_here: Callable[..., Here]) -> None:
    """With an empty list, a guest may have any of them but NickServ, to which passwords are sent."""
    here = make_here(accounts={"reserved_names": ()})
    for name in RESERVED[2:]:
        here.connect(name)
    eve = here.connect("eve")
    assert refused(eve, "nickserv") and refused(eve, ALIKE[0])


def test_the_default_reserves_services_and_ranks_and_not_root() -> None:
    """Root is the name under which the terminal client of a superuser connects."""
    reserved = Settings().accounts.reserved_names
    assert find_reserved(reserved, "ADMIN") == "Admin"
    assert find_reserved(reserved, "Root") is None
    # They look like NICKSERV and ADMIN, as people may know these names.
    assert [find_reserved(reserved, name) for name in ("NlCKSERV", "N1ckServ", "Adm1n", "ADM|N")] == [
        "NickServ",
        "NickServ",
        "Admin",
        "Admin",
    ]
