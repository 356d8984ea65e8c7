"""LIST: the channels of the server.

Source: Modern IRC Client Protocol, "LIST message" and the ``ELIST`` and ``SAFELIST`` parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from heapq import nlargest

from chatroom.chat.people.channel import Channel
from chatroom.commands.channel_rules import is_hidden
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import numerics
from chatroom.irc.limits import LIST_TARGETS
from chatroom.irc.masks import has_wildcards, make_matcher

_LOOK_BYTES = 6
"""Comparing one channel with a name or condition takes as long as answering so many bytes."""
_Condition = Callable[[Channel], bool]

_NUMBER = re.compile(r"([CTct]?)([<>])([0-9]{1,9})")
_MINUTE_MS = 60_000


@command("LIST", "[<channels or conditions> [<conditions>]]")
def list_(context: Context, params: list[str]) -> Pending | None:
    """Lists channels with their sizes and topics: those of the given names that meet all conditions.

    Names and conditions are separated by commas, at most ten of them. Conditions are:
    >3 or <3: more or fewer than 3 members
    C>5 or C<5: created more or less than 5 minutes ago
    T>5 or T<5: topic set more or less than 5 minutes ago
    *mask* or !*mask*: name matches, or does not match
    """
    if sum(len(param.split(",")) for param in params) > LIST_TARGETS:
        text = f"At most {LIST_TARGETS} names and conditions at a time"
        context.reply(numerics.ERR_TOOMANYTARGETS, printable(params[0]), text=text)
        return None
    costs = context.world.costs
    costs.work_bytes += len(context.world.channels) * _LOOK_BYTES * (1 + sum(param.count(",") + 1 for param in params))
    found = [channel for channel in _candidates(context, params) if not is_hidden(context, channel)]
    # A longer answer could overflow the send queue, which would cost the client its connection (SAFELIST).
    most = context.most_replies
    shown = found if len(found) <= most else nlargest(most, found, key=lambda channel: len(channel.members))
    context.reply(numerics.RPL_LISTSTART, "Channel")
    for channel in shown:
        context.reply(numerics.RPL_LIST, channel.name, str(len(channel.members)), text=channel.topic)
    context.reply(numerics.RPL_LISTEND)
    if len(shown) < len(found):
        text = f"These are the {len(shown)} largest of {len(found)} channels. A mask finds others: LIST *word*"
        context.note("LIST_CUT", str(len(found)), text=text)
    return None


def _candidates(context: Context, params: list[str]) -> list[Channel]:
    """The channels that match one of the names, if there are any, and all conditions."""
    wall_ms = context.world.wall_ms
    channels = list(context.world.channels.values())
    for param in params:
        names: list[str] = []
        conditions: list[_Condition] = []
        for word in filter(None, param.split(",")):
            number = _NUMBER.fullmatch(word)
            if number is not None:
                conditions.append(_number_condition(number[1].upper(), number[2], int(number[3]), wall_ms))
            elif word.startswith("!"):
                conditions.append(_unlike(word[1:]))
            else:
                names.append(word)
        if names:
            channels = _named(context, channels, names)
        channels = [channel for channel in channels if all(holds(channel) for holds in conditions)]
    return channels


def _named(context: Context, channels: list[Channel], names: list[str]) -> list[Channel]:
    """The channels that have one of the names, or whose name matches one of the masks."""
    # Without a mask each name is looked up, in the order asked for; otherwise all channels are compared.
    if not any(map(has_wildcards, names)):
        wanted = [context.world.find_channel(name) for name in names]
        allowed = set(channels)
        return [channel for channel in dict.fromkeys(wanted) if channel is not None and channel in allowed]
    matchers = [make_matcher(name) for name in names]
    return [channel for channel in channels if any(fits(channel.name) for fits in matchers)]


def _unlike(mask: str) -> _Condition:
    """The condition that a channel's name does not match a mask."""
    fits = make_matcher(mask)
    return lambda channel: not fits(channel.name)


def _number_condition(what: str, sign: str, number: int, wall_ms: int) -> _Condition:
    """A condition on the members (no letter), or on the age in minutes of the channel (C) or its topic (T)."""

    def compare(value: int, bound: int) -> bool:
        return value < bound if sign == "<" else value > bound

    if what == "C":
        return lambda channel: compare(wall_ms - channel.created_ms, number * _MINUTE_MS)
    if what == "T":
        return lambda channel: bool(channel.topic) and compare(wall_ms - channel.topic_ms, number * _MINUTE_MS)
    return lambda channel: compare(len(channel.members), number)
