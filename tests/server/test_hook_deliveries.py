"""When the thread of the outgoing hooks tries, and what it says of that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import until
from harness.new_database import make_database

from chatroom.chat.admission.hook_policy import make_outgoing
from chatroom.chat.delivery.hook_payload import event_id
from chatroom.chat.log_line import Level
from chatroom.chat.stored.hook_records import HookEventRow
from chatroom.chat.stored.records import Actor
from chatroom.errors import StorageError
from chatroom.server import hook_deliveries
from chatroom.server.hook_answer import Answer
from chatroom.server.hook_deliveries import FIRST_PAUSE_S, LONGEST_PAUSE_S, MOST_REFUSALS, HookDeliveries, HookState
from chatroom.storage.sql import hook_rows, hook_store
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

GOOD, BAD, REFUSED = Answer(True, "200"), Answer(False, "the answer is 500"), Answer(False, "the answer is 400", True)
ROOT = Actor("root", "cli")


class Stage:
    """The thread's work, done by the test, with a clock that the test moves and receivers that answer as it says."""

    def __init__(self, stores: SqliteStores) -> None:
        self.stores = stores
        self.now_s = 1000.0
        self.lines: list[tuple[str, Level]] = []
        self.answers: dict[str, Answer] = {}
        """What receivers answer, by their URLs; others are good."""
        self.sent: list[tuple[str, str]] = []
        """The URL and the id of each request."""
        self.has_duty = True
        """False while another node of a cluster delivers."""
        self.fault: Exception | None = None
        """What is raised for http://bad/, if anything."""
        self.start()

    def start(self) -> None:
        """Begin anew, as a daemon does that is started again."""
        path = self.stores.path
        self.deliveries = HookDeliveries(
            lambda: open_stores(path),
            lambda *line: self.lines.append(line),
            self.send,
            has_duty=lambda: self.has_duty,
        )

    def send(self, url: str, secret: str, signed_id: str, body: bytes) -> Answer:
        """Answer a request."""
        self.sent.append((url, signed_id))
        if self.fault is not None and url == "http://bad/":
            raise self.fault
        return self.answers.get(url, GOOD)

    def hook(self, url: str = "http://a/") -> int:
        """Add a hook."""
        return self.stores.hooks.add(make_outgoing("#ops", url), ROOT).hook.id

    def say(self, hook_id: int, *message_ids: int) -> None:
        """Have messages wait for a hook."""
        rows = [HookEventRow(hook_id, number, 1000, "message", "ada", "", f"m{number}") for number in message_ids]
        self.stores.hooks.add_events(rows)

    def look(self, after_s: float = 0.0) -> list[str]:
        """Have the thread look, some time later. Returns the ids of what it sends."""
        self.now_s += after_s
        before = len(self.sent)
        self.deliveries.look()
        return [signed_id for _, signed_id in self.sent[before:]]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A database without hooks."""
    with open_stores(make_database(tmp_path / "chat.db")) as stores:
        made = Stage(stores)
        monkeypatch.setattr(time, "monotonic", lambda: made.now_s)
        yield made


def test_events_are_sent_once_and_in_order(stage: Stage) -> None:
    """Hooks take turns. What was delivered is gone, and nothing is sent without news."""
    one, two = stage.hook("http://one/"), stage.hook("http://two/")
    stage.say(one, 1, 2, 3)
    stage.say(two, 1)
    assert stage.look() == ["1-1", "2-1", "1-2", "1-3"]
    assert stage.look(10) == []
    stage.say(one, 4)
    assert stage.look() == ["1-4"]
    assert stage.deliveries.state == HookState(delivered=5)
    assert stage.deliveries.state.facts() == {}
    assert stage.lines == []


def test_a_failure_is_tried_again_with_a_growing_pause(stage: Stage) -> None:
    """Others are not kept waiting. It is logged once, and that it is over too."""
    bad, good = stage.hook("http://bad/"), stage.hook("http://good/")
    stage.answers["http://bad/"] = BAD
    stage.say(bad, 1, 2)
    assert stage.look() == ["1-1"]
    stage.say(good, 1)
    assert stage.look() == ["2-1"]
    pauses = []
    for _ in range(8):
        start_s = stage.now_s
        while not stage.look(1):
            pass
        pauses.append(stage.now_s - start_s)
    assert pauses == [FIRST_PAUSE_S, 10, 20, 40, 80, 160, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert stage.deliveries.state == HookState(delivered=1, failed=9, waiting=2, failing=(bad,))
    assert stage.deliveries.state.facts() == {"hooks": "1 fails, 2 events wait"}
    found = stage.stores.hooks.find(bad)
    assert found is not None and found.failure == "the answer is 500"
    stage.answers = {}
    assert stage.look(LONGEST_PAUSE_S) == ["1-1", "1-2"]
    assert stage.deliveries.state == HookState(delivered=3, failed=9)
    assert stage.lines == [
        ("hook 1 (#ops) fails: the answer is 500", Level.WARNING),
        ("hook 1 (#ops) is delivered again", Level.INFO),
    ]


def test_an_event_that_is_refused_does_not_stay_in_the_way(stage: Stage) -> None:
    """After some tries it is dropped. The next one is tried at once."""
    hook_id = stage.hook()
    stage.answers["http://a/"] = REFUSED
    stage.say(hook_id, 1, 2)
    sent = stage.look()
    while len(sent) < MOST_REFUSALS:
        sent += stage.look(LONGEST_PAUSE_S)
    assert sent == ["1-1"] * MOST_REFUSALS + ["1-2"]
    stage.answers = {}
    assert stage.look(LONGEST_PAUSE_S) == ["1-2"]
    found = stage.stores.hooks.find(hook_id)
    assert found is not None and (found.done, found.dropped, found.waiting) == (1, 1, 0)
    assert [line for line, _ in stage.lines if "dropped" in line] == [
        "hook 1 (#ops): event 1 was dropped: the answer is 400"
    ]


def test_what_a_full_queue_drops_is_logged(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the next try, with the number. A restart does not count it again."""
    monkeypatch.setattr(hook_rows, "MOST_WAITING", 2)
    hook_id = stage.hook()
    stage.answers["http://a/"] = BAD
    stage.say(hook_id, 1)
    stage.look()
    stage.say(hook_id, 2, 3, 4, 5)
    assert stage.look(LONGEST_PAUSE_S) == ["1-4"]
    assert stage.lines[1:] == [("hook 1 (#ops): 3 events were dropped, 3 so far", Level.WARNING)]
    stage.start()
    stage.answers = {}
    assert stage.look() == ["1-4", "1-5"]
    assert len(stage.lines) == 2


