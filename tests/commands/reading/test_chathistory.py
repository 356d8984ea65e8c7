from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from harness.history_answers import CAPS, at, batch_of, speak, texts
from harness.session_client import Client
from harness.world import SERVER, Here, params_of, verbs

from chatroom.commands.talking import plain_messages, utterance
from chatroom.errors import StorageError
from chatroom.irc.message import parse


@pytest.fixture
def una(keeping: Here) -> Client:
    """A member of #c, with five messages, ``0`` to ``4``, a second apart."""
    una = keeping.member("una", caps=CAPS)
    keeping.set_clock(-1)
    una.say("JOIN #c")
    keeping.wait(1)
    speak(keeping, una, *"01234")
    una.read()
    return una


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    "asked, found",
    [
        ("LATEST #c * 3", "234"),
        ("LATEST #c * 50", "01234"),
        (f"LATEST #c {at(2)} 10", "34"),
        (f"LATEST #c {at(0)} 2", "34"),
        (f"BEFORE #c {at(3)} 2", "12"),
        (f"BEFORE #c {at(0)} 2", ""),
        (f"AFTER #c {at(1)} 2", "23"),
        (f"AFTER #c {at(4)} 2", ""),
        (f"AROUND #c {at(2)} 3", "123"),
        (f"AROUND #c {at(2)} 1", "2"),
        (f"BETWEEN #c {at(0)} {at(4)} 2", "12"),
        (f"BETWEEN #c {at(4)} {at(0)} 2", "23"),
        (f"BETWEEN #c {at(4)} {at(0)} 10", "123"),
        (f"between #C {at(2)} {at(3)} 10", ""),
    ],
)
def test_each_subcommand_answers_what_it_is_asked(
    keeping: Here, una: Client, asked: str, found: str, indexed: bool
) -> None:
    """The entries at the bounds are left out, except by AROUND. The answer is oldest first, from either side."""
    if indexed:
        keeping.index_history()
    name = asked.split()[1]
    assert texts(una.ask(f"CHATHISTORY {asked}"), f"chathistory {name}") == list(found)


def test_msgids_are_bounds_as_well(una: Client) -> None:
    """The answers are the same as for the times of the messages."""
    ids = [line.tags["msgid"] for line in batch_of(una.ask("CHATHISTORY LATEST #c * 5")) if line.tags is not None]
    for asked, found in (
        (f"LATEST #c msgid={ids[2]} 10", "34"),
        (f"BEFORE #c msgid={ids[3]} 2", "12"),
        (f"AFTER #c msgid={ids[1]} 2", "23"),
        (f"AROUND #c msgid={ids[2]} 3", "123"),
        (f"BETWEEN #c msgid={ids[0]} msgid={ids[4]} 2", "12"),
        (f"BETWEEN #c msgid={ids[4]} {at(0)} 2", "23"),
    ):
        assert texts(una.ask(f"CHATHISTORY {asked}")) == list(found), asked


def test_a_message_is_shown_as_it_was_sent(keeping: Here) -> None:
    """Time, msgid, account, bot flag, client-only tags, verb, source and text are those of the message."""
    una = keeping.member("una", caps=f"{CAPS} echo-message")
    una.say("JOIN #c", "MODE una +B")
    said = una.ask("@+reply=x;+draft/y PRIVMSG #c :hello", "NOTICE #c :psst")
    keeping.wait(100)
    una.say("NICK una2")
    within = una.ask("CHATHISTORY LATEST #c * 10")[1:-1]
    assert [re.sub("batch=[^;]*;", "", line) for line in within] == said


