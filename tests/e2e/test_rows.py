"""What the original exercise demanded, row by row, in raw lines to one daemon."""

from __future__ import annotations

import base64
import re

import pytest
from harness.daemon import PASSWORD, Client, Daemon


def plain(name: str, password: str) -> str:
    """Return a SASL PLAIN response."""
    return base64.b64encode(f"\0{name}\0{password}".encode()).decode()


def begin_sasl(client: Client, nick: str) -> None:
    """Negotiate SASL, up to the server's request for the response."""
    client.send("CAP REQ :sasl", f"NICK {nick}", f"USER {nick} 0 * :{nick}", "AUTHENTICATE PLAIN")
    client.expect("AUTHENTICATE +")


def oper(client: Client, name: str) -> Client:
    """Log in to an admin's or a moderator's account by OPER."""
    client.send(f"OPER {name} :{PASSWORD}")
    client.expect("381")
    client.collect()
    return client


def test_a_nickname_is_chosen_and_others_read_of_it(shared: Daemon) -> None:
    """The server welcomes the user by name. Other users read who joins and leaves."""
    with shared.connect("rita") as rita:
        with shared.open() as sam:
            sam.send("NICK sam", "USER sam 0 * :Sam")
            assert sam.expect("001").startswith(":chatroom.local 001 sam :")
            sam.expect("005")
            assert " JOIN #lobby" in sam.expect("JOIN")
            assert "sam" in sam.expect("353")
            sam.expect("366")
            assert re.match(r":sam!\S+ JOIN #lobby$", rita.expect("JOIN"))
            sam.send("QUIT :good night")
            assert sam.expect_closed()[-1].startswith("ERROR :")
        assert re.match(r":sam!\S+ QUIT :Quit: good night$", rita.expect("QUIT"))


def test_messages_reach_all_other_members(shared: Daemon) -> None:
    """Every other member reads each line exactly once and in order. The sender does not."""
    with shared.connect("tom") as tom, shared.connect("uma") as uma, shared.connect("vic") as vic:
        tom.send(*(f"PRIVMSG #lobby :line {number}" for number in range(20)))
        own = tom.collect()
        for other in (uma, vic):
            said = [line.partition(" :")[2] for line in other.collect() if "PRIVMSG" in line]
            assert said == [f"line {number}" for number in range(20)]
        assert not [line for line in own if "PRIVMSG" in line]


def test_a_registered_name_asks_for_its_password(shared: Daemon) -> None:
    """Without a password a registered name gets 433 and FAIL NICK_RESERVED, in any case. Another name gets in."""
    with shared.open() as client:
        for nick in ("ada", "ADA"):
            client.send(f"NICK {nick}", "USER x 0 * :x")
            assert f" 433 * {nick} :" in client.expect("433")
            assert client.expect("FAIL").startswith(f":chatroom.local FAIL NICK NICK_RESERVED {nick} :")
        client.send("NICK adamant")
        assert "adamant" in client.expect("001")


def test_the_password_may_follow_the_refusal(shared: Daemon) -> None:
    """After 433 the connection stays open. PASS with the right password completes it with the account's rights."""
    with shared.open() as client:
        client.send("NICK ada", "USER x 0 * :x")
        client.expect("NICK_RESERVED")
        client.send(f"PASS :{PASSWORD}")
        assert "You are now logged in as ada" in client.expect("900")
        client.expect("001")
        assert client.expect("MODE").endswith("MODE ada +o")


def test_pass_before_nick_and_by_account(shared: Daemon) -> None:
    """PASS before NICK is for that nick's account. PASS account:password names the account."""
    with shared.connect("ada", password=PASSWORD) as ada:
        assert any(" 900 " in line for line in ada.lines)
    with shared.connect("guesthouse", password=f"ada:{PASSWORD}") as other:
        assert any(" 900 " in line for line in other.lines)
        assert " 330 guesthouse guesthouse ada :" in "".join(other.ask("WHOIS guesthouse"))


def test_sasl_may_follow_the_refusal(shared: Daemon) -> None:
    """SASL logs in before or after the nick was refused."""
    with shared.open() as client:
        client.send("NICK una", "USER x 0 * :x")
        client.expect("NICK_RESERVED")
        client.send("CAP REQ :sasl", "AUTHENTICATE PLAIN")
        client.expect("AUTHENTICATE +")
        client.send(f"AUTHENTICATE {plain('una', PASSWORD)}")
        client.expect("900")
        client.expect("903")
        client.send("CAP END")
        assert "una" in client.expect("001")


