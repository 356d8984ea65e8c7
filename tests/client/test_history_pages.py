"""Pages of old messages: when they are asked for, what an answer means, and what a refusal."""

from __future__ import annotations

from harness.client_stage import Stage

from chatroom.client.chat_events import Denied, Info
from chatroom.client.history_pages import FIRST_PAGE, PAGE, PATIENCE_S
from chatroom.client.link import Opened
from chatroom.client.places.place import Place

CAPS = "batch draft/chathistory message-tags server-time echo-message"


def here(*channels: str, caps: str = CAPS) -> Stage:
    """alice in these channels, whose first pages are still asked for."""
    stage = Stage()
    stage.welcome(*channels, caps=caps)
    return stage


def asked(stage: Stage) -> list[str]:
    """The questions that were sent."""
    return [line for line in stage.link.sent if line.startswith("CHATHISTORY")]


def place(stage: Stage, name: str) -> Place:
    """An open place."""
    return next(place for place in stage.session.places if place.name == name)


def texts(stage: Stage, name: str) -> list[str]:
    """What was said in a place."""
    return [entry.said.text for entry in place(stage, name).log.entries if entry.said is not None]


def page(target: str, *numbers: int, kind: str = "chathistory") -> list[str]:
    """The answer of the server: messages of these numbers."""
    lines = [
        f"@batch=h;msgid=m{number};time=2030-01-01T11:00:{number:02}.000Z :bob!b@h PRIVMSG {target} :text {number}"
        for number in numbers
    ]
    return [f":srv BATCH +h {kind} {target}", *lines, ":srv BATCH -h"]


def test_a_place_opens_with_the_last_messages() -> None:
    """They are asked for one place after the other, and are not new."""
    stage = here("#tea", "#cake")
    assert asked(stage) == [f"CHATHISTORY LATEST #tea * {FIRST_PAGE}"]
    stage.hear(*page("#tea", 1, 2))
    assert asked(stage)[1:] == [f"CHATHISTORY LATEST #cake * {FIRST_PAGE}"]
    assert texts(stage, "#tea") == ["text 1", "text 2"]
    stage.hear(*page("#cake"))
    assert place(stage, "#cake").log.complete
    assert place(stage, "#tea").unread == place(stage, "#cake").unread == 0


def test_a_page_is_no_longer_than_the_server_allows() -> None:
    """CHATHISTORY in ISUPPORT says how long."""
    stage = Stage()
    stage.session.handle(Opened())
    stage.hear(f":srv CAP * LS :{CAPS}", f":srv CAP * ACK :{CAPS}", ":srv 001 alice :Welcome")
    stage.hear(":srv 005 alice CHATHISTORY=20 :are supported", ":srv 422 alice :No MOTD", ":alice!a@h JOIN #tea")
    assert asked(stage) == ["CHATHISTORY LATEST #tea * 20"]


def test_the_user_reads_back_until_the_beginning() -> None:
    """Each page comes before the oldest message, one at a time; an empty one is the beginning."""
    stage = here("#tea")
    stage.hear(*page("#tea", 8, 9))
    tea = place(stage, "#tea")
    older = stage.session.talk.older
    assert older(tea) == older(tea) == ""
    assert asked(stage)[1:] == [f"CHATHISTORY BEFORE #tea msgid=m8 {PAGE}"]
    assert tea.asks_older
    stage.hear(*page("#TEA", 6, 7))
    assert texts(stage, "#tea") == ["text 6", "text 7", "text 8", "text 9"]
    assert older(tea) == ""
    stage.hear(*page("#tea"))
    assert tea.log.complete
    assert "beginning" in older(tea)


def test_a_server_without_history_is_asked_for_nothing() -> None:
    """Reading back is refused with a sentence, offline too."""
    stage = here("#tea", caps="server-time")
    assert asked(stage) == []
    assert "keeps no messages" in stage.session.talk.older(place(stage, "#tea"))
    stage.lose()
    assert stage.session.talk.older(place(stage, "#tea")) == "You are not connected."


