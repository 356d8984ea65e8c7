"""What fails in a cluster, at random: nodes, Redis, PostgreSQL. Each fault has a beginning and an end.

A node fails at a random moment, or at a point in its code that a random moment hardly ever meets (``fault_points``).
"""

from __future__ import annotations

import random
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence

from harness.chaos_people import Person
from harness.cluster import LEASE_S, Cluster
from harness.daemon import Daemon, until
from harness.fault_points import DEATHS, FaultPoints
from harness.postgresql_server import PostgresqlServer

START_CAP_S = 60.0
_PAUSES_S = (0.0, 0.1, 0.5, LEASE_S, 2 * LEASE_S)
_LONG_PAUSES_S = (*_PAUSES_S, 4 * LEASE_S)
"""The longest one is longer than a line waits before it is refused."""

_OF_TURN = ("before commit", "after commit", "after commit", "after append")
End = Callable[[], None]


class Chaos:
    """The cluster, what fails in it now, and the people whose connections that costs."""

    def __init__(
        self,
        cluster: Cluster,
        postgresql: PostgresqlServer,
        people: list[Person],
        points: dict[str, FaultPoints],
        *,
        is_long: bool,
    ) -> None:
        """``points`` are those of the nodes that run."""
        self.cluster = cluster
        self.postgresql = postgresql
        self.people = people
        self.points = points
        self.counted: Counter[str] = Counter()
        """How often there was each kind of fault."""
        self.told: list[str] = []
        """What was done in this round."""
        self.struck: Counter[str] = Counter()
        """How often a node has come to a point where it was to fail."""
        self.open: dict[str, Daemon] = dict(cluster.nodes)
        """The nodes that somebody can connect to."""
        self._pauses = _LONG_PAUSES_S if is_long else _PAUSES_S
        self._wait = threading.Event().wait
        self._redis_ends: list[End] = []
        self._node_ends: list[End] = []

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in (self.counted + self.struck).items())
        return f"{'; '.join(self.told)} (so far {kinds})"

    def choose_node(self, chance: random.Random) -> tuple[str, int]:
        """A node that can be connected to, and its port. From any thread."""
        name, node = chance.choice(until(lambda: list(self.open.items()), "a node is open"))
        return name, node.port

    def play(self, chance: random.Random, faults: int) -> None:
        """Let so many faults happen, at most two at the same time, and put everything in order."""
        self.told.clear()
        for _ in range(faults):
            self._pause(chance)
            self._begin(chance)
            if chance.random() < 0.4:
                self._pause(chance)
                self._begin(chance)
            self._pause(chance)
            self.end_all()

    def end_all(self) -> None:
        """Put everything in order."""
        # A node needs both to start.
        for ends in (self._redis_ends, self._node_ends):
            while ends:
                ends.pop(0)()

    def _pause(self, chance: random.Random) -> None:
        # Moments at random are the point: nobody waits for anything.
        pause_s = chance.choice(self._pauses) * chance.uniform(0.5, 1.5)
        self.told.append(f"{pause_s:.2f} s")
        self._wait(pause_s)

    def _begin(self, chance: random.Random) -> None:
        faults = [self._kill_node, self._kill_node, self._freeze_node, self._stop_node] if len(self.open) > 1 else []
        if len(self.open) > 2:
            faults += [self._strike_turn, self._strike_turn, self._strike_mending, self._strike_snapshot]
            faults += [self._strike_late, self._strike_return]
        if not self._redis_ends:
            faults += [self._kill_redis, self._empty_redis, self._freeze_redis]
            faults += [self._restart_postgresql, self._freeze_postgresql]
            faults += [self._strike_founding] if len(self.open) > 1 else []
        if faults:
            fault = chance.choice(faults)
            self.counted[fault.__name__.strip("_")] += 1
            fault(chance)

    # -- nodes ------------------------------------------------------------------------------------

    def _take_node(self, chance: random.Random, what: str) -> tuple[str, Daemon]:
        name = chance.choice(sorted(self.open))
        self.told.append(f"{what} {name}")
        return name, self.open.pop(name)

    def _kill_node(self, chance: random.Random) -> None:
        name, node = self._take_node(chance, "kill")
        node.kill()
        check_log(name, node)
        self._node_ends.append(lambda: self._start_node(name))

    def _stop_node(self, chance: random.Random) -> None:
        name, node = self._take_node(chance, "stop")
        code = node.stop()
        assert code == 0, f"{name} ended with {code}: {node.stderr[-20:]}"
        check_log(name, node)
        self._node_ends.append(lambda: self._start_node(name))

    def _freeze_node(self, chance: random.Random) -> None:
        name, node = self._take_node(chance, "freeze")
        node.process.send_signal(signal.SIGSTOP)

        def thaw() -> None:
            node.process.send_signal(signal.SIGCONT)
            self.open[name] = node

        self._node_ends.append(thaw)
        for person in self.people:
            if person.node == name and chance.random() < 0.7:
                person.hang_up()

    def _start_node(self, name: str) -> None:
        until(lambda: self._is_started(name), f"{name} starts again", START_CAP_S)

    def _is_started(self, name: str) -> bool:
        points = self.cluster.points(name)
        place = self.cluster.places.pop(name)
        try:
            node = Daemon(place)
        except AssertionError:
            said = " ".join(place.daemons[-1].stderr)
            assert "runs already" in said, said  # the lease of the one that was killed has not ended yet
            return False
        self.cluster.nodes[name] = self.open[name] = node
        self.points[name] = points
        return True

    # -- nodes at a point of their code -----------------------------------------------------------

    def _plant(self, chance: random.Random, name: str, node: Daemon, point: str, deaths: Sequence[str]) -> None:
        """Have a node that was taken fail at a point, if it comes there before the end."""
        death = chance.choice(deaths)
        self.told.append(f"{death} {name} {point}")
        planted = self.points[name].plant(node, point, death)

        def end() -> None:
            if not planted.uproot():
                planted.wait()
                self.struck[f"{death} {point}"] += 1
                if death == "kill":
                    check_log(name, node)
                    self._start_node(name)
                    return
                if death == "freeze":
                    planted.thaw()
            self.open[name] = node

        self._node_ends.append(end)

    def _take_busy_node(self, chance: random.Random) -> tuple[str, Daemon]:
        """Take a node that has people, who give it turns."""
        name = chance.choice([one.node for one in self.people if one.node in self.open] or sorted(self.open))
        return name, self.open.pop(name)

    def _strike_turn(self, chance: random.Random) -> None:
        name, node = self._take_busy_node(chance)
        self._plant(chance, name, node, chance.choice(_OF_TURN), list(DEATHS))

    def _strike_late(self, chance: random.Random) -> None:
        """What the node commits when it goes on comes too late, if the others have gone on without it."""
        name, node = self._take_busy_node(chance)
        self._plant(chance, name, node, "before begin", ["freeze"])

    def _strike_mending(self, chance: random.Random) -> None:
        name, node = self._take_busy_node(chance)
        self._plant(chance, name, node, "in mending", list(DEATHS))
        name, node = self._take_busy_node(chance)
        self._plant(chance, name, node, "after commit", ["kill"])

    def _strike_snapshot(self, chance: random.Random) -> None:
        name = min(self.open)  # it writes snapshots
        self._plant(chance, name, self.open.pop(name), "before snapshot", list(DEATHS))
        ends = self._node_ends.pop()
        self._kill_node(chance)
        self._node_ends.append(ends)  # behind the start that asks for a snapshot

    def _strike_return(self, chance: random.Random) -> None:
        name, node = self._take_busy_node(chance)
        self._plant(chance, name, node, "in return", list(DEATHS))
        self.points[name].lose_place()

    def _strike_founding(self, chance: random.Random) -> None:
        name, node = self._take_busy_node(chance)
        self._plant(chance, name, node, "in founding", list(DEATHS))
        self._empty_redis(chance)

    # -- Redis and PostgreSQL ---------------------------------------------------------------------

    def _kill_redis(self, chance: random.Random) -> None:
        self.told.append("kill Redis")
        self.cluster.redis.stop()
        self._redis_ends.append(self.cluster.redis.start)

    def _empty_redis(self, chance: random.Random) -> None:
        self.told.append("empty Redis")
        self.cluster.redis.stop()
        self.cluster.redis.forget_data()
        self._redis_ends.append(self.cluster.redis.start)

    def _freeze_redis(self, chance: random.Random) -> None:
        self.told.append("freeze Redis")
        self.cluster.redis.pause()
        self._redis_ends.append(self.cluster.redis.resume)

    def _restart_postgresql(self, chance: random.Random) -> None:
        self.told.append("restart PostgreSQL")
        self.postgresql.stop(chance.choice((signal.SIGINT, signal.SIGQUIT)))
        self._redis_ends.append(self.postgresql.start)

    def _freeze_postgresql(self, chance: random.Random) -> None:
        self.told.append("freeze PostgreSQL")
        self.postgresql.pause()
        self._redis_ends.append(self.postgresql.resume)


def check_log(name: str, node: Daemon) -> None:
    """A node may have lost the others, but nothing may have gone wrong in it, but for threads that a test has ended."""
    lines = list(node.stderr)
    wrong = [line for line in lines if re.search(r"does not fit|is not that of", line)]
    ended = sum(line == "SystemExit" for line in lines)
    is_well = not wrong and sum("Traceback" in line for line in lines) == ended
    assert is_well, f"{name}: " + "\n".join(lines[-60:])
