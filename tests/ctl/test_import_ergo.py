"""``chatroomctl import ergo``: a database of Ergo."""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.ergo_files import HASH, PASSPHRASE, account, b64, channel, command, database, key
from harness.shell import Shell
from harness.verifiers import find_verifier
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission import passwords, scram
from chatroom.chat.stored.records import Role
from chatroom.ctl.moving.ergo_database import read_ergo
from chatroom.errors import InvalidValue
from chatroom.storage.daemon_lock import DaemonLock

NOW = datetime.now(UTC)
FINGERPRINT = "ab" * 32


def scram_creds() -> dict[str, object]:
    """SCRAM verifiers as Ergo stores them, of the passphrase."""
    made = scram.make_verifier(PASSPHRASE, 4096)
    assert made is not None
    verifier = scram.read_verifier(made.value)
    assert verifier is not None
    keys = {"Salt": verifier.salt, "StoredKey": verifier.stored_key, "ServerKey": verifier.server_key}
    return {"Iters": 4096, **{name: b64(value) for name, value in keys.items()}}


FILE = database(
    account("Alice", Certfps=[FINGERPRINT], **scram_creds()),
    key("account.settings alice", {"Email": "alice@example.org", "AlwaysOn": 2}),
    key("account.additionalnicks alice", "al,ally"),
    account("bob"),
    key("account.suspended bob", {"OperName": "root", "Reason": "spam"}),
    account("carol", Version=-1, PassphraseHash=b64(b"$argon2id$")),
    account("gone"),
    command("del", "account.exists gone"),
    key("account.exists eve", "1", "ex", "86400"),
    key("account.name eve", "eve", "ex", "86400"),
    account("9lives"),
    account("Admin"),
    channel(
        "#Tea",
        Founder="alice",
        Topic="green",
        TopicSetBy="alice",
        TopicSetTime="2022-01-02T03:04:05Z",
        Modes=[ord(letter) for letter in "ntmu"],
        Key="kettle",
        UserLimit=9,
        AccountToUMode={"alice": ord("q"), "bob": ord("h"), "nobody": ord("o")},
        Bans={
            "*!*@spam.example": {"TimeCreated": "2022-01-02T03:04:05Z", "CreatorNickmask": "alice!a@h"},
            "m:*!*@loud.example": {"TimeCreated": "2022-01-02T03:04:05Z", "CreatorNickmask": "alice!a@h"},
        },
    ),
    key("bans.dlinev2 192.0.2.0/24", {"reason": "flood", "TimeCreated": "2022-01-02T03:04:05Z", "Duration": 0}),
    key("bans.dlinev2 198.51.100.7/32", {"reason": "old", "TimeCreated": "2022-01-02T03:04:05Z", "Duration": 10**9}),
    key("bans.dlinev2 203.0.113.0/24", {"reason": "soft", "RequireSASL": True}),
    key("bans.klinev2 mallory!*@*", {"reason": "rude", "TimeCreated": NOW.isoformat(), "Duration": 86_400 * 10**9}),
    key("bans.klinev2 *!*@*.example", {"reason": "mask"}),
)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A place for a database, which does not exist, and Ergo's in the file ircd.db beside it."""
    (tmp_path / "ircd.db").write_bytes(FILE)
    return Shell(tmp_path / "chat.db")


def run(shell: Shell, *options: str) -> tuple[str, ...]:
    """The arguments of an import."""
    directory = shell.database.parent
    return ("import", "ergo", *options, str(directory / "ircd.db"), "--new-passwords", str(directory / "new.csv"))


def test_dry_run(shell: Shell) -> None:
    """It says what would come and what cannot, and makes nothing."""
    said = shell.json(*run(shell, "--dry-run"))
    assert said["accounts"] == ["Alice", "bob", "carol"]
    assert said["channels"] == ["#Tea"]
    assert said["bans"] == ["192.0.2.0/24", "mallory"]
    left_out = "\n".join(said["left_out"])
    for what in ("never verified", "other services", "further nicks", "'9lives'", "Admin: reserved", "half-operators"):
        assert what in left_out
    for what in ("channel mode u", "bans of masks", "whoever logs in"):
        assert what in left_out
    assert sorted(path.name for path in shell.database.parent.iterdir()) == ["ircd.db"]


