"""Random lines that users and attackers might send, made by a ``random.Random``, whose seed makes them again.

Most lines are valid commands about the users and channels of a small world, so that they do something. Those of
``_any_command`` are made from the command table, so a new verb is in them without a line here. The rest is malformed in
some way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from random import Random

from harness.world import PASSWORD, sasl_plain

from chatroom.commands.command_table import COMMANDS, Command
from chatroom.irc.framing import Malformed

NICKS = ["ada", "mo", "una", "vic", "guest", "eve", "mallory", "x" * 32]
"""``ada`` is an admin's account, ``mo`` a moderator's, ``una`` and ``vic`` are accounts. The rest are guests' nicks."""
ACCOUNTS = ["ada", "mo", "una", "vic"]
CHANNELS = ["#lobby", "#a", "#b", "#c", "#A", "#new", "#é"]
MASKS = [
    "*!*@*",
    "eve!*@*",
    "~a:una",
    "~m:*!*@*",
    "~m:~a:vic",
    "mallory",
    "*",
    "10.0.0.0/8",
    "2001:db8::1",
    "192.0.2.7",
]
TEXTS = [
    "hello",
    "\x01ACTION waves\x01",
    "\x01VERSION\x01",
    ":",
    "",
    " ",
    "é" * 100,
    "x" * 400,
    "\x02bold\x0f",
    "* * *",
]
MODES = [
    *("+o", "-o", "+v", "-v", "+b", "-b", "+e", "-e", "+I", "-I", "b", "+k", "-k", "+l", "-l", "+f", "-f"),
    *("+i", "-i", "+m", "-m", "+n", "-n", "+s", "-s", "+t", "-t", "+C", "+H", "-H", "+M", "-M", "+R", "-R", "+U", "-U"),
    *("+z", "-z", "+imnst", "-imnst", "+ov", "-ov", "+bbb", "+q", "+", "-", ""),
    *("+j 5:10", "-j", "+F 1:60", "-F", "+W 2", "+W", "-W", "+jFW 1:1 2:2 3"),
]
USER_MODES = ["+i", "-i", "+o", "-o", "+w", "+B", "-B", "+R", "-R", "+T", "-T", "+iw"]
CAPABILITIES = [
    *(
        "batch labeled-response echo-message message-tags",
        "draft/multiline batch message-tags",
        "server-time account-tag",
    ),
    *(
        "draft/chathistory draft/event-playback batch",
        "draft/metadata-3 batch",
        "draft/channel-rename",
        "-echo-message",
    ),
    *("invite-notify away-notify extended-join", "draft/read-marker", "draft/relaymsg", "standard-replies", "sasl"),
]


DURATIONS = ["1h", "2d", "0s", "30", "10m", "for ever"]
NUMBERS = ["0", "1", "5", "20", "-1", "99999999999999999999"]
SENTENCES = {"text", "reason", "realname", "topic"}
"""Placeholders of the command table that stand for a text with spaces. It is the last parameter."""


def random_input(random: Random, *, moderates: bool = False) -> str | Malformed:
    """Return a line, or now and then what framing makes of one that cannot be read.

    ``moderates``: it is for a moderator, who often uses what only moderators may.
    """
    if moderates and random.random() < 0.2:
        return _moderate(random)
    if random.random() < 0.005:
        return random.choice([Malformed.TOO_LONG, Malformed.HAS_NUL, Malformed(Malformed.NOT_UTF8.fault, "TOPIC #a x")])
    return random_line(random)


def random_line(random: Random) -> str:
    """Return a line."""
    kind = random.random()
    if kind < 0.05:
        return _nonsense(random)
    line = _any_command(random) if kind < 0.25 else random.choice(_MAKERS)(random)
    tags = random.random()
    if tags < 0.05:
        return f"@label=l{random.randrange(9)} {line}"
    if tags < 0.1:
        return f"@+draft/react={random.choice(['x', ''])};+typing=active {line}"
    if tags < 0.13:
        return f"@batch={random.randrange(3)} {line}"
    return line


def _nick(random: Random) -> str:
    return random.choice(NICKS)


def _nicks(random: Random) -> str:
    return ",".join(random.choices(NICKS, k=random.randint(1, 3)))


