"""Logging in the way clients do."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from harness.session_client import Client
from harness.world import PASSWORD, sasl_plain, verbs
from scramp import ScramClient

from chatroom.irc.message import parse


def log_in_by_sasl(client: Client, account: str, password: str = PASSWORD) -> list[str]:
    """Log in with SASL PLAIN; return the lines that answer."""
    return client.ask("AUTHENTICATE PLAIN", sasl_plain(account, password))


def send_sasl(client: Client, message: str) -> list[str]:
    """Send one SASL message; return the lines that answer."""
    return client.ask("AUTHENTICATE " + base64.b64encode(message.encode()).decode())


def challenge(lines: list[str]) -> str:
    """The SASL message in the one AUTHENTICATE line of the answer."""
    assert verbs(lines) == ["AUTHENTICATE"], lines
    return base64.b64decode(parse(lines[0]).params[0]).decode()


def scram_steps(client: Client, account: str, password: str = PASSWORD) -> Iterator[list[str]]:
    """Log in with SCRAM-SHA-256, step by step; yields the lines that answer each. Ends at a refusal."""
    assert client.ask("AUTHENTICATE SCRAM-SHA-256") == ["AUTHENTICATE +"]
    scramp = ScramClient(["SCRAM-SHA-256"], account, password)
    first = send_sasl(client, scramp.get_client_first())
    yield first
    scramp.set_server_first(challenge(first))
    final = send_sasl(client, scramp.get_client_final())
    yield final
    if "AUTHENTICATE" in verbs(final):
        # Before it, the client may read what the login has ended.
        scramp.set_server_final(challenge(final[-1:]))
        yield client.ask("AUTHENTICATE +")
