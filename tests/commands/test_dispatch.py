from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, Here, params_of, verbs

from chatroom.commands.command_table import COMMANDS, When
from chatroom.errors import StorageError
from chatroom.irc.framing import LineBuffer, Malformed
from chatroom.irc.message import parse

LABELLED = "labeled-response batch"


def tags_of(line: str) -> dict[str, str]:
    """The tags of a line."""
    return parse(line).tags or {}


def check_batch(lines: list[str], label: str) -> list[str]:
    """The lines within a labelled batch. There must be no line outside it."""
    first, *inside, last = lines
    assert tags_of(first) == {"label": label}
    opening, closing = parse(first), parse(last)
    assert opening.verb == closing.verb == "BATCH"
    assert opening.params[1] == "labeled-response"
    reference = opening.params[0].removeprefix("+")
    assert closing.params == [f"-{reference}"]
    assert all(tags_of(line).get("batch") == reference for line in inside)
    assert all("label" not in tags_of(line) for line in inside)
    return inside


@pytest.fixture
def alice(here: Here) -> Client:
    """A guest with labels and batches."""
    return here.connect("alice", caps=LABELLED)


def test_no_reply_is_an_ack(alice: Client) -> None:
    """A labelled line without a reply is acknowledged."""
    assert alice.ask("@label=x PRIVMSG #lobby :hi") == [f"@label=x :{SERVER} ACK"]
    assert alice.ask("@label=y PONG :x") == [f"@label=y :{SERVER} ACK"]


def test_one_reply_carries_the_label(alice: Client) -> None:
    """The label is escaped as it came."""
    assert alice.ask("@label=a\\:b PING :1") == [f"@label=a\\:b :{SERVER} PONG {SERVER} :1"]
    before = alice.prefix
    assert alice.ask("@label=n NICK bob") == [f"@label=n :{before} NICK bob"]
    assert alice.ask("@label=u FOO") == [f"@label=u :{SERVER} 421 bob FOO :Unknown command"]


def test_several_replies_are_a_batch(alice: Client) -> None:
    """The label is on the line that opens it."""
    inside = check_batch(alice.ask("@label=w WHOIS alice"), "w")
    assert verbs(inside)[0] == "311"
    assert verbs(inside)[-1] == "318"
    assert verbs(check_batch(alice.ask("@label=j JOIN #a"), "j")) == ["JOIN", "353", "366"]


def test_unlabelled_lines_are_answered_plainly(alice: Client) -> None:
    """Without a label, with an empty one, or without the capability."""
    assert alice.ask("PING :1") == [f":{SERVER} PONG {SERVER} :1"]
    assert alice.ask("@label= PING :1") == [f":{SERVER} PONG {SERVER} :1"]
    bob = alice.here.connect("bob")
    assert bob.ask("@label=x PING :1") == [f":{SERVER} PONG {SERVER} :1"]


def test_two_batches_of_a_tick_have_different_references(alice: Client) -> None:
    """A client can tell batches apart that it reads at once."""
    with alice.here.tick():
        alice.read()
        alice.say("@label=1 WHOIS alice", "@label=2 WHOIS alice")
    sent = alice.read()
    half = len(sent) // 2
    check_batch(sent[:half], "1")
    check_batch(sent[half:], "2")
    assert parse(sent[0]).params[0] != parse(sent[half]).params[0]


def test_an_echo_carries_the_label(here: Here) -> None:
    """With echo-message, the echo is the labelled reply. Other users see no label."""
    alice = here.connect("alice", caps=f"{LABELLED} echo-message message-tags")
    bob = here.connect("bob", caps=f"{LABELLED} message-tags")
    here.forget_unread()
    echo = alice.ask("@label=e PRIVMSG #lobby :hi")
    assert len(echo) == 1
    told = bob.read()
    assert tags_of(echo[0]) == {"label": "e", **tags_of(told[0])}
    assert parse(echo[0]).params == parse(told[0]).params


def test_a_label_outlasts_the_wait_for_the_disk(here: Here) -> None:
    """The reply of a verb that waited is labelled. Messages of others meanwhile are no part of it."""
    una, bob = here.member(caps=LABELLED), here.connect("bob")
    una.say("JOIN #a")
    bob.say("JOIN #a")
    here.forget_unread()
    here.holding = True
    una.say("@label=m MODE #a +m", "@label=p PING :1")
    bob.say("PRIVMSG una :meanwhile")
    assert una.read() == [f":{bob.prefix} PRIVMSG una :meanwhile"]
    here.release()
    assert una.read() == [
        f"@label=m :{una.prefix} MODE #a +m",
        f"@label=p :{SERVER} PONG {SERVER} :1",
    ]
    assert bob.read() == [f":{una.prefix} MODE #a +m"]


