"""LOCKDOWN: who comes in, and who stays."""

from __future__ import annotations

from harness.session_client import Client
from harness.world import PASSWORD, Here, verbs

from chatroom.chat.stored.records import Role


def knock(here: Here, nick: str) -> Client:
    """Try to come in, with the account of the nick if there is one."""
    client = here.open()
    password = [f"PASS :{nick}:{PASSWORD}"] if here.world.accounts.find(nick) else []
    client.say(*password, f"NICK {nick}", f"USER {nick} 0 * :{nick}")
    return client


def test_only_accounts_come_in_and_those_present_stay(here: Here) -> None:
    """A guest is told what would help."""
    guest, mona = here.connect("guest"), here.moderator("mona")
    here.account("una")
    assert "accounts-only" in mona.ask("LOCKDOWN accounts-only")[-1]
    late = knock(here, "late")
    assert late.closed
    assert any("only users with an account" in line for line in late.read())
    assert not knock(here, "una").closed
    assert guest.ask("PING x")
    mona.say("LOCKDOWN off")
    assert not knock(here, "late").closed


def test_on_lets_in_only_moderators_and_admins(here: Here) -> None:
    """Those who must end it can always come."""
    here.account("una")
    here.account("ada", Role.ADMIN)
    here.moderator("mona").say("LOCKDOWN on")
    assert knock(here, "una").closed
    assert not knock(here, "ada").closed


def test_no_name_is_registered_meanwhile(here: Here) -> None:
    """Otherwise a guest who is present makes accounts for those outside."""
    guest = here.connect("guest")
    here.moderator("mona").say("LOCKDOWN accounts-only")
    assert " TEMPORARILY_UNAVAILABLE " in guest.ask(f"REGISTER * * :{PASSWORD}")[0]


def test_it_is_for_moderators_and_all_of_them_are_told(here: Here) -> None:
    """A guest reads 481. The other moderators, the log and the audit have who did it."""
    ada, mona = here.admin(), here.moderator("mona")
    assert verbs(here.connect("guest").ask("LOCKDOWN on")) == ["481"]
    ada.read()
    mona.say("LOCKDOWN on")
    assert any("mona set the lockdown to on" in line for line in ada.read())
    assert any("mona set the lockdown to on" in line for line in map(str, here.world.log_lines))
    assert [row.target for row in here.stores.audit.list_entries() if row.action == "server.lockdown"] == ["on"]
    assert "INVALID_PARAMS" in mona.ask("LOCKDOWN maybe")[0]
    assert "Lockdown on" in mona.ask("LOCKDOWN")[-1]


def test_the_shell_has_it_too(here: Here) -> None:
    """The control socket takes the same verb."""
    root = here.control()
    assert "Lockdown on" in root.ask("LOCKDOWN on")[-1]
    assert knock(here, "late").closed


def test_it_ends_when_its_time_is_over(here: Here) -> None:
    """The answer tells until when and by whom; without a time it stays until it is turned off."""
    mona = here.moderator("mona")
    answer = mona.ask("LOCKDOWN accounts-only 1h")[-1]
    assert answer.endswith("; until 2030-05-01 13:00:00 UTC; set by mona")
    assert mona.ask("LOCKDOWN")[-1] == answer
    assert knock(here, "early").closed
    here.wait(3600)
    assert not knock(here, "late").closed
    assert "Lockdown off" in mona.ask("LOCKDOWN")[-1]
    assert "; until it is turned off; set by mona" in mona.ask("LOCKDOWN accounts-only")[-1]
    for wrong in ("LOCKDOWN on soon", "LOCKDOWN off 1h"):
        assert "INVALID_PARAMS" in mona.ask(wrong)[0]


def test_it_survives_a_restart(here: Here) -> None:
    """State, end and author are as they were; one that was turned off is off."""
    answer = here.moderator("mona").ask("LOCKDOWN on 2d")[-1]
    here.restart()
    ada = here.admin()
    assert ada.ask("LOCKDOWN")[-1].partition("Lockdown")[2] == answer.partition("Lockdown")[2]
    assert knock(here, "late").closed
    assert any(line.endswith(answer.partition("Lockdown ")[2]) for line in here.control().ask("STATUS"))
    ada.say("LOCKDOWN off")
    here.restart()
    assert not knock(here, "later").closed
    rows = [row for row in here.stores.audit.list_entries() if row.action == "server.lockdown"]
    assert [(row.target, row.detail) for row in rows] == [
        ("on", "until 2030-05-03 12:00:00 UTC"),
        ("off", ""),
    ]


def test_it_acts_although_it_cannot_be_stored(here: Here) -> None:
    """The moderator is warned that a restart knows nothing of it."""
    mona = here.moderator("mona")
    here.stores.database.execute("DROP TABLE lockdown")
    answers = mona.ask("LOCKDOWN accounts-only")
    assert "NOT STORED" in answers[0]
    assert "Lockdown accounts-only" in answers[-1]
    assert knock(here, "late").closed


def test_what_could_not_be_stored_is_stored_when_it_is_said_again(here: Here) -> None:
    """Otherwise a lockdown that was turned off on a full disk would be back after a restart."""
    mona = here.moderator("mona")
    mona.say("LOCKDOWN on")
    here.stores.database.execute("ALTER TABLE lockdown RENAME TO gone")
    assert "after a restart, it is as it was before" in mona.ask("LOCKDOWN off")[0]
    here.stores.database.execute("ALTER TABLE gone RENAME TO lockdown")
    mona.say("LOCKDOWN off", "LOCKDOWN off")
    here.restart()
    assert not knock(here, "late").closed
    rows = [row.target for row in here.stores.audit.list_entries() if row.action == "server.lockdown"]
    assert rows == ["on", "off"]  # the third changes nothing
