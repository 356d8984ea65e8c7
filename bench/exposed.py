"""The servers for ``abuse.py``, set up for the open internet: with the limits that they ship with.

Ours has its defaults. The C daemons have those of the examples that come with them, but for two: as many connections
may come from an address as to ours, and they ask no name server. All users join #lobby, as they do with ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from certificates import write_pair
from peers import Launch, Recipe, free_port, inspircd_command, program
from variants import Databases, serve

EXEMPT = "127.200.0.0/16"
"""Where those come from who prepare an attack, without limits. Attackers and bystanders come from other addresses of
loopback; none of the servers exempts these."""
ACCOUNTS = 10
"""How many accounts our daemon has, named ``member0`` and so on. Their passwords are ``variants.PASSWORD``."""
_BCRYPT_COST = 12  # the default

_INSPIRCD = """\
<server name="inspircd.bench" description="bench" network="bench">
<admin name="bench" nick="bench" email="bench@localhost">
<bind address="127.0.0.1" port="{port}" type="clients">
<bind address="127.0.0.1" port="{tls}" type="clients" sslprofile="bench">
<bind address="127.0.0.1" port="{websocket}" type="clients" hook="websocket">
<module name="ssl_gnutls">
<sslprofile name="bench" provider="gnutls" certfile="{certificate}" keyfile="{key}">
<module name="sha1">
<module name="websocket">
<wsorigin allow="*">
<module name="conn_join">
<autojoin channel="#lobby">
<connect name="builders" allow="{exempt}" timeout="20" hardsendq="64M" softsendq="64M" recvq="64M" threshold="1000000"
    commandrate="1000000000" fakelag="no" localmax="1000" globalmax="1000" maxchans="1000" maxconnwarn="no"
    resolvehostnames="no" useident="no">
<connect name="main" allow="*" timeout="20" pingfreq="2m" hardsendq="1M" softsendq="10240" recvq="10K" threshold="10"
    commandrate="1000" fakelag="yes" localmax="50" globalmax="50" limit="5000" maxchans="20" maxconnwarn="no"
    resolvehostnames="no" useident="no">
<performance netbuffersize="10240" somaxconn="128" softlimit="12800">
<pid file="{directory}/inspircd.pid">
"""

_NGIRCD = """\
[Global]
Name = ngircd.bench
Info = bench
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = hello
[Limits]
MaxConnectionsIP = 50
MaxJoins = 20
MaxNickLength = 30
[Options]
DNS = no
Ident = no
PAM = no
[Channel]
Name = #lobby
Autojoin = yes
"""


def ours(databases: Databases) -> Recipe:
    """Run this checkout's daemon with its defaults, a TLS and a WebSocket listener besides, and some accounts."""

    def prepare(directory: Path, port: int) -> Launch:
        (directory / "chat.db").write_bytes(databases.find(ACCOUNTS, 0, _BCRYPT_COST).read_bytes())
        certificate, key = write_pair(directory)
        ports = _ports(port)
        listen = "".join(
            f'[[listen]]\nhost = "127.0.0.1"\nport = {ports[kind]}\n{more}\n'
            for kind, more in (
                ("port", ""),
                ("tls", f'tls = true\ncertificate = "{certificate}"\nkey = "{key}"'),
                ("websocket", 'kind = "websocket"'),
            )
        )
        command, environment = serve(directory, listen, {"limits.exempt": [EXEMPT]})
        return Launch(command, environment, ports=ports)

    return prepare


def inspircd(directory: Path, port: int) -> Launch:
    """Run InspIRCd as its example configuration has it, with its modules for TLS and WebSocket."""
    certificate, key = write_pair(directory)
    ports, path = _ports(port), directory / "inspircd.conf"
    path.write_text(_INSPIRCD.format(directory=directory, certificate=certificate, key=key, exempt=EXEMPT, **ports))
    return Launch(inspircd_command(path), ports=ports)


def ngircd(directory: Path, port: int) -> Launch:
    """Run ngIRCd with its defaults. It exempts nobody, so what must be prepared takes too long for its limits."""
    path = directory / "ngircd.conf"
    path.write_text(_NGIRCD.format(port=port))
    return Launch([program("ngircd"), "-n", "-f", str(path)], ports={"port": port})


def _ports(port: int) -> Mapping[str, int]:
    return {"port": port, "tls": free_port(), "websocket": free_port()}
