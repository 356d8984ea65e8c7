from __future__ import annotations

import pytest
from harness.world import Here


def _empty_tables(thing: object) -> set[str]:
    """The attributes of an object that hold an empty container."""
    held = {name: getattr(thing, name) for name in type(thing).__slots__}  # type: ignore[attr-defined]
    return {name for name, value in held.items() if isinstance(value, (list, dict, set)) and not value}


@pytest.mark.interpreted("a compiled class does not list its attributes")
def test_an_idle_session_holds_no_empty_containers(here: Here) -> None:
    """Most of thousands of sessions have no invitations, data or subscriptions: they need no containers for them."""
    alice = here.connect("alice")
    alice.say("PART #lobby")
    assert _empty_tables(alice.session) == set()
    assert _empty_tables(alice.user) == {"channels"}
    assert alice.session.registration is None
