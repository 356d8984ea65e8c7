"""A server that moved to another machine by ``chatroomctl export`` and ``import``."""

from __future__ import annotations

import subprocess

from harness.daemon import PASSWORD, Client, Daemon, Place, script


def hidden_host(client: Client) -> str:
    """The host that others see of the user called guest."""
    return next(line for line in client.ask("WHOIS guest") if " 311 " in line).split(" ")[5]


def test_nobody_has_to_do_anything(place: Place) -> None:
    """After the move the password, the channel, its topic, the hidden host and what was said are as before.

    The export is made while the old daemon runs, and goes to the import through a pipe.
    """
    place.create("ada")
    old = Daemon(place)
    with old.connect("ada", password=PASSWORD) as ada, old.connect("guest") as guest:
        ada.send("JOIN #tea", "TOPIC #tea :green", "PRIVMSG #tea :the kettle is on")
        ada.expect("TOPIC")
        host = hidden_host(ada)
        guest.collect()
        place.environment["CHATROOM_DATABASE__PATH"] = str(place.database)
        exported = subprocess.run(
            [script("chatroomctl"), "export", "-"], env=place.environment, capture_output=True, check=True, timeout=60
        )
    refused = subprocess.run(
        [script("chatroomctl"), "import", "--replace", "--yes", "-"],
        env=place.environment,
        input=exported.stdout,
        capture_output=True,
        timeout=60,
    )
    assert (refused.returncode, b"stop it first" in refused.stderr) == (1, True)
    assert old.stop() == 0
    with Place.make() as elsewhere:
        elsewhere.environment["CHATROOM_DATABASE__PATH"] = str(elsewhere.database)
        subprocess.run(
            [script("chatroomctl"), "import", "-"],
            env=elsewhere.environment,
            input=exported.stdout,
            check=True,
            timeout=60,
            stdout=subprocess.DEVNULL,
        )
        new = Daemon(elsewhere)
        with new.connect("ada", password=PASSWORD) as ada, new.connect("guest") as guest:
            assert hidden_host(ada) == host
            answers = "\n".join(ada.ask("TOPIC #tea", "NAMES #tea", "CHATHISTORY LATEST #tea * 5"))
            assert " 332 ada #tea :green" in answers
            assert "the kettle is on" in answers
            assert "@ada" in answers
            guest.collect()
        assert new.is_well()
        assert new.stop() == 0
