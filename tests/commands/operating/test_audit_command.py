"""AUDIT: moderators read who did what to whom."""

from __future__ import annotations

from harness.session_client import Client
from harness.world import Here, verbs

from chatroom.chat.stored.records import Actor, Role


def texts(client: Client, line: str) -> list[str]:
    """The texts of the answers."""
    return [answer.partition(" :")[2] for answer in client.ask(line)]


def test_the_newest_entries_come_first_and_older_ones_by_id(here: Here) -> None:
    """Each has an id, its action, who did it and to whom as words of their own; the end says how to go on."""
    mona = here.moderator("mona", caps="standard-replies")
    for name in ("eve", "mallory", "trent"):
        mona.say(f"UBAN ADD {name} 1d spam")
    first, second, end = mona.ask("AUDIT 2")
    assert " NOTE AUDIT ENTRY 4 ban.add mona trent :2030-05-01 12:00:00Z mona (" in first
    assert " NOTE AUDIT ENTRY 3 ban.add mona mallory :" in second
    assert end.endswith(" NOTE AUDIT END 2 2 :2 entries; AUDIT 2 3 shows those before")
    older = texts(mona, "AUDIT 50 3")
    assert "ban.add eve" in older[0]
    assert older[-1] == "1 entry"


def test_moderators_read_nothing_of_accounts_and_files(here: Here) -> None:
    """Admins read all of it, in one line each."""
    here.stores.audit.add(Actor("root", "cli"), "user.passwd", "ada", "")
    here.stores.audit.add(Actor("root", "cli"), "kick", "eve", "a\nb")
    mona, ada = here.moderator("mona"), here.admin()
    assert not any("user." in text for text in texts(mona, "AUDIT"))
    listed = texts(ada, "AUDIT")
    assert any("root (cli) user.passwd ada" in text for text in listed)
    assert any(text.endswith("root (cli) kick eve: a b") for text in listed)


def test_it_is_for_moderators_and_takes_numbers(here: Here) -> None:
    """A guest reads 481, and so does who is no moderator any more when the answer comes."""
    assert verbs(here.connect("guest").ask("AUDIT")) == ["481"]
    mona = here.moderator("mona")
    for wrong in ("AUDIT all", "AUDIT 0", "AUDIT 5 x", f"AUDIT {'9' * 5000}"):
        assert "INVALID_PARAMS" in mona.ask(wrong)[0]
    here.holding = True
    mona.ask("AUDIT")
    here.set_role("mona", Role.USER)
    here.release()
    assert "481" in verbs(mona.read())
