from __future__ import annotations

from datetime import timedelta

import pytest
from harness.held_work import HeldPending
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, START, Here, change_settings, params_of, sasl_plain, verbs

from chatroom.chat.retries import Retry
from chatroom.chat.stored.records import Role
from chatroom.chat.work_queue import Order


def texts(lines: list[str]) -> list[str]:
    """Return the last parameters of these notices and notes."""
    return [line.split(" :", 1)[1] for line in lines]


def test_a_name_ban_kicks_and_keeps_out(here: Here) -> None:
    """The banned user reads the reason and the end, others read of the kick.

    The name cannot be used, other names can.
    """
    ada, bob, eve = here.admin(), here.connect("bob"), here.connect("Eve")
    here.forget_unread()
    sent = ada.ask("UBAN ADD EVE 7d too loud")
    words = "banned: too loud (until 2030-05-08 12:00 UTC)"
    assert texts(sent)[0] == "EVE is banned for 1w, ban 1"
    assert eve.read() == [f"ERROR :Closing Link: 10.0.0.1 (You were kicked by an admin: {words})"]
    assert eve.closed
    assert bob.read() == [f":{bob.prefix.replace('bob!bob', 'Eve!eve')} QUIT :Eve was kicked by an admin: {words}"]
    again = here.open()
    assert params_of(again.ask("NICK eVe", "USER e 0 * :E"), "465") == ["*", f"You are {words}"]
    assert again.closed
    other = here.connect("other")
    sent = other.ask("NICK EVE")
    assert params_of(sent, "432") == ["other", "EVE", f"EVE is {words}"]
    assert params_of(sent, "FAIL") == ["NICK", "NICK_BANNED", "EVE", f"EVE is {words}"]
    assert not other.closed


def test_a_ban_by_a_moderator_says_so(here: Here) -> None:
    """The text has the issuer's role, not the name. It says if there is no reason or no end."""
    mo, eve = here.moderator(), here.connect("eve")
    mo.say("UBAN ADD eve")
    assert eve.read()[-1].endswith("(You were kicked by a moderator: banned: no reason given (permanently))")


def test_a_name_ban_reaches_the_account_under_any_nick(here: Here) -> None:
    """A user of the banned account is kicked under any nick and cannot log in again."""
    ada = here.admin()
    here.account("eve")
    other = here.connect("other", login="eve")
    ada.say("UBAN ADD Eve out")
    assert other.closed
    client = here.open()
    client.say("CAP REQ :sasl", "AUTHENTICATE PLAIN")
    assert "banned: out (permanently)" in params_of(client.ask(sasl_plain("EVE")), "904")[-1]


def test_an_address_ban_reaches_every_session_from_there(here: Here) -> None:
    """A ban of a network ends all sessions from there, registered or not, and refuses later ones."""
    ada = here.admin()
    near, dumb = here.connect("near", address="192.0.2.7"), here.open("192.0.2.9")
    far = here.connect("far", address="192.0.3.7")
    ada.say("UBAN ADD FORCE 192.0.2.0/24 1h bots")
    assert near.closed
    assert dumb.closed
    assert not far.closed
    late = here.open("192.0.2.200")
    assert params_of(late.read(), "465") == ["*", "You are banned: bots (until 2030-05-01 13:00 UTC)"]
    assert late.closed


def test_the_log_tells_a_device_from_a_person(here: Here) -> None:
    """If a ban ends one of two sessions of a user, the log has its address, and the user stays."""
    phone, laptop = here.member(address="192.0.2.7"), here.member(address="192.0.2.8")
    ada = here.admin()
    ada.say("UBAN ADD 192.0.2.7")
    assert phone.closed
    assert not laptop.closed
    kicked = [line for line in here.world.log_lines if line.startswith("kicked")]
    assert kicked == ["kicked 192.0.2.7, one of una's connections: banned: no reason given (permanently)"]
    ada.say("UBAN ADD 192.0.2.8")
    assert here.world.log_lines[-1] == "kicked una: banned: no reason given (permanently)"


