"""What the client sends by itself: read markers, typing, who is away, display names; and what it never shows of it."""

from __future__ import annotations

from datetime import datetime

import pytest
from harness.client_stage import Stage

from chatroom.client.places.place import Place
from chatroom.client.read_marks import PAUSE_S

TIMED = "@time=2030-01-01T12:00:{:02}.000Z :bob!b@h PRIVMSG {} :{}"


def here(caps: str, *channels: str, tokens: str = "") -> Stage:
    """alice in these channels, with bob, on a server with these tokens in its 005."""
    stage = Stage()
    stage.welcome(caps=caps)
    if tokens:
        stage.hear(f":srv 005 alice {tokens} :are supported")
    for name in channels:
        stage.hear(f"@time=2030-01-01T12:00:00.000Z :alice!a@h JOIN {name}")
        stage.hear(f":srv 353 alice = {name} :alice bob", f":srv 366 alice {name} :End")
    return stage


def place(stage: Stage, name: str) -> Place:
    """An open place."""
    return next(place for place in stage.session.places if place.name == name)


def sent(stage: Stage, word: str) -> list[str]:
    """The lines with a word that were sent."""
    return [line for line in stage.link.sent if word in line]


def test_what_is_read_is_told_seldom_while_one_reads() -> None:
    """The first message at once, the next ones every few seconds, and the last one when the user leaves."""
    stage = here("server-time draft/read-marker", "#tea")
    for number in (1, 2, 3):
        stage.hear(TIMED.format(number, "#tea", "hi"))
        assert stage.session.talk.tick() is (number > 1)
    assert sent(stage, "MARKREAD") == ["MARKREAD #tea timestamp=2030-01-01T12:00:01.000Z"]
    stage.now += PAUSE_S
    assert not stage.session.talk.tick()
    assert sent(stage, "MARKREAD")[1:] == ["MARKREAD #tea timestamp=2030-01-01T12:00:03.000Z"]
    stage.hear(TIMED.format(4, "#tea", "hi"))
    stage.session.quit()
    assert sent(stage, "MARKREAD")[2:] == ["MARKREAD #tea timestamp=2030-01-01T12:00:04.000Z"]


def test_what_is_not_seen_is_not_told() -> None:
    """Neither of other places, nor while the user is away from the screen, nor what the server knows already."""
    stage = here("server-time draft/read-marker", "#tea", "#cake")
    stage.hear(TIMED.format(1, "#cake", "hi"))
    stage.session.places.watch(False)
    stage.hear(TIMED.format(1, "#tea", "hi"))
    stage.session.talk.tick()
    assert sent(stage, "MARKREAD") == []
    stage.hear(":srv MARKREAD #cake timestamp=2030-01-01T12:00:01.000Z")
    assert place(stage, "#cake").unread == 0
    stage.session.talk.tick()
    assert sent(stage, "MARKREAD") == []


def test_without_the_capability_nothing_is_told() -> None:
    """The place is read all the same."""
    stage = here("server-time", "#tea")
    stage.hear(TIMED.format(1, "#tea", "hi"))
    stage.session.talk.tick()
    stage.session.enter("/query bob")
    assert sent(stage, "MARKREAD") == []
    assert place(stage, "#tea").last_read == datetime.fromisoformat("2030-01-01T12:00:01+00:00")


def test_a_conversation_that_opens_asks_for_its_marker() -> None:
    """A channel's comes by itself; a refusal is not shown."""
    stage = here("server-time draft/read-marker", "#tea")
    stage.session.enter("/query bob")
    assert sent(stage, "MARKREAD") == ["MARKREAD bob"]
    assert stage.hear(":srv FAIL MARKREAD INTERNAL_ERROR bob :no") == []


def test_others_see_that_the_user_types() -> None:
    """Every three seconds at most, then a pause, and that the text is gone; a sent message says it by itself."""
    stage = here("message-tags", "#tea")
    typed = stage.session.talk.typed
    for text in ("h", "he", "hel"):
        typed(text)
    stage.now += 3
    typed("hell")
    assert stage.session.talk.tick()
    stage.now += 5
    assert not stage.session.talk.tick()
    stage.session.talk.tick()
    stage.now += 3
    typed("hello")
    stage.now += 3
    typed("")
    assert sent(stage, "TAGMSG") == [
        f"@+typing={state} TAGMSG #tea" for state in ("active", "active", "paused", "active", "done")
    ]
    stage.now += 3
    typed("bye")
    stage.session.enter("bye")
    typed("")
    assert len(sent(stage, "TAGMSG")) == 6


