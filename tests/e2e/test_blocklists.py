"""DNS blocklists on a running daemon, with a DNS server of the test's own."""

from __future__ import annotations

from harness.daemon import Client, Daemon, running
from harness.dns_server import DnsServer

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
