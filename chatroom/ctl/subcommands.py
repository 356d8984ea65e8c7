"""A group of subcommands that also answers to the short names which people know from other programs."""

from __future__ import annotations

import click

_ALIASES = {
    "ls": ("list", "status"),
    "list": ("status",),
    "rm": ("delete", "remove", "forget"),
    "del": ("delete", "remove", "forget"),
    "delete": ("remove", "forget"),
    "remove": ("delete", "forget"),
}
"""Each other name, with the subcommands it may stand for: the first that the group has.

``status`` and ``forget`` are for the nodes of a cluster, which list and take themselves off the list.
"""


class Subcommands(click.Group):
    """``ls`` is ``list``, and ``rm``, ``del``, ``delete`` and ``remove`` are one. The help shows full names only."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the subcommand of that name or alias, or None."""
        for name in (cmd_name, *_ALIASES.get(cmd_name, ())):
            found = super().get_command(ctx, name)
            if found is not None:
                return found
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand with its full name, which its own help and errors show."""
        name, command, rest = super().resolve_command(ctx, args)
        return (name if command is None else command.name), command, rest
