"""No password stays anywhere: not in the log, the audit, the history, the output, nor in what others read.

Every verb that takes one gets it in good and bad forms (``harness.secret_lines``), with odd characters around it. Then
all files of the database are searched, and all that was logged, printed and sent to others.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from harness.secret_lines import AFTER, BEFORE, TOKEN, SecretLines, fill, find_leaks
from harness.world import PASSWORD, SHELL, Here, make_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.admission.credentials import make_credentials
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import COMMANDS
from chatroom.commands.connecting.nickserv import _SUBCOMMANDS

GATEWAY = "198.51.100.1"

odd_text = st.text(st.characters(exclude_characters="\0\r\n{}", exclude_categories=["Cs"]), max_size=12)
secrets = st.one_of(
    st.just(TOKEN),
    st.just(f"{TOKEN}X"),
    st.builds(lambda before, after: f"{before}{TOKEN}{after}", odd_text, odd_text),
    st.just(f"{TOKEN} with spaces"),
    st.just(f"{TOKEN}{'é' * 200}"),
)


def make_world(path: Path) -> Here:
    """A world that keeps as much as it can, with accounts and a trusted gateway."""
    history = {"modes": True, "joins": True}
    webirc = {"gateways": (ip_network(f"{GATEWAY}/32"),), "password": "gateway password"}
    here = Here(path, make_settings(history=history, webirc=webirc), history=True)
    for name, role in (("una", Role.USER), ("mo", Role.MODERATOR), ("ada", Role.ADMIN)):
        here.account(name, role)
    return here


def send(here: Here, one: SecretLines, secret: str) -> list[str]:
    """Send the lines on a connection of their own. Return what another device of its account reads."""
    others = []
    if one.account:
        set_password(here, one.account)
        others.append(here.connect(one.account, login=one.account, caps="echo-message"))
    if one.registered:
        client = here.connect(one.account or f"gus{len(here.clients)}", login=one.account or None, caps=one.caps)
    else:
        client = here.open(GATEWAY if one.trusted else "192.0.2.5")
    for line in fill(one.lines, secret):
        if client.closed:
            break
        client.say(line)
    client.vanish()
    return [line for other in others for line in other.read()]


def set_password(here: Here, name: str) -> None:
    """Give an account its password again: the lines before may have changed it."""
    account = here.stores.accounts.get(name)
    here.stores.accounts.set_credentials(account.id, make_credentials(PASSWORD, here.world.settings.accounts), SHELL)
    here.apply_account(account.id)


def stored_texts(here: Here) -> Iterator[str]:
    """All bytes of the database's files, and all rows of the audit."""
    for file in here.stores.path.parent.iterdir():
        yield file.read_bytes().decode("latin-1")
    for row in here.stores.audit.list_entries():
        yield f"{row.actor} {row.origin} {row.action} {row.target} {row.detail}"


@pytest.mark.parametrize("forms", [BEFORE, AFTER], ids=["before", "after"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=secrets)
def test_no_secret_stays_anywhere(
    forms: list[SecretLines], secret: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the secret looks like, and however it is sent."""
    caplog.set_level(logging.DEBUG)
    with TemporaryDirectory() as folder, make_world(Path(folder) / "chat.db") as here:
        others = [here.connect("bystander", caps="echo-message"), here.moderator("mona")]
        read = [line for one in forms for line in send(here, one, secret)]
        logged = [str(line) for line in here.world.log_lines] + [record.getMessage() for record in caplog.records]
        read += [line for other in others for line in other.read()]
        out, err = capfd.readouterr()
        assert find_leaks(logged) == []
        assert find_leaks(read) == []
        assert find_leaks([out, err]) == []
        assert find_leaks(stored_texts(here)) == []
        assert any("refused login as" in line for line in logged)


def test_every_verb_that_takes_a_password_gets_one() -> None:
    """A new one has to be among the lines."""
    lines = " ".join(line for one in (*BEFORE, *AFTER) for line in one.lines)
    for verb, command in COMMANDS.items():
        if "password" in f"{command.params} {command.summary}".lower() or verb == "AUTHENTICATE":
            assert f"{verb} " in lines, verb
    for name, known in _SUBCOMMANDS.items():
        assert f"NickServ :{name} " in lines or not known.most, name


def test_the_search_finds_what_it_is_for() -> None:
    """The secret in clear and in base64, wherever it stands in what is encoded."""
    for before in ("", "a", "ab", "abc"):
        line = base64.b64encode(f"{before}{TOKEN}!".encode()).decode()
        assert find_leaks([f"refused {line}", "fine"]) == [f"refused {line}"], before
    assert find_leaks([f"as {TOKEN.upper()}"]) and not find_leaks(["as una"])
