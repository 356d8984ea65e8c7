"""DNS blocklists on a running daemon, with a DNS server of the test's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from harness.daemon import CAP_S, Client, Daemon, running
from harness.dns_server import DnsServer
from harness.tls import listening
from harness.web import TEXT
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

LISTED, CLEAN, UNKNOWN = "45.6.7.8", "45.6.7.9", "45.6.7.10"


def through(daemon: Daemon, address: str) -> Client:
    """A client behind a gateway on this machine, which gives its address."""
    client = daemon.open()
    client.send(f"WEBIRC hunter2 gateway host {address}", f"NICK {'n' + address[-1]}", "USER a 0 * :a")
    return client


def test_listed_users_stay_out_and_a_silent_list_closes_nothing() -> None:
    """The others come in meanwhile. The threads that ask begin with the first question."""
    with (
        DnsServer.running() as dns,
        running(
            dnsbl__zones="list.example",
            dnsbl__resolver=f"127.0.0.1:{dns.port}",
            dnsbl__timeout_s=0.5,
            webirc__password="hunter2",
            webirc__gateways="127.0.0.1",
        ) as daemon,
    ):
        dns.addresses = {"8.7.6.45.list.example": "127.0.0.2", "10.7.6.45.list.example": "silent"}
        before = daemon.place.ctl_json("status")["threads"]
        with daemon.connect("local"), through(daemon, LISTED) as listed, through(daemon, CLEAN) as clean:
            assert any("on the blocklist list.example" in line for line in listed.expect_closed())
            clean.expect("001")
            daemon.expect_log(f"refused n8 from {LISTED}: on the blocklist list.example")
            with through(daemon, UNKNOWN) as unknown:
                unknown.expect("001")
            daemon.expect_log("the blocklist list.example does not answer")
            asked = len(dns.asked)
            with through(daemon, "45.6.7.11") as other:
                other.expect("001")
            assert len(dns.asked) == asked
            assert daemon.place.ctl_json("status")["threads"] != before
        assert {name.partition(".list")[0] for name in dns.asked} == {"8.7.6.45", "9.7.6.45", "10.7.6.45"}


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    """A DNS server with one listed address."""
    with DnsServer.running() as server:
        server.addresses["8.7.6.45.list.example"] = "127.0.0.2"
        yield server


def test_the_address_behind_a_proxy_is_asked_for(dns: DnsServer) -> None:
    """That of the PROXY header, and not the proxy's."""
    lists = {"dnsbl__zones": "list.example", "dnsbl__resolver": f"127.0.0.1:{dns.port}"}
    with listening('proxy_protocol_from = ["127.0.0.1"]', **lists) as daemon:
        for address, answer in ((LISTED, "465"), (CLEAN, "001")):
            with Client(daemon.second_port) as client:
                client.send_bytes(f"PROXY TCP4 {address} 203.0.113.1 50000 6667\r\n".encode())
                client.send("NICK alice", "USER a 0 * :a")
                client.expect(answer)
    assert dns.asked == ["8.7.6.45.list.example", "9.7.6.45.list.example"]


def test_the_address_behind_an_http_proxy_is_asked_for(dns: DnsServer) -> None:
    """That of X-Forwarded-For."""
    lists = {"dnsbl__zones": "list.example", "dnsbl__resolver": f"127.0.0.1:{dns.port}"}
    with listening('kind = "websocket"\nforwarded_from = ["127.0.0.1"]', **lists) as daemon:
        uri = f"ws://127.0.0.1:{daemon.second_port}"
        with connect(
            uri, subprotocols=[Subprotocol(TEXT)], additional_headers={"X-Forwarded-For": LISTED}, proxy=None
        ) as web:
            web.send("NICK webby")
            web.send("USER webby 0 * :webby")
            lines = []
            with contextlib.suppress(ConnectionClosed):
                while True:
                    lines.append(str(web.recv(timeout=CAP_S)))
            assert any("on the blocklist list.example" in line for line in lines)
    assert dns.asked == ["8.7.6.45.list.example"]
