"""Kicks and bans as dialogues: what must be known is asked, then they are carried out as if they had been typed."""

from __future__ import annotations

from collections.abc import Callable

from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.program import Program
from chatroom.client.moderating import is_duration
from chatroom.client.places.place import Place
from chatroom.client.whom import Whom

_REASON = "Reason (Enter for none): "
_FOREVER = "permanently"


def is_operator(session: ChatSession, place: Place) -> bool:
    """Tell if the user is an operator of a channel."""
    channel = session.state.find_channel(place.name)
    signs = channel.prefixes.get(session.state.fold(session.state.nick), "") if channel is not None else ""
    return any(sign in signs for sign in "~&@%!")


def may_moderate(session: ChatSession, place: Place) -> bool:
    """Tell if the user may kick and ban in a channel."""
    return session.state.is_server_operator or is_operator(session, place)


class Measures:
    """Asks, then acts. ``enter`` carries out a command as if it were typed. Each may raise ``Refused``.

    A channel is named by its place, because it may be renamed while a question is open.
    """

    def __init__(self, app: Program, enter: Callable[[str], None]) -> None:
        self._app = app
        self._enter = enter

    def _carry_out(self, *words: str) -> None:
        self._enter(" ".join(filter(None, (word.strip() for word in words))))

    async def sure(self, question: str) -> bool:
        """Ask a question that only a yes answers with yes."""
        if await self._app.questions.choose(f"{question} [y/N]: ") == "y":
            return True
        self._app.tell("Nothing was done.")
        return False

    async def ask_time(self, words: str, otherwise: str = _FOREVER) -> str:
        """Ask for how long, until the answer is a time or empty."""
        while True:
            answer = (await self._app.questions.ask(f"{words} How long? (30m, 7d; Enter: {otherwise}): ")).strip()
            if not answer or is_duration(answer):
                return answer
            self._app.chat.flash(f"{answer[:20]} is no time. Write 30m, 12h, 7d or 1d12h.")

    def _nick_of(self, whom: Whom | str) -> str:
        """Return the nick that a command names now. If the user has left, say so and return an empty text."""
        if isinstance(whom, str):
            return whom
        if whom.has_left:
            self._app.tell(f"{whom.nick} has left meanwhile, so nothing was done.", wrong=True)
            return ""
        return whom.nick

    async def kick(self, whom: Whom, room: Place | None) -> None:
        """Kick from a channel, or without one from the server."""
        reason = await self._app.questions.ask(f"Kick {whom.nick}. {_REASON}")
        if nick := self._nick_of(whom):
            self._carry_out("/kick", room.name if room is not None else "--server", nick, reason)

    async def ban_from_room(self, whom: Whom | str, room: Place, *, mute: bool = False) -> None:
        """Keep a nick or a mask out of a channel, or from speaking there. Only our server lifts it by itself."""
        who = whom if isinstance(whom, str) else whom.nick
        session = self._app.session
        time = reason = ""
        if session is not None and session.state.is_ours:
            time = await self.ask_time(f"{who} in {room.name}.")
            reason = await self._app.questions.ask(_REASON) if time else ""  # the server keeps none without a time
        elif not await self.sure(f"Ban {who} from {room.name}?"):
            return
        if who := self._nick_of(whom):
            self._carry_out("/ban", room.name, f"~m:{who}!*@*" if mute else who, time, reason)

    async def ban_from_server(self, whom: Whom | str, *, name: bool, address: bool) -> None:
        """Keep a name off the server, or the addresses that it is connected from, or both.

        First comes the server's answer whom that would hit; it is in the log above the question.
        """
        who = whom if isinstance(whom, str) else whom.nick
        if name:
            self._enter(f"/ban info {who}")
        if address:
            self._enter(f"/ban info --ip {who}")
        time = await self.ask_time(f"Ban {who} from the server.")
        reason = await self._app.questions.ask(_REASON)
        what = "name and address of " if name and address else "the address of " if address else ""
        who = self._nick_of(whom)
        sure = who and await self.sure(f"Ban {what}{who} from the whole server, {time or _FOREVER}?")
        if sure and (who := self._nick_of(whom)):
            # The address first: a ban of the name disconnects, and then there is no address to ban.
            if address:
                self._carry_out("/ban", "--ip", who, time, reason)
            if name:
                self._carry_out("/ban", "--server", who, time, reason)
