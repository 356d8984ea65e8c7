"""A world in which random users say random lines, and each line is judged by what it changed.

The seeded soak and the state machine share it. What a line may change is in ``harness.rights``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from harness.random_lines import ACCOUNTS
from harness.rights import check_no_right_gained, take_picture
from harness.session_client import Client
from harness.world import PASSWORD, Here, change_settings, make_settings, sasl_plain

from chatroom.chat.enforcement import apply_rules
from chatroom.chat.stored.records import Role
from chatroom.config import Settings
from chatroom.config.settings import SECTIONS
from chatroom.irc.framing import Malformed

MEMORY = Path("/dev/shm")
ROLES = {"ada": Role.ADMIN, "mo": Role.MODERATOR}
PROOFS = [PASSWORD, *(sasl_plain(name) for name in ACCOUNTS)]


def list_switches() -> list[tuple[str, str]]:
    """Return the sections and names of all settings that are on or off, but for ``limits.enabled``."""
    found = []
    for section in sorted(SECTIONS.keys() - {"listen", "limits"}):
        keys = getattr(make_settings(), section)
        found += [(section, key.name) for key in fields(keys) if isinstance(getattr(keys, key.name), bool)]
    return found


def flip(switches: Iterable[tuple[str, str]], *, limits: bool) -> Settings:
    """Return the settings of tests with some switches the other way round, and limits only if wanted."""
    made = make_settings(limits={"enabled": limits})
    for section, name in switches:
        made = change_settings(made, **{section: {name: not getattr(getattr(made, section), name)}})
    return made


class House:
    """The world, its open clients, and who of them has given a right password before its registration was complete."""

    def __init__(self, here: Here) -> None:
        self.here = here
        self.clients: list[Client] = []
        self._proved: set[Client] = set()  # before its registration is complete, a login shows only later

    def add(self, client: Client, *, has_proof: bool = False) -> Client:
        """Take in a client. ``has_proof``: it has given a right password."""
        self.clients.append(client)
        if has_proof:
            self._proved.add(client)
        return client

    def say(self, client: Client, line: str | Malformed) -> list[str]:
        """Have a client say a line, check what the line has changed, and return what the client reads."""
        text = line.text if isinstance(line, Malformed) else line
        before = take_picture(self.here.world, client.session)
        client.say(line)
        has_proof = any(proof in text for proof in PROOFS)
        check_no_right_gained(before, self.here.world, text, proves=has_proof or client in self._proved)
        if client.session.registration is None:
            self._proved.discard(client)
        elif has_proof:
            self._proved.add(client)
        return client.read()

    def vanish(self, client: Client) -> None:
        """End a client's connection."""
        client.vanish()
        client.closed = True

    def tidy(self) -> None:
        """Forget the clients that are gone, and lift all bans if they keep everybody out, as the shell does."""
        self.clients = [client for client in self.clients if not client.closed]
        world = self.here.world
        if not world.users and len(world.bans):
            with self.here.tick():
                apply_rules(world, [(rule.id, None) for rule in list(world.bans)])


@contextmanager
def open_house(settings: Settings) -> Iterator[House]:
    """A world with a history and the accounts of the generator."""
    where = MEMORY if MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=where) as directory,
        Here(Path(directory) / "chat.db", settings, history=True) as here,
    ):
        for name in ACCOUNTS:
            here.account(name, ROLES.get(name, Role.USER))
        yield House(here)
