"""``chatroomctl user cert``."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.shell import Shell
from harness.tls import Pair

ONE, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell with two accounts."""
    shell = Shell(tmp_path / "data" / "chatroom.db")
    shell.create("Alice")
    shell.create("bob")
    return shell


def test_added_listed_and_removed(shell: Shell) -> None:
    """The output names certificate, account and database; JSON has times and the account's id."""
    said = shell.done("user", "cert", "add", "alice", "SHA256:" + ":".join(["AB"] * 32))
    assert said == f"Added the certificate {ONE} to Alice in {shell.database}\n"
    made = shell.json("user", "cert", "add", "alice", OTHER)
    assert (made["account"], made["certificate"]["fingerprint"]) == ("Alice", OTHER)
    listed = shell.json("user", "cert", "list", "alice")
    assert [(one["fingerprint"], one["shown_at"]) for one in listed] == [(ONE, None), (OTHER, None)]
    assert listed[0]["added_at"].endswith("Z")
    head, *rows = shell.done("user", "cert", "list", "alice").splitlines()
    assert head.split() == ["FINGERPRINT", "ADDED", "SHOWN"]
    assert [row.split()[0] for row in rows] == [ONE, OTHER]
    assert shell.done("user", "cert", "remove", "alice", ONE.upper()).startswith(f"Removed the certificate {ONE} from")
    assert shell.json("user", "cert", "remove", "alice", OTHER)["fingerprint"] == OTHER
    assert shell.json("user", "cert", "list", "alice") == []


def test_the_audit_has_each_change(shell: Shell) -> None:
    """With the account and the fingerprint."""
    shell.done("user", "cert", "add", "alice", ONE)
    shell.done("user", "cert", "remove", "alice", ONE)
    rows = [(row["action"], row["target"], row["detail"]) for row in shell.json("audit", "list")][-2:]
    assert rows == [("user.cert-add", "Alice", ONE), ("user.cert-remove", "Alice", ONE)]


def test_a_file_gives_the_fingerprint(shell: Shell, tmp_path: Path) -> None:
    """It is that of the certificate, not of the file."""
    pair = Pair(tmp_path, "alice")
    shell.done("user", "cert", "add", "alice", "--file", str(pair.certificate))
    assert shell.json("user", "cert", "list", "alice")[0]["fingerprint"] == pair.fingerprint
    assert "not a certificate" in shell.refused("user", "cert", "add", "alice", "--file", str(pair.key))
    assert "missing.crt" in shell.refused("user", "cert", "add", "alice", "--file", str(tmp_path / "missing.crt"))


def test_what_cannot_be_done(shell: Shell) -> None:
    """One line says why. Another account that has the certificate is named, as the operator can see it anyway."""
    assert "64 hexadecimal digits" in shell.refused("user", "cert", "add", "alice", "nonsense")
    assert "a SHA-1 fingerprint" in shell.refused("user", "cert", "add", "alice", "ab" * 20)
    assert "no account called carl" in shell.refused("user", "cert", "add", "carl", ONE)
    shell.done("user", "cert", "add", "alice", ONE)
    assert "already" in shell.refused("user", "cert", "add", "alice", ONE)
    assert "Alice" in shell.refused("user", "cert", "add", "bob", ONE)
    assert "no such certificate" in shell.refused("user", "cert", "remove", "bob", ONE)


@pytest.mark.parametrize("arguments", [(), (ONE, "--file", "alice.crt")])
def test_either_a_fingerprint_or_a_file(shell: Shell, arguments: tuple[str, ...]) -> None:
    """Neither and both are refused."""
    assert "either FINGERPRINT or --file" in shell.misused("user", "cert", "add", "alice", *arguments)


def test_show_and_passwd_tell_of_them(shell: Shell) -> None:
    """A new password does not remove them: the operator reads that there are some."""
    assert shell.json("user", "show", "alice")["certificates"] == []
    change = ("user", "passwd", "alice", "--password-stdin")
    assert len(shell.done(*change, stdin="another horse\n").splitlines()) == 1
    shell.done("user", "cert", "add", "alice", ONE)
    assert [one["fingerprint"] for one in shell.json("user", "show", "alice")["certificates"]] == [ONE]
    assert "Certificates   1\n" in shell.done("user", "show", "alice")
    assert "Certificates that log in without it: 1" in shell.done(*change, stdin="yet another\n")