def test_a_killed_daemon_delivers_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was delivered, and not deleted yet. The id is the same, so the receiver can tell."""
    hook_id = stage.hook()
    stage.say(hook_id, 255)

    def fail(*_: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(hook_store.SqlHooks, "end_delivery", fail)
        with pytest.raises(StorageError):
            stage.look()
        # The same daemon knows that it has sent it.
        with pytest.raises(StorageError):
            stage.look()
    assert stage.sent == [("http://a/", "1-ff")]
    stage.start()
    assert stage.look() == ["1-ff"]
    assert stage.look() == []
    assert stage.deliveries.state == HookState(delivered=1)


def test_hooks_that_are_gone_are_forgotten(stage: Stage) -> None:
    """Removed or paused while they fail: there is nothing to try, and nothing fails."""
    removed, paused = stage.hook("http://a/"), stage.hook("http://b/")
    stage.answers = {"http://a/": BAD, "http://b/": BAD}
    stage.say(removed, 1)
    stage.say(paused, 1)
    stage.look()
    assert set(stage.deliveries.state.failing) == {removed, paused}
    assert stage.deliveries.state.facts() == {"hooks": "1, 2 fail, 2 events wait"}
    stage.stores.hooks.remove(removed, ROOT)
    stage.stores.hooks.set_paused(paused, True, ROOT)
    assert stage.look(LONGEST_PAUSE_S) == []
    assert not stage.deliveries.state.failing
    stage.stores.hooks.set_paused(paused, False, ROOT)
    stage.answers = {}
    assert stage.look() == ["2-1"]


def test_the_id_of_an_event_is_its_own(stage: Stage) -> None:
    """Two hooks of a channel have different ids for the same message."""
    for hook_id in (stage.hook(), stage.hook()):
        stage.say(hook_id, 9)
        event = stage.stores.hooks.next_event(hook_id)
        assert event is not None and event_id(event) == f"{hook_id}-9"


def test_the_thread_works_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds what others write. A fault is logged once, and it goes on."""
    monkeypatch.setattr(hook_deliveries, "FIRST_PAUSE_S", 0.01)
    path = make_database(tmp_path / "chat.db")
    lines: list[str] = []
    is_broken = True

    def open_them() -> SqliteStores:
        if is_broken:
            raise StorageError("no database")
        return open_stores(path)

    deliveries = HookDeliveries(open_them, lambda line, _: lines.append(line), lambda *_: GOOD)
    deliveries.start()
    until(lambda: lines, "a fault is logged")
    is_broken = False
    with open_stores(path) as stores:
        hook_id = stores.hooks.add(make_outgoing("#ops", "http://a/"), ROOT).hook.id
        stores.hooks.add_events([HookEventRow(hook_id, 1, 1000, "message", "ada", "", "hello")])
        until(lambda: deliveries.state.delivered == 1, "it is delivered")
        until(lambda: stores.hooks.count_waiting() == 0, "it is deleted")
    deliveries.stop(20)
    assert not deliveries.is_alive()
    assert lines == ["hooks cannot be delivered: no database"]


def test_a_fault_of_one_hook_stops_no_other(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """It is a failure of that hook, logged once."""
    bad, good = stage.hook("http://bad/"), stage.hook("http://good/")
    stage.fault = RuntimeError("a bug")
    stage.say(bad, 1)
    stage.say(good, 1, 2)
    assert stage.look() == ["1-1", "2-1", "2-2"]
    assert stage.look(FIRST_PAUSE_S) == ["1-1"]
    assert stage.deliveries.state == HookState(delivered=2, failed=2, waiting=1, failing=(bad,))
    assert stage.lines == [("hook 1 (#ops) fails: a fault of the server, RuntimeError", Level.WARNING)]
    assert caplog.text.count("RuntimeError: a bug") == 1
    stage.fault = None
    assert stage.look(LONGEST_PAUSE_S) == ["1-1"]


def test_another_node_delivers(stage: Stage) -> None:
    """Nothing is sent meanwhile. Whoever takes over sends what is left."""
    hook = stage.hook()
    stage.has_duty = False
    stage.say(hook, 1)
    assert stage.look() == stage.look() == []
    stage.has_duty = True
    assert len(stage.look()) == 1
    assert stage.look() == []
