"""What a person does at the page that comes with the server, in a browser."""

from __future__ import annotations

import json
from typing import Any

from harness.browser import Page
from harness.web import WebDaemon

LOG = "document.getElementById('log').innerText"
"""The messages of the room."""


class Person:
    """What a person does at the page."""

    def __init__(self, daemon: WebDaemon, page: Page) -> None:
        self.daemon = daemon
        self.page = page

    def visit(self, where: str = "") -> None:
        """Open the page, with what stands behind its address, and watch what the policy forbids."""
        self.page.open(f"http://127.0.0.1:{self.daemon.web_port}/{where}")
        self.page.until("!document.getElementById('welcome').hidden")
        self.page.evaluate(
            "window.forbidden = []; document.addEventListener('securitypolicyviolation', "
            "(event) => window.forbidden.push(event.violatedDirective)); 0"
        )

    def fill(self, **fields: str) -> None:
        """Write into fields, by their ids with underscores."""
        for name, text in fields.items():
            self.evaluate(name.replace("_", "-"), f"value = {json.dumps(text)}")

    def evaluate(self, element: str, what: str) -> Any:
        """Evaluate something of an element."""
        return self.page.evaluate(f"document.getElementById('{element}').{what}")

    def submit(self, form: str) -> None:
        """Send a form, as its button does."""
        self.page.evaluate(f"document.querySelector('#{form} [type=submit]').click()")

    def join(self, nick: str, password: str = "", where: str = "") -> None:
        """Come in, and wait until the room is there."""
        self.visit(where)
        self.fill(nick=nick, password=password)
        self.submit("welcome")
        self.page.until("!document.getElementById('chat').hidden && !!document.querySelector('#member-list li')")

    def say(self, text: str) -> None:
        """Type a message and press Enter."""
        self.evaluate("composer-text", "focus()")
        self.page.type(text)
        self.page.press("Enter")

    def reads(self, text: str) -> None:
        """Wait until the messages have that text."""
        self.page.until(f"{LOG}.includes({json.dumps(text)})")

    def is_told(self, element: str, text: str) -> None:
        """Wait until an element has that text."""
        self.page.until(f"document.getElementById('{element}').textContent.includes({json.dumps(text)})")

    @property
    def rooms(self) -> list[str]:
        """The names of the rooms, in order."""
        found = self.page.evaluate("[...document.querySelectorAll('#room-list .label')].map((one) => one.textContent)")
        return list(found)

    @property
    def people(self) -> list[str]:
        """The names of the people in the room, with their signs, in order."""
        found = self.page.evaluate("[...document.querySelectorAll('#member-list li')].map((one) => one.textContent)")
        return list(found)
