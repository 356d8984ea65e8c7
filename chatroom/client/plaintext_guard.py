"""Asks the user before a password goes out without encryption."""

from __future__ import annotations

from dataclasses import replace

from chatroom.client.login_steps import Ask, Send, Step

WARNING = "This connection is not encrypted: others on the network can read the password."


class PlaintextGuard:
    """Holds back the steps of a login that would show a password to others on the network.

    What the user has allowed holds for the connections that follow, too.
    """

    def __init__(self) -> None:
        self._exposed = False
        self._allowed = False
        self._held: list[Step] = []

    @property
    def is_open(self) -> bool:
        """True if a password may go out."""
        return self._allowed or not self._exposed

    def begin(self, *, exposed: bool) -> None:
        """Begin with a new connection. ``exposed``: others on the network can read it."""
        self._exposed = exposed
        self._held = []

    def filter(self, steps: list[Step]) -> list[Step]:
        """Return the steps that may be taken now. From the first secret on they wait for ``allow``.

        The user reads the warning with the question for a password; a password that is known already has a question of
        its own.
        """
        if self.is_open:
            return steps
        warned: list[Step] = []
        for index, step in enumerate(steps):
            if isinstance(step, Send) and step.secret:
                self._held += steps[index:]
                return [*warned, Ask("plaintext", "", WARNING)]
            if isinstance(step, Ask) and step.is_secret:
                step = replace(step, why=f"{step.why} {WARNING}".lstrip())
            warned.append(step)
        return warned

    def allow(self) -> list[Step]:
        """Let passwords out from now on, and return the steps that have waited for that."""
        self._allowed = True
        held, self._held = self._held, []
        return held
