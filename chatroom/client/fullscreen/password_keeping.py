"""A password that the user has typed is offered to the keyring of the desktop. It is never written into a file."""

from __future__ import annotations

import asyncio

from chatroom.client.chat_events import Denied
from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.program import Program
from chatroom.client.fullscreen.questions import Refused
from chatroom.client.password_sources import can_keep, keep_in_keyring
from chatroom.errors import PasswordUnavailable


class PasswordKeeping:
    """Offers each password once. ``given`` is the one that nobody has typed; empty if there is none."""

    def __init__(self, app: Program, given: str) -> None:
        self._app = app
        self._known: set[tuple[str, str, str]] = set()
        self._given = given
        self._can_keep: bool | None = None

    def is_due(self, session: ChatSession) -> bool:
        """True if the user has logged in with a password that was not offered yet."""
        account, password = session.credentials
        if not (session.online and account and password) or password == self._given:
            return False
        return session.settings.current.passwords.offer and (session.address, account, password) not in self._known

    async def offer(self, session: ChatSession) -> None:
        """Ask if the password is to be kept, where that is possible."""
        account, password = session.credentials
        self._known.add((session.address, account, password))
        if self._can_keep is None:
            self._can_keep = await asyncio.to_thread(can_keep)
        if not self._can_keep:
            return
        try:
            words = f"Keep the password of {account} in the keyring? [y/N, never]: "
            answer = await self._app.questions.choose(words, "never")
        except Refused:
            return
        if answer == "never":
            session.talk.show(session.settings.configure("passwords.offer false", reset=False))
        elif answer == "y":
            await self._keep(session, account, password)
        self._app.woken()

    async def _keep(self, session: ChatSession, account: str, password: str) -> None:
        try:
            # The desktop may ask its user to unlock the keyring.
            await asyncio.to_thread(keep_in_keyring, account, session.address.lower(), password)
        except PasswordUnavailable as error:
            self._app.tell(f"{error}.", wrong=True)
            return
        if not session.settings.current.passwords.keyring:
            shown = session.settings.configure("passwords.keyring true", reset=False)
            session.talk.show([event for event in shown if isinstance(event, Denied)])
        self._app.tell(f"The keyring has the password of {account}; `/set passwords.keyring false` leaves it unused.")