def test_a_multiline_message_is_shown_line_by_line(keeping: Here) -> None:
    """It is a batch within the batch for a client with multiline, and single lines of the batch for another one."""
    una = keeping.member("una", caps=f"{CAPS} draft/multiline echo-message")
    bob = keeping.member("bob", caps=CAPS)
    una.say("JOIN #c")
    bob.say("JOIN #c")
    una.read()
    una.say("BATCH +1 draft/multiline #c")
    una.say("@batch=1 PRIVMSG #c :one", "@batch=1;draft/multiline-concat PRIVMSG #c :half", "@batch=1 PRIVMSG #c :two")
    said = [parse(line) for line in una.ask("BATCH -1")]
    lines = [parse(line) for line in una.ask("CHATHISTORY LATEST #c * 10")]
    assert [line.params[-1] for line in lines[2:-2]] == ["one", "half", "two"]
    outer, inner = lines[0].params[0][1:], lines[1].params[0][1:]
    assert lines[1].params == [f"+{inner}", "draft/multiline", "#c"] and lines[-2].params == [f"-{inner}"]
    for line, before in zip((lines[1], lines[-2]), (said[0], said[-1]), strict=True):
        assert line.tags == {"batch": outer, **(before.tags or {})}
    assert all(line.tags is not None and line.tags["batch"] == inner for line in lines[2:-2])
    assert texts(bob.ask("CHATHISTORY LATEST #c * 10")) == ["one", "half", "two"]


def test_an_empty_answer_is_an_empty_batch(keeping: Here) -> None:
    """Without it, the client would wait for the answer."""
    una = keeping.member("una", caps=CAPS)
    una.say("JOIN #c")
    assert texts(una.ask("CHATHISTORY LATEST #C * 10"), "chathistory #C") == []
    assert texts(una.ask(f"CHATHISTORY TARGETS {at(0)} {at(9)} 10"), "draft/chathistory-targets") == []


def test_the_label_is_on_the_batch(una: Client) -> None:
    """A labelled CHATHISTORY has one labelled answer: a batch, or a FAIL."""
    una.say("CAP REQ labeled-response")
    for asked in ("LATEST #c * 2", "LATEST #nowhere * 2"):
        first, *others = map(parse, una.ask(f"@label=x CHATHISTORY {asked}"))
        assert first.tags is not None and first.tags["label"] == "x"
        assert not any(other.tags and "label" in other.tags for other in others)


def test_a_client_without_batch_and_tags_reads_the_plain_lines(keeping: Here, una: Client) -> None:
    """A client that has negotiated none of the capabilities is answered too."""
    bob = keeping.member("bob", caps="draft/chathistory")
    bob.say("JOIN #c")
    prefix = una.prefix
    assert bob.ask("CHATHISTORY LATEST #c * 2") == [f":{prefix} PRIVMSG #c :3", f":{prefix} PRIVMSG #c :4"]


def test_events_are_shown_with_event_playback_only(make_here: Callable[..., Here]) -> None:
    """Joins, topics, modes, parts and kicks are shown as their lines."""
    kinds = {"topics": True, "joins": True, "kicks": True, "modes": True}
    here = make_here(keeping=True, channels={"autojoin": ()}, history=kinds)
    una = here.member("una", caps=f"{CAPS} draft/event-playback extended-join")
    bob = here.member("bob", caps=CAPS)
    una.say("JOIN #c", "TOPIC #c :what it is")
    bob.say("JOIN #c", "PRIVMSG #c :hello", "PART #c :bye", "JOIN #c")
    una.say("MODE #c +v bob", "KICK #c bob :too much", "PRIVMSG #c :well")
    within = batch_of(una.ask("CHATHISTORY LATEST #c * 50"))
    assert [(line.nick, line.verb, *line.params) for line in within] == [
        ("una", "JOIN", "#c", "una", "Real Name"),
        ("una", "TOPIC", "#c", "what it is"),
        ("bob", "JOIN", "#c", "bob", "Real Name"),
        ("bob", "PRIVMSG", "#c", "hello"),
        ("bob", "PART", "#c", "bye"),
        ("bob", "JOIN", "#c", "bob", "Real Name"),
        ("una", "MODE", "#c", "+v", "bob"),
        ("una", "KICK", "#c", "bob", "too much"),
        ("una", "PRIVMSG", "#c", "well"),
    ]
    bob.say("JOIN #c")
    assert verbs(bob.ask("CHATHISTORY LATEST #c * 50")) == ["BATCH", "PRIVMSG", "PRIVMSG", "BATCH"]


