from __future__ import annotations

import string
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, START, Here, change_settings, make_settings, sasl_plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.enforcement import apply_rules
from chatroom.chat.reload import use_settings
from chatroom.chat.stored.entries import first_message_id, msgid_of
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import COMMANDS
from chatroom.irc import numerics
from chatroom.irc.framing import LINE_BYTES, Malformed
from chatroom.irc.message import parse

FIXED_TEXTS = {
    numeric.code: numeric.text
    for numeric in vars(numerics).values()
    if isinstance(numeric, numerics.Numeric) and numeric.text is not None
}
FIRST_MSGID = msgid_of(first_message_id(int(START.timestamp() * 1000)))
"""The msgid of the first message that is stored."""
EARLY, LATE = "timestamp=2029-01-01T00:00:00.000Z", "timestamp=2031-01-01T00:00:00.000Z"
NICKS = ["alice", "bob", "ada", "mo", "una", "Alice", "newcomer", "ghost", "x" * 32, "é" * 16, "ALICE"]
CHANNELS = ["#lobby", "#a", "#b", "#LOBBY", "#" + "c" * 63, "#é", "&local", "#", "0"]
MODES = ["+b", "-b", "+o", "-o", "+k", "-k", "+l", "+imnst", "-imnst", "+e", "+I", "b", "+v", "+i", "-i", "+w", "+beI"]
ODD = [
    "",
    ":",
    "::",
    "::1",
    "*",
    ",",
    ",,,",
    "\x01ACTION\x01",
    "\x07",
    "ß",
    "İ",
    "\u200b",
    "0",
    "-1",
    "9" * 400,
    "+" * 300,
]
WORDS = [
    *["LS", "302", "REQ", "END", "LIST", "ADD", "DEL", "INFO", "FORCE", "--ip", "--name", "7d", "0s", "reason why"],
    *["multi-prefix", "-away-notify", "echo-message labeled-response", "PLAIN", "10.0.0.0/8", "2001:db8::/64"],
    *["127.0.0.1", "::ffff:1.2.3.4", "alice!*@*", "~a:una", "*!*@* and more", "a b c", "una", "ada", "*", "o"],
    *[f"una:{PASSWORD}", PASSWORD],
]
MEMORY = Path("/dev/shm")
"""For the databases of the examples: no waiting for a disk, because no test here is about durability."""
IN_BATCH = ["@batch=1 ", "@batch=1;draft/multiline-concat ", "@label=z;batch=1 "]
UNREADABLE = Malformed(Malformed.NOT_UTF8.fault, "@label=x PRIVMSG #lobby :\ufffd")
MALFORMED = [Malformed.TOO_LONG, Malformed.HAS_NUL, Malformed.NOT_UTF8, UNREADABLE]
verbs = st.sampled_from(sorted(COMMANDS)) | st.text(string.ascii_letters, min_size=1, max_size=12)
texts = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=300)
middles = st.sampled_from([*NICKS, *CHANNELS, *MODES, *WORDS, *ODD]) | texts
lists = st.lists(st.sampled_from([*NICKS, *CHANNELS]), min_size=1, max_size=6).map(",".join)
params = st.lists(st.sampled_from(NICKS) | st.sampled_from(CHANNELS) | middles | lists, max_size=5)
tags = st.sampled_from(
    ["", "", "", "@label=x1 ", "@+typing=active;label=y ", "@label=a\\:b;+draft/react=\\s ", "@ ", *IN_BATCH]
)
whole_lines = st.sampled_from(
    [
        *[f"JOIN {name}" for name in CHANNELS],
        *[sasl_plain("una"), sasl_plain("ada"), "AUTHENTICATE PLAIN", f"OPER ada :{PASSWORD}", f"PASS una:{PASSWORD}"],
        *[
            "CAP REQ :draft/multiline message-tags draft/channel-rename batch",
            "BATCH +1 draft/multiline #a",
            "BATCH -1",
        ],
        *[
            "@batch=1 PRIVMSG #a :one",
            "@batch=1;draft/multiline-concat PRIVMSG #a :two",
            "RENAME #a #b",
            "RENAME #b #a",
        ],
        *[
            "MODE #a +if #b",
            "MODE #b +if #a",
            "MODE #a +b ~m:~a:*",
            "MODE #a +MRC",
            "PRIVMSG @#a :x",
            "KICK #a,#b una,bob",
        ],
        *["CAP REQ :echo-message labeled-response batch away-notify", "MODE #a +b *!*@*", "MODE #lobby +ov alice bob"],
        *["PRIVMSG #a :said", "NOTICE una :said", "CHATHISTORY LATEST #a * 9", "CHATHISTORY LATEST una * 9"],
        *[
            "SEARCH in=#a",
            "SEARCH text=said",
            *(f"REDACT {name} {FIRST_MSGID} :no" for name in ("#a", "#lobby", "una")),
        ],
        *[f"CHATHISTORY TARGETS {EARLY} {LATE} 9", f"CHATHISTORY BETWEEN #lobby {LATE} {EARLY} 2"],
        *["CAP REQ :draft/chathistory draft/event-playback draft/message-redaction soju.im/search"],
        *["NICK una", "NICK Alice", "USER x 0 * :y", "CAP END", f"REGISTER * * :{PASSWORD}", "QUIT"],
        *[": :x y", ":a :b c", "@a :b :c d"],
    ]
)


