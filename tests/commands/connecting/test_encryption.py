"""What depends on whether a connection is encrypted: passwords, channels, WHOIS, STS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.world import PASSWORD, Here, change_settings, sasl_plain, verbs

from chatroom.chat.reload import use_settings
from chatroom.config import Settings, find_unsafe
from chatroom.config.serving import Listen

MakeHere = Callable[..., Here]


@pytest.fixture
def strict(make_here: MakeHere) -> Here:
    """A world that takes passwords over TLS only."""
    return make_here(accounts={"require_tls": True})


# -- passwords ------------------------------------------------------------------------------------


def test_a_password_in_clear_is_refused(strict: Here) -> None:
    """By PASS, the connection ends under the number of a refusal that is no wrong password."""
    strict.account("una")
    client = strict.open()
    told = client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER una 0 * :U")
    assert "465" in verbs(told)
    assert client.closed
    assert "over TLS only" in told[-1]


@pytest.mark.parametrize("how", [{"secure": True}, {"address": "127.0.0.1"}, {"address": "::1"}])
def test_a_private_connection_may_log_in(strict: Here, how: dict[str, str | bool]) -> None:
    """TLS is private, and so is this machine."""
    strict.account("una")
    una = strict.connect("una", login="una", **how)  # type: ignore[arg-type]
    assert una.user.account_name == "una"


def test_sasl_oper_and_register_are_refused_in_clear(strict: Here) -> None:
    """Every way to send a password is refused, and none of them is offered."""
    strict.account("una")
    client = strict.open()
    offers = " ".join(client.ask("CAP LS 302"))
    assert "sasl" not in offers
    assert "account-registration" not in offers
    assert "904" in verbs(client.ask("AUTHENTICATE PLAIN", sasl_plain("una", PASSWORD)))
    client.say("CAP END", "NICK bob", "USER bob 0 * :B")
    client.read()
    assert "001" not in verbs(client.ask(f"OPER una :{PASSWORD}"))
    assert " FAIL REGISTER TLS_REQUIRED " in client.ask(f"REGISTER * * :{PASSWORD}")[0]
    told = " ".join(strict.open().ask("CAP LS 302"))
    assert "sasl" not in told
    assert "sasl" in " ".join(strict.open(secure=True).ask("CAP LS 302"))


def test_guests_come_in_clear(strict: Here) -> None:
    """The setting is about passwords only."""
    assert strict.connect("guest").session.user is not None


def test_a_reload_takes_sasl_from_connections_in_clear_only(here: Here) -> None:
    """Each connection is told what the new settings mean for it."""
    plain, encrypted = (here.connect(nick, caps="cap-notify", secure=nick == "tess") for nick in ("pat", "tess"))
    with here.tick():
        use_settings(here.world, change_settings(here.world.settings, accounts={"require_tls": True}))
    assert any(" DEL " in line and "sasl" in line for line in plain.read())
    assert encrypted.read() == []


@pytest.mark.parametrize(
    "how, warned",
    [
        ({"address": "198.51.100.3"}, False),  # for documentation, as private as 10.0.0.1
        ({"address": "10.0.0.1"}, False),
        ({"address": "fd00::1"}, False),
        ({"address": "8.8.8.8"}, True),
        ({"address": "2606:4700::1"}, True),
        ({"address": "8.8.8.8", "secure": True}, False),
    ],
)
def test_a_password_over_the_open_network_is_warned_about(here: Here, how: dict[str, str | bool], warned: bool) -> None:
    """A LAN is left alone; on the internet, the user and the log read of it."""
    here.account("una")
    client = here.open(**how)  # type: ignore[arg-type]
    told = client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER una 0 * :U")
    assert any("unencrypted" in line for line in told) is warned
    assert any("unencrypted" in line for line in here.world.log_lines) is warned


# -- channels -------------------------------------------------------------------------------------


def test_a_channel_may_be_for_tls_only(here: Here) -> None:
    """+z refuses users in clear, invited or not, moderators too."""
    tess, pat = here.connect("tess", secure=True), here.connect("pat")
    tess.say("JOIN #safe", "MODE #safe +z", "INVITE pat #safe")
    pat.read()
    assert verbs(pat.ask("JOIN #safe")) == ["489"]
    assert verbs(here.moderator().ask("JOIN #safe")) == ["489"]
    assert "JOIN" in verbs(here.connect("tom", secure=True).ask("JOIN #safe"))


def test_z_is_refused_while_a_member_is_in_clear(here: Here) -> None:
    """Otherwise that member would go on reading."""
    tess, pat = here.connect("tess", secure=True), here.connect("pat")
    tess.say("JOIN #room")
    pat.say("JOIN #room")
    tess.read()
    assert verbs(tess.ask("MODE #room +z")) == ["490"]
    pat.say("PART #room")
    tess.read()
    assert verbs(tess.ask("MODE #room +z")) == ["MODE"]


def test_a_device_in_clear_does_not_join_a_user_in_such_a_channel(here: Here) -> None:
    """It would read the channel. The answer says what to do."""
    here.account("una")
    una = here.connect("una", login="una", secure=True)
    una.say("JOIN #safe", "MODE #safe +z")
    client = here.open()
    told = client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER una 0 * :U")
    assert any(" 433 " in line and "connect with TLS" in line for line in told)
    assert here.connect("una", login="una", secure=True).user is una.user


def test_autojoin_does_not_lead_into_such_a_channel(here: Here) -> None:
    """A guest in clear reads why, and is connected all the same."""
    here.connect("tess", secure=True)
    here.admin("ada", secure=True).say("MODE #lobby +z")
    pat = here.open()
    told = pat.ask("NICK pat", "USER pat 0 * :P")
    assert "489" in verbs(told)
    assert not pat.user.channels


# -- what others see ------------------------------------------------------------------------------


def test_whois_shows_tls_to_everyone(here: Here) -> None:
    """Only if every connection of the user has it. The certificate is for the user and for moderators."""
    here.account("una")
    una, bob = here.connect("una", login="una", secure=True), here.connect("bob")
    una.session.certificate = "ab" * 32
    assert "671" in verbs(bob.ask("WHOIS una"))
    assert "276" not in verbs(bob.ask("WHOIS una"))
    assert any(" 276 " in line and "ab" * 32 in line for line in una.ask("WHOIS una"))
    assert "671" not in verbs(bob.ask("WHOIS bob"))
    here.connect("una", login="una")
    assert "671" not in verbs(bob.ask("WHOIS una"))


def test_sts_is_told_by_the_state_of_the_connection(make_here: MakeHere) -> None:
    """In clear the port, with TLS the duration, only to clients that read values, and nobody can ask for it."""
    here = make_here(server={"sts_days": 30})
    tls = Listen(port=6697, tls=True, certificate=(Path("c"),), key=(Path("k"),))
    with here.tick():
        here.world.settings = Settings(server=here.world.settings.server, listen=(Listen(), tls))
    plain, encrypted = here.open(), here.open(secure=True)
    assert " sts=port=6697" in " ".join(plain.ask("CAP LS 302"))
    assert " sts=duration=2592000" in " ".join(encrypted.ask("CAP LS 302"))
    assert "sts" not in " ".join(here.open().ask("CAP LS"))
    assert " NAK " in " ".join(plain.ask("CAP REQ sts"))


@pytest.mark.parametrize(
    "listen, risky",
    [
        (Listen(), False),
        (Listen(host="localhost"), False),
        (Listen(host="::1"), False),
        (Listen(host="0.0.0.0"), True),
        (Listen(host="::"), True),
        (Listen(host="192.168.1.5"), True),
        (Listen(host="chat.example.org", kind="websocket"), True),
        (Listen(host="0.0.0.0", tls=True, certificate=(Path("c"),), key=(Path("k"),)), False),
    ],
)
def test_a_listener_open_to_a_network_without_tls_is_a_risk(listen: Listen, risky: bool) -> None:
    """The start and ``config check`` show these."""
    assert bool(find_unsafe(Settings(listen=(listen,)))) is risky
