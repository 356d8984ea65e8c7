"""Answers that are made in pieces, with the lines of others in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, verbs

from chatroom.chat.people.labelled_reply import LabelledReply
from chatroom.commands import long_answers
from chatroom.commands.context import Context
from chatroom.commands.dispatch import finish, resume
from chatroom.commands.long_answers import Steps, in_pieces
from chatroom.commands.rooms import member_list
from chatroom.irc import numerics
from chatroom.irc.message import Message, parse

CAPS = "batch labeled-response"


@pytest.fixture(autouse=True)
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece is one step."""
    monkeypatch.setattr(long_answers, "PIECE_BYTES", 1)


@pytest.fixture
def crowded(here: Here) -> Here:
    """Ann, Ben, Cid and Dot are in #a, and each piece of an answer waits for ``release``."""
    for name in ("ann", "ben", "cid", "dot"):
        here.connect(name).say("JOIN #a")
    here.forget_unread()
    here.holding = True
    return here


def client(here: Here, nick: str) -> Client:
    """The client of that nick."""
    return next(each for each in here.clients.values() if each.session.user is here.user(nick))


def shown(lines: list[str]) -> list[str]:
    """The nicks of WHO's rows."""
    return [message.params[5] for message in map(parse, lines) if message.verb == "352"]


def tags(message: Message) -> dict[str, str]:
    """The tags, if there are any."""
    return message.tags or {}


def test_others_are_answered_between_two_pieces_and_the_session_afterwards(crowded: Here) -> None:
    """Each tick makes one piece. The further lines of the session that asked wait for the last one."""
    ann, ben = client(crowded, "ann"), client(crowded, "ben")
    ann.say("WHO #a", "PING behind")
    assert shown(ann.read()) == ["ann"]
    crowded.release(1)
    assert shown(ann.read()) == ["ben"]
    assert verbs(ben.ask("PING x")) == ["PONG"]
    crowded.release()
    assert verbs(ann.read()) == ["352", "352", "315", "PONG"]


def test_a_labelled_answer_is_one_batch_over_all_pieces(crowded: Here) -> None:
    """The label opens it, each line names it, and the last piece closes it. Lines of others are outside."""
    crowded.connect("eve", caps=CAPS).say("JOIN #a")
    eve = client(crowded, "eve")
    crowded.forget_unread()
    eve.say("@label=x WHO #a")
    client(crowded, "ann").say("PRIVMSG eve :meanwhile")
    crowded.release()
    first, *inside, last = map(parse, eve.read())
    reference = first.params[0][1:]
    assert (first.verb, first.params[1:], first.tags) == ("BATCH", ["labeled-response"], {"label": "x"})
    assert (last.verb, last.params, last.tags) == ("BATCH", [f"-{reference}"], None)
    assert [message.verb for message in inside] == ["352", "PRIVMSG", "352", "352", "352", "352", "315"]
    assert {tags(message).get("batch") for message in inside if message.verb != "PRIVMSG"} == {reference}
    assert [message.tags for message in inside if message.verb == "PRIVMSG"] == [None]


def test_a_piece_without_replies_opens_no_batch(crowded: Here) -> None:
    """If only one reply comes of all pieces, it carries the label itself."""
    eve = crowded.connect("eve", caps=CAPS)
    eve.say("@label=x WHO nobody?")
    crowded.release()
    assert eve.read() == [f"@label=x :{SERVER} 315 eve nobody? :End of WHO list"]


def test_who_leaves_meanwhile_is_not_shown(crowded: Here) -> None:
    """Nor who has parted. A nick that has changed is shown as it is now."""
    ann = client(crowded, "ann")
    ann.say("WHO #a")
    client(crowded, "ben").say("PART #a")
    client(crowded, "cid").say("QUIT")
    client(crowded, "dot").say("NICK dora")
    crowded.connect("late").say("JOIN #a")
    crowded.release()
    lines = ann.read()
    assert shown(lines) == ["ann", "dora"]
    assert verbs(lines)[-1] == "315"


def test_a_mask_finds_who_is_still_there(crowded: Here) -> None:
    """A user that has quit between two pieces is not found."""
    ann = client(crowded, "ann")
    ann.say("WHO *n!*")
    client(crowded, "ben").say("QUIT")
    crowded.release()
    assert shown(ann.read()) == ["ann"]


def test_a_kicked_user_is_shown_no_more_of_a_secret_channel(crowded: Here) -> None:
    """Rights count as they are when the row is made."""
    ann, ben = client(crowded, "ann"), client(crowded, "ben")
    ann.say("MODE #a +s")
    ben.read()
    ben.say("WHO #a")
    ann.say("KICK #a ben")
    crowded.release()
    lines = ben.read()
    assert shown(lines) == ["ann"]
    assert verbs(lines)[-1] == "315"


def test_a_session_that_ends_has_no_further_pieces(crowded: Here) -> None:
    """Nothing is made for it, and nothing waits for it."""
    ann = client(crowded, "ann")
    ann.say("WHO #a")
    ann.read()
    ann.vanish()
    assert len(crowded.held) == 1
    crowded.release(1)
    assert not crowded.held
    assert ann.read() == []


