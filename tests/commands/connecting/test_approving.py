"""Requests for accounts: who asks waits, and moderators decide."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import PASSWORD, SHELL, Here, params_of, sasl_plain, verbs

from chatroom.chat.stored.invite_records import NewInvite
from chatroom.chat.stored.records import Role

LINE = f"REGISTER * * :{PASSWORD}"


@pytest.fixture
def here(make_here: Callable[..., Here]) -> Here:
    """A world in which moderators approve each account."""
    return make_here(accounts={"registration": "approval"})


def test_who_asks_waits_as_a_guest_and_moderators_are_told(here: Here) -> None:
    """Nothing is registered. Moderators and admins who are present read who asks and what to do."""
    mona, una, zoe = here.moderator("mona"), here.member("una"), here.connect("Zoe", address="192.0.2.7")
    here.forget_unread()
    asked = params_of(zoe.ask(LINE), "REGISTER")
    assert asked[:2] == ["VERIFICATION_REQUIRED", "Zoe"]
    assert "A moderator decides" in asked[2] and "VERIFY Zoe <token>" in asked[2]
    assert mona.read() == [
        ":chatroom.local NOTICE mona :Zoe wants to register, from 192.0.2.7: REQUEST APPROVE Zoe, or REJECT"
    ]
    assert una.read() == []
    assert here.stores.accounts.find("zoe") is None
    assert PASSWORD not in repr(zoe.session.held) and zoe.session.held is not None
    assert zoe.session.held.password == ""
    assert verbs(zoe.ask("JOIN #tea")) == ["JOIN", "353", "366"]


def test_only_the_devices_that_are_operators_read_of_a_request(here: Here) -> None:
    """It has an address. OPER on one device of an account says nothing of the other one, nor does -o of the account."""
    here.moderator("mona").say("MODE mona -o")
    here.account("mo", Role.MODERATOR)
    laptop, phone = here.member("una"), here.connect("una", login="una")
    laptop.say(f"OPER mo :{PASSWORD}")
    here.forget_unread()
    here.connect("zoe").say(LINE)
    told = [any("wants to register" in line for line in client.read()) for client in (here.clients[1], laptop, phone)]
    assert told == [False, True, False]


def test_an_approved_applicant_is_logged_in(here: Here) -> None:
    """At once, under the same nick, and neighbours with account-notify read it. The password logs in later."""
    mona, zoe = here.moderator("mona", caps="standard-replies"), here.connect("zoe")
    bob = here.connect("bob", caps="account-notify")
    zoe.ask(LINE)
    mona.read()
    assert params_of(mona.ask("REQUEST APPROVE ZOE"), "NOTE")[1] == "DONE"
    sent = zoe.read()
    assert verbs(sent) == ["NOTICE", "900"] and "You may register" in sent[0]
    assert zoe.user.account_name == "zoe" and zoe.user.nick == "zoe"
    assert zoe.session.held is None
    assert f":{zoe.prefix} ACCOUNT zoe" in bob.read()
    assert any("zoe may register, by mona" in str(line) for line in here.world.log_lines)
    here.restart()
    here.connect("zoe", login="zoe")


def test_an_applicant_whose_name_was_banned_is_not_logged_in(here: Here) -> None:
    """Another nick since then must not be the way around the ban: who logs in by the password is refused, too."""
    mona, zoe = here.moderator("mona"), here.connect("zoe")
    zoe.ask(LINE)
    zoe.say("NICK other")
    mona.ask("UBAN ADD zoe 1d :spam")
    zoe.read()
    mona.ask("REQUEST APPROVE zoe")
    assert "zoe is registered, but you are not logged in: you are banned" in zoe.read()[-1]
    assert zoe.user.account is None and zoe.session.held is None


def test_a_rejected_applicant_reads_why(here: Here) -> None:
    """And may ask again."""
    mona, zoe = here.moderator("mona"), here.connect("zoe")
    zoe.ask(LINE)
    mona.ask("REQUEST REJECT zoe :who are you?")
    assert [line.rpartition(" :")[2] for line in zoe.read()] == ["You may not register zoe: who are you?"]
    assert zoe.session.held is None and zoe.user.account is None
    assert verbs(zoe.ask(LINE)) == ["REGISTER"]


def test_only_the_applicant_is_logged_in(here: Here) -> None:
    """Another guest with the nick gets another one. A session that asked in vain for the name before stays a guest."""
    mona, first = here.moderator("mona"), here.connect("zoe")
    first.ask(LINE)
    mona.ask("REQUEST REJECT zoe")
    first.say("NICK other")
    second = here.connect("zoe", address="192.0.2.9")
    second.ask("REGISTER * * :another password")
    second.say("NICK elsewhere")
    thief = here.connect("zoe")
    mona.ask("REQUEST APPROVE zoe")
    assert second.user.account_name == "zoe" and second.user.nick == "elsewhere"
    assert first.user.account is None and thief.user.account is None
    assert thief.user.nick.startswith("Guest")


def test_an_account_that_the_shell_makes_logs_nobody_in(here: Here) -> None:
    """It has another password: the applicant has not proved it."""
    zoe = here.connect("zoe")
    zoe.ask(LINE)
    here.account("zoe", password="chosen by an admin")
    assert zoe.user.account is None
    assert here.stores.requests.list_all() == []


def test_who_comes_back_reads_that_it_waits(here: Here) -> None:
    """With the right password only: others read what they read of any unknown name."""
    here.connect("zoe").ask(LINE)
    for how in ("SASL", "NickServ"):
        back = here.open("192.0.2.8") if how == "SASL" else here.connect("guest")
        answers = []
        for password in (PASSWORD, "wrong"):
            if how == "SASL":
                back.say("CAP LS 302", "CAP REQ :sasl")
                back.read()
                answers += [" ".join(back.ask("AUTHENTICATE PLAIN", sasl_plain("zoe", password)))]
            else:
                answers += [" ".join(back.ask(f"NS IDENTIFY zoe :{password}"))]
        assert "waits for a moderator" in answers[0].lower(), how
        assert "wrong name or password" in answers[1], how


def test_an_invite_does_without_a_moderator(here: Here) -> None:
    """VERIFY with a token makes the account of the request, with the password that was chosen."""
    token = here.stores.invites.add(NewInvite(2, 60), SHELL).token
    zoe = here.connect("zoe")
    zoe.ask(LINE)
    assert verbs(zoe.ask(f"VERIFY zoe {token}")) == ["VERIFY", "900"]
    assert here.stores.requests.list_all() == []
    here.restart()
    here.connect("zoe", login="zoe")
    yan = here.connect("yan")
    assert verbs(yan.ask(f"NS REGISTER hunter22 {token}")) == ["NOTICE", "900"]


def test_an_invite_takes_no_name_that_another_waits_for(here: Here) -> None:
    """The moderator decides about it first."""
    token = here.stores.invites.add(NewInvite(1, 60), SHELL).token
    here.connect("zoe").ask(LINE)
    here.clients[1].vanish()
    other = here.connect("zoe")
    assert "already registered" in other.ask(f"NS REGISTER hunter22 {token}")[0]
    assert [one.name for one in here.stores.requests.list_all()] == ["zoe"]
    assert here.stores.invites.list_all()[0].used == 0


def test_a_decided_request_takes_no_invite(here: Here) -> None:
    """It was approved while the token was looked at."""
    token = here.stores.invites.add(NewInvite(1, 60), SHELL).token
    zoe = here.connect("zoe")
    zoe.ask(LINE)
    here.holding = True
    zoe.say(f"VERIFY zoe {token}")
    here.release(1)
    here.stores.requests.reject("zoe", SHELL)
    here.release()
    assert "decided already" in " ".join(zoe.read())
    assert here.stores.invites.list_all()[0].used == 0


def test_applicants_before_the_connection_is_complete(make_here: Callable[..., Here]) -> None:
    """Who waits in the negotiation is logged in; who goes on is turned away where all must log in."""
    here = make_here(accounts={"registration": "approval", "require_login": True})
    mona = here.moderator("mona")
    waiting, hasty = here.open(), here.open()
    for client, nick in ((waiting, "zoe"), (hasty, "yan")):
        client.say("CAP LS 302", f"NICK {nick}", f"USER {nick} 0 * :{nick}", LINE)
        client.read()
    mona.ask("REQUEST APPROVE zoe")
    assert "900" in verbs(waiting.read())
    assert "001" in verbs(waiting.ask("CAP END"))
    assert "FAIL" in verbs(hasty.ask("CAP END")) and hasty.closed
    mona.ask("REQUEST APPROVE yan")
    here.connect("yan", login="yan")


def test_requests_are_listed(here: Here) -> None:
    """With where they come from, for moderators only."""
    mona = here.moderator("mona", caps="standard-replies")
    here.connect("zoe", address="192.0.2.7").ask(f"REGISTER * z@example.org :{PASSWORD}")
    mona.read()
    texts = [line.rpartition(" :")[2] for line in mona.ask("REQUEST LIST")]
    assert texts == ["zoe, from 192.0.2.7, z@example.org, at 2030-05-01 12:00 UTC", "1 request"]
    assert verbs(here.member("una").ask("REQUEST LIST")) == ["481"]
    for line, text in (("SHOW", "use LIST"), ("APPROVE", "needs a name"), ("REJECT bob", "nobody waits")):
        assert text in mona.ask(f"REQUEST {line}")[0]


def test_a_name_is_asked_for_once(here: Here) -> None:
    """The second one reads why."""
    here.connect("zoe").ask(LINE)
    here.clients[1].vanish()
    assert "waits for a moderator already" in here.connect("zoe").ask(LINE)[0]


def test_nickserv_asks_too(here: Here) -> None:
    """In its own words."""
    answer = here.connect("zoe").ask("NS REGISTER hunter22")
    assert verbs(answer) == ["NOTICE"] and "A moderator decides" in answer[0]
    assert [one.name for one in here.stores.requests.list_all()] == ["zoe"]
