from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from harness.daemon import until
from harness.journal import FakeJournal

from chatroom.chat.delivery.batches import Batch, Settled
from chatroom.chat.delivery.ledger import MOST_HELD, Renamed
from chatroom.chat.stored.entries import EntryRow, Kind
from chatroom.chat.stored.hook_records import HookEventRow
from chatroom.errors import Fenced, StorageError
from chatroom.server import journal_thread
from chatroom.server.journal_thread import BUSY, JournalThread


class SlowJournal(FakeJournal):
    """A journal whose commits wait for the test. It knows texts that it cannot write."""

    def __init__(self) -> None:
        super().__init__()
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.is_committing = threading.Event()
        self.unwritable: set[str] = set()
        self.is_lost = False
        """True if the connection is lost, until ``begin`` makes another."""
        self.is_fenced = self.is_over = False
        """True if the node's turn is over from the moment on at which a connection is lost; and if it is over."""
        self.loses_answer = ""
        """Have the server go away at the next commit, and say if that is ``stored`` or ``lost``."""
        self.transactions: list[list[str]] = []
        """The texts of each committed transaction."""

    def write(self, entries: Sequence[EntryRow]) -> None:
        """Add entries."""
        if any(entry[8] in self.unwritable for entry in entries):
            raise StorageError("the disk is full")
        super().write(entries)

    def is_made(self, entries: Sequence[int], mark: int = 0) -> bool:
        """True if it was, if the connection is not lost."""
        if self.is_lost:
            raise StorageError("the connection is lost")
        return super().is_made(entries, mark)

    def begin(self) -> bool:
        """Begin, on another connection if this one is lost and the server is there."""
        if not self.is_broken:
            was_lost, self.is_lost = self.is_lost, False
            self.is_over = self.is_fenced and (self.is_over or was_lost)
        if self.is_over:
            raise Fenced("turn 1 is over")
        return super().begin()

    def commit(self) -> None:
        """Commit, when the test lets it."""
        loses_answer, self.loses_answer = self.loses_answer, ""
        if loses_answer:
            self.is_lost = self.is_broken = True
            if loses_answer == "stored":
                super().commit()
            raise StorageError("the connection is lost")
        self.is_committing.set()
        assert self.may_commit.wait(30)
        self.transactions.append([entry.text for entry in self._written])
        super().commit()