@st.composite
def composed(draw: st.DrawFn) -> str:
    """A verb with parameters, with correct framing."""
    words = draw(params)
    line = draw(tags) + draw(verbs)
    if words:
        line += "".join(f" {word}" for word in words[:-1]) + draw(st.sampled_from([" ", " :"])) + words[-1]
    return line


def fit(line: str | Malformed) -> str | Malformed:
    """The part of a line that framing lets through."""
    if isinstance(line, Malformed):
        return line
    head, space, rest = line.partition(" ") if line.startswith("@") else ("", "", line)
    return head + space + rest.encode()[:LINE_BYTES].decode(errors="ignore")


lines = (composed() | whole_lines | texts | st.sampled_from(MALFORMED)).map(fit)
scripts = st.lists(st.tuples(st.integers(0, 7), lines, st.booleans()), min_size=1, max_size=25)
happenings = st.sampled_from(
    [*["promote", "demote", "disable", "delete", "register", "ban name", "ban address", "unban"], "reload", "vanish"]
)


@contextmanager
def full_house() -> Iterator[tuple[Here, list[Client]]]:
    """A world with a session of every kind, some of them in channels."""
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory,
        Here(Path(directory) / "chatroom.db", make_settings(), history=True) as here,
    ):
        here.account("ada", Role.ADMIN)
        here.account("mo", Role.MODERATOR)
        clients = [
            here.connect("alice"),
            here.connect("bob", caps="away-notify account-notify extended-join server-time", address="::1"),
            here.member("una", caps="labeled-response batch message-tags echo-message", address="2001:db8::1"),
            here.member("una", caps="labeled-response extended-join"),
            here.moderator(address="192.0.2.7"),
            here.admin(caps="labeled-response batch message-tags invite-notify"),
            here.open("10.9.9.9"),
            here.control(),
        ]
        for client in clients[:4]:
            client.say("JOIN #a")
        here.forget_unread()
        yield here, clients


def check_numerics(sent: list[str]) -> None:
    """A numeric with a fixed text has it as last parameter. A parameter before it with a space would break that."""
    for line in sent:
        message = parse(line)
        text = FIXED_TEXTS.get(message.verb)
        if text is not None and message.source == SERVER and len(line.encode()) < LINE_BYTES - 4:
            assert f":{text}" not in message.params[-1], line


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scripts)
def test_no_line_breaks_the_world(script: list[tuple[int, str | Malformed, bool]]) -> None:
    """Whatever the clients send, no verb fails. After every tick the world and every line sent are sound."""
    with full_house() as (here, clients):
        for who, line, released in script:
            here.holding = not released
            if not clients[who].session.closing:
                clients[who].say(line)
            if released:
                here.release()
            for client in clients:
                check_numerics(client.read())
        here.holding = False
        here.release()


