"""Logging in the way clients do."""

from __future__ import annotations

from harness.session_client import Client
from harness.world import PASSWORD, sasl_plain


def log_in_by_sasl(client: Client, account: str, password: str = PASSWORD) -> list[str]:
    """Log in with SASL PLAIN; return the lines that answer."""
    return client.ask("AUTHENTICATE PLAIN", sasl_plain(account, password))
