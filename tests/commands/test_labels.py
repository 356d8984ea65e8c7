from __future__ import annotations

from typing import NoReturn

import pytest
from harness.world import SERVER, Here, verbs

from chatroom.chat.people.labelled_reply import LabelledReply
from chatroom.commands.context import Context
from chatroom.commands.dispatch import finish, resume
from chatroom.commands.pending import Pending
from chatroom.irc import numerics
from chatroom.irc.message import Message, parse

CAPS = "batch labeled-response"


def parsed(lines: list[str]) -> list[Message]:
    """The lines as messages."""
    return [parse(line) for line in lines]


def test_a_label_needs_both_capabilities(here: Here) -> None:
    """Without batch, or without labeled-response, it is ignored."""
    for caps in ("batch", "labeled-response", ""):
        client = here.connect(f"a{len(caps)}", caps=caps)
        client.read()
        assert client.ask("@label=x PING y") == [f":{SERVER} PONG {SERVER} :y"]


def test_a_label_has_at_most_64_bytes(here: Here) -> None:
    """A longer one is ignored. Escapes come back as they were."""
    alice = here.connect("alice", caps=CAPS)
    alice.read()
    assert alice.ask(f"@label={'x' * 64} PONG")[0].startswith(f"@label={'x' * 64} ")
    assert alice.ask(f"@label={'x' * 65} PONG") == []
    assert alice.ask("@label=\\:\\s PONG") == [f"@label=\\:\\s :{SERVER} ACK"]


def test_a_message_to_oneself_is_labelled_as_an_echo_only(here: Here) -> None:
    """The delivered message has no label. The echo has it, or the ACK without echo-message."""
    alice = here.connect("alice", caps=CAPS)
    bob = here.connect("bob", caps=CAPS + " echo-message message-tags")
    here.forget_unread()
    said = f":{alice.prefix} PRIVMSG alice :hi"
    assert sorted(alice.ask("@label=x PRIVMSG alice :hi")) == sorted([said, f"@label=x :{SERVER} ACK"])
    for line in ("PRIVMSG bob :hi", "NOTICE bob :hi", "TAGMSG bob"):
        sent = parsed(bob.ask(f"@label=x;+a=b {line}"))
        assert sorted((message.tags or {}).get("label", "") for message in sent) == ["", "x"]
        assert {(message.verb, *message.params) for message in sent} == {(sent[0].verb, *sent[0].params)}
        assert len({(message.tags or {})["msgid"] for message in sent}) == 1
        assert {(message.tags or {})["+a"] for message in sent} == {"b"}


def test_echoes_of_messages_carry_the_label(here: Here) -> None:
    """For PRIVMSG, NOTICE and TAGMSG. The receiver sees no label. Two targets make a batch."""
    alice = here.connect("alice", caps=CAPS + " echo-message message-tags")
    bob = here.connect("bob", caps="message-tags")
    here.forget_unread()
    for line in ("PRIVMSG #lobby :hi", "NOTICE bob :hi", "TAGMSG #lobby"):
        (echo,), (said,) = parsed(alice.ask(f"@label=x {line}")), parsed(bob.read())
        assert echo.params == said.params
        assert echo.tags == {"label": "x"} | (said.tags or {})
        assert set(said.tags or {}) == {"msgid"}
    assert verbs(alice.ask("@label=x PRIVMSG bob,#lobby :hi")) == ["BATCH", "PRIVMSG", "PRIVMSG", "BATCH"]


def test_an_event_that_the_client_did_not_negotiate_is_no_reply(here: Here) -> None:
    """The echo of a TAGMSG, or a SETNAME, leaves an ACK."""
    alice = here.connect("alice", caps=CAPS + " echo-message")
    alice.read()
    assert alice.ask("@label=x TAGMSG #lobby") == [f"@label=x :{SERVER} ACK"]
    assert alice.ask("@label=y SETNAME :Other") == [f"@label=y :{SERVER} ACK"]


def test_refusals_carry_the_label(here: Here) -> None:
    """Numerics and FAIL lines, also of an unknown verb."""
    alice = here.connect("alice", caps=CAPS)
    alice.read()
    assert alice.ask("@label=x PRIVMSG nobody :x") == [f"@label=x :{SERVER} 401 alice nobody :No such nick/channel"]
    assert alice.ask("@label=x KICK") == [f"@label=x :{SERVER} 461 alice KICK :Not enough parameters"]
    assert alice.ask("@label=x NOSUCH") == [f"@label=x :{SERVER} 421 alice NOSUCH :Unknown command"]


