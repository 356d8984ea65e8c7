"""``chatroomctl ban``, on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from harness.bans import in_force, targets

from chatroom.storage.sqlite.sqlite_stores import open_stores

Ctl = Callable[..., Result]


@pytest.fixture
def ctl(run: Ctl, database: Path) -> Ctl:
    """Run ``chatroomctl ban`` on the test's database."""

    def invoke(*args: str | Path, input: str | None = None) -> Result:
        return run("--database", database, "ban", *args, input=input)

    return invoke


def test_a_name_is_banned(ctl: Ctl, database: Path) -> None:
    """The ban has its reason, its end and the shell user. The output names the database, and the audit has an entry."""
    before = datetime.now(UTC)
    before -= timedelta(microseconds=before.microsecond % 1000)  # moments are stored in whole milliseconds
    result = ctl("add", "mallory", "--for", "7d", "--reason", "flooding")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Banned mallory until ")
    assert result.stdout.endswith(f"in {database}\n")
    (ban,) = in_force(database)
    assert (ban.kind, ban.target, ban.reason) == ("name", "mallory", "flooding")
    assert ban.until_at is not None
    assert timedelta(0) <= ban.until_at - before - timedelta(days=7) < timedelta(minutes=5)
    with open_stores(database) as stores:
        (entry,) = stores.audit.list_entries()
    assert (entry.action, entry.target, entry.origin, entry.actor) == ("ban.add", "mallory", "cli", ban.by)


def test_a_ban_without_duration_is_permanent(ctl: Ctl, database: Path) -> None:
    """The same word says so when the ban is made, in the list and in the audit."""
    assert ctl("add", "mallory").stdout == f"Banned mallory permanently (ban 1) in {database}\n"
    assert ctl("list").stdout.splitlines()[1].endswith("permanently")
    with open_stores(database) as stores:
        (entry,) = stores.audit.list_entries()
    assert entry.detail == "ban 1, permanently"


@pytest.mark.parametrize(
    "given, target, note",
    [
        ("192.0.2.7", "192.0.2.7", ""),
        ("192.0.2.7/24", "192.0.2.0/24", "chatroomctl: host bits dropped: 192.0.2.0/24\n"),
        ("::ffff:192.0.2.7", "192.0.2.7", "chatroomctl: IPv4-mapped: taken as 192.0.2.7\n"),
        ("2001:DB8::/64", "2001:db8::/64", ""),
    ],
)
def test_a_network_is_banned(ctl: Ctl, database: Path, given: str, target: str, note: str) -> None:
    """Addresses and networks are recognised by their syntax. A target that is stored in another form is reported."""
    result = ctl("add", given)
    assert (result.exit_code, result.stderr) == (0, note)
    assert [(ban.kind, ban.target) for ban in in_force(database)] == [("ip", target)]


@pytest.mark.parametrize("target", ["127.0.0.1", "127.0.0.0/8", "::1", "0.0.0.0/0", "::/0", "::ffff:127.0.0.1"])
def test_this_machine_is_banned_by_force_only(ctl: Ctl, database: Path, target: str) -> None:
    """--yes does not confirm a ban of this machine: in the default set-up all clients connect from there."""
    result = ctl("add", target, "--yes")
    assert result.exit_code == 1
    assert "use --force" in result.stderr
    assert targets(database) == []
    assert ctl("add", target, "--yes", "--force").exit_code == 0
    assert len(targets(database)) == 1


def test_other_loopback_addresses_are_ordinary(ctl: Ctl, database: Path) -> None:
    """Local clients connect from 127.0.0.1 and ::1 only."""
    assert ctl("add", "127.0.0.2").exit_code == 0
    assert targets(database) == ["127.0.0.2"]


@pytest.mark.parametrize("target", ["10.0.0.0/8", "2001::/16"])
def test_a_wide_network_is_asked_about(ctl: Ctl, database: Path, target: str) -> None:
    """A wide network is refused without a terminal to ask at, and accepted with --yes."""
    result = ctl("add", target)
    assert result.exit_code == 1
    assert "very wide" in result.stderr
    assert targets(database) == []
    assert ctl("add", target, "--yes").exit_code == 0


def test_the_addresses_of_somebody_connected(ctl: Ctl, database: Path, present: Callable[..., None]) -> None:
    """A name with --ip bans the networks of its sessions: an IPv4 address, an IPv6 /64."""
    present(("Mallory", "192.0.2.1"), ("mallory", "2001:db8:0:1::5"), ("bob", "192.0.2.9"), ("eve", "198.51.100.1"))
    assert ctl("add", "MALLORY", "--ip", "--yes").exit_code == 0
    assert targets(database) == ["192.0.2.1", "2001:db8:0:1::/64"]
    result = ctl("add", "nobody", "--ip")
    assert (result.exit_code, "nobody is not connected" in result.stderr) == (1, True)