def test_the_socket_address_counts_not_the_shown_host(here: Here) -> None:
    """--ip with a nick bans the real address, which is not the host that other users see."""
    ada, eve = here.admin(), here.connect("eve", address="192.0.2.7")
    sent = ada.ask("UBAN ADD --ip eve 1d flood")
    assert texts(sent)[0] == "192.0.2.7 is banned for 1d, ban 1 (the address of eve)"
    assert eve.closed
    assert here.open("192.0.2.7").closed
    assert not here.open("192.0.2.8").closed


def test_ipv6_nicks_are_banned_by_their_64(here: Here) -> None:
    """For an IPv6 client --ip bans the /64 of the subscriber."""
    ada, eve = here.admin(), here.connect("eve", address="2001:db8:1:2:3::4")
    sent = ada.ask("UBAN ADD --ip eve")
    assert texts(sent)[0].startswith("2001:db8:1:2::/64 is banned permanently")
    assert eve.closed
    assert here.open("2001:db8:1:2:ffff::1").closed
    assert not here.open("2001:db8:1:3::1").closed


@pytest.mark.parametrize(
    "given, shown",
    [("::ffff:192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.0/120", "192.0.2.0/24"), ("192.0.2.7/24", "192.0.2.0/24")],
)
def test_a_network_is_kept_as_it_is_meant(here: Here, given: str, shown: str) -> None:
    """An IPv4-mapped network becomes IPv4 and host bits are dropped. The answer says so."""
    ada, eve = here.admin(), here.connect("eve", address="192.0.2.7")
    sent = ada.ask(f"UBAN ADD FORCE {given}")
    assert f"{shown} is banned permanently, ban 1 (" in texts(sent)[0]
    assert eve.closed


def test_an_address_with_colons_stands_whole_in_an_answer(here: Here) -> None:
    """``::2`` is sent as ``0::2``, because a middle parameter cannot begin with a colon."""
    ada = here.admin(caps="standard-replies")
    assert params_of(ada.ask("UBAN ADD ::2"), "NOTE")[:3] == ["UBAN", "ADDED", "0::2"]
    eve = here.connect("eve", address="::3")
    assert params_of(ada.ask("WHOIS eve"), "338") == ["ada", "eve", "0::3", "is actually using host"]
    assert eve.ask("WHOIS eve")[3:4] == [f":{SERVER} 338 eve eve 0::3 :is actually using host"]


def test_loopback_and_wide_networks_ask_for_force(here: Here) -> None:
    """A ban that covers this machine, a wide network or one with users present needs FORCE."""
    ada, bob, eve = here.admin(), here.connect("bob", address="192.0.2.1"), here.connect("eve", address="192.0.2.2")
    for target in ("127.0.0.1", "127.0.0.0/8", "::1", "10.0.0.0/8", "192.0.2.0/24", "2000::/3"):
        assert params_of(ada.ask(f"UBAN ADD {target}"), "FAIL")[:2] == ["UBAN", "NEEDS_FORCE"]
    assert list(here.world.bans) == []
    assert [client.closed for client in (bob, eve)] == [False, False]
    ada.say("UBAN ADD FORCE 192.0.2.0/24 all of you")
    assert [client.closed for client in (bob, eve)] == [True, True]
    assert params_of(ada.ask("UBAN ADD 127.0.0.5"), "NOTICE")[-1].startswith("127.0.0.5 is banned")


@pytest.mark.parametrize("others", [0, 20])
def test_a_network_with_users_asks_for_force(here: Here, others: int) -> None:
    """A network with one user needs FORCE, however many others are present. One user's own address does not."""
    ada, bob = here.admin(), here.connect("bob", address="198.51.7.1")
    for number in range(others):
        here.connect(f"user{number}", address=f"192.0.2.{number}")
    refusal = params_of(ada.ask("UBAN ADD 198.51.0.0/16"), "FAIL")
    assert refusal[-1].startswith(f"198.51.0.0/16 would hit 1 of the {others + 2} users present: use UBAN ADD FORCE")
    assert not bob.closed
    ada.say("UBAN ADD 198.51.7.1")
    assert bob.closed


