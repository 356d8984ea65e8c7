"""TAGMSG in the history: reactions are kept and shown again, typing is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import Here, verbs

from chatroom.irc.message import Message, parse
from chatroom.storage.sqlite.journal import SqliteJournal

PLAIN = "batch message-tags server-time echo-message draft/chathistory"
CAPS = f"{PLAIN} draft/event-playback draft/message-redaction"
REACT = "+draft/react=👍;+draft/reply=1a2b"


def tag_messages(lines: list[str]) -> list[Message]:
    """The TAGMSG lines among some lines."""
    return [message for message in map(parse, lines) if message.verb == "TAGMSG"]


def msgid(lines: list[str]) -> str:
    """The msgid of the only TAGMSG."""
    [message] = tag_messages(lines)
    assert message.tags is not None
    return message.tags["msgid"]


@pytest.fixture
def una(keeping: Here) -> Client:
    """A member of #c with event-playback."""
    una = keeping.member("una", caps=CAPS)
    una.say("JOIN #c")
    una.read()
    return una


def test_a_reaction_is_shown_again_as_it_was_sent(keeping: Here, una: Client) -> None:
    """With its source, time, msgid and tags, to clients with event-playback and message-tags only."""
    bob = keeping.connect("bob", caps=PLAIN)
    bob.say("JOIN #c")
    [live] = tag_messages(una.ask(f"@{REACT} TAGMSG #c"))
    keeping.wait(5)
    [again] = tag_messages(una.ask("CHATHISTORY LATEST #c * 9"))
    assert (again.source, again.params) == (live.source, live.params)
    assert {name: value for name, value in (again.tags or {}).items() if name != "batch"} == live.tags
    assert tag_messages(bob.ask("CHATHISTORY LATEST #c * 9")) == []
    una.say("CAP REQ :-message-tags")
    assert tag_messages(una.ask("CHATHISTORY LATEST #c * 9")) == []


@pytest.mark.parametrize("tags", ["", "@+typing=active ", "@+draft/typing=done ", "@label=x ", "@+typing=a;label=x "])
def test_typing_and_what_says_nothing_is_not_kept(keeping: Here, una: Client, tags: str) -> None:
    """It is told all the same, without touching the database."""
    assert keeping.journal is not None
    last = keeping.journal.last_message_id()
    bob = keeping.connect("bob", caps=PLAIN)
    bob.say("JOIN #c")
    bob.read()
    una.say(f"{tags}TAGMSG #c")
    assert verbs(bob.read()) == ["TAGMSG"]
    assert keeping.journal.last_message_id() == last
    assert tag_messages(una.ask("CHATHISTORY LATEST #c * 9")) == []


def test_typing_beside_a_reaction_is_left_out(una: Client) -> None:
    """Nobody is typing any more when it is shown again."""
    assert "+typing" in una.ask(f"@+typing=active;{REACT} TAGMSG #c")[0]
    [again] = tag_messages(una.ask("CHATHISTORY LATEST #c * 9"))
    assert again.tags is not None and "+typing" not in again.tags
    assert again.tags["+draft/react"] == "👍"


def test_a_reaction_to_a_user_is_kept_for_both(keeping: Here, una: Client) -> None:
    """Also for an account that is not connected; a guest has none, and a target without a name stays unknown."""
    bob = keeping.member("bob", caps=CAPS)
    first = msgid(una.ask(f"@{REACT} TAGMSG bob"))
    assert msgid(bob.read()) == first
    bob.say("QUIT")
    assert "bob is not connected" in una.ask(f"@{REACT} TAGMSG bob")[-1]
    assert " 401 " in una.ask("@+typing=active TAGMSG bob")[0]
    assert " 401 " in una.ask(f"@{REACT} TAGMSG nobody")[0]
    again = keeping.connect("bob", login="bob", caps=CAPS)
    for reader, name in ((una, "bob"), (again, "una")):
        assert len(tag_messages(reader.ask(f"CHATHISTORY LATEST {name} * 9"))) == 2


def test_its_author_deletes_a_reaction(keeping: Here, una: Client) -> None:
    """REDACT takes it back, as it does a message."""
    bob = keeping.connect("bob", caps=CAPS)
    bob.say("JOIN #c")
    found = msgid(una.ask(f"@{REACT} TAGMSG #c"))
    assert " REDACT_FORBIDDEN " in bob.ask(f"REDACT #c {found}")[-1]
    assert verbs(una.ask(f"REDACT #c {found}")) == ["REDACT"]
    assert verbs(bob.read()) == ["REDACT"]
    assert tag_messages(una.ask("CHATHISTORY LATEST #c * 9")) == []


