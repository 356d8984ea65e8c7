"""What history costs on the disk: writing, reading and searching a million messages, and upkeep meanwhile.

    python bench/history_disk.py [MESSAGES]

Makes a database of that many messages (a million, which takes some minutes) in 100 channels below the directory for
temporary files, and removes it at the end. Prints a line for each measure. Times are milliseconds unless the line says
otherwise; the first figures of a line are the median, the 99th percentile and the longest. A step of upkeep may include
a checkpoint, which delays no writer. The time in which a checkpoint does delay writers is shown as a hold of the lock.
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from chatroom.chat.stored.entries import AtMessageId, AtTime, Entry, Kind, Search, next_message_id, time_ms_of
from chatroom.chat.stored.records import Actor
from chatroom.storage.sqlite.history_upkeep import SqliteUpkeep, open_upkeep
from chatroom.storage.sqlite.journal import SqliteJournal, open_journal
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

CHANNELS = 100
VOCABULARY = 30_000
START_MS = 1_700_000_000_000


class Talk:
    """Makes messages. The n-th word is as frequent as 1/n, as in a language."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self.words = ["".join(self.random.choices(letters, k=self.random.randrange(2, 11))) for _ in range(VOCABULARY)]
        self.weights = list(itertools.accumulate(1 / (rank + 1.5) for rank in range(VOCABULARY)))
        self.last, self.time_ms = 0, START_MS

    def say(self, count: int, step_ms: int = 30_000) -> list[Entry]:
        """Make that many messages, one after the other, in random channels."""
        return [self._one(step_ms) for _ in range(count)]

    def some_words(self, count: int) -> str:
        """Return words with their frequencies in a language."""
        return " ".join(self.random.choices(self.words, cum_weights=self.weights, k=count))

    def _one(self, step_ms: int) -> Entry:
        self.time_ms += step_ms
        self.last = next_message_id(self.last, self.time_ms)
        person = self.random.randrange(200)
        channel, nick = f"#chan{self.random.randrange(CHANNELS)}", f"nick{person}"
        account_id, account = (person, nick) if person < 100 else (None, "")
        kind = Kind.PRIVMSG if self.random.random() < 0.9 else Kind.JOIN
        source, text = f"{nick}!user@host{person}.example.org", self.some_words(self.random.randrange(2, 16))
        return Entry(self.last, self.time_ms, channel, kind, source, account_id, account, channel, text)


def tell(label: str, times_s: Iterable[float], note: str = "") -> None:
    """Print a line of times."""
    ordered = sorted(times_s)
    shown = [ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1]]
    print(f"{label:44}" + "".join(f"{value * 1e3:9.2f}" for value in shown) + f"   {note}", flush=True)


