"""WEBIRC: whose word is taken for an address, and what that address then means."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import pytest
from harness.world import Client, Here, verbs

GATEWAY = "192.0.2.1"
SECRET = "hunter2"


@pytest.fixture
def here(make_here: Callable[..., Here]) -> Here:
    """A world that trusts a gateway."""
    return make_here(webirc={"password": SECRET, "gateways": (ip_network(GATEWAY), ip_network("2001:db8::/64"))})


def line(address: str = "198.51.100.3", *, password: str = SECRET, options: str = "") -> str:
    """The line a gateway begins with."""
    return f"WEBIRC {password} ExampleGateway host.example.net {address}" + (f" :{options}" if options else "")


def through(here: Here, nick: str, address: str = "198.51.100.3") -> Client:
    """Somebody who is here through the gateway."""
    client = here.open(GATEWAY)
    client.say(line(address), f"NICK {nick}", f"USER {nick} 0 * :{nick}")
    assert client.session.user is not None, client.read()
    return client


def refusal(client: Client) -> str:
    """Why the connection was ended."""
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
def test_the_address_given_is_the_connections(here: Here, given: str, shown: str) -> None:
    """In every form an address has; the mapped ones are IPv4, and the host shown is the one it always has."""
    direct = here.open(shown)
    client = here.open(GATEWAY)
    client.say(f"WEBIRC {SECRET} ExampleGateway {given} {given}")
    assert client.session.address_text == shown
    assert client.session.host == direct.session.host
    assert (client.session.version, client.session.address) == (direct.session.version, direct.session.address)


def test_whois_tells_moderators_about_the_gateway(here: Here) -> None:
    """The address given, and through which gateway; other people see neither."""
    through(here, "wanda")
    told = here.moderator().ask("WHOIS wanda")
    assert any(said.split(" ", 4)[1] == "338" and " 198.51.100.3 " in said for said in told)
    assert any("320" in said and said.endswith(f"through the gateway ExampleGateway ({GATEWAY})") for said in told)
    told = here.connect("bob").ask("WHOIS wanda")
    assert {"320", "338"}.isdisjoint(verbs(told))


@pytest.mark.parametrize(
    "options", ["secure", "secure=examplevalue123 local-port=6697 remote-port=21726", "new=1", "a=\\:b secure"]
)
def test_options_are_taken_whatever_they_are(here: Here, options: str) -> None:
    """Also ones to come; none makes a connection secure whose gateway's own is not."""
    client = here.open(GATEWAY)
    client.say(line(options=options), "NICK wanda", "USER wanda 0 * :w")
    assert client.session.address_text == "198.51.100.3"
    assert "671" not in verbs(here.admin().ask("WHOIS wanda"))


def test_options_may_be_several_words(here: Here) -> None:
    """Old gateways send them without the colon."""
    client = here.open(GATEWAY)
    client.say(line() + " secure local-port=6697")
    assert client.session.address_text == "198.51.100.3"


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.2", "2001:db8:0:1::1"])
def test_only_trusted_addresses_are_gateways(here: Here, address: str) -> None:
    """Not even with the password."""
    client = here.open(address)
    client.say(line())
    assert refusal(client) == "WEBIRC is not allowed from your address"
    assert client.session.address_text == address


@pytest.mark.parametrize("password", ["hunter", "hunter22", "Hunter2", "*", "é"])
def test_a_gateway_needs_the_password(here: Here, password: str) -> None:
    """Exactly that one."""
    client = here.open("2001:db8::99")
    client.say(line(password=password))
    assert refusal(client) == "Invalid WebIRC password"


@pytest.mark.parametrize("webirc", [{"password": SECRET}, {"gateways": (ip_network(GATEWAY),)}, {}])
def test_without_both_nobody_is_a_gateway(make_here: Callable[..., Here], webirc: dict[str, object]) -> None:
    """An empty password is none that could be given."""
    client = make_here(webirc=webirc).open(GATEWAY)
    client.say(line(password=SECRET if "password" in webirc else "*"))
    assert refusal(client) == "WEBIRC is not allowed from your address"


@pytest.mark.parametrize(
    "before", ["NICK wanda", "USER wanda 0 * :w", "PASS secret", "CAP LS 302", "CAP REQ :batch", line("198.51.100.9")]
)
def test_it_must_be_the_first_command(here: Here, before: str) -> None:
    """Whatever was said before it is somebody else's."""
    client = here.open(GATEWAY)
    client.say(before, line())
    assert refusal(client) in ("WEBIRC must be the first command", "WEBIRC is not allowed from your address")
    assert client.session.address_text != "198.51.100.3"


def test_it_may_not_come_after_registration(here: Here) -> None:
    """462, and the connection goes on as it was."""
    client = here.connect("wanda", address=GATEWAY)
    assert verbs(client.ask(line())) == ["462"]
    assert client.session.address_text == GATEWAY


def test_a_line_that_is_too_short_is_told(here: Here) -> None:
    """461; the gateway may say it again."""
    client = here.open(GATEWAY)
    assert verbs(client.ask(f"WEBIRC {SECRET} ExampleGateway 198.51.100.3")) == ["461"]
    client.say(line())
    assert client.session.gateway


@pytest.mark.parametrize("address", ["host.example.net", "198.51.100", "198.51.100.3/24", "*", "::1"])
def test_what_is_no_address_is_refused(here: Here, address: str) -> None:
    """A name is not looked up, and "::1" has to have its leading zero."""
    client = here.open(GATEWAY)
    client.say(line(address))
    assert refusal(client) == "WEBIRC has no valid address"


def test_a_ban_on_the_address_given_hits(here: Here) -> None:
    """Those present and those who come; nobody else of the gateway's."""
    wanda, vera = through(here, "wanda"), through(here, "vera", "198.51.100.4")
    here.ban("198.51.100.3", "spam", kind="ip")
    assert "banned: spam" in refusal(wanda)
    assert not vera.closed
    again = here.open(GATEWAY)
    again.say(line())
    assert "banned: spam" in refusal(again)


def test_a_ban_on_the_gateway_does_not_hit_its_people(here: Here) -> None:
    """Only who comes from that address without saying for whom."""
    wanda = through(here, "wanda")
    here.ban(GATEWAY, "no open proxies", kind="ip")
    assert not wanda.closed
    assert not through(here, "vera", "198.51.100.4").closed
    plain = here.open(GATEWAY)
    plain.say("NICK eve", "USER eve 0 * :eve")
    assert "banned: no open proxies" in refusal(plain)


def test_the_limits_of_the_address_given_hold(here: Here) -> None:
    """The daemon counts the connection against it, and may say no."""
    counted: list[str] = []

    def admit(session: object) -> str | None:
        counted.append(client.session.address_text)
        return "too many connections from your address" if len(counted) > 1 else None

    here.world.admit = admit
    client = here.open(GATEWAY)
    client.say(line())
    assert not client.closed
    client = here.open(GATEWAY)
    client.say(line())
    assert refusal(client) == "too many connections from your address"
    assert counted == ["198.51.100.3"] * 2


def test_the_screen_tells_of_gateways_and_not_of_passwords(here: Here) -> None:
    """Who comes through which, and who was refused; never what was given as a password."""
    through(here, "wanda")
    wrong = here.open(GATEWAY)
    wrong.say(line(password="guess"))
    screen = "\n".join(here.world.log_lines)
    assert f"198.51.100.3 connects through the gateway ExampleGateway ({GATEWAY})" in screen
    assert f"refused {GATEWAY}: Invalid WebIRC password" in screen
    assert "guess" not in screen and SECRET not in screen
