"""Queries about the network as a whole: LUSERS, LINKS and MAP, and which server a query is for.

One daemon is a network of one server. In a cluster each node is a server, and every node knows all users; what a node
does not know of another one is its clock, its uptime and its settings.

Source: Modern IRC Client Protocol, "Server Queries and Commands". MAP and its numerics are those of UnrealIRCd.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import numerics
from chatroom.irc.masks import matches_mask

if TYPE_CHECKING:
    from chatroom.chat.world import World

_LOOK_BYTES = 24
"""Counting one user takes as long as answering so many bytes."""


def is_addressed(context: Context, targets: list[str]) -> bool:
    """True if the target of a query, the first of ``targets``, is this server or missing. Refuses if not.

    The target may be a mask of the server's name, or the nick of a user that is connected to it. For another server of
    the network the client is told to ask there; else the answer is 402.
    """
    if not targets or not targets[0] or matches_mask(targets[0], context.server):
        return True
    other = _find_server(context, targets[0])
    if other == context.server:
        return True
    if other is None:
        context.reply(numerics.ERR_NOSUCHSERVER, printable(targets[0]))
    else:
        context.fail("ASK_THERE", other, text="Only that server knows: connect to it")
    return False


def is_in_network(context: Context, targets: list[str]) -> bool:
    """The same for a query that every server of the network answers alike: the target may be any of them."""
    if not targets or not targets[0] or _find_server(context, targets[0]) is not None:
        return True
    context.reply(numerics.ERR_NOSUCHSERVER, printable(targets[0]))
    return False


def _find_server(context: Context, target: str) -> str | None:
    """The name of the server that a mask or a user's nick means, or None."""
    for server in context.world.list_servers():
        if matches_mask(target, server.name):
            return server.name
    user = context.world.find_user(target)
    return None if user is None else context.world.server_name_of(user)


@command("LUSERS", "[<mask> [<server>]]")
def lusers(context: Context, params: list[str]) -> Pending | None:
    """Shows how many users, operators and channels there are."""
    # The server is the second parameter. If there is one parameter only, it is taken for the server.
    if not is_addressed(context, params[1:] or params):
        return None
    say_counts(context, count(context.world))
    return None


def count(world: World) -> dict[str, str]:
    """The figures of LUSERS, by the names that ``say_counts`` uses."""
    online, total = world.online, len(world.users)
    here, most_here, servers = world.count_here()
    return {
        "seen": str(total - online.invisible),
        "invisible": str(online.invisible),
        "operators": str(len(online.operators)),
        "unknown": str(len(online.unregistered)),
        "channels": str(len(world.channels)),
        "total": str(total),
        "most": str(online.most_users),
        "servers": str(servers),
        "others": str(servers - 1),
        "here": str(here),
        "most_here": str(most_here),
    }


def say_counts(context: Context, shown: Mapping[str, str]) -> None:
    """Send the figures of LUSERS. The welcome is rendered with gaps in their place."""
    total, most, here, most_here = shown["total"], shown["most"], shown["here"], shown["most_here"]
    # The texts are those of RFC 2812, plural included: some clients read the figures out of them.
    seen = f"There are {shown['seen']} users and {shown['invisible']} invisible on {shown['servers']} servers"
    context.reply(numerics.RPL_LUSERCLIENT, text=seen)
    context.reply(numerics.RPL_LUSEROP, shown["operators"])
    context.reply(numerics.RPL_LUSERUNKNOWN, shown["unknown"])
    context.reply(numerics.RPL_LUSERCHANNELS, shown["channels"])
    context.reply(numerics.RPL_LUSERME, text=f"I have {here} clients and {shown['others']} servers")
    context.reply(numerics.RPL_LOCALUSERS, here, most_here, text=f"Current local users {here}, max {most_here}")
    context.reply(numerics.RPL_GLOBALUSERS, total, most, text=f"Current global users {total}, max {most}")


@command("LINKS", "[[<server>] <mask>]")
def links(context: Context, params: list[str]) -> Pending | None:
    """Lists the servers of the network: one, or each node of a cluster."""
    mask = params[-1] if params and params[-1] else "*"
    # With two parameters, the first one is the server that is asked.
    if not is_in_network(context, params[:-1]):
        return None
    for server in context.world.list_servers():
        if matches_mask(mask, server.name):
            text = f"{0 if server.name == context.server else 1} {server.description}"
            context.reply(numerics.RPL_LINKS, server.name, context.server, text=text)
    context.reply(numerics.RPL_ENDOFLINKS, printable(mask))
    return None


@command("MAP")
def map_(context: Context, params: list[str]) -> Pending | None:
    """Shows the servers of the network, each with its number of users."""
    world = context.world
    users = Counter(map(world.server_name_of, world.users.values()))
    world.costs.work_bytes += len(world.users) * _LOOK_BYTES
    first, *others = world.list_servers()
    context.reply(numerics.RPL_MAP, text=_map_line("", first.name, users[first.name]))
    for server in others:
        branch = "`-" if server is others[-1] else "|-"
        context.reply(numerics.RPL_MAP, text=_map_line(branch, server.name, users[server.name]))
    context.reply(numerics.RPL_MAPEND)
    return None


def _map_line(branch: str, name: str, users: int) -> str:
    return f"{branch}{name} ({users} {'user' if users == 1 else 'users'})"