def test_what_was_missed_is_asked_for_until_nothing_is_left() -> None:
    """A page may be shorter than it could be, so only an empty one ends the gap."""
    stage = here("#tea", "#cake")
    stage.hear(*page("#tea", 1), *page("#cake"))
    stage.lose()
    stage.welcome("#tea", caps=CAPS)
    targets, first = asked(stage)[0], f"CHATHISTORY LATEST #tea msgid=m1 {PAGE}"
    assert targets.startswith("CHATHISTORY TARGETS timestamp=")
    stage.hear(":srv BATCH +t draft/chathistory-targets", ":srv BATCH -t")
    assert asked(stage)[1:] == [first]
    stage.session.places.turn_by(1)
    stage.hear(*page("#tea", 4, 5))
    assert asked(stage)[2:] == [f"CHATHISTORY BETWEEN #tea msgid=m4 msgid=m1 {PAGE}"]
    stage.hear("@msgid=m6;time=2030-01-01T11:00:06.000Z :bob!b@h PRIVMSG #tea :text 6", *page("#tea", 2, 3))
    stage.hear(*page("#tea"))
    assert texts(stage, "#tea") == [f"text {number}" for number in range(1, 7)]
    assert place(stage, "#tea").unread == 5
    assert len(asked(stage)) == 4


def test_what_was_perhaps_said_was_said_after_all() -> None:
    """The page of what was missed has it: it is there once, and does not wait in the prompt to be said again."""
    stage = here("#tea")
    stage.hear(*page("#tea", 1))
    stage.session.enter("lost?")
    stage.session.enter("surely lost")
    stage.lose()
    assert place(stage, "#tea").draft == "lost?\nsurely lost"
    stage.welcome("#tea", caps=CAPS)
    stage.hear(":srv BATCH +t draft/chathistory-targets", ":srv BATCH -t")
    mine = "@batch=h;msgid=m2;time=2030-01-01T11:00:02.000Z :alice!a@h PRIVMSG #tea :lost?"
    begin, *others, end = page("#tea", 3)
    stage.hear(begin, mine, *others, end)
    assert texts(stage, "#tea") == ["text 1", "surely lost", "lost?", "text 3"]
    deliveries = [entry.delivery for entry in place(stage, "#tea").log.entries if entry.said is not None]
    assert deliveries == ["said", "unsaid", "said", "said"]
    assert place(stage, "#tea").draft == "surely lost"


def test_a_gap_that_is_too_long_says_so() -> None:
    """After ten pages the rest is left to the search."""
    stage = here("#tea")
    stage.hear(*page("#tea", 1))
    stage.lose()
    stage.welcome("#tea", caps=CAPS)
    stage.hear(":srv BATCH +t draft/chathistory-targets", ":srv BATCH -t")
    for number in range(50, 30, -1):
        stage.hear(*page("#tea", number))
    entries = place(stage, "#tea").log.entries
    (gap,) = [index for index, entry in enumerate(entries) if isinstance(entry.event, Info)]
    assert "/search" in entries[gap].event.text  # type: ignore[union-attr]
    assert entries[gap + 1].id == "m41"


def test_direct_messages_of_a_lost_connection_open_their_places() -> None:
    """Without read markers all of them are taken for unread; channels among the targets are left to their JOIN."""
    stage = here("#tea")
    stage.hear(*page("#tea"))
    stage.lose()
    stage.welcome(caps=CAPS)
    stage.hear(
        ":srv BATCH +t draft/chathistory-targets",
        "@batch=t :srv CHATHISTORY TARGETS bob 2030-01-01T11:00:01.000Z",
        "@batch=t :srv CHATHISTORY TARGETS #tea 2030-01-01T11:00:01.000Z",
        "@batch=t :srv CHATHISTORY TARGETS carol never",
        ":srv BATCH -t",
    )
    assert asked(stage)[1:] == [f"CHATHISTORY LATEST bob * {FIRST_PAGE}"]
    stage.hear(*page("bob", 1))
    assert place(stage, "bob").unread == 1