@pytest.mark.parametrize(
    "said, answer",
    [
        ("CHATHISTORY", "INVALID_PARAMS * :Insufficient parameters"),
        ("CHATHISTORY NEWEST #c * 5", "INVALID_PARAMS NEWEST :Unknown command"),
        ("CHATHISTORY LATEST #c *", "INVALID_PARAMS LATEST :Insufficient parameters"),
        ("CHATHISTORY BETWEEN #c * 5", "INVALID_PARAMS BETWEEN :Insufficient parameters"),
        ("CHATHISTORY LATEST #c * 5 6", "INVALID_PARAMS LATEST :Too many parameters"),
        ("CHATHISTORY LATEST #c * 0", "INVALID_PARAMS LATEST 0 :Invalid limit: from 1 to 1000"),
        ("CHATHISTORY LATEST #c * -1", "INVALID_PARAMS LATEST -1 :Invalid limit: from 1 to 1000"),
        ("CHATHISTORY LATEST #c * ten", "INVALID_PARAMS LATEST ten :Invalid limit: from 1 to 1000"),
        ("CHATHISTORY LATEST #c * 1001", "INVALID_PARAMS LATEST 1001 :Invalid limit: from 1 to 1000"),
        ("CHATHISTORY LATEST #c * 1000000000", "INVALID_PARAMS LATEST 1000000000 :Invalid limit: from 1 to 1000"),
        ("CHATHISTORY LATEST #c * :", "INVALID_PARAMS LATEST * :Invalid limit: from 1 to 1000"),
        (
            "CHATHISTORY BEFORE #c * 5",
            "INVALID_PARAMS BEFORE * :Invalid bound: timestamp=<time> or msgid=<id>",
        ),
        (
            "CHATHISTORY BEFORE #c timestamp=yesterday 5",
            "INVALID_PARAMS BEFORE timestamp=yesterday :Invalid timestamp: YYYY-MM-DDThh:mm:ss.sssZ",
        ),
        (
            "CHATHISTORY AROUND #c msgid=xyz 5",
            "INVALID_PARAMS AROUND msgid=xyz :Invalid msgid: no message was kept under it",
        ),
        (
            "CHATHISTORY AFTER #c number=1 5",
            "INVALID_MSGREFTYPE AFTER #c number=1 :A bound begins with timestamp= or msgid=",
        ),
        (
            f"CHATHISTORY TARGETS {at(0)} msgid=1f 5",
            f"INVALID_PARAMS TARGETS {at(0)} msgid=1f :Both bounds must be timestamps",
        ),
        ("CHATHISTORY LATEST #nowhere * 5", "INVALID_TARGET LATEST #nowhere :Messages could not be retrieved"),
        ("CHATHISTORY LATEST nobody * 5", "INVALID_TARGET LATEST nobody :Messages could not be retrieved"),
        ("CHATHISTORY LATEST * * 5", "INVALID_TARGET LATEST * :Messages could not be retrieved"),
    ],
)
def test_an_invalid_question_is_refused(una: Client, said: str, answer: str) -> None:
    """The FAIL has the specification's code, the subcommand and the invalid word."""
    assert una.ask(said) == [f":{SERVER} FAIL CHATHISTORY {answer}"]


def test_only_members_and_moderators_read_a_channel(keeping: Here, una: Client) -> None:
    """A user that is not in the channel, or has left it, is refused. A moderator need not be in it."""
    bob, mo = keeping.member("bob", caps=CAPS), keeping.moderator("mo", caps=CAPS)
    bob.say("JOIN #c")
    assert texts(bob.ask("CHATHISTORY LATEST #c * 2")) == ["3", "4"]
    bob.say("PART #c")
    refused = [f":{SERVER} FAIL CHATHISTORY INVALID_TARGET LATEST #c :Messages could not be retrieved"]
    assert bob.ask("CHATHISTORY LATEST #c * 2") == refused
    assert texts(mo.ask("CHATHISTORY LATEST #c * 2")) == ["3", "4"]