def test_an_answer_that_cannot_be_sent_ends(crowded: Here) -> None:
    """If the connection is lost, the session waits no longer, and can end."""
    ann = client(crowded, "ann")
    ann.say("WHO #a")
    (held,) = crowded.held
    crowded.held.clear()
    crowded.go_on(held.context, held.pending, True)  # type: ignore[union-attr]
    assert not ann.session.waiting
    assert not crowded.held


def test_list_shows_what_may_still_be_seen(crowded: Here) -> None:
    """A channel that has ended, or is secret now, is left out. The end is always sent."""
    ann, ben = client(crowded, "ann"), client(crowded, "ben")
    ben.say("JOIN #b,#c,#d")
    crowded.release()
    ann.read()
    ann.say("LIST")
    while "321" not in verbs(ann.read()):
        crowded.release(1)
    ben.say("PART #b", "MODE #c +s")
    crowded.release()
    lines = ann.read()
    assert [parse(line).params[1] for line in lines if parse(line).verb == "322"] == ["#a", "#d"]
    assert verbs(lines)[-1] == "323"


def test_metadata_is_one_batch_over_all_pieces(crowded: Here) -> None:
    """With a label it is nested in the label's. Members that come and go do no harm, and a kick ends it."""
    for nick in ("ann", "ben", "cid", "dot"):
        client(crowded, nick).say(f"METADATA * SET url :{nick}")
    eve = crowded.connect("eve", caps=f"{CAPS} draft/metadata-3")
    eve.say("METADATA * SUB url", "JOIN #a")
    crowded.release()
    eve.read()
    eve.say("@label=x METADATA #a SYNC")
    client(crowded, "ben").say("QUIT")
    crowded.release()
    lines = [message for message in map(parse, eve.read()) if message.verb != "QUIT"]
    outer, inner = (message.params[0][1:] for message in lines[:2])
    assert [message.verb for message in lines] == ["BATCH", "BATCH", *["761"] * 3, "BATCH", "BATCH"]
    assert lines[1].params == [f"+{inner}", "metadata", "#a"]
    assert [tags(message) for message in lines] == [
        {"label": "x"},
        {"batch": outer},
        *[{"batch": inner}] * 3,
        {"batch": outer},
        {},
    ]
    assert [message.params[0] for message in lines[-2:]] == [f"-{inner}", f"-{outer}"]
    eve.say("METADATA #a SYNC")
    crowded.release(1)
    client(crowded, "ann").say("KICK #a eve")
    crowded.release()
    assert verbs(eve.read()) == ["BATCH", "761", "KICK", "BATCH"]


def test_all_metadata_shows_each_user_once(crowded: Here) -> None:
    """``*ALL`` goes over the channels, their members and the monitored users, and leaves out who has gone."""
    eve = crowded.connect("eve", caps=f"{CAPS} draft/metadata-3")
    for nick in ("ann", "ben", "cid"):
        client(crowded, nick).say("JOIN #b", f"METADATA * SET url :{nick}")
    far = crowded.connect("far")
    far.say("METADATA * SET url :far", "PART #lobby")
    eve.say("JOIN #a,#b", "MONITOR + ann,far,nobody", "METADATA * SUB url")
    crowded.release()
    eve.read()
    eve.say("METADATA *ALL SYNC")
    client(crowded, "cid").say("QUIT")
    crowded.release()
    values = [message.params[-1] for message in map(parse, eve.read()) if message.verb == "761"]
    assert sorted(values) == ["ann", "ben", "far"]


def test_join_and_part_of_many_channels_go_on_in_pieces(crowded: Here) -> None:
    """Rights and limits are those of each piece. What others do in between counts."""
    ann, ben = client(crowded, "ann"), client(crowded, "ben")
    ann.say("JOIN #x,#y,,#z,bad", "PING behind")
    assert [parse(line).params for line in ann.read() if parse(line).verb == "JOIN"] == [["#x"]]
    ben.say("JOIN #z", "MODE #z +i")
    crowded.release()
    assert [verb for verb in verbs(ann.read()) if verb in ("JOIN", "473", "403", "PONG")] == [
        "JOIN",
        "473",
        "403",
        "PONG",
    ]
    ann.say("PART #x,#nowhere,#z,#y :bye")
    crowded.release()
    assert [verb for verb in verbs(ann.read()) if verb in ("PART", "403", "442")] == ["PART", "403", "442", "PART"]
    ann.say("JOIN 0", "PING behind")
    assert verbs(ann.read()) == ["PART"]
    crowded.release()
    assert verbs(ann.read()) == ["PART", "PONG"]
    assert not ann.user.channels


def test_lines_behind_a_join_in_pieces_wait_for_its_replays_too(keeping: Here) -> None:
    """A replay that is over lets them run only if the JOIN is over, and the other way round."""
    una = keeping.member()
    keeping.holding = True
    una.say("JOIN #x,#y", "PING behind")
    session, steps = una.session, 0
    while session.waiting:
        assert "PONG" not in verbs(una.read())
        keeping.release(1)
        steps += 1
    assert steps and verbs(una.read())[-1] == "PONG"


