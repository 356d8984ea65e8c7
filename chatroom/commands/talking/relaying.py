"""RELAYMSG: a bridge says in a channel what a person on another network said, under a nick of that person.

The nick has a slash in it, which no user's nick has. So it cannot be taken for a user, and no user can take it. The
source of the message is ``nick!bridge@server``: the user name is the nick of the bridge, as it is in the tag. The
history keeps it as it was said, without an account.

Source: IRCv3 draft/relaymsg. The FAIL codes are those of Ergo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.events import RelayedEvent
from chatroom.chat.filter_actions import NO_REASON
from chatroom.commands.channel_rules import acts_by_right, is_hidden
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.spam_checks import find_refusal
from chatroom.commands.talking.messages import may_speak
from chatroom.commands.talking.utterance import Utterance
from chatroom.commands.talking.writing_history import wait_for_journal
from chatroom.irc import caps, numerics
from chatroom.irc.limits import RELAYED_NICK_BYTES
from chatroom.irc.names import RELAY_SEPARATOR, is_relayed_nick

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel


@command("RELAYMSG", "<channel> <nick> <text>")
def relaymsg(context: Context, params: list[str]) -> Pending | None:
    """Says something in a channel under the nick of a person on another network. For bridges.

    The nick must have a slash in it: RELAYMSG #channel nick/discord :text
    """
    if not context.session.caps & caps.RELAYMSG:
        context.reply(numerics.ERR_UNKNOWNCOMMAND, "RELAYMSG")
        return None
    name, nick, text = params[:3]

    def say(utterance: Utterance, names: list[str]) -> None:
        _relay(utterance, names[0], nick)

    utterance = Utterance(context, text)
    if context.world.ledger.journal is not None:
        pending = wait_for_journal(utterance, [name], say)
        if pending is not None:
            return pending
    say(utterance, [name])
    return None


def _relay(utterance: Utterance, name: str, nick: str) -> None:
    context, world = utterance.context, utterance.world
    channel = world.find_channel(name)
    if channel is None or is_hidden(context, channel):
        context.reply(numerics.ERR_NOSUCHCHANNEL, printable(name))
        return
    source = f"{nick}!{context.nick}@{context.server}"
    refusal = _refusal(utterance, channel, nick, source)
    if refusal is not None:
        context.fail(refusal[0], channel.name, nick, text=refusal[1])
        return
    event = RelayedEvent(source, "", context.nick)
    event.set_text(f"PRIVMSG {channel.name}", utterance.text)  # the bridge cannot know how long the source is
    event.client_tags = utterance.client_tags
    if utterance.refuse_broken_ctcp(event):
        return
    world.outbox.number(event, [channel])
    if world.ledger.is_open and world.settings.history.messages and utterance.is_kept:
        channel.has_history = True
        world.ledger.add_relayed(event, channel.name, utterance.text, utterance.session, utterance.kept_tags)
    world.ledger.hooks.add_message(channel, event, "PRIVMSG", utterance.text)
    world.outbox.to_channel(channel, event, utterance.session)
    # The bridge reads it even without echo-message: the source is another one. It knows its own messages by the tag.
    if context.user in channel.members:
        context.say(event)


def _refusal(utterance: Utterance, channel: Channel, nick: str, source: str) -> tuple[str, str] | None:
    """Return the code and the text of the refusal; None if the message may be said."""
    context = utterance.context
    if not acts_by_right(context, channel):
        return "PRIVS_NEEDED", "Only operators of the channel can relay messages to it"
    if not utterance.text.strip():
        return "BLANK_MSG", "The message is blank"
    if not is_relayed_nick(nick):
        text = f"The nick of a relayed message has a {RELAY_SEPARATOR} in it, and at most {RELAYED_NICK_BYTES} bytes"
        return "INVALID_NICK", text
    # A mask that is one part with a slash, such as ``nick/*``, is that of a host (``irc.masks``): it bans the nick too.
    if channel.is_prefix_silenced(source, f"{source.rpartition('@')[0]}@{nick}"):
        return "BANNED", f"{nick} is banned or muted in the channel"
    if not may_speak(channel, utterance.session, utterance.user, utterance.text):
        return "CANNOT_SEND", "The channel's modes refuse the message"
    if why := find_refusal(context, ""):
        return "CANNOT_SEND", why  # the bridge itself is muted
    filters = utterance.world.spam.filters
    texts = (nick, nick.partition(RELAY_SEPARATOR)[0], utterance.text, *utterance.tag_texts)
    found = next((found for text in texts if (found := filters.find(text))), None)
    if found is not None:
        # What a filter does is meant for the person who said it, and not for the bridge.
        utterance.world.spam.count(found.id)
        return "CANNOT_SEND", found.reason or NO_REASON
    return None
