"""What a shell completes after ``chatroom``: saved servers and files. ``chatroomctl completion`` prints its script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chatroom.errors import ChatroomError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# The imports of these functions are in them, because only a shell's completion needs them.


def complete_server(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the saved servers that begin so, with their addresses; none if the settings cannot be read."""
    from click.shell_completion import CompletionItem

    from chatroom.client.settings.client_file import load
    from chatroom.client.settings.finding import find_file

    try:
        saved = load(find_file(context.params.get("config"))).servers
    except (ChatroomError, OSError):
        return []
    return [CompletionItem(name, help=one.address) for name, one in saved.items() if name.startswith(incomplete)]


def complete_file(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Have the shell complete the name of a file."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]
