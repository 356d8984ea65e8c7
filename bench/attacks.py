"""The attacks of ``abuse.py``, and the program that runs one: ``attacks.py NAME SERVER PORTS``.

An attack is a generator. It prepares up to its ``yield``; what comes after that is measured. The program says ``ready``
when it has prepared, goes on when it reads ``go SECONDS``, and at the end of its input tells what it has done.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from attackers import BUILDERS, MANY, ONE, Client, Crowd, Stage
from variants import PASSWORD

LOAD = Path(__file__).resolve().parent / "build" / "load"
OURS, INSPIRCD, NGIRCD = "chatroom", "InspIRCd", "ngIRCd"
_ROOM = "#lobby"
_CONNECTIONS = 50
_VISITS_PER_S = 740
_TARGETS = ",".join([_ROOM] * 70)


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to disturb others."""

    name: str
    title: str
    act: Callable[[Stage], Iterator[None]]
    servers: tuple[str, ...]
    """The servers that have what is attacked."""


ATTACKS: dict[str, Attack] = {}


def attack(
    title: str, *servers: str, name: str = ""
) -> Callable[[Callable[[Stage], Iterator[None]]], Callable[[Stage], Iterator[None]]]:
    """Enter an attack into the table. Without servers named, it is for all."""

    def enter(act: Callable[[Stage], Iterator[None]]) -> Callable[[Stage], Iterator[None]]:
        key = name or act.__name__.replace("_", "-")
        ATTACKS[key] = Attack(key, title, act, servers or (OURS, INSPIRCD, NGIRCD))
        return act

    return enter


def _attackers(stage: Stage, *, per_address: int = _CONNECTIONS, count: int = _CONNECTIONS) -> list[Client]:
    return stage.crowd.enter("bad", count, ONE if per_address == _CONNECTIONS else MANY, per_address)


@attack("nothing: the bystanders alone")
def none(stage: Stage) -> Iterator[None]:
    """Do nothing."""
    yield
    stage.rest()


# -- lines are bounded, work and bytes must be too --------------------------------------------------


@attack("50 connections ask NAMES for 70 targets a line")
def names(stage: Stage) -> Iterator[None]:
    """Ask for long answers, from one address."""
    clients = _attackers(stage)
    yield
    stage.flood(clients, lambda *_: f"NAMES {_TARGETS}")


@attack("the same, from 50 addresses")
def names_many(stage: Stage) -> Iterator[None]:
    """Ask for long answers, from many addresses."""
    clients = _attackers(stage, per_address=1)
    yield
    stage.flood(clients, lambda *_: f"NAMES {_TARGETS}")


@attack("50 connections ask WHO of the room")
def who(stage: Stage) -> Iterator[None]:
    """Ask for a line about each member."""
    clients = _attackers(stage)
    yield
    stage.flood(clients, lambda *_: f"WHO {_ROOM}")


@attack("50 addresses ask WHO with ever new masks")
def who_masks(stage: Stage) -> Iterator[None]:
    """Make the server compare all users with masks that it has not seen."""
    clients = _attackers(stage, per_address=1)
    yield
    stage.flood(clients, lambda *_: f"WHO *{secrets.token_hex(3)}*{secrets.token_hex(3)}*")


@attack("50 connections ask WHOIS of 15 users a line")
def whois(stage: Stage) -> Iterator[None]:
    """Ask about many users."""
    clients = _attackers(stage)
    yield
    stage.flood(clients, lambda *_: "WHOIS " + ",".join(f"u{number}" for number in range(15)))


def _make_topics(stage: Stage) -> None:
    builders = stage.crowd.enter("builder", 56, BUILDERS, _CONNECTIONS)

    def topics(client: Client) -> list[str]:
        mine = [f"#topic{client.number}x{number}" for number in range(90)]
        joins = [f"JOIN {','.join(mine[start : start + 10])}" for start in range(0, len(mine), 10)]
        return joins + [f"TOPIC {channel} :what is talked about in {channel} today, and why" for channel in mine]

    stage.crowd.ask(builders, topics)


@attack("50 connections ask LIST of 5,000 topics", OURS, INSPIRCD)
def list_topics(stage: Stage) -> Iterator[None]:
    """Ask for a line about each channel."""
    _make_topics(stage)
    clients = _attackers(stage)
    yield
    stage.flood(clients, lambda *_: "LIST")


@attack("one connection asks LIST with 70 masks, of 5,000 topics", OURS, INSPIRCD)
def list_masks(stage: Stage) -> Iterator[None]:
    """Make the server compare all channels with many masks."""
    _make_topics(stage)
    clients = _attackers(stage, count=1)
    yield
    stage.flood(clients, lambda *_: "LIST " + ",".join(f"*{secrets.token_hex(1)}*" for _ in range(70)))


