"""``chatroomctl import ngircd``: a configuration of ngIRCd."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.shell import Shell
from harness.verifiers import find_verifier

from chatroom.chat.admission import passwords
from chatroom.chat.stored.records import Role
from chatroom.ctl.moving.ngircd_config import SETTINGS

CONFIG = """\
# ngircd.conf
[Global]
\tName = irc.example.net
\tInfo = It's the server
\tMotdFile = /etc/ngircd/ngircd.motd
\tNetwork = ExampleNet
\tPassword = letmein
\tPorts = 6667, 6668
\t;Listen = 127.0.0.1

[Limits]
\tMaxConnectionsIP = 5
\tMaxJoins = 10
\tPingTimeout = 120

[Options]
\tDNS = no

[SSL]
\tCertFile = /etc/ssl/certs/irc.pem

[Operator]
\tName = Boss
\tPassword = correct horse battery
\tMask = *!boss@10.*

[Operator]
\tName = helper
\tPassword = 12345678

[Server]
\tName = irc2.example.net

[Channel]
\tName = #Tea
\tTopic = all about tea
\tModes = tnkP
\tKey = kettle
\tMaxUsers = 23
\tAutojoin = yes

[channel]
\tname = #ops
\tmodes = +smiQ
\tmodes = +b *!*@spam.example
\tmodes = +l 5

[Channel]
\tName = &local

[Channel]
\tName = #odd
\tKey = a key, with a space
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A place for a database, and the configuration in the file ngircd.conf beside it."""
    (tmp_path / "ngircd.conf").write_text(CONFIG)
    return Shell(tmp_path / "chat.db")


def run(shell: Shell, *options: str) -> tuple[str, ...]:
    """The arguments of an import."""
    return ("import", "ngircd", *options, str(shell.database.parent / "ngircd.conf"))


def test_operators_become_accounts(shell: Shell) -> None:
    """They have their passwords, and the role that is asked for; a weak password is warned of."""
    result = shell.run(*run(shell))
    assert result.exit_code == 0
    assert "the password of helper is weak" in result.stderr
    assert "Boss" not in result.stderr
    with shell.stores() as stores:
        boss = stores.accounts.get("boss")
        assert (boss.name, boss.role) == ("Boss", Role.MODERATOR)
        assert passwords.verify("correct horse battery", find_verifier(stores, "boss"), 4)


def test_the_role_of_operators(shell: Shell) -> None:
    """They are admins only if that is asked for."""
    shell.run(*run(shell, "--operators", "admin"))
    assert {one["role"] for one in shell.json("user", "list")} == {"admin"}


def test_channels(shell: Shell) -> None:
    """Topic, modes, key and limit come, and operators are operators of the channels, as in ngIRCd."""
    shell.run(*run(shell))
    with shell.stores() as stores:
        tea, ops, odd = (stores.channels.find(name) for name in ("#tea", "#ops", "#odd"))
        assert tea is not None
        assert ops is not None
        assert odd is not None
        assert (tea.name, tea.topic, tea.flags, tea.key, tea.limit) == ("#Tea", "all about tea", "nt", "kettle", 23)
        assert tea.access == {1: "o", 2: "o"}
        assert tea.founder_id is None
        assert (ops.flags, ops.limit) == ("ims", 5)
        assert [(one.mode, one.mask) for one in ops.lists] == [("b", "*!*@spam.example")]
        assert (odd.key, odd.flags) == (None, "i")


def test_what_is_left_to_do(shell: Shell) -> None:
    """Settings are listed as commands that can be run; what is secret or a file, in words."""
    said = json.loads(shell.run(*run(shell, "--dry-run", "--json")).stdout)
    assert "chatroomctl config set server.name irc.example.net" in said["settings"]
    assert """chatroomctl config set server.description 'It'"'"'s the server'""" in said["settings"]
    assert "chatroomctl config set limits.connections_per_address 5" in said["settings"]
    assert "add #Tea to channels.autojoin in the configuration file" in said["settings"]
    assert not [line for line in said["settings"] if "letmein" in line]
    assert len([line for line in said["settings"] if "[[listen]]" in line]) == 2
    left_out = "\n".join(said["left_out"])
    for what in ("links to other servers", "masks of operators", "channel mode Q", "begin with &", "the key of #odd"):
        assert what in left_out
    assert not shell.database.exists()


def test_the_settings_exist(shell: Shell) -> None:
    """Each setting that is named can be read."""
    for key in SETTINGS.values():
        shell.done("config", "get", key)


def test_a_second_import_changes_nothing(shell: Shell) -> None:
    """What is there already stays as it is."""
    shell.run(*run(shell))
    said = json.loads(shell.run(*run(shell, "--json")).stdout)
    assert (said["accounts"], said["channels"], said["known"]) == ([], [], 5)


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "no section"),
        ("Name = x", "line 1: neither a section"),
        ("[Global]\nhello", "line 2: neither a section"),
        ("[Server]\n[Motd]", "line 2: ngIRCd has no section [Motd]"),
    ],
)
def test_what_is_no_configuration(shell: Shell, text: str, why: str) -> None:
    """One line says so, and nothing is made."""
    (shell.database.parent / "ngircd.conf").write_text(text)
    assert why in shell.refused(*run(shell))
    assert not shell.database.exists()
