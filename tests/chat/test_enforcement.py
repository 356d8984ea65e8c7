from __future__ import annotations

from harness.held_work import HeldPending
from harness.world import PASSWORD, SERVER, SHELL, START, Here, params_of, verbs

from chatroom.chat.enforcement import apply_rules
from chatroom.chat.stored.records import Role


def test_a_promoted_account_has_its_rights_at_once(here: Here) -> None:
    """The person reads of it and shows +o; the next line is judged by the new role."""
    una, eve = here.member(), here.connect("eve")
    una.read()
    here.set_role("una", Role.MODERATOR)
    sent = una.read()
    assert params_of(sent, "MODE") == ["una", "+o"]
    assert params_of(sent, "NOTICE") == ["una", "Your account's role is now: moderator"]
    una.say("KILL eve")
    assert eve.closed


def test_a_demoted_account_loses_them_on_every_device(here: Here) -> None:
    """-o is read by all sessions of the person."""
    phone, laptop = here.moderator(), here.moderator()
    here.forget_unread()
    here.set_role("mo", Role.USER)
    assert phone.read() == laptop.read()
    assert verbs(phone.ask("UBAN LIST")) == ["481"]


def test_a_change_among_operators_shows_no_mode(here: Here) -> None:
    """From moderator to admin +o stays; the role is told."""
    mo = here.moderator()
    mo.read()
    here.set_role("mo", Role.ADMIN)
    assert verbs(mo.read()) == ["NOTICE"]


def test_a_disabled_account_is_logged_out_at_once(here: Here) -> None:
    """901, -o, a guest's name in place of the reserved one, and others read ACCOUNT * and NICK."""
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
    """The person stays under the nick, as a guest; anybody may have the name afterwards."""
    una = here.member()
    una.say("JOIN #a")
    here.delete("una")
    assert una.user.account is None
    assert una.user.nick == "una"
    assert here.channel("#a").access == {}
    assert here.channel("#a").founder_id is None
    una.say("QUIT")
    assert here.connect("una").user.account is None


def test_a_deleted_accounts_name_made_anew_is_another_account(here: Here) -> None:
    """Who founded a channel under the old account does not get it back under a new one of the same name."""
    una = here.member()
    una.say("JOIN #a", "QUIT")
    here.delete("una")
    again = here.member("una")
    again.say("JOIN #a")
    assert here.channel("#a").members[again.user] == 0


def test_a_newly_reserved_name_is_taken_from_its_wearer(here: Here) -> None:
    """The guest is renamed and told; an account that wears it as its nick is renamed too; its own is not."""
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


def test_a_guests_name_is_one_that_is_free(here: Here) -> None:
    """Neither worn nor registered names are handed out."""
    here.connect("Guest1")
    here.account("guest2")
    ann = here.connect("Ann")
    here.account("ann")
    assert ann.user.nick == "Guest3"


def test_an_account_that_logs_in_while_it_is_deleted_comes_in_as_nobody(here: Here) -> None:
    """The check had begun before the deletion, and ends after it."""
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
    here.release()  # it is looked for on the disk once more, for it might have been made just now
    assert client.closed
    assert here.world.online.by_account == {}


def test_a_shells_ban_spares_nobody(here: Here) -> None:
    """A ban from the shell disconnects admins too; a lifted one lets in."""
    ada, una, bob = here.admin(), here.member(), here.connect("bob")
    number = here.ban("una", "from the shell")
    assert [client.closed for client in (ada, una, bob)] == [False, True, False]
    assert "You were kicked by an admin: banned: from the shell (permanently)" in una.read()[-1]
    here.ban("10.0.0.0/24", "all", kind="ip")
    assert [client.closed for client in (ada, bob)] == [True, True]
    with here.tick():
        apply_rules(here.world, [(number, None)])
    here.connect("una", login="una", address="10.7.7.7")


def test_many_rules_at_once_are_looked_up_not_scanned(here: Here) -> None:
    """An import bans whom it hits, and the screen says how many more there were."""
    hit, spared = here.connect("hit", address="10.5.0.200"), here.connect("spared", address="10.6.0.1")
    made = here.stores.bans.add_many([("ip", f"10.5.{row}.0/24", "import", None) for row in range(100)], SHELL)
    changed = [(ban.id, here.stores.bans.find_rule(ban.id, START)) for ban in made]
    with here.tick():
        apply_rules(here.world, changed)
    assert [client.closed for client in (hit, spared)] == [True, False]
    assert any("and 90 more bans" in line for line in here.world.log_lines)


def test_a_person_with_devices_elsewhere_loses_only_the_banned_ones(here: Here) -> None:
    """An address ban ends the sessions from there; the person stays while another is left."""
    near, far = here.member(address="192.0.2.1"), here.member(address="198.51.100.1")
    bob = here.connect("bob", address="203.0.113.1")
    here.forget_unread()
    here.ban("192.0.2.1", kind="ip")
    assert [client.closed for client in (near, far)] == [True, False]
    assert bob.read() == []
    assert far.ask("PING :x") == [f":{SERVER} PONG {SERVER} :x"]