@attack("50 connections ask METADATA SYNC of the room", OURS)
def metadata(stage: Stage) -> Iterator[None]:
    """Ask for all that the members have said of themselves."""
    before = "CAP REQ :batch draft/metadata-3\r\nCAP END\r\n"
    clients = stage.crowd.enter("bad", _CONNECTIONS, ONE, _CONNECTIONS, before=before)
    sets = [f"METADATA * SET key{number} :{'v' * 250}" for number in range(20)]
    subscribes = "METADATA * SUB " + " ".join(f"key{number}" for number in range(20))
    stage.crowd.ask(clients, lambda _: [*sets, subscribes])
    yield
    stage.flood(clients, lambda *_: f"METADATA {_ROOM} SYNC")


@attack("50 connections join 55 channels and leave all")
def joins(stage: Stage) -> Iterator[None]:
    """Come and go in many channels at once."""
    clients = _attackers(stage)
    channels = ",".join(f"#j{number}" for number in range(55))
    yield
    stage.flood(clients, lambda _, line: "JOIN 0" if line % 2 else f"JOIN {channels}")


@attack("10,000 channels are made by 100 connections")
def channels(stage: Stage) -> Iterator[None]:
    """Make as many channels as the limits allow."""
    clients = _attackers(stage, count=100)
    yield
    for half in range(2):
        for client in clients:
            made = ",".join(f"#{client.number}x{half}x{number}" for number in range(50))
            stage.crowd.say(client, f"JOIN {made}")
            stage.crowd.read(0)
    stage.rest()


@attack("50 connections talk in the room")
def talk(stage: Stage) -> Iterator[None]:
    """Say as much as the limits allow, to all bystanders."""
    clients = _attackers(stage)
    yield
    stage.flood(clients, lambda number, line: f"NOTICE {_ROOM} :{number} says this for the {line}th time")


@attack("50 connections change their nicks")
def nicks(stage: Stage) -> Iterator[None]:
    """Change nicks as often as the limits allow, before all bystanders."""
    clients = _attackers(stage)
    yield
    stage.flood(clients, lambda number, line: f"NICK bad{number}x{line}")


@attack("50 connections read the history", OURS)
def history(stage: Stage) -> Iterator[None]:
    """Ask for the newest thousand of 3,000 messages."""
    builders = stage.crowd.enter("builder", 3, BUILDERS, _CONNECTIONS)
    stage.crowd.ask(builders, lambda _: [f"PRIVMSG {_ROOM} :line {number} of many" for number in range(1000)])
    before = "CAP REQ :batch draft/chathistory soju.im/search\r\nCAP END\r\n"
    clients = stage.crowd.enter("bad", _CONNECTIONS, ONE, _CONNECTIONS, before=before)
    yield
    stage.flood(
        clients,
        lambda _, line: f"SEARCH in={_ROOM};text={line}" if line % 2 else f"CHATHISTORY LATEST {_ROOM} * 1000",
    )


# -- what makes no line, and what makes no user -----------------------------------------------------


@attack("50 connections send empty lines, as fast as they can")
def empty_lines(stage: Stage) -> Iterator[None]:
    """Send what makes no line."""
    clients = _attackers(stage)
    yield
    stage.press(clients, b"\r\n" * 4000)


@attack("50 connections send lines that are no text, as fast as they can")
def malformed(stage: Stage) -> Iterator[None]:
    """Send lines that take long to cut, and are refused one by one."""
    clients = _attackers(stage)
    yield
    stage.press(clients, b"\xff\r\n" * 5000)


@attack("50 connections send WebSocket pings, as fast as they can", OURS, INSPIRCD)
def pings(stage: Stage) -> Iterator[None]:
    """Send frames that make no line, over WebSocket."""
    crowd = stage.crowd = Crowd(stage.ports["websocket"])
    clients = [crowd.connect(number, ONE, _CONNECTIONS) for number in range(_CONNECTIONS)]
    for client in clients:
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        client.waits_for = (b"101 ",)
        crowd.say(
            client,
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://localhost"
            f"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: text.ircv3.net\r\n",
        )
    crowd.wait(clients)
    for client in clients:
        client.waits_for, client.tail = (b" 376 ", b" 422 "), b""
        for line in (f"NICK bad{client.number}", "USER bad 0 * :bad"):
            crowd.send(client, _frame(0x1, line.encode()))
    crowd.wait(clients)
    yield
    stage.press(clients, _frame(0x9, b"ping") * 1500)


def _frame(opcode: int, data: bytes) -> bytes:
    """Return a client's frame (RFC 6455, section 5.2), masked by zeros."""
    assert len(data) < 126
    return struct.pack("!BBI", 0x80 | opcode, 0x80 | len(data), 0) + data


def _visits(stage: Stage, first: str, per_address: int) -> None:
    def begin(number: int) -> Client:
        client = stage.crowd.connect(number, first, per_address)
        client.waits_for, client.then = (b" 376 ", b" 422 "), b"QUIT\r\n"
        stage.crowd.say(client, f"NICK v{number}\r\nUSER v 0 * :v")
        return client

    stage.visit(_VISITS_PER_S, begin)


@attack(f"{_VISITS_PER_S} visits a second, each from another address")
def churn(stage: Stage) -> Iterator[None]:
    """Connect, register (and so join the room) and quit."""
    yield
    _visits(stage, MANY, 1)