def test_a_labelled_refusal_is_labelled(here: Here) -> None:
    """FAIL and 481 carry the label like any reply."""
    ada = here.admin(caps=LABELLED)
    assert tags_of(ada.ask("@label=f UBAN ADD 1.2.3")[0]) == {"label": "f"}
    alice = here.connect("alice", caps=LABELLED)
    assert tags_of(alice.ask("@label=g KILL ada")[0]) == {"label": "g"}


def test_a_session_that_is_closed_reads_the_numeric_first(here: Here) -> None:
    """A labelled line closes it. The numeric with the reason is not lost."""
    here.ban("eve", "rude")
    client = here.open()
    client.say("CAP REQ :labeled-response batch", "NICK eve", "USER e 0 * :E")
    assert {"465", "ERROR"} <= set(verbs(client.ask("@label=c CAP END")))


def test_labels_before_registration(here: Here) -> None:
    """A labelled CAP END is answered with the whole welcome in a batch."""
    client = here.open()
    client.say("CAP REQ :labeled-response batch", "NICK alice", "USER e 0 * :E")
    inside = check_batch(client.ask("@label=c CAP END"), "c")
    assert verbs(inside)[0] == "001"


@pytest.mark.parametrize(
    "malformed, verb", [(Malformed.TOO_LONG, "417"), (Malformed.NOT_UTF8, "FAIL"), (Malformed.HAS_NUL, "400")]
)
def test_a_malformed_line_is_answered(alice: Client, malformed: Malformed, verb: str) -> None:
    """Each error of the framing has its answer, and the session goes on."""
    sent = alice.ask(malformed)
    assert verbs(sent) == [verb]
    if verb == "FAIL":
        assert params_of(sent, "FAIL")[:2] == ["*", "INVALID_UTF8"]
    assert not alice.closed


@pytest.mark.parametrize(
    "line, verb",
    [(b"PRIVMSG #a :caf\xe9", "PRIVMSG"), (b"privmsg #a \xff", "PRIVMSG"), (b"\xffPING x", "*"), (b":x \xff", "*")],
)
def test_a_line_that_is_not_utf8_is_refused_with_its_verb(here: Here, line: bytes, verb: str) -> None:
    """FAIL names the verb if it can be read, and carries the label."""
    alice = here.connect("alice", caps="labeled-response batch")
    [malformed] = LineBuffer().feed(line + b"\r\n")
    assert params_of(alice.ask(malformed), "FAIL")[:2] == [verb, "INVALID_UTF8"]
    [labelled] = LineBuffer().feed(b"@label=x " + line + b"\r\n")
    assert alice.ask(labelled)[0].startswith("@label=x ")


def test_verbs_have_any_case_and_empty_lines_no_answer(alice: Client) -> None:
    """``pInG`` is PING. A line without a verb is skipped. A source is ignored."""
    assert alice.ask("pInG :1") == alice.ask(":somebody!else@x PING :1") == [f":{SERVER} PONG {SERVER} :1"]
    assert alice.ask(" ", "@a=b", ":x", "@a :x ") == []


def test_every_privileged_verb_is_refused_below_its_role(here: Here) -> None:
    """The answer is 481 for guests and accounts, before any other check."""
    guest, una = here.connect("guest"), here.member()
    privileged = [command for command in COMMANDS.values() if command.role is not None]
    assert {"KILL", "UBAN", "REHASH", "WALLOPS"} <= {command.verb for command in privileged}
    for command in privileged:
        for client in (guest, una):
            assert verbs(client.ask(f"{command.verb} guest una x")) == ["481"]
            assert verbs(client.ask(command.verb)) == ["481"]


def test_a_verb_for_admins_is_refused_to_a_moderator(here: Here) -> None:
    """A moderator has the lower role."""
    mo = here.moderator()
    for command in COMMANDS.values():
        if command.role is not None and command.role.word == "admin":
            assert verbs(mo.ask(f"{command.verb} a b c")) == ["481"]


def test_the_control_sockets_verbs_are_unknown_on_the_wire(here: Here) -> None:
    """An admin cannot use them either. The control socket has no verbs but its own."""
    ada, control = here.admin(), here.control()
    for command in COMMANDS.values():
        if command.when is When.CONTROL:
            assert verbs(ada.ask(f"{command.verb} x")) == ["421"]
        elif not command.control:
            assert verbs(control.ask(f"{command.verb} x y z w")) == ["421"]


def test_every_verb_before_registration(here: Here) -> None:
    """A verb for registered sessions is 451, also without its parameters. Other verbs are answered otherwise."""
    for command in COMMANDS.values():
        client = here.open()
        if command.when is When.AFTER:
            assert client.ask(command.verb) == [f":{SERVER} 451 * :You have not registered"]
        elif command.when is not When.CONTROL:
            assert "451" not in verbs(client.ask(command.verb))


