from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.flood import FREE_FAILURES, FREE_FAILURES_OF_A_NETWORK
from chatroom.chat.admission.login_keys import (
    account_key,
    address_key,
    find_account,
    free_failures,
    is_login_key,
    keys_of,
    show_key,
    site_key,
)
from chatroom.errors import InvalidTarget


def keys_of_address(text: str) -> list[str]:
    """The keys under which a login from there counts."""
    address = ip_address(text)
    found = [address_key(address.version, int(address)), site_key(address.version, int(address))]
    return [key for key in found if key]


@pytest.mark.parametrize(
    "address, shown",
    [
        ("192.0.2.7", ["192.0.2.7"]),
        ("2001:db8:1:2::7", ["2001:db8:1:2::/64", "2001:db8:1::/48"]),
        ("::1", ["::/64", "::/48"]),
    ],
)
def test_keys_are_shown_as_people_write_them(address: str, shown: list[str]) -> None:
    """And what is shown, and the address itself, leads back to the keys."""
    keys = keys_of_address(address)
    assert [show_key(key) for key in keys] == shown
    assert keys_of(address) == keys
    assert keys_of(shown[-1]) == keys[-1:]
    assert keys_of(shown[0]) == keys


@given(st.ip_addresses())
def test_every_address_leads_to_its_keys(address: object) -> None:
    """In each version, but for an IPv4 address that is written as an IPv6 one: it counts as IPv4."""
    text = str(address)
    if not text.startswith("::ffff:"):
        assert keys_of(text) == keys_of_address(text)
        assert all(show_key(key) for key in keys_of(text))


def test_an_account_is_known_by_its_name_in_any_case() -> None:
    """A name is no address."""
    assert keys_of("Una") == [account_key("una")] == [account_key("UNA")]
    assert find_account(account_key("Una")) == show_key(account_key("Una")) == "una"
    assert find_account(address_key(4, 1)) is None


def test_a_network_has_more_free_failures() -> None:
    """Keys of other things in the same table are not of logins."""
    assert free_failures(site_key(6, 1)) == FREE_FAILURES_OF_A_NETWORK
    assert free_failures(address_key(6, 1)) == free_failures(account_key("una")) == FREE_FAILURES
    assert is_login_key(site_key(6, 1)) and not is_login_key("certificates 7") and not is_login_key("register 4 1")


@pytest.mark.parametrize("target", ["192.0.2.0/24", "2001:db8::/32", "2001:db8::/56", "*!*@*", "a b"])
def test_what_has_no_key(target: str) -> None:
    """Nothing is counted for larger networks."""
    with pytest.raises(InvalidTarget):
        keys_of(target)
