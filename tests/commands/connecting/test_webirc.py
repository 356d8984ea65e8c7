"""WEBIRC: which gateways are trusted, and what the address that they give is used for."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import pytest
from harness.session_client import Client
from harness.world import Here, verbs

GATEWAY = "192.0.2.1"
SECRET = "hunter2"


@pytest.fixture
def here(make_here: Callable[..., Here]) -> Here:
    """A world that trusts a gateway."""
    return make_here(webirc={"password": SECRET, "gateways": (ip_network(GATEWAY), ip_network("2001:db8::/64"))})


def line(address: str = "198.51.100.3", *, password: str = SECRET, options: str = "") -> str:
    """The WEBIRC line of a gateway."""
    return f"WEBIRC {password} ExampleGateway host.example.net {address}" + (f" :{options}" if options else "")


def through(here: Here, nick: str, address: str = "198.51.100.3") -> Client:
    """A user that is connected through the gateway."""
    client = here.open(GATEWAY)
    client.say(line(address), f"NICK {nick}", f"USER {nick} 0 * :{nick}")
    assert client.session.user is not None, client.read()
    return client


def refusal(client: Client) -> str:
    """The reason in the ERROR line of a closed connection."""
    assert client.closed
    said = client.read()
    assert said[-1].startswith("ERROR :Closing Link: "), said
    return said[-1].partition(" (")[2].rstrip(")")


@pytest.mark.parametrize(
    "given, shown",
    [
        ("198.51.100.3", "198.51.100.3"),
        ("2001:DB8:1::7", "2001:db8:1::7"),
        ("0::1:2", "::1:2"),
        ("0::ffff:198.51.100.3", "198.51.100.3"),
        ("0::ffff:c633:6403", "198.51.100.3"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_the_session_gets_the_address_that_the_gateway_gives(here: Here, given: str, shown: str) -> None:
    """The address may have any form. A mapped one is taken as IPv4. The cloak is that of a direct connection."""
    direct = here.open(shown)
    client = here.open(GATEWAY)
    client.say(f"WEBIRC {SECRET} ExampleGateway {given} {given}")
    assert client.session.address_text == shown
    assert client.session.host == direct.session.host
    assert (client.session.version, client.session.address) == (direct.session.version, direct.session.address)


def test_whois_shows_the_gateway_to_moderators(here: Here) -> None:
    """Moderators see the address and the gateway. Other users see neither."""
    through(here, "wanda")
    told = here.moderator().ask("WHOIS wanda")
    assert any(said.split(" ", 4)[1] == "338" and " 198.51.100.3 " in said for said in told)
    assert any("320" in said and said.endswith(f"through the gateway ExampleGateway ({GATEWAY})") for said in told)
    told = here.connect("bob").ask("WHOIS wanda")
    assert {"320", "338"}.isdisjoint(verbs(told))


@pytest.mark.parametrize(
    "options", ["secure", "secure=examplevalue123 local-port=6697 remote-port=21726", "new=1", "a=\\:b secure"]
)
def test_all_options_are_accepted(here: Here, options: str) -> None:
    """Unknown options are ignored. ``secure`` has no effect, because the gateway's connection is not encrypted."""
    client = here.open(GATEWAY)
    client.say(line(options=options), "NICK wanda", "USER wanda 0 * :w")
    assert client.session.address_text == "198.51.100.3"
    assert "671" not in verbs(here.admin().ask("WHOIS wanda"))


def test_options_may_be_several_words(here: Here) -> None:
    """Old gateways send the options without a colon."""
    client = here.open(GATEWAY)
    client.say(line() + " secure local-port=6697")
    assert client.session.address_text == "198.51.100.3"


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.2", "2001:db8:0:1::1"])
def test_only_trusted_addresses_are_gateways(here: Here, address: str) -> None:
    """The right password from another address is refused."""
    client = here.open(address)
    client.say(line())
    assert refusal(client) == "WEBIRC is not allowed from your address"
    assert client.session.address_text == address


@pytest.mark.parametrize("password", ["hunter", "hunter22", "Hunter2", "*", "é"])
def test_a_gateway_needs_the_password(here: Here, password: str) -> None:
    """Any other password is refused."""
    client = here.open("2001:db8::99")
    client.say(line(password=password))
    assert refusal(client) == "Invalid WebIRC password"


