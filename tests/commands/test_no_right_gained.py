"""Random users in random rooms: whatever they send, nobody changes what is not theirs, and nothing fails.

The world checks its invariants after every tick. Here the rights are checked too, from a picture of the world before
each line (``harness.rights``).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from harness.random_lines import ACCOUNTS, CHANNELS, NICKS, random_line
from harness.rights import check_no_right_gained, take_picture
from harness.session_client import Client
from harness.world import PASSWORD, Here, sasl_plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.stored.records import Role

MEMORY = Path("/dev/shm")
ROLES = {"ada": Role.ADMIN, "mo": Role.MODERATOR}
PROOFS = [PASSWORD, *(sasl_plain(name) for name in ACCOUNTS)]
SESSIONS = 8
SOAK_LINES = int(os.environ.get("FUZZ_LINES", "1000000"))
SOAK_SEED = int(os.environ.get("FUZZ_SEED", "1"))


@contextmanager
def house() -> Iterator[Here]:
    """A world with a history and the accounts of the generator."""
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as directory, Here(Path(directory) / "chat.db", history=True) as here:
        for name in ACCOUNTS:
            here.account(name, ROLES.get(name, Role.USER))
        yield here


def arrive(here: Here, random: Random) -> Client:
    """Connect a client, mostly under a nick of the generator and in some rooms."""
    client = here.open(f"10.0.0.{random.randrange(1, 9)}")
    nick = random.choice(NICKS)
    first = [f"PASS :{nick}:{PASSWORD}"] if nick in ACCOUNTS and random.random() < 0.7 else []
    if random.random() < 0.9:
        client.say(*first, f"NICK {nick}", f"USER {nick} 0 * :{nick}", f"JOIN {random.choice(CHANNELS)}")
    return client


def play(here: Here, random: Random, lines: int) -> None:
    """Have clients come, send lines and go."""
    clients: list[Client] = []
    proved: set[Client] = set()  # before its registration is complete, a login shows only later
    for _ in range(lines):
        clients = [client for client in clients if not client.closed]
        if len(clients) < 2 or (len(clients) < SESSIONS and random.random() < 0.1):
            clients.append(arrive(here, random))
            continue
        client = random.choice(clients)
        if random.random() < 0.01:
            client.vanish()
            client.closed = True
            continue
        line = random_line(random)
        before = take_picture(here.world, client.session)
        client.say(line)
        has_proof = any(proof in line for proof in PROOFS)
        check_no_right_gained(before, here.world, line, proves=has_proof or client in proved)
        if client.session.registration is None:
            proved.discard(client)
        elif has_proof:
            proved.add(client)
        client.read()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_random_lines_gain_no_right(seed: int) -> None:
    """A bounded part of the soak below. The seed plays the same again."""
    with house() as here:
        play(here, Random(seed), 120)


@pytest.mark.soak
def test_a_million_random_lines_gain_no_right() -> None:
    """``FUZZ_LINES`` lines from ``FUZZ_SEED`` on, in worlds of 2,000 lines each. Memory must stay flat."""
    for number in range(SOAK_LINES // 2000):
        with house() as here:
            play(here, Random(SOAK_SEED + number), 2000)