def test_rights_are_checked_again_after_reading(keeping: Here, una: Client) -> None:
    """A user that is kicked while the worker reads is shown nothing."""
    bob = keeping.member("bob", caps=CAPS)
    bob.say("JOIN #c")
    bob.read()
    keeping.holding = True
    bob.say("CHATHISTORY LATEST #c * 2", f"CHATHISTORY TARGETS {at(0)} {at(9)} 5")
    una.say("KICK #c bob :out")
    keeping.release()
    lines = bob.read()
    assert verbs(lines) == ["KICK", "FAIL", "BATCH", "BATCH"]
    assert params_of(lines, "FAIL")[:4] == ["CHATHISTORY", "INVALID_TARGET", "LATEST", "#c"]


def test_a_session_that_ends_while_a_worker_reads_is_not_answered(keeping: Here, una: Client) -> None:
    """The answer is dropped without an error."""
    keeping.holding = True
    una.say("CHATHISTORY LATEST #c * 2")
    una.vanish()
    keeping.release()
    assert una.closed


def test_the_messages_of_two_accounts_are_one_conversation(keeping: Here) -> None:
    """The other user is named by nick or account, connected or not. Messages of other users are not shown."""
    una, bob, eve = (keeping.member(name, caps=CAPS) for name in ("una", "bob", "eve"))
    speak(keeping, una, "hello", target="bob")
    bob.say("NICK bobby")
    speak(keeping, bob, "hi", target="una")
    speak(keeping, eve, "psst", target="una")
    keeping.forget_unread()
    assert texts(una.ask("CHATHISTORY LATEST bobby * 9"), "chathistory bobby") == ["hello", "hi"]
    bob.say("QUIT")
    keeping.forget_unread()
    within = batch_of(una.ask("CHATHISTORY LATEST BOB * 9"), "chathistory BOB")
    assert [(line.nick, *line.params) for line in within] == [("una", "bob", "hello"), ("bobby", "una", "hi")]
    assert texts(eve.ask("CHATHISTORY LATEST bob * 9"), "chathistory bob") == []
    guest = keeping.connect("guest", caps=CAPS)
    assert texts(guest.ask("CHATHISTORY LATEST una * 9"), "chathistory una") == []
    assert texts(una.ask("CHATHISTORY LATEST guest * 9"), "chathistory guest") == []


def test_targets_lists_the_users_channels_and_conversations(keeping: Here, una: Client) -> None:
    """Each with the time of its last message, oldest first, counted from the first bound; none of other users."""
    bob, eve = keeping.member("bob", caps=CAPS), keeping.member("eve", caps=CAPS)
    eve.say("JOIN #eve")
    speak(keeping, eve, "mine", target="#eve")
    speak(keeping, bob, "psst", target="eve")
    speak(keeping, bob, "hello", target="una")
    bob.say("NICK bobby")
    keeping.forget_unread()
    kind = "draft/chathistory-targets"
    found = batch_of(una.ask(f"CHATHISTORY TARGETS {at(0)} {at(99)} 10"), kind)
    assert [(line.source, *line.params) for line in found] == [
        (SERVER, "TARGETS", "#c", at(4).removeprefix("timestamp=")),
        (SERVER, "TARGETS", "bobby", at(7).removeprefix("timestamp=")),
    ]
    assert texts(una.ask(f"CHATHISTORY TARGETS {at(99)} {at(0)} 1"), kind) == [at(7).removeprefix("timestamp=")]
    assert texts(una.ask(f"CHATHISTORY TARGETS {at(0)} {at(7)} 9"), kind) == [at(4).removeprefix("timestamp=")]


def test_a_message_of_the_same_tick_is_found(keeping: Here, una: Client) -> None:
    """A client that sends a message and CHATHISTORY in one go is answered with the message."""
    with keeping.tick():
        una.say("PRIVMSG #c :just now", "CHATHISTORY LATEST #c * 1")
    assert texts(una.read()) == ["just now"]