class Scene:
    """A journal thread, and what it has settled."""

    def __init__(self) -> None:
        self.journal = SlowJournal()
        self.thread = JournalThread(self.journal)
        self.settled: list[Settled] = []
        self.is_woken = threading.Event()
        self.thread.wake_by(self.is_woken.set)

    def give(self, *batches: Batch) -> None:
        """Give batches, as ticks do."""
        for batch in batches:
            self.thread.give(batch)

    def wait(self, count: int) -> list[Settled]:
        """Wait until that many are settled, as an I/O thread does. Return all that are."""
        while len(self.settled) < count:
            assert self.is_woken.wait(30), self.settled
            self.is_woken.clear()
            self.settled += self.thread.take_settled()
        return self.settled


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A scene whose thread runs."""
    scene = Scene()
    scene.thread.start()
    yield scene
    scene.journal.may_commit.set()
    scene.journal.is_held = scene.journal.is_broken = False
    assert scene.thread.stop(30)


def said(number: int, text: str = "") -> Batch:
    """A batch with one message."""
    return Batch(number, [row(number, text or f"text {number}")], [], [], [(number, None, "PRIVMSG", "#a")])


def joined(number: int) -> Batch:
    """A batch with a JOIN only."""
    return Batch(number, [row(number, f"join {number}", Kind.JOIN)], [], [], [])


def row(number: int, text: str, kind: Kind = Kind.PRIVMSG) -> EntryRow:
    """A row of an entry."""
    return number, number, "#a", int(kind), "ann!u@h", None, "", "#a", text, "", 0


def stored(*numbers: int) -> list[Settled]:
    """What is told of batches that are stored."""
    return [Settled(number, "") for number in numbers]


def test_what_comes_during_a_commit_is_in_the_next_one(scene: Scene) -> None:
    """However many batches come meanwhile, they share one wait for the disk."""
    journal = scene.journal
    journal.may_commit.clear()
    scene.give(said(1))
    assert journal.is_committing.wait(30)
    scene.give(*map(said, range(2, 12)))
    assert not scene.thread.take_settled() and not scene.thread.is_idle
    journal.may_commit.set()
    assert scene.wait(11) == stored(*range(1, 12))
    assert journal.transactions == [["text 1"], [f"text {number}" for number in range(2, 12)]]
    assert scene.thread.is_idle


def test_new_names_keep_their_place_between_the_entries(scene: Scene) -> None:
    """Entries name their channel, so those from before a rename are written before it, also of other batches."""
    journal = scene.journal
    journal.may_commit.clear()
    scene.give(said(1))
    assert journal.is_committing.wait(30)
    both = Batch(3, [row(3, "before"), row(4, "after")], [Renamed("#a", "#b", 1)], [], [])
    scene.give(said(2), both, said(5))
    journal.may_commit.set()
    scene.wait(4)
    assert journal.calls[-4:] == ["write text 2 before", "rename #a #b", "write after text 5", "commit"]


def test_one_that_cannot_be_written_takes_no_other_along(scene: Scene) -> None:
    """Those that shared its transaction are stored, each in one of its own."""
    journal = scene.journal
    journal.may_commit.clear()
    journal.unwritable = {"text 3"}
    scene.give(said(1))
    assert journal.is_committing.wait(30)
    scene.give(*map(said, range(2, 6)))
    journal.may_commit.set()
    assert scene.wait(5) == [*stored(1, 2), Settled(3, "the disk is full"), *stored(4, 5)]
    assert [entry.text for entry in journal.kept] == ["text 1", "text 2", "text 4", "text 5"]


def test_a_lock_that_is_free_in_time_refuses_nothing(scene: Scene) -> None:
    """The thread asks again. Meanwhile others come."""
    scene.journal.is_held = True
    scene.give(said(1))
    until(lambda: scene.thread.is_busy and scene.journal.asked > 2, "the thread asks again")
    scene.give(said(2))
    scene.journal.is_held = False
    assert scene.wait(2) == stored(1, 2)
    assert scene.journal.transactions == [["text 1", "text 2"]]


def test_a_lock_that_is_held_for_long(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are refused when they have waited too long. What was told all the same is stored when it is free."""
    monkeypatch.setattr(journal_thread, "PATIENCE_MS", 0)
    scene.journal.is_held = True
    rows = [HookEventRow(1, 1, 1, "message", "ann", "", "x"), HookEventRow(1, 2, 2, "join", "ann", "", "")]
    entries = [row(1, "message"), row(2, "join", Kind.JOIN)]
    scene.give(Batch(1, entries, [Renamed("#a", "#b", 2)], rows, [(1, None, "PRIVMSG", "#a")]))
    assert scene.wait(1) == [Settled(1, BUSY, is_busy=True)]
    assert not scene.thread.is_idle
    until(lambda: scene.thread.is_behind, "questions wait")
    scene.journal.is_held = False
    until(lambda: scene.thread.is_idle, "the rest is stored")
    assert not scene.thread.is_behind
    assert scene.journal.calls[-3:] == ["write join", "rename #a #b", "commit"]
    assert scene.journal.for_hooks == rows[1:]


def test_what_need_not_be_stored_to_be_told_does_not_wait_for_a_lock(scene: Scene) -> None:
    """Joins and new names are told at once, and stored when the lock is free; behind a message they wait for it."""
    scene.journal.is_held = True
    scene.give(Batch(1, [], [Renamed("#a", "#b", 0)], [], []), joined(2), said(3), joined(4))
    assert scene.wait(2) == [Settled(1, "", is_busy=True), Settled(2, "", is_busy=True)]
    until(lambda: scene.thread.is_behind, "questions wait")
    scene.journal.is_held = False
    assert scene.wait(4)[2:] == stored(3, 4)
    assert scene.journal.calls[-3:] == ["rename #a #b", "write join 2 text 3 join 4", "commit"]