def test_a_wrong_password_ends_the_connection_only(shared: Daemon) -> None:
    """A wrong PASS gets 464 with the reason and ERROR, and is closed. Other clients are not disturbed."""
    with shared.connect("wes") as wes, shared.open("127.1.0.1") as client:
        client.send("PASS :wrong horse", "NICK ada", "USER x 0 * :x")
        assert "incorrect" in client.expect("464")
        assert client.expect_closed()[-1].startswith("ERROR :Closing Link: 127.1.0.1 (Password incorrect")
        assert wes.collect() == []
    shared.expect_log("refused login as ada from 127.1.0.1: wrong name or password")


def test_wrong_sasl_leaves_a_bounded_number_of_tries(shared: Daemon) -> None:
    """After SASL 904 the client may try again. The third failure ends the connection."""
    with shared.open("127.1.0.2") as client:
        begin_sasl(client, "xena")
        for number in (1, 2, 3):
            client.send(f"AUTHENTICATE {plain('nobody', f'wrong {number}')}")
            assert "wrong name or password" in client.expect("904")
            if number < 3:
                client.send("AUTHENTICATE PLAIN")
                client.expect("AUTHENTICATE +")
        assert client.expect_closed()[-1] == "ERROR :Closing Link: 127.1.0.2 (Too many failed logins)"


def test_registration_goes_on_after_a_wrong_sasl(shared: Daemon) -> None:
    """A client whose login failed may register as a guest under another nick."""
    with shared.open("127.1.0.3") as client:
        begin_sasl(client, "yuri")
        client.send(f"AUTHENTICATE {plain('ada', 'wrong')}")
        client.expect("904")
        client.send("CAP END")
        assert "yuri" in client.expect("001")


