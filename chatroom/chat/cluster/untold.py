"""Messages that a node had stored when it died in its turn, and told nobody: the next holder of a turn tells them.

They are told as they would have been; client-only tags that the history does not keep are lost. What else such a turn
has changed is in ``kept_records``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.delivery.playback import to_event
from chatroom.chat.stored.entries import Entry, Kind

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.chat.events import Event
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World


def untold_to_record(entries: Sequence[Entry]) -> Record:
    """Write entries, in the order of their message ids."""
    return ["untold", [[*entry[:3], int(entry.kind), *entry[4:]] for entry in entries]]


def last_untold(record: Record) -> int:
    """The highest message id of a record of entries; 0 for any other record."""
    return max((row[0] for row in record[1]), default=0) if record[0] == "untold" else 0


def tell_untold(world: ClusterWorld, record: Record) -> None:
    """Tell this node's own sessions the messages of a record, in a tick. Nothing of it is recorded."""
    world.last_seq = max(world.last_seq, last_untold(record))
    with world.recorder.quiet():
        for row in record[1]:
            conversation = row[2] if isinstance(row[2], str) else (row[2][0], row[2][1])
            world.turn_times.note(row[1], row[1])
            tell_entry(world, Entry(row[0], row[1], conversation, Kind(row[3]), *row[4:]))


def tell_entry(world: World, entry: Entry) -> None:
    """Tell this node's own sessions what an entry records, if it is a message, in a tick."""
    # What is said next in the conversation is later.
    world.outbox.times.go_on(entry.time_ms)
    conversation = entry.conversation
    if isinstance(conversation, str):
        _tell_channel(world, conversation, entry)
    elif entry.kind.has_author:
        event = to_event(entry)
        world.outbox.number(event)
        for user in _find_readers(world, conversation, entry):
            _tell_user(world, user, event)


def _tell_channel(world: World, name: str, entry: Entry) -> None:
    channel = world.find_channel(name)
    if channel is None:
        # It ended before anybody could tell. A later channel of the name must not show what was said there.
        world.ledger.note_earlier(name)
        return
    channel.has_history = True
    if entry.kind.has_author:
        event = to_event(entry)
        world.outbox.number(event)
        world.outbox.to_channel(channel, event)


def _find_readers(world: World, conversation: tuple[int, int] | tuple[int, str], entry: Entry) -> list[User]:
    """The users of both accounts: the sender's devices show what it has said. A guest only if it was written to."""
    one, other = conversation
    readers = list(world.online.users_of(one))
    if not isinstance(other, str):
        return readers if other == one else [*readers, *world.online.users_of(other)]
    guest = world.find_user(other)
    if guest is not None and guest.account is None and entry.account_id == one:
        readers.append(guest)
    return readers


def _tell_user(world: World, user: User, event: Event) -> None:
    for session in user.sessions:
        if not isinstance(session, Shadow):
            world.tell_event(session, event)