def test_addresses_of_a_name_need_the_daemon(ctl: Ctl) -> None:
    """Without a daemon the addresses of a name are not known."""
    result = ctl("add", "mallory", "--ip")
    assert (result.exit_code, "no daemon serves" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "not a name"],
        ["add", "mal*"],
        ["add", "192.0.2.7", "--name"],
        ["add", "192.0.2.999"],
        ["add", "mallory", "--for", "soon"],
        ["add", "mallory", "--for", "0s"],
        ["add", "mallory", "--for", "1M"],
        ["add", "mallory", "--reason", "two\nlines"],
        ["add", "mallory", "--reason", "x" * 301],
        ["add", "mallory", "--reason", "x" * 299 + "é"],
        ["remove", "mallory"],
        ["remove", "7"],
        ["remove", "192.0.2.7"],
        ["check", "mal*"],
    ],
)
def test_what_cannot_be_done_is_one_line(ctl: Ctl, database: Path, arguments: list[str]) -> None:
    """A refusal is one line with exit code 1 and changes nothing."""
    result = ctl(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("chatroomctl: ")
    assert result.stderr.count("\n") == 1
    assert targets(database) == []


def test_a_reason_of_300_bytes_is_kept_whole(ctl: Ctl, database: Path) -> None:
    """The longest reason is stored as given by "add", by "import --reason" and by a line of an imported file."""
    reason = "x" * 298 + "é"
    assert ctl("add", "mallory", "--reason", reason).exit_code == 0
    assert ctl("import", "-", "--reason", reason, input="eve\n").exit_code == 0
    line = json.dumps({"kind": "name", "target": "bob", "reason": reason})
    assert ctl("import", "-", input=line).exit_code == 0
    assert [(ban.target, ban.reason) for ban in in_force(database)] == [
        ("mallory", reason),
        ("eve", reason),
        ("bob", reason),
    ]


def test_a_reason_of_301_bytes_is_not_imported(ctl: Ctl, database: Path) -> None:
    """A longer reason is refused as --reason, and reported with its line number in a file."""
    result = ctl("import", "-", "--reason", "x" * 301, input="eve\n")
    assert (result.exit_code, "at most 300 bytes" in result.stderr) == (1, True)
    lines = "eve\n" + json.dumps({"kind": "name", "target": "bob", "reason": "x" * 301})
    result = ctl("import", "-", input=lines)
    assert (result.exit_code, "-:2: a reason is one line of at most 300 bytes" in result.stderr) == (1, True)
    assert targets(database) == []
    assert ctl("import", "-", "--skip-bad", input=lines).exit_code == 0
    assert targets(database) == ["eve"]


def test_name_and_ip_exclude_each_other(ctl: Ctl) -> None:
    """--name with --ip is a usage error."""
    assert ctl("add", "mallory", "--name", "--ip").exit_code == 2


def test_without_a_database_none_is_made(run: Ctl, home: Path) -> None:
    """A ban does not create a database, because the path is most likely mistyped."""
    result = run("--database", home / "typo.db", "ban", "add", "mallory")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"chatroomctl: {home}/typo.db: there is no database")
    assert not (home / "typo.db").exists()


@pytest.mark.parametrize("how", ["mallory", "MALLORY", "1"])
def test_a_ban_is_lifted_by_its_target_or_number(ctl: Ctl, database: Path, how: str) -> None:
    """A lifted ban stays in the database as lifted and cannot be lifted again."""
    ctl("add", "mallory")
    result = ctl("remove", how)
    assert (result.exit_code, result.stdout) == (0, f"Lifted the ban on mallory (ban 1) in {database}\n")
    assert targets(database) == []
    assert ctl("remove", how).exit_code == 1
    assert "lifted " in ctl("list", "--all").stdout


def test_a_network_is_lifted_however_it_is_written(ctl: Ctl, database: Path) -> None:
    """Another spelling of the same network finds the ban; a part of the network does not."""
    ctl("add", "192.0.2.0/24")
    assert ctl("remove", "192.0.2.1").exit_code == 1
    assert ctl("remove", "192.0.2.99/24").exit_code == 0
    assert targets(database) == []


