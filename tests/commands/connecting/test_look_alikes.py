from __future__ import annotations

from harness.world import PASSWORD, Here, params_of, verbs

TWIN = "еvan"  # with a Cyrillic e


def test_a_guest_cannot_have_a_nick_that_looks_registered(here: Here) -> None:
    """433 and FAIL NICK_LOOKS_ALIKE come when registration would complete. Another nick completes it."""
    here.account("evan")
    client = here.open()
    sent = client.ask(f"NICK {TWIN}", "USER u 0 * :U")
    assert params_of(sent, "433")[:2] == ["*", TWIN]
    assert params_of(sent, "FAIL")[:3] == ["NICK", "NICK_LOOKS_ALIKE", TWIN]
    assert "001" in verbs(client.ask("NICK somebody"))
    assert verbs(client.ask(f"NICK {TWIN}")) == ["433", "FAIL"]
    assert client.user.nick == "somebody"


def test_the_owner_of_the_name_may_have_its_look_alike(here: Here) -> None:
    """A session of the account may have the nick. A session of another account may not."""
    here.account("evan")
    here.account("other")
    here.connect(TWIN, login="evan")
    client = here.open()
    assert "433" in verbs(client.ask("PASS :other:" + PASSWORD, "NICK evаn", "USER u 0 * :U"))


def test_a_look_alike_cannot_be_registered(here: Here) -> None:
    """REGISTER answers BAD_ACCOUNT_NAME, even if the user had the nick before the other name was registered."""
    early = here.connect(TWIN)
    here.account("evan")
    sent = early.ask(f"REGISTER * * :{PASSWORD}")
    assert params_of(sent, "FAIL")[:3] == ["REGISTER", "BAD_ACCOUNT_NAME", TWIN]
    assert "looks like evan" in params_of(sent, "FAIL")[-1]


def test_two_accounts_that_look_alike_both_log_in(here: Here) -> None:
    """The shell may make accounts whose names look alike. Each has its own name as nick."""
    here.account("evan")
    here.account(TWIN)
    here.connect("evan", login="evan")
    here.connect(TWIN, login=TWIN)
    here.connect("EVAN2")
