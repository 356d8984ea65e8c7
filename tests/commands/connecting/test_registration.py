from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, permutations

import pytest
from harness.world import PASSWORD, SERVER, START, Client, Here, change_settings, params_of, sasl_plain, verbs

from chatroom.chat.stored.records import Role

WELCOME = ["001", "002", "003", "004", "005", "251", "252", "253", "254", "255", "265", "266", "422"]


def log_in_by_sasl(client: Client, account: str, password: str = PASSWORD) -> list[str]:
    """What comes of a SASL login."""
    return client.ask("AUTHENTICATE PLAIN", sasl_plain(account, password))


@pytest.mark.parametrize("lines", list(permutations(["CAP END", "NICK alice", "USER al 0 * :Alice A"])))
def test_what_registration_needs_may_come_in_any_order(here: Here, lines: tuple[str, ...]) -> None:
    """NICK, USER and CAP END complete registration with the last of them, and everyone lands in the lobby."""
    client = here.open()
    client.say("CAP LS 302")
    client.read()
    client.say(*lines[:2])
    assert client.session.user is None
    sent = client.ask(lines[2])
    assert [verb for verb, _ in groupby(verbs(sent))] == [*WELCOME, "JOIN", "353", "366"]
    assert client.prefix == f"alice!al@{client.session.host}"


def test_without_cap_nick_and_user_are_enough(here: Here) -> None:
    """A client that knows nothing of capabilities is welcomed at once."""
    client = here.open()
    sent = client.ask("NICK alice", "USER al 0 * :Alice A")
    assert params_of(sent, "001") == ["alice", f"Welcome to the chatroom chat, {client.prefix}"]
    assert params_of(sent, "004")[:2] == ["alice", SERVER]


def test_others_read_that_somebody_joined_and_left(here: Here) -> None:
    """The lobby reads the JOIN of who comes and the QUIT of who goes, whether they say so or vanish."""
    bob = here.connect("bob")
    alice = here.connect("alice")
    prefix = alice.prefix
    assert bob.read() == [f":{prefix} JOIN #lobby"]
    alice.say("QUIT :so long")
    assert bob.read() == [f":{prefix} QUIT :Quit: so long"]
    assert alice.closed
    again = here.connect("alice")
    bob.read()
    again.vanish()
    assert bob.read() == [f":{prefix} QUIT :Connection reset by peer"]


def test_a_registered_name_asks_for_its_password_and_the_connection_stays(here: Here) -> None:
    """A reserved nick without a password is 433 and FAIL NICK_RESERVED once registration would complete, not before."""
    here.account("admin", Role.ADMIN)
    client = here.open()
    assert client.ask("NICK Admin") == []
    sent = client.ask("USER a 0 * :A")
    assert params_of(sent, "433")[:2] == ["*", "Admin"]
    assert params_of(sent, "FAIL")[:3] == ["NICK", "NICK_RESERVED", "Admin"]
    assert not client.closed
    assert client.session.user is None


@pytest.mark.parametrize("way", ["PASS", "PASS account", "SASL", "another NICK"])
def test_after_a_reserved_nick_every_way_on_completes(here: Here, way: str) -> None:
    """After NICK_RESERVED a PASS, a SASL login or another NICK completes the registration."""
    here.account("admin", Role.ADMIN)
    client = here.open()
    client.say("CAP REQ :sasl", "CAP END", "NICK admin", "USER a 0 * :A")
    client.read()
    if way == "PASS":
        sent = client.ask(f"PASS :{PASSWORD}")
    elif way == "PASS account":
        sent = client.ask(f"PASS :ADMIN:{PASSWORD}")
    elif way == "SASL":
        sent = log_in_by_sasl(client, "admin")
        assert verbs(sent)[:3] == ["AUTHENTICATE", "900", "903"]
    else:
        sent = client.ask("NICK somebody")
    assert "001" in verbs(sent)
    if way == "another NICK":
        assert client.user.account is None
    else:
        assert client.user.role is Role.ADMIN
        assert params_of(sent, "MODE") == ["admin", "+o"]
        assert params_of(sent, "900") == ["*", *params_of(sent, "900")[1:2], "admin", "You are now logged in as admin"]


