"""Each attribute of what an upgrade hands over is either carried or made anew: a new one needs a decision here."""

from __future__ import annotations

from typing import Any

import pytest
from harness.world import Here

from chatroom.chat.admission.action_budgets import ActionBudgets
from chatroom.chat.admission.flood import LineBudget, LoginThrottle
from chatroom.chat.admission.sasl_exchange import SaslExchange
from chatroom.chat.delivery.conversation_times import ConversationTimes
from chatroom.chat.delivery.gate import Gate
from chatroom.chat.delivery.gated_ledger import GatedLedger
from chatroom.chat.delivery.ledger import Ledger
from chatroom.chat.delivery.monitors import MonitorLists
from chatroom.chat.delivery.outbox import Outbox
from chatroom.chat.handover import channel_state, session_state, user_state
from chatroom.chat.people.accept_lists import AcceptLists
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.flood_modes import SlowMode, Throttle
from chatroom.chat.people.held_registration import HeldRegistration
from chatroom.chat.people.multiline_batch import MultilineBatch
from chatroom.chat.people.online_directory import OnlineDirectory
from chatroom.chat.people.server_mutes import ServerMutes
from chatroom.chat.people.session import Registration, Session
from chatroom.chat.people.spam_guard import SpamGuard
from chatroom.chat.people.user import User
from chatroom.chat.people.whowas import WhowasList
from chatroom.chat.stored.records import AccountData
from chatroom.irc.framing import LineBuffer
from chatroom.irc.sasl import ResponseBuffer
from chatroom.server.connection import Connection
from chatroom.server.websocket import WebSocketStream
from chatroom.server.websocket_connection import WebSocketConnection

CARRIED: dict[type, set[str]] = {
    Session: {
        *session_state.PLAIN,
        *("caps", "subscriptions", "oper", "sasl", "registration", "held", "batch", "budget"),
    },
    Registration: {*session_state.PLAIN_REGISTRATION, "account", "account_data"},
    MultilineBatch: {*session_state.PLAIN_BATCH, "lines"},
    HeldRegistration: {*session_state.PLAIN_HELD},
    SaslExchange: {"mechanism", "buffer"},
    ResponseBuffer: {"_pieces"},
    LineBudget: {"_full_at_us"},
    User: {
        *user_state.PLAIN,
        *user_state.OF_NAME,
        *("account", "_account_data", "guest_messages", "invisible", "invited", "former_addresses", "sessions"),
        "channels",
    },
    AccountData: {"markers", "metadata", "cleared", "is_bot"},
    Channel: {
        *channel_state.PLAIN,
        *("name", "stored", "flags", "access", "lists", "ended_bans", "join_throttle", "nick_throttle", "slow_mode"),
        *("members", "joined_after"),
    },
    Throttle: {"most", "period_s", "_moments"},
    SlowMode: {"interval_s", "_inside", "_outside"},
    OnlineDirectory: {"account_data", "unregistered", "most_users", "last_guest_number"},
    WhowasList: {"_by_nick"},
    AcceptLists: {"_accepted"},
    MonitorLists: {"_by_session"},
    SpamGuard: {"mutes"},
    ServerMutes: {"_by_key"},
    LoginThrottle: {"_tries"},
    ActionBudgets: {"_full_at_ms"},
    Outbox: {"seq", "times"},
    ConversationTimes: {"_earliest_ms"},
    LineBuffer: {"_tail", "_overlong"},
    Connection: {"session", "lines", "uncut", "_socket", "_source", "_backlog", "behind"},
    WebSocketConnection: {"_stream"},
    WebSocketStream: {"opcode", "_is_text", "_is_cut", "_message", "_partial"},
}
ANEW: dict[type, dict[str, str]] = {
    Session: {
        "connection": "the new daemon's own",
        "thread": "the new daemon's own",
        "user": "the user names its sessions",
        "control": "sessions of the control socket are not handed over",
        "variant": "follows from caps",
        "unread": "empty between two ticks",
        "settled_seq": "nothing is in the logs of channels between two ticks",
        "labelled_reply": "a session with one is not at rest",
        "waiting": "a session that waits is not at rest",
        "_waits": "a session that waits is not at rest",
        "closing": "a session that ends is not at rest",
    },
    Registration: {},
    MultilineBatch: {},
    HeldRegistration: {},
    SaslExchange: {
        "scram": "has secrets of one process: the client is told to log in again",
        "named": "belongs to scram",
        "proven": "belongs to scram",
    },
    ResponseBuffer: {"_size": "follows from _pieces"},
    LineBudget: {
        "_burst_us": "from the settings",
        "_line_us": "from the settings",
        "address": "from the session's address",
    },
    User: {"folded": "follows from nick", "prefix": "follows from nick, username and host"},
    AccountData: {},
    Channel: {
        "folded": "follows from name",
        "sessions": "those of the members",
        "configured": "from the settings",
        "number": "only verbs that wait compare it",
        "untold": "only in a cluster, whose nodes are not handed over",
    },
    Throttle: {},
    SlowMode: {},
    OnlineDirectory: {
        "by_account": "follows from the users",
        "operators": "follows from the sessions",
        "opered": "follows from the sessions",
        "invisible": "follows from the users",
    },
    WhowasList: {"_order": "follows from the entries", "_number": "only their order counts"},
    AcceptLists: {"_accepters": "the same the other way round"},
    MonitorLists: {"_by_nick": "the same the other way round"},
    SpamGuard: {
        "is_on": "follows from filters and mutes",
        "filters": "in the database",
        "unsaved": "stored before the standstill",
        "_saving": "stored before the standstill",
        "_counted": "stored before the standstill",
        "_looked_mono_ms": "the next look may come at once",
    },
    ServerMutes: {"_most_keys": "a constant"},
    LoginThrottle: {"_most_keys": "a constant"},
    ActionBudgets: {"_most_keys": "a constant"},
    Outbox: {
        "wall_ms": "set in each tick",
        "logs": "empty between two ticks",
        "replays": "a session in replay is not handed over",
        "_sessions": "empty between two ticks",
        "_writes": "empty between two ticks",
        "_apart": "empty between two ticks",
        "_copies": "empty between two ticks, unless something waits in a gate",
        "answers": "as _copies",
        "closed": "empty between two ticks",
    },
    ConversationTimes: {
        "_wall_ms": "set in each tick",
        "_most_ms": "set in each tick",
        "_last_ms": "all conversations take the latest of them",
        "_latest_ms": "belongs to _last_ms",
    },
    LineBuffer: {},
    Connection: {
        "_backlog_bytes": "follows from the backlog",
        "_gets_few": "follows from the next read",
        "_backlogs": "the new daemon's own",
        "_epoll": "the new daemon's own",
        "_mask": "what the epoll of the new daemon reports",
        "_shut": "a connection that cannot be written is not handed over",
        "_watched": "what the epoll of the new daemon reports",
        "at_end": "the socket says it again",
        "ended": "the socket says it again",
        "fd": "the new daemon's own",
        "paused": "follows from the lines",
        "queued": "follows from the lines",
        "state": "only open connections are handed over",
        "watch_second": "the new daemon's own",
    },
    WebSocketConnection: {
        "_admit": "for files",
        "_left": "for files",
        "_pages": "for files",
        "_visit": "for files",
        "_messages": "what one tick has sent",
        "_opened": "for the handshake",
        "_refused": "for the handshake",
    },
    WebSocketStream: {
        "_allowed_origins": "for the handshake",
        "_buffer": "empty between two messages",
        "_forwarders": "for the handshake",
        "_head": "for the handshake",
        "_idle_frames": "counted in one read",
        "_outgoing": "written with the read that made it",
        "_pages": "for files",
        "_protocol": "from the fragments and the partial frame",
        "asked": "for files",
        "ended": "the lines before it run, and then the connection ends",
        "forwarded": "for the handshake",
        "is_open": "only open connections are handed over",
        "is_pipelined": "for files",
        "refusal": "for the handshake",
    },
}


