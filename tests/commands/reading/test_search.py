from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, START, Here, params_of, verbs

from chatroom.errors import StorageError
from chatroom.irc.message import parse
from chatroom.irc.times import format_time

CAPS = "soju.im/search batch server-time message-tags"
_MS = int(START.timestamp() * 1000)


def at(second: int) -> str:
    """The time ``second`` seconds after the start of the test."""
    return format_time(_MS + second * 1000)


def found(lines: list[str]) -> list[str]:
    """The texts of an answer, which must be one batch of messages."""
    opening, *within, closing = map(parse, lines)
    reference = opening.params[0].removeprefix("+")
    assert opening.params[1:] == ["soju.im/search"] and closing.params == [f"-{reference}"]
    assert all(line.tags is not None and line.tags["batch"] == reference for line in within)
    assert {line.verb for line in within} <= {"PRIVMSG", "NOTICE"}
    return [line.params[-1] for line in within]


def speak(here: Here, speaker: Client, target: str, *said: str) -> None:
    """Say messages, with a second after each."""
    for text in said:
        speaker.say(f"PRIVMSG {target} :{text}")
        here.wait(1)


@pytest.fixture
def una(keeping: Here) -> Client:
    """A member of #c and #d with messages from bob. The messages of eve are not for it."""
    una, bob, eve = (keeping.member(name, caps=CAPS) for name in ("una", "bob", "eve"))
    una.say("JOIN #c", "JOIN #d")
    bob.say("JOIN #c")
    eve.say("JOIN #eve")
    speak(keeping, una, "#c", "the quick brown fox", "the lazy dog")  # at 0 and 1
    speak(keeping, bob, "#c", "a quick answer")  # at 2
    speak(keeping, una, "#d", "quick, elsewhere")  # at 3
    speak(keeping, bob, "una", "be quick")  # at 4
    speak(keeping, eve, "#eve", "quick and secret")  # at 5
    speak(keeping, eve, "bob", "quick and secret as well")  # at 6
    una.read()
    return una


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    "asked, answer",
    [
        ("text=quick", ["the quick brown fox", "a quick answer", "quick, elsewhere", "be quick"]),
        ("text=QUICK;in=#C", ["the quick brown fox", "a quick answer"]),
        (r"text=fox\squick", ["the quick brown fox"]),
        (r'text="fox\squick"', []),
        (":text=fox quick", ["the quick brown fox"]),
        ("text=quick;from=Bob", ["a quick answer", "be quick"]),
        ("from=una;in=#d", ["quick, elsewhere"]),
        ("in=bob", ["be quick"]),
        ("in=#c", ["the quick brown fox", "the lazy dog", "a quick answer"]),
        ("in=#c;text=", ["the quick brown fox", "the lazy dog", "a quick answer"]),
        ("text=quick;limit=2", ["quick, elsewhere", "be quick"]),
        (f"text=quick;limit=2;after={at(0)}", ["the quick brown fox", "a quick answer"]),
        (f"text=quick;after={at(3)}", ["quick, elsewhere", "be quick"]),
        (f"text=quick;before={at(2)}", ["the quick brown fox", "a quick answer"]),
        (f"after={at(1)};before={at(2)}", ["the lazy dog", "a quick answer"]),
        (f"before={at(-1)};in=#c", []),
        ("text=nothing", []),
    ],
)
def test_attributes_select_messages(keeping: Here, una: Client, asked: str, answer: list[str], indexed: bool) -> None:
    """All attributes count. Oldest first, none that the user may not read, and the same with and without the index."""
    if indexed:
        keeping.index_history()
    assert found(una.ask(f"SEARCH {asked}")) == answer


def test_a_message_is_shown_as_it_was_sent(keeping: Here, una: Client) -> None:
    """With its time, msgid, source and target."""
    keeping.wait(60)
    bob = keeping.clients[2]
    bob.say("CAP REQ echo-message")
    said = bob.ask("PRIVMSG #c :unheard-of")[0]
    keeping.wait(60)
    una.read()
    assert una.ask("SEARCH text=unheard-of")[1].partition(";")[2] == said.removeprefix("@")


@pytest.mark.parametrize(
    "said, wrong",
    [
        ("SEARCH", []),
        ("SEARCH text=", []),
        ("SEARCH text", []),
        ("SEARCH colour=red", ["colour"]),
        ("SEARCH text=quick;limit=0", ["limit"]),
        ("SEARCH text=quick;limit=-1", ["limit"]),
        ("SEARCH text=quick;limit=1000000000", ["limit"]),
        ("SEARCH text=quick;limit=few", ["limit"]),
        ("SEARCH text=quick;after=yesterday", ["after"]),
        (f"SEARCH text=quick;before=timestamp={at(0)}", ["before"]),
        ("SEARCH text=quick;in=#eve", ["in"]),
        ("SEARCH text=quick;in=#nowhere", ["in"]),
        ("SEARCH text=quick;in=nobody", ["in"]),
    ],
)
def test_an_invalid_attribute_is_invalid_params(una: Client, said: str, wrong: list[str]) -> None:
    """The FAIL names the invalid attributes."""
    assert params_of(una.ask(said), "FAIL") == ["SEARCH", "INVALID_PARAMS", *wrong, "Invalid parameters"]


