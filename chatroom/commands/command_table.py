"""The table of verbs: what dispatch must know of a verb before it calls the function."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from inspect import getdoc
from typing import TYPE_CHECKING

from chatroom.compiled_modules import docstring_of

if TYPE_CHECKING:
    from chatroom.chat.stored.records import Role
    from chatroom.commands.context import Context
    from chatroom.commands.pending import Pending

Handler = Callable[["Context", "list[str]"], "Pending | None"]


class When(Enum):
    """The part of a session's life in which a verb is allowed."""

    ANY = auto()
    """Before and after registration."""
    BEFORE = auto()
    """Before registration is complete."""
    AFTER = auto()
    """After registration is complete."""
    CONTROL = auto()
    """On the control socket only."""


class Command:
    """A verb: its function, its help, and the conditions under which dispatch calls it."""

    __slots__ = (
        "arity",
        "control",
        "details",
        "early",
        "handler",
        "params",
        "role",
        "stores",
        "summary",
        "verb",
        "when",
    )

    def __init__(
        self,
        verb: str,
        handler: Handler,
        params: str,
        when: When,
        role: Role | None,
        control: bool,
        early: int,
        stores: bool,
    ) -> None:
        self.verb = verb
        self.handler = handler
        self.params = params
        """The parameters as HELP shows them: ``<channel> [<topic>]``."""
        self.summary, self.details = _read_help(getdoc(handler) or docstring_of(handler.__module__, handler.__name__))
        self.arity = _count_required(params)
        """The number of required parameters."""
        self.when = when
        self.role = role
        """The lowest role that is permitted; None if every user is, guests too."""
        self.control = control
        """True if a control session can use the verb as well."""
        self.early = early
        """A capability with which a verb of ``When.AFTER`` is allowed before registration is complete; 0 for none."""
        self.stores = stores
        """True if it has something written without waiting for it: it waits first if far too much is to be written."""


COMMANDS: dict[str, Command] = {}


def command(
    verb: str,
    params: str = "",
    *,
    when: When = When.AFTER,
    role: Role | None = None,
    control: bool = False,
    early: int = 0,
    stores: bool = False,
) -> Callable[[Handler], Handler]:
    """Register a function as a verb. Its docstring is what HELP says about the verb.

    The verb needs as many parameters as there are ``<…>`` outside brackets in ``params``. See ``_read_help`` for the
    form of the docstring.
    """

    def register(handler: Handler) -> Handler:
        COMMANDS[verb] = Command(verb, handler, params, when, role, control, early, stores)
        return handler

    return register


def _read_help(docstring: str) -> tuple[str, list[str]]:
    """Split a docstring into its summary and its details.

    The summary is the first paragraph, joined to one line: in the source it is broken where the line is full, which is
    in the middle of a sentence. The details are the lines of all further paragraphs, each as it is.
    """
    summary, _, details = docstring.partition("\n\n")
    return " ".join(summary.split("\n")), [line for line in details.split("\n") if line]


def _count_required(params: str) -> int:
    depth = count = 0
    for char in params:
        if char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
        elif char == "<" and depth == 0:
            count += 1
    return count