@pytest.mark.parametrize("before", [True, False])
def test_a_wrong_pass_is_refused_with_the_reason_and_closed(here: Here, before: bool) -> None:
    """A wrong PASS, before or after NICK, is 464, then ERROR and the end; the others notice nothing."""
    here.account("admin", Role.ADMIN)
    bob = here.connect("bob")
    client = here.open()
    said = ["NICK admin", "USER a 0 * :A"]
    sent = client.ask("PASS wrong", *said) if before else client.ask(*said, "PASS wrong")
    assert params_of(sent, "464") == ["*", "Password incorrect: wrong name or password"]
    assert sent[-1] == "ERROR :Closing Link: 10.0.0.1 (Password incorrect: wrong name or password)"
    assert client.closed
    assert bob.read() == []


def test_an_unknown_account_is_refused_in_the_same_words(here: Here) -> None:
    """Whether an account exists is not told by how its password is refused."""
    here.account("admin", Role.ADMIN)
    known, unknown = here.open(), here.open()
    answers = [client.ask(f"PASS :{name}:wrong", f"NICK g{name}", "USER a 0 * :A") for client, name in
               ((known, "admin"), (unknown, "nobody"))]  # fmt: skip
    assert answers[0] == answers[1]


def test_a_password_from_habit_harms_no_guest(here: Here) -> None:
    """PASS for a nick that nobody registered, on a server without a password, is passed over."""
    client = here.open()
    assert "001" in verbs(client.ask("PASS hunter2", "NICK alice", "USER a 0 * :A"))


def test_three_wrong_sasl_logins_end_the_connection_two_do_not(make_here: Callable[..., Here]) -> None:
    """SASL 904 leaves registration open for the configured number of tries."""
    here = make_here(limits={"enabled": True})
    here.account("admin", Role.ADMIN)
    client = here.open()
    client.say("CAP REQ :sasl", "NICK admin", "USER a 0 * :A")
    for _ in range(2):
        assert verbs(log_in_by_sasl(client, "admin", "wrong")) == ["AUTHENTICATE", "904"]
        assert not client.closed
    assert verbs(log_in_by_sasl(client, "admin", "wrong")) == ["AUTHENTICATE", "904", "ERROR"]
    assert client.closed
    patient = here.open(address="10.0.0.2")
    patient.say("CAP REQ :sasl", "NICK admin", "USER a 0 * :A")
    log_in_by_sasl(patient, "admin", "wrong")
    assert verbs(log_in_by_sasl(patient, "admin")) == ["AUTHENTICATE", "900", "903"]
    assert "001" in verbs(patient.ask("CAP END"))


def test_a_guest_who_fails_sasl_may_go_on_under_a_free_name(here: Here) -> None:
    """A failed SASL login leaves who failed a guest, who may still come in under a name that is free."""
    here.account("admin", Role.ADMIN)
    client = here.open()
    client.say("CAP REQ :sasl", "NICK admin", "USER a 0 * :A")
    log_in_by_sasl(client, "admin", "wrong")
    assert "433" in verbs(client.ask("CAP END"))
    assert "001" in verbs(client.ask("NICK somebody"))
    assert client.user.account is None


def test_sasl_before_nick_and_user(here: Here) -> None:
    """The login may come before the session has said who it is."""
    here.account("una")
    client = here.open()
    client.say("CAP LS 302", "CAP REQ :sasl")
    assert params_of(log_in_by_sasl(client, "una"), "900")[1] == f"*!*@{client.session.host}"
    client.say("NICK una", "USER a 0 * :A", "CAP END")
    assert client.user.account_name == "una"