def test_a_disk_that_refuses_every_transaction(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are refused at once; events wait until it works again, and come before what is said then."""
    monkeypatch.setattr(journal_thread, "RETRY_LATER_S", 0.001)
    journal = scene.journal
    journal.is_broken = True
    scene.give(said(1), joined(2))
    assert scene.wait(2) == [Settled(1, "the disk is gone"), Settled(2, "the disk is gone")]
    assert not scene.thread.is_behind, "questions do not wait: it may last"
    before = journal.asked
    until(lambda: journal.asked > before + 2, "the thread tries again, though nothing is said")
    journal.is_broken = False
    scene.give(said(3))
    scene.wait(3)
    assert [entry.text for entry in journal.kept] == ["join 2", "text 3"]


def test_too_many_events_are_not_kept(scene: Scene) -> None:
    """If the disk refuses for long, memory has an end. New names are kept: there are not more than channels."""
    scene.journal.is_broken = True
    entries = [row(number, "join", Kind.JOIN) for number in range(1, MOST_HELD + 2)]
    scene.give(Batch(1, entries, [Renamed("#a", "#b", 5)], [], []))
    scene.wait(1)
    scene.journal.is_broken = False
    until(lambda: scene.thread.is_idle, "the rest is stored")
    assert scene.journal.calls[-2:] == ["rename #a #b", "commit"]
    assert scene.journal.kept == []


def test_a_new_name_comes_before_what_is_said_later(scene: Scene) -> None:
    """If a transaction with a new name fails, later ones begin with it, and fail as long as it cannot be stored."""
    journal = scene.journal
    journal.is_full = True
    scene.give(Batch(1, [row(1, "lost")], [Renamed("#a", "", 1)], [], [(1, None, "PRIVMSG", "#a")]))
    assert scene.wait(1) == [Settled(1, "the disk is full")]
    scene.give(said(2), said(3))
    assert scene.wait(3)[1:] == [Settled(2, "the disk is full"), Settled(3, "the disk is full")]
    journal.calls.clear()
    journal.is_full = False
    scene.give(said(4))
    assert scene.wait(4)[3:] == stored(4)
    assert journal.calls[-3:] == ["end #a", "write text 4", "commit"]
    assert [entry.text for entry in journal.kept] == ["text 4"]


def test_a_stop_stores_what_was_given() -> None:
    """What was accepted is stored, though nobody reads any more that it is."""
    scene = Scene()
    scene.give(said(1), said(2))
    scene.thread.start()
    assert scene.thread.stop(30)
    assert [entry.text for entry in scene.journal.kept] == ["text 1", "text 2"]


def test_a_stop_does_not_wait_for_a_disk_for_ever(scene: Scene) -> None:
    """The daemon ends all the same, and leaves the thread behind."""
    scene.journal.may_commit.clear()
    scene.give(said(1))
    assert scene.journal.is_committing.wait(30)
    assert not scene.thread.stop(0.0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_just_behind_a_commit_asks_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may know less than the database. What is stored is not refused for that, nor stored again."""
    scene = Scene()
    commit = scene.journal.commit

    def die() -> None:
        commit()
        monkeypatch.setattr(scene.journal, "commit", commit)
        raise SystemExit

    monkeypatch.setattr(scene.journal, "commit", die)
    scene.give(said(1), said(2))
    scene.thread.start()
    scene.thread.join(30)
    assert not scene.thread.is_alive() and not scene.thread.take_settled()
    scene.give(said(3))
    scene.thread.start()
    assert scene.wait(3) == stored(1, 2, 3)
    assert scene.journal.transactions == [["text 1", "text 2"], ["text 3"]]
    assert scene.thread.stop(30)


@pytest.mark.parametrize("truth", ["stored", "lost"])
def test_a_commit_whose_answer_is_lost_is_asked_about(scene: Scene, truth: str) -> None:
    """When the server is there again, it says if the messages are stored: none is refused that is, and none doubled."""
    scene.journal.loses_answer = truth
    scene.give(said(1))
    until(lambda: scene.journal.asked > 3, "the thread asks again and again")
    assert not scene.thread.take_settled()
    scene.give(said(2))
    scene.journal.is_broken = False
    first = stored(1) if truth == "stored" else [Settled(1, "the connection is lost")]
    assert scene.wait(2) == [*first, *stored(2)]
    kept = ["text 1", "text 2"] if truth == "stored" else ["text 2"]
    assert [entry.text for entry in scene.journal.kept] == kept


@pytest.mark.parametrize("truth", ["stored", "lost"])
def test_a_node_whose_turn_is_over_asks_what_is_stored(scene: Scene, truth: str) -> None:
    """The answer to its commit was lost, and meanwhile another node goes on: nothing more is committed."""
    scene.journal.loses_answer, scene.journal.is_fenced = truth, True
    scene.give(said(1))
    until(lambda: scene.journal.is_broken, "the commit has had no answer")
    scene.journal.is_broken = False
    first = stored(1) if truth == "stored" else [Settled(1, "the connection is lost")]
    assert scene.wait(1) == first
    scene.give(said(2))
    assert scene.wait(2) == [*first, Settled(2, "turn 1 is over")]


def test_a_server_that_stays_away_refuses_what_is_in_doubt(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """After five seconds the senders are told, like those of all that waits."""
    monkeypatch.setattr(journal_thread, "PATIENCE_MS", 0)
    scene.journal.loses_answer = "lost"
    scene.give(said(1))
    assert scene.wait(1) == [Settled(1, "the connection is lost")]


@pytest.mark.parametrize("truth", ["stored", "lost"])
def test_what_was_refused_in_doubt_is_settled(scene: Scene, monkeypatch: pytest.MonkeyPatch, truth: str) -> None:
    """When the server is back, the message is not stored, events are stored once, and the channel is renamed once."""
    monkeypatch.setattr(journal_thread, "PATIENCE_MS", 0)
    journal, entries = scene.journal, [row(1, "message"), row(2, "join", Kind.JOIN)]
    journal.loses_answer = truth
    scene.give(Batch(1, entries, [Renamed("#a", "#b", 2)], [], [(1, None, "PRIVMSG", "#a")]))
    assert scene.wait(1) == [Settled(1, "the connection is lost")]
    flags = [(scene.thread.is_idle, scene.thread.is_behind)]
    journal.calls, journal.is_broken = [], False
    until(lambda: scene.thread.is_idle, "it is settled")
    flags.append((scene.thread.is_idle, scene.thread.is_behind))
    assert flags == [(False, True), (True, False)], "a handover and questions wait for it"
    assert [entry.text for entry in journal.kept] == ["join"]
    assert journal.calls.count("rename #a #b") == (truth == "lost")


@pytest.mark.parametrize("truth", ["stored", "lost"])
def test_a_new_name_in_doubt_is_given_once(scene: Scene, monkeypatch: pytest.MonkeyPatch, truth: str) -> None:
    """Though no entry shows if its transaction was made. A second time would part the channel from its history."""
    monkeypatch.setattr(journal_thread, "PATIENCE_MS", 0)
    journal = scene.journal
    journal.loses_answer = truth
    scene.give(Batch(1, [], [Renamed("#a", "#b", 0)], [], []))
    scene.wait(1)
    journal.loses_answer, journal.is_broken = "stored", False  # and again, of the one that settles it
    scene.give(said(2))
    scene.wait(2)
    journal.is_broken = False
    until(lambda: scene.thread.is_idle, "it is settled")
    assert journal.calls.count("rename #a #b") == (1 if truth == "stored" else 2)
    assert not journal.kept


@pytest.mark.parametrize("place", ["_find_group", "_settle_stored"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_goes_on_where_it_was(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug before the commit or behind it: after the restart each message is stored once, and told once."""
    scene, left = Scene(), [1]
    whole: Callable[..., object] = getattr(JournalThread, place)

    def fail(thread: JournalThread) -> object:
        if left and left.pop():
            raise RuntimeError("a bug")
        return whole(thread)

    monkeypatch.setattr(JournalThread, place, fail)
    scene.give(said(1))
    scene.thread.start()
    scene.thread.join(30)
    assert not scene.thread.is_alive() and not scene.thread.take_settled()
    scene.give(said(2))
    scene.thread.start()
    assert scene.wait(2) == stored(1, 2)
    assert [entry.text for entry in scene.journal.kept] == ["text 1", "text 2"]
    assert scene.thread.stop(30)


def test_an_error_of_the_journal_that_is_a_bug_costs_only_its_batch(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread lives on, and the log has the traceback."""
    write = SlowJournal.write

    def fail(journal: SlowJournal, entries: Sequence[EntryRow]) -> None:
        if entries[0][8] == "text 1":
            raise ZeroDivisionError
        write(journal, entries)

    monkeypatch.setattr(SlowJournal, "write", fail)
    scene.give(said(1))
    assert scene.wait(1) == [Settled(1, "ZeroDivisionError")]
    scene.give(said(2))
    assert scene.wait(2)[1:] == stored(2)
    assert "a commit failed" in caplog.text
