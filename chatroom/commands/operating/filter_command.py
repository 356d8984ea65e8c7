"""FILTER: spam filters, and the mutes that they set. ``chatroomctl filter`` does the same from the shell.

A filter is on the disk before it is in force. The worker that has stored it also compiles all filters anew, so no tick
waits for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.admission.durations import format_duration, looks_like_duration, parse_duration
from chatroom.chat.admission.filter_policy import MOST_FILTERS, make_filter, read_action
from chatroom.chat.admission.spam_filters import FilterSet
from chatroom.chat.stored.records import FilterKind, Role, SpamFilter
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidValue, NeedsForce, NotFound
from chatroom.irc.limits import BAN_REASON_BYTES
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores

MOST_LISTED = 200
"""How many filters or mutes one answer lists."""


class _Outcome(NamedTuple):
    """What a job has changed, and the filters from then on."""

    changed: SpamFilter
    filters: FilterSet


@command("FILTER", "<subcommand> [<parameters>]", role=Role.MODERATOR, control=True)
def filter_(context: Context, params: list[str]) -> Pending | None:
    """Adds, removes and lists spam filters: patterns that users must not say:

    FILTER ADD [FORCE] [REGEX] <refuse, mute, kick or ban> [<duration, like 1h>] <pattern> [<reason>]
    FILTER DEL <number or pattern>
    FILTER LIST
    FILTER TEST <text>: which filter would match
    FILTER MUTES: who is muted by a filter
    FILTER UNMUTE <nick>
    A pattern is one word: * stands for any text, ? for any character, a space too.
    """
    subcommand, words = params[0].upper(), [word for param in params[1:] for word in param.split()]
    if subcommand == "LIST":
        _list(context)
    elif subcommand == "MUTES":
        _list_mutes(context)
    elif subcommand not in ("ADD", "DEL", "TEST", "UNMUTE"):
        text = f"there is no subcommand FILTER {params[0][:20]}; use ADD, DEL, LIST, TEST, MUTES or UNMUTE"
        raise InvalidValue(text)
    elif not words:
        raise InvalidValue(f"FILTER {subcommand} needs more parameters: HELP FILTER lists them")
    elif subcommand == "ADD":
        return _add(context, words)
    elif subcommand == "DEL":
        return _remove(context, words[0])
    elif subcommand == "TEST":
        _test(context, " ".join(params[1:]))
    else:
        _unmute(context, words[0])
    return None


def _add(context: Context, words: list[str]) -> Pending:
    options = set()
    while words and words[0].lower() in ("force", "regex"):
        options.add(words.pop(0).lower())
    action = read_action(words.pop(0)) if words else None
    duration_s = parse_duration(words.pop(0)) if words and looks_like_duration(words[0]) else None
    if action is None or not words:
        raise InvalidValue("FILTER ADD needs an action and a pattern")
    kind: FilterKind = "regex" if "regex" in options else "glob"
    pattern, reason = words.pop(0), context.cut(" ".join(words), BAN_REASON_BYTES)
    try:
        new = make_filter(pattern, kind, action, reason, duration_s, force="force" in options)
    except NeedsForce as error:
        raise NeedsForce(f"{error}: use FILTER ADD FORCE to add it anyway") from None
    actor = context.actor

    def job(stores: Stores) -> _Outcome:
        return _Outcome(stores.filters.add(new, actor, MOST_FILTERS[new.kind]), FilterSet(stores.filters.list_all()))

    def then(context: Context, outcome: _Outcome) -> None:
        added, filters = outcome
        context.world.spam.use(filters)
        context.world.log_line(f"filter {added.id} ({added.action} {added.pattern}) by {actor.name}")
        context.note("ADDED", str(added.id), text=f"{_describe(context, added)}")

    return Pending("store", job, then)


def _remove(context: Context, text: str) -> Pending:
    actor = context.actor
    found = find_filter(list(context.world.spam.filters.by_id.values()), text)

    def job(stores: Stores) -> _Outcome:
        return _Outcome(stores.filters.remove(found.id, actor), FilterSet(stores.filters.list_all()))

    def then(context: Context, outcome: _Outcome) -> None:
        context.world.spam.use(outcome.filters)
        context.world.log_line(f"filter {found.id} ({found.pattern}) removed by {actor.name}")
        context.note("REMOVED", str(found.id), text=f"filter {found.id} ({found.pattern}) is removed")

    return Pending("store", job, then)


def find_filter(filters: list[SpamFilter], text: str) -> SpamFilter:
    """Return the filter with that number or pattern. Raises ``NotFound``."""
    number = text.removeprefix("#")
    for one in filters:
        if number == str(one.id) or text in (one.pattern, one.pattern.strip("*")):
            return one
    raise NotFound(f"there is no filter {text[:64]}; FILTER LIST shows all")


def _list(context: Context) -> None:
    filters = list(context.world.spam.filters.by_id.values())
    for one in filters[:MOST_LISTED]:
        context.note("ENTRY", str(one.id), text=_describe(context, one))
    rest = f"; chatroomctl filter list shows all {len(filters)}" if len(filters) > MOST_LISTED else ""
    context.note("END", "*", text=f"{_count(min(len(filters), MOST_LISTED), 'filter')}{rest}")


def _describe(context: Context, one: SpamFilter) -> str:
    spam = context.world.spam
    lasting = f" for {format_duration(one.duration_s)}" if one.duration_s is not None else ""
    what = f"filter {one.id}: {one.action}{lasting}, {one.kind} {one.pattern}"
    why = f": {one.reason}" if one.reason else ""
    fault = spam.filters.unusable.get(one.id)
    unusable = f" NOT IN FORCE: {fault}" if fault else ""
    return f"{what}, by {one.by}, {_count(spam.hits(one), 'hit')}{why}{unusable}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _test(context: Context, text: str) -> None:
    found = context.world.spam.filters.find(text)
    if found is None:
        context.note("TEST", "*", text="no filter matches")
    else:
        context.note("TEST", str(found.id), text=f"{_describe(context, found)}")


def _list_mutes(context: Context) -> None:
    world = context.world
    mutes = world.spam.mutes.list_all(world.mono_ms)
    for mute in mutes[-MOST_LISTED:]:
        left_s = -(-(mute.until_mono_ms - world.mono_ms) // 1000)
        text = f"{mute.nick} is muted for {format_duration(left_s)} by filter {mute.filter_id}: {mute.reason}"
        context.note("ENTRY", mute.nick, str(left_s), str(mute.filter_id), text=text)
    rest = f", of which the last {MOST_LISTED} are shown" if len(mutes) > MOST_LISTED else ""
    context.note("END", "*", text=f"{_count(len(mutes), 'mute')}{rest}")


def _unmute(context: Context, nick: str) -> None:
    world, actor = context.world, context.actor
    mutes = world.spam.mutes
    user = world.find_user(nick)
    found = [mute for mute in mutes.list_all(world.mono_ms) if casefold(mute.nick) == casefold(nick)]
    # The user may have another nick by now.
    if user is not None:
        of_sessions = [mutes.find(user, session, world.settings, world.mono_ms) for session in user.sessions]
        found += [mute for mute in dict.fromkeys(of_sessions) if mute is not None and mute not in found]
    if not found:
        raise NotFound(f"{nick[:64]} is not muted by a filter")
    for mute in found:
        mutes.lift(mute)
    world.spam.look()
    world.log_line(f"{nick} may talk again, by {actor.name}")
    world.work.write(lambda stores: stores.audit.add(actor, "filter.unmute", nick, ""))
    context.note("UNMUTED", nick, text=f"{nick} may talk again")
