"""A further device of a user who is connected already: the session is shown all channels of the user, one by one.

With many large channels that takes more than one tick. What a channel says before its turn is not for the session: the
list of members that it is shown then has it, and its messages are on the user's other devices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.commands.rooms.joining import show_channel, work_of

if TYPE_CHECKING:
    from chatroom.chat.delivery.replay_queue import ReplayQueue
    from chatroom.chat.people.channel import Channel
    from chatroom.commands.context import Context
    from chatroom.commands.long_answers import Steps


def show_channels(context: Context) -> Steps:
    """Let the session, which is new in all channels of its user, into each of them."""
    outbox, session = context.world.outbox, context.session
    held = [(channel, outbox.begin_replay(channel, session)) for channel in context.user.channels]
    return _show_each(context, held)


def _show_each(context: Context, held: list[tuple[Channel, ReplayQueue]]) -> Steps:
    outbox, session = context.world.outbox, context.session
    for channel, queue in held:
        # Another queue, or none, if the user has left the channel since, and perhaps joined again.
        if outbox.replays.find(channel, session) is queue:
            queue.clear()
            outbox.end_replay(channel, session)
            show_channel(context, channel, joined=True)
            yield work_of(channel)