@pytest.mark.parametrize(
    "lines, numeric",
    [
        (["AUTHENTICATE PLAIN", "AUTHENTICATE *"], "906"),
        (["AUTHENTICATE PLAIN", "AUTHENTICATE " + "A" * 401], "905"),
        (["AUTHENTICATE PLAIN", "AUTHENTICATE !!!"], "904"),
        (["AUTHENTICATE PLAIN", "AUTHENTICATE +"], "904"),
        (["AUTHENTICATE PLAIN", sasl_plain("una", authzid="admin")], "904"),
        (["AUTHENTICATE EXTERNAL"], "904"),
    ],
)
def test_sasl_that_comes_to_nothing_leaves_registration_open(here: Here, lines: list[str], numeric: str) -> None:
    """An aborted, oversized, malformed or unknown exchange has its numeric, and another may follow."""
    here.account("una")
    client = here.open()
    client.say("CAP REQ :sasl", "NICK una", "USER a 0 * :A")
    assert verbs(client.ask(*lines))[-1] == numeric
    assert verbs(log_in_by_sasl(client, "una"))[-1] == "903"


def test_sasl_needs_its_capability(here: Here) -> None:
    """AUTHENTICATE without the sasl capability is 904."""
    here.account("una")
    assert verbs(here.open().ask("AUTHENTICATE PLAIN")) == ["904"]


def test_the_server_password_is_asked_of_everyone(make_here: Callable[..., Here]) -> None:
    """With a server password nobody comes in without it, or with another one."""
    here = make_here(server={"password": "swordfish"})
    for lines in (["NICK a", "USER a 0 * :A"], ["PASS wrong", "NICK a", "USER a 0 * :A"]):
        client = here.open()
        sent = client.ask(*lines)
        assert verbs(sent) == ["464", "ERROR"]
        assert client.closed
    client = here.open()
    assert "001" in verbs(client.ask("PASS swordfish", "NICK a", "USER a 0 * :A"))


@pytest.mark.parametrize("order", [["swordfish", f"una:{PASSWORD}"], [f"una:{PASSWORD}", "swordfish"]])
def test_the_server_password_goes_with_an_accounts(make_here: Callable[..., Here], order: list[str]) -> None:
    """Two PASS lines give the server's password and an account's, in either order."""
    here = make_here(server={"password": "swordfish"})
    here.account("una")
    client = here.open()
    client.say(*[f"PASS :{word}" for word in order], "NICK una", "USER a 0 * :A")
    assert client.user.account_name == "una"


