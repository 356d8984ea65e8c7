from __future__ import annotations

from harness.world import PASSWORD, Here, params_of, verbs

TWIN = "еvan"  # with a Cyrillic e


def test_a_guest_may_not_look_like_a_registered_name(here: Here) -> None:
    """433 and FAIL NICK_LOOKS_ALIKE when registration would complete; another nick gets in."""
    here.account("evan")
    client = here.open()
    sent = client.ask(f"NICK {TWIN}", "USER u 0 * :U")
    assert params_of(sent, "433")[:2] == ["*", TWIN]
    assert params_of(sent, "FAIL")[:3] == ["NICK", "NICK_LOOKS_ALIKE", TWIN]
    assert "001" in verbs(client.ask("NICK somebody"))
    assert verbs(client.ask(f"NICK {TWIN}")) == ["433", "FAIL"]
    assert client.user.nick == "somebody"


def test_its_owner_may(here: Here) -> None:
    """Who is logged in to the account may wear what looks like its name; another account may not."""
    here.account("evan")
    here.account("other")
    here.connect(TWIN, login="evan")
    client = here.open()
    assert "433" in verbs(client.ask("PASS :other:" + PASSWORD, "NICK evаn", "USER u 0 * :U"))


def test_a_look_alike_is_no_account_name(here: Here) -> None:
    """REGISTER says BAD_ACCOUNT_NAME, also for who wore the nick before the other name was registered."""
    early = here.connect(TWIN)
    here.account("evan")
    sent = early.ask(f"REGISTER * * :{PASSWORD}")
    assert params_of(sent, "FAIL")[:3] == ["REGISTER", "BAD_ACCOUNT_NAME", TWIN]
    assert "looks like evan" in params_of(sent, "FAIL")[-1]


def test_an_account_that_the_shell_made_is_itself_whatever_it_looks_like(here: Here) -> None:
    """Two registered names that look alike both log in under their own."""
    here.account("evan")
    here.account(TWIN)
    here.connect("evan", login="evan")
    here.connect(TWIN, login=TWIN)
    here.connect("EVAN2")
