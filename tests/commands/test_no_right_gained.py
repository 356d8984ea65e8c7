"""Random users in random rooms: whatever they send, nobody changes what is not theirs, and nothing fails.

The world checks its invariants after every tick. Here the rights are checked too, from a picture of the world before
each line (``harness.rights``).
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from random import Random

import pytest
from harness.random_lines import ACCOUNTS, CHANNELS, NICKS, random_input, random_line
from harness.watched_house import House, flip, list_switches, open_house
from harness.world import PASSWORD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import COMMANDS
from chatroom.config import Settings

SESSIONS = 8
WORLD_LINES = 2000
SOAK_LINES = int(os.environ.get("FUZZ_LINES", "1000000"))
SOAK_SEED = int(os.environ.get("FUZZ_SEED", "1"))
SPARE_BYTES = 16 * 1024 * 1024
"""How much the soak's memory may grow after its first tenth. A leak of 20 bytes a line would be more."""


def some_settings(random: Random) -> Settings:
    """Settings in which each switch is mostly as it is by default, and limits are mostly off."""
    limits = random.random() < 0.25
    return flip([switch for switch in list_switches() if random.random() < 0.1], limits=limits)


def arrive(house: House, random: Random) -> None:
    """Connect a client, mostly under a nick of the generator and in some rooms. A few come by the control socket."""
    here = house.here
    if random.random() < 0.02:
        house.add(here.control())
        return
    client = here.open(f"10.0.0.{random.randrange(1, 9)}", secure=random.random() < 0.3)
    free = [name for name in NICKS if here.world.find_user(name) is None]
    nick = random.choice(free if free and random.random() < 0.8 else NICKS)
    first = [f"PASS :{nick}:{PASSWORD}"] if nick in ACCOUNTS and random.random() < 0.9 else []
    if random.random() < 0.1:
        house.add(client)
        return
    client.say(*first, f"NICK {nick}", f"USER {nick} 0 * :{nick}", f"JOIN {random.choice(CHANNELS)}")
    house.add(client, has_proof=bool(first))


def play(house: House, random: Random, lines: int) -> None:
    """Have clients come, send lines and go, while time passes and the clock is set."""
    here = house.here
    for _ in range(lines):
        house.tidy()
        if len(house.clients) < 2 or (len(house.clients) < SESSIONS and random.random() < 0.1):
            arrive(house, random)
            continue
        client = random.choice(house.clients)
        event = random.random()
        is_new = client.session.registration is not None
        if event < (0.1 if is_new else 0.01):
            house.vanish(client)
            continue
        if event > 0.99:
            here.wait(random.choice([0.1, 5, 61, 4000]))
        elif event > 0.989:
            here.set_clock(random.choice([-7200, 7200]))
        house.say(client, random_input(random, moderates=client.session.role >= Role.MODERATOR))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_random_lines_gain_no_right(seed: int) -> None:
    """A bounded part of the soak below. The seed plays the same again."""
    random = Random(seed)
    with open_house(some_settings(random)) as house:
        play(house, random, 120)


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
        with open_house(some_settings(random)) as house:
            play(house, random, WORLD_LINES)
        if (number + 1) % max(1, worlds // 10) == 0:
            memory.append(resident_bytes())
            print(f"{(number + 1) * WORLD_LINES} lines, {memory[-1] / 2**20:.1f} MiB", flush=True)  # noqa: T201
    assert memory[-1] <= memory[0] + SPARE_BYTES, memory
