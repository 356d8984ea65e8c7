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
    """Lines as messages."""
    return [parse(line) for line in lines]


def test_a_label_counts_only_beside_batches(here: Here) -> None:
    """Without batch, and without labeled-response, a label is passed over."""
    for caps in ("batch", "labeled-response", ""):
        client = here.connect(f"a{len(caps)}", caps=caps)
        client.read()
        assert client.ask("@label=x PING y") == [f":{SERVER} PONG {SERVER} :y"]


def test_a_label_has_at_most_64_bytes(here: Here) -> None:
    """A longer one is none; escapes come back as they were."""
    alice = here.connect("alice", caps=CAPS)
    alice.read()
    assert alice.ask(f"@label={'x' * 64} PONG")[0].startswith(f"@label={'x' * 64} ")
    assert alice.ask(f"@label={'x' * 65} PONG") == []
    assert alice.ask("@label=\\:\\s PONG") == [f"@label=\\:\\s :{SERVER} ACK"]


def test_a_message_to_oneself_is_labelled_as_an_echo_only(here: Here) -> None:
    """What is delivered has no label; the echo, or the ACK without one, has."""
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


def test_echoes_to_channels_and_people_carry_the_label(here: Here) -> None:
    """PRIVMSG, NOTICE and TAGMSG alike; the receiver sees no label; two targets make a batch."""
    alice = here.connect("alice", caps=CAPS + " echo-message message-tags")
    bob = here.connect("bob", caps="message-tags")
    here.forget_unread()
    for line in ("PRIVMSG #lobby :hi", "NOTICE bob :hi", "TAGMSG #lobby"):
        (echo,), (said,) = parsed(alice.ask(f"@label=x {line}")), parsed(bob.read())
        assert echo.params == said.params
        assert echo.tags == {"label": "x"} | (said.tags or {})
        assert set(said.tags or {}) == {"msgid"}
    assert verbs(alice.ask("@label=x PRIVMSG bob,#lobby :hi")) == ["BATCH", "PRIVMSG", "PRIVMSG", "BATCH"]


def test_what_is_not_for_the_client_is_not_in_the_answer(here: Here) -> None:
    """A TAGMSG's echo, or a SETNAME, to a client that knows no such thing leaves an ACK."""
    alice = here.connect("alice", caps=CAPS + " echo-message")
    alice.read()
    assert alice.ask("@label=x TAGMSG #lobby") == [f"@label=x :{SERVER} ACK"]
    assert alice.ask("@label=y SETNAME :Other") == [f"@label=y :{SERVER} ACK"]


def test_refusals_carry_the_label(here: Here) -> None:
    """Numerics and FAIL lines, of verbs that exist and that do not."""
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


def test_the_last_words_of_a_connection_are_labelled(here: Here) -> None:
    """QUIT is answered with one's own QUIT and ERROR, in a batch; a wrong password's 464 is not lost before ERROR."""
    alice = here.connect("alice", caps=CAPS)
    sent = parsed(alice.ask("@label=x QUIT :bye"))
    assert [message.verb for message in sent] == ["BATCH", "QUIT", "ERROR", "BATCH"]
    here.account("una")
    una = here.open()
    una.say("CAP LS 302", f"CAP REQ :{CAPS}", "PASS wrong", "NICK una", "USER una 0 * :Una")
    sent = parsed(una.ask("@label=x CAP END"))
    assert [message.verb for message in sent] == ["BATCH", "464", "ERROR", "BATCH"]


def test_an_answer_that_waits_for_the_disk_is_labelled_and_others_news_is_not(here: Here) -> None:
    """What others do meanwhile reaches the session at once, without the label."""
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


def test_somebody_kicked_off_while_a_labelled_line_waits_reads_why(here: Here) -> None:
    """The ERROR is sent at once, as the end of the answer that will never be complete."""
    una, mo = here.member(caps=CAPS), here.moderator()
    una.say("JOIN #a")
    here.forget_unread()
    here.holding = True
    una.say("@label=x TOPIC #a :tea")
    mo.say("KILL una :enough")
    assert una.read()[-1].startswith("@label=x ERROR :Closing Link")
    here.release()
    assert una.read() == []
