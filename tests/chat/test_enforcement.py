from __future__ import annotations

from harness.held_work import HeldPending
from harness.world import PASSWORD, SERVER, SHELL, START, Here, params_of, verbs

from chatroom.chat.enforcement import AT_ONCE, apply_rules
from chatroom.chat.stored.records import NewBan, Role


def test_a_promoted_account_has_its_rights_at_once(here: Here) -> None:
    """The user is told of the role and gets +o. The next line is judged by the new role."""
    una, eve = here.member(), here.connect("eve")
    una.read()
    here.set_role("una", Role.MODERATOR)
    sent = una.read()
    assert params_of(sent, "MODE") == ["una", "+o"]
    assert params_of(sent, "NOTICE") == ["una", "Your account's role is now: moderator"]
    una.say("KILL eve")
    assert eve.closed


def test_a_demoted_account_loses_its_rights_on_every_device(here: Here) -> None:
    """All sessions of the user read -o."""
    phone, laptop = here.moderator(), here.moderator()
    here.forget_unread()
    here.set_role("mo", Role.USER)
    assert phone.read() == laptop.read()
    assert verbs(phone.ask("UBAN LIST")) == ["481"]


def test_a_change_among_operators_shows_no_mode(here: Here) -> None:
    """From moderator to admin the user keeps +o and is told of the role."""
    mo = here.moderator()
    mo.read()
    here.set_role("mo", Role.ADMIN)
    assert verbs(mo.read()) == ["NOTICE"]


def test_a_disabled_account_is_logged_out_at_once(here: Here) -> None:
    """The user reads 901 and -o and gets a guest nick for the registered one. Others read ACCOUNT * and NICK."""
    mo = here.moderator()
    bob = here.connect("bob", caps="account-notify")
    here.forget_unread()
    before = mo.prefix
    here.disable("mo")
    sent = mo.read()
    assert params_of(sent, "901") == ["mo", before, "You are now logged out"]
    assert params_of(sent, "MODE") == ["mo", "-o"]
    assert params_of(sent, "NICK") == ["Guest1"]
    assert bob.read() == [f":{before} ACCOUNT *", f":{before} NICK Guest1"]
    assert mo.user.account is None
    assert verbs(mo.ask("KILL bob")) == ["481"]
    assert "433" in verbs(mo.ask("NICK mo"))


def test_a_deleted_account_frees_its_name(here: Here) -> None:
    """The user keeps the nick as a guest. Afterwards any client may have it."""
    una = here.member()
    una.say("JOIN #a")
    here.delete("una")
    assert una.user.account is None
    assert una.user.nick == "una"
    assert here.channel("#a").access == {}
    assert here.channel("#a").founder_id is None
    una.say("QUIT")
    assert here.connect("una").user.account is None


def test_a_new_account_of_a_deleted_name_is_another_account(here: Here) -> None:
    """The founder of a channel does not get it back under a new account of the same name."""
    una = here.member()
    una.say("JOIN #a", "QUIT")
    here.delete("una")
    again = here.member("una")
    again.say("JOIN #a")
    assert here.channel("#a").members[again.user] == 0


def test_a_newly_registered_name_is_taken_from_other_users(here: Here) -> None:
    """A guest with the nick is renamed and told, and so is a user of another account. The account's own user is not."""
    guest, bob = here.connect("Ann"), here.connect("bob")
    here.forget_unread()
    before = guest.prefix
    here.account("ann")
    assert bob.read() == [f":{before} NICK Guest1"]
    sent = guest.read()
    assert params_of(sent, "NICK") == ["Guest1"]
    assert "registered" in params_of(sent, "NOTICE")[-1]
    here.connect("ann", login="ann")
    here.account("other")
    nicked = here.connect("ben", login="other")
    here.account("ben")
    assert nicked.user.nick == "Guest2"


def test_a_guest_nick_is_free(here: Here) -> None:
    """A guest nick is neither used nor registered."""
    here.connect("Guest1")
    here.account("guest2")
    ann = here.connect("Ann")
    here.account("ann")
    assert ann.user.nick == "Guest3"


def test_a_login_fails_if_the_account_is_deleted_meanwhile(here: Here) -> None:
    """The password check begins before the deletion and ends after it."""
    here.account("una")
    here.holding = True
    client = here.open()
    client.say(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    login = here.held[0]
    assert isinstance(login, HeldPending)
    outcome = login.run_job()
    here.delete("una")
    here.held.clear()
    here.go_on(login.context, login.pending, outcome)
    here.release()  # it looks in the store once more, because the account may have been made just now
    assert client.closed
    assert here.world.online.by_account == {}


def test_a_ban_from_the_shell_spares_no_role(here: Here) -> None:
    """A ban from the shell disconnects admins too. When it is lifted, the user can connect again."""
    ada, una, bob = here.admin(), here.member(), here.connect("bob")
    number = here.ban("una", "from the shell")
    assert [client.closed for client in (ada, una, bob)] == [False, True, False]
    assert "You were kicked by an admin: banned: from the shell (permanently)" in una.read()[-1]
    here.ban("10.0.0.0/24", "all", kind="ip")
    assert [client.closed for client in (ada, bob)] == [True, True]
    with here.tick():
        apply_rules(here.world, [(number, None)])
    here.connect("una", login="una", address="10.7.7.7")


def test_an_import_of_many_bans(here: Here) -> None:
    """An import disconnects the sessions that it bans, and the log says how many more bans there are."""
    hit, spared = here.connect("hit", address="10.5.0.200"), here.connect("spared", address="10.6.0.1")
    made = here.stores.bans.add_many([NewBan("ip", f"10.5.{row}.0/24", "import", None) for row in range(100)], SHELL)
    changed = [(ban.id, here.stores.bans.find_rule(ban.id, START)) for ban in made]
    with here.tick():
        apply_rules(here.world, changed)
    assert [client.closed for client in (hit, spared)] == [True, False]
    assert any("and 90 more bans" in line for line in here.world.log_lines)


def test_an_address_ban_ends_only_the_sessions_from_there(here: Here) -> None:
    """An address ban ends the sessions from there. The user stays while another session is left."""
    near, far = here.member(address="192.0.2.1"), here.member(address="198.51.100.1")
    bob = here.connect("bob", address="203.0.113.1")
    here.forget_unread()
    here.ban("192.0.2.1", kind="ip")
    assert [client.closed for client in (near, far)] == [True, False]
    assert bob.read() == []
    assert far.ask("PING :x") == [f":{SERVER} PONG {SERVER} :x"]


def test_a_ban_of_many_ends_them_in_several_ticks(here: Here) -> None:
    """The first ones go at once, the others tick by tick. Who was banned by something else meanwhile is left out."""
    crowd = [here.connect(f"bot{number}", address=f"10.5.0.{1 + number}") for number in range(AT_ONCE + 3)]
    here.ban("10.5.0.0/24", "bots", kind="ip")
    assert [client.closed for client in crowd[-4:]] == [True, False, False, False]
    here.world.close(crowd[-1].session, "gone by itself")
    with here.tick():
        pass
    assert [client.closed for client in crowd[-3:-1]] == [True, False]
    with here.tick():
        pass
    assert all(client.closed for client in crowd)
    with here.tick():
        pass
    assert not here.world.work.put_off
