"""Any contents of a database arrive through an archive."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.new_database import make_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.stored.archive_records import (
    SECTIONS,
    Appearance,
    ArchivedAccount,
    ArchivedCertificate,
    ArchivedConversation,
    ArchivedHook,
    ArchivedInvite,
    ArchivedKey,
    ArchivedMessage,
    ArchivedRequest,
    ArchiveRecord,
    FormerName,
    Place,
    Section,
)
from chatroom.chat.stored.entries import Kind
from chatroom.chat.stored.records import AuditEntry, Ban, Credential, ListEntry, Role, SpamFilter, StoredChannel
from chatroom.ctl import archive_steps
from chatroom.ctl.archive_file import ArchiveReader
from chatroom.storage.sqlite.sqlite_stores import open_stores

Strategy = st.SearchStrategy[Any]

lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=20)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
words = st.text("abcdefgh", min_size=1, max_size=8)
hexes = st.text("0123456789abcdef", min_size=64, max_size=64)
ids = st.integers(1, 2**40)
numbers = st.integers(0, 2**63 - 1)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
flags = st.booleans()


def maybe(strategy: Strategy) -> Strategy:
    """None, or what the strategy gives."""
    return st.none() | strategy


def some(strategy: Strategy, key: Callable[[Any], Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    """Some that differ in a key, in its order."""
    return st.lists(strategy, max_size=most, unique_by=key).map(lambda found: tuple(sorted(found, key=key)))


def mapping(keys: Strategy, values: Strategy) -> Strategy:
    """A few keys and values."""
    return st.dictionaries(keys, values, max_size=3)


accounts = some(
    st.builds(
        ArchivedAccount,
        id=ids,
        name=words,
        role=st.sampled_from(Role),
        disabled=flags,
        created_at=moments,
        last_login_at=maybe(moments),
        always_on=flags,
        password_changes=st.integers(0, 99),
        email=maybe(lines),
        credentials=some(st.builds(Credential, words, lines), lambda one: one.kind),
        certificates=some(st.builds(ArchivedCertificate, hexes, moments, maybe(moments)), lambda one: one.added_at, 1),
        former_names=some(st.builds(FormerName, words, moments), lambda one: one.at, 1),
        markers=mapping(lines, numbers),
        metadata=mapping(lines, lines),
        cleared=mapping(lines, numbers),
        places=some(st.builds(Place, lines, flags, maybe(numbers), maybe(numbers)), lambda one: one.channel),
        appearance=maybe(st.builds(Appearance, lines, lines, lines, maybe(lines), lines)),
    ),
    lambda one: one.id,
).filter(
    lambda found: all(
        len({getattr(part, key) for one in found for part in parts(one)}) == sum(len(parts(one)) for one in found)
        for parts, key in ((lambda one: [one], "name"), (lambda one: one.certificates, "fingerprint"))
    )
)
bans = some(
    st.builds(Ban, ids, st.just("name"), lines, lines, lines, moments, maybe(moments), st.none(), st.none())
    | st.builds(Ban, ids, st.just("ip"), st.just("10.0.0.0/8"), lines, lines, moments, maybe(moments), moments, lines),
    lambda one: one.id,
)
filters = some(
    st.builds(
        *(SpamFilter, ids, lines, st.just("glob"), st.just("ban"), lines, st.integers(1, 9), lines, moments),
        *(st.integers(0, 9), maybe(moments)),
    ),
    lambda one: one.id,
    1,
)
invites = some(
    st.builds(
        *(ArchivedInvite, ids, hexes, st.just(3), st.integers(0, 3), lines, lines, moments, moments, maybe(moments)),
    ),
    lambda one: one.id,
)
requests = some(
    st.builds(
        *(ArchivedRequest, ids, words, maybe(lines), lines, moments),
        some(st.builds(Credential, words, lines), lambda one: one.kind),
    ),
    lambda one: one.id,
    1,
)
hooks = some(
    st.builds(
        *(ArchivedHook, ids, st.just("out"), lines, lines, st.just("http://h/"), st.just("whsec_eA=="), st.just("")),
        *(lines, lines, lines, flags, flags, lines, moments, *[st.integers(0, 9)] * 3, maybe(moments), maybe(moments)),
        lines,
    ),
    lambda one: one.id,
)
entries = st.builds(ListEntry, st.sampled_from("beI"), lines, lines, moments, maybe(moments), lines, flags)
none = st.none()
direct = some(
    st.builds(ArchivedConversation, ids, none, ids, st.integers(2**41, 2**42), none, none), lambda one: one.id
)
conversations = direct.filter(lambda found: len({(one.low_id, one.high_id) for one in found}) == len(found))


def channels(known: list[int]) -> Strategy:
    """Channels of these accounts."""
    account = st.sampled_from(known) if known else st.nothing()
    channel = st.builds(
        StoredChannel,
        name=words.map(lambda word: f"#{word}"),
        founder_id=maybe(account),
        created_at=moments,
        flags=lines,
        key=maybe(lines),
        limit=maybe(st.integers(1, 999)),
        forward=maybe(lines),
        topic=lines,
        topic_by=lines,
        topic_at=maybe(moments),
        lists=st.lists(entries, max_size=3).map(tuple),
        access=st.dictionaries(account, st.sampled_from(["founder", "o", "v"])) if known else st.just({}),
        metadata=mapping(lines, lines),
        join_throttle=maybe(st.just("5:10")),
        nick_throttle=maybe(st.just("3:30")),
        slow_mode_s=maybe(st.integers(1, 9)),
        used_at=maybe(moments),
    )
    return st.lists(channel, max_size=3, unique_by=lambda one: one.name)


def messages(known: list[int]) -> Strategy:
    """Messages in these conversations."""
    if not known:
        return st.just(())
    kinds = st.sampled_from([kind.name for kind in Kind])
    message = st.builds(
        *(ArchivedMessage, st.integers(2**50, 2**60), st.sampled_from(known), st.integers(0, 2**40), kinds),
        *(lines, maybe(ids), lines, lines, texts, lines, st.integers(0, 3)),
    )
    return some(message, lambda one: one.message_id, 9)


@st.composite
def contents(draw: st.DrawFn) -> dict[Section, list[Any]]:
    """Records of each section that fit together."""
    made, said_in = draw(accounts), draw(conversations)
    found: dict[Section, Any] = {
        "keys": draw(some(st.builds(ArchivedKey, words, st.binary(max_size=40)), lambda one: one.name)),
        "accounts": made,
        "bans": draw(bans),
        "filters": draw(filters),
        "invites": draw(invites),
        "requests": draw(requests),
        "hooks": draw(hooks),
        "channels": draw(channels([one.id for one in made])),
        "audit": draw(some(st.builds(AuditEntry, ids, moments, lines, lines, lines, texts, texts), lambda one: one.id)),
        "conversations": said_in,
        "messages": draw(messages([one.id for one in said_in])),
    }
    return {section: list(records) for section, records in found.items()}


@given(contents())
# Making examples takes long on a busy machine.
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_any_contents_arrive(records: dict[Section, list[Any]]) -> None:
    """What is written to a database, exported, imported and read again is what was written."""
    with tempfile.TemporaryDirectory() as directory:
        with open_stores(make_database(Path(directory, "one.db"))) as one:
            for section, found in records.items():
                if found:
                    one.archive.write(section, found)
            archive = io.BytesIO()
            counts = archive_steps.write_archive(one.archive, archive, lambda count: None)
        assert counts == {section: len(found) for section, found in records.items()}
        with open_stores(make_database(Path(directory, "two.db"))) as two:
            archive_steps.fill_database(ArchiveReader(archive), two.archive, lambda count: None)
            with two.archive.moment() as highest:
                read: dict[Section, list[ArchiveRecord]] = {
                    section: list(two.archive.read(section)) for section in SECTIONS if section != "messages"
                }
            read["messages"] = list(two.archive.read_messages(highest))
        assert read == records