def test_an_account_does_not_replace_the_server_password(make_here: Callable[..., Here]) -> None:
    """The right account password without the server's is refused."""
    here = make_here(server={"password": "swordfish"})
    here.account("una")
    client = here.open()
    assert verbs(client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER a 0 * :A"))[-2:] == ["464", "ERROR"]


def test_require_login_lets_no_guest_in(make_here: Callable[..., Here]) -> None:
    """Where a login is required a guest is told so and closed; an account comes in under any free name."""
    here = make_here(accounts={"require_login": True})
    here.account("una")
    guest = here.open()
    sent = guest.ask("NICK guest", "USER a 0 * :A")
    assert params_of(sent, "FAIL")[:2] == ["*", "ACCOUNT_REQUIRED"]
    assert guest.closed
    here.connect("free", login="una")


@pytest.mark.parametrize("nick", ["Spammer", "SPAMMER", "spammer"])
def test_a_banned_name_is_refused_whatever_its_case(here: Here, nick: str) -> None:
    """Who comes under a banned name is told the reason and until when, and closed; another name gets in."""
    here.ban("Spammer", "too loud", until=START.replace(day=2))
    client = here.open()
    sent = client.ask(f"NICK {nick}", "USER a 0 * :A")
    words = "You are banned: too loud (until 2030-05-02 12:00 UTC)"
    assert params_of(sent, "465") == ["*", words]
    assert sent[-1] == f"ERROR :Closing Link: 10.0.0.1 ({words})"
    assert client.closed
    here.connect("decent")


def test_a_banned_account_is_refused_over_sasl_and_pass(here: Here) -> None:
    """A ban on a name holds for the account of that name too, whatever nick it comes under."""
    here.account("spammer")
    here.ban("spammer", "too loud")
    client = here.open()
    client.say("CAP REQ :sasl", "NICK other", "USER a 0 * :A")
    sent = log_in_by_sasl(client, "spammer")
    assert "banned: too loud (permanently)" in params_of(sent, "904")[-1]
    by_pass = here.open()
    sent = by_pass.ask(f"PASS :spammer:{PASSWORD}", "NICK other", "USER a 0 * :A")
    assert "banned: too loud (permanently)" in params_of(sent, "464")[-1]
    assert by_pass.closed


def test_a_ban_that_comes_between_login_and_the_end_of_registration_holds(here: Here) -> None:
    """Who logged in before the ban, but was not yet somebody, is refused at CAP END."""
    here.account("spammer")
    client = here.open()
    client.say("CAP REQ :sasl", "NICK other", "USER a 0 * :A")
    assert "903" in verbs(log_in_by_sasl(client, "spammer"))
    here.ban("spammer", "too loud")
    assert "465" in verbs(client.ask("CAP END"))
    assert client.closed


def test_a_banned_address_is_refused_at_once(here: Here) -> None:
    """A connection from a banned network is told why before it says anything."""
    here.ban("10.1.0.0/16", "bots", kind="ip")
    client = here.open("10.1.2.3")
    assert verbs(client.read()) == ["465", "ERROR"]
    assert client.closed
    assert not here.open("10.2.0.1").closed


@pytest.mark.parametrize("by_sasl", [True, False])
def test_a_disabled_account_stays_out_and_its_name_reserved(here: Here, by_sasl: bool) -> None:
    """A disabled account cannot log in, and nobody else gets its name."""
    here.account("una", disabled=True)
    client = here.open()
    if by_sasl:
        client.say("CAP REQ :sasl")
        assert "disabled" in params_of(log_in_by_sasl(client, "una"), "904")[-1]
        client.say("CAP END")
    else:
        assert "disabled" in params_of(client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER a 0 * :A"), "464")[-1]
        assert client.closed
    guest = here.open()
    assert "433" in verbs(guest.ask("NICK una", "USER a 0 * :A"))


def test_an_account_changed_between_login_and_the_end_of_registration_counts_as_it_is_now(here: Here) -> None:
    """Rights taken away, or a whole account, between SASL and CAP END are not had after it."""
    for name in ("demoted", "disabled", "deleted"):
        here.account(name, Role.ADMIN)
    clients = {}
    for name in ("demoted", "disabled", "deleted"):
        client = clients[name] = here.open()
        client.say("CAP REQ :sasl", f"NICK {name}", "USER a 0 * :A")
        assert "903" in verbs(log_in_by_sasl(client, name))
    here.set_role("demoted", Role.USER)
    here.disable("disabled")
    here.delete("deleted")
    answers = {name: verbs(client.ask("CAP END")) for name, client in clients.items()}
    assert clients["demoted"].user.role is Role.USER
    assert "433" in answers["disabled"]
    assert clients["deleted"].user.account is None


def test_a_nick_in_use_is_refused_at_once_and_another_taken(here: Here) -> None:
    """433 names the nick, whatever its case, and registration goes on with another."""
    here.connect("alice")
    client = here.open()
    assert params_of(client.ask("NICK ALICE"), "433") == ["*", "ALICE", "Nickname is already in use"]
    assert "001" in verbs(client.ask("USER a 0 * :A", "NICK bob"))


@pytest.mark.parametrize("nick", ["1up", "-x", "a.b", "#x", "a!b", "x" * 33, "a\u0301" + "\u200b", "*", "a,b"])
def test_a_bad_nick_is_432(here: Here, nick: str) -> None:
    """What is no nick is 432 with the nick, before and after registration."""
    client = here.open()
    assert params_of(client.ask(f"NICK {nick}"), "432")[:2] == ["*", nick]
    alice = here.connect("alice")
    assert params_of(alice.ask(f"NICK {nick}"), "432")[:2] == ["alice", nick]


def test_missing_parameters_and_the_wrong_moment(here: Here) -> None:
    """431, 461, 451 and 462 have the parameters the specification gives them."""
    client = here.open()
    assert client.ask("NICK") == [f":{SERVER} 431 * :No nickname given"]
    assert client.ask("USER a") == [f":{SERVER} 461 * USER :Not enough parameters"]
    assert client.ask("PASS") == [f":{SERVER} 461 * PASS :Not enough parameters"]
    assert client.ask("JOIN #a") == [f":{SERVER} 451 * :You have not registered"]
    assert client.ask("FOO") == [f":{SERVER} 421 * FOO :Unknown command"]
    alice = here.connect("alice")
    assert alice.ask("USER a 0 * :A") == [f":{SERVER} 462 alice :You may not reregister"]
    assert alice.ask("PASS x") == [f":{SERVER} 462 alice :You may not reregister"]


def test_two_devices_of_one_account_share_the_nick(here: Here) -> None:
    """The second device joins nobody a second time, and each gets what is said to and by the other."""
    here.account("una")
    bob = here.connect("bob")
    phone = here.connect("una", login="una")
    bob.read()
    laptop = here.open("10.0.0.9")
    sent = laptop.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    assert [line for line in sent if " JOIN " in line] == [f":{phone.prefix} JOIN #lobby"]
    assert verbs(sent)[-3:] == ["JOIN", "353", "366"]
    assert bob.read() == []
    bob.say("PRIVMSG una :hi", "PRIVMSG #lobby :all")
    expected = [f":{bob.prefix} PRIVMSG una :hi", f":{bob.prefix} PRIVMSG #lobby :all"]
    assert phone.read() == expected
    assert laptop.read() == expected
    phone.say("PRIVMSG bob :yes", "PRIVMSG #lobby :me too")
    said = [f":{phone.prefix} PRIVMSG bob :yes", f":{phone.prefix} PRIVMSG #lobby :me too"]
    assert bob.read() == said
    assert laptop.read() == said
    phone.say("QUIT")
    assert bob.read() == []
    laptop.say("QUIT")
    assert verbs(bob.read()) == ["QUIT"]


def test_a_nick_is_shared_only_where_the_setting_says_so(make_here: Callable[..., Here]) -> None:
    """With share_nick off the second device is 433 and may come under another nick; the first notices nothing."""
    here = make_here(accounts={"share_nick": False})
    phone = here.member("una")
    phone.read()
    laptop = here.open()
    sent = laptop.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    assert params_of(sent, "433") == ["*", "una", "Nickname is already in use"]
    assert "001" in verbs(laptop.ask("NICK una2"))
    assert laptop.user.account_name == phone.user.account_name == "una"
    assert laptop.user is not phone.user


def test_a_second_device_reads_its_joins_as_it_negotiated(here: Here) -> None:
    """With extended-join the second device is shown the account and the real name in its JOIN."""
    here.account("una")
    here.connect("una", login="una", realname="Una U")
    laptop = here.open()
    sent = laptop.ask("CAP REQ :extended-join", f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :other", "CAP END")
    assert params_of(sent, "JOIN") == ["#lobby", "una", "Una U"]


def test_a_second_device_reads_nothing_that_was_said_before_it_came(here: Here) -> None:
    """What a channel said earlier in the very tick in which a device is added is not that device's to read."""
    here.account("una")
    here.connect("una", login="una")
    bob = here.connect("bob")
    laptop = here.open()
    here.holding = True
    laptop.say(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    with here.tick():
        bob.say("PRIVMSG #lobby :before")
        here.release()
        bob.say("PRIVMSG #lobby :after")
    assert [line.partition(":")[2] for line in laptop.read() if " PRIVMSG " in line] == [
        f"{bob.prefix} PRIVMSG #lobby :after"
    ]


def test_a_nick_shared_by_another_account_is_refused(here: Here) -> None:
    """Only the same account shares a nick."""
    here.account("una")
    here.account("other")
    here.connect("una", login="una")
    client = here.open()
    assert "433" in verbs(client.ask(f"PASS :other:{PASSWORD}", "NICK una", "USER u 0 * :U"))


def test_lines_wait_in_order_behind_a_password_check(here: Here) -> None:
    """What a session says while its password is checked is answered afterwards, and nobody else waits."""
    here.account("una")
    bob = here.connect("bob")
    here.holding = True
    client = here.open()
    assert client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U", "PING :1", "PRIVMSG bob :hi") == []
    assert bob.ask("PING :2") == [f":{SERVER} PONG {SERVER} :2"]
    here.release()
    sent = client.read()
    assert verbs(sent)[:2] == ["900", "001"]
    assert verbs(sent)[-1] == "PONG"
    assert bob.read()[-1] == f":{client.prefix} PRIVMSG bob :hi"


def test_a_session_that_ends_during_its_password_check_comes_to_nothing(here: Here) -> None:
    """The result of a check whose session is gone puts nobody into the world."""
    here.account("una")
    here.holding = True
    client = here.open()
    client.say(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    client.vanish()
    here.release()
    assert here.world.users == {}


def test_failed_logins_are_slowed_by_address_and_account(make_here: Callable[..., Here]) -> None:
    """From the fourth failure on each try waits longer, also from another address; another account does not."""
    here = make_here(limits={"enabled": True, "login_tries": 100})
    here.account("una")
    here.account("other")
    client = here.open()
    client.say("CAP REQ :sasl", "NICK x", "USER u 0 * :U")
    for _ in range(5):
        log_in_by_sasl(client, "una", "wrong")
    assert here.delays_ms == [1000, 2000]
    elsewhere = here.open("10.7.7.7")
    elsewhere.say("CAP REQ :sasl", "NICK y", "USER u 0 * :U")
    log_in_by_sasl(elsewhere, "una", "wrong")
    assert here.delays_ms[2:] == [4000]
    log_in_by_sasl(here_open_with_sasl(here, "10.8.8.8"), "other")
    assert here.delays_ms[3:] == []


def here_open_with_sasl(here: Here, address: str) -> Client:
    """A new connection that negotiated sasl."""
    client = here.open(address)
    client.say("CAP REQ :sasl")
    return client


def test_known_and_unknown_accounts_cost_one_check_each(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly one bcrypt check is made for a login, whether there is such an account or not."""
    import bcrypt

    here.account("una")
    checks: list[bytes] = []
    real = bcrypt.checkpw

    def count(password: bytes, stored: bytes) -> bool:
        checks.append(stored)
        return real(password, stored)

    monkeypatch.setattr(bcrypt, "checkpw", count)
    for name in ("una", "nobody"):
        checks.clear()
        log_in_by_sasl(here_open_with_sasl(here, "10.0.0.1"), name, "wrong")
        assert len(checks) == 1


def test_a_good_login_renews_a_verifier_of_another_cost(here: Here) -> None:
    """After the configured cost has changed, the next good login stores the password at the new one."""
    account = here.account("una")
    here.world.settings = change_settings(here.world.settings, accounts={"bcrypt_cost": 5})
    here.connect("una", login="una")
    stored = here.stores.accounts.find_credential(account.id, "bcrypt")
    assert stored is not None
    assert stored.startswith("$2b$05$")
    assert here.stores.accounts.get("una").last_login_at is not None
    here.connect("una", login="una")