def test_the_answer_counts_the_disconnected_and_names_the_replaced_ban(here: Here) -> None:
    """UBAN ADD tells how many users and connections it has ended, and which ban it replaces."""
    ada = here.admin()
    here.member(address="192.0.2.7"), here.member(address="192.0.2.8")
    here.connect("bob", address="192.0.2.9")
    assert texts(ada.ask("UBAN ADD una 1h spam"))[1] == "1 user disconnected (2 connections)"
    told = texts(ada.ask("UBAN ADD una 1mo"))
    assert told == [
        "una is banned for 30d, ban 2",
        "ban 2 replaces ban 1 by ada: spam (until 2030-05-01 13:00 UTC)",
    ]
    assert texts(ada.ask("UBAN ADD FORCE 192.0.2.0/24"))[1] == "1 user disconnected"


def test_an_ambiguous_duration_is_no_reason(here: Here) -> None:
    """``1M`` is refused. Taken for a reason it would ban permanently."""
    ada = here.admin()
    refusal = params_of(ada.ask("UBAN ADD bob 1M spam"), "FAIL")
    assert "write m for minutes or mo for months" in refusal[-1]
    for word in ("7days", "90", "1h30"):
        assert f"'{word}' is not a duration" in params_of(ada.ask(f"UBAN ADD bob {word} spam"), "FAIL")[-1]
    assert list(here.world.bans) == []


def test_whoever_bans_their_own_network_is_spared(here: Here) -> None:
    """A ban spares all sessions and nicks of the issuer. Other users in the network are disconnected."""
    here.world.settings = change_settings(here.world.settings, accounts={"share_nick": False})
    mo = here.moderator(address="192.0.2.2")
    away = here.connect("mo-away", login="mo", address="192.0.2.6")
    una, bob = here.member(address="192.0.2.4"), here.connect("bob", address="192.0.2.5")
    mo.say("UBAN ADD FORCE 192.0.2.0/24")
    assert [client.closed for client in (una, bob)] == [True, True]
    assert not mo.closed
    assert not away.closed


@pytest.mark.parametrize("target", ["192.0.2.1", "192.0.2.0/24", "--ip bob", "--force 192.0.2.0/24", "FORCE 0.0.0.0/0"])
def test_nobody_bans_the_address_of_an_equal_or_a_better(here: Here, target: str) -> None:
    """A network with a user of the same or a higher role cannot be banned, not even with FORCE."""
    ada, bob = here.admin(address="192.0.2.1"), here.connect("bob", address="192.0.2.1")
    mo, mia = here.moderator(address="192.0.2.2"), here.moderator("mia", address="10.0.0.9")
    assert params_of(mo.ask(f"UBAN ADD {target}"), "481") == [
        "mo",
        "Permission Denied - ada is connected from there and is an admin, as high as you or higher",
    ]
    assert verbs(mo.ask("UBAN ADD 10.0.0.9")) == ["481"]
    assert list(here.world.bans) == []
    ada.say("MODE ada -o")  # stepping down does not lower the role of the account
    assert verbs(mo.ask("UBAN ADD 192.0.2.1")) == ["481"]
    ada.say(f"OPER ada :{PASSWORD}", "UBAN ADD 10.0.0.9")
    assert [client.closed for client in (ada, mo, mia, bob)] == [False, False, True, False]


def test_the_shell_bans_any_address(here: Here) -> None:
    """The shell can ban every address, also that of an admin."""
    ada = here.admin(address="192.0.2.1")
    here.ban("192.0.2.0/24", kind="ip")
    assert ada.closed


def test_a_wider_ban_also_hits_whom_a_narrower_one_had_spared(here: Here) -> None:
    """An admin's ban ends the session that a moderator's ban of their own address had spared."""
    ada, mo = here.admin(address="10.0.0.1"), here.moderator(address="192.0.2.3")
    mo.say("UBAN ADD 192.0.2.3")
    assert not mo.closed
    ada.say("UBAN ADD FORCE 192.0.2.0/24")
    assert mo.closed