@pytest.mark.parametrize("webirc", [{"password": SECRET}, {"gateways": (ip_network(GATEWAY),)}, {}])
def test_a_gateway_needs_both_settings(make_here: Callable[..., Here], webirc: dict[str, object]) -> None:
    """If the password or the list of gateways is missing, all WEBIRC lines are refused."""
    client = make_here(webirc=webirc).open(GATEWAY)
    client.say(line(password=SECRET if "password" in webirc else "*"))
    assert refusal(client) == "WEBIRC is not allowed from your address"


@pytest.mark.parametrize(
    "before", ["NICK wanda", "USER wanda 0 * :w", "PASS secret", "CAP LS 302", "CAP REQ :batch", line("198.51.100.9")]
)
def test_it_must_be_the_first_command(here: Here, before: str) -> None:
    """WEBIRC after any other command is refused, and the session keeps its address."""
    client = here.open(GATEWAY)
    client.say(before, line())
    assert refusal(client) in ("WEBIRC must be the first command", "WEBIRC is not allowed from your address")
    assert client.session.address_text != "198.51.100.3"


def test_it_may_not_come_after_registration(here: Here) -> None:
    """The answer is 462, and the session keeps its address."""
    client = here.connect("wanda", address=GATEWAY)
    assert verbs(client.ask(line())) == ["462"]
    assert client.session.address_text == GATEWAY


def test_a_missing_parameter_is_461(here: Here) -> None:
    """The gateway may send WEBIRC again."""
    client = here.open(GATEWAY)
    assert verbs(client.ask(f"WEBIRC {SECRET} ExampleGateway 198.51.100.3")) == ["461"]
    client.say(line())
    assert client.session.gateway


@pytest.mark.parametrize("address", ["host.example.net", "198.51.100", "198.51.100.3/24", "*", "::1"])
def test_an_invalid_address_is_refused(here: Here, address: str) -> None:
    """Host names are not looked up. An address that begins with a colon needs a leading zero."""
    client = here.open(GATEWAY)
    client.say(line(address))
    assert refusal(client) == "WEBIRC has no valid address"


def test_a_ban_of_the_users_address_holds(here: Here) -> None:
    """It hits connected users and new connections, and no other user of the gateway."""
    wanda, vera = through(here, "wanda"), through(here, "vera", "198.51.100.4")
    here.ban("198.51.100.3", "spam", kind="ip")
    assert "banned: spam" in refusal(wanda)
    assert not vera.closed
    again = here.open(GATEWAY)
    again.say(line())
    assert "banned: spam" in refusal(again)


def test_a_ban_of_the_gateway_does_not_hit_its_users(here: Here) -> None:
    """It hits connections from the gateway's address without WEBIRC."""
    wanda = through(here, "wanda")
    here.ban(GATEWAY, "no open proxies", kind="ip")
    assert not wanda.closed
    assert not through(here, "vera", "198.51.100.4").closed
    plain = here.open(GATEWAY)
    plain.say("NICK eve", "USER eve 0 * :eve")
    assert "banned: no open proxies" in refusal(plain)


def test_the_limits_of_the_users_address_hold(here: Here) -> None:
    """The daemon counts the connection for the user's address, and may refuse it."""
    client = here.open(GATEWAY)
    client.say(line())
    assert not client.closed
    here.runtime.refusal = "too many connections from your address"
    client = here.open(GATEWAY)
    client.say(line())
    assert refusal(client) == "too many connections from your address"
    assert here.runtime.admitted == ["198.51.100.3"] * 2


def test_log_lines_have_gateways_and_no_passwords(here: Here) -> None:
    """There is a log line for each user of a gateway and each refusal. No line has a password."""
    through(here, "wanda")
    wrong = here.open(GATEWAY)
    wrong.say(line(password="guess"))
    screen = "\n".join(here.world.log_lines)
    assert f"198.51.100.3 connects through the gateway ExampleGateway ({GATEWAY})" in screen
    assert f"refused {GATEWAY}: Invalid WebIRC password" in screen
    assert "guess" not in screen and SECRET not in screen