def test_lists(ctl: Ctl) -> None:
    """The list has the bans in force, newest first. --all adds the others."""
    ctl("add", "mallory", "--reason", "flooding")
    ctl("add", "192.0.2.0/24")
    ctl("remove", "mallory")
    lines = ctl("list").stdout.splitlines()
    assert lines[0].split() == ["ID", "TARGET", "REASON", "BY", "SINCE", "UNTIL"]
    assert [line.split()[:2] for line in lines[1:]] == [["2", "192.0.2.0/24"]]
    states = {line.split()[1]: line for line in ctl("list", "--all").stdout.splitlines()[1:]}
    assert states["192.0.2.0/24"].endswith("in force")
    assert "flooding" in states["mallory"]
    document = json.loads(ctl("list", "--all", "--json").stdout)
    assert [(ban["id"], ban["lifted_at"] is None) for ban in document] == [(2, True), (1, False)]


def test_check_finds_every_ban_that_holds(ctl: Ctl) -> None:
    """An address is looked up in all networks around it, the narrowest first."""
    for target in ("192.0.2.0/24", "192.0.2.7", "192.0.2.8", "2001:db8::/32", "mallory"):
        ctl("add", target)
    found = json.loads(ctl("check", "192.0.2.7", "--json").stdout)
    assert [ban["target"] for ban in found] == ["192.0.2.7", "192.0.2.0/24"]
    assert [ban["target"] for ban in json.loads(ctl("check", "2001:db8::7", "--json").stdout)] == ["2001:db8::/32"]
    assert "mallory" in ctl("check", "MALLORY").stdout
    assert ctl("check", "MALLORY").exit_code == 3
    assert ctl("check", "192.0.2.7", "--json").exit_code == 3
    assert (ctl("check", "alice").exit_code, ctl("check", "192.0.2.0/23").exit_code) == (0, 0)
    assert ctl("check", "*").exit_code == 1
    assert ctl("check", "alice").stdout == "alice is not banned.\n"
    assert json.loads(ctl("check", "198.51.100.1", "--json").stdout) == []


def test_an_export_is_imported_again(ctl: Ctl, database: Path, home: Path) -> None:
    """An exported list is restored with reasons, ends and dates. Importing it again adds nothing."""
    ctl("add", "mallory", "--for", "7d", "--reason", "flöding")
    ctl("add", "192.0.2.0/24", "--reason", "drop")
    exported = ctl("export").stdout
    assert [json.loads(line)["target"] for line in exported.splitlines()] == ["mallory", "192.0.2.0/24"]
    before = in_force(database)
    ctl("remove", "1")
    ctl("remove", "2")
    result = ctl("import", "-", input=exported)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Added 2 of 2 bans to {database}")
    after = in_force(database)
    assert [(ban.target, ban.reason, ban.until_at, ban.created_at) for ban in after] == [
        (ban.target, ban.reason, ban.until_at, ban.created_at) for ban in before
    ]
    assert ctl("import", "-", input=exported).stdout.startswith("Added 0 of 2")
    assert [ban.id for ban in in_force(database)] == [ban.id for ban in after]


def test_a_plain_list_is_imported(ctl: Ctl, database: Path, home: Path) -> None:
    """A plain list has one name, address or network on each line, with comments and blank lines."""
    (home / "bans.txt").write_text(
        "\ufeff# the old bans\nmallory\n\n192.0.2.7 ; SBL1\n  198.51.100.0/24  # net\nMALLORY\n"
    )
    result = ctl("import", home / "bans.txt", "--reason", "old list")
    assert result.exit_code == 0
    assert [(ban.target, ban.reason) for ban in in_force(database)] == [
        ("mallory", "old list"),
        ("192.0.2.7", "old list"),
        ("198.51.100.0/24", "old list"),
    ]


def test_bad_lines_are_told_and_nothing_is_imported(ctl: Ctl, database: Path, home: Path) -> None:
    """Every bad line is reported with its number, and only --skip-bad imports the others."""
    (home / "bans.txt").write_text('mallory\nnot a name\n127.0.0.1\n{"kind": "name"}\neve\n')
    result = ctl("import", home / "bans.txt")
    assert result.exit_code == 1
    told = [line.rpartition("bans.txt:")[2].partition(":")[0] for line in result.stderr.splitlines()[:-1]]
    assert told == ["2", "3", "4"]
    assert "nothing was imported" in result.stderr.splitlines()[-1]
    assert targets(database) == []
    result = ctl("import", home / "bans.txt", "--skip-bad")
    assert result.exit_code == 0
    assert "bans.txt:2: " in result.stderr
    assert "3 lines cannot be read and were skipped" in result.stdout
    assert targets(database) == ["mallory", "eve"]


