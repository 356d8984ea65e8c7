"""UPGRADE, on the control socket."""

from __future__ import annotations

from harness.world import Here


def test_it_begins_an_upgrade_for_the_session_that_asks(here: Here) -> None:
    """The answer comes later, from the daemon."""
    control = here.control()
    assert control.ask("UPGRADE") == []
    assert here.runtime.upgrades == [control.session]


def test_a_refusal_is_told(here: Here) -> None:
    """The daemon says why it cannot."""
    here.runtime.upgrade_refusal = "an upgrade is under way already"
    told = here.control().ask("UPGRADE")
    assert told == [":chatroom.local FAIL UPGRADE NOT_UPGRADED :an upgrade is under way already"]


def test_nobody_in_the_chat_upgrades(here: Here) -> None:
    """Not even an admin: only the machine's own users know what is installed."""
    ada = here.admin("ada")
    assert " 421 " in ada.ask("UPGRADE")[0]
    assert not here.runtime.upgrades
