"""When the hits of spam filters are stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.filters import add_filter
from harness.world import Here

from chatroom.errors import DiskFull
from chatroom.server import filter_hits
from chatroom.server.filter_hits import FilterHits
from chatroom.server.inbox import Task


def stored(here: Here) -> int:
    """The hits that the database has."""
    one = here.stores.filters.find(1)
    assert one is not None
    return one.hits


def test_hits_are_stored_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many hits are one write, and the next ones wait for their time."""
    with Here(tmp_path / "chat.db") as here:
        add_filter(here, "viagra")
        alice = here.connect("alice")
        asked = 0

        def post(task: Task) -> None:
            nonlocal asked
            asked += 1
            with here.tick():
                task()

        hits = FilterHits(here.world, post)
        hits.look()
        assert asked == 0
        alice.say("PRIVMSG #lobby :viagra", "PRIVMSG #lobby :viagra")
        hits.look()
        assert (asked, stored(here)) == (1, 2)
        alice.say("PRIVMSG #lobby :viagra")
        hits.look()
        assert (asked, stored(here)) == (1, 2)
        monkeypatch.setattr(filter_hits, "SAVE_EVERY_S", 0)
        hits.look()
        assert (asked, stored(here)) == (2, 3)
        hits.look()
        assert asked == 2


def test_hits_that_cannot_be_stored_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are stored with the next ones; meanwhile no second write is under way."""
    monkeypatch.setattr(filter_hits, "SAVE_EVERY_S", 0)
    with Here(tmp_path / "chat.db") as here:
        add_filter(here, "viagra")
        alice = here.connect("alice")

        def post(task: Task) -> None:
            with here.tick():
                task()

        def refuse(*_: object) -> None:
            raise DiskFull("the disk is full")

        hits = FilterHits(here.world, post)
        alice.say("PRIVMSG #lobby :viagra")
        with monkeypatch.context() as patch:
            patch.setattr(type(here.stores.filters), "add_hits", refuse)
            hits.look()
        assert (stored(here), here.world.spam.unsaved) == (0, {1: 1})
        here.holding = True
        hits.look()
        alice.say("PRIVMSG #lobby :viagra")
        add_filter(here, "bitcoin")
        assert here.world.spam.hits(here.world.spam.filters.by_id[1]) == 2
        hits.look()
        here.release()
        assert (stored(here), here.world.spam.unsaved) == (1, {1: 1})
        hits.look()
        here.release()
        assert stored(here) == 2