def test_everything_that_fits_arrives(shell: Shell) -> None:
    """Accounts with dates, mail addresses and certificates; channels with their founders; bans with their ends."""
    shell.done(*run(shell))
    with shell.stores() as stores:
        alice, bob = stores.accounts.get("alice"), stores.accounts.get("bob")
        assert (alice.name, alice.role, alice.disabled) == ("Alice", Role.USER, False)
        assert alice.created_at == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
        assert bob.disabled
        assert stores.accounts.find_email(alice.id) == "alice@example.org"
        assert [one.fingerprint for one in stores.client_certificates.list_of(alice.id)] == [FINGERPRINT]
        tea = stores.channels.find("#tea")
        assert tea is not None
        assert (tea.name, tea.founder_id, tea.flags, tea.key, tea.limit) == ("#Tea", alice.id, "mnt", "kettle", 9)
        assert (tea.topic, tea.topic_by, tea.topic_at) == ("green", "alice", datetime(2022, 1, 2, 3, 4, 5, tzinfo=UTC))
        assert tea.created_at == datetime(2021, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
        assert tea.access == {alice.id: "founder", bob.id: "v"}
        assert [(one.mode, one.mask) for one in tea.lists] == [("b", "*!*@spam.example"), ("b", "~m:*!*@loud.example")]
        mallory, network = sorted(stores.bans.list_in_force(NOW), key=lambda ban: ban.target, reverse=True)
        assert (network.target, network.reason, network.until_at) == ("192.0.2.0/24", "flood", None)
        assert network.created_at == datetime(2022, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert mallory.until_at is not None
        assert abs(mallory.until_at - NOW - timedelta(days=1)) < timedelta(seconds=1)


def test_passwords_go_on_to_work(shell: Shell) -> None:
    """Ergo's hash is bcrypt of the SHA3-512 of the passphrase, and its SCRAM verifier is one of ours."""
    shell.done(*run(shell))
    with shell.stores() as stores:
        stored = find_verifier(stores, "alice")
        assert stored == f"sha3-512:{HASH}"
        assert passwords.verify(PASSPHRASE, stored, 4)
        assert not passwords.verify("this is not my passphrase", stored, 4)
        assert passwords.needs_rehash(stored, 12)
        verifier = scram.read_verifier(find_verifier(stores, "alice", scram.KIND))
        assert verifier is not None
        assert verifier.iterations == 4096
    new = (shell.database.parent / "new.csv").read_text().splitlines()
    assert new[0] == "name,password"
    name, password = new[1].split(",")
    with shell.stores() as stores:
        assert passwords.verify(password, find_verifier(stores, name), 4)
    assert (name, len(new)) == ("carol", 2)


def test_a_second_import_changes_nothing(shell: Shell) -> None:
    """What is there already stays as it is."""
    shell.done(*run(shell))
    (shell.database.parent / "new.csv").unlink()
    said = shell.json(*run(shell))
    assert (said["accounts"], said["channels"], said["bans"], said["known"]) == ([], [], [], 6)


def test_accounts_without_a_password_need_one(shell: Shell) -> None:
    """Without a file for the new passwords nothing is imported, and a file that exists is not replaced."""
    file = str(shell.database.parent / "ircd.db")
    assert "--new-passwords" in shell.refused("import", "ergo", file)
    (shell.database.parent / "new.csv").write_text("precious")
    assert "exists already" in shell.refused(*run(shell))
    assert not shell.database.exists()


def test_a_daemon_is_in_the_way(shell: Shell) -> None:
    """It has the channels in memory."""
    with DaemonLock.acquire(shell.database):
        assert "stop it first" in shell.refused(*run(shell))


def test_a_failure_stores_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the last thing fails, the first is not there either, and neither is the file of passwords."""

    def fail(*_: object) -> None:
        raise InvalidValue("no")

    monkeypatch.setattr("chatroom.storage.sql.ban_store.SqlBans.add_many", fail)
    assert shell.refused(*run(shell)) == "no"
    with shell.stores() as stores:
        assert stores.accounts.list_all() == []
        assert list(stores.channels.load_all()) == []
    assert not (shell.database.parent / "new.csv").exists()


def test_an_imported_password_may_be_weak(shell: Shell) -> None:
    """Whoever becomes an admin with a password that nobody could check is warned of."""
    shell.done(*run(shell))
    result = shell.run("user", "set-role", "alice", "admin")
    assert "imported as a hash" in result.stderr


def test_channels_of_older_schemas(tmp_path: Path) -> None:
    """Before schema 23 each value of a channel had a key of its own."""
    keys = {"exists": "1", "name": "#Tea", "founder": "alice", "registered.time": "1600000000000000000"}
    more = {"topic": "green", "modes": "nts", "accounttoumode": '{"alice": 113}', "userlimit": "7", "banlist": "{}"}
    parts = [key(f"channel.{name} #tea", value) for name, value in {**keys, **more}.items()]
    (tmp_path / "ircd.db").write_bytes(database(account("Alice"), *parts, version="20"))
    shell = Shell(tmp_path / "chat.db")
    shell.done("import", "ergo", str(tmp_path / "ircd.db"))
    with shell.stores() as stores:
        tea = stores.channels.find("#tea")
        assert tea is not None
        assert (tea.topic, tea.flags, tea.limit, tea.founder_id) == ("green", "nst", 7, 1)


@pytest.mark.parametrize(
    "data, why",
    [
        (b"SQLite format 3\0", "not a database of Ergo"),
        (b"", "not a database of Ergo"),
        (database(version="9"), "upgradedb"),
        (command("rename", "a", "b"), "not a database of Ergo"),
        (database(key("1 x", {"Bans": {"*": 1}})), "has values that Ergo does not write"),
    ],
)
def test_what_is_no_database_of_ergo(tmp_path: Path, data: bytes, why: str) -> None:
    """One line says so, and nothing is made."""
    (tmp_path / "ircd.db").write_bytes(data)
    shell = Shell(tmp_path / "chat.db")
    assert why in shell.refused("import", "ergo", str(tmp_path / "ircd.db"))
    assert not shell.database.exists()


@given(st.integers(0, len(FILE)))
def test_an_end_that_is_cut_off(at: int) -> None:
    """Ergo reads such a file up to its last whole command; so do we, or say that it is none."""
    try:
        found = read_ergo(io.BytesIO(FILE[:at]), NOW)
    except InvalidValue:
        return
    assert len(found.accounts) <= 5


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """Whatever follows the beginning of a database, the answer is accounts or one clear line."""
    with contextlib.suppress(InvalidValue):
        read_ergo(io.BytesIO(database() + data), NOW)
