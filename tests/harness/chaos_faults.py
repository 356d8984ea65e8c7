"""What fails in a cluster, at random: nodes, Redis, PostgreSQL. Each fault has a beginning and an end."""

from __future__ import annotations

import random
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable

from harness.chaos_people import Person
from harness.cluster import LEASE_S, Cluster
from harness.daemon import Daemon, until
from harness.postgresql_server import PostgresqlServer

START_CAP_S = 60.0
_PAUSES_S = (0.0, 0.1, 0.5, LEASE_S, 2 * LEASE_S)
_LONG_PAUSES_S = (*_PAUSES_S, 4 * LEASE_S)
"""The longest one is longer than a line waits before it is refused."""

End = Callable[[], None]


class Chaos:
    """The cluster, what fails in it now, and the people whose connections that costs."""

    def __init__(self, cluster: Cluster, postgresql: PostgresqlServer, people: list[Person], *, is_long: bool) -> None:
        self.cluster = cluster
        self.postgresql = postgresql
        self.people = people
        self.counted: Counter[str] = Counter()
        """How often there was each kind of fault."""
        self.told: list[str] = []
        """What was done in this round."""
        self.open: dict[str, Daemon] = dict(cluster.nodes)
        """The nodes that somebody can connect to."""
        self._pauses = _LONG_PAUSES_S if is_long else _PAUSES_S
        self._wait = threading.Event().wait
        self._redis_ends: list[End] = []
        self._node_ends: list[End] = []

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.counted.items())
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
        if not self._redis_ends:
            faults += [self._kill_redis, self._empty_redis, self._freeze_redis, self._restart_postgresql]
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
        place = self.cluster.place(name)
        try:
            node = Daemon(place)
        except AssertionError:
            said = " ".join(place.daemons[-1].stderr)
            assert "runs already" in said, said  # the lease of the one that was killed has not ended yet
            return False
        self.cluster.nodes[name] = self.open[name] = node
        return True

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


def check_log(name: str, node: Daemon) -> None:
    """A node may have lost the others, but nothing may have gone wrong in it."""
    wrong = [line for line in list(node.stderr) if re.search(r"Traceback|does not fit|is not that of", line)]
    assert not wrong, f"{name}: " + "\n".join(node.stderr[-60:])
