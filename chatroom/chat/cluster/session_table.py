"""The sessions of a world of several nodes: one table of all, which knows those of this node."""

from __future__ import annotations

from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.people.session import Session


class SessionTable(dict[int, Session]):
    """All sessions, by their ids. It is changed by ``table[id] = session`` and ``pop`` only."""

    __slots__ = ("own",)

    def __init__(self) -> None:
        super().__init__()
        self.own: dict[int, Session] = {}
        """The sessions whose connections this node has."""

    def __setitem__(self, number: int, session: Session) -> None:
        super().__setitem__(number, session)
        if not isinstance(session, Shadow):
            self.own[number] = session

    def pop(self, number: int, default: Session | None = None) -> Session:  # type: ignore[override]
        """As ``dict.pop``."""
        self.own.pop(number, None)
        return super().pop(number, default)  # type: ignore[arg-type]
