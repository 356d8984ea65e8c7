"""A server that moved from another program: its people log in with their old passwords."""

from __future__ import annotations

import hashlib

import bcrypt
from harness.daemon import Daemon, Place, until
from harness.ergo_files import account, b64, channel, database

from chatroom.storage.sqlite.sqlite_stores import open_stores

PASSPHRASE = "correct horse battery"


def test_from_ergo(place: Place) -> None:
    """A passphrase of Ergo logs in, and its verifier becomes one of ours. The founder is operator of the channel."""
    ergo_hash = bcrypt.hashpw(hashlib.sha3_512(PASSPHRASE.encode()).digest(), bcrypt.gensalt(4))
    (place.root / "ircd.db").write_bytes(
        database(
            account("Alice", PassphraseHash=b64(ergo_hash)),
            channel("#Tea", Founder="alice", Topic="green", TopicSetBy="alice", TopicSetTime="2022-01-02T03:04:05Z"),
        )
    )
    place.ctl("import", "ergo", place.root / "ircd.db")
    daemon = Daemon(place)

    def stored() -> str:
        with open_stores(place.database) as stores:
            return " ".join(stores.accounts.find_with_credentials("alice")[1].values())

    assert stored().startswith("sha3-512:$2b$04$")
    with daemon.connect("alice", password=PASSPHRASE) as alice:
        answers = "\n".join(alice.ask("JOIN #tea", "NAMES #tea"))
        assert " 332 alice #Tea :green" in answers
        assert "@alice" in answers
        until(lambda: stored().startswith("$2b$") and "SCRAM-SHA-256$" in stored(), "our own verifiers")
    with daemon.connect("alice", password=PASSPHRASE) as alice:
        assert " 330 alice alice Alice " in "\n".join(alice.ask("WHOIS alice"))
    assert daemon.stop() == 0


def test_from_ngircd(place: Place) -> None:
    """A persistent channel is there with its topic and key, and the operator of the server is its operator."""
    (place.root / "ngircd.conf").write_text(
        f"[Operator]\nName = Boss\nPassword = {PASSPHRASE}\n"
        "[Channel]\nName = #Tea\nTopic = green\nModes = tnk\nKey = kettle\n"
    )
    place.ctl("import", "ngircd", place.root / "ngircd.conf")
    for _ in range(2):  # it is persistent
        daemon = Daemon(place)
        with daemon.connect("boss", password=PASSPHRASE) as boss, daemon.connect("guest") as guest:
            assert " 475 " in "\n".join(guest.ask("JOIN #tea"))
            answers = "\n".join(boss.ask("JOIN #tea kettle", "NAMES #tea", "MODE #tea"))
            assert " 332 boss #Tea :green" in answers
            assert "@boss" in answers
            boss.ask("PART #tea")
        assert daemon.stop() == 0