@pytest.mark.parametrize("text", ["***", '"', '""', "-", "(^)", r"\s"])
def test_a_search_of_only_operators_is_invalid_params(una: Client, text: str) -> None:
    """The text has no word to search for."""
    assert params_of(una.ask(f"SEARCH text={text}"), "FAIL")[:2] == ["SEARCH", "INVALID_PARAMS"]


@pytest.mark.parametrize("text", ["quick*", "NOT", "fox\\sOR\\sdog", "body:quick", "{quick", "quick)", "NEAR(fox"])
def test_words_that_look_like_operators_are_words(una: Client, text: str) -> None:
    """Only quotes are syntax. The answer is a batch, which may be empty."""
    found(una.ask(f"SEARCH text={text}"))


def test_a_guest_finds_what_is_in_its_channels(keeping: Here, una: Client) -> None:
    """A guest without channels finds nothing."""
    guest = keeping.connect("guest", caps=CAPS)
    assert found(guest.ask("SEARCH text=quick")) == found(guest.ask("SEARCH text=quick;in=una")) == []
    guest.say("JOIN #d")
    guest.read()
    assert found(guest.ask("SEARCH text=quick")) == ["quick, elsewhere"]


def test_a_client_without_batches_reads_that_nothing_was_found(keeping: Here, una: Client) -> None:
    """Others read an empty batch. For a client without batches there would be no line at all."""
    plain = keeping.connect("plain", caps="soju.im/search standard-replies")
    plain.say("JOIN #d")
    plain.read()
    assert params_of(plain.ask("SEARCH text=nothing"), "NOTE")[:2] == ["SEARCH", "NOTHING_FOUND"]
    assert verbs(plain.ask("SEARCH text=quick")) == ["PRIVMSG"]


def test_a_moderator_searches_any_channel_by_its_name(keeping: Here, una: Client) -> None:
    """Without in=, the search is in the moderator's own channels."""
    mo = keeping.moderator("mo", caps=CAPS)
    assert found(mo.ask("SEARCH text=quick")) == []
    assert found(mo.ask("SEARCH text=quick;in=#eve")) == ["quick and secret"]


def test_rights_are_checked_again_after_the_search(keeping: Here, una: Client) -> None:
    """A user that is kicked while the worker searches is shown nothing of the channel."""
    bob = keeping.clients[2]
    keeping.forget_unread()
    keeping.holding = True
    bob.say("SEARCH text=quick", "SEARCH text=quick;in=#c")
    una.say("KICK #c bob :out")
    keeping.release()
    kick, *lines = bob.read()
    assert verbs([kick, lines[-1]]) == ["KICK", "FAIL"]
    assert found(lines[:-1]) == ["be quick", "quick and secret as well"]


def test_a_new_channel_does_not_show_the_history_of_an_old_one(keeping: Here) -> None:
    """A search finds no message of the channel that had the name before."""
    one = keeping.connect("one", caps=CAPS)
    one.say("JOIN #x")
    speak(keeping, one, "#x", "quick")
    one.say("PART #x", "JOIN #x")
    one.read()
    assert found(one.ask("SEARCH text=quick;in=#x")) == found(one.ask("SEARCH text=quick")) == []


def test_a_client_without_batch_reads_the_plain_lines(keeping: Here, una: Client) -> None:
    """Messages of several conversations are among them."""
    plain = keeping.member("plain", caps="soju.im/search")
    for number in range(20):
        plain.say(f"JOIN #p{number}", f"PRIVMSG #p{number} :{number}")
    plain.read()
    lines = plain.ask("SEARCH before=2999-01-01T00:00:00.000Z;limit=3")
    assert lines == [f":{plain.prefix} PRIVMSG #p{number} :{number}" for number in (17, 18, 19)]


def test_a_history_that_cannot_be_read_is_internal_error(
    keeping: Here, una: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client reads the specification's code, and the operator the reason."""

    def fail(*args: object) -> None:
        raise StorageError("the disk is on fire")

    monkeypatch.setattr(type(keeping.stores.history), "search", fail)
    assert una.ask("SEARCH text=quick") == [f":{SERVER} FAIL SEARCH INTERNAL_ERROR :The search could not be run"]
    assert "the disk is on fire" in keeping.world.log_lines[-1]
