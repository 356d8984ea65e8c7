"""The handover of a test world to a new one, as between two daemons, but without sockets."""

from __future__ import annotations

import json
from typing import Any

from harness.world import Here

from chatroom.chat.handover.world_state import greet, world_from_state, world_to_state


def document(here: Here) -> dict[str, Any]:
    """Return the document of the world, as another process reads it."""
    found: dict[str, Any] = json.loads(json.dumps(world_to_state(here.world)))
    return found


def hand_over(here: Here) -> None:
    """Make a new world that takes the state of the present one over."""
    assert not here.held
    state = document(here)
    here.world = here._make_world(here.world.settings)
    taken = world_from_state(here.world, state)
    for client in here.clients.values():
        client.session = taken.sessions.get(client.session.id, client.session)
    with here.tick():
        greet(here.world, taken)
