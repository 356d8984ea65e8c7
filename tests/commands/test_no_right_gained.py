"""Random users in random rooms: whatever they send, nobody changes what is not theirs, and nothing fails.

The world checks its invariants after every tick. Here the rights are checked too, from a picture of the world before
each line (``harness.rights``).
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from random import Random

import pytest
from harness.random_lines import ACCOUNTS, CHANNELS, NICKS, random_input, random_line
from harness.rights import check_no_right_gained, take_picture
from harness.session_client import Client
from harness.world import PASSWORD, Here, change_settings, make_settings, sasl_plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.enforcement import apply_rules
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import COMMANDS
from chatroom.config import Settings
from chatroom.config.settings import SECTIONS
from chatroom.irc.framing import Malformed

MEMORY = Path("/dev/shm")
ROLES = {"ada": Role.ADMIN, "mo": Role.MODERATOR}
PROOFS = [PASSWORD, *(sasl_plain(name) for name in ACCOUNTS)]
SESSIONS = 8
WORLD_LINES = 2000
SOAK_LINES = int(os.environ.get("FUZZ_LINES", "1000000"))
SOAK_SEED = int(os.environ.get("FUZZ_SEED", "1"))
SPARE_BYTES = 16 * 1024 * 1024
"""How much the soak's memory may grow after its first tenth. A leak of 20 bytes a line would be more."""


def some_settings(random: Random) -> Settings:
    """Settings in which each switch is mostly as it is by default, and limits are mostly off."""
    made = make_settings(limits={"enabled": random.random() < 0.25})
    for section in sorted(SECTIONS.keys() - {"listen", "limits"}):
        keys = getattr(made, section)
        switches = {field.name: getattr(keys, field.name) for field in fields(keys)}
        flipped = {key: not now for key, now in switches.items() if isinstance(now, bool) and random.random() < 0.1}
        made = change_settings(made, **{section: flipped})
    return made


@contextmanager
def house(random: Random) -> Iterator[Here]:
    """A world with a history and the accounts of the generator."""
    where = MEMORY if MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=where) as directory,
        Here(Path(directory) / "chat.db", some_settings(random), history=True) as here,
    ):
        for name in ACCOUNTS:
            here.account(name, ROLES.get(name, Role.USER))
        yield here


def arrive(here: Here, random: Random) -> tuple[Client, bool]:
    """Connect a client, mostly under a nick of the generator and in some rooms. A few come by the control socket.

    Return it, and True if it gave a right password.
    """
    if random.random() < 0.02:
        return here.control(), False
    client = here.open(f"10.0.0.{random.randrange(1, 9)}", secure=random.random() < 0.3)
    free = [name for name in NICKS if here.world.find_user(name) is None]
    nick = random.choice(free if free and random.random() < 0.8 else NICKS)
    first = [f"PASS :{nick}:{PASSWORD}"] if nick in ACCOUNTS and random.random() < 0.9 else []
    if random.random() < 0.1:
        return client, False
    client.say(*first, f"NICK {nick}", f"USER {nick} 0 * :{nick}", f"JOIN {random.choice(CHANNELS)}")
    return client, bool(first)


def play(here: Here, random: Random, lines: int) -> None:
    """Have clients come, send lines and go, while time passes and the clock is set."""
    clients: list[Client] = []
    proved: set[Client] = set()  # before its registration is complete, a login shows only later
    for _ in range(lines):
        clients = [client for client in clients if not client.closed]
        if not here.world.users and len(here.world.bans):
            with here.tick():  # as the shell does: else everyone stays banned
                apply_rules(here.world, [(rule.id, None) for rule in list(here.world.bans)])
        if len(clients) < 2 or (len(clients) < SESSIONS and random.random() < 0.1):
            client, has_proof = arrive(here, random)
            clients.append(client)
            if has_proof:
                proved.add(client)
            continue
        client = random.choice(clients)
        event = random.random()
        is_new = client.session.registration is not None
        if event < (0.1 if is_new else 0.01):
            client.vanish()
            client.closed = True
            continue
        if event > 0.99:
            here.wait(random.choice([0.1, 5, 61, 4000]))
        elif event > 0.989:
            here.set_clock(random.choice([-7200, 7200]))
        line = random_input(random, moderates=client.session.role >= Role.MODERATOR)
        text = line.text if isinstance(line, Malformed) else line
        before = take_picture(here.world, client.session)
        client.say(line)
        has_proof = any(proof in text for proof in PROOFS)
        check_no_right_gained(before, here.world, text, proves=has_proof or client in proved)
        if client.session.registration is None:
            proved.discard(client)
        elif has_proof:
            proved.add(client)
        client.read()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_random_lines_gain_no_right(seed: int) -> None:
    """A bounded part of the soak below. The seed plays the same again."""
    random = Random(seed)
    with house(random) as here:
        play(here, random, 120)


def test_the_lines_use_every_verb() -> None:
    """A verb that is new in the command table is in the lines by itself."""
    random = Random(1)
    seen = {random_line(random).split(" :")[0].split(" ")[0] for _ in range(20_000)}
    assert COMMANDS.keys() <= seen


def resident_bytes() -> int:
    """The memory of this process, after what nobody refers to has gone."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_million_random_lines_gain_no_right() -> None:
    """``FUZZ_LINES`` lines from ``FUZZ_SEED`` on, in worlds of 2,000 lines each. Memory stays flat (shown by -s)."""
    worlds = SOAK_LINES // WORLD_LINES
    memory: list[int] = []
    for number in range(worlds):
        random = Random(SOAK_SEED + number)
        with house(random) as here:
            play(here, random, WORLD_LINES)
        if (number + 1) % max(1, worlds // 10) == 0:
            memory.append(resident_bytes())
            print(f"{(number + 1) * WORLD_LINES} lines, {memory[-1] / 2**20:.1f} MiB", flush=True)  # noqa: T201
    assert memory[-1] <= memory[0] + SPARE_BYTES, memory
