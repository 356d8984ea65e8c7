"""The ban policy as pure rules: risks, ranks, reasons and replacing, without a world or a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, ip_network

import pytest

from chatroom.chat.admission.ban_policy import (
    Reach,
    Risk,
    RiskKind,
    check_reason,
    covers_loopback,
    find_risks,
    is_wide,
    outlasts,
    propose_network,
    require_may_lift,
    require_rank,
    require_rank_over_name,
    require_rank_over_network,
)
from chatroom.chat.admission.ban_targets import parse_address, parse_network
from chatroom.chat.stored.records import Role
from chatroom.errors import InvalidValue, NotPermitted
from chatroom.irc.limits import BAN_REASON_BYTES

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SMALL = ip_network("192.0.2.0/24")
OTHER = ip_network("198.51.100.7/32")


def risks(*networks: str, hit: int = 0, present: int = 0) -> list[RiskKind]:
    """Return the kinds of risk of a ban on these networks that hits so many users."""
    parsed = [parse_network(text).network for text in networks]
    return [risk.kind for risk in find_risks(parsed, lambda: Reach(hit, present))]


def test_proposed_networks() -> None:
    """An IPv4 peer is banned by its address, an IPv6 peer by its /64."""
    assert propose_network(parse_address("192.0.2.7")) == ip_network("192.0.2.7/32")
    assert propose_network(parse_address("2001:db8:1:2:3::7")) == ip_network("2001:db8:1:2::/64")


@pytest.mark.parametrize(
    "text, covers",
    [
        ("127.0.0.1", True),
        ("127.0.0.0/8", True),
        ("0.0.0.0/0", True),
        ("::1", True),
        ("::/64", True),
        ("::ffff:127.0.0.1", True),
        ("127.0.0.2", False),
        ("127.1.0.0/16", False),
        ("10.0.0.0/8", False),
        ("2001:db8::/64", False),
    ],
)
def test_loopback(text: str, covers: bool) -> None:
    """Only what holds 127.0.0.1 or ::1 counts as loopback."""
    assert covers_loopback(parse_network(text).network) is covers


@pytest.mark.parametrize(
    "text, wide",
    [("10.0.0.0/15", True), ("10.0.0.0/16", False), ("2001::/31", True), ("2001:db8::/32", False), ("::/0", True)],
)
def test_wide(text: str, wide: bool) -> None:
    """Shorter than a /16, or a /32 of IPv6, is wide."""
    assert is_wide(parse_network(text).network) is wide


def test_risks_come_worst_first() -> None:
    """A ban of this machine is the first risk, a wide network the second. A name has no networks and no risk."""
    assert risks("0.0.0.0/0") == [RiskKind.LOOPBACK, RiskKind.WIDE]
    assert risks("127.0.0.1") == [RiskKind.LOOPBACK]
    assert risks("192.0.2.0/24", "10.0.0.0/8") == [RiskKind.WIDE]
    assert risks("192.0.2.0/24", "2001:db8::/64") == []
    assert risks(hit=5, present=5) == []


@pytest.mark.parametrize(
    "network, hit, risky",
    [
        ("10.0.0.0/16", 0, False),
        ("10.0.0.0/16", 1, True),
        ("192.0.2.0/31", 1, True),
        ("192.0.2.7", 1, False),
        ("192.0.2.7", 2, True),
        ("2001:db8::/63", 1, True),
        ("2001:db8::/64", 1, False),
        ("2001:db8::7", 1, False),
        ("2001:db8::/64", 2, True),
    ],
)
def test_users_present(network: str, hit: int, risky: bool) -> None:
    """A ban of a network is risky if it hits a user, a ban of one subscriber's address if it hits a second one."""
    assert risks(network, hit=hit, present=40) == ([RiskKind.PRESENT] if risky else [])