def test_an_answer_fits_into_the_send_queue(make_here: Callable[..., Here]) -> None:
    """It is cut at the end that is further from the bound that it is counted from."""
    here = make_here(keeping=True, channels={"autojoin": ()}, limits={"sendq_bytes": 16_384})
    una = here.member("una", caps=CAPS)
    una.say("JOIN #c")
    speak(here, una, *(f"{number} {'x' * 400}" for number in range(40)))
    una.read()
    newest = [text.split()[0] for text in texts(una.ask("CHATHISTORY LATEST #c * 40"))]
    oldest = [text.split()[0] for text in texts(una.ask(f"CHATHISTORY AFTER #c {at(-1)} 40"))]
    around = [text.split()[0] for text in texts(una.ask(f"CHATHISTORY AROUND #c {at(20)} 40"))]
    assert 10 < len(newest) < 20 and newest == [str(number) for number in range(40 - len(newest), 40)]
    assert oldest == [str(number) for number in range(len(oldest))] and len(oldest) == len(newest)
    assert "20" in around and len(around) < 20


def test_a_history_that_cannot_be_read_is_message_error(
    keeping: Here, una: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client reads the specification's code, and the operator the reason."""

    def fail(*args: object, **how: object) -> None:
        raise StorageError("the disk is on fire")

    for name, asked, context in (
        ("latest", "LATEST #c * 5", "LATEST #c"),
        ("targets", f"TARGETS {at(0)} {at(9)} 5", "TARGETS"),
    ):
        monkeypatch.setattr(type(keeping.stores.history), name, fail)
        answer = una.ask(f"CHATHISTORY {asked}")
        assert answer == [f":{SERVER} FAIL CHATHISTORY MESSAGE_ERROR {context} :Messages could not be retrieved"]
        assert "the disk is on fire" in keeping.world.log_lines[-1]


def test_the_capabilities_are_offered_if_history_is_stored(make_here: Callable[..., Here]) -> None:
    """So are the ISUPPORT tokens. Without history, neither is."""
    for enabled in (True, False):
        here = make_here(keeping=enabled, history={"enabled": enabled, "max_query": 77})
        client = here.connect("una")
        tokens = {token for line in client.ask("ISUPPORT") for token in parse(line).params[1:-1]}
        found = {token for token in tokens if token.startswith(("CHATHISTORY", "MSGREFTYPES"))}
        assert found == ({"CHATHISTORY=77", "MSGREFTYPES=msgid,timestamp"} if enabled else set())
        names = " ".join(parse(line).params[-1] for line in client.ask("CAP LS 302")).split()
        assert ({"draft/chathistory", "draft/event-playback"} <= set(names)) is enabled
        assert ({"draft/message-redaction", "soju.im/search"} <= set(names)) is enabled


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    "asked, found",
    [
        ("CHATHISTORY LATEST #c * 3", ["2", "\x01ACTION waves\x01", "3"]),
        (f"CHATHISTORY BEFORE #c {at(90)} 3", ["2", "\x01ACTION waves\x01", "3"]),
        (f"CHATHISTORY AFTER #c {at(-5)} 3", ["0", "1", "2"]),
        (f"CHATHISTORY BETWEEN #c {at(-5)} {at(90)} 4", ["0", "1", "2", "\x01ACTION waves\x01"]),
        (f"CHATHISTORY AROUND #c {at(90)} 3", ["2", "\x01ACTION waves\x01", "3"]),
        ("SEARCH in=#c;from=old", ["0", "1", "2", "\x01ACTION waves\x01", "3"]),
    ],
)
def test_requests_that_an_earlier_version_kept_are_left_out(
    keeping: Here, monkeypatch: pytest.MonkeyPatch, asked: str, found: list[str], indexed: bool
) -> None:
    """A client might answer them, to who asked long ago. The page has other messages in their place."""
    old = keeping.member("old")
    old.say("JOIN #c")
    with monkeypatch.context() as earlier:
        for module in (utterance, plain_messages):
            earlier.setattr(module, "is_ctcp_request", lambda text: False)
        requests = ["\x01VERSION\x01"] * 12
        speak(
            keeping, old, "0", *requests, "1", "2", "\x01DCC SEND a 1 2 3\x01", "\x01ACTION waves\x01", "3", *requests
        )
    if indexed:
        keeping.index_history()
    una = keeping.member("una", caps=f"{CAPS} soju.im/search")
    una.say("JOIN #c")
    una.read()
    kind = "soju.im/search" if asked.startswith("SEARCH") else "chathistory #c"
    assert texts(una.ask(asked), kind) == found
