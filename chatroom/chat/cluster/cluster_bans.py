"""The bans of a node: a turn that changes them tells the other nodes, before they read it from the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from chatroom.chat.admission.ban_table import BanTable
from chatroom.chat.enforcement import end_unregistered
from chatroom.chat.stored.records import BanRule

if TYPE_CHECKING:
    from chatroom.chat.cluster.recorder import Recorder
    from chatroom.chat.world import World


class ClusterBans(BanTable):
    """The bans. Whom they disconnect is decided once, in the turn: their rank and the issuer's count."""

    __slots__ = ("_has_turn", "_recorder")

    def __init__(self, recorder: Recorder, has_turn: Callable[[], bool]) -> None:
        super().__init__()
        self._recorder, self._has_turn = recorder, has_turn

    def add(self, rule: BanRule) -> None:
        """As ``BanTable``, and recorded. What a start loads is no change: every node has loaded it."""
        if self._has_turn():
            self._recorder.add(["ban", *rule])
            with self._recorder.quiet():  # it may discard another rule
                super().add(rule)
        else:
            super().add(rule)

    def discard(self, ban_id: int) -> None:
        """As ``BanTable``, and recorded."""
        if self._has_turn() and self.get(ban_id) is not None:
            self._recorder.add(["-ban", ban_id])
        super().discard(ban_id)


def put_ban(world: World, values: Sequence[Any]) -> None:
    """Take over a ban of another node. It ends sessions that are not registered, which no other node knows."""
    rule = BanRule(*values[: len(BanRule._fields)])
    world.bans.add(rule)
    end_unregistered(world, rule)
