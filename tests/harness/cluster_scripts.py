"""Random days in a cluster: who comes, what they say, what is lost, and when the nodes read of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from harness.cluster_sides import MEMORY, Sides
from harness.random_lines import ACCOUNTS, NICKS, random_input
from harness.world import make_settings
from hypothesis import strategies as st

from chatroom.config import Settings

EVERYTHING = (
    "batch labeled-response echo-message message-tags server-time account-tag account-notify away-notify chghost "
    "extended-join invite-notify multi-prefix userhost-in-names setname standard-replies cap-notify "
    "draft/multiline draft/metadata-3 draft/read-marker draft/channel-rename draft/message-redaction "
    "draft/chathistory draft/event-playback extended-monitor draft/no-implicit-names"
)
CAPABILITIES = [
    "",
    "multi-prefix away-notify extended-join account-notify",
    "echo-message labeled-response batch message-tags",
    "server-time message-tags account-tag batch draft/multiline",
    "draft/metadata-3 batch extended-monitor away-notify",
    "znc.in/playback server-time",
    EVERYTHING,
]
NOT_THE_SAME = frozenset(
    # About the node, or about which numbers its database and clock give.
    ["MAP", "STATS", "INFO", "TIME", "LUSERS", "LINKS", "VERSION", "ADMIN", "REHASH", "AUDIT", "UPGRADE"]
)
NO_REPLAYS = {"replay_guests": 0, "replay_accounts_max": 0}
PEOPLE = [
    # Node, nick, capabilities, address, with a login.
    (0, "ada", 6, 1, True),
    (1, "una", 2, 2, True),
    (0, "una", 3, 2, True),
    (1, "guest", 0, 3, False),
    (2, "mo", 1, 4, True),
    (2, "eve", 4, 3, False),
]

nicks = st.sampled_from(NICKS[:7])
rooms = st.sampled_from(["#a", "#a", "#b", "#c"])
words = st.sampled_from(["hello", "\x01ACTION waves\x01", "x" * 400, "é" * 100])
ids = st.integers(0, 3).map("{{id:{}}}".format)
masks = st.sampled_from(["eve!*@*", "*!*@*", "~a:una", "~m:*!*@*", "~m:~a:vic"])
keys = st.sampled_from(["+k key", "-k key", "+l 2", "-l", "+f #c", "-f", "+j 2:9", "-j", "+F 1:60", "-F", "+W 5", "-W"])
flags = st.sampled_from([f"{sign}{letter}" for letter in "imnstzCHMRU" for sign in "+-"])
lines = st.one_of(
    st.builds("JOIN {}".format, rooms),
    st.builds("JOIN {},{} key".format, rooms, rooms),
    st.builds("PART {} :{}".format, rooms, words),
    st.builds("KICK {} {} :{}".format, rooms, nicks, words),
    st.builds("INVITE {} {}".format, nicks, rooms),
    st.builds("KNOCK {} :let me in".format, rooms),
    st.builds("TOPIC {} :{}".format, rooms, words),
    st.builds("MODE {0} {1} {2} {2}".format, rooms, st.sampled_from(["+o", "-o", "+v", "-v", "+ov"]), nicks),
    st.builds("MODE {} {}".format, rooms, st.one_of(flags, keys)),
    st.builds("MODE {} {} {}".format, rooms, st.sampled_from(["+b", "-b", "+e", "-e", "+I", "-I"]), masks),
    st.builds("CBAN {} {} 1m :x".format, rooms, masks),
    st.builds("RENAME {} {} :why".format, rooms, rooms),
    st.builds("PRIVMSG {} :{}".format, st.one_of(rooms, nicks), words),
    st.builds("PRIVMSG {} :{}".format, rooms, words),
    st.builds("NOTICE {},{} :{}".format, rooms, nicks, words),
    st.builds("@+draft/react=x;+draft/reply={} TAGMSG {}".format, ids, rooms),
    st.builds("REDACT {} {} :no".format, st.one_of(rooms, nicks), ids),
    st.builds("MARKREAD {} timestamp=2030-05-01T12:00:0{}.000Z".format, st.one_of(rooms, nicks), st.integers(0, 9)),
    st.builds("METADATA {} SET {} :{}".format, st.sampled_from(["*", "#a"]), st.sampled_from(["avatar", "x"]), words),
    st.builds("METADATA * SUB {}".format, st.sampled_from(["avatar", "x"])),
    st.builds("MONITOR + {},{}".format, nicks, nicks),
    st.builds("NICK {}".format, nicks),
    st.builds("ACCEPT {}{}".format, st.sampled_from(["", "-"]), nicks),
    st.builds("AWAY :{}".format, st.sampled_from(["", "gone"])),
    st.builds("SETNAME :{}".format, words),
    st.builds("WHOIS {0} {0}".format, nicks),
    st.builds("MODE {} {}".format, nicks, st.sampled_from(["+i", "-i", "+R", "-R", "+T", "+B", "-B", "+w", "-o"])),
    st.builds("KILL {} :out".format, nicks),
    st.builds("NICKSERV IDENTIFY {} {}".format, st.sampled_from(ACCOUNTS), st.just("open sesame")),
    st.builds("OPER {} :{}".format, st.sampled_from(ACCOUNTS), st.just("open sesame")),
    st.builds("UBAN ADD {} 1h :spam".format, st.sampled_from(["eve", "10.0.0.3", "una"])),
    st.builds("FILTER ADD {} hello spam".format, st.sampled_from(["refuse", "mute 1m", "kick"])),
    st.sampled_from(
        [
            *("NICKSERV LOGOUT", "REGISTER * * :open sesame", "NICKSERV SET ALWAYS-ON ON", "NICKSERV DROP open sesame"),
            *("WALLOPS :all", "QUIT :bye", "JOIN 0", "LOCKDOWN accounts-only", "LOCKDOWN off", "FILTER DEL 1"),
            *("UBAN DEL eve", "UBAN DEL 10.0.0.3", "ACCEPT *", "METADATA * CLEAR", "AUTHENTICATE PLAIN"),
            *("CAP REQ :-echo-message", "CAP REQ :draft/metadata-3 batch", "CAP REQ :-away-notify -message-tags"),
        ]
    ),
)
labels = st.sampled_from(["", "", "", "", "@label=l "])
labelled = st.builds(lambda label, line: line if line.startswith("@") else label + line, labels, lines)
seeds = st.integers(0, 10**6)
who = st.integers(0, 9)
_GIVEN: dict[str, tuple[int, tuple[st.SearchStrategy[Any], ...]]] = {
    "say": (14, (who, labelled)),
    "say any": (6, (who, seeds)),
    "apply": (5, (st.integers(0, 3), st.integers(1, 4))),
    "together": (3, (st.lists(st.tuples(who, labelled), min_size=1, max_size=6),)),
    "refused": (1, (who, labelled)),
    "multiline": (1, (who, st.one_of(rooms, nicks), words)),
    "come": (2, (st.integers(0, 3), nicks, st.integers(0, 6), st.integers(1, 5), st.booleans())),
    "lose": (1, (who,)),
    "wait": (1, (st.sampled_from([1, 5, 61, 4000]),)),
    "hold": (1, (st.booleans(),)),
    "release": (1, (st.integers(1, 3),)),
    "shell": (
        1,
        (st.sampled_from(["promote", "demote", "disable", "delete", "ban"]), st.sampled_from(ACCOUNTS)),
    ),
    "add node": (1, ()),
    "lose node": (1, (st.integers(0, 3),)),
}
"""The kinds of steps: how often each comes, and what is given to it."""
_KINDS = [kind for kind, (count, _) in _GIVEN.items() for _ in range(count)]
steps = st.sampled_from(_KINDS).flatmap(lambda kind: st.tuples(st.just(kind), *_GIVEN[kind][1]))
# Hypothesis makes lists of about six. Several of them are long enough, and are made short again if a day fails.
days = st.tuples(*[st.lists(steps, max_size=15)] * 5).map(lambda parts: [step for part in parts for step in part])
House = tuple[int, bool, bool, bool, bool]
houses = st.tuples(st.integers(2, 4), st.booleans(), st.booleans(), st.booleans(), st.booleans())
"""How many nodes there are at first, and which settings are in force."""


def settings_of(*, joins: bool, always_on: bool, limits: bool, replays: bool) -> Settings:
    """Settings with joins in the history, users that are always on, limits, and replays at a JOIN, if wanted."""
    return make_settings(
        history={"joins": joins, "kicks": joins, "modes": joins} | ({} if replays else NO_REPLAYS),
        accounts={"always_on_max": 10 if always_on else 0},
        limits={"enabled": limits},
    )


def play(day: list[tuple[Any, ...]], house: House) -> None:
    """Play a day in both chats, and compare them."""
    nodes, joins, always_on, limits, replays = house
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        settings = settings_of(joins=joins, always_on=always_on, limits=limits, replays=replays)
        sides = Sides(Path(directory), settings, nodes)
        try:
            for node, nick, capabilities, site, login in PEOPLE:
                sides.come(node, nick, CAPABILITIES[capabilities], site, login=login, secure=False)
                sides.say(sides.count - 1, "JOIN #a")
            for step in day:
                act(sides, *step)
            sides.hold(False)
            sides.compare()
        finally:
            sides.close()


def act(sides: Sides, kind: str, *given: Any) -> None:
    """Do one step of a day."""
    if kind in _OF_A_CLIENT:
        number, *more = given
        _OF_A_CLIENT[kind](sides, number % sides.count, *more)
    else:
        _OF_THE_CHAT[kind](sides, *given)


def _say_any(sides: Sides, number: int, seed: int) -> None:
    line = random_input(Random(seed), moderates=seed % 3 == 0)
    if not (isinstance(line, str) and NOT_THE_SAME & set(line.upper().split())):
        sides.say(number, line)


def _say_lines(sides: Sides, number: int, target: str, text: str) -> None:
    for line in (f"BATCH +1 draft/multiline {target}", f"@batch=1 PRIVMSG {target} :{text}", "BATCH -1"):
        sides.say(number, line)


def _come(sides: Sides, node: int, nick: str, capabilities: int, site: int, secure: bool) -> None:
    sides.come(node, nick, CAPABILITIES[capabilities], site, login=True, secure=secure)


_OF_A_CLIENT: dict[str, Callable[..., None]] = {
    "say": Sides.say,
    "say any": _say_any,
    "refused": Sides.say_refused,
    "multiline": _say_lines,
    "lose": Sides.lose,
}
_OF_THE_CHAT: dict[str, Callable[..., None]] = {
    "together": lambda sides, lines: sides.say_together([(number % sides.count, line) for number, line in lines]),
    "come": _come,
    "shell": Sides.change_from_shell,
    "add node": Sides.add_node,
    "lose node": Sides.lose_node,
    "apply": Sides.apply,
    "wait": Sides.wait,
    "hold": Sides.hold,
    "release": Sides.release,
}