def test_a_marker_says_if_direct_messages_are_unread() -> None:
    """Of those whose last message is read, no place opens."""
    stage = here(caps=f"{CAPS} draft/read-marker")
    stage.hear(
        ":srv BATCH +t draft/chathistory-targets",
        *(f"@batch=t :srv CHATHISTORY TARGETS {name} 2030-01-01T11:00:02.000Z" for name in ("bob", "carol", "dave")),
        ":srv BATCH -t",
    )
    assert [line for line in stage.link.sent if "MARKREAD" in line] == [
        f"MARKREAD {name}" for name in ("bob", "carol", "dave")
    ]
    stage.hear(
        ":srv MARKREAD bob timestamp=2030-01-01T11:00:01.000Z",
        ":srv MARKREAD carol timestamp=2030-01-01T11:00:02.000Z",
        ":srv MARKREAD dave *",
    )
    assert [place.name for place in stage.session.places] == ["host", "bob", "dave"]
    stage.hear(*page("bob", 1, 2), *page("dave", 1, 2))
    assert (place(stage, "bob").unread, place(stage, "dave").unread) == (1, 2)


def test_a_refusal_ends_the_question() -> None:
    """The user reads it if the user has asked, and nothing is taken for the beginning."""
    stage = here("#tea", "#cake")
    shown = stage.hear(":srv FAIL CHATHISTORY INVALID_TARGET LATEST #tea :Messages could not be retrieved")
    assert not any(isinstance(event, Denied) for event in shown)
    assert not place(stage, "#tea").log.complete
    stage.hear(*page("#cake", 1))
    assert stage.session.talk.older(place(stage, "#cake")) == ""
    shown = stage.hear(":srv FAIL CHATHISTORY MESSAGE_ERROR BEFORE #cake :Messages could not be retrieved")
    assert [event for event in shown if isinstance(event, Denied)] == [Denied("Messages could not be retrieved.")]
    assert not place(stage, "#cake").asks_older
    assert stage.session.talk.older(place(stage, "#cake")) == ""
    stage.hear(":srv 421 alice CHATHISTORY :Unknown command")
    assert not place(stage, "#cake").asks_older


def test_a_limit_of_the_server_is_kept() -> None:
    """The same question is asked again after the pause that the server names."""
    stage = here("#tea")
    stage.hear(":srv FAIL CHATHISTORY RATE_LIMITED 7 :Too many questions")
    stage.now += 6
    assert stage.session.talk.tick()
    assert len(asked(stage)) == 1
    stage.now += 1
    stage.session.talk.tick()
    assert asked(stage) == [f"CHATHISTORY LATEST #tea * {FIRST_PAGE}"] * 2


def test_a_server_that_does_not_answer_blocks_nothing() -> None:
    """The next question is asked after a while."""
    stage = here("#tea", "#cake")
    stage.now += PATIENCE_S
    stage.session.talk.tick()
    assert asked(stage)[1:] == [f"CHATHISTORY LATEST #cake * {FIRST_PAGE}"]
    assert not place(stage, "#tea").log.complete


def test_a_replay_that_nobody_asked_for_is_read_as_before() -> None:
    """A batch of another channel is no answer."""
    stage = here("#tea", "#cake")
    shown = stage.hear(*page("#cake", 1))
    assert len(shown) == 1
    assert asked(stage) == [f"CHATHISTORY LATEST #tea * {FIRST_PAGE}"]


def test_messages_of_several_lines_are_whole_in_a_page() -> None:
    """A batch inside the batch is one message."""
    stage = here("#tea", caps=f"{CAPS} draft/multiline")
    stage.hear(
        ":srv BATCH +h chathistory #tea",
        "@batch=h;msgid=m1;time=2030-01-01T11:00:01.000Z :bob!b@h BATCH +n draft/multiline #tea",
        "@batch=n :bob!b@h PRIVMSG #tea :one",
        "@batch=n :bob!b@h PRIVMSG #tea :two",
        "@batch=h :bob!b@h BATCH -n",
        ":srv BATCH -h",
    )
    assert texts(stage, "#tea") == ["one\ntwo"]


def test_what_ignored_users_said_before_is_in_no_page() -> None:
    """An old nick change in a page ignores nobody else."""
    stage = here("#tea")
    stage.session.enter("/ignore bob")
    stage.hear(
        ":srv BATCH +h chathistory #tea",
        "@batch=h :bob!b@h PRIVMSG #tea :spam",
        "@batch=h :bob!b@h NICK carol",
        "@batch=h :carol!c@h PRIVMSG #tea :hi",
        ":srv BATCH -h",
    )
    assert texts(stage, "#tea") == ["hi"]
    stage.hear(":carol!c@h PRIVMSG #tea :still here", ":bob!b@h PRIVMSG #tea :spam")
    assert texts(stage, "#tea") == ["hi", "still here"]
