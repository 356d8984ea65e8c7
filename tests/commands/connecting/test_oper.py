from __future__ import annotations

import pytest
from harness.world import SERVER, Here, params_of, verbs

from chatroom.chat.stored.records import Role


def test_oper_logs_in_to_an_account_with_rights(here: Here) -> None:
    """900, +o and 381 for the account of an admin; 491 for a plain account, 464 for a wrong password."""
    here.account("root", Role.ADMIN)
    here.account("una")
    alice = here.connect("alice")
    alice.read()
    assert verbs(alice.ask("OPER root :wrong")) == ["464"]
    assert verbs(alice.ask("OPER nobody :wrong")) == ["464"]
    assert verbs(alice.ask("OPER una :open sesame")) == ["491"]
    assert verbs(alice.ask("OPER root")) == ["461"]
    assert alice.user.account is None
    sent = alice.ask("OPER ROOT :open sesame")
    assert params_of(sent, "900") == ["alice", alice.prefix, "root", "You are now logged in as root"]
    assert params_of(sent, "MODE") == ["alice", "+o"]
    assert sent[-1] == f":{SERVER} 381 alice :You are now an operator of this server"
    assert alice.user.role is Role.ADMIN


def test_oper_takes_a_moderators_account_too(here: Here) -> None:
    """OPER works for the account of a moderator too."""
    here.account("mo", Role.MODERATOR)
    alice = here.connect("alice")
    assert verbs(alice.ask("OPER mo :open sesame"))[-1] == "381"
    assert alice.user.role is Role.MODERATOR


@pytest.mark.parametrize("banned", [True, False])
def test_oper_is_not_refused_for_a_wrong_password_that_was_right(here: Here, banned: bool) -> None:
    """The account of a banned name and a disabled account are 491: neither 464 nor 465, which end clients' tries."""
    here.account("root", Role.ADMIN, disabled=not banned)
    alice = here.connect("alice")
    if banned:
        here.ban("root", "on leave")
    sent = alice.ask("OPER root :open sesame")
    assert verbs(sent) == ["491"]
    assert ("banned: on leave" if banned else "disabled") in sent[0]
