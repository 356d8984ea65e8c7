"""The commands about ``chatroomctl`` itself: ``help``, ``version``, ``completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from chatroom import __version__


@click.command("help")
@click.argument("command", nargs=-1)
@click.pass_context
def help_(context: click.Context, command: tuple[str, ...]) -> None:
    """Show the help of COMMAND, or of chatroomctl.

    \b
    Examples:
      chatroomctl help
      chatroomctl help ban add
    """
    shown = context.find_root()
    for word in command:
        group = shown.command
        found = group.get_command(shown, word) if isinstance(group, click.Group) else None
        if found is None:
            raise click.UsageError(f"No such command {' '.join(command)!r}.", shown)
        shown = click.Context(found, info_name=found.name, parent=shown)
    click.echo(shown.get_help(), color=context.color)


@click.command()
def version() -> None:
    """Print the version.

    \b
    Example:
      chatroomctl version
    """
    click.echo(f"chatroomctl {__version__}")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.argument("program", type=click.Choice(["chatroomctl", "chatroom"]), default="chatroomctl")
@click.pass_context
def completion(context: click.Context, shell: str, program: str) -> None:
    """Print a script that makes SHELL complete what is typed after PROGRAM: chatroomctl if not given, or chatroom.

    It completes commands, options, settings and other fixed words, files, and for chatroom the saved servers.

    \b
    Examples:
      chatroomctl completion bash > ~/.local/share/bash-completion/completions/chatroomctl
      chatroomctl completion bash chatroom > ~/.local/share/bash-completion/completions/chatroom
      chatroomctl completion zsh > "${fpath[1]}/_chatroomctl"
      chatroomctl completion fish > ~/.config/fish/completions/chatroomctl.fish
    """
    root = context.find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    # The script runs the program with this variable set, and click answers it before anything else.
    click.echo(kind(root.command, {}, program, f"_{program.upper()}_COMPLETE").source())
