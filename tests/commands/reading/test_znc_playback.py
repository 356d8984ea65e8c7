"""``PRIVMSG *playback``: history as clients of the ZNC bouncer ask for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import START, Here, params_of, verbs

from chatroom.errors import StorageError
from chatroom.irc.message import Message, parse
from chatroom.storage.sqlite.database import SqliteDatabase

CAPS = "batch server-time znc.in/playback"
AT = int(START.timestamp())


def said(lines: list[str]) -> list[str]:
    """The texts of the messages among some lines."""
    return [message.params[-1] for message in map(parse, lines) if message.verb == "PRIVMSG"]


def batches(lines: list[str]) -> dict[str, list[Message]]:
    """The lines of each batch of an answer, by its type and target."""
    found: dict[str, list[Message]] = {}
    kinds: dict[str, str] = {}
    for line in map(parse, lines):
        if line.verb == "BATCH" and line.params[0].startswith("+"):
            kinds[line.params[0][1:]] = " ".join(line.params[1:])
        elif line.verb != "BATCH":
            found.setdefault(kinds[(line.tags or {})["batch"]], []).append(line)
    return found


@pytest.fixture
def una(keeping: Here) -> Client:
    """A member of #a and #b, where bob and the guest zoe said something each second; bob wrote to una too."""
    una, bob, zoe = keeping.member("una", caps=CAPS), keeping.member("bob"), keeping.connect("zoe")
    keeping.set_clock(-1)
    for client in (bob, una, zoe):
        client.say("JOIN #a", "JOIN #b")
    keeping.wait(1)
    for client, target, text in (
        (bob, "#a", "one"),
        (una, "#a", "mine"),
        (zoe, "#b", "two"),
        (bob, "una", "to you"),
        (una, "bob", "to bob"),
        (zoe, "una", "from a guest"),
    ):
        client.say(f"PRIVMSG {target} :{text}")
        keeping.wait(1)
    una.read()
    return una


def texts(found: dict[str, list[Message]]) -> dict[str, list[str]]:
    """The texts of each buffer."""
    return {kind.removeprefix("znc.in/playback "): [line.params[-1] for line in lines] for kind, lines in found.items()}


@pytest.mark.parametrize(
    "words, played",
    [
        ("* 0", {"#a": ["one", "mine"], "#b": ["two"], "bob": ["to you"], "zoe": ["from a guest"]}),
        ("#a", {"#a": ["one", "mine"]}),
        ("#A,ZO? 0", {"#a": ["one", "mine"], "zoe": ["from a guest"]}),
        (f"* {AT}.000", {"#a": ["mine"], "#b": ["two"], "bob": ["to you"], "zoe": ["from a guest"]}),
        (f"#* {AT} {AT + 1}", {"#a": ["mine"]}),
        (f"* {AT + 2}.5 {AT + 3}", {"bob": ["to you"]}),
        (f"* {AT + 5}.0000009", {}),
        ("#nowhere,eve 0", {}),
    ],
)
def test_play_shows_what_was_said_between_two_times(una: Client, words: str, played: dict[str, list[str]]) -> None:
    """After the first, up to the second, in a batch for each buffer that matches, the last spoken to at the end."""
    found = texts(batches(una.ask(f"PRIVMSG *playback :play {words}")))
    assert found == played
    assert list(found) == [name for name in ("#a", "#b", "bob", "zoe") if name in played]


def test_a_played_message_is_as_it_was_sent(keeping: Here, una: Client) -> None:
    """Source, target and time are those of the message."""
    keeping.wait(100)
    [line] = batches(una.ask("PRIVMSG *playback :PLAY #b"))["znc.in/playback #b"]
    assert line.source == keeping.user("zoe").prefix and line.params == ["#b", "two"]
    assert (line.tags or {})["time"] == "2030-05-01T12:00:02.000Z"


def test_own_messages_to_users_are_for_clients_that_expect_them(keeping: Here, una: Client) -> None:
    """That is, with echo-message. The message to *playback is echoed then, as one to a user is."""
    una.say("CAP REQ :echo-message")
    echo, *answer = una.ask("PRIVMSG *playback :play bob")
    assert parse(echo).params == ["*playback", "play bob"]
    assert texts(batches(answer)) == {"bob": ["to you", "to bob"]}


def test_the_verb_znc_does_the_same(una: Client) -> None:
    """Clients send it for /znc. Other modules do not exist."""
    assert texts(batches(una.ask("ZNC *playback play #b 0"))) == {"#b": ["two"]}
    assert texts(batches(una.ask("ZNC *Playback :play #b"))) == {"#b": ["two"]}
    assert una.ask("ZNC *status help")[0].endswith(":*status!znc@znc.in PRIVMSG una :No such module [*status]")