def test_an_account_comes_back_to_its_channels_in_pieces(keeping: Here) -> None:
    """A channel that has gone in between is left out."""
    una = keeping.member()
    for name in ("#x", "#y", "#z"):
        una.say(f"JOIN {name}")
    una.vanish()
    keeping.holding = True
    again = keeping.open()
    again.say("PASS :una:open sesame", "NICK una", "USER una 0 * :Una")
    while not (again.session.user and again.session.user.channels):
        keeping.release(1)
    world = keeping.world
    world.channels.pop("#y")
    keeping.release()
    assert [channel.name for channel in again.user.channels] == ["#x", "#z"]


def test_a_bug_in_a_later_piece_leaves_no_batch_open(here: Here) -> None:
    """Both batches are closed: a client would wait for their ends for ever."""
    eve = here.connect("eve", caps=CAPS)
    context = Context(here.world, eve.session, "X")

    def answer(fault: Callable[[], int]) -> Steps:
        with context.batch("metadata #a"):
            context.notice("so far")
            yield 1
            yield fault()

    eve.read()
    with here.tick():
        eve.session.labelled_reply = LabelledReply("x")
        pending = in_pieces(context, answer(lambda: 1 // 0))
        assert pending is not None
    assert verbs(eve.read()) == ["BATCH", "BATCH", "NOTICE"]
    with here.tick():
        with pytest.raises(ZeroDivisionError):
            resume(context, pending, None)
        context.reply(numerics.ERR_UNKNOWNERROR)
        finish(context)
    assert verbs(eve.read()) == ["BATCH", "400", "BATCH"]


def listed(lines: list[str]) -> list[str]:
    """The words of NAMES's rows."""
    return [word for message in map(parse, lines) if message.verb == "353" for word in message.params[3].split()]


def test_names_of_a_large_channel_come_in_pieces(crowded: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are answered meanwhile. Who has left is not listed, and all others as they are when their turn comes."""
    monkeypatch.setattr(member_list, "MEMBERS_OF_A_STEP", 1)
    ann, ben = client(crowded, "ann"), client(crowded, "ben")
    ann.say("NAMES #a", "PING behind")
    assert listed(ann.read()) == ["@ann"]
    assert verbs(ben.ask("PING x")) == ["PONG"]
    ben.say("PART #a")
    client(crowded, "dot").say("NICK dora")
    crowded.connect("late").say("JOIN #a")
    crowded.release()
    lines = ann.read()
    assert listed(lines) == ["cid", "dora"]
    assert verbs(lines)[-2:] == ["366", "PONG"]


def test_names_of_several_channels_come_one_after_the_other(crowded: Here) -> None:
    """Each with its end; one that has ended meanwhile has nothing else."""
    ann, ben = client(crowded, "ann"), client(crowded, "ben")
    ben.say("JOIN #b")
    crowded.release()
    crowded.forget_unread()
    ann.say("NAMES #a,#b,#none")
    ben.say("PART #b")
    crowded.release()
    lines = [message for message in map(parse, ann.read()) if message.verb in ("353", "366")]
    assert [(message.verb, message.params[-2]) for message in lines] == [
        ("353", "#a"), ("366", "#a"), ("366", "#b"), ("366", "#none"),
    ]  # fmt: skip


def test_who_is_kicked_is_shown_no_more_members_of_a_secret_channel(
    crowded: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list ends there."""
    monkeypatch.setattr(member_list, "MEMBERS_OF_A_STEP", 1)
    ann, ben = client(crowded, "ann"), client(crowded, "ben")
    ann.say("MODE #a +s")
    ben.read()
    ben.say("NAMES #a")
    ann.say("KICK #a ben")
    crowded.release()
    lines = ben.read()
    assert listed(lines) == ["@ann"]
    assert verbs(lines)[-1] == "366"


@pytest.mark.parametrize("asked", ["MONITOR + ann,far,ben,cid,nobody", "MONITOR S"])
def test_the_metadata_of_monitored_users_comes_user_by_user(crowded: Here, asked: str) -> None:
    """Behind the list of who is there. Who has quit meanwhile is left out."""
    for nick in ("ann", "ben", "cid"):
        client(crowded, nick).say(f"METADATA * SET url :{nick}")
    eve = crowded.connect("eve", caps=f"{CAPS} draft/metadata-3")
    crowded.connect("far")
    eve.say("METADATA * SUB url", *(["MONITOR + ann,far,ben,cid"] if asked == "MONITOR S" else []))
    crowded.release()
    eve.read()
    eve.say(asked)
    begun = eve.read()
    assert verbs(begun)[0] == "730" and [parse(line).params[-1] for line in begun if " 761 " in line] == ["ann"]
    client(crowded, "ben").say("QUIT")
    crowded.release()
    lines = eve.read()
    assert [parse(line).params[-1] for line in lines if " 761 " in line] == ["cid"]
    assert not eve.session.waiting
