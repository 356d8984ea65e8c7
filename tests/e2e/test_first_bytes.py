"""Byte streams of every kind at every kind of listener of one daemon, while two people chat."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from random import Random

import pytest
from harness.byte_streams import cut, random_stream
from harness.daemon import Client, Daemon, Place, stopped_well, until
from harness.process_load import read_load
from harness.tls import Pair

TLS = 'tls = true\ncertificate = "{certificate}"\nkey = "{key}"'
PROXY = 'proxy_protocol_from = ["127.0.0.1"]'
TABLES = [
    "",
    TLS,
    'kind = "websocket"',
    f'kind = "websocket"\n{TLS}',
    PROXY,
    f"{PROXY}\n{TLS}",
    'kind = "websocket"\nforwarded_from = ["127.0.0.1"]',
    f'kind = "websocket"\n{PROXY}',
    'kind = "websocket"\nwebroot = "site"',
]
AT_ONCE = 80
SPARE_BYTES = 8 * 1024 * 1024
SOAK_STREAMS = int(os.environ.get("FUZZ_STREAMS", "100000"))
SOAK_SEED = int(os.environ.get("FUZZ_SEED", "1"))


class OpenDaemon(Daemon):
    """A daemon with a listener of each kind. Their ports are in ``ports``."""

    def __init__(self, place: Place) -> None:
        pair = Pair(place.root, "localhost")
        tables = [f"[[listen]]\nport = 0\n{table}\n" for table in TABLES]
        text = "".join(tables).replace("{certificate}", str(pair.certificate)).replace("{key}", str(pair.key))
        place.config_file.write_text(text)
        site = place.config_file.parent / "site"
        site.mkdir()
        (site / "index.html").write_text("<!doctype html>")
        super().__init__(place)
        lines = self.log_lines("listening on ")
        self.ports = [int(line.partition(" (")[0].rpartition(":")[2]) for line in lines]
        assert len(self.ports) == len(TABLES)


@pytest.fixture
def exposed() -> Iterator[OpenDaemon]:
    """A daemon without limits, so that everything that is sent is read too."""
    with Place.make(limits__enabled=False, accounts__registration="closed") as place:
        yield from stopped_well(OpenDaemon(place))


def throw(random: Random, client: Client) -> bool:
    """Send a stream, in pieces, and end the connection in some way. Return True if the daemon is to end it."""
    try:
        for piece in cut(random, random_stream(random)):
            client.send_bytes(piece)
        if random.random() < 0.7:
            client.half_close()
            return True
    except TimeoutError:
        raise
    except OSError:
        return True  # what is refused early is closed early
    if random.random() < 0.5:
        client.reset()
    client.sock.close()
    return False


def read_to_the_end(client: Client) -> None:
    """Read whatever comes, until the daemon closes the connection."""
    with contextlib.suppress(ConnectionError):
        while client.sock.recv(65_536):
            pass


def throw_many(daemon: OpenDaemon, random: Random, pat: Client, pia: Client) -> None:
    """Throw some streams at each listener. Meanwhile messages of the bystanders reach each other."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(port)) for port in daemon.ports * (AT_ONCE // len(daemon.ports))]
        left = [client for client in clients if throw(random, client)]
        word = f"w{random.randrange(10**9)}"
        pat.send(f"PRIVMSG pia :{word}")
        pia.expect(word)
        pia.send(f"PRIVMSG pat :{word}")
        pat.expect(word)
        for client in left:
            read_to_the_end(client)
    until(lambda: daemon.place.ctl_json("status")["unregistered"] == 0, "no connection is left")


def play(daemon: OpenDaemon, seed: int, rounds: int, warm_up: int) -> None:
    """Throw streams in rounds. What the daemon uses after the first ones must be enough for the rest."""
    pid = daemon.process.pid
    with daemon.connect("pat") as pat, daemon.connect("pia") as pia:
        for number in range(warm_up):
            throw_many(daemon, Random(seed + number), pat, pia)
        before = read_load(pid)
        for number in range(warm_up, rounds):
            throw_many(daemon, Random(seed + number), pat, pia)
        until(lambda: read_load(pid).sockets <= before.sockets, "no socket is left open")
        after = read_load(pid)
        print(f"{warm_up * AT_ONCE} streams: {before}; {rounds * AT_ONCE} streams: {after}")  # noqa: T201
        assert after.threads == before.threads
        assert after.resident_bytes <= before.resident_bytes + SPARE_BYTES
    assert daemon.is_well()


def test_first_bytes_of_every_kind_disturb_nobody(exposed: OpenDaemon) -> None:
    """A bounded part of the soak below."""
    play(exposed, 20_301_126, 5, 1)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_many_first_bytes_disturb_nobody(exposed: OpenDaemon) -> None:
    """``FUZZ_STREAMS`` of them, from ``FUZZ_SEED`` on (figures by -s)."""
    rounds = SOAK_STREAMS // AT_ONCE
    # The tables that are bounded, such as WHOWAS, are full after some ten thousand.
    play(exposed, SOAK_SEED, rounds, rounds // 4)