def test_list_tells_the_first_and_last_time_of_each_buffer(una: Client) -> None:
    """In seconds, from *playback."""
    lines = una.ask("PRIVMSG *playback :list")
    assert all(parse(line).source == "*playback!znc@znc.in" and parse(line).params[0] == "una" for line in lines)
    assert said(lines) == [
        f"#a {AT}.000 {AT + 1}.000",
        f"#b {AT + 2}.000 {AT + 2}.000",
        f"bob {AT + 3}.000 {AT + 4}.000",
        f"zoe {AT + 5}.000 {AT + 5}.000",
    ]
    assert said(una.ask("PRIVMSG *playback :LIST #b,nobody")) == [f"#b {AT + 2}.000 {AT + 2}.000"]
    assert una.ask("PRIVMSG *playback :LIST eve") == []


def test_a_cleared_buffer_is_not_played_again(keeping: Here, una: Client) -> None:
    """On no device, also after a restart or a RENAME. What is said afterwards is played, and others lose nothing."""
    answer = said(una.ask("PRIVMSG *playback :clear #a,z*"))
    assert answer == ["The playback buffer for [2] buffers matching [#a,z*] has been cleared."]
    bob = keeping.clients[2]
    bob.say("RENAME #a #c")
    assert list(texts(batches(una.ask("PRIVMSG *playback :play * 0")))) == ["#b", "bob"]
    keeping.wait(1)
    bob.say("PRIVMSG #c :later")
    keeping.restart()
    again, bob = keeping.connect("una", login="una", caps=CAPS), keeping.connect("bob", login="bob", caps=CAPS)
    for client in (again, bob):
        client.say("JOIN #c", "JOIN #b")
        client.read()
    assert texts(batches(again.ask("PRIVMSG *playback :play * 0")))["#c"] == ["later"]
    assert "zoe" not in texts(batches(again.ask("PRIVMSG *playback :play * 0")))
    assert texts(batches(bob.ask("PRIVMSG *playback :play #c 0"))) == {"#c": ["one", "mine", "later"]}
    assert said(again.ask("PRIVMSG *playback :list #c"))[0].startswith(f"#c {AT + 7}.000")