def _channel(random: Random) -> str:
    return random.choice(CHANNELS)


def _channels(random: Random) -> str:
    return ",".join(random.choices(CHANNELS, k=random.randint(1, 3)))


def _target(random: Random) -> str:
    kind = random.random()
    if kind < 0.5:
        return _channel(random)
    return f"{random.choice(['@', '+', '@+'])}{_channel(random)}" if kind < 0.55 else _nick(random)


def _mode(random: Random) -> str:
    words = [random.choice(MODES)]
    for _ in range(random.randint(0, 3)):
        words.append(random.choice([_nick(random), random.choice(MASKS), "5", "key", _channel(random)]))
    return f"MODE {_channel(random)} {' '.join(words)}"


def _login(random: Random) -> str:
    name = random.choice(ACCOUNTS)
    password = random.choice(["wrong", "wrong", "wrong", PASSWORD])
    return random.choice(
        [
            f"OPER {name} :{password}",
            f"NICKSERV IDENTIFY {name} {password}",
            f"PRIVMSG NickServ :IDENTIFY {password}",
            "AUTHENTICATE PLAIN",
            sasl_plain(name, password),
            f"PASS :{name}:{password}",
        ]
    )


def _moderate(random: Random) -> str:
    target = random.choice([_nick(random), random.choice(MASKS)])
    return random.choice(
        [
            f"KILL {_nick(random)} :out",
            f"UBAN ADD {target} 1h :spam",
            f"UBAN ADD FORCE {target} :spam",
            f"UBAN DEL {target}",
            "UBAN LIST",
            f"UBAN INFO {target}",
            f"NICKSERV SAREGISTER {_nick(random)} {PASSWORD}",
            "WALLOPS :all",
            f"CBAN {_channel(random)} {random.choice(MASKS)} 1h :x",
            f"CBAN -{_channel(random)} {random.choice(MASKS)}",
            _filter(random),
            _filter(random),
        ]
    )


def _filter(random: Random) -> str:
    action = random.choice(["refuse", "mute", "mute 1m", "kick", "ban", "ban 1h"])
    pattern = random.choice(["hello", "*bold*", "REGEX x{9}", "FORCE *", "eve", "*wave?*"])
    words = pattern.split(" ")  # what stands before the pattern comes before the action
    added = " ".join(["FILTER ADD", *words[:-1], action, words[-1], "spam"])
    numbers = [f"FILTER DEL {number}" for number in range(1, 6)]
    return random.choice([added, added, *numbers, "FILTER LIST", f"FILTER UNMUTE {_nick(random)}"])


def _read(random: Random) -> str:
    return random.choice(
        [
            f"NAMES {_channels(random)}",
            f"WHO {random.choice([_channel(random), _nick(random), random.choice(MASKS)])} %tcuihsnfdlaor,1",
            f"WHOIS {_nicks(random)}",
            f"WHOWAS {_nick(random)}",
            f"LIST {random.choice(['', _channels(random), '*a*', '>1'])}",
            f"CHATHISTORY {random.choice(['LATEST', 'BEFORE'])} {_target(random)} {random.choice(['*', 'msgid=1'])} 20",
            "CHATHISTORY TARGETS timestamp=2029-01-01T00:00:00.000Z timestamp=2031-01-01T00:00:00.000Z 20",
            f"SEARCH in={_channel(random)};text=hello",
            f"MARKREAD {_target(random)}",
            f"MONITOR + {_nicks(random)}",
            f"METADATA {_target(random)} {random.choice(['LIST', 'GET avatar', 'SET avatar :x', 'CLEAR', 'SYNC'])}",
            "METADATA * SUB avatar",
            f"PRIVMSG *playback :play {_target(random)} 0",
            f"REDACT {_target(random)} {random.randrange(99)} :no",
        ]
    )


