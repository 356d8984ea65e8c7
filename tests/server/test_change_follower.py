"""Changes that other processes write, and what the world takes in of them."""

from __future__ import annotations

from pathlib import Path

from harness.world import SHELL, Here

from chatroom.server.change_follower import ChangeFollower
from chatroom.server.inbox import Task
from chatroom.storage.sqlite.sqlite_stores import open_stores


def test_a_deleted_account_does_not_bring_back_an_older_channel(tmp_path: Path) -> None:
    """The shell deletes an account before a topic is stored: the channel loses that account and nothing else."""
    path = tmp_path / "chat.db"
    with Here(path) as here, open_stores(path, writer="cli") as shell:
        una, bob = here.member("una"), here.member("bob")
        una.say("JOIN #tea", "TOPIC #tea :older")
        bob.say("JOIN #tea", "JOIN #cake")
        una.say("MODE #tea +o bob")
        tea, bob_id = here.channel("#tea"), shell.accounts.get("bob").id
        assert bob_id in tea.access
        assert here.channel("#cake").founder_id == bob_id
        tasks: list[Task] = []
        follower = ChangeFollower(here.world, tasks.append, here.stores.last_change_id())
        follower.look(here.stores)

        here.holding = True
        una.say("TOPIC #tea :newer")
        shell.accounts.delete(bob_id, SHELL)
        follower.look(here.stores)
        with here.tick():
            for task in tasks:
                task()
        assert tea.topic == "newer"
        assert bob_id not in tea.access
        assert here.channel("#cake").founder_id is None

        here.release()
        stored = shell.channels.find("#tea")
        assert stored is not None
        assert stored.topic == "newer"
        assert bob_id not in stored.access
        assert una.ask("TOPIC #tea")[0].endswith(":newer")
