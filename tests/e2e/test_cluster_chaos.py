"""Strict counting while nodes, Redis and PostgreSQL fail at random.

Whatever happens, everybody reads every line that was said once, live or from the history after coming back, and all in
one order, which is that of the database; what was answered is there, and what was refused is not; and in the end the
worlds of all nodes are equal. ``CHAOS_SEED`` plays the faults of a run again, ``CHAOS_ROUNDS`` says how many rounds,
and ``CHAOS_SHORT`` leaves out the longest failures, so that there are more of them in a minute.
"""

from __future__ import annotations

import json
import os
import random
from functools import partial

import pytest
from harness.chaos_count import Count
from harness.chaos_faults import Chaos, check_log
from harness.chaos_people import PATIENCE_S, Person, Round
from harness.cluster import Cluster
from harness.daemon import until
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")

NAMES = [f"p{number}" for number in range(6)]
PARTNERS = {name: [NAMES[(number + step) % 6] for step in (1, 5, 3)] for number, name in enumerate(NAMES)}
"""With whom each has a conversation: they come to different nodes."""


def world_of(cluster: Cluster, name: str) -> list[str]:
    """All sessions, as a node knows them."""
    told = json.loads(cluster.nodes[name].place.run_here("who", "--json"))
    return sorted(json.dumps({**one, "idle_s": None, "connected_at": None}) for one in told)


def judge(cluster: Cluster, people: list[Person], this: Round, count: Count) -> None:
    """Let all people read what was said in a round, and count. Then compare the nodes."""
    this.ends.set()

    def is_read() -> bool:
        return any(one.fault for one in people) or all(one.done == this.number for one in people)

    until(is_read, "all is read", 2 * PATIENCE_S)
    assert not any(one.fault for one in people), "\n".join(one.fault for one in people)
    count.go_on()
    until(lambda: all(world_of(cluster, name) == world_of(cluster, "a") for name in "bc"), "the worlds are equal")
    for name, node in cluster.nodes.items():
        assert node.process.poll() is None, f"{name} has ended: {node.stderr[-20:]}"
        check_log(name, node)


def report(cluster: Cluster, people: list[Person]) -> str:
    """What a failure leaves behind."""
    states = [f"{person.name} on {person.node}, done {person.done}: {person.fault}" for person in people]
    logs = [line for name, node in cluster.nodes.items() for line in (f"-- {name}", *node.stderr[-60:])]
    return "\n".join(states + logs)


def have_chaos(postgresql: PostgresqlServer, seed: str, rounds: int, *, faults: int, is_long: bool) -> None:
    """Let people talk while the cluster fails, and count after each round."""
    with Cluster.running(postgresql, limits__enabled=False) as cluster:
        points = {name: cluster.points(name) for name in "abc"}
        cluster.start(*points)
        for name in NAMES:
            cluster.nodes["a"].place.create(name)
        for node in cluster.nodes.values():
            until(lambda: node.status()["accounts"] == len(NAMES), "accounts are known")  # noqa: B023 - called here only
        this, people = Round(1), list[Person]()
        chaos = Chaos(cluster, postgresql, people, points, is_long=is_long)
        for name in NAMES:
            choose = partial(chaos.choose_node, random.Random(f"{seed} {name}"))
            people.append(Person(name, PARTNERS[name], NAMES, choose, this))
        count = Count(people, cluster.address)
        for person in people:
            person.start()
        for number in range(1, rounds + 1):
            try:
                chaos.play(random.Random(f"{seed} {number}"), faults)
                judge(cluster, people, this, count)
            except BaseException as fault:
                fault.add_note(f"seed {seed}, round {number}: {chaos}\n{report(cluster, people)}")
                chaos.end_all()
                raise
            print(f"seed {seed}, round {number}: {chaos}; {count}", flush=True)  # noqa: T201
            this = this.go_on(is_last=number == rounds)
        for person in people:
            person.join(PATIENCE_S)
            assert not person.is_alive()


@pytest.mark.timeout(300)
def test_nothing_is_lost_in_chaos(postgresql_server: PostgresqlServer) -> None:
    """Three rounds, with short failures."""
    have_chaos(postgresql_server, "ci", 3, faults=2, is_long=False)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_nothing_is_lost_in_a_hundred_rounds_of_chaos(postgresql_server: PostgresqlServer) -> None:
    """The same, with longer failures too."""
    seed = os.environ.get("CHAOS_SEED", str(random.randrange(10**6)))
    have_chaos(
        postgresql_server,
        seed,
        int(os.environ.get("CHAOS_ROUNDS", "100")),
        faults=3,
        is_long=not os.environ.get("CHAOS_SHORT"),
    )
