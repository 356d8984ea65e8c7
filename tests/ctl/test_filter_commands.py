"""``chatroomctl filter``, on a real database."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from harness.control_server import ControlServer

from chatroom.chat.stored.records import SpamFilter
from chatroom.storage.sql.timestamps import utc_now
from chatroom.storage.sqlite.sqlite_stores import open_stores

Ctl = Callable[..., Result]


@pytest.fixture
def ctl(run: Ctl, database: Path) -> Ctl:
    """Run ``chatroomctl filter`` on the test's database."""

    def invoke(*args: str | Path, input: str | None = None) -> Result:
        return run("--database", database, "filter", *args, input=input)

    return invoke


def stored(database: Path) -> list[SpamFilter]:
    """The filters in the database."""
    with open_stores(database) as stores:
        return stores.filters.list_all()


def test_a_filter_is_added(ctl: Ctl, database: Path) -> None:
    """With its reason and its time. The output says what it does, and the audit has an entry."""
    result = ctl("add", "free bitcoin", "--action", "ban", "--for", "7d", "--reason", "no advertising")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"Added filter 1 in {database}: ban for 1w for *free bitcoin*\n"
    (one,) = stored(database)
    assert (one.pattern, one.kind, one.action, one.reason) == ("*free bitcoin*", "glob", "ban", "no advertising")
    assert one.duration_s == 7 * 86_400
    with open_stores(database) as stores:
        (entry,) = stores.audit.list_entries()
    assert (entry.action, entry.target, entry.origin, entry.actor) == ("filter.add", "*free bitcoin*", "cli", one.by)


def test_the_same_pattern_is_changed(ctl: Ctl, database: Path) -> None:
    """It keeps its number."""
    ctl("add", "bitcoin", "--action", "ban")
    assert ctl("add", "*bitcoin*", "--action", "refuse").stdout.startswith("Changed filter 1 in ")
    assert [one.action for one in stored(database)] == ["refuse"]


def test_a_regular_expression_is_added(ctl: Ctl, database: Path) -> None:
    """If it is one of RE2's."""
    assert ctl("add", "--regex", "(buy|sell).{0,20}followers", "--action", "mute").exit_code == 0
    refused = ctl("add", "--regex", r"(a)\1", "--action", "mute")
    assert refused.exit_code == 1
    assert "not a regular expression of RE2: invalid escape sequence" in refused.stderr
    assert [one.kind for one in stored(database)] == ["regex"]


