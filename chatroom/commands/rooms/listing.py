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
from chatroom.commands.long_answers import Steps, in_pieces
from chatroom.commands.pending import Pending
from chatroom.irc import numerics
from chatroom.irc.limits import LIST_TARGETS
from chatroom.irc.masks import has_wildcards, make_matcher

_LOOK_BYTES = 6
"""Comparing one channel with a name or condition takes as long as answering so many bytes."""
_ROW_BYTES = 64
"""The same for a channel in the answer."""
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
    look_bytes = _LOOK_BYTES * (1 + sum(param.count(",") + 1 for param in params))
    context.world.costs.work_bytes += len(context.world.channels) * look_bytes
    return in_pieces(context, _answer(context, params, look_bytes))


def _answer(context: Context, params: list[str], look_bytes: int) -> Steps:
    channels = context.world.channels
    candidates, conditions = _read(context, params)
    found = []
    for channel in candidates:
        if all(holds(channel) for holds in conditions) and not is_hidden(context, channel):
            found.append(channel)
        yield look_bytes
    # A longer answer could overflow the send queue, which would cost the client its connection (SAFELIST).
    most = context.most_replies
    shown = found if len(found) <= most else nlargest(most, found, key=lambda channel: len(channel.members))
    context.reply(numerics.RPL_LISTSTART, "Channel")
    for channel in shown:
        # Looked at again: since the last piece of the answer it can have gone, or be secret now.
        if channels.get(channel.folded) is channel and not is_hidden(context, channel):
            context.reply(numerics.RPL_LIST, channel.name, str(len(channel.members)), text=channel.topic)
        yield _ROW_BYTES
    context.reply(numerics.RPL_LISTEND)
    if len(shown) < len(found):
        text = f"These are the {len(shown)} largest of {len(found)} channels. A mask finds others: LIST *word*"
        context.note("LIST_CUT", str(len(found)), text=text)


def _read(context: Context, params: list[str]) -> tuple[list[Channel], list[_Condition]]:
    """Read the parameters. Return the channels that come into question, and the conditions that they must meet.

    Of each parameter that has names, a channel must match one.
    """
    world = context.world
    candidates: list[Channel] | None = None
    conditions: list[_Condition] = []
    for param in params:
        names: list[str] = []
        for word in filter(None, param.split(",")):
            number = _NUMBER.fullmatch(word)
            if number is not None:
                conditions.append(_number_condition(number[1].upper(), number[2], int(number[3]), world.wall_ms))
            elif word.startswith("!"):
                conditions.append(_unlike(word[1:]))
            else:
                names.append(word)
        if names and candidates is None and not any(map(has_wildcards, names)):
            # Without a mask each name is looked up, in the order asked for.
            wanted = dict.fromkeys(map(world.find_channel, names))
            candidates = [channel for channel in wanted if channel is not None]
        elif names:
            conditions.append(_like(names))
    return list(world.channels.values()) if candidates is None else candidates, conditions


def _like(masks: list[str]) -> _Condition:
    """The condition that a channel's name matches one of several masks."""
    matchers = [make_matcher(mask) for mask in masks]
    return lambda channel: any(fits(channel.name) for fits in matchers)


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
