"""The welcome: 001 to 005, the counts of LUSERS, the user's own metadata, and the message of the day.

Most sessions get a text that was rendered once for all. It is quicker by far, which matters when all clients come back
after a restart. A session that wants batches, labels or metadata in it gets the same lines one by one.

Source: Modern IRC Client Protocol, "Connection Registration".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.delivery.welcome_text import WelcomeText, gap
from chatroom.chat.people.channel import CHANNEL_KINDS
from chatroom.chat.people.labelled_reply import LabelledReply
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.commands.about.network import count, say_counts
from chatroom.commands.about.server_info import SOFTWARE, USER_MODES, motd, reply_isupport
from chatroom.commands.context import Context
from chatroom.commands.presence.metadata_push import show_own_metadata
from chatroom.irc import caps, numerics

if TYPE_CHECKING:
    from chatroom.chat.world import World

_OWN_WAY = caps.EXTENDED_ISUPPORT | caps.METADATA
"""With one of these capabilities the welcome has batches or metadata in it."""


def welcome(context: Context) -> None:
    """Send the welcome to a session that has just become a session of its user."""
    world, session, user = context.world, context.session, context.session.user
    assert user is not None
    text = world.welcome
    if text is None or text.settings is not world.settings:
        text = world.welcome = _render(world)  # the first welcome, or the first after a reload
    if session.labelled_reply is None and not session.caps & _OWN_WAY:
        world.outbox.to_session(session, text.render(_figures(world, user)))
    else:
        say_welcome(context)
    if user.account is None:
        return  # all modes of a new user come from its account
    modes = user.modes_of(session)
    if modes != "+":
        context.say(f":{context.server} MODE {user.nick} {modes}")


def say_welcome(context: Context) -> None:
    """Send a welcome line by line."""
    _begin(context)
    say_counts(context, count(context.world))
    show_own_metadata(context)
    motd(context, [])


def _begin(context: Context) -> None:
    server = context.world.settings.server
    created = datetime.fromtimestamp(context.world.start_wall_ms / 1000, UTC)
    context.reply(numerics.RPL_WELCOME, text=f"Welcome to the {server.network} chat, {context.user.prefix}")
    context.reply(numerics.RPL_YOURHOST, text=f"Your host is {server.name}, running {SOFTWARE}")
    context.reply(numerics.RPL_CREATED, text=f"This server was started {created:%Y-%m-%d at %H:%M:%S} UTC")
    letters = CHANNEL_KINDS.letters, CHANNEL_KINDS.letters_with_param
    context.reply(numerics.RPL_MYINFO, server.name, SOFTWARE, USER_MODES, *letters)
    reply_isupport(context)


def _figures(world: World, user: User) -> dict[str, str]:
    """What is different in each welcome, by the names of the gaps."""
    figures = count(world)
    figures["nick"], figures["prefix"] = user.nick, user.prefix
    return figures


def _render(world: World) -> WelcomeText:
    """Render the welcome under the settings in force, with gaps for the figures."""
    # The verbs make the text for a session that is not in the world, and with the gaps in place of names and figures.
    # So there is one source of these lines, and a change of a verb shows in the welcome.
    session = Session(0, "", 4, 0, "", world.wall_ms)
    user = session.user = User(gap("nick"), "", "", "", session, world.wall_ms, world.mono_ms)
    user.prefix = gap("prefix")
    context, figures = Context(world, session, ""), _figures(world, user)
    # Gathered, as the replies of a labelled command are, instead of being sent.
    gathered = session.labelled_reply = LabelledReply("")
    _begin(context)
    say_counts(context, {name: gap(name) for name in figures})
    motd(context, [])
    lines = [line for line in gathered.replies if isinstance(line, str)]
    return WelcomeText(world.settings, lines, figures)