def from_the_shell(here: Here, what: str, name: str) -> None:
    """Do something that no line of a session does."""
    account = here.stores.accounts.find(name)
    if what == "register":
        if account is None:
            here.account(name)
    elif what == "ban name":
        here.ban(name, "why not")
    elif what == "ban address":
        here.ban("2001:db8::/32", kind="ip")
    elif what == "unban":
        with here.tick():
            apply_rules(here.world, [(rule.id, None) for rule in here.world.bans])
    elif what == "reload":
        channels = tuple(channel for channel in ("#lobby", "#a", "#new") if channel[1] != name[0])
        with here.tick():
            use_settings(here.world, change_settings(here.world.settings, channels={"autojoin": channels}))
    elif what == "vanish":
        wearer = here.world.find_user(name)
        if wearer is not None:
            here.clients[wearer.sessions[-1].id].vanish()
    elif account is not None:
        change_account(here, what, name)


def change_account(here: Here, what: str, name: str) -> None:
    """Change or delete an account."""
    if what == "promote":
        here.set_role(name, Role.ADMIN)
    elif what == "demote":
        here.set_role(name, Role.USER)
    elif what == "disable":
        here.disable(name)
    else:
        here.delete(name)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(
        st.tuples(st.integers(0, 7), whole_lines | lines, st.booleans())
        | st.tuples(happenings, st.sampled_from(["una", "ada", "mo", "alice", "bob"])),
        max_size=30,
    )
)
def test_no_change_from_outside_breaks_the_world(script: list[tuple[Any, ...]]) -> None:
    """Accounts, bans and settings change while lines wait for the disk or a password check."""
    with full_house() as (here, clients):
        here.holding = True
        for step in script:
            if len(step) == 2:
                from_the_shell(here, *step)
            else:
                who, line, released = step
                if not clients[who].session.closing:
                    clients[who].say(line)
                if released:
                    here.release(1)
        here.release()


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(lines, min_size=1, max_size=15))
def test_a_guest_ends_no_session_but_its_own(script: list[str | Malformed]) -> None:
    """Whatever a guest without channel operator rights sends."""
    with full_house() as (_, clients):
        guest = clients[0]
        for line in script:
            if not guest.session.closing:
                guest.say(line)
        assert [client for client in clients[1:] if client.closed] == []
        guest.say("PING :still there")
        assert guest.closed or guest.read()[-1] == f":{SERVER} PONG {SERVER} :still there"


def unlabelled(sent: list[str]) -> list[str]:
    """The lines without tags, and without those that only open and close the batch of a label or acknowledge it."""
    bare = [line.partition(" ")[2] if line.startswith("@") else line for line in sent]
    return sorted(line for line in bare if parse(line).verb not in ("BATCH", "ACK"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.tuples(st.sampled_from([0, 2, 4, 5, 6]), whole_lines | composed()), min_size=1, max_size=12))
def test_a_label_changes_no_word_of_an_answer(script: list[tuple[int, str]]) -> None:
    """The same lines with and without labels are answered with the same words, and other users read the same."""
    answers: list[list[list[str]]] = []
    for labelled in (False, True):
        with full_house() as (_, clients):
            for client in clients[:7]:
                client.say("CAP REQ :labeled-response batch", "CAP END")
                client.read()
            heard = []
            for number, (who, line) in enumerate(script):
                line = line.partition(" ")[2] if line.startswith("@") else line
                if not clients[who].session.closing and parse(line).verb != "TAGMSG":  # which is about having tags
                    clients[who].say(fit(f"@label={number} {line}" if labelled else line))
                heard += [unlabelled(client.read()) for client in clients]
            answers.append(heard)
    assert answers[0] == answers[1]


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_no_verb_fails_without_parameters(verb: str) -> None:
    """Each verb is alone on its line, from every kind of session."""
    with full_house() as (_, clients):
        for client in clients:
            check_numerics(client.ask(verb))
