"""What is measured, as data: each row's work, the servers that do it, and the bounds for this checkout's daemon.

A bound is absolute, or a ratio to the better of the row's reference servers in the same interleaved run. Machines drift
by a fifth and more between two runs, so the ratio is what counts if there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PEERS = ("ngIRCd", "InspIRCd")
OURS = "chatroom"
TLS_PEER, TLS_OURS = "InspIRCd with TLS", "chatroom with TLS"
Arguments = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a row. A smaller one is better."""

    key: str
    """Its key in the generator's result."""
    unit: str
    at_most: float | None = None
    ratio: float | None = None
    """The highest allowed ratio to the best of the references."""
    per_message: float | None = None
    """The most that a message may cost above the best of the references, for a measure per delivered message."""


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of work. Several servers do it in turn, and one of them is judged."""

    name: str
    title: str
    group: str
    case: str
    """The generator's arguments."""
    arguments: Arguments
    measures: tuple[Measure, ...]
    quick: Arguments | None = field(default_factory=dict)
    """The arguments that a quick run replaces. If it is None, a quick run leaves the row out, unless it is named."""
    subject: str = OURS
    references: tuple[str, ...] = PEERS
    accounts: bool = False
    """True if the clients log in."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A cost against a size, for a plot. Each point has the size, the generator's arguments, and the idle clients."""

    name: str
    title: str
    label: str
    """The unit of the size."""
    case: str
    points: tuple[tuple[int, Arguments, int], ...]


_DELIVERED = "us_per_delivered"


def _delivered(
    at_most: float | None = None, ratio: float | None = None, per_message: float | None = None
) -> tuple[Measure, ...]:
    return (Measure(_DELIVERED, "µs a delivered message", at_most, ratio, per_message),)


@dataclass(frozen=True, slots=True)
class _Talk:
    """A row in which users talk, which several sets of servers do."""

    name: str
    title: str
    case: str
    arguments: Arguments
    quick: Arguments | None
    at_most: float
    ratio: float
    history_ratio: float | None = None


_TALK = (
    _Talk(
        "room-100-w1",
        "one room of 100, 10 senders, window 1",
        "rooms",
        {"rooms": 1, "members": 100, "senders": 10, "window": 1, "messages": 400},
        {"messages": 40},
        0.65,
        1.05,
        1.15,
    ),
    _Talk(
        "room-100-w16",
        "one room of 100, 10 senders, window 16",
        "rooms",
        {"rooms": 1, "members": 100, "senders": 10, "window": 16, "messages": 4800},
        {"messages": 480},
        0.11,
        0.7,
    ),
    _Talk(
        "room-1000-w1",
        "one room of 1000, 10 senders, window 1",
        "rooms",
        {"rooms": 1, "members": 1000, "senders": 10, "window": 1, "messages": 150},
        None,
        0.70,
        1.1,
        1.15,
    ),
    _Talk(
        "room-1000-w16",
        "one room of 1000, 10 senders, window 16",
        "rooms",
        {"rooms": 1, "members": 1000, "senders": 10, "window": 16, "messages": 480},
        {"messages": 80},
        0.10,
        0.35,
    ),
    _Talk(
        "rooms-50x20-w4",
        "50 rooms of 20, a sender each, window 4",
        "rooms",
        {"rooms": 50, "members": 20, "senders": 1, "window": 4, "messages": 600},
        {"messages": 80},
        1.9,
        1.2,
    ),
    _Talk(
        "pairs-w1",
        "50 pairs, direct messages, window 1",
        "pairs",
        {"pairs": 50, "window": 1, "messages": 2000},
        {"messages": 300},
        9.0,
        1.4,
        1.15,
    ),
    _Talk(
        "pairs-w16",
        "50 pairs, direct messages, window 16",
        "pairs",
        {"pairs": 50, "window": 16, "messages": 6400},
        {"messages": 640},
        2.5,
        2.0,
    ),
)

_BESIDE_PEERS = (
    *(
        Row(talk.name, talk.title, "peers", talk.case, talk.arguments, _delivered(talk.at_most, talk.ratio), talk.quick)
        for talk in _TALK
    ),
    Row(
        "register",
        "a registration",
        "peers",
        "register",
        {"clients": 2000, "wave": 500},  # InspIRCd admits users once a second
        (Measure("us_per_registration", "µs", 60, 1.7),),
        {"clients": 1000},
    ),
    Row(
        "churn",
        "connect, register, join, quit",
        "peers",
        "churn",
        {"clients": 1000, "wave": 50},
        (Measure("us_per_visit", "µs", 120),),
        {"clients": 100},
    ),
    Row(
        "memory",
        "memory of an idle connection, at 5000",
        "peers",
        "idle",
        {"clients": 5000},
        (Measure("kb_per_connection", "KB", 2, 1),),
        {"clients": 2000},
    ),
    Row(
        "latency",
        "500 in a room, 200 messages a second",
        "peers",
        "latency",
        {"members": 500, "senders": 100, "rate": 200, "seconds": 10},
        (
            Measure("p50_ms", "ms, half of them", 1.5),
            Measure("p99_ms", "ms, 99 of 100", 4, 0.5),
            Measure("longest_ms", "ms, the longest"),
            Measure(_DELIVERED, "µs a delivered message"),
        ),
        {"seconds": 2},
    ),
)

_QUICK = ("room-100-w1", "room-100-w16", "pairs-w1", "pairs-w16")
"""For the work that is also measured with several settings."""

