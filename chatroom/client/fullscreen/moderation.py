"""What moderators look at and act on: bans, the audit, lockdowns. What the server lacks is not offered."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.chooser import Choice, Chooser, among
from chatroom.client.fullscreen.measures import Measures, may_moderate
from chatroom.client.fullscreen.program import Program
from chatroom.client.moderation_lists import LIST_MODES, Kind, Listing, Row
from chatroom.client.places.place import Place

_ADD = "+"
_COLUMNS = 76
"""How wide the text of one row is when it is shown whole."""
_LISTS = {
    "b": ("Bans", "who is kept out or muted"),
    "e": ("Exceptions", "who comes in despite a ban"),
    "I": ("Standing invitations", "who needs no invitation"),
}
_ROOM_MODES = {
    "m": "Only operators and voiced members speak",
    "i": "Only who is invited comes in",
    "R": "Only users with an account come in",
}
_STATES = {
    "accounts-only": ("Keep out new guests", "and register no names"),
    "on": ("Keep out everybody new", "but moderators and admins"),
    "off": ("Let everybody in", "ends the lockdown"),
}
_BANNED = re.compile(r"\+b (\S+)")


class Moderation:
    """Opens the lists. ``start`` runs a dialogue, ``enter`` carries out a command as if it were typed."""

    def __init__(
        self,
        app: Program,
        measures: Measures,
        start: Callable[[Coroutine[Any, Any, None]], None],
        enter: Callable[[str], None],
    ) -> None:
        self._app = app
        self._measures = measures
        self._start = start
        self._enter = enter
        self.actions: dict[str, Callable[[], object]] = {"moderate": self.choose}

    @property
    def _here(self) -> tuple[ChatSession, Place] | None:
        session = self._app.session
        front = session.places.front if session is not None else None
        return (session, front) if session is not None and front is not None else None

    def choose(self) -> None:
        """Show what there is to moderate, in the place in front and on its server."""
        if self._here is None:
            return
        session, place = self._here
        choices: list[Choice] = []
        if place.kind == "channel" and place.is_joined:
            kept = [mode for mode in LIST_MODES if mode in session.state.features.list_modes]
            choices += [Choice(mode, f"{_LISTS[mode][0]} of {place.name}", _LISTS[mode][1]) for mode in kept]
            if may_moderate(session, place):
                choices.append(Choice("room", f"Lockdown of {place.name}", "who may come in and speak"))
        if session.state.is_server_operator:
            choices += [
                Choice("server-bans", "Bans of the server", "names and addresses that are kept off"),
                Choice("audit", "Audit of the server", "who did what to whom"),
                Choice("lockdown", "Lockdown of the server", "who may come in while it is under attack"),
            ]
        self._app.open_chooser(Chooser("Moderate", among(choices), self._open, empty="There is nothing to moderate."))

    def _open(self, what: str) -> None:
        if self._here is None:
            return
        session, place = self._here
        if what in LIST_MODES:
            kind: Kind = "channel-bans" if what == "b" and session.state.is_ours else "masks"
            self._show(Listing(kind, place.name, what), place)
        elif what == "room":
            self._show_choices(
                Listing("modes", place.name),
                f"Lockdown of {place.name}",
                self._room_choices,
                lambda _, modes: self._lock(place, modes),
            )
        elif what == "server-bans":
            self._show(Listing("server-bans"), place)
        elif what == "audit":
            self._show(Listing("audit"), place)
        else:
            self._show_choices(Listing("lockdown"), "Lockdown of the server", _state_choices, self._lock_server)

    def _show_choices(
        self,
        listing: Listing,
        title: str,
        choices: Callable[[Listing], list[Choice]],
        then: Callable[[Listing, str], object],
        more: Callable[[], object] | None = None,
    ) -> None:
        """Show a list of the server's that fills while it answers."""
        if self._here is None:
            return
        session, _ = self._here

        def empty() -> str:
            return listing.why or ("Nothing matches." if listing.is_over else "Asking the server …")

        chooser = Chooser(
            title,
            lambda typed: among(choices(listing))(typed),
            lambda value: then(listing, value),
            empty=empty,
            more=more,
        )
        listing.changed = chooser.renew
        self._app.open_chooser(chooser)
        if session.online:
            session.talk.lists.ask(listing)
        else:
            listing.why = "You are not connected."
        chooser.renew()

    # Lists

    def _show(self, listing: Listing, place: Place) -> None:
        if self._here is None:
            return
        session, _ = self._here
        may = listing.kind == "server-bans" or may_moderate(session, place)

        def choices(listing: Listing) -> list[Choice]:
            found = [_choice(listing, index, row) for index, row in enumerate(listing.rows)]
            if listing.kind != "audit" and may and not listing.why:
                found.append(Choice(_ADD, "Add …", "" if listing.is_over else "the server has not sent all yet"))
            return found

        def more() -> None:
            # At the last row; the server has said if there are older ones.
            if listing.is_over and not listing.is_complete and not listing.why:
                session.talk.lists.ask(listing)

        def then(listing: Listing, value: str) -> None:
            if value == _ADD:
                self._start(self._add(listing, place))
            else:
                self._show_row(listing, listing.rows[int(value)], place, may=may)

        self._show_choices(listing, _title(listing), choices, then, more)

    def _again(self, listing: Listing, place: Place) -> None:
        # The channel may have another name by now.
        self._show(Listing(listing.kind, place.name if listing.target else "", listing.mode), place)

    def _show_row(self, listing: Listing, row: Row, place: Place, *, may: bool) -> None:
        """Show what can be done with one row."""
        acts: dict[str, tuple[Choice, Callable[[], object]]] = {}

        def offer(name: str, text: str, aside: str, act: Callable[[], object]) -> None:
            acts[name] = (Choice(name, text, aside), act)

        def lift(question: str, command: Callable[[], str]) -> None:
            offer("lift", question.rstrip("?"), "asks first", lambda: self._start(self._lift(question, command, back)))

        def copy() -> None:
            self._app.terminal.copy(_whole(listing, row))

        def back() -> None:
            self._again(listing, place)

        if listing.kind == "audit":
            self._offer_audited(row, offer, lift)
        elif may and listing.kind == "server-bans":
            lift(f"Lift the ban on {row.name}?", lambda: f"/unban --server {row.name}")
        elif may:
            lift(f"Take {row.name} off the list?", lambda: f"/mode {place.name} -{listing.mode} {row.name}")
        for number, text in enumerate(textwrap.wrap(_whole(listing, row), _COLUMNS)):
            offer(f"text-{number}", text, "", copy)
        offer("copy", "Copy", "", copy)
        offer("back", "Back to the list", "", back)
        choices = [choice for choice, _ in acts.values()]
        self._app.open_chooser(
            Chooser(row.target if listing.kind == "audit" else row.name, among(choices), lambda name: acts[name][1]())
        )

    def _offer_audited(
        self,
        row: Row,
        offer: Callable[[str, str, str, Callable[[], object]], None],
        lift: Callable[[str, Callable[[], str]], None],
    ) -> None:
        """Offer what can be done about an entry of the audit."""
        target = row.target
        banned = _BANNED.search(row.text) if row.action == "channel.mode" else None
        if target in ("", "*"):
            return
        if row.action == "ban.add":
            lift(f"Lift the ban on {target}?", lambda: f"/unban --server {target}")
        elif row.action == "ban.remove":
            offer("ban", f"Ban {target} again …", "shows who would be hit, then asks", lambda: self._ban(target))
        elif row.action == "kick":
            offer("ban", f"Ban {target} …", "shows who would be hit, then asks", lambda: self._ban(target))
            offer("look-up", f"Look up {target}", "", lambda: self._enter(f"/whois {target}"))
        elif banned is not None:
            mask = banned[1]
            lift(f"Lift the ban on {mask} in {target}?", lambda: f"/mode {target} -b {mask}")
        elif row.action == "server.lockdown":
            offer("lockdown", "Lockdown of the server …", "", lambda: self._open("lockdown"))

    def _ban(self, target: str) -> None:
        self._start(self._measures.ban_from_server(target, name=True, address=False))

    async def _lift(self, question: str, command: Callable[[], str], back: Callable[[], None]) -> None:
        if await self._measures.sure(question):
            self._enter(command())
        back()

    async def _add(self, listing: Listing, place: Place) -> None:
        questions = self._app.questions
        if listing.kind == "server-bans":
            who = (await questions.ask("Whom? A name, an address or a network: ")).strip()
            ask: Callable[[], Awaitable[None]] = lambda: self._measures.ban_from_server(who, name=True, address=False)  # noqa: E731
        else:
            who = (await questions.ask("Whom? A nick, an address or a mask such as *!*@host: ")).strip()
            ask = lambda: self._measures.ban_from_room(who, place)  # noqa: E731
        if not who or " " in who:
            self._app.tell("Nothing was done.")
        elif listing.mode != "b":
            self._enter(f"/mode {place.name} +{listing.mode} {who}")
        else:
            await ask()
        self._again(listing, place)

    # Lockdowns

    def _room_choices(self, listing: Listing) -> list[Choice]:
        session = self._app.session
        if session is None or not listing.rows:
            return []
        on = listing.rows[0].name
        offered = [mode for mode in _ROOM_MODES if mode in session.state.features.plain_modes]
        choices = [
            Choice(
                f"{'-' if mode in on else '+'}{mode}", _ROOM_MODES[mode], "on: Enter ends it" if mode in on else "off"
            )
            for mode in offered
        ]
        closed, opened = ("".join(mode for mode in offered if (mode in on) is not wanted) for wanted in (True, False))
        if len(closed) > 1:
            choices.append(Choice(f"+{closed}", "All of it", f"+{closed}"))
        if len(opened) > 1:
            choices.append(Choice(f"-{opened}", "Nothing of it", f"-{opened}"))
        return choices

    def _lock(self, place: Place, modes: str) -> None:
        self._enter(f"/mode {place.name} {modes}")
        self._open("room")

    def _lock_server(self, listing: Listing, state: str) -> None:
        self._start(self._set_lockdown(state))

    async def _set_lockdown(self, state: str) -> None:
        time = ""
        if state != "off":
            time = await self._measures.ask_time(f"{_STATES[state][0]}.", "until it is lifted")
        self._enter(f"/lockdown {state} {time}".rstrip())


def _title(listing: Listing) -> str:
    if listing.kind == "audit":
        return "Audit"
    return f"{_LISTS[listing.mode][0]} of {listing.target or 'the server'}"


def _state_choices(listing: Listing) -> list[Choice]:
    if not listing.rows:
        return []
    now = listing.rows[0].name
    return [
        Choice(state, text, f"{aside} (now: {listing.rows[0].text})" if state == now else aside)
        for state, (text, aside) in _STATES.items()
    ]


def _choice(listing: Listing, index: int, row: Row) -> Choice:
    if listing.kind == "audit":
        return Choice(f"{index}", row.text)
    muted = f"{row.name} (muted)" if row.name.startswith("~m:") else row.name
    return Choice(f"{index}", muted, row.text)


def _whole(listing: Listing, row: Row) -> str:
    return row.text if listing.kind == "audit" else f"{row.name} {row.text}".rstrip()
