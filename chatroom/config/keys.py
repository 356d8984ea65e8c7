"""How a section declares a key: a dataclass field with its kind, its description, and when a change of it applies."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from chatroom.config.values import Kind

Applies = Literal["reload", "restart"]


def setting(
    default: Any, kind: Kind, doc: str, *, applies: Applies = "reload", secret: bool = False, shown: object = None
) -> Any:
    """Return a dataclass field for a setting.

    ``shown`` is the default to display if the real one depends on the machine.
    """
    meta = {"kind": kind, "doc": doc, "applies": applies, "secret": secret, "shown": shown}
    # A password must not be in the repr() of settings, which can end up in a traceback.
    if callable(default):
        return field(default_factory=default, metadata=meta)
    return field(default=default, repr=not secret, metadata=meta)
