"""The rate limit of a session's lines, by the settings and its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.exemption import limited_key
from chatroom.chat.admission.flood import LineBudget
from chatroom.config.values import is_among

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.config import Settings


def limit_lines(session: Session, settings: Settings) -> None:
    """Give a session the budget that it has from its present address. What it has spent stays spent."""
    limits = settings.limits
    if session.control is not None or not limits.enabled or is_among(limits.exempt, session.version, session.address):
        session.budget = None
        return
    if session.budget is None:
        session.budget = LineBudget(limits.lines_per_s, limits.burst_lines)
    session.budget.address = limited_key(settings, session.version, session.address)