def test_a_risk_names_its_networks() -> None:
    """Only the networks that cause a risk are named; all of them for the users that they hit together."""
    wide = ip_network("10.0.0.0/8")
    assert list(find_risks([SMALL, wide], lambda: Reach(0, 0))) == [Risk(RiskKind.WIDE, [wide])]
    reach = Reach(2, 3)
    assert list(find_risks([SMALL, OTHER], lambda: reach)) == [Risk(RiskKind.PRESENT, [SMALL, OTHER], reach)]


def test_users_are_not_counted_for_a_wide_network() -> None:
    """A wide network must be confirmed anyway, and the count can cost a question to the daemon."""

    def count() -> Reach:
        raise AssertionError

    assert [risk.kind for risk in find_risks([IPv4Network("10.0.0.0/8")], count)] == [RiskKind.WIDE]


@pytest.mark.parametrize("other", [None, *Role])
@pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMIN])
def test_only_lower_roles_may_be_hit(role: Role, other: Role | None) -> None:
    """An oper may act on lower roles only, by nick, by name or by network. A guest has the lowest."""
    if (other or Role.USER) < role:
        require_rank(role, "eve", other)
        require_rank_over_name(role, ["ada"], "eve", [None, other])
        require_rank_over_network(role, [("bob", None), ("eve", other)])
        return
    with pytest.raises(NotPermitted, match=r"eve is an? (moderator|admin), as high as you or higher"):
        require_rank(role, "eve", other)
    with pytest.raises(NotPermitted, match=r"eve is an? (moderator|admin), as high as you or higher"):
        require_rank_over_name(role, ["ada"], "eve", [other, None])
    with pytest.raises(NotPermitted, match=r"eve is connected from there and is an? (moderator|admin)"):
        require_rank_over_network(role, [("bob", None), ("eve", other)])


def test_an_oper_does_not_ban_themselves() -> None:
    """A ban on the issuer's nick or account is refused in words of its own, in any case of letters."""
    for name in ("ada", "ADA", "Ada-Away"):
        with pytest.raises(NotPermitted, match="that is yourself"):
            require_rank_over_name(Role.ADMIN, ["ada-away", "Ada"], name, [])


def test_lifting() -> None:
    """A moderator lifts bans on lower roles and on their own account, an admin lifts every ban."""
    require_may_lift(Role.MODERATOR, "eve", None, own=False)
    require_may_lift(Role.MODERATOR, "una", Role.USER, own=False)
    require_may_lift(Role.MODERATOR, "mo", Role.MODERATOR, own=True)
    for role in (Role.MODERATOR, Role.ADMIN):
        require_may_lift(Role.ADMIN, "abe", role, own=False)
        with pytest.raises(NotPermitted, match=r"abe is an? (moderator|admin), as high as you or higher"):
            require_may_lift(Role.MODERATOR, "abe", role, own=False)


@pytest.mark.parametrize("reason", ["", "spam", "x" * 300, "é" * 150, "\udc80"])
def test_a_reason_that_fits(reason: str) -> None:
    """One line of at most 300 bytes is taken as it is."""
    assert BAN_REASON_BYTES == 300
    assert check_reason(reason) == reason


@pytest.mark.parametrize("reason", ["x" * 301, "x" * 299 + "é", "two\nlines", "a\rb", "\0"])
def test_a_reason_that_does_not_fit(reason: str) -> None:
    """A longer reason, more lines and a NUL are refused."""
    with pytest.raises(InvalidValue, match="a reason is one line of at most 300 bytes"):
        check_reason(reason)


def test_a_ban_outlasts_another() -> None:
    """A permanent ban outlasts every other one but a permanent one; else the later end does."""
    later = NOW + timedelta(seconds=1)
    assert outlasts(None, NOW)
    assert outlasts(later, NOW)
    assert not outlasts(NOW, NOW)
    assert not outlasts(NOW, later)
    assert not outlasts(NOW, None)
    assert not outlasts(None, None)
