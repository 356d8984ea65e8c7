"""The session and its places: what is typed, answered and lost, and what a screen sees of it."""

from __future__ import annotations

from harness.client_stage import Stage

from chatroom.client.chat_events import Joined, Said
from chatroom.client.link import Opened
from chatroom.client.places.place import Place

LABELS = "batch echo-message labeled-response server-time message-tags"


def place(stage: Stage, name: str) -> Place:
    """An open place."""
    return next(place for place in stage.session.places if place.name == name)


def told(stage: Stage, name: str) -> list[tuple[str, str]]:
    """Each message in a place: its text, and what is known of its way."""
    entries = [entry for entry in place(stage, name).log.entries if entry.said is not None]
    return [(entry.said.text if entry.said is not None else "", entry.delivery) for entry in entries]


def names(stage: Stage) -> list[str]:
    """The open places, in order."""
    return [place.name for place in stage.session.places]


def test_the_places_follow_the_session() -> None:
    """The server's own place is first, and the first channel comes in front."""
    stage = Stage()
    assert names(stage) == ["host"]
    stage.welcome("#lobby", "#tea")
    assert names(stage) == ["host", "#lobby", "#tea"]
    assert stage.session.target == "#lobby"
    stage.session.places.turn_by(1)
    assert stage.session.target == "#tea"
    stage.session.places.turn_by(1)
    assert stage.session.target is None


def test_only_the_answer_to_nick_renames_the_user() -> None:
    """InspIRCd 3 names the new nick as the source of a labelled NICK, also of one that an operator has forced."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    for typed, source, nick in (("/raw SANICK bob rob", "rob", "alice"), ("/nick al", "al", "al")):
        stage.session.enter(typed)
        label = stage.link.sent[-1].split()[0]
        stage.hear(f"{label} :{source}!u@h NICK {source}")
        assert stage.session.state.nick == nick


def test_what_is_said_is_under_way_and_then_said() -> None:
    """The echo has the id, and its place is behind what came before it."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    stage.session.enter("hi")
    assert told(stage, "#lobby") == [("hi", "under way")]
    stage.hear("@msgid=m1 :bob!b@h PRIVMSG #lobby :hello", "@label=1;msgid=m2 :alice!a@h PRIVMSG #lobby :hi")
    assert told(stage, "#lobby") == [("hello", "said"), ("hi", "said")]
    assert place(stage, "#lobby").log.newest_id == "m2"


def test_a_message_of_several_lines_is_one_entry() -> None:
    """Its echo is a batch, and the label is on the first line of it."""
    stage = Stage()
    caps = f"{LABELS} draft/multiline=max-bytes=4096,max-lines=100"
    stage.welcome("#lobby", caps=caps, acked=f"{LABELS} draft/multiline")
    stage.session.enter("one\ntwo")
    assert told(stage, "#lobby") == [("one\ntwo", "under way")]
    stage.hear(
        "@label=1;msgid=m1 :alice!a@h BATCH +x draft/multiline #lobby",
        "@batch=x :alice!a@h PRIVMSG #lobby :one",
        "@batch=x :alice!a@h PRIVMSG #lobby :two",
        ":alice!a@h BATCH -x",
    )
    assert told(stage, "#lobby") == [("one\ntwo", "said")]


def test_without_echo_a_message_is_said_when_it_leaves() -> None:
    """What the pacer holds back is under way, and what is stopped was not said."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter("\n".join("abcdefghijk"))
    stage.hear("PONG srv said-1")
    assert told(stage, "#lobby")[8:] == [("i", "said"), ("j", "under way"), ("k", "under way")]
    stage.session.stop()
    assert told(stage, "#lobby")[8:] == [("i", "said"), ("j", "unsaid"), ("k", "unsaid")]


def test_a_refused_message_and_a_lost_one_are_marked() -> None:
    """The refusal is in front, and the lost one waits in the draft of its place."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    stage.session.enter("no")
    stage.hear("@label=1 :srv 404 alice #lobby :Cannot send to channel (+m)")
    stage.session.enter("perhaps")
    stage.lose()
    assert told(stage, "#lobby") == [("no", "unsaid"), ("perhaps", "perhaps")]
    assert place(stage, "#lobby").draft == "perhaps"
    assert not place(stage, "#lobby").is_joined


def test_a_return_is_no_news_in_the_log() -> None:
    """After a reconnect, at the second attempt, the user is in the place again, without a line that says so."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.lose()
    stage.lose()
    stage.welcome("#lobby")
    entries = place(stage, "#lobby").log.entries
    assert [entry.event for entry in entries].count(Joined("alice", "#lobby", mine=True)) == 1
    assert place(stage, "#lobby").is_joined


def test_what_is_said_in_a_channel_that_one_leaves_opens_no_place() -> None:
    """Until the server's PART it may still say something there; to come back opens the place again."""
    stage = Stage()
    stage.welcome("#lobby", "#tea")
    stage.session.enter("/part #tea")
    stage.hear(":bob!b@h PRIVMSG #tea :wait", ":bob!b@h TOPIC #tea :x", ":bob!b@h JOIN #tea", ":alice!a@h PART #tea")
    assert names(stage) == ["host", "#lobby"]
    stage.session.enter("/join #tea")
    assert stage.session.target == "#tea"
    stage.hear(":alice!a@h JOIN #tea", ":bob!b@h PRIVMSG #tea :back?")
    assert told(stage, "#tea") == [("back?", "said")]


def test_names_are_folded_as_the_server_does() -> None:
    """A place that was opened before the server told its rules is found under them."""
    stage = Stage(join=("#a[]",))
    stage.session.handle(Opened())
    stage.hear(":srv CAP * LS :server-time", ":srv CAP * ACK :server-time", ":srv 001 alice :Welcome")
    stage.hear(":srv 005 alice CASEMAPPING=rfc1459 :are supported", ":srv 422 alice :No MOTD")
    stage.hear(":alice!a@h JOIN #A{}")
    assert names(stage) == ["host", "#A{}"]
    assert stage.session.target == "#A{}"


def test_ignored_users_are_in_no_place() -> None:
    """Neither their messages nor that they are typing, nor their reactions."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    stage.session.enter("/ignore bob")
    stage.hear(
        ":bob!b@h PRIVMSG #lobby :spam",
        "@+typing=active :bob!b@h TAGMSG #lobby",
        "@msgid=m1 :carol!c@h PRIVMSG #lobby :hi",
        "@+draft/reply=m1;+draft/react=+1 :bob!b@h TAGMSG #lobby",
    )
    assert told(stage, "#lobby") == [("hi", "said")]
    assert place(stage, "#lobby").typists.nicks == []
    assert place(stage, "#lobby").log.entries[-1].reactions == {}


def test_what_has_no_words_is_no_event_of_a_line_client() -> None:
    """Typing, read markers and people who are away change places, and print nothing."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    assert stage.hear(
        "@+typing=active :bob!b@h TAGMSG #lobby",
        ":bob!b@h AWAY :tea",
        ":srv MARKREAD #lobby timestamp=2030-01-01T12:00:00.000Z",
    ) == []  # fmt: skip
    assert place(stage, "#lobby").typists.nicks == ["bob"]
    assert {member.nick: member.person.away for member in place(stage, "#lobby").members} == {
        "alice": False,
        "bob": True,
    }
    assert stage.session.enter("hi") == []
    assert stage.hear("@label=1 :alice!a@h PRIVMSG #lobby :hi") == [Said("#lobby", "alice", "hi", mine=True)]
