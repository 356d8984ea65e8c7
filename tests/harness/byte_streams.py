"""Byte streams that a port on the open internet is sent: beginnings of many protocols, whole, broken, cut and mixed.

They are made by a ``random.Random``, whose seed makes them again.
"""

from __future__ import annotations

import base64
import ssl
import struct
from random import Random

from harness.random_lines import random_line

SIGNATURE_2 = b"\r\n\r\n\0\r\nQUIT\n"
"""The first bytes of a PROXY header of version 2."""
ADDRESSES = ["198.51.100.3", "2001:db8::7", "::ffff:192.0.2.1", "127.0.0.1", "fe80::1%eth0", "unknown", "", "1.2.3.4:5"]
NUMBERS = [0, 1, 125, 126, 127, 255, 4096, 16_384, 65_535, 2**31, 2**32 - 1]


def client_hello() -> bytes:
    """The first bytes of a real TLS client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


HELLO = client_hello()


def irc(random: Random) -> bytes:
    """A registration and some lines."""
    nick = f"n{random.randrange(10**6)}"
    lines = [f"NICK {nick}", f"USER {nick} 0 * :x", *(random_line(random) for _ in range(random.randrange(5)))]
    return "".join(f"{line}\r\n" for line in lines).encode()


def http(random: Random) -> bytes:
    """An HTTP request: of a browser, a scanner, or a page that posts lines of IRC."""
    method = random.choice(["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "PRI", "get"])
    body = irc(random) if method == "POST" else b""
    line = f"{method} {random.choice(['/', '*', '/../x', 'http://a/', ''])} HTTP/{random.choice(['1.1', '1.0', '2.0'])}"
    headers = [line, "Host: localhost", *forwarding(random), f"Content-Length: {len(body)}"]
    return "\r\n".join([*headers, "", ""]).encode() + body


def forwarding(random: Random) -> list[str]:
    """Headers that a proxy sends of its client, or somebody in its place."""
    chain = ", ".join(random.choices(ADDRESSES, k=random.randint(0, 4)))
    headers = [f"X-Forwarded-For: {chain}", "X-Forwarded-Proto: https", "X-Forwarded-For: 198.51.100.9"]
    return random.sample(headers, random.randint(0, 3))


def websocket(random: Random) -> bytes:
    """A handshake and some frames."""
    key = base64.b64encode(random.randbytes(random.choice([16, 16, 16, 3]))).decode()
    headers = [
        *(
            "GET / HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
        ),
        *(f"Sec-WebSocket-Key: {key}", *forwarding(random)),
        random.choice(["Origin: http://localhost", "Origin: null", "Sec-WebSocket-Protocol: text.ircv3.net", "X: y"]),
    ]
    return "\r\n".join([*headers, "", ""]).encode() + b"".join(frame(random) for _ in range(random.randrange(6)))


def frame(random: Random) -> bytes:
    """One frame of a client, mostly a valid one."""
    opcode = random.choice([1, 1, 1, 2, 0, 8, 9, 10, 3, 15])
    data = random.choice([random_line(random).encode(), b"", b"\xff\xfe", random.randbytes(random.randrange(300))])
    head = bytes([random.choice([0x80, 0x80, 0x80, 0, 0xC0]) | opcode])
    if random.random() < 0.1:
        return head + b"\xff" + struct.pack(">Q", random.choice(NUMBERS)) + data
    size = len(data)
    head += bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0x80 | 126, size)
    mask = random.randbytes(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def proxy(random: Random) -> bytes:
    """A PROXY header of either version, and what a client sends behind it."""
    family, width = random.choice([(0x11, 4), (0x21, 16), (0, 0), (0x12, 4), (0x31, 108)])
    if random.random() < 0.5:
        words = ["PROXY", random.choice(["TCP4", "TCP6", "UNKNOWN", "UDP4", ""]), *random.choices(ADDRESSES, k=2)]
        return " ".join([*words, "50000", "6667"]).encode() + b"\r\n" + client_bytes(random)
    body = random.randbytes(2 * width + 4)
    for _ in range(random.randrange(3)):
        value = random.randbytes(random.randrange(8))
        body += (
            struct.pack("!BH", random.choice([1, 2, 0x20, 0xEE]), random.choice([len(value)] * 4 + NUMBERS[:8])) + value
        )
    size = random.choice([len(body)] * 6 + NUMBERS[:9])
    return (
        SIGNATURE_2 + struct.pack("!BBH", random.choice([0x21, 0x20, 0x11]), family, size) + body + client_bytes(random)
    )


def tls(random: Random) -> bytes:
    """A ClientHello with the record around it, or a record of another kind."""
    if random.random() < 0.7:
        return HELLO
    data = random.randbytes(random.randrange(200))
    return bytes([random.choice([20, 21, 22, 23, 24, 128])]) + b"\3\3" + struct.pack("!H", len(data)) + data


def noise(random: Random) -> bytes:
    """Bytes without any meaning, or with one character again and again."""
    if random.random() < 0.3:
        return random.choice([b"\n", b"\0", b"\r", b"x", b"@", b" ", b"\xff"]) * random.choice([1, 510, 5000, 70_000])
    return random.randbytes(random.choice([1, 20, 300, 5000]))


CLIENTS = [irc, http, websocket, tls, noise]
MAKERS = [*CLIENTS, proxy]


def client_bytes(random: Random) -> bytes:
    """What some client says first."""
    return random.choice(CLIENTS)(random)


def random_stream(random: Random) -> bytes:
    """A stream of any kind; half of them are changed in some places."""
    data = random.choice(MAKERS)(random)
    return mutate(random, data) if random.random() < 0.5 else data


def mutate(random: Random, data: bytes) -> bytes:
    """Change some bytes of a stream: other ones, more, fewer, the same again, a number at its limit, an end."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed) + 1)
        to = min(len(changed), at + random.choice([1, 2, 4, 50]))
        kind = random.randrange(6)
        if kind == 0:
            changed[at:to] = random.randbytes(to - at)
        elif kind == 1:
            changed[at:at] = random.choice([b"\r\n", b"\0", b" ", b",", b"%", b"\xff", b"\xc3", random.randbytes(3)])
        elif kind == 2:
            del changed[at:to]
        elif kind == 3:
            changed[at:at] = changed[at:to] * random.choice([1, 2, 300])
        elif kind == 4:
            changed[at:to] = random.choice(NUMBERS).to_bytes(8, "big")[-(to - at) :] if to - at <= 8 else b""
        else:
            del changed[at:]
    return bytes(changed)


def cut(random: Random, data: bytes) -> list[bytes]:
    """Cut a stream into pieces, as the network may."""
    if len(data) < 80 and random.random() < 0.2:
        return [data[at : at + 1] for at in range(len(data))]
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(5)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return [piece for piece in pieces if piece]