@pytest.mark.parametrize("text", ["/msg bob hi", "   ", ""])
def test_commands_and_blanks_are_no_typing(text: str) -> None:
    """Nobody learns of a command before it is sent, and //text is text."""
    stage = here("message-tags", "#tea")
    stage.session.talk.typed(text)
    assert sent(stage, "TAGMSG") == []
    stage.session.talk.typed("//shrug")
    assert len(sent(stage, "TAGMSG")) == 1


def test_turning_to_another_place_ends_the_typing() -> None:
    """Those in the place before read that it is over."""
    stage = here("message-tags", "#tea", "#cake")
    stage.session.talk.typed("hel")
    stage.now += 3
    stage.session.places.turn_by(1)
    stage.session.talk.typed("x")
    assert sent(stage, "TAGMSG") == [
        "@+typing=active TAGMSG #tea",
        "@+typing=done TAGMSG #tea",
        "@+typing=active TAGMSG #cake",
    ]


@pytest.mark.parametrize(
    "caps, tokens, is_taken",
    [
        ("server-time", "", False),
        ("message-tags", "CLIENTTAGDENY=*", False),
        ("message-tags", "CLIENTTAGDENY=*,-typing", True),
        ("message-tags", "CLIENTTAGDENY=typing,draft/react", False),
        ("message-tags", "CLIENTTAGDENY=draft/react", True),
    ],
)
def test_a_server_that_drops_the_tag_is_not_bothered(caps: str, tokens: str, is_taken: bool) -> None:
    """CLIENTTAGDENY says which tags the server passes on."""
    stage = here(caps, "#tea", tokens=tokens)
    stage.session.talk.typed("hel")
    assert bool(sent(stage, "TAGMSG")) is is_taken


def test_the_user_can_type_unseen() -> None:
    """A screen may switch the notifications off."""
    stage = here("message-tags", "#tea")
    stage.session.talk.typing.is_on = False
    stage.session.talk.typed("hel")
    assert sent(stage, "TAGMSG") == []


@pytest.mark.parametrize("caps, label", [("batch labeled-response", "label=typing;"), ("", "")])
def test_a_refused_notification_is_not_shown(caps: str, label: str) -> None:
    """A place that takes none gets none any more; the refusal of a message is shown."""
    stage = here(f"message-tags echo-message {caps}".strip(), "#tea")
    stage.session.talk.typed("hel")
    refusal = ":srv 404 alice #tea :Cannot send to channel (+m)"
    assert stage.hear(f"@{label} {refusal}" if label else refusal) == []
    stage.now += 3
    stage.session.talk.typed("hell")
    assert len(sent(stage, "TAGMSG")) == 1
    stage.session.enter("hello")
    assert stage.hear(f"@label=1 {refusal}" if label else refusal) != []


def test_who_is_away_is_looked_up_once_a_channel() -> None:
    """One channel after the other, and only if the server tells later changes. The answers are not shown."""
    stage = here("away-notify", "#tea", "#cake", tokens="WHOX")
    assert sent(stage, "WHO ") == ["WHO #tea %tnfa,731"]
    assert stage.hear(":srv 354 alice 731 bob G bobby", ":srv 354 alice 731 alice H 0") == []
    assert stage.hear(":srv 315 alice #tea :End") == []
    assert sent(stage, "WHO ")[1:] == ["WHO #cake %tnfa,731"]
    bob = next(member.person for member in place(stage, "#cake").members if member.nick == "bob")
    assert (bob.away, bob.account) == (True, "bobby")
    assert here("server-time", "#tea").link.sent.count("WHO #tea") == 0


def test_without_whox_a_plain_who_is_read() -> None:
    """A WHO of the user's own comes before and after it, and is shown."""
    stage = here("away-notify", "#tea")
    entry = ":srv 352 alice #tea b h srv bob G@ :0 Bob"
    assert stage.hear(entry, ":srv 315 alice #tea :End") == []
    assert place(stage, "#tea").members[-1].person.away
    stage.session.enter("/who")
    assert len(stage.hear(entry, ":srv 315 alice #tea :End")) == 1


