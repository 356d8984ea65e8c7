"""What incoming hooks say: a program sends a text over HTTP, and a channel reads it from ``NAME/hook``.

A hook is no user and no member. An operator has made it for the channel, so it may speak there as one with voice: modes
m, M, n, U and W do not hold for it. What holds: the bounds of a message, the rate limit of lines, the spam filters, and
bans of its nick in the channel.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.admission.flood import LineBudget
from chatroom.chat.admission.hook_policy import SIGN, nick_of
from chatroom.chat.admission.tokens import is_secret, split_token
from chatroom.chat.events import Event
from chatroom.chat.filter_actions import NO_REASON
from chatroom.chat.stored.entries import Part
from chatroom.errors import StorageError
from chatroom.irc.ctcp import is_ctcp_request
from chatroom.irc.limits import MULTILINE_BYTES, MULTILINE_LINES

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.hook_records import IncomingHook
    from chatroom.chat.world import World


class Outcome(NamedTuple):
    """What became of a text, as the program is told it."""

    status: HTTPStatus
    text: str
    wait_s: int = 0
    """After how many seconds the program may try again; 0 if there is no such time."""


SAID = Outcome(HTTPStatus.OK, "ok")
NOT_STORED = Outcome(HTTPStatus.SERVICE_UNAVAILABLE, "the message was not said, because it could not be stored", 5)


def say_by_hook(world: World, token: str, text: str) -> Outcome | None:
    """Say a text in the channel of the hook with this token. In a tick.

    Returns None if another process has the database's write lock: nothing was said, and the caller asks again in a
    later tick. ``SAID`` holds if the tick can be committed.
    """
    hook_id, secret = split_token(token)
    hook = world.ledger.hooks.incoming.get(hook_id)
    if hook is None or not is_secret(secret, hook.token_hash):
        return Outcome(HTTPStatus.NOT_FOUND, "there is no hook with this token")
    if hook.paused:
        return Outcome(HTTPStatus.FORBIDDEN, "this hook is paused")
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")]
    refusal = _find_fault(lines)
    if refusal is not None:
        return refusal
    channel = world.find_channel(world.ledger.hooks.channel_of(hook_id))
    if channel is None:
        text = f"there is no channel {hook.channel} now: nobody is in it, and it is not registered"
        return Outcome(HTTPStatus.NOT_FOUND, text)
    source = f"{nick_of(hook.name)}!{SIGN}@{world.settings.server.name}"
    event = _make_event(source, channel.name, lines)
    if event is None:
        return Outcome(HTTPStatus.BAD_REQUEST, "a line with \\x01 in it is too long")
    budget = _find_budget(world, hook)
    wait_ms = budget.wait_ms(world.mono_ms) if budget is not None else 0
    if wait_ms:
        return Outcome(HTTPStatus.TOO_MANY_REQUESTS, "this hook says too much", -(-wait_ms // 1000))
    refusal = _find_refusal(world, channel, source, "\n".join(lines))
    if refusal is not None:
        _pay(world, budget, len(lines))  # a long text and many filters take milliseconds
        return refusal
    ledger = world.ledger
    if ledger.writes_channels:
        try:
            if not ledger.ready():
                return None
        except StorageError:
            return NOT_STORED
    # Last, so that a text that waits for the lock is paid once.
    _pay(world, budget, len(lines))
    _say(world, channel, event, lines)
    world.work.write(lambda stores: stores.hooks.count_said(hook_id))
    return SAID


def _find_fault(lines: list[str]) -> Outcome | None:
    size = len("\n".join(lines).encode(errors="replace"))
    if not any(lines):
        return Outcome(HTTPStatus.BAD_REQUEST, "there is no text")
    if size > MULTILINE_BYTES or len(lines) > MULTILINE_LINES:
        text = f"a text has at most {MULTILINE_BYTES} bytes and {MULTILINE_LINES} lines"
        return Outcome(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
    if any("\0" in line or is_ctcp_request(line) for line in lines):
        return Outcome(HTTPStatus.BAD_REQUEST, "a text has no NUL, and is no CTCP request")
    return None


def _find_refusal(world: World, channel: Channel, source: str, text: str) -> Outcome | None:
    # A mask that is one part with a slash, such as ``name/*``, is that of a host (``irc.masks``): it bans the nick too.
    before_host, nick = source.rpartition("@")[0], source.partition("!")[0]
    if channel.is_prefix_silenced(source, f"{before_host}@{nick}"):
        return Outcome(HTTPStatus.FORBIDDEN, f"this hook is banned or muted in {channel.name}")
    found = world.spam.filters.find(text)
    if found is not None:
        # What a filter does with people is not for a program that only passes a text on.
        world.spam.count(found.id)
        return Outcome(HTTPStatus.FORBIDDEN, f"a filter refuses the text: {found.reason or NO_REASON}")
    return None


def _make_event(source: str, target: str, lines: list[str]) -> Event | None:
    """Make the message; None if it has CTCP in it, and readers would read it in more parts than it has lines.

    As ``Utterance.refuse_broken_ctcp``: a part could become a request, which clients answer.
    """
    event = Event(source, "")
    event.bot = True
    head = f"PRIVMSG {target}"
    if len(lines) == 1:
        event.set_text(head, lines[0])
    else:
        event.set_parts(head, [Part(line, False) for line in lines])
    parts = event.parts or ()
    is_broken = len(parts) > len(lines) and any("\x01" in part.text for part in parts)
    return None if is_broken else event


def _find_budget(world: World, hook: IncomingHook) -> LineBudget | None:
    """What the hook may say; None if there are no limits."""
    limits, budgets = world.settings.limits, world.ledger.hooks.budgets
    if not limits.enabled:
        return None
    if hook.id not in budgets:
        budgets[hook.id] = LineBudget(limits.lines_per_s, limits.burst_lines)
    return budgets[hook.id]


def _pay(world: World, budget: LineBudget | None, lines: int) -> None:
    if budget is not None:
        budget.charge(lines, 0, world.mono_ms)


def _say(world: World, channel: Channel, event: Event, lines: list[str]) -> None:
    ledger = world.ledger
    world.outbox.number(event, [channel] if ledger.writes_channels else ())
    if ledger.is_open and ledger.writes_channels:
        channel.has_history = True
        ledger.add_hooked(event, channel.name, lines[0])
    ledger.hooks.add_message(channel, event, "PRIVMSG", lines[0], by_hook=True)
    world.outbox.to_channel(channel, event)