_MAKERS = [
    lambda random: f"JOIN {_channels(random)} {random.choice(['', 'key', 'bad'])}",
    lambda random: f"JOIN {_channel(random)}",
    lambda random: f"PART {_channels(random)} :{random.choice(TEXTS)}",
    lambda random: f"PRIVMSG {_target(random)} :{random.choice(TEXTS)}",
    lambda random: f"PRIVMSG {_target(random)} :{random.choice(TEXTS)}",
    lambda random: f"NOTICE {_target(random)},{_target(random)} :{random.choice(TEXTS)}",
    lambda random: f"TAGMSG {_target(random)}",
    lambda random: f"RELAYMSG {_channel(random)} some/net :{random.choice(TEXTS)}",
    _mode,
    _mode,
    _mode,
    lambda random: f"MODE {_nick(random)} {random.choice(USER_MODES)}",
    lambda random: f"TOPIC {_channel(random)} :{random.choice(TEXTS)}",
    lambda random: f"KICK {_channel(random)} {_nicks(random)} :{random.choice(TEXTS)}",
    lambda random: f"INVITE {_nick(random)} {_channel(random)}",
    lambda random: f"KNOCK {_channel(random)}",
    lambda random: f"RENAME {_channel(random)} {_channel(random)} :why",
    lambda random: f"NICK {_nick(random)}",
    lambda random: f"AWAY :{random.choice(TEXTS)}",
    lambda random: f"SETNAME :{random.choice(TEXTS)}",
    lambda random: f"ACCEPT {random.choice([_nick(random), '-' + _nick(random), '*'])}",
    lambda random: f"CAP REQ :{random.choice(CAPABILITIES)}",
    lambda random: f"BATCH {random.choice('+-')}{random.randrange(3)} draft/multiline {_target(random)}",
    lambda random: f"REGISTER * * :{PASSWORD}",
    lambda random: f"USER {_nick(random)} 0 * :real",
    _login,
    _moderate,
    _read,
    _read,
]


@cache
def _verbs() -> list[str]:
    """Return all verbs of the command table. Not at import: the table is full when all modules of verbs are."""
    return sorted(COMMANDS)


@cache
def _own_words(verb: str) -> list[str]:
    """Return the words that a verb's help writes in capitals or in quotation marks: its subcommands, mostly."""
    command = COMMANDS[verb]
    text = " ".join([command.params, command.summary, *command.details])
    words = set(re.findall(r"\b[A-Z]{2,}\b|\b[a-z]+(?=\|)|(?<=\|)[a-z-]+|(?<=``)[^`\s]+(?=``)", text))
    return sorted(words - {verb})


def _any_command(random: Random) -> str:
    return line_of(random.choice(_verbs()), random)


def line_of(verb: str, random: Random) -> str:
    """Return a line of a verb, with parameters of the kinds that its entry in the command table names."""
    command = COMMANDS[verb]
    words = [command.verb]
    for optional, name in re.findall(r"(\[?)<([^>]+)>", command.params):
        if optional and random.random() < 0.3:
            break
        word = _fill_in(random, command, name)
        if name in SENTENCES:
            return " ".join([*words, f":{word}"])
        words.append(word)
    return " ".join(words)


def _fill_in(random: Random, command: Command, name: str) -> str:
    """Return a word for a placeholder of the command table."""
    own = _own_words(command.verb)
    if own and (name in ("subcommand", "command", "state", "+reference or -reference") or random.random() < 0.2):
        return random.choice(own)
    if name in SENTENCES:
        return random.choice(TEXTS)
    makers: dict[str, Callable[[Random], str]] = {
        "channel": _channel,
        "nick": _nick,
        "mask": lambda random: random.choice(MASKS),
        "target": _target,
        "duration": lambda random: random.choice(DURATIONS),
        "account": lambda random: random.choice(ACCOUNTS),
        "password": lambda random: random.choice(["wrong", PASSWORD]),
        "modes": lambda random: random.choice([*MODES, *USER_MODES]),
        "limit": lambda random: random.choice(NUMBERS),
    }
    for word, maker in makers.items():
        if word in name and random.random() < 0.9:
            return maker(random) if not name.endswith("s") or name == "modes" else f"{maker(random)},{maker(random)}"
    return random.choice([*NICKS, *CHANNELS, *MASKS, *DURATIONS, *NUMBERS, *MODES])


def _nonsense(random: Random) -> str:
    verb = random.choice([random.choice(_verbs()), "", ":", "\x01", "é", "X" * 600])
    words = [
        random.choice([*NICKS, *CHANNELS, *MASKS, *MODES, "", ":", "9" * 40]) for _ in range(random.randint(0, 16))
    ]
    return " ".join([verb, *words])
