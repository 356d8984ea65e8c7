"""CERT, and the same in NickServ: the certificates of an account."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SHELL, Here, verbs

from chatroom.chat.admission.credentials import make_credentials
from chatroom.chat.stored.records import MOST_CERTIFICATES

ONE, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def una(here: Here) -> Client:
    """A user with an account, on a connection that shows a certificate."""
    here.account("una")
    return here.connect("una", login="una", caps="standard-replies", certificate=ONE)


def fingerprints(here: Here, name: str) -> list[str]:
    """The certificates of an account."""
    account = here.stores.accounts.get(name)
    return [one.fingerprint for one in here.stores.client_certificates.list_of(account.id)]


def test_add_takes_the_certificate_of_the_connection(here: Here, una: Client) -> None:
    """It counts as shown from the beginning. The log and the audit have it."""
    (told,) = una.ask("CERT ADD")
    assert f" NOTE CERT ADDED {ONE} :" in told
    (stored,) = here.stores.client_certificates.list_of(here.stores.accounts.get("una").id)
    assert (stored.fingerprint, stored.shown_at) == (ONE, here.now)
    assert any(f"una added the certificate {ONE} from 10.0.0.1" in line for line in here.world.log_lines)
    entry = here.stores.audit.list_entries()[-1]
    assert (entry.actor, entry.origin, entry.action, entry.target, entry.detail) == (
        "una",
        "10.0.0.1",
        "user.cert-add",
        "una",
        ONE,
    )


@pytest.mark.parametrize(
    "written",
    [OTHER, OTHER.upper(), "SHA256:" + ":".join(["CD"] * 32), " ".join(["cd"] * 32), ":" + " ".join(["cd"] * 32)],
)
def test_add_takes_a_fingerprint_in_any_form(here: Here, una: Client, written: str) -> None:
    """The certificate of another device is added by its fingerprint, and counts as not shown yet."""
    (told,) = una.ask(f"CERT ADD {written}")
    assert f" NOTE CERT ADDED {OTHER} :" in told
    (stored,) = here.stores.client_certificates.list_of(here.stores.accounts.get("una").id)
    assert (stored.fingerprint, stored.shown_at) == (OTHER, None)


def test_who_has_only_the_password_before_adds_none(here: Here, una: Client) -> None:
    """The owner has a new password from the shell, and the world does not know it yet: a thief leaves no way back."""
    owner = make_credentials("the owner's", here.world.settings.accounts)
    here.stores.accounts.set_credentials(here.stores.accounts.get("una").id, owner, SHELL)
    assert "was changed just now" in una.ask("CERT ADD")[0]
    assert fingerprints(here, "una") == []


def test_list_and_del(here: Here, una: Client) -> None:
    """The list says which certificate is that of the connection, and whether it is missing."""
    assert f"; CERT ADD adds that of this connection, {ONE}" in una.ask("CERT LIST")[0]
    una.say("CERT ADD")
    here.wait(60)
    una.say(f"CERT ADD {OTHER}")
    first, second, end = una.ask("CERT LIST")
    assert f" NOTE CERT ENTRY {ONE} :{ONE} (this connection): added at 2030-05-01 12:00:00 UTC, shown at " in first
    assert f" NOTE CERT ENTRY {OTHER} :{OTHER}: added at 2030-05-01 12:01:00 UTC, never shown yet" in second
    assert end.endswith(" NOTE CERT END * :2 certificates")
    assert f" NOTE CERT REMOVED {OTHER} :" in una.ask(f"CERT DEL {OTHER.upper()}")[0]
    assert fingerprints(here, "una") == [ONE]


def test_a_client_without_standard_replies_reads_notices(here: Here) -> None:
    """They have the fingerprint too."""
    here.account("bob")
    bob = here.connect("bob", login="bob", certificate=ONE)
    for line in ("CERT ADD", "CERT LIST", f"CERT DEL {ONE}"):
        assert f" NOTICE bob :{ONE}" in bob.ask(line)[0]


@pytest.mark.parametrize(
    "line, code",
    [
        ("CERT FOO", "INVALID_PARAMS"),
        ("CERT ADD nonsense", "INVALID_PARAMS"),
        (f"CERT ADD {'ab' * 20}", "INVALID_PARAMS"),
        ("CERT DEL", "INVALID_PARAMS"),
        (f"CERT DEL {OTHER}", "NOT_FOUND"),
    ],
)
def test_what_cannot_be_done(una: Client, line: str, code: str) -> None:
    """One line says why."""
    (told,) = una.ask(line)
    assert f" FAIL CERT {code} :" in told


def test_the_same_certificate_again(here: Here, una: Client) -> None:
    """It is refused for its own account and for others, without naming the other one."""
    una.say("CERT ADD")
    assert " FAIL CERT ALREADY_EXISTS :" in una.ask("CERT ADD")[0]
    here.account("bob")
    bob = here.connect("bob", login="bob")
    (told,) = bob.ask(f"CERT ADD {ONE}")
    assert " FAIL CERT ALREADY_EXISTS :" in told
    assert "una" not in told


def test_a_connection_that_shows_it_takes_it_from_one_that_typed_it(here: Here, una: Client) -> None:
    """A stranger who knows the fingerprint cannot keep it."""
    here.account("mallory")
    here.connect("mallory", login="mallory").say(f"CERT ADD {ONE}")
    assert fingerprints(here, "mallory") == [ONE]
    assert " NOTE CERT ADDED " in una.ask(f"CERT ADD {ONE}")[0]
    assert (fingerprints(here, "mallory"), fingerprints(here, "una")) == ([], [ONE])


def test_an_account_has_a_limited_number(here: Here, una: Client) -> None:
    """The refusal says the limit."""
    for number in range(MOST_CERTIFICATES):
        una.say(f"CERT ADD {number:064x}")
    (told,) = una.ask("CERT ADD")
    assert " FAIL CERT LIMIT_REACHED :" in told
    assert str(MOST_CERTIFICATES) in told


def test_without_a_certificate_add_needs_a_fingerprint(here: Here) -> None:
    """A connection in clear, or one that showed none, has none to add."""
    here.account("bob")
    bob = here.connect("bob", login="bob", secure=True)
    assert " FAIL CERT INVALID_PARAMS :your connection shows no certificate" in bob.ask("CERT ADD")[0]
    assert bob.ask("CERT LIST")[0].endswith(" :0 certificates")


@pytest.mark.parametrize("line", ["CERT ADD", f"CERT DEL {ONE}", "CERT LIST"])
def test_a_guest_has_none(here: Here, line: str) -> None:
    """Certificates belong to accounts."""
    (told,) = here.connect("gus", certificate=ONE).ask(line)
    assert " FAIL CERT ACCOUNT_REQUIRED :" in told


def test_an_account_that_is_deleted_meanwhile_gets_none(here: Here, una: Client) -> None:
    """The job finds no account, and nothing is stored."""
    here.holding = True
    una.say("CERT ADD")
    here.delete("una")
    here.release()
    assert any(" FAIL CERT NOT_FOUND :" in line for line in una.read())
    assert here.stores.client_certificates.find(ONE) is None


def test_a_loop_of_changes_waits(make_here: Callable[..., Here]) -> None:
    """A few changes are made at once. Then each waits longer, so that no user fills the audit."""
    here = make_here(limits={"enabled": True})
    here.account("una")
    una = here.connect("una", login="una")
    for number in range(3):
        una.say(f"CERT ADD {number:064x}")
    assert here.delays_ms == []
    una.say(f"CERT DEL {0:064x}", f"CERT ADD {0:064x}")
    assert here.delays_ms == [1000, 2000]
    assert len(fingerprints(here, "una")) == 3


# -- NickServ -------------------------------------------------------------------------------------


@pytest.mark.parametrize("say", ["PRIVMSG NickServ :", "NICKSERV ", "NS "])
def test_nickserv_has_the_same(here: Here, una: Client, say: str) -> None:
    """Its answers are notices."""
    service = ":NickServ!services@chatroom.local NOTICE una :"
    assert una.ask(f"{say}CERT ADD")[0].startswith(f"{service}{ONE} logs in to una now")
    assert una.ask(f"{say}cert list")[0].startswith(f"{service}{ONE} (this connection): added at ")
    assert una.ask(f"{say}CERT ADD {ONE.upper()}") == [f"{service}the account has this certificate already"]
    assert una.ask(f"{say}CERT ADD nonsense")[0].startswith(f"{service}a fingerprint has 64 hexadecimal digits")
    assert una.ask(f"{say}CERT DEL {ONE}") == [f"{service}{ONE} no longer logs in to una"]
    assert una.ask(f"{say}CERT DEL") == [f"{service}The form is: CERT DEL <fingerprint>"]
    assert len(una.ask(f"{say}HELP CERT")) == 3
    assert verbs(una.ask(f"{say}CERT")) == ["NOTICE"]
    assert fingerprints(here, "una") == []


def test_a_new_password_leaves_them_and_says_so(here: Here, una: Client) -> None:
    """A thief of the old password may have added one, so the user reads that there are some."""
    assert not any("Certificates" in line for line in una.ask("NS SET PASSWORD anotherone"))
    una.say("CERT ADD")
    told = una.ask("NS SET PASSWORD yetanother")
    assert told[-1].endswith(":Certificates that log in to your account without it: 1 (CERT LIST)")
    assert fingerprints(here, "una") == [ONE]


def test_it_stays_over_logins_by_password(here: Here, una: Client) -> None:
    """A login by password is another way, and changes nothing of it."""
    una.say("CERT ADD")
    here.connect("una", login="una", password=PASSWORD)
    assert fingerprints(here, "una") == [ONE]
