from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, verbs

from chatroom.chat.people.user import MOST_GUEST_MESSAGES
from chatroom.errors import StorageError
from chatroom.irc.message import parse

CAPS = "draft/message-redaction draft/chathistory batch message-tags echo-message"


def say(speaker: Client, text: str = "oops", target: str = "#c") -> str:
    """Say something; its id."""
    tags = parse(speaker.ask(f"PRIVMSG {target} :{text}")[-1]).tags
    assert tags is not None
    return tags["msgid"]


def bare(lines: list[str]) -> list[str]:
    """Lines without their tags."""
    return [line.partition(" ")[2] if line.startswith("@") else line for line in lines]


def unknown(target: str, msgid: str) -> list[str]:
    """The answer where there is no such message."""
    return [f":{SERVER} FAIL REDACT UNKNOWN_MSGID {target} {msgid} :This message does not exist or is too old"]


def forbidden(target: str, msgid: str) -> list[str]:
    """The answer where it is not theirs to take out."""
    return [f":{SERVER} FAIL REDACT REDACT_FORBIDDEN {target} {msgid} :You are not authorised to delete this message"]


@pytest.fixture
def una(keeping: Here) -> Client:
    """The founder of #c."""
    una = keeping.member("una", caps=CAPS)
    una.say("JOIN #c")
    return una


@pytest.fixture
def bob(keeping: Here, una: Client) -> Client:
    """An ordinary member of #c."""
    bob = keeping.member("bob", caps=CAPS)
    bob.say("JOIN #c")
    keeping.forget_unread()
    return bob


def test_ones_own_message_is_taken_back(keeping: Here, una: Client, bob: Client) -> None:
    """Members with the capability are told, the others are not; the history has it no more; the audit knows."""
    plain = keeping.connect("plain", caps="message-tags")
    plain.say("JOIN #c")
    msgid = say(bob)
    keeping.forget_unread()
    told = [f":{bob.prefix} REDACT #c {msgid} :a slip"]
    assert bare(bob.ask(f"REDACT #C {msgid} :a slip")) == told
    assert bare(una.read()) == told
    assert plain.read() == []
    assert verbs(una.ask("CHATHISTORY LATEST #c * 9")) == ["BATCH", "BATCH"]
    row = next(row for row in keeping.stores.audit.list_entries() if row.action == "history.redact")
    assert (row.actor, row.target) == ("bob", "bob") and "a slip" in row.detail and "oops" not in row.detail
    assert bob.ask(f"REDACT #c {msgid}") == unknown("#c", msgid)


def test_it_is_gone_before_anybody_is_told(keeping: Here, una: Client, bob: Client) -> None:
    """Nobody reads of it until the text is out of the database, and then everybody does."""
    msgid = say(bob)
    number = int(msgid, 16)
    una.read()
    keeping.holding = True
    bob.say(f"REDACT #c {msgid}")
    keeping.release(1)
    assert una.read() == bob.read() == []
    assert keeping.stores.history.find(number) is not None
    keeping.release()
    assert keeping.stores.history.find(number) is None
    assert bare(una.read()) == bare(bob.read()) == [f":{bob.prefix} REDACT #c {msgid}"]