def test_nobody_bans_an_equal_a_better_or_themselves(here: Here) -> None:
    """Banning the name of a user or an account with the same or a higher role, or oneself, is answered with 481."""
    ada, mo = here.admin(address="10.0.0.3"), here.moderator()
    here.account("mia", Role.MODERATOR)
    here.account("abe", Role.ADMIN)
    for target in ("ada", "ADA", "abe", "mia", "mo"):
        assert verbs(mo.ask(f"UBAN ADD {target}")) == ["481"]
    assert verbs(ada.ask("UBAN ADD abe", "UBAN ADD ada")) == ["481", "481"]
    nicked = here.connect("incognito", login="abe")
    assert verbs(mo.ask("UBAN ADD incognito")) == ["481"]
    assert not nicked.closed
    assert list(here.world.bans) == []


def test_nobody_bans_an_equals_address_by_their_nick(here: Here) -> None:
    """--ip with a nick follows the same rule of rank."""
    ada, mo = here.admin(address="192.0.2.1"), here.moderator()
    assert verbs(mo.ask("UBAN ADD --ip ada")) == ["481"]
    assert verbs(ada.ask("UBAN ADD --ip ada")) == ["481"]
    assert list(here.world.bans) == []


@pytest.mark.parametrize("line", ["UBAN ADD eve", "UBAN DEL eve", "UBAN LIST", "UBAN INFO eve", "UBAN", "KILL eve"])
def test_others_are_refused_by_the_server_and_chat_on(here: Here, line: str) -> None:
    """Guests and plain accounts get 481, unregistered sessions 451, and nothing else happens."""
    guest, una, eve, dumb = here.connect("guest"), here.member(), here.connect("eve"), here.open()
    assert guest.ask(line) == [f":{SERVER} 481 guest :Permission Denied - You're not an IRC operator"]
    assert verbs(una.ask(line)) == ["481"]
    assert verbs(dumb.ask(line)) == ["451"]
    assert not eve.closed
    assert guest.ask("PING :x") == [f":{SERVER} PONG {SERVER} :x"]


def test_rights_taken_away_are_gone_with_the_next_line(here: Here) -> None:
    """A moderator whose role was changed from the shell can no longer ban."""
    mo, eve = here.moderator(), here.connect("eve")
    here.set_role("mo", Role.USER)
    assert verbs(mo.ask("UBAN ADD eve"))[-1] == "481"
    assert not eve.closed


@pytest.mark.parametrize(
    "line, code",
    [
        ("UBAN ADD", "INVALID_PARAMS"),
        ("UBAN ADD FORCE", "INVALID_PARAMS"),
        ("UBAN FOO x", "INVALID_PARAMS"),
        ("UBAN ADD 1.2.3", "INVALID_TARGET"),
        ("UBAN ADD 1.2.3.4/33", "INVALID_TARGET"),
        ("UBAN ADD *!*@*", "INVALID_TARGET"),
        ("UBAN ADD #lobby", "INVALID_TARGET"),
        ("UBAN ADD eve 0s", "INVALID_PARAMS"),
        ("UBAN ADD eve 200y", "INVALID_PARAMS"),
        ("UBAN ADD --ip nobody", "INVALID_TARGET"),
        ("UBAN ADD --name 1.2.3.4", "INVALID_NAME"),
        ("UBAN INFO", "INVALID_PARAMS"),
    ],
)
def test_what_is_no_ban_is_refused_in_words(here: Here, line: str, code: str) -> None:
    """Each mistake is answered by one FAIL and bans nothing."""
    ada = here.admin()
    assert params_of(ada.ask(line), "FAIL")[:2] == ["UBAN", code]
    assert list(here.world.bans) == []


@pytest.mark.parametrize("given, kept", [("x" * 300, 300), ("x" * 301, 300), ("x" * 299 + "é", 299), ("é" * 150, 300)])
def test_a_long_reason_is_shortened(here: Here, given: str, kept: int) -> None:
    """The chat keeps at most 300 bytes of a reason and cuts between two characters."""
    here.admin().say(f"UBAN ADD eve {given}")
    (rule,) = here.world.bans
    assert len(rule.reason.encode()) == kept
    assert given.startswith(rule.reason)
    (ban,) = here.stores.bans.list_all()
    assert ban.reason == rule.reason


