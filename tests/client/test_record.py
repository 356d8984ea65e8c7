"""What a screen's chats leave behind, on a real file: places, marks, typed lines and logs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from harness.client_stage import NOON, NOTHING_KNOWN, PLAIN, Stage

from chatroom.client.chat_events import Trouble
from chatroom.client.options import Options
from chatroom.client.record import MARK_PAUSE_S, Record
from chatroom.client.route import Route
from chatroom.client.store.memory import Memory
from chatroom.client.trust import SYSTEM_TRUST


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the memory is."""
    return tmp_path / "state" / "memory.db"


def options(stage: Stage, *join: str, asked: bool = False) -> Options:
    """The options of a chat with the stage's server."""
    route = Route(PLAIN, NOTHING_KNOWN, lambda: NOON, SYSTEM_TRUST)
    return Options(route, "me", "", "", "", join, stage.session.settings, server_name="home", joins_asked=asked)


def test_a_chat_begins_where_the_last_one_ended(path: Path) -> None:
    """Its channels are joined again, and the place in front is the one that was."""
    stage, clock = Stage(), [0.0]
    record = Record(Memory(path), lambda: clock[0])
    given = options(stage)
    record.begin(stage.session, given, record.find_places(given))
    stage.welcome("#lobby")
    stage.session.enter("/query bob")
    assert record.take(stage.session) == []
    clock[0] += MARK_PAUSE_S
    assert record.take(stage.session) == []
    record.finish()
    later = Stage()
    record = Record(Memory(path), lambda: 0.0)
    places = record.find_places(given)
    assert places is not None
    assert set(places.names) == {"#lobby", "bob"}
    record.begin(later.session, given, places)
    assert later.session.target == "bob"
    record.finish()


def test_a_record_knows_if_it_is_behind(path: Path) -> None:
    """What is read is written after a while, if somebody asks for it; then it need not be asked again."""
    stage, clock = Stage(), [0.0]
    record = Record(Memory(path), lambda: clock[0])
    given = options(stage)
    record.begin(stage.session, given, record.find_places(given))
    stage.welcome("#lobby")
    behind = [record.is_behind]
    stage.hear("@time=2030-01-01T12:00:00.000Z :bob!b@h PRIVMSG #lobby :hi")
    record.take(stage.session)
    behind.append(record.is_behind)
    clock[0] += MARK_PAUSE_S
    record.take(stage.session)
    assert [*behind, record.is_behind] == [False, True, False]
    record.finish()


def test_a_channel_of_the_command_line_is_in_front(path: Path) -> None:
    """Whatever was in front last time."""
    memory = Memory(path)
    stage = Stage(join=("#tea",))
    given = options(stage, "#tea", asked=True)
    for name in ("#a", "bob"):
        memory.add_place(given.place_owner, name, name)
    memory.set_front(given.place_owner, "bob")
    record = Record(memory, lambda: 0.0)
    record.begin(stage.session, given, record.find_places(given))
    assert stage.session.target == "#tea"
    record.finish()


def test_each_user_has_places_of_the_own(path: Path) -> None:
    """A second nick on the same server begins anew; an account has its places under whatever nick."""
    stage, memory = Stage(), Memory(path)
    record = Record(memory, lambda: 0.0)
    mine = options(stage)
    record.begin(stage.session, mine, record.find_places(mine))
    stage.welcome("#tea")
    stage.session.enter("/query bob")
    record.take(stage.session)

    def names(nick: str, account: str = "") -> list[str]:
        places = record.find_places(replace(mine, nick=nick, account=account))
        assert places is not None
        return places.names

    assert names("Me") == names("other", "me") == ["bob", "#tea"]
    assert names("bob") == names("me", "bob") == []
    record.finish()


def test_typed_lines_come_back(path: Path) -> None:
    """Those of earlier chats, but for one that may hold a password."""
    record = Record(Memory(path), lambda: 0.0)
    history = record.open_history(10, lambda: "#tea")
    for line in ("hello", "/msg NickServ IDENTIFY secret", "bye"):
        history.append_string(line)
    record.finish()
    record = Record(Memory(path), lambda: 0.0)
    assert list(record.open_history(10, lambda: "#tea").load_history_strings()) == ["bye", "hello"]
    assert list(record.open_history(1, lambda: "#tea").load_history_strings()) == ["bye"]
    record.finish()


def test_a_memory_that_fails_is_told_once(tmp_path: Path) -> None:
    """The chat goes on without it."""
    (tmp_path / "file").write_text("no directory")
    stage = Stage()
    record = Record(Memory(tmp_path / "file" / "memory.db"), lambda: 0.0)
    given = replace(options(stage), server_name="elsewhere")
    record.begin(stage.session, given, record.find_places(given))
    stage.welcome("#lobby")
    [trouble] = record.take(stage.session)
    assert isinstance(trouble, Trouble)
    assert record.take(stage.session) == []
    record.finish()
