"""Names, addresses and networks are told apart by syntax, and each has one form."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.ban_targets import (
    NameTarget,
    NetworkTarget,
    format_network,
    parse_address,
    parse_name,
    parse_network,
    parse_target,
)
from chatroom.errors import InvalidName, InvalidTarget, Refused


@pytest.mark.parametrize(
    "text, shown, note",
    [
        ("10.1.2.3", "10.1.2.3", ""),
        (" 10.1.2.3/32 ", "10.1.2.3", ""),
        ("10.0.0.0/8", "10.0.0.0/8", ""),
        ("10.1.2.3/8", "10.0.0.0/8", "host bits dropped: 10.0.0.0/8"),
        ("10.1.2.3/255.255.0.0", "10.1.0.0/16", "host bits dropped: 10.1.0.0/16"),
        ("2001:DB8:0:0::/64", "2001:db8::/64", ""),
        ("2001:db8::1", "2001:db8::1", ""),
        ("2001:db8::1/64", "2001:db8::/64", "host bits dropped: 2001:db8::/64"),
        ("::ffff:1.2.3.4", "1.2.3.4", "IPv4-mapped: taken as 1.2.3.4"),
        ("::ffff:1.2.3.0/120", "1.2.3.0/24", "IPv4-mapped: taken as 1.2.3.0/24"),
        ("::ffff:1.2.3.4/120", "1.2.3.0/24", "host bits dropped, IPv4-mapped: 1.2.3.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0", "IPv4-mapped: taken as 0.0.0.0/0"),
        ("fe80::1%eth0", "fe80::1", "zone id dropped: fe80::1"),
        ("fe80::1%eth0/64", "fe80::/64", "zone id dropped, host bits dropped: fe80::/64"),
        ("::/0", "::/0", ""),
        ("::", "::", ""),
    ],
)
def test_networks(text: str, shown: str, note: str) -> None:
    """A network is parsed into its shortest form, with a note if that differs from the input."""
    target = parse_target(text)
    assert target == parse_network(text) == NetworkTarget(ip_network(shown), note)
    assert format_network(target.network) == shown


@pytest.mark.parametrize("name", ["Mallory", "abc", "dead_beef", "Zoë", "[x]", " padded "])
def test_names(name: str) -> None:
    """A text that can be a nick is a name, even if it looks like a hexadecimal number."""
    assert parse_target(name) == parse_name(name) == NameTarget(name.strip())


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "missing"),
        ("  ", "missing"),
        ("*!*@10.0.0.1", "masks cannot be banned; give"),
        ("10.0.0.*", "masks cannot be banned; give"),
        ("mallory*", "masks cannot be banned; give"),
        ("mallory!m@host", "masks cannot be banned; give"),
        ("bad?", "masks cannot be banned; give"),
        ("10.0.0.256", "not an address or a network; give"),
        ("010.0.0.1", "not an address or a network"),
        ("10.0.0.0/33", "not an address or a network"),
        ("10.0.0.0/-1", "not an address or a network"),
        ("10.1", "not an address or a network"),
        ("example.org", "not an address or a network"),
        ("1.2.3.4%eth0", "not an address or a network"),
        ("/8", "not an address or a network"),
        ("::ffff:1.2.3.4/129", "not an address or a network"),
        ("[::1]", "not an address or a network"),
        ("123", "not a name"),
        ("-x", "not a name"),
        ("two words", "not a name"),
        ("#lobby", "not a name"),
        ("a,b", "not a name"),
        ("x" * 33, "not a name"),
    ],
)
def test_refusals(text: str, words: str) -> None:
    """Any other text is refused with a message that says what to give instead."""
    with pytest.raises(InvalidTarget, match=words):
        parse_target(text)


def test_each_kind_refuses_the_other() -> None:
    """parse_name refuses networks and parse_network refuses names."""
    with pytest.raises(InvalidName):
        parse_name("10.0.0.1")
    with pytest.raises(InvalidName, match="masks"):
        parse_name("a*")
    with pytest.raises(InvalidTarget):
        parse_network("mallory")
    with pytest.raises(InvalidTarget):
        parse_network("")


@given(st.text(alphabet=st.sampled_from("0123456789abcf:./%* -xé\udc80\n"), max_size=20) | st.text(max_size=20))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    """No text raises anything but ``Refused``."""
    for parse in (parse_target, parse_name, parse_network, parse_address):
        try:
            parse(text)
        except Refused:
            continue


@given(st.ip_addresses(), st.integers(0, 128))
def test_written_networks_read_back(address: IPv4Address | IPv6Address, prefix: int) -> None:
    """A formatted network is parsed to the same network, without a note."""
    network = parse_network(f"{address}/{min(prefix, address.max_prefixlen)}").network
    assert parse_target(format_network(network)) == NetworkTarget(network, "")


@given(st.ip_addresses(v=4))
def test_mapped_addresses_are_ipv4(address: IPv4Address) -> None:
    """An IPv4-mapped address is the IPv4 address, in both notations."""
    high, low = divmod(int(address), 1 << 16)
    for written in (f"::ffff:{address}", f"::FFFF:{high:x}:{low:x}", f" {address} "):
        assert parse_address(written) == address


def test_addresses() -> None:
    """A zone id is dropped. Networks, names and other texts are refused."""
    assert parse_address("fe80::1%eth0") == ip_address("fe80::1")
    for text in ("10.0.0.0/8", "mallory", "", "1.2.3.4%eth0", "1.2.3"):
        with pytest.raises(InvalidTarget, match="not an address"):
            parse_address(text)
