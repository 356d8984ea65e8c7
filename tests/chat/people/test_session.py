from __future__ import annotations

from harness.world import Here


def _empty_tables(thing: object) -> set[str]:
    """The attributes that hold an empty container of their own."""
    held = {name: getattr(thing, name) for name in type(thing).__slots__}  # type: ignore[attr-defined]
    return {name for name, value in held.items() if isinstance(value, (list, dict, set)) and not value}


def test_who_is_idle_keeps_next_to_nothing_that_is_empty(here: Here) -> None:
    """Of thousands of sessions most invite nobody, own nothing and subscribe to nothing: none has tables for that."""
    alice = here.connect("alice")
    alice.say("PART #lobby")
    assert _empty_tables(alice.session) == set()
    assert _empty_tables(alice.user) == {"channels"}
    assert alice.session.registration is None