def test_an_account_can_have_cleared_so_many_buffers(
    keeping: Here, una: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A further one replaces the one that was cleared first."""
    monkeypatch.setattr("chatroom.commands.reading.znc_playback.MOST_CLEARED", 2)
    for name in ("#a", "#b", "bob"):
        keeping.clients[2].say("PRIVMSG #a :more")
        una.say(f"PRIVMSG *playback :clear {name}")
    assert una.user.account is not None
    stored = keeping.stores.account_data.load(una.user.account.id).cleared
    assert sorted(stored) == sorted(una.user.account_data.cleared) == ["#b", "bob"]


def test_a_guest_plays_its_channels(keeping: Here, una: Client) -> None:
    """It has no messages with users, and what it clears is forgotten when it leaves."""
    guest = keeping.connect("guest", caps=CAPS)
    guest.say("JOIN #b")
    guest.read()
    assert texts(batches(guest.ask("PRIVMSG *playback :play * 0"))) == {"#b": ["two"]}
    guest.say("PRIVMSG *playback :clear *")
    assert batches(guest.ask("PRIVMSG *playback :play * 0")[:0]) == {}
    assert guest.ask("PRIVMSG *playback :play * 0") == []


def test_it_shows_nothing_that_the_user_may_not_read(keeping: Here, una: Client) -> None:
    """Neither a channel that it is not in, nor what is older than its JOIN with mode H, nor what it is kicked from."""
    eve = keeping.connect("eve", caps=CAPS)
    assert eve.ask("PRIVMSG *playback :play #a,bob,una 0") == []
    keeping.clients[2].say("MODE #a +H")
    eve.say("JOIN #a")
    keeping.wait(1)
    una.say("PRIVMSG #a :for eve")
    eve.read()
    assert texts(batches(eve.ask("PRIVMSG *playback :play * 0"))) == {"#a": ["for eve"]}
    assert said(eve.ask("PRIVMSG *playback :list"))[0].startswith(f"#a {AT + 7}.000")
    for asked in ("play * 0", "list"):
        keeping.holding = True
        eve.say(f"PRIVMSG *playback :{asked}")
        keeping.release(1)
        keeping.clients[2].say("KICK #a eve")
        eve.read()
        keeping.holding = False
        keeping.release()
        assert eve.read() == []
        eve.say("JOIN #a")
        una.say("PRIVMSG #a :again for eve")
        eve.read()


def test_without_batches_it_is_between_two_lines(keeping: Here, una: Client) -> None:
    """They come from the bouncer's own user. Without any capability the time is in the text."""
    old = keeping.connect("una", login="una")
    old.read()
    lines = old.ask("PRIVMSG *playback :play #b")
    assert said(lines) == ["Buffer Playback...", "[12:00] two", "Playback Complete."]
    assert parse(lines[0]).source == "***!znc@znc.in" and parse(lines[0]).params[0] == "#b"


def test_with_the_capability_nothing_is_replayed_and_messages_have_times(keeping: Here, una: Client) -> None:
    """The client asks by the time of the last message that it has read."""
    bob = keeping.clients[2]
    bob.say("PRIVMSG #a :missed")
    client = keeping.connect("eve", caps="znc.in/playback")
    assert "PRIVMSG" not in verbs(client.ask("JOIN #a"))
    keeping.wait(1)
    bob.say("PRIVMSG #a :now", "PRIVMSG eve :psst")
    assert [line.split()[0] for line in client.read()] == ["@time=2030-05-01T12:00:07.000Z"] * 2
    client.say("CAP REQ :-znc.in/playback")
    bob.say("PRIVMSG #a :then")
    assert client.read()[-1].startswith(f":{bob.prefix}")


@pytest.mark.parametrize(
    "words, answer",
    [
        ("play", "Usage: Play <buffer(s)> [from] [to]"),
        ("play * 1 2 3", "Usage: Play <buffer(s)> [from] [to]"),
        ("play * now", "Usage: Play <buffer(s)> [from] [to]"),
        ("play * 0 -1", "Usage: Play <buffer(s)> [from] [to]"),
        ("clear", "Usage: Clear <buffer(s)>"),
        ("list a b", "Usage: List [buffer(s)]"),
        ("dance", "Unknown command! Try Help."),
    ],
)
def test_a_wrong_command_is_told_the_right_one(una: Client, words: str, answer: str) -> None:
    """By *playback, like every answer."""
    assert said(una.ask(f"PRIVMSG *playback :{words}")) == [answer]


def test_help_lists_the_commands(una: Client) -> None:
    """Also for a message without any."""
    helped = said(una.ask("PRIVMSG *playback :help"))
    assert [line.split()[0].rstrip(":") for line in helped] == ["Clear", "Help", "List", "Play"]
    assert said(una.ask("ZNC *playback")) == helped


def test_only_a_message_to_it_alone_is_a_command(una: Client) -> None:
    """A NOTICE is none either: two programs would answer each other."""
    assert una.ask("NOTICE *playback :play *") == []
    assert params_of(una.ask("PRIVMSG *playback,nobody :play *")[:1], "401")[1] == "*playback"


def test_an_answer_fits_into_the_send_queue(make_here: Callable[..., Here]) -> None:
    """The buffers with the newest messages come first, and of one the newest messages."""
    here = make_here(keeping=True, limits={"sendq_bytes": 4096}, channels={"autojoin": ()})
    una = here.member("una", caps=CAPS)
    una.say("JOIN #a", "JOIN #b")
    for number in range(20):
        una.say(f"PRIVMSG #{'ab'[number >= 15]} :{number} {'x' * 60}")
        here.wait(1)
    una.read()
    lines = una.ask("PRIVMSG *playback :play * 0")
    found = texts(batches(lines))
    assert [text.split()[0] for text in found["#b"]] == ["15", "16", "17", "18", "19"]
    assert found["#a"][-1].startswith("14 ") and len(found["#a"]) < 15
    assert sum(map(len, lines)) < 4096


def test_a_history_that_cannot_be_read_is_told(una: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client can ask again."""

    def fail(*_: object) -> None:
        raise StorageError("no")

    monkeypatch.setattr(SqliteDatabase, "rows", fail)
    assert said(una.ask("PRIVMSG *playback :play *")) == ["The messages could not be read, try again later"]


def test_without_a_history_it_says_so(here: Here) -> None:
    """The capability is not offered then, but a person may ask."""
    assert said(here.connect("una").ask("PRIVMSG *playback :play *")) == ["Nothing is stored on this server"]


def test_a_channel_that_is_renamed_meanwhile_is_found(keeping: Here, una: Client) -> None:
    """The question is asked once more under the new names."""
    keeping.holding = True
    una.say("PRIVMSG *playback :play #c 0")
    keeping.clients[2].say("RENAME #a #c")
    keeping.holding = False
    keeping.release()
    assert texts(batches([line for line in una.read() if "BATCH" in line or "batch=" in line])) == {
        "#c": ["one", "mine"]
    }