def test_large_channels_are_not_looked_up() -> None:
    """Their WHO would be long. Nor is a channel that the user has left again."""
    stage = here("away-notify")
    names = " ".join(f"n{number}" for number in range(201))
    stage.hear(":alice!a@h JOIN #big", f":srv 353 alice = #big :{names}", ":srv 366 alice #big :End")
    assert sent(stage, "WHO ") == []
    stage.hear(":alice!a@h JOIN #a", ":srv 366 alice #a :End", ":alice!a@h JOIN #b", ":srv 366 alice #b :End")
    stage.hear(":alice!a@h PART #b", ":srv 263 alice WHO :Try again later")
    assert sent(stage, "WHO ") == ["WHO #a"]


def test_display_names_are_subscribed_to() -> None:
    """What the server puts off is asked for when it says, and nothing of it is shown."""
    caps = "batch draft/metadata-3"
    stage = here(caps, "#tea")
    assert "METADATA * SUB display-name" in stage.link.sent
    assert stage.hear(":srv 770 alice display-name", ":srv 774 alice *ALL 0 :x", ":srv 774 alice #tea 2 :x") == []
    assert sent(stage, "SYNC") == ["METADATA *ALL SYNC"]
    answer = [
        ":srv BATCH +m metadata bob",
        "@batch=m :srv 761 alice bob display-name * :Bob the Builder",
        "@batch=m :srv METADATA alice display-name * :Alice",
        "@batch=m :srv 766 alice carol display-name :none",
        ":srv BATCH -m",
    ]
    assert stage.hear(*answer) == []
    names = {member.nick: member.person.display_name for member in place(stage, "#tea").members}
    assert names == {"alice": "Alice", "bob": "Bob the Builder"}
    assert stage.session.talk.tick()
    stage.now += 2
    assert not stage.session.talk.tick()
    assert sent(stage, "SYNC")[1:] == ["METADATA #tea SYNC"]
    assert here("batch", "#tea").link.sent.count("METADATA * SUB display-name") == 0


def test_display_names_that_change_are_followed_in_silence() -> None:
    """The server says so unasked: of who changes the name, of who joins, and of a channel that the user joins."""
    stage = here("batch draft/metadata-3", "#tea")

    def bob() -> str:
        return next(member.person.display_name for member in place(stage, "#tea").members if member.nick == "bob")

    assert stage.hear(":srv 761 alice bob display-name * :Bob") == []
    assert bob() == "Bob"
    assert stage.hear(":srv 766 alice bob display-name :key not set") == []
    assert bob() == ""
    batch = [":srv BATCH +m metadata #tea", "@batch=m :srv 761 alice bob display-name * :Robert", ":srv BATCH -m"]
    assert stage.hear(*batch) == []
    assert bob() == "Robert"


def test_metadata_of_the_user_is_not_shown_at_the_login() -> None:
    """The server sends all of it with the welcome."""
    stage = here("batch draft/metadata-3")
    assert (
        stage.hear(":srv BATCH +m metadata alice", "@batch=m :srv 761 alice alice color * :red", ":srv BATCH -m") == []
    )


def test_metadata_that_the_user_asks_for_is_shown() -> None:
    """Only what answers no typed command is not."""
    stage = here("batch draft/metadata-3 labeled-response", "#tea")
    stage.session.enter("/raw METADATA bob GET display-name avatar")
    label = stage.link.sent[-1].split()[0]
    shown = stage.hear(
        f"{label} :srv BATCH +a labeled-response",
        "@batch=a :srv BATCH +m metadata bob",
        "@batch=m :srv 761 alice bob avatar * :https://example.org/bob.png",
        "@batch=m :srv 761 alice bob display-name * :Bob",
        "@batch=a :srv BATCH -m",
        ":srv BATCH -a",
    )
    assert len(shown) == 2
    stage.session.enter("/raw METADATA bob GET display-name")
    label = stage.link.sent[-1].split()[0]
    assert len(stage.hear(f"{label} :srv 766 alice bob display-name :key not set")) == 1
    stage = here("batch draft/metadata-3", "#tea")
    stage.session.enter("/raw METADATA bob GET avatar")
    assert len(stage.hear(":srv 761 alice bob avatar * :https://example.org/bob.png")) == 1
