"""What each session of a cluster reads is what it reads in one world alone, and all nodes have the same world."""

from __future__ import annotations

import os
from typing import Any

import pytest
from harness.cluster_scripts import House, days, houses, play
from hypothesis import HealthCheck, example, given, settings

SOAK_DAYS = int(os.environ.get("FUZZ_DAYS", "5000"))
CHECKS = list(HealthCheck)

Day = list[tuple[Any, ...]]


ALONE: House = (2, False, False, False, False)
STAYING: House = (2, False, True, False, False)


@settings(max_examples=60, deadline=None, suppress_health_check=CHECKS)
@given(days, houses)
# What was forgotten once.
@example([("say", 0, "ACCEPT una"), ("lose", 0)], ALONE)
@example([("say", 0, "LOCKDOWN accounts-only")], ALONE)
@example([("come", 0, "mallory", 1, 1, False), ("say", 5, "@label=l INVITE mallory #a")], ALONE)
@example([("come", 0, "guest2", 0, 5, False), ("say", 6, "OPER ada :open sesame"), ("shell", "ban", "ada")], ALONE)
@example([("say", 4, "UBAN ADD FORCE 10.0.0.0/8 :spam")], ALONE)
@example([("say", 3, "MONITOR + vic,guest"), ("say", 4, "UBAN ADD FORCE 10.0.0.0/8 :spam")], ALONE)
@example([("come", 1, "vic", 0, 5, False), ("say", 0, "NOTICE ada :x"), ("say", 6, "NOTICE ada :x")], ALONE)
@example([("say", 3, "OPER ada :open sesame")], ALONE)
@example([("say", 0, "UBAN ADD eve 1h :spam"), ("wait", 4000)], ALONE)
@example(
    [
        *[("hold", True), ("lose node", 1), ("come", 3, "guest", 2, 2, True)],
        *[("say", 9, "METADATA * SET x :y"), ("release", 1), ("say", 5, "NOTICE #a,eve :hello")],
    ],
    STAYING,
)
def test_a_cluster_is_one_chat(day: Day, house: House) -> None:
    """Whoever is connected where, and however late the nodes read of each other."""
    play(day, house)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@settings(max_examples=SOAK_DAYS, deadline=None, suppress_health_check=CHECKS, print_blob=True)
@given(days, houses)
def test_a_cluster_is_one_chat_for_long(day: Day, house: House) -> None:
    """``FUZZ_DAYS`` days of thirty steps."""
    play(day, house)
