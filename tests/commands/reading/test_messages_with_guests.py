"""Direct messages between an account and a guest: the account reads them again, and nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, Here, verbs

from chatroom.chat.stored.entries import AtMessageId
from chatroom.irc.message import Message, parse

CAPS = "batch message-tags server-time echo-message draft/chathistory soju.im/search draft/message-redaction"
TIMES = "timestamp=2020-01-01T00:00:00.000Z timestamp=2040-01-01T00:00:00.000Z"


def said(lines: list[str]) -> list[Message]:
    """The messages among some lines."""
    return [message for message in map(parse, lines) if message.verb == "PRIVMSG"]


def facts(messages: list[Message]) -> list[tuple[str | None, str, str, str]]:
    """The sender, msgid, time and text of messages."""
    return [
        (one.source, one.tags["msgid"], one.tags["time"], one.params[-1]) for one in messages if one.tags is not None
    ]


def history(client: Client, name: str) -> list[str]:
    """The texts of what CHATHISTORY shows of the messages with a user."""
    return [message.params[-1] for message in said(client.ask(f"CHATHISTORY LATEST {name} * 9"))]


@pytest.fixture
def una(keeping: Here) -> Client:
    """An account, with the messages ``hello`` and ``hi`` from and to the guest Bob."""
    una = keeping.member("una", caps=CAPS)
    bob = keeping.connect("Bob", caps=CAPS)
    bob.say("PRIVMSG una :hello")
    keeping.wait(3)
    una.say("PRIVMSG bob :hi")
    return una


def test_the_account_reads_both_directions_as_they_were_sent(keeping: Here, una: Client) -> None:
    """Source, msgid, time and text are those that both have read, and the batch has the target as it was asked for."""
    live = facts(said(una.read()))
    lines = una.ask("CHATHISTORY LATEST BOB * 9")
    assert lines[0].endswith(" chathistory BOB")
    assert facts(said(lines)) == live
    assert [one[3] for one in live] == ["hello", "hi"]
    assert facts(said(keeping.clients[2].read())) == live


def test_the_guest_reads_nothing_again(keeping: Here, una: Client) -> None:
    """It proves nothing by its nick: not as the same guest, nor as a later one, nor by registering the nick."""
    bob = keeping.clients[2]
    assert history(bob, "una") == []
    bob.say("QUIT")
    again = keeping.connect("bob", caps=CAPS)
    assert history(again, "una") == []
    assert "SUCCESS" in again.ask(f"REGISTER * * :{PASSWORD}")[0]
    assert history(again, "una") == []
    assert said(again.ask("SEARCH text=hello")) == []
    assert "TARGETS" not in "".join(again.ask(f"CHATHISTORY TARGETS {TIMES} 9")[1:-1])
    again.say("QUIT")
    assert said(keeping.connect("bob", login="bob", caps="server-time").read()) == []


def test_the_account_reads_them_when_the_guest_has_left_or_registered(keeping: Here, una: Client) -> None:
    """The nick finds them; with an account of that name the messages with it follow, in one order."""
    keeping.clients[2].say("QUIT")
    assert history(una, "BOB") == ["hello", "hi"]
    bob = keeping.member("bob", caps=CAPS)
    assert history(una, "bob") == ["hello", "hi"]
    bob.say("PRIVMSG una :now with an account")
    assert history(una, "bob") == ["hello", "hi", "now with an account"]
    keeping.index_history()
    assert history(una, "bob") == ["hello", "hi", "now with an account"]
    assert history(bob, "una") == ["now with an account"]
    bob.say("PRIVMSG bob :to myself")
    assert history(bob, "bob") == ["to myself"]


def test_every_subcommand_reads_both_conversations_as_one(keeping: Here, una: Client) -> None:
    """Bounds and limits hold for the messages of the guest and of the account together."""
    keeping.clients[2].say("QUIT")
    bob = keeping.member("bob", caps=CAPS)
    keeping.wait(3)
    bob.say("PRIVMSG una :third")
    messages = said(una.ask("CHATHISTORY LATEST bob * 9"))
    ids = [message.tags["msgid"] for message in messages if message.tags is not None]
    for asked, found in (
        (f"BEFORE bob msgid={ids[2]} 9", ["hello", "hi"]),
        (f"AFTER bob msgid={ids[0]} 9", ["hi", "third"]),
        (f"AROUND bob msgid={ids[1]} 3", ["hello", "hi", "third"]),
        (f"BETWEEN bob msgid={ids[0]} msgid={ids[2]} 9", ["hi"]),
        ("LATEST bob * 2", ["hi", "third"]),
    ):
        assert [message.params[-1] for message in said(una.ask(f"CHATHISTORY {asked}"))] == found, asked


def test_a_nick_that_never_wrote_is_no_target(keeping: Here, una: Client) -> None:
    """Nothing is stored under it, and no user has it."""
    assert " INVALID_TARGET " in una.ask("CHATHISTORY LATEST nobody * 9")[0]
    assert " INVALID_PARAMS " in una.ask("SEARCH in=nobody;text=hello")[0]
    assert " INVALID_TARGET " in una.ask("REDACT nobody 1a2b")[0]


def test_targets_has_a_guest_once(keeping: Here, una: Client) -> None:
    """By the nick as it was first written, or as it is now; with an account of the name, by the later of both times."""
    keeping.clients[2].say("QUIT")
    line = una.ask(f"CHATHISTORY TARGETS {TIMES} 9")[1]
    assert line.partition(f":{SERVER} ")[2] == "CHATHISTORY TARGETS Bob 2030-05-01T12:00:03.000Z"
    bob = keeping.member("bob", caps=CAPS)
    keeping.wait(2)
    bob.say("PRIVMSG una :later")
    lines = una.ask(f"CHATHISTORY TARGETS {TIMES} 9")[1:-1]
    assert [line.partition(" TARGETS ")[2] for line in lines] == ["bob 2030-05-01T12:00:05.000Z"]


def test_a_search_finds_them_for_the_account(keeping: Here, una: Client) -> None:
    """Everywhere, in the conversation and by sender."""
    keeping.clients[2].say("QUIT")
    for asked in ("text=hello", "in=bob;text=hello", "from=bob"):
        assert [message.params[-1] for message in said(una.ask(f"SEARCH {asked}"))] == ["hello"], asked


def test_each_author_deletes_its_own(keeping: Here, una: Client) -> None:
    """The guest too, until it leaves. Both read of it. A later guest of the nick reads nothing."""
    bob = keeping.clients[2]
    ids = re.findall("msgid=([0-9a-f]+)", "".join(una.read()))
    bob.read()
    assert verbs(bob.ask(f"REDACT una {ids[0]}")) == ["REDACT"]
    assert una.read()[0].endswith(f":{bob.prefix} REDACT una {ids[0]}")
    assert " REDACT_FORBIDDEN " in bob.ask(f"REDACT una {ids[1]}")[0]
    bob.say("NICK other", "QUIT")
    keeping.wait(1)
    later = keeping.connect("bob", caps=CAPS)
    una.read()
    assert verbs(una.ask(f"REDACT bob {ids[1]}")) == ["REDACT"]
    assert later.read() == []
    assert history(una, "bob") == []


def test_a_guest_that_is_still_there_reads_that_a_message_is_deleted(keeping: Here, una: Client) -> None:
    """It shows the message, so it must be able to hide it."""
    ids = re.findall("msgid=([0-9a-f]+)", "".join(una.read()))
    bob = keeping.clients[2]
    bob.read()
    una.say(f"REDACT BOB {ids[1]} :oops")
    assert [line.partition(" ")[2] for line in bob.read()] == [f":{una.prefix} REDACT Bob {ids[1]} :oops"]


def test_missed_messages_of_a_guest_are_among_those_that_are_replayed(keeping: Here, una: Client) -> None:
    """What the account has got since it left is read by one query, whoever sent it."""
    account = una.user.account
    assert account is not None
    found = keeping.stores.history.direct_since(account.id, AtMessageId(0), 9)
    assert [entry.text for entry in found] == ["hello", "hi"]


def test_the_setting_turns_them_off(make_here: Callable[..., Here]) -> None:
    """``history.direct_messages`` is for these as for those between accounts."""
    here = make_here(keeping=True, history={"direct_messages": False})
    una, bob = here.member("una", caps=CAPS), here.connect("bob", caps=CAPS)
    bob.say("PRIVMSG una :hello")
    una.say("PRIVMSG bob :hi")
    assert history(una, "bob") == []