@pytest.mark.interpreted("a compiled class does not list its attributes")
@pytest.mark.parametrize("kind", CARRIED, ids=lambda kind: kind.__name__)
def test_every_attribute_is_carried_or_made_anew(kind: Any) -> None:
    """Each one stands in exactly one of the two tables above."""
    names = set(kind.__slots__)
    assert not CARRIED[kind] & set(ANEW[kind])
    assert CARRIED[kind] | set(ANEW[kind]) == names


OF_THE_WORLD = {
    **dict.fromkeys(
        ("settings", "runtime", "cloak", "accounts", "bans", "ledger", "lockdown"), "given to a new world, or stored"
    ),
    **dict.fromkeys(("start_wall_ms", "wall_ms", "start_mono_ms", "mono_ms"), "the clocks of the new daemon"),
    **dict.fromkeys(("sessions", "users", "channels", "online", "whowas", "monitors", "accepts", "spam"), "carried"),
    **dict.fromkeys(("throttle", "actions", "outbox"), "carried"),
    **dict.fromkeys(("user_kind", "channel_kind", "session_kind"), "the kind of the world tells them"),
    "nickserv": "made by the world",
    "founded": "follows from the channels",
    "channels_made": "only verbs that wait compare it",
    "channel_renames": "only verbs that wait compare it",
    "next_ban_end_ms": "the first tick looks",
    "costs": "debts of moments; that of each session is carried in its budget",
    "log_lines": "empty between two ticks",
    "work": "empty at the standstill",
    "retries": "no upgrade while there are some",
    "kept_failures": "stored",
    "whereabouts": "has no state",
    "unshown": "a session in replay is not handed over, and what was sent is confirmed before",
    "welcome": "rendered anew",
}


@pytest.mark.interpreted("a compiled class does not list its attributes")
def test_every_attribute_of_the_world_was_thought_of(here: Here) -> None:
    """A new one needs a line above, and perhaps a place in the document."""
    assert set(vars(here.world)) == set(OF_THE_WORLD)


@pytest.mark.interpreted("a compiled class does not list its attributes")
def test_the_ledger_has_nothing_of_its_own() -> None:
    """What it has to write is written before the standstill; the rest is read at the start, or from the settings."""
    assert set(Ledger.__slots__) == {
        *("_entries", "_is_busy", "_messages", "_renamed", "failure", "is_open", "told_failure"),
        *("_from_before", "hooks", "journal", "kinds", "last_message_id", "writes_channels", "writes_direct"),
    }


def test_a_gate_has_nothing_to_hand_over() -> None:
    """The standstill waits until it is empty (``GatedHub.is_at_rest``). Its numbers begin anew in each daemon."""
    assert set(GatedLedger.__slots__) == {"committer", "is_full", "renaming"}
    assert set(Gate.__slots__) == {
        *("_lowest", "_numbers", "_records", "_senders", "_sizes", "_waits", "lets_pass", "number", "size"),
    }
