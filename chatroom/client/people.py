"""What is known of other users: who is away, which account they have, and the name that they want to be shown by.

Source: IRCv3 away-notify, account-notify, extended-join and metadata (``display-name``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chatroom.client.chat_events import Event, PeopleChanged
from chatroom.irc.message import Message

METADATA = "draft/metadata-3"
DISPLAY_NAME = "display-name"
_LONGEST_NAME = 64


@dataclass(slots=True)
class Person:
    """One user, as far as anything is known that is not so for all."""

    account: str = ""
    """Empty if the user is a guest, or if that is not known."""
    away: bool = False
    display_name: str = ""
    """The user's own choice, and no proof of anything. Empty for none."""


class People:
    """The users that share a channel with the client's own.

    ``fold`` returns the form in which the server compares nicks, ``channels_of`` the names of the channels that a
    folded nick shares with the user.
    """

    def __init__(self, fold: Callable[[str], str], channels_of: Callable[[str], tuple[str, ...]]) -> None:
        self._fold = fold
        self._channels_of = channels_of
        self._known: dict[str, Person] = {}

    def reset(self) -> None:
        """Begin a new connection: nothing is known."""
        self._known.clear()

    def find(self, folded: str) -> Person | None:
        """Return what is known of a user; None if that is nothing."""
        return self._known.get(folded)

    def rename(self, old_folded: str, folded: str) -> None:
        """Follow a user to another nick."""
        person = self._known.pop(old_folded, None)
        if person is not None:
            self._known[folded] = person

    def forget_strangers(self, nicks: list[str]) -> None:
        """Forget those of the users who share no channel any more: nothing more is told of them."""
        for nick in nicks:
            folded = self._fold(nick)
            if folded in self._known and not self._channels_of(folded):
                del self._known[folded]

    def note(self, nick: str, *, account: str | None = None, away: bool | None = None) -> list[Event]:
        """Take note of a user's account (empty for none) or of being away; None leaves it as it is."""
        person = self._known.get(self._fold(nick)) or Person()
        return self._replace(
            nick,
            Person(
                person.account if account is None else account,
                person.away if away is None else away,
                person.display_name,
            ),
        )

    def _replace(self, nick: str, person: Person) -> list[Event]:
        folded = self._fold(nick)
        if person == (self._known.get(folded) or Person()):
            return []
        if person == Person():
            del self._known[folded]
        else:
            self._known[folded] = person
        return [PeopleChanged(nick, self._channels_of(folded))]

    # Messages of the server

    def on_away(self, message: Message) -> list[Event]:
        """AWAY with a text, or without one when the user is back."""
        return self.note(message.nick, away=bool(message.params and message.params[0]))

    def on_account(self, message: Message) -> list[Event]:
        """ACCOUNT with a name, or ``*`` when the user has logged out."""
        return self.note(message.nick, account=account_of(message, 0)) if message.params else []

    def on_metadata(self, message: Message) -> list[Event]:
        """METADATA of a user: ``<target> <key> <visibility> [<value>]``."""
        target, key, _, value = [*message.params, "", "", "", ""][:4]
        if key.lower() != DISPLAY_NAME or not target:
            return []
        person = self._known.get(self._fold(target)) or Person()
        name = " ".join(value.split())[:_LONGEST_NAME]
        return self._replace(target, Person(person.account, person.away, name))


def account_of(message: Message, index: int) -> str:
    """Return the account that a message names; empty for ``*``, which means none."""
    name = message.params[index] if index < len(message.params) else ""
    return "" if name in ("*", "0") else name
