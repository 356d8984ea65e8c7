"""docs/clients.md: what it says is typed into the real clients, which come in over TLS and log in."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest
from harness.daemon import PASSWORD
from harness.doc_pages import CHECKOUT, read_blocks
from harness.terminal import Terminal
from harness.tls import TlsDaemon, tls_running

PAGE = CHECKOUT / "docs" / "clients.md"
BLOCKS = {block.language: block.text for block in read_blocks(PAGE)}
WORD = PASSWORD.replace(" ", "-")
TRUST = pytest.mark.parametrize("trust", ["authority", "fingerprint"])


@pytest.fixture
def daemon() -> Iterator[TlsDaemon]:
    """A server with TLS, where alice is registered."""
    with tls_running() as started:
        started.place.create("alice", password=WORD)
        yield started


def lines_of(daemon: TlsDaemon, client: str) -> list[str]:
    """Return what the page has typed into a client, for the daemon of the tests."""
    here = {"chat.example.org": "localhost", "6697": str(daemon.tls_port), "PASSWORD": WORD}
    text = BLOCKS[client]
    for written, used in here.items():
        assert written in text
        text = text.replace(written, used)
    return text.splitlines()


def follow(daemon: TlsDaemon, trust: str, program: str, options: list[str], ready: str, lines: list[str]) -> None:
    """Type the lines into a client at a terminal, until alice is in the channel, under her account."""
    environment = {**daemon.place.environment, "TERM": "xterm-256color"}
    if trust == "authority":
        environment["SSL_CERT_FILE"] = str(daemon.pair.certificate)
    terminal = Terminal(*options, program=program, env=environment)
    try:
        terminal.resize(160, 40)
        terminal.see(ready)
        for line in lines:
            terminal.enter(line)

        def is_there() -> bool:
            seen = [one for one in json.loads(daemon.place.run_here("who", "--json")) if one["account"] == "alice"]
            return any("#tea" in one["channels"] for one in seen)

        terminal.wait(is_there, "alice is in #tea")
    finally:
        terminal.close()


@TRUST
@pytest.mark.debian("irssi")
def test_irssi(daemon: TlsDaemon, trust: str) -> None:
    """irssi verifies the certificate, or compares its fingerprint; it logs in and joins."""
    lines = lines_of(daemon, "irssi")
    if trust == "fingerprint":
        (shown,) = daemon.place.ctl_json("tls", "show")
        digits = re.findall("..", shown["fingerprint"].upper())
        lines = [line.replace("-tls_verify", f"-notls_verify -tls_pinned_cert {':'.join(digits)}") for line in lines]
        assert "-notls_verify -tls_pinned_cert FINGERPRINT" in PAGE.read_text()
    home = daemon.place.root / "irssi"
    home.mkdir()
    (home / "config").write_text('settings = { "fe-text" = { paste_verify_line_count = "0"; }; };\n')
    follow(daemon, trust, "/usr/bin/irssi", ["--home", str(home), "--nick", "alice"], "[(status)]", lines)


@TRUST
@pytest.mark.debian("weechat-curses")
def test_weechat(daemon: TlsDaemon, trust: str) -> None:
    """WeeChat verifies the certificate, or compares its fingerprint; it logs in and joins."""
    version = subprocess.run(["weechat-curses", "--version"], capture_output=True, text=True, check=True).stdout
    is_old = int(re.findall(r"\d+", version)[0]) < 4
    lines = lines_of(daemon, "weechat")
    options = ["--dir", str(daemon.place.root / "weechat"), "--run-command", "/set irc.server_default.nicks alice"]
    options += ["--run-command", "/set weechat.look.paste_max_lines -1"]  # no question about lines that come quickly
    if trust == "fingerprint":
        (shown,) = daemon.place.ctl_json("tls", "show")
        lines.insert(1, f"/set irc.server.chatroom.tls_fingerprint {shown['fingerprint']}")
        assert "/set irc.server.chatroom.tls_fingerprint FINGERPRINT" in PAGE.read_text()
    else:
        options += ["--run-command", f"/set weechat.network.gnutls_ca_user {daemon.pair.certificate}"]
    if is_old:
        lines = [re.sub(r"(?<=[-.])tls", "ssl", line) for line in lines]
    follow(daemon, trust, "/usr/bin/weechat-curses", options, "WeeChat", lines)
