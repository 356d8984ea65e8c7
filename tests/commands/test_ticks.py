from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

from harness.session_client import Client
from harness.world import Here, make_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.stored.records import Role

NICKS = ["alice", "bob", "carl", "una", "ada"]
CHANNELS = ["#lobby", "#g", "#h"]
CAPABILITIES = ["server-time", "message-tags", "echo-message", "extended-join", "away-notify", "labeled-response batch"]
MEMORY = Path("/dev/shm")

nicks, channels, rooms = st.sampled_from(NICKS), st.sampled_from(CHANNELS), st.sampled_from(["#g", "#h"])
labels = st.sampled_from(["", "", "@label=x "])
texts = st.sampled_from(["hi", "one two", "", "é"])
lines = st.one_of(
    st.builds("PRIVMSG {} :{}".format, channels | nicks, texts),
    st.builds("PRIVMSG {} :{}".format, channels | nicks, texts),
    st.builds("PRIVMSG {},{},{} :x".format, channels, nicks, channels),
    st.builds("JOIN {}".format, channels),
    st.builds("JOIN {}".format, channels),
    st.builds("PART {}".format, channels),
    st.builds("NICK {}".format, nicks | st.sampled_from(["dora", "ALICE"])),
    st.builds("KICK {} {} :out".format, rooms, nicks),
    st.builds("INVITE {} {}".format, nicks, channels),
    st.builds("MODE {} {}".format, rooms, st.sampled_from(["+m", "-n", "+v bob", "+i", "+o una"])),
    st.builds("TOPIC {} :{}".format, rooms, texts),
    st.builds("AWAY :{}".format, texts),
    st.builds("KILL {} :rude".format, nicks),
    st.builds("CAP REQ :{}".format, st.sampled_from([*CAPABILITIES, "-server-time", "-echo-message", "-away-notify"])),
    st.builds("@+x TAGMSG {}".format, channels | nicks),
    st.sampled_from(["QUIT :bye", "WHOIS alice", "NAMES #g", "MODE alice +i", "JOIN 0", "PING :x", "SETNAME :other"]),
)
scripts = st.lists(st.tuples(st.integers(0, 5), labels, lines), min_size=1, max_size=40)


def play(script: list[tuple[int, str, str]], cuts: set[int] | None) -> list[str]:
    """Run the script with one tick between two cuts, or (None) a tick for each line. Returns what each client read."""
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory,
        Here(Path(directory) / "chatroom.db", make_settings()) as here,
    ):
        here.account("una", Role.USER)
        here.account("ada", Role.ADMIN)
        clients = [
            here.connect("alice", caps="server-time message-tags account-tag"),
            here.connect("bob", caps="echo-message away-notify extended-join"),
            here.connect("carl"),
            here.connect("una", login="una", caps="labeled-response batch"),
            here.connect("una", login="una", caps="message-tags"),
            here.connect("ada", login="ada", caps="echo-message labeled-response batch invite-notify"),
        ]
        rock = here.connect("rock")  # never leaves: no channel ends, and none is founded anew by an account
        for client in (rock, clients[0], clients[2]):
            client.say("JOIN #g,#h")
        rock.say("MODE #g +o alice", "MODE #h +o carl")
        if cuts is None:
            say_all(clients, script)
        else:
            bounds = sorted({0, len(script), *(cut for cut in cuts if cut < len(script))})
            for start, end in pairwise(bounds):
                with here.tick():
                    say_all(clients, script[start:end])
        return ["\n".join(client.read()) for client in clients]


def say_all(clients: list[Client], script: list[tuple[int, str, str]]) -> None:
    """Say lines, except those of sessions that have ended."""
    for who, label, line in script:
        if not clients[who].session.closing:
            clients[who].say(line if line.startswith("@") else label + line)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scripts, st.sets(st.integers(1, 40), max_size=5))
def test_how_lines_fall_into_ticks_changes_no_byte(script: list[tuple[int, str, str]], cuts: set[int]) -> None:
    """With a tick for each line, or forty lines in one, every session reads the same bytes."""
    assert play(script, cuts) == play(script, None)