def test_labels_count_before_registration(here: Here) -> None:
    """From the CAP ACK on: a refusal has its label, and so has the whole welcome."""
    client = here.open()
    client.say("CAP LS 302", f"CAP REQ :{CAPS}", "NICK alice")
    assert client.ask("@label=x JOIN #a") == [f"@label=x :{SERVER} 451 * :You have not registered"]
    client.say("@label=y USER alice 0 * :Alice")
    begin, *welcome, end = parsed(client.ask("@label=z CAP END"))
    reference = begin.params[0][1:]
    assert (begin.tags, begin.params[1]) == ({"label": "z"}, "labeled-response")
    assert end.params == [f"-{reference}"]
    assert {(message.tags or {})["batch"] for message in welcome} == {reference}
    assert welcome[0].verb == "001"


def test_the_last_lines_of_a_session_are_labelled(here: Here) -> None:
    """QUIT is answered with the user's own QUIT and ERROR, in a batch. A wrong password's 464 comes before ERROR."""
    alice = here.connect("alice", caps=CAPS)
    sent = parsed(alice.ask("@label=x QUIT :bye"))
    assert [message.verb for message in sent] == ["BATCH", "QUIT", "ERROR", "BATCH"]
    here.account("una")
    una = here.open()
    una.say("CAP LS 302", f"CAP REQ :{CAPS}", "PASS wrong", "NICK una", "USER una 0 * :Una")
    sent = parsed(una.ask("@label=x CAP END"))
    assert [message.verb for message in sent] == ["BATCH", "464", "ERROR", "BATCH"]


def test_messages_of_others_are_no_part_of_a_labelled_reply(here: Here) -> None:
    """They reach the session while its command waits for the disk, without the label."""
    una, bob = here.member(caps=CAPS), here.connect("bob")
    una.say("JOIN #a")
    bob.say("JOIN #a")
    here.forget_unread()
    here.holding = True
    una.say("@label=x TOPIC #a :tea")
    bob.say("PRIVMSG #a :meanwhile")
    assert una.read() == [f":{bob.prefix} PRIVMSG #a :meanwhile"]
    here.release()
    assert una.read() == [f"@label=x :{una.prefix} TOPIC #a :tea"]


def test_a_rename_by_another_user_is_no_part_of_a_labelled_reply(here: Here) -> None:
    """A session without channel-rename reads PART and JOIN at once, while its own labelled command waits."""
    una, mo = here.member(caps=CAPS), here.moderator()
    for client in (una, mo):
        client.say("JOIN #a")
    here.forget_unread()
    here.holding = True
    una.say("@label=x TOPIC #a :tea")
    mo.say("RENAME #a #b")
    assert verbs(una.read())[:2] == ["PART", "JOIN"]
    here.release()
    (line,) = parsed(una.read())
    assert (line.verb, line.tags) == ("TOPIC", {"label": "x"})


def test_the_report_of_a_bug_after_waiting_is_labelled(here: Here) -> None:
    """The replies so far are not lost either."""
    alice = here.connect("alice", caps=CAPS)
    context = Context(here.world, alice.session, "X")

    def fail(context: Context, result: object) -> NoReturn:
        context.notice("so far")
        raise ZeroDivisionError

    alice.read()
    with here.tick():
        alice.session.labelled_reply = LabelledReply("x")
        with pytest.raises(ZeroDivisionError):
            resume(context, Pending(None, None, fail), None)
        context.reply(numerics.ERR_UNKNOWNERROR)
        finish(context)
    assert verbs(alice.read()) == ["BATCH", "NOTICE", "400", "BATCH"]
    assert alice.session.labelled_reply is None


def test_a_user_killed_while_a_labelled_line_waits_reads_the_reason(here: Here) -> None:
    """The ERROR is sent at once, as the end of the labelled reply."""
    una, mo = here.member(caps=CAPS), here.moderator()
    una.say("JOIN #a")
    here.forget_unread()
    here.holding = True
    una.say("@label=x TOPIC #a :tea")
    mo.say("KILL una :enough")
    assert una.read()[-1].startswith("@label=x ERROR :Closing Link")
    here.release()
    assert una.read() == []