_WITH_HISTORY = tuple(
    Row(
        f"history-{talk.name}",
        talk.title,
        "history",
        talk.case,
        talk.arguments,
        _delivered(ratio=talk.history_ratio, per_message=5),
        talk.quick if talk.name in _QUICK else None,
        "history on",
        ("history off",),
        accounts=talk.case == "pairs",
    )
    for talk in _TALK
)

_BY_THREADS = tuple(
    Row(
        f"threads-{talk.name}",
        talk.title,
        "threads",
        talk.case,
        talk.arguments,
        _delivered(),
        talk.quick if talk.name in _QUICK else None,
        "io_threads 1",
        ("io_threads 2",),
    )
    for talk in _TALK
    if talk.case == "rooms"
)

_AT_SCALE = (
    Row(
        "paste",
        "100 in a room, while somebody pastes 10,000 lines into another",
        "scale",
        "paste",
        {"members": 100, "rate": 500, "lines": 10_000},
        (
            Measure("p50_ms", "ms, half of them"),
            Measure("p99_ms", "ms, 99 of 100", 20),
            Measure("longest_ms", "ms, the longest"),
            Measure("paste_s", "s, the paste"),
        ),
    ),
    Row(
        "crowd",
        "joins and leaves a room of 2000",
        "scale",
        "crowd",
        {"members": 2000, "visits": 200, "wave": 10},
        (Measure("us_per_visit", "µs"),),
        {"members": 500, "visits": 50},
    ),
    Row(
        "reconnect",
        "2000 vanish and come back at once, while 20 chat",
        "scale",
        "reconnect",
        {"members": 2000, "chatters": 20, "rate": 50},
        (
            Measure("served_s", "s, until the last is back", 5),
            Measure("p99_ms", "ms, 99 of 100 of the others' messages"),
            Measure("longest_ms", "ms, the longest of them"),
        ),
        {"members": 500},
    ),
    Row(
        "start-up",
        "a start and registrations, with 100,000 bans and 100,000 accounts",
        "scale",
        "register",
        {"clients": 4000, "wave": 500},
        (
            Measure("ready_s", "s, from the start to the first client's welcome", 1),
            Measure("us_per_registration", "µs a registration"),
        ),
        None,
        "100,000 of each",
        ("none",),
    ),
    Row(
        "start-up-churn",
        "connect, register, join, quit, with 100,000 bans and 100,000 accounts",
        "scale",
        "churn",
        {"clients": 4000, "wave": 50},
        (Measure("us_per_visit", "µs"),),
        None,
        "100,000 of each",
        ("none",),
    ),
)


def _over_tls(
    name: str, title: str, case: str, arguments: Arguments, quick: Arguments | None, *measures: Measure
) -> Row:
    return Row(f"tls-{name}", title, "tls", case, {**arguments, "tls": 1}, measures, quick, TLS_OURS, (TLS_PEER,))


_OVER_TLS = (
    *(
        _over_tls(talk.name, talk.title, talk.case, talk.arguments, talk.quick, *_delivered())
        for talk in _TALK
        if talk.name in ("room-100-w1", "pairs-w1")
    ),
    _over_tls(
        "handshake",
        "connect, shake hands, leave",
        "handshakes",
        {"clients": 1000, "wave": 20},
        {"clients": 200},
        Measure("us_per_handshake", "µs"),
    ),
    _over_tls(
        "handshake-resumed",
        "the same, and the session is resumed",
        "handshakes",
        {"clients": 1000, "wave": 20, "resumed": 1},
        {"clients": 200},
        Measure("us_per_handshake", "µs"),
    ),
    _over_tls(
        "memory",
        "memory of an idle connection, at 1000",
        "idle",
        {"clients": 1000},
        None,
        Measure("kb_per_connection", "KB"),
    ),
    _over_tls(
        "latency",
        "100 in a room, 50 messages a second, beside 200 handshakes a second",
        "latency",
        {"members": 100, "senders": 100, "rate": 50, "seconds": 10, "handshakes": 200},
        {"seconds": 2},
        Measure("p50_ms", "ms, half of them"),
        Measure("p99_ms", "ms, 99 of 100", 50),
        Measure("longest_ms", "ms, the longest"),
    ),
)

ROWS: tuple[Row, ...] = (*_BESIDE_PEERS, *_OVER_TLS, *_WITH_HISTORY, *_BY_THREADS, *_AT_SCALE)

_DELIVERIES = 300_000
"""About the most deliveries of a sweep's point: half a second's work or less."""
_ROUNDS = 100
"""The most windows of a point: Nagle's algorithm makes the C daemons take up to 40 ms for one."""


def _talk(rooms: int, members: int, senders: int, window: int) -> Arguments:
    wanted = _DELIVERIES // (rooms * senders * (members - 1))
    messages = min(max(wanted, 4 * window), _ROUNDS * window)
    return {"rooms": rooms, "members": members, "senders": senders, "window": window, "messages": messages}


SWEEPS = (
    Sweep(
        "sweep-members",
        "one room, 10 senders, window 1",
        "members of the room",
        "rooms",
        tuple((members, _talk(1, members, 10, 1), 0) for members in (10, 30, 100, 300, 1000, 2000)),
    ),
    Sweep(
        "sweep-rooms",
        "rooms of 20, a sender each, window 4",
        "rooms",
        "rooms",
        tuple((rooms, _talk(rooms, 20, 1, 4), 0) for rooms in (1, 5, 20, 50, 100, 200)),
    ),
    Sweep(
        "sweep-connections",
        "one room of 100, 10 senders, window 1",
        "connections idle besides",
        "rooms",
        tuple((idle, _talk(1, 100, 10, 1), idle) for idle in (0, 500, 1000, 2000, 5000)),
    ),
)
