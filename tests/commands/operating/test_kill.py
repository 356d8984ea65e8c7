from __future__ import annotations

import pytest
from harness.world import SERVER, Here, verbs

from chatroom.chat.stored.records import Role


def test_kill_tells_who_is_kicked_and_everybody_else(here: Here) -> None:
    """The kicked user reads KILL and "You were kicked by an admin" and is disconnected.

    Others read the name. The user can come back.
    """
    ada, bob, eve = here.admin(), here.connect("bob"), here.connect("eve")
    prefix = eve.prefix
    here.forget_unread()
    ada.say("KILL EVE :rude")
    assert eve.read() == [
        f":{ada.prefix} KILL eve :rude",
        "ERROR :Closing Link: 10.0.0.1 (You were kicked by an admin: rude)",
    ]
    assert eve.closed
    assert bob.read() == [f":{prefix} QUIT :eve was kicked by an admin: rude"]
    here.connect("eve")


def test_kill_needs_no_reason(here: Here) -> None:
    """Without a reason the texts end with the role."""
    mo, eve = here.moderator(), here.connect("eve")
    mo.say("KILL eve")
    assert eve.read()[-1] == "ERROR :Closing Link: 10.0.0.1 (You were kicked by a moderator)"


def test_kill_ends_every_device(here: Here) -> None:
    """All sessions of the user end, and others read of it once."""
    ada, bob = here.admin(), here.connect("bob")
    phone, laptop = here.member(), here.member()
    here.forget_unread()
    ada.say("KILL una")
    assert phone.closed
    assert laptop.closed
    assert verbs(bob.read()) == ["QUIT"]


@pytest.mark.parametrize("role", Role)
def test_nobody_kicks_an_equal_a_better_or_themselves(here: Here, role: Role) -> None:
    """A role can kick lower roles only."""
    here.account("target", role)
    target = here.connect("target", login="target")
    mo, ada = here.moderator(), here.admin()
    refused = verbs(mo.ask("KILL target")) == ["481"]
    assert refused is (role >= Role.MODERATOR)
    assert target.closed is not refused
    if refused:
        assert (verbs(ada.ask("KILL target")) == ["481"]) is (role is Role.ADMIN)
    assert mo.ask("KILL mo") == [f":{SERVER} 481 mo :Permission Denied - that is yourself"]


def test_who_is_not_here_is_401(here: Here) -> None:
    """KILL of an unknown nick, or of a text that cannot be a nick, is answered with 401."""
    ada = here.admin()
    assert ada.ask("KILL nobody") == [f":{SERVER} 401 ada nobody :No such nick/channel"]
    assert ada.ask("KILL :a b") == [f":{SERVER} 401 ada * :No such nick/channel"]


def test_the_control_socket_outranks_everybody(here: Here) -> None:
    """The shell kicks admins too. The kicked user reads the server's name and not the shell user's."""
    ada, control = here.admin(), here.control()
    sent = control.ask("KILL ada :maintenance")
    assert ada.read()[-1] == "ERROR :Closing Link: 10.0.0.1 (You were kicked by an admin: maintenance)"
    assert sent == [f":{SERVER} NOTE KILL DONE ada :ada was kicked"]
