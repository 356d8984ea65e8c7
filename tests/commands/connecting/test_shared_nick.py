from __future__ import annotations

from collections.abc import Callable

from harness.world import PASSWORD, Here, params_of, verbs


def test_two_sessions_of_one_account_share_the_nick(here: Here) -> None:
    """Other users read no second JOIN. Each session reads messages to the user, and those that the other sends."""
    here.account("una")
    bob = here.connect("bob")
    phone = here.connect("una", login="una")
    bob.read()
    laptop = here.open("10.0.0.9")
    sent = laptop.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    assert [line for line in sent if " JOIN " in line] == [f":{phone.prefix} JOIN #lobby"]
    assert verbs(sent)[-3:] == ["JOIN", "353", "366"]
    assert bob.read() == []
    assert [line.split(" :")[1][:15] for line in phone.read()] == ["One more device"]
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


def test_sharing_a_nick_may_be_off(make_here: Callable[..., Here]) -> None:
    """With share_nick off, the second session gets 433 and may take another nick. The first reads nothing."""
    here = make_here(accounts={"share_nick": False})
    phone = here.member("una")
    phone.read()
    laptop = here.open()
    sent = laptop.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    assert params_of(sent, "433") == ["*", "una", "Nickname is already in use"]
    assert "001" in verbs(laptop.ask("NICK una2"))
    assert laptop.user.account_name == phone.user.account_name == "una"
    assert laptop.user is not phone.user


def test_a_second_session_reads_joins_for_its_capabilities(here: Here) -> None:
    """With extended-join, its JOIN has the account and the real name."""
    here.account("una")
    here.connect("una", login="una", realname="Una U")
    laptop = here.open()
    sent = laptop.ask("CAP REQ :extended-join", f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :other", "CAP END")
    assert params_of(sent, "JOIN") == ["#lobby", "una", "Una U"]


def test_a_second_session_reads_no_earlier_messages(here: Here) -> None:
    """A message from earlier in the same tick does not reach the new session."""
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
    """Sessions share a nick only if they are logged in to the same account."""
    here.account("una")
    here.account("other")
    here.connect("una", login="una")
    client = here.open()
    assert "433" in verbs(client.ask(f"PASS :other:{PASSWORD}", "NICK una", "USER u 0 * :U"))
