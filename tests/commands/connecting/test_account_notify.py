"""account-notify, account-tag and extended-join: how other users see a user's account."""

from __future__ import annotations

from harness.world import PASSWORD, Here, sasl_plain, verbs

from chatroom.chat.stored.records import Role
from chatroom.irc.message import parse

CAPS = "account-notify account-tag extended-join"


def test_each_login_and_logout_is_announced_once(here: Here) -> None:
    """REGISTER, SASL and OPER send ACCOUNT with the name. When the account is disabled, it is ACCOUNT with ``*``."""
    here.account("root", Role.ADMIN)
    reader, plain = here.connect("reader", caps=CAPS), here.connect("plain")
    alice = here.connect("alice", caps="sasl")
    here.forget_unread()
    told = []
    for lines in (
        [f"REGISTER * * :{PASSWORD}"],
        ["AUTHENTICATE PLAIN", sasl_plain("root")],
        [f"OPER alice {PASSWORD}"],
        [f"OPER root {PASSWORD}"],
        ["AUTHENTICATE PLAIN", sasl_plain("alice")],
        ["AUTHENTICATE PLAIN", sasl_plain("alice")],
    ):
        alice.say(*lines)
        told += [parse(line).params for line in reader.read() if parse(line).verb == "ACCOUNT"]
    assert told == [["alice"], ["root"], ["alice"]]
    here.disable("alice")
    assert [parse(line).params for line in reader.read() if parse(line).verb == "ACCOUNT"] == [["*"]]
    assert "ACCOUNT" not in verbs(plain.read())


def test_the_user_reads_its_own_account_change(here: Here) -> None:
    """A session with account-notify reads ACCOUNT of its own user."""
    here.account("una")
    alice = here.connect("alice", caps="account-notify sasl")
    prefix = alice.prefix
    assert f":{prefix} ACCOUNT una" in alice.ask("AUTHENTICATE PLAIN", sasl_plain("una"))


def test_extended_join_has_account_and_real_name(here: Here) -> None:
    """The account is ``*`` for a guest. A reader without the capability gets neither."""
    here.account("Una")
    reader, plain = here.connect("reader", caps="extended-join"), here.connect("plain")
    here.forget_unread()
    here.connect("guest", realname="A Guest")
    here.connect("other", login="una", realname=":) and more")
    assert [parse(line).params for line in reader.read() if parse(line).verb == "JOIN"] == [
        ["#lobby", "*", "A Guest"],
        ["#lobby", "Una", ":) and more"],
    ]
    assert {tuple(parse(line).params) for line in plain.read() if parse(line).verb == "JOIN"} == {("#lobby",)}


def test_the_account_tag_comes_and_goes_with_the_login(here: Here) -> None:
    """Messages and all other events of the user have the tag while the user is logged in, and not before or after."""
    here.account("una")
    reader, plain = here.connect("reader", caps="account-tag"), here.connect("plain")
    guest = here.connect("guest", caps="sasl")
    here.forget_unread()

    def tags() -> set[str | None]:
        guest.say("PRIVMSG #lobby :x", "PRIVMSG reader :x", "TOPIC #lobby", "PART #lobby", "JOIN #lobby", "NICK guest2")
        guest.say("NICK guest")
        lines = [parse(line) for line in reader.read() if "guest" in (parse(line).source or "")]
        assert len(lines) >= 5
        return {(line.tags or {}).get("account") for line in lines}

    assert tags() == {None}
    guest.say("AUTHENTICATE PLAIN", sasl_plain("una"))
    assert tags() == {"una"}
    here.disable("una")
    reader.read()
    assert tags() == {None}
    assert not any(line.startswith("@") for line in plain.read())


def test_account_notify_tells_of_logins(here: Here) -> None:
    """Sessions with account-notify that share a channel read ACCOUNT once."""
    here.account("root", Role.ADMIN)
    alice, bob, carl = here.connect("alice"), here.connect("bob", caps="account-notify"), here.connect("carl")
    for client in (alice, bob):
        client.say("JOIN #a")
    here.forget_unread()
    alice.say("OPER root :open sesame")
    assert bob.read() == [f":{alice.prefix} ACCOUNT root"]
    assert carl.read() == []