@attack(f"{_VISITS_PER_S} connections a second from one address, most of them refused")
def refused(stage: Stage) -> Iterator[None]:
    """Connect far too often, and so write to the log."""
    yield
    _visits(stage, ONE, 1 << 20)


@attack("200 TLS handshakes a second", OURS, INSPIRCD)
def handshakes(stage: Stage) -> Iterator[None]:
    """Make the server compute signatures. The load generator does it, which has the speed."""
    yield
    options = {"members": 2, "senders": 1, "rate": 1, "handshakes": 200, "tls": 1, "source": MANY, "prefix": "tls"}
    options |= {"port": stage.ports["tls"], "pid": os.getpid(), "seconds": round(stage.ends_at - time.monotonic(), 2)}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run([LOAD, "latency", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)


@attack("500 connections a second send half of a TLS handshake", OURS, INSPIRCD)
def half_handshakes(stage: Stage) -> Iterator[None]:
    """Begin handshakes, from many addresses, and do not go on."""
    stage.crowd = Crowd(stage.ports["tls"])
    yield

    def begin(number: int) -> Client:
        client = stage.crowd.connect(number, MANY, 1)
        stage.crowd.send(client, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        return client

    stage.visit(500, begin, at_once=5000)


# -- queues -----------------------------------------------------------------------------------------


def _login(name: str, password: str) -> str:
    answer = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
    return f"AUTHENTICATE PLAIN\r\nAUTHENTICATE {answer}"


@attack("500 addresses send a wrong password each", OURS)
def passwords(stage: Stage) -> Iterator[None]:
    """Guess passwords, and measure how long a user with the right one waits."""
    crowd = stage.crowd
    clients = [crowd.connect(number, MANY, 1) for number in range(500)]
    owner = crowd.connect(999, "127.90.0.1", 1)
    for client in (*clients, owner):
        client.waits_for = (b" ACK ",)
        crowd.say(client, f"CAP REQ :sasl\r\nNICK guess{client.number}\r\nUSER guess 0 * :guess")
        crowd.read(0)
    crowd.wait((*clients, owner))
    yield
    for client in clients:
        crowd.say(client, _login(f"member{client.number % 5}", "wrong"))
        crowd.read(0)
    asked_at = time.monotonic()
    owner.waits_for, owner.tail = (b" 903 ", b" 904 "), b""
    crowd.say(owner, _login("member9", PASSWORD))
    crowd.wait([owner])
    stage.told["right_password_s"] = round(time.monotonic() - asked_at, 2)
    stage.rest()


@attack("an account joins and leaves, and a guest renames a channel", OURS, INSPIRCD)
def presence(stage: Stage) -> Iterator[None]:
    """Do what must be on the disk, as often as the limits of a connection allow."""
    account = stage.crowd.connect(0, ONE, 1)
    if stage.server == OURS:
        account.waits_for = (b" 903 ",)
        stage.crowd.say(account, "CAP REQ :sasl\r\n" + _login("member0", PASSWORD))
        stage.crowd.wait([account])
    account.waits_for, account.tail = (b" 376 ", b" 422 "), b""
    stage.crowd.say(account, "CAP END\r\nNICK member0\r\nUSER bad 0 * :bad")
    stage.crowd.wait([account])
    (guest,) = stage.crowd.enter("guest", 1, MANY, 1, before="CAP REQ :draft/channel-rename\r\nCAP END\r\n")
    guest.number = 1
    stage.crowd.ask([guest], lambda _: ["JOIN #name0"])
    yield

    def says(number: int, line: int) -> str:
        if number == 0:
            return f"PART #p{line // 2}" if line % 2 else f"JOIN #p{line // 2}"
        return f"RENAME #name{line} #name{line + 1} :again"

    stage.flood([account, guest], says)


@attack("50 connections in the room ask WHO, and read nothing")
def slow_readers(stage: Stage) -> Iterator[None]:
    """Let answers and the room's lines pile up."""
    clients = stage.crowd.enter("slow", _CONNECTIONS, ONE, _CONNECTIONS, read_buffer=4096)
    for client in clients:
        stage.crowd.stop_reading(client)
    yield
    stage.flood(clients, lambda *_: f"WHO {_ROOM}")


def main(name: str, server: str, ports: str) -> None:
    """Run one attack."""
    kinds = json.loads(ports)
    stage = Stage(server, kinds, Crowd(kinds["port"]))
    act = ATTACKS[name].act(stage)
    next(act)
    prepared = stage.crowd
    lines, data, closed, opened = prepared.sent_lines, prepared.read_bytes, prepared.closed, prepared.opened
    print("ready", flush=True)
    stage.ends_at = time.monotonic() + float(sys.stdin.readline().split()[1])
    for _ in act:
        raise RuntimeError("an attack yields once")
    sys.stdin.readline()  # the connections stay until the bystanders have been heard
    crowd = stage.crowd
    told = {
        "lines": crowd.sent_lines - lines,
        "read_kb": (crowd.read_bytes - data) // 1024,
        "connections": crowd.opened - opened,
        "closed": crowd.closed - closed,
        **stage.told,
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
