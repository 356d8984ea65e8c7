"""The modes j, F and W of a channel: setting them, and what they refuse of a user that joins or changes its nick.

What slow mode (W) refuses is in ``chatroom.commands.talking.slow_mode``.
"""

from __future__ import annotations

from collections.abc import Iterator

from chatroom.chat.people.channel import Channel
from chatroom.chat.people.flood_modes import SlowMode, Throttle, parse_number
from chatroom.chat.stored.records import Role
from chatroom.commands.context import Context, printable
from chatroom.irc import numerics
from chatroom.irc.limits import SLOW_MODE_S, THROTTLE_ACTIONS, THROTTLE_PERIOD_S
from chatroom.irc.modes import ModeChange

SETTLING_MS = 30_000
"""For how long after its start the server lets all in: then those come back whom its end has disconnected."""
FLOOD_MODES = "FWj"


def apply_flood_mode(context: Context, channel: Channel, change: ModeChange) -> ModeChange | None:
    """Set or remove mode j, F or W. Return the change as the members read it; None if there is none."""
    if change.letter == "W":
        return _apply_slow_mode(context, channel, change)
    now = channel.join_throttle if change.letter == "j" else channel.nick_throttle
    throttle = Throttle.parse(change.param) if change.adding else None
    if change.adding and throttle is None:
        what = "joins" if change.letter == "j" else "changes"
        bounds = f"from 1:1 to {THROTTLE_ACTIONS}:{THROTTLE_PERIOD_S}"
        _refuse(context, channel, change, f"Mode {change.letter} takes {what}:seconds, {bounds}")
        return None
    if str(throttle) == str(now):
        return None
    if change.letter == "j":
        channel.join_throttle = throttle
    else:
        channel.nick_throttle = throttle
    return ModeChange(change.adding, change.letter, None if throttle is None else str(throttle))


def _apply_slow_mode(context: Context, channel: Channel, change: ModeChange) -> ModeChange | None:
    now = channel.slow_mode
    if not change.adding:
        channel.slow_mode = None
        return None if now is None else ModeChange(False, "W")
    interval_s = parse_number(change.param or "", SLOW_MODE_S)
    if interval_s is None:
        _refuse(context, channel, change, f"Slow mode takes a number of seconds from 1 to {SLOW_MODE_S}")
        return None
    if now is None:
        channel.slow_mode = SlowMode(interval_s)
    elif now.interval_s == interval_s:
        return None
    else:
        now.interval_s = interval_s  # what was said before counts by the new interval
        context.world.note_change(channel, "slow_mode")
    return ModeChange(True, "W", str(interval_s))


def _refuse(context: Context, channel: Channel, change: ModeChange, text: str) -> None:
    param = printable(change.param or "*")
    context.reply(numerics.ERR_INVALIDMODEPARAM, channel.name, change.letter, param, text=text)


def refuse_throttled_join(context: Context, channel: Channel) -> numerics.Numeric | None:
    """Count a join of the user for mode j. Return the refusal if there are too many; then it is not counted.

    Nor are those that it never refuses: of moderators and admins, of users with an invitation or a standing, and in the
    first half minute of the server.
    """
    throttle, world, user = channel.join_throttle, context.world, context.user
    if throttle is None or context.role >= Role.MODERATOR or channel in user.invited:
        return None
    if user.account is not None and channel.regained_standing(user.account.id):
        return None
    if world.mono_ms - world.start_mono_ms < SETTLING_MS:
        return None
    wait_ms = throttle.wait_ms(world.mono_ms)
    if not wait_ms:
        throttle.add(world.mono_ms)
        world.note_change(channel, "join_throttle")
        return None
    text = f"Cannot join channel (+j): {_limit(throttle, 'join')}, try again in {_seconds(wait_ms)} s"
    return numerics.ERR_THROTTLE._replace(text=text)


def find_nick_refusal(context: Context) -> str:
    """Why a channel of the user refuses a change of its nick (mode F); empty if none does."""
    for channel, throttle in _nick_throttles(context):
        wait_ms = throttle.wait_ms(context.world.mono_ms)
        if wait_ms:
            what = f"{_limit(throttle, 'nick change')}, try again in {_seconds(wait_ms)} s"
            return f"Cannot change nick in {channel.name} (+F): {what}"
    return ""


def count_nick_change(context: Context) -> None:
    """Count a change of the user's nick in its channels with mode F."""
    for channel, throttle in _nick_throttles(context):
        throttle.add(context.world.mono_ms)
        context.world.note_change(channel, "nick_throttle")


def _nick_throttles(context: Context) -> Iterator[tuple[Channel, Throttle]]:
    """The channels whose mode F holds for the user: not those where it has a standing, and none for a moderator."""
    if context.role < Role.MODERATOR:
        for channel in context.user.channels:
            if channel.nick_throttle is not None and not channel.members[context.user]:
                yield channel, channel.nick_throttle


def _limit(throttle: Throttle, what: str) -> str:
    return f"at most {throttle.most} {what}{'' if throttle.most == 1 else 's'} in {throttle.period_s} s"


def _seconds(wait_ms: int) -> int:
    """Whole seconds for an answer, rounded up: a moment sooner would be refused again."""
    return -(-wait_ms // 1000)