def test_without_the_library_the_way_out_is_named(ctl: Ctl, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is stored; a stored one is shown with a warning."""
    ctl("add", "--regex", "bitc.in", "--action", "mute")
    monkeypatch.setitem(sys.modules, "re2", None)
    refused = ctl("add", "--regex", "spam", "--action", "refuse")
    assert refused.exit_code == 1 and "pip install 'chatroom[regex]'" in refused.stderr
    assert len(stored(database)) == 1
    assert "filter 1 is not in force here" in ctl("list").stderr
    tested = ctl("test", "bitcoin")
    assert (tested.exit_code, tested.stdout) == (0, "No filter matches.\n")
    assert "filter 1 is not in force here" in tested.stderr


@pytest.mark.parametrize("pattern", ["*", "?*", "*e*"])
def test_a_pattern_for_everything_needs_force(ctl: Ctl, database: Path, pattern: str) -> None:
    """--yes is not enough: a script that always says it does not silence the server."""
    result = ctl("add", pattern, "--action", "kick", "--yes")
    assert result.exit_code == 1 and "use --force" in result.stderr
    assert stored(database) == []
    assert ctl("add", pattern, "--action", "kick", "--force").exit_code == 0


@pytest.mark.parametrize(
    "options, code, why",
    [
        (["--action", "burn"], 2, "'refuse', 'mute', 'kick', 'ban'"),
        ([], 2, "Missing option '--action'"),
        (["--action", "kick", "--for", "1h"], 1, "only a mute and a ban have a duration"),
        (["--action", "ban", "--for", "soon"], 1, "is not a duration"),
        (["--action", "ban", "--reason", "a\nb"], 1, "a reason is one line"),
    ],
)
def test_what_makes_no_sense_is_refused(ctl: Ctl, database: Path, options: list[str], code: int, why: str) -> None:
    """With the values that do."""
    result = ctl("add", "bitcoin", *options)
    assert result.exit_code == code and why in result.stderr
    assert stored(database) == []


def test_filters_are_listed(ctl: Ctl, database: Path) -> None:
    """With their hits, as a table and as JSON."""
    ctl("add", "bitcoin", "--action", "mute", "--reason", "no \x1b[31m")
    ctl("add", "viagra", "--action", "refuse")
    with open_stores(database) as stores:
        stores.filters.add_hits({1: 42}, utc_now())
    header, *rows = ctl("list").stdout.splitlines()
    assert header.split("  ")[0] == "ID" and "HITS" in header
    assert "mute for 10m" in rows[0] and " 42 " in rows[0] and "\\x1b" in rows[0]
    assert rows[1].split()[:6] == ["2", "*viagra*", "glob", "refuse", "0", "-"]
    listed = json.loads(ctl("list", "--json").stdout)
    assert [(one["id"], one["pattern"], one["hits"]) for one in listed] == [(1, "*bitcoin*", 42), (2, "*viagra*", 0)]
    assert listed[0]["hit_at"].endswith("Z") and listed[1]["hit_at"] is None
    assert ctl("ls", "--json").stdout == ctl("list", "--json").stdout


@pytest.mark.parametrize("named", ["1", "*bitcoin*", "bitcoin"])
@pytest.mark.parametrize("verb", ["remove", "rm", "del", "delete"])
def test_a_filter_is_removed(ctl: Ctl, database: Path, verb: str, named: str) -> None:
    """After a question, which --yes answers."""
    ctl("add", "bitcoin", "--action", "mute")
    refused = ctl(verb, named)
    assert refused.exit_code == 1
    assert "Remove filter 1 (mute for 10m for *bitcoin*, 0 hits)?" in refused.stderr and "--yes" in refused.stderr
    assert len(stored(database)) == 1
    assert ctl(verb, named, "--yes").stdout == f"Removed filter 1 (*bitcoin*) from {database}\n"
    assert stored(database) == []


def test_what_is_not_there_cannot_be_removed(ctl: Ctl) -> None:
    """By number or pattern, and a number of any length."""
    for named in ("1", "9" * 30, "*bitcoin*"):
        result = ctl("remove", named, "--yes")
        assert result.exit_code == 1 and "there is no filter" in result.stderr


def test_a_text_is_tested(ctl: Ctl) -> None:
    """The exit code is for scripts."""
    ctl("add", "bitcoin", "--action", "refuse")
    ctl("add", "*free*bitcoin*", "--action", "ban", "--for", "1h")
    found = ctl("test", "Get FREE BitCoin now")
    assert (found.exit_code, found.stdout) == (3, "Filter 2 matches: ban for 1h for *free*bitcoin*\n")
    assert json.loads(ctl("test", "--json", "bitcoin").stdout)["id"] == 1
    missed = ctl("test", "tea")
    assert (missed.exit_code, missed.stdout) == (0, "No filter matches.\n")
    assert json.loads(ctl("test", "--json", "tea").stdout) is None


def test_changes_are_told_as_json(ctl: Ctl, database: Path) -> None:
    """For programs."""
    added = json.loads(ctl("add", "bitcoin", "--action", "refuse", "--json").stdout)
    assert (added["database"], added["filter"]["pattern"]) == (str(database), "*bitcoin*")
    assert json.loads(ctl("remove", "1", "--yes", "--json").stdout)["filter"] == added["filter"]


def test_mutes_of_the_running_daemon_are_listed_and_lifted(ctl: Ctl, database: Path) -> None:
    """As a table and as JSON. Without a daemon nobody is muted, and the error says that none runs."""
    assert "no daemon" in ctl("mutes").stderr
    answers = [
        ":srv NOTE FILTER ENTRY alice 540 1 :alice is muted for 9m by filter 1: no pills: here",
        ":srv NOTE FILTER ENTRY una 59 2 :una is muted for 59s by filter 2: it looks like spam",
        ":srv NOTE FILTER END * :2 mutes",
    ]
    server = ControlServer(database, {"FILTER": answers})
    try:
        head, *rows = ctl("mutes").stdout.splitlines()
        assert head.split() == ["NICK", "LEFT", "FILTER", "REASON"]
        assert rows[0].split(None, 3) == ["alice", "9m", "1", "no pills: here"]
        assert json.loads(ctl("mutes", "--json").stdout)[1] == {
            "nick": "una", "left_s": 59, "filter_id": 2, "reason": "it looks like spam",
        }  # fmt: skip
        answers[2:] = [":srv NOTE FILTER END * :201 mutes, of which the last 200 are shown"]
        result = ctl("mutes")
        assert "201 mutes, of which the last 200 are shown" in result.stderr
        answers[:] = [":srv NOTE FILTER UNMUTED alice :alice may talk again"]
        assert ctl("unmute", "alice").stdout == "alice may talk again\n"
        answers[:] = [":srv FAIL FILTER NOT_FOUND :bob is not muted by a filter"]
        refused = ctl("unmute", "bob")
        assert (refused.exit_code, "bob is not muted" in refused.stderr) == (1, True)
    finally:
        server.close()
    assert "FILTER UNMUTE alice" in server.received
