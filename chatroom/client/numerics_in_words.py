"""Numerics of the server as sentences for the user.

In a template ``{0}``, ``{1}``, ... are the parameters after the user's own nick, ``{text}`` is the last parameter, and
``{rest}`` is everything after ``{0}``. A refusal says what is wrong and, if the user can do something about it, what.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from chatroom.client.chat_events import Denied, Event, Info
from chatroom.irc.message import Message

REFUSALS: dict[str, str] = {
    "401": "There is no user called {0}.",
    "402": "There is no server called {0}.",
    "403": "There is no channel called {0}.",
    "405": "You are in too many channels to join {0}.",
    "406": "There was no user called {0}.",
    "407": "{0}: too many targets at once.",
    "411": "Name a user or a channel.",
    "412": "There is no text to send.",
    "413": "{text}",
    "414": "{text}",
    "416": "There are too many results; ask for fewer.",
    "417": "That line is too long for the server.",
    "421": "The server does not know the command {0}.",
    "422": "",
    "431": "Name a nick.",
    "432": "{0} cannot be your nick: {text}",
    "433": "The nick {0} is taken.",
    "436": "The nick {0} is taken.",
    "437": "{0} is not available now: {text}",
    "441": "{0} is not in {1}.",
    "442": "You are not in {0}.",
    "443": "{0} is already in {1}.",
    "447": "{text}",
    "451": "You are not logged in to the server yet.",
    "461": "{0} needs more parameters.",
    "462": "That is possible only while connecting.",
    "465": "{text}",
    "467": "{0} already has a key.",
    "471": "{0} is full.",
    "472": "There is no channel mode {0}.",
    "473": "{0} is by invitation only.",
    "474": "You are banned from {0}.",
    "475": "{0} needs a key: /join {0} KEY",
    "476": "{0} is not a valid channel name.",
    "477": "{0}: {text}",
    "478": "The mode list of {0} is full.",
    "480": "{0}: {text}",
    "482": "Only an operator of {0} may do that.",
    "483": "{text}",
    "485": "{text}",
    "491": "{text}",
    "501": "There is no such user mode.",
    "502": "You can only change your own modes.",
    "524": "There is no help on {0}.",
    "525": "That key is not valid for {0}.",
    "696": "{text}",
    "723": "You may not do that: {text}",
}

ANSWERS: dict[str, str] = {
    "221": "Your modes: {0}",
    "263": "Try {0} again later: {text}",
    "301": "{0} is away: {text}",
    "305": "You are no longer away.",
    "306": "You are away. /back ends it.",
    "307": "  {0} {text}",
    "311": "{0} is {1}@{2} ({text})",
    "312": "  on {1} ({text})",
    "313": "  {text}",
    "314": "{0} was {1}@{2} ({text})",
    "319": "  in {text}",
    "320": "  {text}",
    "324": "{0} has the modes {rest}",
    "330": "  logged in as {1}",
    "331": "{0} has no topic.",
    "332": "The topic of {0}: {text}",
    "335": "  {text}",
    "338": "  connects from {1}",
    "341": "{0} has been invited to {1}.",
    "346": "  {1}",
    "348": "  {1}",
    "351": "The server is {0} on {1} {text}",
    "364": "{0} {1} {text}",
    "367": "{0} bans {1}",
    "381": "{text}",
    "391": "It is {text} at {0}.",
    "671": "  {text}",
    "704": "{text}",
    "705": "{text}",
    "706": "{text}",
    "900": "You are logged in as {1}.",
    "901": "You are logged out.",
}

# Numerics that say nothing to a user: parts of the welcome, and the ends of lists.
_SILENT = frozenset(
    [
        *("001", "002", "003", "004", "042", "250", "251", "252", "253", "254", "255", "265", "266"),
        *("318", "321", "328", "329", "333", "347", "349", "365", "366", "368", "369", "374", "375", "378"),
        *("376", "396", "422", "903", "907", "908"),
    ]
)


def answer(message: Message) -> list[Event]:
    """Return what to show of a message that does not change the state."""
    verb, params = message.verb, message.params[1:]
    if verb in _SILENT:
        return []
    composed = _COMPOSED.get(verb)
    if composed is not None:
        kind = Denied if "400" <= verb <= "599" else Info
        # A server may leave parameters out or send words instead of numbers: then its own words are shown.
        try:
            return [kind(composed(params))]
        except (IndexError, ValueError, OverflowError, OSError):
            return [kind(" ".join(params))]
    if verb in REFUSALS:
        return [Denied(_fill(REFUSALS[verb], params))]
    if verb in ANSWERS:
        return [Info(_fill(ANSWERS[verb], params))]
    # What the client does not know is shown in the server's words, so that no answer is lost.
    if not verb.isdigit():
        return [Info(" ".join([verb, *message.params]))]
    text = " ".join(params)
    if not text:
        return []
    return [Denied(text) if "400" <= verb <= "599" else Info(text)]


def _fill(template: str, params: list[str]) -> str:
    """Fill in a template. A parameter that the server left out is empty."""
    words = [*params, *[""] * 5]  # no template uses more than five
    return template.format(*words, text=params[-1] if params else "", rest=" ".join(params[1:]))


def _cannot_send(params: list[str]) -> str:
    why = params[-1].removeprefix("Cannot send to channel").strip(" ().")
    return f"{params[0]} does not take your message{f': {why}' if why else ''}."


def _not_permitted(params: list[str]) -> str:
    why = params[-1].removeprefix("Permission Denied").strip(" -")
    if "IRC operator" in why:
        return "You may not do that: it takes a moderator or an admin."
    return f"You may not do that: {why}"


def _wrong_password(params: list[str]) -> str:
    why = params[-1].removeprefix("Password incorrect").strip(" :")
    first, _, more = (why or "wrong name or password").partition(";")
    if first == "wrong name or password":
        return f"That password is wrong{f';{more}' if more else ''}."
    return f"{why[0].upper()}{why[1:]}."


def _who(params: list[str]) -> str:
    user, host, _, nick, flags, trailing = params[1:7]
    # "H" or "G" (gone: away), perhaps "*" for an operator of the server, then the signs of the channel.
    signs = "".join(sign for sign in flags if sign in "~&@%+")
    realname = trailing.partition(" ")[2]  # after the number of servers in between
    line = f"  {signs + nick:<20} {user}@{host}"
    if realname and realname != nick:
        line += f"  {realname}"
    if flags.startswith("G"):
        line += "  (away)"
    return line


def _list(params: list[str]) -> str:
    people = int(params[1])
    return f"  {params[0]:<20} {people:>4} {'person' if people == 1 else 'people'}  {params[2]}".rstrip()


def _idle(params: list[str]) -> str:
    line = f"  idle for {_span(int(params[1]))}"
    if len(params) > 3:
        signed_on = datetime.fromtimestamp(int(params[2]), UTC).astimezone()
        line += f", here since {signed_on:%Y-%m-%d %H:%M}"
    return line


def _span(seconds: int) -> str:
    """Return a length of time in its largest unit, rounded down."""
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


_COMPOSED: dict[str, Callable[[list[str]], str]] = {
    "317": _idle,
    "322": _list,
    "352": _who,
    "353": lambda params: f"In {params[1]}: {', '.join(params[-1].split())}",
    "372": lambda params: params[0].removeprefix("- "),
    "404": _cannot_send,
    "464": _wrong_password,
    "481": _not_permitted,
    "371": lambda params: params[0],
}
