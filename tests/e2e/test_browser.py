"""A page in Debian's Chromium chats by WebSocket, with the library that Kiwi IRC and The Lounge stand on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from harness.browser import Page, browsing
from harness.daemon import PASSWORD
from harness.web import WebDaemon, web_running

pytestmark = pytest.mark.debian("chromium", "npm")


@pytest.fixture(scope="module")
def daemon() -> Iterator[WebDaemon]:
    """One daemon for the page; wanda has an account."""
    with web_running(limits__enabled=False) as started:
        started.create("wanda")
        yield started


@pytest.fixture(scope="module")
def page(daemon: WebDaemon) -> Iterator[Page]:
    """One page for all tests here, logged in as wanda."""
    with browsing() as shown:
        account = json.dumps({"account": "wanda", "password": PASSWORD})
        shown.evaluate(f"chat.connect({daemon.web_port}, 'wanda', {account})")
        shown.until("chat.connections === 1")
        yield shown


def test_a_page_and_a_plain_client_chat(daemon: WebDaemon, page: Page) -> None:
    """The page logs in by SASL, reads the members of a channel, and both read what the other says."""
    with daemon.connect("pia") as pia:
        pia.ask("JOIN #tea")
        page.evaluate("chat.client.join('#tea')")
        pia.expect("JOIN")
        assert sorted(page.until("chat.members.includes('pia') && chat.members")) == ["pia", "wanda"]
        pia.send("PRIVMSG #tea :hello 🍵")
        page.until("chat.messages.some((said) => said.nick === 'pia' && said.text === 'hello 🍵')")
        page.evaluate("chat.client.say('#tea', 'hello back')")
        assert pia.expect("hello back").startswith(":wanda!wanda@")
        echo = page.until("chat.messages.find((said) => said.nick === 'wanda' && said.text === 'hello back')")
        assert (echo["account"], echo["time"] > 0) == ("wanda", True)
        assert "is logged in as" in "".join(pia.ask("WHOIS wanda"))


def test_a_page_reads_the_history(daemon: WebDaemon, page: Page) -> None:
    """CHATHISTORY answers with one batch, oldest first."""
    with daemon.connect("hilda") as hilda:
        hilda.ask("JOIN #past", "PRIVMSG #past :one", "PRIVMSG #past :two")
        page.evaluate("chat.client.join('#past')")
        page.evaluate("chat.client.raw('CHATHISTORY', 'LATEST', '#past', '*', '10')")
        assert page.until("chat.batches.length > 0 && chat.batches[0]") == ["one", "two"]


def test_a_page_is_back_after_a_restart() -> None:
    """The page reads the NOTICE. The library connects again by itself and logs in again; joining is up to the page."""
    with web_running(limits__enabled=False) as daemon, browsing() as page:
        account = json.dumps({"account": "wanda", "password": PASSWORD})
        daemon.create("wanda")
        page.evaluate(f"chat.connect({daemon.web_port}, 'wanda', {account})")
        # Of an earlier end, the library thinks that the server does not want the client.
        page.until("chat.connections === 1 && Date.now() - chat.client.connection.registered > 5000")
        assert daemon.stop() == 0
        page.until("chat.closed >= 1")
        assert page.evaluate("chat.messages.some((said) => said.text === 'Server is shutting down')")
        again = WebDaemon(daemon.place, web_port=daemon.web_port)
        page.until("chat.connections === 2")
        with again.connect("pia") as pia:
            assert "is logged in as" in "".join(pia.ask("WHOIS wanda"))
        assert again.stop() == 0