def times(action: Callable[[], object], count: int) -> list[float]:
    """Measure how long each of that many calls takes."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return taken


def measure_writing(journal: SqliteJournal, talk: Talk) -> None:
    """Print the CPU time of a stored message, by the number of messages that share a commit."""
    for size, count in ((1, 4000), (10, 10_000), (100, 20_000), (1000, 20_000)):
        entries = talk.say(count)
        began = time.process_time()
        for start in range(0, count, size):
            write(journal, entries[start : start + size])
        each = (time.process_time() - began) / count * 1e6
        print(f"writing, {size} a commit: {each:.1f} microseconds of CPU a message", flush=True)


def write(journal: SqliteJournal, entries: list[Entry]) -> None:
    """Write and commit, as soon as the write lock is free."""
    while not journal.begin():
        time.sleep(0.0005)
    journal.write(entries)
    journal.commit()


def fill(journal: SqliteJournal, upkeep: SqliteUpkeep, talk: Talk, count: int) -> None:
    """Write and index all messages."""
    for _ in range(count // 1000):
        write(journal, talk.say(1000))
    began, cpu = time.perf_counter(), time.process_time()
    steps = []
    more = True
    while more:
        step = time.perf_counter()
        more = upkeep.index_some()
        steps.append(time.perf_counter() - step)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    tell("a step of indexing", steps, f"{wall_s:.0f} s in all, {cpu_s / count * 1e6:.0f} microseconds of CPU a message")


def measure_reading(stores: SqliteStores, talk: Talk, first: int) -> None:
    """Time each kind of question to the whole history."""
    history, chance = stores.history, talk.random

    def channel() -> str:
        return f"#chan{chance.randrange(CHANNELS)}"

    def message_id() -> AtMessageId:
        return AtMessageId(chance.randrange(first, talk.last))

    def moment() -> AtTime:
        return AtTime(time_ms_of(message_id().message_id))

    everywhere = [f"#chan{count}" for count in range(CHANNELS)]
    questions: dict[str, Callable[[], object]] = {
        "latest 50": lambda: history.latest(channel(), 50),
        "latest 50 with events": lambda: history.latest(channel(), 50, events=True),
        "latest 1000": lambda: history.latest(channel(), 1000),
        "before a message id, 50": lambda: history.before(channel(), message_id(), 50),
        "after a moment, 50": lambda: history.after(channel(), moment(), 50),
        "around a message id, 50": lambda: history.around(channel(), message_id(), 50),
        "between two moments, 50": lambda: history.between(channel(), moment(), moment(), 50),
        "targets of 100 channels": lambda: history.targets(everywhere, 7, 0, talk.time_ms + 1, 50),
        "search two words": lambda: history.search(Search(talk.some_words(2))),
        "search two words, 1 channel": lambda: history.search(Search(talk.some_words(2), [channel()])),
        "search two words, 50 channels": lambda: history.search(Search(talk.some_words(2), everywhere[:50])),
        "search two words, one sender": lambda: history.search(Search(talk.some_words(2), sender="nick42")),
        "search two words, before a moment": lambda: history.search(Search(talk.some_words(2), before=moment())),
    }
    for label, ask in questions.items():
        tell(label, times(ask, 300))


def measure_stalls(stores: SqliteStores, journal: SqliteJournal, talk: Talk) -> None:
    """Write 200 messages a second for 20 s, while upkeep indexes and trims the log."""
    stopping, held = threading.Event(), list[float]()

    def keep_house() -> None:
        with closing(open_upkeep(stores.path)) as upkeep:
            while not stopping.wait(0.05):
                while upkeep.index_some() and not stopping.is_set():
                    pass
                upkeep.trim_log()
            held.append(upkeep.longest_hold_s)

    background = threading.Thread(target=keep_house)
    background.start()
    waits, commits, reads = [], [], []
    entries = talk.say(4000, 5)
    began = time.perf_counter()
    for place, entry in enumerate(entries):
        time.sleep(max(0.0, began + place * 0.005 - time.perf_counter()))
        asked = time.perf_counter()
        while not journal.begin():
            time.sleep(0.0002)
        free = time.perf_counter()
        journal.write([entry])
        journal.commit()
        waits.append(free - asked)
        commits.append(time.perf_counter() - free)
        if place % 10 == 0:
            reads += times(lambda: stores.history.latest("#chan7", 50), 1)
    stopping.set()
    background.join()
    tell("200 a second: a commit", commits)
    tell("200 a second: waiting for the write lock", waits)
    tell("200 a second: latest 50 meanwhile", reads)
    print(f"200 a second: longest hold of the lock by a checkpoint {max(held) * 1e3:.2f}", flush=True)


def measure_clearing(stores: SqliteStores, upkeep: SqliteUpkeep, first: int, last_ms: int) -> None:
    """Time redaction down to the bytes, and pruning a tenth."""
    tenth_ms = START_MS + (last_ms - START_MS) // 10
    stores.history.redact(first, Actor("bench", "cli"))
    work: dict[str, Callable[[], object]] = {
        "clearing the files after a redaction": upkeep.scrub_some,
        "pruning a tenth": lambda: upkeep.prune_some(before_ms=tenth_ms),
        "giving its room back": upkeep.scrub_some,
    }
    for label, step in work.items():
        steps, began, more = [], time.perf_counter(), True
        while more:
            step_began = time.perf_counter()
            more = bool(step())
            steps.append(time.perf_counter() - step_began)
        tell(label, steps, f"{time.perf_counter() - began:.1f} s in all")


def main() -> None:
    """Measure everything."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    talk = Talk()
    with tempfile.TemporaryDirectory(prefix="chatroom-bench-") as directory:
        path = Path(directory) / "chatroom.db"
        open_stores(path, create=True).close()
        with open_stores(path) as stores, closing(open_journal(path)) as journal, closing(open_upkeep(path)) as upkeep:
            measure_writing(journal, talk)
            fill(journal, upkeep, talk, count)
            size = stores.database.number("PRAGMA page_count") * stores.database.number("PRAGMA page_size")
            print(f"{count} messages and some: {size / 2**20:.0f} MiB", flush=True)
            first = stores.database.number("SELECT min(id) FROM messages")
            measure_reading(stores, talk, first)
            measure_stalls(stores, journal, talk)
            measure_clearing(stores, upkeep, first, talk.time_ms)


if __name__ == "__main__":
    main()
