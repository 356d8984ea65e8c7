"""What the full-text index of a server does not know of a text."""

from __future__ import annotations

from contextlib import closing

import pytest
from harness.written_history import keep_texts

from chatroom.chat.stored.entries import Search
from chatroom.database_address import ServerAddress
from chatroom.storage.postgresql.postgresql_stores import open_stores
from chatroom.storage.postgresql.server_journal import open_journal
from chatroom.storage.postgresql.server_upkeep import open_upkeep

pytestmark = pytest.mark.debian("postgres")


def test_a_phrase_is_found_up_to_the_256th_place_of_its_word(address: ServerAddress) -> None:
    """PostgreSQL knows no more places of a word in a text. The words alone are found all the same."""
    with closing(open_journal(address)) as journal, closing(open_upkeep(address)) as upkeep:
        keep_texts(journal, [f"well {'ha ' * 256}stop", f"well {'ha ' * 257}stop"])
        assert upkeep.index_some()
    with open_stores(address) as stores:

        def count(text: str) -> int:
            return len(stores.history.search(Search(text)))

        assert [count(text) for text in ("ha stop", '"well ha"', '"ha stop"')] == [2, 2, 1]