def test_a_guest_takes_its_reaction_back(keeping: Here) -> None:
    """While it is there, as with its messages."""
    bob, mo = keeping.connect("bob", caps=CAPS), keeping.connect("mo", caps=CAPS)
    mo.say("JOIN #c")
    bob.say("JOIN #c")
    found = msgid(bob.ask(f"@{REACT} TAGMSG #c"))
    assert verbs(bob.ask(f"REDACT #c {found}")) == ["REDACT"]


def test_a_reaction_counts_as_no_message(keeping: Here, una: Client) -> None:
    """TARGETS tells the time of the last message, and a search finds messages only."""
    una.say("PRIVMSG #c :hello")
    [message] = [parse(line) for line in una.read() if " PRIVMSG " in line]
    said = (message.tags or {})["time"]
    keeping.wait(5)
    una.say(f"@{REACT} TAGMSG #c")
    times = "timestamp=2020-01-01T00:00:00.000Z timestamp=2040-01-01T00:00:00.000Z"
    [line] = una.ask(f"CHATHISTORY TARGETS {times} 9")[1:-1]
    assert line.endswith(f"TARGETS #c {said}")
    assert tag_messages(una.ask("SEARCH from=una")) == []
    keeping.index_history()
    assert tag_messages(una.ask("SEARCH from=una")) == []
    assert len(tag_messages(una.ask("CHATHISTORY LATEST #c * 9"))) == 1


def test_a_replay_shows_it_to_clients_that_know_events(keeping: Here, una: Client) -> None:
    """A client that does not ask for history itself, but knows events, reads it at its JOIN."""
    una.say(f"@{REACT} TAGMSG #c")
    knows = "batch server-time message-tags"
    assert len(tag_messages(keeping.connect("one", caps=f"{knows} draft/event-playback").ask("JOIN #c"))) == 1
    assert tag_messages(keeping.connect("two", caps=knows).ask("JOIN #c")) == []


def test_the_settings_leave_it_out(make_here: Callable[..., Here]) -> None:
    """It is kept where messages are."""
    here = make_here(keeping=True, history={"messages": False, "direct_messages": False})
    una, bob = here.member("una", caps=CAPS), here.member("bob", caps=CAPS)
    una.say(f"@{REACT} TAGMSG #lobby", f"@{REACT} TAGMSG bob")
    assert len(tag_messages(bob.read())) == 2
    assert here.journal is not None and here.journal.last_message_id() == 0


def test_a_reaction_waits_for_the_write_lock(keeping: Here, una: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a message does: it is stored before it is told, or refused. Typing does not wait."""
    bob = keeping.connect("bob", caps=PLAIN)
    bob.say("JOIN #c")
    bob.read()
    una.read()
    monkeypatch.setattr(SqliteJournal, "begin", lambda journal: False)
    keeping.holding = True
    bob.say("@+typing=active TAGMSG #c")
    assert verbs(una.read()) == ["TAGMSG"]
    una.say(f"@{REACT} TAGMSG #c")
    assert bob.read()[1:] == []
    keeping.release(10_000)
    assert "NOT_KEPT" in una.read()[0]
    assert bob.read() == []


def test_the_history_keeps_a_bounded_part_of_the_tags(keeping: Here, una: Client) -> None:
    """Readers get all tags; the database keeps those that mean something, and others while there is room."""
    bob = keeping.connect("bob", caps="message-tags")
    bob.say("JOIN #c")
    bob.read()
    una.say(f"@+a=1;+x={'y' * 4000};+draft/reply=abc;+b=2 PRIVMSG #c :words")
    (line,) = bob.read()
    assert "y" * 4000 in line
    (entry,) = keeping.stores.history.latest("#c", 9, events=False)
    assert entry.client_tags == "+draft/reply=abc;+a=1;+b=2"


def test_a_tag_message_that_is_only_bulk_is_not_kept(keeping: Here, una: Client) -> None:
    """Nothing of it fits into what the history keeps, so there would be nothing to show."""
    una.say(f"@+x={'y' * 4000} TAGMSG #c")
    assert keeping.stores.history.latest("#c", 9, events=True) == []