@pytest.mark.parametrize(
    "created_at, is_kept",
    [("2020-01-31T12:00:00.123Z", True), ("2020-01-31T14:00:00.123+02:00", True), ("9990-01-01T00:00:00Z", False)],
)
def test_the_date_of_an_imported_ban(ctl: Ctl, database: Path, created_at: str, is_kept: bool) -> None:
    """A ban keeps the date of its file. One in the future, by another server's clock, becomes that of the import."""
    line = json.dumps({"kind": "name", "target": "mallory", "created_at": created_at})
    assert ctl("import", "-", input=line).exit_code == 0
    (ban,) = in_force(database)
    assert (ban.created_at == datetime(2020, 1, 31, 12, 0, 0, 123000, UTC)) is is_kept
    assert ban.created_at <= datetime.now(UTC)


@pytest.mark.parametrize("created_at", ["soon", 5, "2020-01-31T12:00:00", "0001-01-01T00:00:00+05:00"])
def test_a_wrong_date_of_an_imported_ban(ctl: Ctl, created_at: object) -> None:
    """It makes the line bad."""
    line = json.dumps({"kind": "name", "target": "mallory", "created_at": created_at})
    assert "created_at must be a time" in ctl("import", "-", input=line).stderr


def test_wide_networks_in_a_list_are_asked_about(ctl: Ctl, database: Path) -> None:
    """Wide networks in a list need --yes, unless they are banned already."""
    result = ctl("import", "-", input="10.0.0.0/8\nmallory\n")
    assert (result.exit_code, "10.0.0.0/8" in result.stderr) == (1, True)
    assert targets(database) == []
    assert ctl("import", "-", "--yes", input="10.0.0.0/8\nmallory\n").exit_code == 0
    assert ctl("import", "-", input="10.0.0.0/8\nmallory\n").exit_code == 0


def test_a_long_list_is_imported_in_batches(ctl: Ctl, database: Path) -> None:
    """A list of thousands of networks is imported with each network once."""
    wanted = [f"10.{number >> 8}.{number & 255}.0/24" for number in range(3000)]
    assert ctl("import", "-", input="\n".join(wanted)).exit_code == 0
    assert targets(database) == wanted


def test_an_export_to_a_file(ctl: Ctl, home: Path) -> None:
    """An export to a file has the same lines, and only the owner can read it."""
    ctl("add", "mallory")
    file = home / "bans.jsonl"
    file.touch(0o666)
    assert ctl("export", str(file)).stdout.startswith("Wrote 1 bans of ")
    assert file.read_text() == ctl("export").stdout
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_network_of_which_a_part_is_banned(ctl: Ctl) -> None:
    """A network that holds bans is not banned as a whole, and the bans inside it are listed."""
    for target in ("192.0.2.0/25", "192.0.2.200", "198.51.100.7", "2001:db8::/64", "mallory"):
        ctl("add", target)
    lines = ctl("check", "192.0.2.0/24").stdout.splitlines()
    assert lines[0] == "192.0.2.0/24 is not banned as a whole. Bans inside it:"
    assert [line.split()[1] for line in lines[2:]] == ["192.0.2.200", "192.0.2.0/25"]
    assert ctl("check", "192.0.3.0/24").stdout == "192.0.3.0/24 is not banned.\n"


def test_a_wider_network_is_not_removed(ctl: Ctl) -> None:
    """What is banned inside it is named, so that nobody takes the answer for "nothing is banned there"."""
    for number in range(1, 8):
        ctl("add", f"192.0.2.{number}")
    result = ctl("remove", "192.0.2.0/24")
    assert result.exit_code == 1
    assert "192.0.2.0/24 is not banned as a whole; inside it: ban 7 on 192.0.2.7, ban 6 on" in result.stderr
    assert result.stderr.endswith("ban 3 on 192.0.2.3 and 2 more\n")


def test_an_empty_duration_is_refused(ctl: Ctl, database: Path) -> None:
    """It is an unset variable of a script, and must not make a ban permanent."""
    for result in (ctl("add", "mallory", "--for", ""), ctl("import", "-", "--for", "", input="mallory\n")):
        assert (result.exit_code, "'' is not a duration" in result.stderr) == (1, True)
    assert targets(database) == []


def test_a_wider_ban_is_named(ctl: Ctl) -> None:
    """An address that a wider ban covers is not removed from anything, and the refusal names that ban."""
    ctl("add", "198.51.100.0/24")
    assert ctl("remove", "198.51.100.7").stderr == (
        "chatroomctl: 198.51.100.7 has no ban of its own but is covered by ban 1 on 198.51.100.0/24; "
        "remove that by its number\n"
    )
    ctl("add", "198.51.100.7")
    result = ctl("remove", "198.51.100.7")
    assert result.exit_code == 0
    assert result.stderr == "chatroomctl: 198.51.100.7 stays banned: it is covered by ban 1 on 198.51.100.0/24\n"
