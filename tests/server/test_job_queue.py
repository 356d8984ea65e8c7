from __future__ import annotations

from ipaddress import IPv6Address
from types import SimpleNamespace

from chatroom.chat.people.session import Session
from chatroom.chat.stored.stores import Stores
from chatroom.chat.work_queue import Order
from chatroom.server.job_queue import JobsInTurns, OrderedJobs, QueuedJob


def make_session(address: str = "10.0.0.1", *, version: int = 4, ended: str = "", lost: bool = False) -> Session:
    """Make a session with a connection in that state."""
    number = int(IPv6Address(address)) if version == 6 else int.from_bytes(map(int, address.split(".")))
    session = Session(1, address, version, number, "host", 0)
    session.connection = SimpleNamespace(ended=ended, is_lost=lost)
    return session


def make_job(session: Session | None = None) -> QueuedJob:
    """Make a job that is like no other."""

    def job(stores: Stores) -> object:
        return None

    return QueuedJob(job, lambda outcome: None, session)


def drain(queue: JobsInTurns | OrderedJobs) -> list[QueuedJob]:
    """Take all jobs."""
    found = []
    while (job := queue.take(0.0)) is not None:
        found.append(job)
    return found


def test_the_store_has_one_order() -> None:
    """Jobs of the store come out as they went in, whoever waits for them."""
    queue = OrderedJobs()
    jobs = [make_job(make_session(ended="gone")), make_job(), make_job(make_session())]
    for job in jobs:
        queue.put(job)
    assert drain(queue) == jobs


def test_networks_take_turns() -> None:
    """Who comes with one job waits for one job of each other network, and not for all that came before."""
    queue = JobsInTurns()
    crowd = [make_job(make_session(f"10.0.{number % 2}.{number}")) for number in range(100)]
    for job in crowd:
        assert queue.put(job) is None
    late = make_job(make_session("192.0.2.1"))
    queue.put(late)
    assert drain(queue).index(late) == 2


def test_a_site_of_ipv6_is_one_network() -> None:
    """A /48 has 65,536 subscribers' networks, and one turn."""
    queue = JobsInTurns()
    for number in range(50):
        queue.put(make_job(make_session(f"2001:db8:7:{number:x}::1", version=6)))
    late = make_job(make_session("2001:db8:8::1", version=6))
    queue.put(late)
    assert drain(queue).index(late) == 1


def test_who_waits_comes_before_who_may_have_left() -> None:
    """Jobs of closed connections come out at once, to be dropped; those of half-closed ones when nobody else waits."""
    queue = JobsInTurns()
    halves = [make_job(make_session(ended="Connection closed")) for _ in range(3)]
    present, gone = make_job(make_session("10.9.9.9")), make_job(make_session(lost=True))
    for job in (*halves, gone, present):
        queue.put(job)
    assert drain(queue) == [gone, present, *halves]
    assert gone.is_unwanted and not halves[0].is_unwanted


def test_a_full_queue_gives_up_what_is_in_vain() -> None:
    """Then jobs of those who may have left, then the last one of the network with the most jobs."""
    queue = JobsInTurns(most=4)
    gone, half = make_job(make_session("10.5.0.1", lost=True)), make_job(make_session("10.5.0.2", ended="EOF"))
    crowd = [make_job(make_session(f"10.0.0.{number}")) for number in range(3)]
    for job in (gone, half, *crowd[:2]):
        assert queue.put(job) is None
    assert queue.put(crowd[2]) is gone
    few = [make_job(make_session(f"10.1.{number}.1")) for number in range(2)]
    assert queue.put(few[0]) is half
    assert queue.put(few[1]) is crowd[2]
    again = make_job(make_session("10.0.0.9"))
    assert queue.put(again) is again
    assert drain(queue) == [crowd[0], *few, crowd[1]]


def test_an_empty_queue_holds_nothing_against_anyone() -> None:
    """A network whose jobs were done begins anew."""
    queue = JobsInTurns()
    for _ in range(20):
        queue.put(make_job(make_session("10.0.0.1")))
        drain(queue)
    jobs = [make_job(make_session("10.0.0.1")), make_job(make_session("10.0.1.1"))]
    for job in jobs:
        queue.put(job)
    assert drain(queue) == jobs


def test_a_closed_queue_is_over_when_it_is_empty() -> None:
    """A worker finishes what was submitted, and does not wait then."""
    queue = OrderedJobs()
    queue.put(make_job())
    queue.close()
    was_over = queue.is_over
    assert queue.take(None) is not None
    assert (was_over, queue.is_over) == (False, True)
    assert queue.take(None) is None


def test_urgent_jobs_of_the_store_come_first() -> None:
    """A ban does not wait behind what others have written of their comings and goings. Each kind keeps its order."""
    queue = OrderedJobs()
    plain = [make_job()._replace(order=Order.TOGETHER) for _ in range(3)]
    bans = [make_job()._replace(order=Order.URGENT) for _ in range(2)]
    for job in (*plain[:2], bans[0], plain[2], bans[1]):
        queue.put(job)
    assert drain(queue) == [*bans, *plain]


def test_what_can_be_done_together_is_next_in_order() -> None:
    """A job that cannot be done with others, and an urgent one, end what is done together."""
    queue = OrderedJobs()
    together = [make_job()._replace(order=Order.TOGETHER) for _ in range(3)]
    for job in together:
        queue.put(job)
    assert queue.take(None) is together[0]
    assert queue.take_with() is together[1]
    ban = make_job()._replace(order=Order.URGENT)
    queue.put(ban)
    assert queue.take_with() is None
    assert queue.take(None) is ban
    queue.put(make_job())
    assert queue.take_with() is together[2]
    assert queue.take_with() is None
    assert len(queue) == 1
