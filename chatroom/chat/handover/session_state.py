"""A session as a document: what the client has negotiated, how far it has registered, and what it has spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.sasl_exchange import SaslExchange
from chatroom.chat.handover.document import (
    Document,
    caps_from_names,
    caps_to_names,
    put_attributes,
    take_attributes,
)
from chatroom.chat.people.held_registration import HeldRegistration
from chatroom.chat.people.line_rates import limit_lines
from chatroom.chat.people.multiline_batch import MultilineBatch
from chatroom.chat.people.session import Registration, Session
from chatroom.chat.stored.entries import Part
from chatroom.chat.stored.records import AccountData

if TYPE_CHECKING:
    from chatroom.chat.world import World

PLAIN = (
    "id",
    "version",
    "address",
    "address_text",
    "host",
    "gateway",
    "secure",
    "certificate",
    "connected_ms",
    "opened_mono_ms",
    "heard_mono_ms",
    "pinged_mono_ms",
    "login_tries",
    "cap_version",
    "stepped_down",
)
"""The attributes of a session that are written as they are."""
PLAIN_REGISTRATION = (
    "nick",
    "refused_nick",
    "username",
    "realname",
    "passwords",
    "server_password_given",
    "has_spoken",
    "cap_open",
    "told_account_id",
    "away",
    "listing",
    "channel",
)
PLAIN_BATCH = ("reference", "target", "tags", "label", "opened_mono_ms", "verb", "size", "failed")
PLAIN_HELD = ("name", "email", "password", "request_id")


def is_at_rest(session: Session) -> bool:
    """True if nothing of the session is under way that only this process knows: its state can be a document.

    ``unread`` is not asked: it is empty between two ticks.
    """
    return not session.closing and not session.waiting and session.labelled_reply is None and session.control is None


def session_to_state(world: World, session: Session) -> Document:
    """Write a session. It may also be one that is not at rest, and ends when the next daemon has it."""
    sasl = session.sasl
    return {
        **take_attributes(session, PLAIN),
        "caps": caps_to_names(session.caps),
        "subscriptions": list(session.subscriptions),
        "oper": session.oper.id if session.oper is not None else None,
        "sasl": _sasl_to_state(sasl) if sasl is not None else None,
        "registration": _registration_to_state(session.registration) if session.registration is not None else None,
        "held": take_attributes(session.held, PLAIN_HELD) if session.held is not None else None,
        "batch": _batch_to_state(session.batch) if session.batch is not None else None,
        "budget_full_at_us": session.budget.to_state() if session.budget is not None else None,
        "monitored": world.monitors.nicks(session),
    }


def session_from_state(world: World, state: Document) -> Session:
    """Make a session, without its user, its connection and its rights by OPER."""
    session = world.session_kind(
        state["id"], state["address_text"], state["version"], state["address"], state["host"], state["connected_ms"]
    )
    put_attributes(session, PLAIN, state)
    session.set_capabilities(caps_from_names(state["caps"]))
    session.subscriptions = tuple(state["subscriptions"])
    session.registration = None
    if state["registration"] is not None:
        session.registration = _registration_from_state(world, state["registration"])
    if state["held"] is not None:
        session.held = HeldRegistration(*(state["held"][name] for name in PLAIN_HELD))
    if state["batch"] is not None:
        session.batch = _batch_from_state(state["batch"])
    sasl = state["sasl"]
    if sasl is not None and sasl["pieces"] is not None:
        session.sasl = SaslExchange(sasl["mechanism"])
        session.sasl.buffer.use_state(sasl["pieces"])
    limit_lines(session, world.settings)
    if session.budget is not None and state["budget_full_at_us"] is not None:
        session.budget.use_state(state["budget_full_at_us"])
    return session


def lost_its_login(state: Document) -> bool:
    """True if the session was in an exchange that has secrets of the earlier process: it has to begin the login anew.

    That is SCRAM behind the client's first message.
    """
    return state["sasl"] is not None and state["sasl"]["pieces"] is None


def _sasl_to_state(sasl: SaslExchange) -> Document:
    pieces = sasl.buffer.to_state() if sasl.scram is None else None
    return {"mechanism": sasl.mechanism, "pieces": pieces}


def account_data_to_state(data: AccountData) -> Document:
    """Write the data of an account or a guest."""
    return {"markers": data.markers, "metadata": data.metadata, "cleared": data.cleared, "is_bot": data.is_bot}


def account_data_from_state(state: Document) -> AccountData:
    """Make the data of an account or a guest."""
    return AccountData(state["markers"], state["metadata"], state["cleared"], state.get("is_bot", False))


def _registration_to_state(registration: Registration) -> Document:
    data = registration.account_data
    return {
        **take_attributes(registration, PLAIN_REGISTRATION),
        "account": registration.account.id if registration.account is not None else None,
        "account_data": account_data_to_state(data) if data is not None else None,
    }


def _registration_from_state(world: World, state: Document) -> Registration:
    registration = Registration()
    put_attributes(registration, PLAIN_REGISTRATION, state)
    if state["account"] is not None:
        registration.account = world.accounts.find_by_id(state["account"])
    if state["account_data"] is not None:
        registration.account_data = account_data_from_state(state["account_data"])
    return registration


def _batch_to_state(batch: MultilineBatch) -> Document:
    return {**take_attributes(batch, PLAIN_BATCH), "lines": [[part.text, part.concat] for part in batch.lines]}


def _batch_from_state(state: Document) -> MultilineBatch:
    batch = MultilineBatch(state["reference"], state["target"], state["tags"], state["label"], state["opened_mono_ms"])
    put_attributes(batch, PLAIN_BATCH, state)
    batch.lines = [Part(text, concat) for text, concat in state["lines"]]
    return batch