def test_known_and_unknown_accounts_are_refused_alike(shared: Daemon) -> None:
    """The refusal does not show if the account exists."""
    answers = []
    shared.create("nell")  # the refusals of ada by other tests show in hers
    for address, name in (("127.1.0.4", "nell"), ("127.1.0.5", "zz-nobody")):
        with shared.open(address) as client:
            begin_sasl(client, "curious")
            client.send(f"AUTHENTICATE {plain(name, 'wrong')}")
            answers.append(client.expect("904"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", ["ada", "mo"])
def test_kick_disconnects_and_all_read_the_issuer(shared: Daemon, name: str) -> None:
    """KILL by an admin or a moderator disconnects a user, who is told. All read it, and the user may come back."""
    by = {"ada": "an admin", "mo": "a moderator"}[name]
    with shared.connect("boss", password=f"{name}:{PASSWORD}") as boss, shared.connect("wit") as wit:
        for reason, ending in ((" :spam", ": spam"), ("", "")):
            with shared.connect("victim") as victim:
                boss.collect(), wit.collect()
                boss.send(f"KILL victim{reason}")
                told = f"You were kicked by {by}{ending}"
                assert victim.expect_closed()[-1] == f"ERROR :Closing Link: 127.0.0.1 ({told})"
                for other in (boss, wit):
                    assert other.expect("QUIT").endswith(f" QUIT :victim was kicked by {by}{ending}")
        with shared.connect("victim") as back:
            assert back.collect() == []


def test_equal_and_higher_roles_are_safe(shared: Daemon) -> None:
    """A moderator can kick and ban neither an admin, nor another moderator, nor itself."""
    with (
        shared.connect("boss1", password=f"ada:{PASSWORD}"),
        shared.connect("mod1", password=f"mo:{PASSWORD}") as mod,
    ):
        for line in ("KILL boss1", "KILL mod1", "UBAN ADD boss1", "UBAN ADD ada", "UBAN ADD mod1", "UBAN ADD mo"):
            answers = mod.ask(line)
            assert [answer for answer in answers if " 481 " in answer], (line, answers)
    assert not shared.place.ctl_json("ban", "list")


def test_a_banned_name_is_refused_at_every_later_try(shared: Daemon) -> None:
    """UBAN ADD NAME kicks. Later tries are refused with reason and end, in any case. Another name gets in."""
    with shared.connect("boss2", password=f"ada:{PASSWORD}") as boss, shared.connect("Troll") as troll:
        boss.send("UBAN ADD troll 7d no more jokes")
        farewell = troll.expect_closed()[-1]
        assert "You were kicked by an admin: banned: no more jokes (until " in farewell
        assert "Troll was kicked by an admin: banned: no more jokes" in boss.expect("QUIT")
        for nick in ("troll", "TROLL"):
            with shared.open() as again:
                again.send(f"NICK {nick}", "USER x 0 * :x")
                assert re.search(
                    r"You are banned: no more jokes \(until \d{4}-\d\d-\d\d \d\d:\d\d UTC\)", again.expect("465")
                )
                assert "banned" in again.expect_closed()[-1]
        with shared.connect("trollop") as other:
            answers = other.ask("NICK tRoLL")
            assert any(" 432 " in line and "banned: no more jokes" in line for line in answers), answers
            other.send("PRIVMSG #lobby :still here")
            boss.expect("still here")
        boss.send("UBAN DEL TROLL")
        boss.expect("no longer banned")
        with shared.connect("troll") as back:
            assert back.collect() == []


def test_a_ban_holds_for_the_account_of_that_name(shared: Daemon) -> None:
    """It holds for SASL and PASS, under another nick too, and for users that are logged in already."""
    shared.create("rowdy")
    with shared.connect("boss3", password=f"ada:{PASSWORD}") as boss:
        with shared.connect("other-nick", password=f"rowdy:{PASSWORD}") as rowdy:
            boss.send("UBAN ADD rowdy 1h noise")
            assert "banned: noise" in rowdy.expect_closed()[-1]
        with shared.open("127.1.0.6") as again:
            begin_sasl(again, "other-nick")
            again.send(f"AUTHENTICATE {plain('rowdy', PASSWORD)}")
            assert "banned: noise" in again.expect("904")
        with shared.open("127.1.0.7") as again:
            again.send(f"PASS :rowdy:{PASSWORD}", "NICK other-nick", "USER x 0 * :x")
            assert "banned: noise" in again.expect_closed()[-1]
        boss.ask("UBAN DEL rowdy")


def test_an_address_ban_ends_the_sessions_from_there(shared: Daemon) -> None:
    """UBAN ADD of an address, a network, or NAME --ip ends sessions from there and refuses later ones at once."""
    with shared.connect("boss4", password=f"ada:{PASSWORD}") as boss, shared.connect("near") as near:
        with shared.connect("far", from_address="127.2.0.1") as far, shared.open("127.2.0.1") as silent:
            silent.ask("NICK silent")
            boss.send("UBAN ADD --ip far 1h proxy")
            boss.expect("127.2.0.1 is banned for 1h")
            assert "banned: proxy" in far.expect_closed()[-1]
            assert "banned: proxy" in silent.expect_closed()[-1]
        with shared.open("127.2.0.1") as again:
            assert "banned: proxy" in again.expect_closed()[-1]
        with shared.connect("neighbour", from_address="127.2.0.2") as neighbour:
            boss.send("UBAN ADD FORCE 127.2.0.0/24 1h all of them")
            assert "banned: all of them" in neighbour.expect_closed()[-1]
        boss.ask("UBAN DEL 127.2.0.0/24", "UBAN DEL 127.2.0.1")
        with shared.connect("far", from_address="127.2.0.1") as back:
            assert back.collect() == []
        assert [line for line in near.collect() if "ERROR" in line] == []


def test_mapped_addresses_are_ipv4(shared: Daemon) -> None:
    """A ban of ::ffff:127.2.1.1 is one of 127.2.1.1."""
    with shared.connect("boss5", password=f"ada:{PASSWORD}") as boss:
        boss.send("UBAN ADD ::ffff:127.2.1.1")
        boss.expect("127.2.1.1 is banned")
        with shared.open("127.2.1.1") as client:
            assert "banned" in client.expect_closed()[-1]
        boss.ask("UBAN DEL 127.2.1.1")


def test_loopback_is_banned_by_force_only(shared: Daemon) -> None:
    """In the default set-up all users come from 127.0.0.1."""
    with shared.connect("boss6", password=f"ada:{PASSWORD}") as boss, shared.connect("local6"):
        for target in ("127.0.0.1", "127.0.0.0/8", "0.0.0.0/0", "::1", "--ip local6"):
            answers = boss.ask(f"UBAN ADD {target}")
            assert any("FORCE" in answer for answer in answers), (target, answers)
        assert "0 bans in force" in boss.ask("UBAN LIST")[-1]


def test_bans_are_listed_and_looked_up(shared: Daemon) -> None:
    """UBAN LIST shows reason, issuer and end. UBAN INFO shows which users a ban would disconnect."""
    with shared.connect("boss7", password=f"ada:{PASSWORD}") as boss, shared.connect("tess", from_address="127.2.2.1"):
        boss.ask("UBAN ADD ghost 2d boo")
        listed = boss.ask("UBAN LIST")
        assert any(re.search(r"ghost is banned: boo \(until .*\), by ada", line) for line in listed), listed
        assert "1 of " in str(boss.ask("UBAN INFO 127.2.2.0/24"))
        assert "ghost is banned: boo" in str(boss.ask("UBAN INFO ghost"))
        boss.ask("UBAN DEL ghost")
        assert "not banned" in str(boss.ask("UBAN INFO ghost"))


@pytest.mark.parametrize(
    "line, numeric",
    [
        ("KILL wilma :bye", "481"),
        ("UBAN ADD wilma", "481"),
        ("UBAN DEL wilma", "481"),
        ("UBAN LIST", "481"),
        ("WALLOPS :hear", "481"),
        ("REHASH", "481"),
        ("KICK #lobby wilma", "482"),
        ("MODE #lobby +o fred", "482"),
        ("MODE #lobby +b wilma!*@*", "482"),
        ("OPER una :" + PASSWORD, "491"),
        ("STATUS", "421"),
        ("ANNOUNCE :me", "421"),
        ("KILLAT a wilma", "421"),
        ("SESSIONS", "421"),
        ("ACTOR root", "421"),
    ],
)
def test_operator_commands_of_other_users_are_refused(shared: Daemon, line: str, numeric: str) -> None:
    """A raw line with an operator command is refused and does nothing. Both users chat on."""
    with shared.connect("fred") as fred, shared.connect("wilma") as wilma:
        fred.send(line)
        fred.expect(numeric)
        assert not [answer for answer in wilma.collect() if "JOIN" not in answer]
        fred.send("PRIVMSG #lobby :still friends")
        wilma.expect("still friends")


def test_a_user_account_has_no_more_rights_than_a_guest(shared: Daemon) -> None:
    """The role counts, and not the login."""
    with shared.connect("una", password=PASSWORD) as una, shared.connect("wolf") as wolf:
        una.send("KILL wolf")
        una.expect("481")
        assert wolf.collect() == []


def test_oper_gives_the_rights(shared: Daemon) -> None:
    """OPER with a moderator's password gives the rights at once."""
    with shared.connect("later") as later, shared.connect("wim") as wim:
        later.send("KILL wim")
        later.expect("481")
        oper(later, "mo")
        later.send("KILL wim :now")
        assert "kicked by a moderator: now" in wim.expect_closed()[-1]


def test_direct_messages_reach_one_user(shared: Daemon) -> None:
    """Only that user reads a PRIVMSG to a nick. A nick that no user has is 401."""
    with shared.connect("ann") as ann, shared.connect("ben") as ben, shared.connect("cat") as cat:
        ann.send("PRIVMSG BEN :just you")
        ann.collect(), cat.collect()
        assert re.match(r":ann!\S+ PRIVMSG ben :just you$", ben.expect("just you"))
        assert not [line for line in cat.lines if "just you" in line]
        ann.send("PRIVMSG nobody-there :hello?")
        ann.expect("401")


def test_the_first_in_the_lobby_is_no_operator(daemon: Daemon) -> None:
    """The first member of a configured channel gets no +o. An admin can change the channel."""
    daemon.create("ada", "admin")
    with daemon.connect("first") as first:
        assert "@first" not in str(first.lines)
        first.send("TOPIC #lobby :mine")
        assert any(" 482 " in line for line in first.collect()) or "mine" in str(first.lines)
        with daemon.connect("ada", password=PASSWORD) as ada:
            ada.send("MODE #lobby +o first")
            assert first.expect("MODE").endswith("MODE #lobby +o first")
            first.ask("KICK #lobby ada :mine now")
            assert any("mine now" in line for line in ada.collect())


def test_a_name_is_registered_from_the_chat(shared: Daemon) -> None:
    """REGISTER makes an account of the user's nick and logs in. The nick is then reserved in any case."""
    with shared.connect("newbie") as newbie:
        newbie.send("REGISTER * * :correct horse battery")
        newbie.expect("REGISTER SUCCESS newbie")
        newbie.expect("900")
        with shared.open() as thief:
            thief.send("NICK NewBie", "USER x 0 * :x")
            thief.expect("NICK_RESERVED")
    with shared.connect("newbie", password="correct horse battery") as again:
        assert any(" 900 " in line for line in again.lines)
    assert [row["name"] for row in shared.place.ctl_json("user", "list") if row["role"] == "user"].count("newbie") == 1
