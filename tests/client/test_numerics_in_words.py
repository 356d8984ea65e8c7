from __future__ import annotations

import re

import pytest

from chatroom.client.chat_events import Denied, Event, Info
from chatroom.client.numerics_in_words import ANSWERS, REFUSALS, answer
from chatroom.irc.message import parse


@pytest.mark.parametrize(
    "line, event",
    [
        (":srv 401 me bob :No such nick", Denied("There is no user called bob.")),
        (":srv 433 me bob :Nickname is in use", Denied("The nick bob is taken.")),
        (":srv 481 me :only moderators may", Denied("You may not do that: only moderators may")),
        (
            ":srv 481 me :Permission Denied - You're not an IRC operator",
            Denied("You may not do that: it takes a moderator or an admin."),
        ),
        (":srv 464 me :Password incorrect", Denied("That password is wrong.")),
        (":srv 464 me :Password incorrect: wrong name or password", Denied("That password is wrong.")),
        (":srv 464 me :Password incorrect: too many tries, wait a minute", Denied("Too many tries, wait a minute.")),
        (":srv 404 me #a :Cannot send to channel", Denied("#a does not take your message.")),
        (":srv 404 me #a :Cannot send to channel (+m)", Denied("#a does not take your message: +m.")),
        (":srv 404 me #a :You are not a member.", Denied("#a does not take your message: You are not a member.")),
        (":srv 482 me #a :not op", Denied("Only an operator of #a may do that.")),
        (":srv 475 me #a :bad key", Denied("#a needs a key: /join #a KEY")),
        (":srv 421 me FOO :Unknown command", Denied("The server does not know the command FOO.")),
        (":srv 311 me bob b host.example * :Bob B", Info("bob is b@host.example (Bob B)")),
        (":srv 317 me bob 7300 1700000000 :idle", None),
        (":srv 317 me bob 60 :idle", Info("  idle for 1 minute")),
        (":srv 317 me bob rubbish :idle", Info("bob rubbish idle")),
        (":srv 352 me #a b host srv bob G@ :0 Bob B", Info("  @bob                 b@host  Bob B  (away)")),
        (":srv 322 me #a 1 :tea", Info("  #a                      1 person  tea")),
        (":srv 353 me = #other :@a b", Info("In #other: @a, b")),
        (":srv 372 me :- welcome", Info("welcome")),
        (":srv 999 me some words", Info("some words")),
        (":srv 499 me some words", Denied("some words")),
        (":srv SOMETHING me new", Info("SOMETHING me new")),
    ],
)
def test_in_words(line: str, event: Event | None) -> None:
    """Known numerics are sentences, unknown ones are the server's words; none shows its number."""
    (told,) = answer(parse(line))
    assert isinstance(told, Info | Denied)
    if event is not None:
        assert told == event
    assert not re.search(r"\b(317|352|401|433|481|482|499|999)\b", told.text)


@pytest.mark.parametrize("verb", [*REFUSALS, *ANSWERS])
def test_templates_bear_missing_parameters(verb: str) -> None:
    """If a server leaves out parameters, the sentence is shorter, and nothing raises."""
    for line in (verb, f":srv {verb} me", f":srv {verb} me one", f":srv {verb} me {{0}} :{{text}} {{nope}}"):
        assert len(answer(parse(line))) == 1 or verb == "422"


def test_ends_of_lists_are_silent() -> None:
    """Numerics that only end a list or belong to the welcome are not shown."""
    for verb in ("318", "321", "366", "376", "002"):
        assert answer(parse(f":srv {verb} me :End of it")) == []
