"""RENAMEACCOUNT: what users and channels keep, and what they read."""

from __future__ import annotations

from harness.world import SERVER, SHELL, Here, params_of

from chatroom.chat.stored.records import Role


def test_a_user_that_is_present_is_renamed(here: Here) -> None:
    """The user has the new nick and account, its rights and its channels, and others read NICK and ACCOUNT."""
    una = here.member("una", caps="account-notify")
    other = here.connect("other", caps="account-notify")
    for client in (una, other):
        client.say("JOIN #a")
    here.forget_unread()
    assert params_of(here.control().ask("RENAMEACCOUNT UNA Uma"), "NOTE")[:2] == ["RENAMEACCOUNT", "DONE"]
    read = other.read()
    assert [line.split(" ", 1)[1] for line in read] == ["NICK Uma", "ACCOUNT Uma"]
    assert any("log in as Uma" in line for line in una.read())
    assert here.world.find_user("una") is None
    user = here.world.find_user("uma")
    assert user is not None and user.account_name == "Uma"
    assert here.world.accounts.find("una") is None
    assert "renamed the account una to Uma" in here.world.log_lines


def test_a_guest_with_the_new_name_makes_room(here: Here) -> None:
    """It gets a guest's nick, as if the name had been registered."""
    here.member("una")
    guest = here.connect("uma")
    here.control().say("RENAMEACCOUNT una uma")
    assert any(" NICK Guest1" in line for line in guest.read())
    user = here.world.find_user("uma")
    assert user is not None and user.account_name == "uma"


def test_another_nick_stays(here: Here) -> None:
    """A user that wears another nick than its account's keeps it."""
    una = here.member("una")
    una.say("NICK fox")
    here.control().say("RENAMEACCOUNT una uma")
    user = here.world.find_user("fox")
    assert user is not None and user.account_name == "uma"


def test_rights_masks_and_markers_follow(here: Here) -> None:
    """The founder stays one; a channel's ban of the account and the others' read markers follow, stored and told."""
    una, eve = here.member("una"), here.member("eve", caps="draft/read-marker")
    una.say("JOIN #c", "MODE #c +b ~a:eve")
    eve.say("MARKREAD una timestamp=2030-01-01T00:00:00.000Z")
    una.read()
    here.control().say("RENAMEACCOUNT eve eva")
    here.control().say("RENAMEACCOUNT una uma")
    assert f":{SERVER} MODE #c -b+b ~a:eve ~a:eva" in una.read()
    channel = here.world.find_channel("#c")
    assert channel is not None and [entry.mask for entry in channel.entries("b")] == ["~a:eva"]
    stored = here.stores.channels.find("#c")
    assert stored is not None and [entry.mask for entry in stored.lists] == ["~a:eva"]
    una.say("PART #c", "JOIN #c")
    user = here.world.find_user("uma")
    assert user is not None and channel.members[user]
    assert "timestamp=2030" in eve.ask("MARKREAD uma")[-1]


def test_a_ban_follows(here: Here) -> None:
    """The banned account cannot log in under its new name, and a guest may have the old one."""
    here.account("mallory")
    here.admin("ada").say("UBAN ADD mallory :spam")
    here.control().say("RENAMEACCOUNT mallory malcolm")
    assert here.world.bans.find_name("mallory", here.world.wall_ms) is None
    rule = here.world.bans.find_name("malcolm", here.world.wall_ms)
    assert rule is not None and rule.reason == "spam"


def test_what_is_refused(here: Here) -> None:
    """An unknown account, a taken name and a wrong one change nothing, and only the control socket may ask."""
    here.account("una")
    here.account("eve")
    control = here.control()
    for line in ("RENAMEACCOUNT none x", "RENAMEACCOUNT una EVE", "RENAMEACCOUNT una 1.2.3.4"):
        assert "FAIL" in control.ask(line)[0]
    assert here.world.accounts.find("una") is not None
    assert " 421 " in here.admin("ada").ask("RENAMEACCOUNT una uma")[0]


def test_a_change_by_another_process(here: Here) -> None:
    """If the shell has changed the database itself, the daemon follows in the same way."""
    una = here.member("una")
    account = here.world.accounts.find("una")
    assert account is not None
    here.stores.accounts.rename(account.id, "uma", SHELL)
    here.apply_account(account.id)
    user = here.world.find_user("uma")
    assert user is not None and user.account_name == "uma" and user.rank is Role.USER
    assert any("NICK" in line for line in una.read())
