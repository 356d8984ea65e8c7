"""Asking blocklists: names, answers, what is kept, and lists that are down."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest
from harness.dns_server import DnsServer

from chatroom.config.serving import Dnsbl
from chatroom.server import blocklists
from chatroom.server.blocklists import Blocklists, Unanswered, ask_dns, name_of, split_resolver

TWO = Dnsbl(zones=("one.example", "two.example"))
ADDRESS = int(ipaddress.IPv4Address("45.6.7.8"))


class Lists:
    """Blocklists with answers that the test gives, by name: addresses, or why there is none."""

    def __init__(self) -> None:
        self.answers: dict[str, list[str] | str] = {}
        self.asked: list[str] = []
        self.log: list[str] = []
        self.lists = Blocklists(self.log.append, self._ask)

    def _ask(self, name: str, dnsbl: Dnsbl) -> list[str]:
        self.asked.append(name)
        answer = self.answers.get(name, [])
        if isinstance(answer, str):
            raise Unanswered(answer)
        return answer

    def find(self, address: int = ADDRESS, dnsbl: Dnsbl = TWO) -> str:
        """The list that the address is on."""
        return self.lists.find(4, address, dnsbl)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the module, in a list of one."""
    now = [1000.0]

    class Time:
        @staticmethod
        def monotonic() -> float:
            return now[0]

    monkeypatch.setattr(blocklists, "time", Time)
    return now


def test_an_address_stands_backwards_before_the_list() -> None:
    """As RFC 5782 has it, for both versions of IP."""
    assert name_of(4, ADDRESS, "dnsbl.example") == "8.7.6.45.dnsbl.example"
    address = int(ipaddress.IPv6Address("2001:db8:1:2:3:4:567:89ab"))
    nibbles = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2"
    assert name_of(6, address, "dnsbl.example") == f"{nibbles}.dnsbl.example"
    assert name_of(6, 1, "x.y").endswith("0.0.0.x.y")


def test_all_lists_are_asked_until_one_has_it() -> None:
    """In the order of the settings."""
    stage = Lists()
    assert stage.find() == ""
    assert stage.asked == ["8.7.6.45.one.example", "8.7.6.45.two.example"]
    other = ADDRESS + 1
    stage.answers["9.7.6.45.two.example"] = ["127.0.0.4"]
    assert stage.find(other) == "two.example"
    stage.answers["9.7.6.45.one.example"] = ["127.0.0.2", "127.0.0.9"]
    assert stage.find(other, Dnsbl(zones=("one.example",))) == "one.example"


def test_answers_are_kept_for_a_while(clock: list[float]) -> None:
    """Longer if the address is listed. Other lists in the settings are asked at once."""
    stage = Lists()
    stage.answers["8.7.6.45.one.example"] = ["127.0.0.2"]
    assert [stage.find(), stage.find(), stage.find(ADDRESS + 1), stage.find(ADDRESS + 1)] == ["one.example"] * 2 + [
        ""
    ] * 2
    assert len(stage.asked) == 3
    clock[0] += blocklists.UNLISTED_S + 1
    stage.find()
    stage.find(ADDRESS + 1)
    assert len(stage.asked) == 5
    stage.find(ADDRESS, Dnsbl(zones=("two.example",)))
    assert stage.asked[-1] == "8.7.6.45.two.example"
    clock[0] += blocklists.LISTED_S + 1
    stage.find()
    assert stage.asked[-1] == "8.7.6.45.one.example"


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest answer goes."""
    monkeypatch.setattr(blocklists, "MOST_KEPT", 3)
    stage = Lists()
    one = Dnsbl(zones=("one.example",))
    for address in (1, 2, 3, 4):
        stage.find(address, one)
    stage.find(4, one)
    assert len(stage.asked) == 4
    stage.find(1, one)
    assert len(stage.asked) == 5


def test_a_list_that_is_down_lets_people_in(clock: list[float]) -> None:
    """It is logged once, not asked for a while, and the other lists are asked. Its return is logged too."""
    stage = Lists()
    stage.answers["8.7.6.45.one.example"] = stage.answers["9.7.6.45.one.example"] = "timed out"
    assert stage.find() == stage.find(ADDRESS + 1) == ""
    assert stage.asked == ["8.7.6.45.one.example", "8.7.6.45.two.example", "9.7.6.45.two.example"]
    clock[0] += blocklists.DOWN_S + 1
    stage.find()
    assert stage.asked[3:] == ["8.7.6.45.one.example", "8.7.6.45.two.example"], "nothing was kept of half an answer"
    assert len(stage.log) == 1
    assert stage.log[0] == "the blocklist one.example does not answer, and users come in without it: timed out"
    stage.answers.clear()
    stage.answers["8.7.6.45.two.example"] = ["127.0.0.2"]
    clock[0] += blocklists.DOWN_S + 1
    assert stage.find() == "two.example"
    assert stage.log[1:] == ["the blocklist one.example answers again"]


@pytest.mark.parametrize("answer", ["127.255.255.254", "127.255.255.252", "198.51.100.7", "10.0.0.1"])
def test_an_answer_that_is_none_lists_nobody(answer: str) -> None:
    """A list that refuses to answer a public resolver must not close the server, nor a provider's own page."""
    stage = Lists()
    stage.answers["8.7.6.45.one.example"] = [answer]
    assert stage.find() == ""
    assert answer in stage.log[0]


