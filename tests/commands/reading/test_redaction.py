from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, Here, verbs

from chatroom.chat.people.user import MOST_GUEST_MESSAGES
from chatroom.errors import StorageError
from chatroom.irc.message import parse

CAPS = "draft/message-redaction draft/chathistory batch message-tags echo-message"


def say(speaker: Client, text: str = "oops", target: str = "#c") -> str:
    """Say a message; returns its msgid."""
    tags = parse(speaker.ask(f"PRIVMSG {target} :{text}")[-1]).tags
    assert tags is not None
    return tags["msgid"]


def bare(lines: list[str]) -> list[str]:
    """Lines without their tags."""
    return [line.partition(" ")[2] if line.startswith("@") else line for line in lines]


def unknown(target: str, msgid: str) -> list[str]:
    """The answer for a message that does not exist."""
    return [f":{SERVER} FAIL REDACT UNKNOWN_MSGID {target} {msgid} :This message does not exist or is too old"]


def forbidden(target: str, msgid: str) -> list[str]:
    """The answer for a message that the user may not delete."""
    return [f":{SERVER} FAIL REDACT REDACT_FORBIDDEN {target} {msgid} :You are not authorised to delete this message"]


@pytest.fixture
def una(keeping: Here) -> Client:
    """The founder of #c."""
    una = keeping.member("una", caps=CAPS)
    una.say("JOIN #c")
    return una


@pytest.fixture
def bob(keeping: Here, una: Client) -> Client:
    """A member of #c without a standing."""
    bob = keeping.member("bob", caps=CAPS)
    bob.say("JOIN #c")
    keeping.forget_unread()
    return bob


def test_a_user_deletes_their_own_message(keeping: Here, una: Client, bob: Client) -> None:
    """Members with the capability read of it, the others do not. The history is without it, the audit log has it."""
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


def test_the_text_is_deleted_before_a_client_reads_of_it(keeping: Here, una: Client, bob: Client) -> None:
    """No client reads of it until the database is changed. Then all do."""
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


def test_a_full_disk_leaves_the_message_as_it_was(
    keeping: Here, una: Client, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client that sent REDACT reads a FAIL. The others read nothing."""

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


def test_operators_and_higher_roles_delete_messages_of_others(keeping: Here, una: Client, bob: Client) -> None:
    """A channel's operators can, and moderators and admins if the author's role is lower."""
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


def test_a_guest_deletes_its_messages_until_it_leaves(keeping: Here, una: Client) -> None:
    """A nick proves nothing: a later guest of the same nick may be another person."""
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


def test_a_guest_deletes_what_it_wrote_under_an_earlier_nick(keeping: Here) -> None:
    """Who has the nick now may not, even if it came before the message, and reads nothing of it."""
    una, eve = keeping.member("una", caps=CAPS), keeping.connect("eve", caps=CAPS)
    guest = keeping.connect("guest", caps=CAPS)
    kept, first, second = say(guest, target="una"), say(guest, target="una"), say(guest, target="una")
    guest.say("NICK other")
    eve.say("NICK guest")
    keeping.forget_unread()
    assert eve.ask(f"REDACT una {first}") == forbidden("una", first)
    assert bare(guest.ask(f"REDACT una {first}")) == [f":{guest.prefix} REDACT una {first}"]
    assert bare(una.read()) == [f":{guest.prefix} REDACT una {first}"]
    guest.say("NICK third")
    assert verbs(guest.ask(f"REDACT eve {second}")) == ["FAIL"]
    assert eve.read() == []
    assert len(una.ask("CHATHISTORY LATEST guest * 9")) == 2 + 2
    assert verbs(guest.ask(f"REDACT una {second}", f"REDACT una {kept}")) == ["REDACT", "REDACT"]


def test_a_guest_deletes_what_it_wrote_before_it_logged_in(keeping: Here) -> None:
    """It is the same user, on the same connection."""
    keeping.account("ida", password=PASSWORD)
    una, guest = keeping.member("una", caps=CAPS), keeping.connect("guest", caps=CAPS)
    msgid = say(guest, target="una")
    guest.say(f"NICKSERV IDENTIFY ida :{PASSWORD}")
    assert guest.user.account is not None
    keeping.forget_unread()
    assert bare(guest.ask(f"REDACT una {msgid}")) == [f":{guest.prefix} REDACT una {msgid}"]
    assert verbs(una.read()) == ["REDACT"]


def test_a_direct_message_is_deleted_for_both_users(keeping: Here) -> None:
    """The other user reads of it under its present nick, and so do the author's other sessions. Only the author may."""
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
def test_a_target_that_the_user_may_not_read_is_invalid(keeping: Here, una: Client, target: str) -> None:
    """The FAIL does not tell whether the channel exists."""
    eve = keeping.member("eve", caps=CAPS)
    eve.say("JOIN #eve")
    msgid = say(eve, target="#eve")
    una.read()
    text = f"You cannot delete messages from {target}"
    assert una.ask(f"REDACT {target} {msgid}") == [f":{SERVER} FAIL REDACT INVALID_TARGET {target} :{text}"]


def test_a_msgid_of_another_conversation_is_unknown(keeping: Here, una: Client) -> None:
    """So is an invalid msgid, one without a message, and that of an event."""
    una.say("JOIN #d")
    elsewhere = say(una, target="#d")
    topic = parse(una.ask("TOPIC #c :new")[0]).tags
    assert topic is not None
    for msgid in (elsewhere, "t-1", "zzz", "1", "f" * 40, topic["msgid"]):
        assert una.ask(f"REDACT #c {msgid}") == unknown("#c", msgid)
    assert len(una.ask("CHATHISTORY LATEST #d * 9")) == 3


def test_a_user_that_may_not_speak_gives_no_reason(keeping: Here, una: Client, bob: Client) -> None:
    """All members read a reason, so it must not be a way around a moderated channel."""
    msgid = say(bob)
    una.say("MODE #c +m")
    una.read()
    bob.say(f"REDACT #c {msgid} :listen to me all the same")
    assert bare(una.read()) == [f":{bob.prefix} REDACT #c {msgid}"]


def test_without_echo_message_the_author_reads_nothing(keeping: Here, una: Client) -> None:
    """As for a message. A label is answered by an ACK."""
    bob = keeping.member("bob", caps="draft/message-redaction message-tags batch labeled-response")
    bob.say("JOIN #c")
    una.read()
    bob.say("PRIVMSG #c :oops")
    tags = parse(una.read()[0]).tags
    assert tags is not None
    assert bob.ask(f"@label=1 REDACT #c {tags['msgid']}")[-1] == f"@label=1 :{SERVER} ACK"
    assert verbs(una.read()) == ["REDACT"]


def test_rights_are_checked_again_after_the_look_up(keeping: Here, una: Client, bob: Client) -> None:
    """A user that is kicked meanwhile deletes nothing. One that quits during the deletion has deleted the message."""
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


def test_a_message_of_the_same_tick_can_be_deleted(keeping: Here, una: Client) -> None:
    """The look-up waits until the message is stored."""
    with keeping.tick():
        una.say("PRIVMSG #c :oops")
        msgid = f"{keeping.world.outbox.seq:x}"
        una.say(f"REDACT #c {msgid}")
    assert verbs(una.read())[-2:] == ["PRIVMSG", "REDACT"]
