"""What others are told of accounts: account-notify, account-tag, extended-join."""

from __future__ import annotations

from harness.world import PASSWORD, Here, sasl_plain, verbs

from chatroom.chat.stored.records import Role
from chatroom.irc.message import parse

CAPS = "account-notify account-tag extended-join"


def test_every_way_into_and_out_of_an_account_is_told_once(here: Here) -> None:
    """REGISTER, SASL, OPER, and an account that is disabled: ACCOUNT with its name, or an asterisk."""
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


def test_who_logs_in_reads_it_too_on_every_device(here: Here) -> None:
    """With account-notify one's own change comes as everybody's does."""
    here.account("una")
    alice = here.connect("alice", caps="account-notify sasl")
    prefix = alice.prefix
    assert f":{prefix} ACCOUNT una" in alice.ask("AUTHENTICATE PLAIN", sasl_plain("una"))


def test_a_join_tells_account_and_real_name(here: Here) -> None:
    """An asterisk for a guest, the account's name as registered for others; without the capability neither."""
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


def test_what_an_account_says_has_its_tag_what_a_guest_says_has_none(here: Here) -> None:
    """The tag comes with the login and goes with it, on messages and on everything else they do."""
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
