"""What a check has found: one problem with its way out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that an operator should know of. Each is found in one place, and shown in several."""

    problem: str
    """What is wrong, and what follows from it."""
    way_out: str
    """What to do about it."""

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{self.problem}; {self.way_out}"