def test_a_disk_that_refuses_leaves_it_as_it_was(
    keeping: Here, una: Client, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked is told, and nobody else."""

    def fail(*args: object, **how: object) -> None:
        raise StorageError("the disk is full")

    msgid = say(bob)
    una.read()
    for method in ("find", "redact"):
        with monkeypatch.context() as patch:
            patch.setattr(type(keeping.stores.history), method, fail)
            assert " FAIL REDACT TEMPORARILY_UNAVAILABLE " in bob.ask(f"REDACT #c {msgid}")[0]
    assert una.read() == []
    assert len(una.ask("CHATHISTORY LATEST #c * 9")) == 3


def test_who_may_take_out_what_others_said(keeping: Here, una: Client, bob: Client) -> None:
    """A channel's operators; moderators and admins, unless somebody as high said it; nobody else."""
    mo, ada = keeping.moderator("mo", caps=CAPS), keeping.admin("ada", caps=CAPS)
    for one in (mo, ada):
        one.say("JOIN #c", "MODE #c -o :" + one.user.nick)
    of_una, of_bob, of_mo, of_ada = (say(one) for one in (una, bob, mo, ada))
    keeping.forget_unread()
    assert bob.ask(f"REDACT #c {of_una}") == forbidden("#c", of_una)
    assert mo.ask(f"REDACT #c {of_ada}") == forbidden("#c", of_ada)
    keeping.forget_unread()
    for one, msgid in ((mo, of_una), (ada, of_mo), (una, of_ada), (una, of_bob)):
        assert bare(one.ask(f"REDACT #c {msgid}")) == [f":{one.prefix} REDACT #c {msgid}"]


def test_a_guests_message_is_theirs_while_they_are_here(keeping: Here, una: Client) -> None:
    """Nobody proves to be a guest by a nick: who comes back, or comes in their place, may not."""
    guest, other = keeping.connect("guest", caps=CAPS), keeping.connect("other", caps=CAPS)
    guest.say("JOIN #c")
    other.say("JOIN #c")
    first, second = say(guest), say(guest)
    assert other.ask(f"REDACT #c {first}") == forbidden("#c", first)
    guest.say("NICK somebody")
    assert bare(guest.ask(f"REDACT #c {first}")) == [f":{guest.prefix} REDACT #c {first}"]
    guest.say("QUIT")
    again = keeping.connect("guest", caps=CAPS)
    again.say("JOIN #c")
    assert again.ask(f"REDACT #c {second}") == forbidden("#c", second)
    ids = [say(again) for _ in range(MOST_GUEST_MESSAGES + 1)]
    assert again.ask(f"REDACT #c {ids[0]}") == forbidden("#c", ids[0])
    assert verbs(again.ask(f"REDACT #c {ids[1]}")) == ["REDACT"]


def test_a_direct_message_is_taken_back_on_both_sides(keeping: Here) -> None:
    """The other side is told under the nick it has now, one's other devices as well; only its sender may."""
    una, bob = keeping.member("una", caps=CAPS), keeping.member("bob", caps=CAPS)
    phone, eve = keeping.member("una", caps=CAPS), keeping.member("eve", caps=CAPS)
    msgid = say(una, target="bob")
    bob.say("NICK bobby")
    keeping.forget_unread()
    assert bob.ask(f"REDACT una {msgid}") == forbidden("una", msgid)
    assert eve.ask(f"REDACT una {msgid}") == unknown("una", msgid)
    told = [f":{una.prefix} REDACT bob {msgid}"]
    assert bare(una.ask(f"REDACT BOB {msgid}")) == bare(phone.read()) == told
    assert bare(bob.read()) == [f":{una.prefix} REDACT bobby {msgid}"]
    assert eve.read() == []
    assert len(una.ask("CHATHISTORY LATEST bobby * 9")) == 2


@pytest.mark.parametrize("target", ["#nowhere", "#eve", "nobody"])
def test_a_target_one_cannot_read_is_invalid(keeping: Here, una: Client, target: str) -> None:
    """INVALID_TARGET, whether there is such a channel or not."""
    eve = keeping.member("eve", caps=CAPS)
    eve.say("JOIN #eve")
    msgid = say(eve, target="#eve")
    una.read()
    text = f"You cannot delete messages from {target}"
    assert una.ask(f"REDACT {target} {msgid}") == [f":{SERVER} FAIL REDACT INVALID_TARGET {target} :{text}"]


def test_an_id_from_elsewhere_is_unknown(keeping: Here, una: Client) -> None:
    """So are one that is none, one of nothing that was said, and one of an event."""
    una.say("JOIN #d")
    elsewhere = say(una, target="#d")
    topic = parse(una.ask("TOPIC #c :new")[0]).tags
    assert topic is not None
    for msgid in (elsewhere, "t-1", "zzz", "1", "f" * 40, topic["msgid"]):
        assert una.ask(f"REDACT #c {msgid}") == unknown("#c", msgid)
    assert len(una.ask("CHATHISTORY LATEST #d * 9")) == 3


def test_who_may_not_speak_gives_no_reason(keeping: Here, una: Client, bob: Client) -> None:
    """A reason is read by everybody, and may not be the way around a moderated channel."""
    msgid = say(bob)
    una.say("MODE #c +m")
    una.read()
    bob.say(f"REDACT #c {msgid} :listen to me all the same")
    assert bare(una.read()) == [f":{bob.prefix} REDACT #c {msgid}"]


def test_without_echo_message_only_the_others_are_told(keeping: Here, una: Client) -> None:
    """As with a message: the label is answered by ACK."""
    bob = keeping.member("bob", caps="draft/message-redaction message-tags batch labeled-response")
    bob.say("JOIN #c")
    una.read()
    bob.say("PRIVMSG #c :oops")
    tags = parse(una.read()[0]).tags
    assert tags is not None
    assert bob.ask(f"@label=1 REDACT #c {tags['msgid']}")[-1] == f"@label=1 :{SERVER} ACK"
    assert verbs(una.read()) == ["REDACT"]


def test_rights_are_looked_at_again_once_it_was_found(keeping: Here, una: Client, bob: Client) -> None:
    """Who was kicked meanwhile takes nothing out; who has left with the removal under way has done it."""
    kept, removed = say(bob), say(bob)
    keeping.forget_unread()
    keeping.holding = True
    bob.say(f"REDACT #c {removed}")
    keeping.release(1)
    bob.vanish()
    keeping.release()
    assert verbs(una.read()) == ["QUIT", "REDACT"]
    keeping.holding = False
    bob = keeping.member("bob", caps=CAPS)
    bob.say("JOIN #c")
    bob.read()
    keeping.holding = True
    bob.say(f"REDACT #c {kept}")
    una.say("KICK #c bob :out")
    keeping.release()
    assert bob.read()[-1].startswith(f":{SERVER} FAIL REDACT INVALID_TARGET #c ")


def test_what_the_same_tick_says_can_be_taken_back(keeping: Here, una: Client) -> None:
    """The removal waits until what it is about is kept."""
    with keeping.tick():
        una.say("PRIVMSG #c :oops")
        msgid = f"{keeping.world.ledger.last_message_id:x}"
        una.say(f"REDACT #c {msgid}")
    assert verbs(una.read())[-2:] == ["PRIVMSG", "REDACT"]
