"""Strict counting: what people have read, beside the database and what they were answered."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.chaos_people import CHANNELS, Person, Said
from harness.daemon import until

from chatroom.chat.stored.entries import AtMessageId, Kind
from chatroom.database_address import ServerAddress
from chatroom.storage.opening import open_stores
from chatroom.storage.sql.sql_stores import SqlStores


class Count:
    """What was counted up to the last round."""

    def __init__(self, people: list[Person], address: ServerAddress) -> None:
        self._people = people
        self._address = address
        self._read = {person: dict.fromkeys(person.read, 0) for person in people}
        """How much of what each has read was compared."""
        self._own = {person: Counter[str]() for person in people}
        """How often each has read its own lines."""

    def __str__(self) -> str:
        answered, refused, lost = (
            sum(map(len, each))
            for each in zip(*((one.answered, one.refused, one.lost) for one in self._people), strict=True)
        )
        return f"{answered} lines answered, {refused} refused, {lost} without an answer"

    def go_on(self) -> None:
        """Compare what all have read with each other, with the database, and with what they were answered."""
        with open_stores(self._address) as stores:
            for person in self._people:
                for where, read in person.read.items():
                    self._compare(stores, person, where, read)
                times = self._own[person]
                doubled = [text for text, count in times.items() if count > 1]
                assert not doubled, f"{person.name} reads its own lines twice: {doubled}"
                lacking = person.answered.keys() - times.keys()
                assert not lacking, f"what {person.name} was answered is not there: {sorted(lacking)}"
                refused = person.refused & times.keys()
                assert not refused, f"what {person.name} was told is refused is there: {sorted(refused)}"
            # Also one that no question to the history finds, because it was stored behind what is indexed. What was
            # refused while nobody knew if it was stored may be taken back in a moment.
            until(lambda: not self._find_unread(stores), "nothing is stored that nobody has read")

    def _find_unread(self, stores: SqlStores) -> set[int]:
        rows = stores.database.rows("SELECT id FROM messages WHERE kind = ?", (int(Kind.PRIVMSG),))
        stored = {row[0] for row in rows}
        read = [lines for person in self._people for lines in person.read.values()]
        return stored.difference(*({said.number for said in lines} for lines in read))

    def _compare(self, stores: SqlStores, person: Person, where: str, read: list[Said]) -> None:
        conversation: Any = where
        if where not in CHANNELS:
            ids = [account.id for name in (where, person.name) if (account := stores.accounts.find(name)) is not None]
            conversation = min(ids), max(ids)
        done = self._read[person][where]
        after = AtMessageId(read[done - 1].number) if done else None
        entries = stores.history.latest(conversation, 1_000_000, after=after)
        kept = [Said(entry.message_id, entry.source.partition("!")[0], entry.text) for entry in entries]
        read = read[done:]
        missing, more = sorted(set(kept) - set(read)), sorted(set(read) - set(kept))
        assert read == kept, f"{person.name} has not read {missing[:5]} of {where}, and has read {more[:5]} besides"
        self._read[person][where] = done + len(read)
        self._own[person].update(said.text for said in read if said.sender == person.name)