def test_a_full_disk_is_reported_to_the_caller_only(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ban that cannot be lifted is refused as temporarily unavailable. No session is closed."""
    ada, eve = here.admin(), here.connect("eve")

    def fail(*_: object) -> None:
        raise StorageError("disk full")

    ada.say("UBAN ADD mallory")
    ada.read()
    monkeypatch.setattr(type(here.stores.bans), "lift", fail)
    told = params_of(ada.ask("UBAN DEL mallory"), "FAIL")
    assert told == ["UBAN", "TEMPORARILY_UNAVAILABLE", "That could not be stored, try again in a moment"]
    assert not eve.closed
    assert [rule.target for rule in here.world.bans] == ["mallory"]


def test_a_full_disk_refuses_a_login(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the database no login succeeds, and the answer does not say that the password was wrong."""
    here.account("una")

    def fail(*_: object) -> None:
        raise StorageError("disk gone")

    monkeypatch.setattr(type(here.stores.accounts), "find_with_credentials", fail)
    client = here.open()
    sent = client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    assert "TEMPORARILY_UNAVAILABLE" in params_of(sent, "FAIL")
    assert client.session.user is None


def test_help_knows_every_verb(alice: Client) -> None:
    """HELP lists the verbs of the wire and shows the help of each. Another word is 524."""
    listed = {word for line in alice.ask("HELP") if " 705 " in line for word in line.split(" :")[1].split()}
    assert listed == {verb for verb, command in COMMANDS.items() if command.when is not When.CONTROL}
    for verb in listed:
        sent = alice.ask(f"HELP {verb.lower()}")
        assert params_of(sent, "704")[1:] == [verb.lower(), f"{verb} {COMMANDS[verb].params}".rstrip()]
        assert verbs(sent)[1:] == ["705"] * (len(sent) - 2) + ["706"]
        assert len(sent) > 2
    assert alice.ask("HELP FOO") == [f":{SERVER} 524 alice FOO :Help not found"]
    assert verbs(alice.ask("HELP STATUS")) == ["524"]


def test_the_replies_of_a_labelled_line_are_sent_together(make_here: Callable[..., Here]) -> None:
    """REGISTER waits twice, and answers in one batch at its end."""
    here = make_here()
    alice = here.connect("alice", caps=LABELLED)
    here.holding = True
    assert alice.ask(f"@label=r REGISTER * * :{PASSWORD}") == []
    here.release(1)
    assert alice.read() == []
    here.release()
    assert verbs(check_batch(alice.read(), "r")) == ["REGISTER", "900"]


@pytest.mark.parametrize("cut", [5000, 700, 20])
def test_a_line_that_is_too_long_is_answered_with_its_label(here: Here, cut: int) -> None:
    """The 417 carries the label, also if the line came in pieces. A label within too long tags is lost."""
    alice = here.connect("alice", caps="labeled-response batch")
    buffer, line = LineBuffer(), b"@label=x PRIVMSG alice :" + b"y" * 4500 + b"\r\n"
    pieces = [line[at : at + cut] for at in range(0, len(line), cut)]
    [malformed] = [line for piece in pieces for line in buffer.feed(piece)]
    assert alice.ask(malformed) == [f"@label=x :{SERVER} 417 alice :Input line was too long"]
    [lost] = buffer.feed(b"@a=" + b"y" * 9000 + b";label=x PING\r\n")
    assert alice.ask(lost) == [f":{SERVER} 417 alice :Input line was too long"]


def test_a_verb_that_is_stored_waits_while_too_much_is_to_be_written(here: Here) -> None:
    """JOIN and its like wait, and the session's further lines behind them. Operators and messages do not."""
    una, mod = here.member("una"), here.moderator("mo")
    here.holding = True
    here.world.work.is_full = True
    assert una.ask("JOIN #a", "PRIVMSG mo :behind it") == []
    assert any(" JOIN " in line for line in mod.ask("JOIN #b"))
    here.release(2)
    assert una.read() == []
    here.world.work.is_full = False
    here.release()
    assert any(" JOIN " in line for line in una.read())
    assert any("behind it" in line for line in mod.read())


def test_a_verb_that_waited_for_room_in_vain_does_nothing(here: Here) -> None:
    """The session has ended meanwhile."""
    una = here.member("una")
    here.holding = True
    here.world.work.is_full = True
    una.say("JOIN #a")
    with here.tick():
        here.world.close(una.session, "gone")
    here.world.work.is_full = False
    here.release()
    assert here.world.find_channel("#a") is None
