"""Named points in the code of a daemon at which a test has it die, stand still, or lose the thread that is there."""

from __future__ import annotations

import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NamedTuple

from harness.daemon import Daemon, until
from harness.injected_code import InjectedCode

POINTS = {
    "turn given": ("chatroom.server.cluster.redis_link:ClusterLink.acquire", "after"),
    "before begin": ("chatroom.storage.postgresql.node_journal:ServerNodeJournal.begin", "before"),
    "before commit": ("chatroom.storage.postgresql.node_journal:ServerNodeJournal.commit", "before"),
    "after commit": ("chatroom.storage.postgresql.node_journal:ServerNodeJournal.commit", "after"),
    "before append": ("chatroom.server.cluster.turn_journal:TurnJournal._tell", "before"),
    "after append": ("chatroom.server.cluster.turn_journal:TurnJournal._tell", "after"),
    "before snapshot": ("chatroom.server.cluster.redis_link:ClusterLink.put_snapshot", "before"),
    "in founding": ("chatroom.server.cluster.redis_link:make_plan", "after"),
    "in return": ("chatroom.server.cluster.node:take_world", "before"),
    "before the history has the name": ("chatroom.server.journal_thread:JournalThread._commit_some", "before"),
    "before the stores have the name": ("chatroom.storage.sql.channel_store:SqlChannels.rename", "before"),
    "before a channel is stored": ("chatroom.storage.sql.channel_store:SqlChannels.save", "before"),
    "before an account has left": ("chatroom.storage.sql.presence_store:SqlPresence.go", "before"),
    "in mending": ("chatroom.storage.postgresql.node_journal:ServerNodeJournal.claim", "after"),
}
"""A function of the daemon, and on which side of it the point is."""
# Another thread may take the signal, and this one would go on for a moment.
DEATHS = {
    "kill": "os.kill(os.getpid(), signal.SIGKILL), time.sleep(1)",
    "freeze": "os.kill(os.getpid(), signal.SIGSTOP), time.sleep(0.1)",
    "end thread": "raise SystemExit",  # as a bug would
}
HOLD = """
        while not os.path.exists(files + "-go"):
            time.sleep(0.01)
"""
"""Instead of a death: the thread waits there until the test lets it go on."""
_PLANT = """
import os, signal, time
from pkgutil import resolve_name

owner, name = resolve_name({owner!r}), {name!r}
real = getattr(owner, name)

def die(*args, **named):
    if {side!r} == "before":
        happen()
    answer = real(*args, **named)
    if {side!r} == "after":
        happen()
    return answer

def happen():
    if getattr(owner, name) is die:
        setattr(owner, name, real)
        files = {files!r}
        try:
            os.rename(files + "-planted", files + "-happened")
        except FileNotFoundError:
            return  # uprooted
        while not os.path.exists(os.environ["INJECTED_CODE"] + "-done"):
            time.sleep(0.001)  # the test waits for the thread that plants this, and would wait in vain
        {death}

setattr(owner, name, die)
"""
_LOSE_PLACE = """
from chatroom.server.cluster.turn_desk import Desk

def lose(self, patience_s):
    Desk.wait_wanted = wait_wanted
    self.lose("a test says so")
    return wait_wanted(self, patience_s)

wait_wanted, Desk.wait_wanted = Desk.wait_wanted, lose
"""


class Planted(NamedTuple):
    """A fault that a node has before it."""

    node: Daemon
    death: str
    planted: Path
    """A file that is there until the node comes to the point, or the fault is uprooted."""
    happened: Path
    """A file that is there when the node has come to the point."""

    @property
    def has_happened(self) -> bool:
        """True if the node has come to the point."""
        return self.happened.exists()

    def uproot(self) -> bool:
        """Have the fault never happen. False if it has."""
        try:
            self.planted.unlink()
        except FileNotFoundError:
            return False
        return True

    def wait(self) -> None:
        """Wait until the node has come to the point, and died of it if it is to die."""
        until(lambda: self.has_happened, "the node is at the point")
        if self.death == "kill":
            self.node.wait()
        elif self.death == "freeze":
            until(lambda: state_of(self.node.process.pid) == "T", "the node stands still")

    def release(self) -> None:
        """Let a thread go on that is held."""
        self.planted.with_name(self.planted.name.replace("planted", "go")).touch()

    def thaw(self) -> None:
        """Let a node go on that stands still."""
        self.node.process.send_signal(signal.SIGCONT)


class FaultPoints:
    """The points of one node. Make it before the node starts."""

    def __init__(self, code: InjectedCode, blame: Callable[[], object]) -> None:
        """``blame`` is called before the node gets a fault that has it log a traceback."""
        self._code = code
        self._blame = blame
        self._numbers = count(1)

    def plant(self, node: Daemon, point: str, death: str) -> Planted:
        """Have the node die when it comes to the point next; with "hold", wait there."""
        where, side = POINTS[point]
        module, _, function = where.partition(":")
        owner, _, name = function.rpartition(".")
        if death == "end thread":
            self._blame()
        files = self._code.sign(f"fault{next(self._numbers)}")  # an uprooted fault is still there, and has its own
        planted, happened = Path(f"{files}-planted"), Path(f"{files}-happened")
        planted.touch()
        self._code.run(
            _PLANT.format(
                owner=f"{module}:{owner}", name=name, side=side, files=str(files), death=DEATHS.get(death, HOLD)
            )
        )
        return Planted(node, death, planted, happened)

    def lose_place(self) -> None:
        """Have the node lose its place among the others, so that it must return."""
        self._code.run(_LOSE_PLACE)


def state_of(pid: int) -> str:
    """The state of a process, as ps(1) has it: T if it stands still."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
