"""What a line of shell in the documentation calls, and the parsers of our programs, which know all options."""

from __future__ import annotations

import shlex

import click

from chatroom.client.main import command as chatroom
from chatroom.ctl.main import cli as chatroomctl

OURS = {"chatroomctl": chatroomctl, "chatroom": chatroom}
_OPERATORS = set("|&;<>()")


def split_calls(line: str) -> list[list[str]]:
    """Return the words of each program that a line of shell calls, without redirections.

    ``sudo -u USER`` and ``docker compose … exec SERVICE`` are left out if they call one of our programs.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    calls: list[list[str]] = [[]]
    is_target = False
    for word in lexer:
        if is_target:
            is_target = False
        elif word in (">", ">>", "<"):
            is_target = True
        elif set(word) <= _OPERATORS:
            calls.append([])
            is_target = word == ")"  # the rest of a word with $(...) in it
        else:
            calls[-1].append(word)
    return [_without_wrapper(words) for words in calls if words]


def _without_wrapper(words: list[str]) -> list[str]:
    if words[0] in ("sudo", "docker"):
        for at, word in enumerate(words):
            if word in OURS and at + 1 < len(words) and words[at + 1] not in OURS and words[at - 1] != "-u":
                return words[at:]
    return words


def parse(words: list[str]) -> click.Command:
    """Parse a call of one of our programs as the program does, and run nothing. Returns the command.

    Raises ``click.UsageError`` for what the program would refuse.
    """
    program = OURS[words[0]]
    context = program.make_context(words[0], words[1:])
    command: click.Command = program
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest:
            assert command.invoke_without_command, f"{' '.join(words)}: no command"
            break
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        context, command = found.make_context(name, rest, parent=context), found
    return command


def find_words(words: list[str]) -> click.Command:
    """Find the command that a call in a sentence names. It may leave out what is needed, or have placeholders.

    Raises ``LookupError`` for a subcommand or an option that is not there.
    """
    command: click.Command = OURS[words[0]]
    for word in words[1:]:
        if word in ("--help", "--version"):
            continue
        if word.startswith("--"):
            if not any(word.partition("=")[0] in (*one.opts, *one.secondary_opts) for one in command.params):
                raise LookupError(f"{' '.join(words)}: {command.name} has no option {word}")
        elif isinstance(command, click.Group):
            below = command.get_command(click.Context(command), word)
            is_value = word.isupper() or "." in word or "/" in word
            if below is None and not is_value:
                raise LookupError(f"{' '.join(words)}: {command.name} has no command {word}")
            command = below or command
    return command
