"""The end of a node: its people leave, and the world goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatroom.chat.runtime import Runtime


class LeavingRuntime:
    """A runtime as the rules of a node see it: the chat never ends, so those that go are told of and stored.

    Everything else is that of the process.
    """

    process: Runtime

    def __init__(self, runtime: Runtime) -> None:
        object.__setattr__(self, "process", runtime)

    @property
    def is_ending(self) -> bool:
        """False: other nodes read who leaves."""
        return False

    @property
    def is_leaving(self) -> bool:
        """True if the process ends: its own sessions need not read who leaves."""
        return self.process.is_ending

    def __getattr__(self, name: str) -> Any:
        return getattr(self.process, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.process, name, value)