# -- DNS itself ----------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[DnsServer]:
    """A DNS server on loopback."""
    with DnsServer.running() as server:
        yield server


@pytest.fixture
def dnsbl(server: DnsServer) -> Dnsbl:
    """One list, asked from that server."""
    return Dnsbl(zones=("list.example",), resolver=f"127.0.0.1:{server.port}", timeout_s=0.4)


def test_dns_is_asked(server: DnsServer, dnsbl: Dnsbl) -> None:
    """A name that does not exist, and one without an address, are on no list."""
    server.addresses = {"8.7.6.45.list.example": "127.0.0.2", "9.7.6.45.list.example": ""}
    lists = Blocklists(lambda line: pytest.fail(line))
    assert [lists.find(4, ADDRESS + more, dnsbl) for more in range(3)] == ["list.example", "", ""]
    assert server.asked[0] == "8.7.6.45.list.example"
    six = int(ipaddress.IPv6Address("2a00::1"))
    server.addresses[name_of(6, six, "list.example")] = "127.0.0.3"
    assert lists.find(6, six, dnsbl) == "list.example"


@pytest.mark.parametrize("how", ["silent", "refused"])
def test_a_resolver_that_fails_is_unanswered(server: DnsServer, dnsbl: Dnsbl, how: str) -> None:
    """In the time that the setting says. Nobody is kept out."""
    server.addresses["8.7.6.45.list.example"] = how
    with pytest.raises(Unanswered, match=r"list\.example|REFUSED|lifetime"):
        ask_dns("8.7.6.45.list.example", dnsbl)
    log: list[str] = []
    assert Blocklists(log.append).find(4, ADDRESS, dnsbl) == ""
    assert len(log) == 1 and "\n" not in log[0]


def test_a_machine_without_resolver_is_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    """/etc/resolv.conf may be missing."""
    import dns.resolver

    def fail(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr("dns.resolver.Resolver.read_resolv_conf", fail)
    with pytest.raises(Unanswered):
        ask_dns("x.list.example", Dnsbl(zones=("list.example",)))


@pytest.mark.parametrize(
    "text, host, port",
    [
        ("127.0.0.1", "127.0.0.1", 53),
        ("127.0.0.1:5353", "127.0.0.1", 5353),
        ("::1", "::1", 53),
        ("[::1]", "::1", 53),
        ("[::1]:5353", "::1", 5353),
    ],
)
def test_a_resolver_has_an_address_and_a_port(text: str, host: str, port: int) -> None:
    """The port is 53 unless it is given."""
    assert split_resolver(text) == (host, port)


def test_a_resolver_that_is_no_address_is_unanswered() -> None:
    """The pattern of the setting lets some through."""
    with pytest.raises(Unanswered):
        ask_dns("x.list.example", Dnsbl(zones=("list.example",), resolver="999.1.1.1"))