def test_nobody_is_told_of_a_ban_before_the_database_has_it(here: Here) -> None:
    """Until the ban is on the disk nothing happens.

    Then it is in force, and the issuer and the banned user read of it.
    """
    ada, eve = here.admin(), here.connect("eve")
    here.holding = True
    assert ada.ask("UBAN ADD eve") == []
    assert eve.user is here.user("eve")
    here.release()
    assert eve.closed
    ban = here.stores.bans.find_in_force("name", "eve", START)
    assert ban is not None
    assert ban.by == "ada"


def test_a_ban_of_who_left_while_it_was_stored_holds_all_the_same(here: Here) -> None:
    """The ban applies even if the issuer and the banned user disconnect before it is on the disk."""
    ada, eve = here.admin(), here.connect("eve")
    here.holding = True
    ada.say("UBAN ADD eve")
    eve.vanish()
    ada.vanish()
    here.release()
    here.holding = False
    assert "465" in verbs(here.open().ask("NICK eve", "USER e 0 * :E"))


def test_bans_outlast_a_restart(here: Here) -> None:
    """After a restart the bans are in force again, except those that ran out."""
    ada = here.admin()
    ada.say("UBAN ADD eve", "UBAN ADD 192.0.2.0/24", "UBAN ADD bob 1h")
    here.now += timedelta(hours=2)
    here.restart()
    assert here.open("192.0.2.9").closed
    assert sorted(rule.target for rule in here.world.bans) == ["192.0.2.0/24", "eve"]


def test_bans_and_kicks_are_in_the_audit(here: Here) -> None:
    """The audit has actor, address, action and target."""
    ada = here.admin(address="10.0.0.3")
    here.connect("eve")
    ada.say("KILL eve :rude", "UBAN ADD eve", "UBAN DEL eve")
    entries = [
        (entry.actor, entry.origin, entry.action, entry.target) for entry in here.stores.audit.list_entries(actor="ada")
    ]
    assert entries == [
        ("ada", "10.0.0.3", "kick", "eve"),
        ("ada", "10.0.0.3", "ban.add", "eve"),
        ("ada", "10.0.0.3", "ban.remove", "eve"),
    ]


def log_in(client: Client, name: str) -> list[str]:
    """Return the answer to a login by OPER."""
    return client.ask(f"OPER {name} :{PASSWORD}")


def test_a_ban_holds_for_oper_too(here: Here) -> None:
    """OPER refuses the account of a banned name with the ban's text."""
    here.account("abe", Role.ADMIN)
    here.ban("abe", "lost laptop")
    assert "banned: lost laptop (permanently)" in params_of(log_in(here.connect("x"), "abe"), "491")[-1]


@pytest.mark.parametrize(
    "target, hint",
    [
        ("2001:db8:7:7::5", "2001:db8:7:7::/64"),
        ("2001:db8:7:7::/64", ""),
        ("fe80::5", ""),
        ("192.0.2.7", ""),
    ],
)
def test_a_ban_of_one_ipv6_address_names_the_subscribers_network(here: Here, target: str, hint: str) -> None:
    """One address of 2^64 keeps nobody out, so the answer says what does."""
    told = here.admin(caps="standard-replies").ask(f"UBAN ADD {target}")
    assert any("is banned permanently" in line for line in told)
    assert any(f"{hint} is the whole network" in line for line in told) is bool(hint)


def test_a_ban_comes_before_all_that_waits_to_be_stored(here: Here) -> None:
    """It depends on nothing else, unless an earlier ban was not stored: then the order of the bans counts."""
    ada, mo = here.admin(), here.moderator()
    here.holding = True
    ada.say("UBAN ADD eve")
    here.world.retries.add(("ban", "mallory"), Retry(lambda: None, lambda outcome: None), here.mono_ms)
    mo.say("UBAN ADD mallory")
    orders = [held.pending.order for held in here.held if isinstance(held, HeldPending)]
    assert orders == [Order.URGENT, Order.PLAIN]
