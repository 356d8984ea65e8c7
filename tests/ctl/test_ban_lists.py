"""Ban lists as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.stored.records import Actor, Ban, BanKind, NewBan
from chatroom.ctl import ban_lists
from chatroom.ctl.ban_lists import add_in_batches, format_line, not_yet_in_force, read

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def ban(kind: BanKind, target: str, reason: str = "", until_at: datetime | None = None) -> Ban:
    """Return a ban made now."""
    return Ban(1, kind, target, reason, "alice", NOW, until_at)


@given(
    reason=st.text(st.characters(blacklist_characters="\0\r\n", blacklist_categories=["Cs"]), max_size=70),
    until_at=st.none() | st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1)),
    target=st.sampled_from([("name", "Mallory"), ("ip", "192.0.2.0/24"), ("ip", "2001:db8::7")]),
)
def test_what_is_written_is_read_again(reason: str, until_at: datetime | None, target: tuple[BanKind, str]) -> None:
    """A line keeps all fields of a ban, the end to the millisecond and any reason."""
    line = format_line(ban(*target, reason, until_at))
    assert "\n" not in line
    (wanted,), faults = read([line + "\n"], "", allow_loopback=False)
    assert faults == []
    assert wanted[:3] == (*target, reason)
    assert (wanted.until_at is None) == (until_at is None)
    if until_at is not None and wanted.until_at is not None:
        assert timedelta(0) <= until_at - wanted.until_at < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "line, said",
    [
        ("{", "not valid JSON"),
        ('{"a":' + "[" * 100_000, "not valid JSON"),
        ("{}", "target is missing"),
        ('{"target": "mallory"}', "kind is missing"),
        ('{"target": "mallory", "kind": "mask"}', 'kind must be "name" or "ip"'),
        ('{"target": "192.0.2.7", "kind": "name"}', "not a name"),
        ('{"target": "mallory", "kind": "ip"}', "not an address or a network"),
        ('{"target": "mallory", "kind": "name", "reason": 7}', "reason must be a string"),
        ('{"target": "mallory", "kind": "name", "reason": "a\\nb"}', "a reason is one line"),
        ('{"target": "mallory", "kind": "name", "until_at": "soon"}', "until_at must be a time with a zone"),
        (
            '{"target": "mallory", "kind": "name", "until_at": "2030-01-01T00:00:00"}',
            "until_at must be a time with a zone",
        ),
        ('{"target": "mallory", "kind": "name", "until_at": 7}', "until_at must be a time with a zone"),
        ("::1", "covers this machine's own address"),
        ("a b", "not a name"),
    ],
)
def test_a_bad_line_is_told_with_its_number(line: str, said: str) -> None:
    """Each mistake in a line gives one short text, and the other lines are read."""
    wanted, (fault,) = read(["eve\n", line], "", allow_loopback=False)
    assert [one.target for one in wanted] == ["eve"]
    assert fault.startswith("2: ")
    assert said in fault


@given(st.lists(st.text() | st.builds(json.dumps, st.dictionaries(st.text(), st.text() | st.integers()))))
def test_any_line_is_a_ban_a_comment_or_a_fault(lines: list[str]) -> None:
    """No text at all raises an exception."""
    wanted, faults = read(lines, "", allow_loopback=True)
    assert len(wanted) + len(faults) <= len(lines)


def test_only_what_changes_something_is_added() -> None:
    """Bans that have run out are left out, and targets that are banned for as long or longer."""
    in_force = [ban("name", "Mallory"), ban("name", "eve", until_at=NOW + DAY), ban("ip", "192.0.2.7")]
    longer = NewBan("name", "eve", "", NOW + 2 * DAY)
    new = NewBan("ip", "192.0.2.8", "", None)
    wanted = [
        NewBan("name", "mallory", "", NOW + DAY),
        NewBan("name", "EVE", "", NOW + DAY),
        longer,
        NewBan("ip", "192.0.2.7", "again", None),
        NewBan("ip", "192.0.2.9", "", NOW - DAY),
        new,
    ]
    assert not_yet_in_force(wanted, in_force, NOW) == [longer, new]


def test_a_batch_is_as_long_as_the_lock_may_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches grow while they are quick and shrink while they are slow. Each ban is added once."""
    clock = 0.0
    seconds_each = 0.0001
    sizes: list[int] = []
    added: list[Any] = []

    class Store:
        def add_many(self, bans: Sequence[tuple[BanKind, str, str, datetime | None]], by: Actor) -> list[Ban]:
            nonlocal clock
            clock += len(bans) * seconds_each
            sizes.append(len(bans))
            added.extend(bans)
            return []

    monkeypatch.setattr(ban_lists, "time", SimpleNamespace(monotonic=lambda: clock, sleep=lambda seconds: None))
    wanted = [NewBan("name", f"n{number}", "", None) for number in range(2000)]
    add_in_batches(Store(), wanted, Actor("root", "cli"))  # type: ignore[arg-type]
    assert added == wanted
    assert max(sizes) * seconds_each <= 0.05
    assert max(sizes) > sizes[0]
    quickest = max(sizes)
    seconds_each = 0.001
    sizes.clear()
    add_in_batches(Store(), wanted, Actor("root", "cli"))  # type: ignore[arg-type]
    assert max(sizes[1:]) < quickest
    assert max(sizes) * seconds_each <= 0.05


def test_reading_tells_how_far_it_is() -> None:
    """A long list tells the characters that it has read, a part at a time. Comments and bad lines count too."""
    told: list[int] = []
    lines = ["# a list\n", "not a name\n", *(f"name{number:04}\n" for number in range(3500))]
    wanted, errors = read(lines, "", allow_loopback=False, on_read=told.append)
    assert (len(wanted), len(errors)) == (3500, 1)
    assert len(told) == 3
    assert sum(told) == sum(map(len, lines[:3000]))
