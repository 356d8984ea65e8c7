"""SASL: SCRAM-SHA-256 with an independent client, PLAIN, the mechanisms, and how an exchange ends."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from harness.logins import challenge, log_in_by_sasl, scram_steps, send_sasl
from harness.session_client import Client
from harness.verifiers import find_verifier
from harness.world import PASSWORD, SERVER, Here, change_settings, params_of, sasl_plain, verbs
from scramp import ScramClient

from chatroom.chat.admission.scram import KIND
from chatroom.chat.reload import use_settings
from chatroom.chat.stored.records import Role
from chatroom.irc.limits import SASL_RESPONSE_BYTES
from chatroom.irc.message import parse
from chatroom.irc.sasl import PIECE_BYTES


def with_sasl(here: Here, nick: str = "una") -> Client:
    """A client in CAP negotiation with the sasl capability."""
    client = here.open()
    client.say("CAP LS 302", "CAP REQ :sasl", f"NICK {nick}", "USER u 0 * :U")
    client.read()
    return client


def scram(client: Client, name: str, password: str = PASSWORD) -> list[str]:
    """Log in by SCRAM-SHA-256; the lines that end the exchange."""
    *_, last = scram_steps(client, name, password)
    return last


def test_scram_logs_in(here: Here) -> None:
    """The client proves its password without sending it. It reads 900 and 903, and registers as the account."""
    here.account("una")
    client = with_sasl(here)
    sent = scram(client, "UNA")
    assert verbs(sent) == ["900", "903"]
    assert params_of(sent, "900") == ["*", f"una!u@{client.session.host}", "una", "You are now logged in as una"]
    assert "001" in verbs(client.ask("CAP END"))
    assert client.user.account_name == "una"
    assert here.stores.accounts.get("una").last_login_at is not None


@pytest.mark.parametrize("name, password", [("una", "wrong"), ("nobody", PASSWORD), ("guest", "wrong")])
def test_a_wrong_password_or_name_is_904_after_the_same_steps(here: Here, name: str, password: str) -> None:
    """An unknown name and a wrong password fail at the same step with the same text. The connection stays open."""
    here.account("una")
    client = with_sasl(here)
    assert scram(client, name, password) == [f":{SERVER} 904 * :SASL authentication failed: wrong name or password"]
    assert not client.closed
    assert verbs(scram(client, "una")) == ["900", "903"]


def test_an_unknown_name_has_the_same_salt_at_every_try(here: Here) -> None:
    """The salt does not show that there is no such account: it is stable, and differs between names."""
    salts = []
    for name in ("nobody", "nobody", "noone"):
        client = with_sasl(here, "x")
        client.say("AUTHENTICATE SCRAM-SHA-256")
        salts.append(challenge(send_first(client, name)).split(",")[1])
    assert salts[0] == salts[1] != salts[2]


def send_first(client: Client, name: str) -> list[str]:
    """Send the first SCRAM message; the lines that answer."""
    client.read()
    return send_sasl(client, f"n,,n={name},r=abcdef")


def test_failed_scram_logins_count_and_are_slowed_like_others(make_here: Callable[..., Here]) -> None:
    """Three failures close a connection before registration. From the fourth failure on, tries wait."""
    here = make_here(limits={"enabled": True})
    here.account("una")
    client = with_sasl(here)
    assert [verbs(scram(client, "una", "wrong")) for _ in range(3)] == [["904"], ["904"], ["904", "ERROR"]]
    assert client.closed
    assert verbs(scram(with_sasl(here), "una", "wrong")) == ["904"]
    assert here.delays_ms == [1000]


def test_parallel_scram_logins_take_turns(make_here: Callable[..., Here]) -> None:
    """Each proof is a try. Of twenty at once from one address, eight get a turn and the rest are refused."""
    here = make_here(limits={"enabled": True})
    here.account("una")
    clients = [with_sasl(here) for _ in range(20)]
    finals = []
    for client in clients:
        client.say("AUTHENTICATE SCRAM-SHA-256")
        client.read()
        scramp = ScramClient(["SCRAM-SHA-256"], "una", "wrong")
        scramp.set_server_first(challenge(send_sasl(client, scramp.get_client_first())))
        finals.append(scramp.get_client_final())
    here.holding = True
    answers = [send_sasl(client, final) for client, final in zip(clients, finals, strict=True)]
    assert [verbs(lines) for lines in answers] == [[]] * 8 + [["904"]] * 12
    assert "too many" in answers[-1][0]
    here.release()
    assert here.delays_ms == [1000, 3000, 7000, 15_000, 31_000]


def test_a_disabled_or_banned_account_is_refused_after_its_password(here: Here) -> None:
    """A client with the right password reads the reason."""
    here.account("una", disabled=True)
    here.account("eve")
    here.ban("eve", "noise")
    assert "disabled" in params_of(scram(with_sasl(here, "x"), "una"), "904")[-1]
    assert "banned: noise" in params_of(scram(with_sasl(here, "y"), "eve"), "904")[-1]


def test_an_account_disabled_during_the_exchange_stays_out(here: Here) -> None:
    """The last step checks the account again."""
    here.account("una")
    client = with_sasl(here)
    client.say("AUTHENTICATE SCRAM-SHA-256")
    client.read()
    scramp = ScramClient(["SCRAM-SHA-256"], "una", PASSWORD)
    scramp.set_server_first(challenge(send_sasl(client, scramp.get_client_first())))
    send_sasl(client, scramp.get_client_final())
    here.disable("una")
    assert verbs(client.ask("AUTHENTICATE +")) == ["904"]


def test_an_account_banned_during_the_exchange_stays_out(here: Here) -> None:
    """A user cannot evade a ban of the account's name by sending the last SCRAM message late."""
    here.account("una")
    client = here.connect("guest", caps="sasl")
    client.ask("AUTHENTICATE SCRAM-SHA-256")
    scramp = ScramClient(["SCRAM-SHA-256"], "una", PASSWORD)
    scramp.set_server_first(challenge(send_sasl(client, scramp.get_client_first())))
    send_sasl(client, scramp.get_client_final())
    here.ban("una", "noise")
    assert "banned: noise" in params_of(client.ask("AUTHENTICATE +"), "904")[-1]
    assert client.user.account is None


@pytest.mark.parametrize(
    "steps", [["nonsense"], ["n,,n=una,r=abc", "nonsense"], ["n,,n=una,r=abc", "c=biws,r=x,p=YQ=="]]
)
def test_malformed_scram_is_904(here: Here, steps: list[str]) -> None:
    """A malformed message ends the exchange. The client may begin another."""
    here.account("una")
    client = with_sasl(here)
    client.say("AUTHENTICATE SCRAM-SHA-256")
    for step in steps:
        sent = send_sasl(client, step)
    assert verbs(sent) == ["904"]
    assert verbs(scram(client, "una")) == ["900", "903"]


def test_an_account_without_scram_gets_it_at_its_next_login(make_here: Callable[..., Here]) -> None:
    """An old account cannot use SCRAM until it has logged in once by PASS or PLAIN."""
    here = make_here(accounts={"scram": False})
    here.account("una")
    assert find_verifier(here.stores, "una", KIND) is None
    here.world.settings = change_settings(here.world.settings, accounts={"scram": True})
    assert verbs(scram(with_sasl(here), "una")) == ["904"]
    assert verbs(with_sasl(here).ask("AUTHENTICATE PLAIN", sasl_plain("una")))[-1] == "903"
    assert verbs(scram(with_sasl(here), "una")) == ["900", "903"]


def test_a_good_login_renews_a_verifier_of_other_iterations(here: Here) -> None:
    """After the setting has changed, a PLAIN login stores a new verifier. PLAIN and SCRAM work after it."""
    here.account("una")
    here.world.settings = change_settings(here.world.settings, accounts={"scram_iterations": 5000, "bcrypt_cost": 5})
    with_sasl(here).say("AUTHENTICATE PLAIN", sasl_plain("una"))
    stored = find_verifier(here.stores, "una", KIND)
    assert stored is not None
    assert stored.startswith("SCRAM-SHA-256$5000:")
    assert verbs(scram(with_sasl(here), "una")) == ["900", "903"]
    assert verbs(with_sasl(here).ask("AUTHENTICATE PLAIN", sasl_plain("una")))[-1] == "903"


def test_register_stores_a_scram_verifier_too(here: Here) -> None:
    """A new account can log in by SCRAM at once."""
    here.connect("una").say(f"REGISTER * * :{PASSWORD}")
    here.user("una")
    assert verbs(scram(with_sasl(here), "una")) == ["900", "903"]


def test_mechanisms_are_in_the_capability_and_in_908(make_here: Callable[..., Here]) -> None:
    """CAP LS 302 and 908 list the same mechanisms. With ``accounts.scram`` off, SCRAM is not listed and refused."""
    for offered, listed in ((True, "PLAIN,SCRAM-SHA-256"), (False, "PLAIN")):
        here = make_here(accounts={"scram": offered})
        client = here.open()
        assert any(f" sasl={listed} " in f"{line} " for line in client.ask("CAP LS 302"))
        client.say("CAP REQ sasl")
        sent = client.ask("AUTHENTICATE SCRAM-SHA-1")
        assert sent == [
            f":{SERVER} 908 * {listed} :are available SASL mechanisms",
            f":{SERVER} 904 * :SASL authentication failed: unknown mechanism",
        ]
        assert verbs(client.ask("AUTHENTICATE scram-sha-256")) == (["AUTHENTICATE"] if offered else ["908", "904"])


def test_a_reload_that_changes_the_mechanisms_sends_cap_new(here: Here) -> None:
    """Clients of version 302 read the new value in CAP NEW, and keep the capability."""
    una = here.connect("una", caps="sasl")
    with here.tick():
        use_settings(here.world, change_settings(here.world.settings, accounts={"scram": False}))
    assert una.read() == [f":{SERVER} CAP una NEW :sasl=PLAIN"]
    assert verbs(una.ask("AUTHENTICATE PLAIN")) == ["AUTHENTICATE"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_an_asterisk_aborts_an_exchange(here: Here, mechanism: str) -> None:
    """The answer is 906, and another exchange may begin."""
    client = with_sasl(here)
    client.say(f"AUTHENTICATE {mechanism}")
    assert client.ask("AUTHENTICATE *") == [f":{SERVER} 906 * :SASL authentication aborted"]
    assert verbs(client.ask("AUTHENTICATE PLAIN")) == ["AUTHENTICATE"]


def test_cap_end_aborts_an_exchange(here: Here) -> None:
    """CAP END in the middle of an exchange is answered with 906 and the welcome of a guest."""
    client = with_sasl(here)
    client.say("AUTHENTICATE PLAIN")
    sent = client.ask("CAP END")
    assert verbs(sent)[:2] == ["906", "001"]
    assert client.user.account is None
    assert verbs(client.ask("AUTHENTICATE PLAIN")) == ["AUTHENTICATE"]


def test_a_response_of_exactly_400_bytes_needs_an_empty_piece(here: Here) -> None:
    """A response that fills its last line is complete when ``AUTHENTICATE +`` comes."""
    password = "p" * (300 - len("\0una\0"))
    here.account("una", password=password)
    client = with_sasl(here)
    client.say("AUTHENTICATE PLAIN")
    piece = sasl_plain("una", password)
    assert len(piece.removeprefix("AUTHENTICATE ")) == 400
    assert client.ask(piece)[1:] == []
    assert verbs(client.ask("AUTHENTICATE +")) == ["900", "903"]


def test_a_long_challenge_comes_in_pieces(here: Here) -> None:
    """A long nonce of the client makes the challenge too long for one line. All pieces but the last have 400 bytes."""
    client = with_sasl(here)
    client.say("AUTHENTICATE SCRAM-SHA-256")
    client.read()
    text = base64.b64encode(f"n,,n=una,r={'x' * 250}".encode()).decode()
    sent = client.ask(f"AUTHENTICATE {text}")
    pieces = [parse(line).params[0] for line in sent]
    assert [len(piece) for piece in pieces[:-1]] == [400] * (len(pieces) - 1)
    assert f"r={'x' * 250}" in base64.b64decode("".join(piece for piece in pieces if piece != "+")).decode()


def test_only_a_user_with_one_session_may_change_accounts(here: Here) -> None:
    """A second login is allowed. With another session on the nick, a login to another account is 907."""
    here.account("una")
    here.account("other")
    here.account("root", Role.ADMIN)
    guest = here.connect("guest", caps="sasl")
    for name in ("other", "root", "root"):
        assert verbs(guest.ask("AUTHENTICATE PLAIN", sasl_plain(name)))[-1] == "903"
        assert guest.user.account_name == name
    phone = here.connect("una", login="una", caps="sasl")
    here.connect("una", login="una")
    assert verbs(phone.ask("AUTHENTICATE PLAIN", sasl_plain("other"))) == ["AUTHENTICATE", "907"]
    assert phone.user.account_name == "una"
    assert verbs(phone.ask("AUTHENTICATE PLAIN", sasl_plain("una")))[-1] == "903"


def test_three_wrong_sasl_logins_close_the_connection(make_here: Callable[..., Here]) -> None:
    """After ``limits.login_tries`` failures the connection closes."""
    here = make_here(limits={"enabled": True})
    here.account("admin", Role.ADMIN)
    client = here.open()
    client.say("CAP REQ :sasl", "NICK admin", "USER a 0 * :A")
    for _ in range(2):
        assert verbs(log_in_by_sasl(client, "admin", "wrong")) == ["AUTHENTICATE", "904"]
        assert not client.closed
    assert verbs(log_in_by_sasl(client, "admin", "wrong")) == ["AUTHENTICATE", "904", "ERROR"]
    assert client.closed
    patient = here.open(address="10.0.0.2")
    patient.say("CAP REQ :sasl", "NICK admin", "USER a 0 * :A")
    log_in_by_sasl(patient, "admin", "wrong")
    assert verbs(log_in_by_sasl(patient, "admin")) == ["AUTHENTICATE", "900", "903"]
    assert "001" in verbs(patient.ask("CAP END"))


def test_a_client_may_go_on_as_a_guest_after_a_failed_login(here: Here) -> None:
    """After a failed SASL login, the client completes registration with a free nick."""
    here.account("admin", Role.ADMIN)
    client = here.open()
    client.say("CAP REQ :sasl", "NICK admin", "USER a 0 * :A")
    log_in_by_sasl(client, "admin", "wrong")
    assert "433" in verbs(client.ask("CAP END"))
    assert "001" in verbs(client.ask("NICK somebody"))
    assert client.user.account is None


def test_sasl_before_nick_and_user(here: Here) -> None:
    """900 has ``*`` for the nick and the user name."""
    here.account("una")
    client = here.open()
    client.say("CAP LS 302", "CAP REQ :sasl")
    assert params_of(log_in_by_sasl(client, "una"), "900")[1] == f"*!*@{client.session.host}"
    client.say("NICK una", "USER a 0 * :A", "CAP END")
    assert client.user.account_name == "una"


@pytest.mark.parametrize(
    "lines, numeric",
    [
        (["AUTHENTICATE PLAIN", "AUTHENTICATE *"], "906"),
        (["AUTHENTICATE PLAIN", "AUTHENTICATE " + "A" * 401], "905"),
        (["AUTHENTICATE PLAIN", "AUTHENTICATE !!!"], "904"),
        (["AUTHENTICATE PLAIN", "AUTHENTICATE +"], "904"),
        (["AUTHENTICATE PLAIN", sasl_plain("una", authzid="admin")], "904"),
        (["AUTHENTICATE EXTERNAL"], "904"),
    ],
)
def test_a_failed_exchange_leaves_registration_open(here: Here, lines: list[str], numeric: str) -> None:
    """An aborted, oversized, malformed or unknown exchange has its numeric. Another exchange may follow."""
    here.account("una")
    client = here.open()
    client.say("CAP REQ :sasl", "NICK una", "USER a 0 * :A")
    assert verbs(client.ask(*lines))[-1] == numeric
    assert verbs(log_in_by_sasl(client, "una"))[-1] == "903"


def test_sasl_needs_its_capability_or_an_open_negotiation(here: Here) -> None:
    """AUTHENTICATE without the capability is answered with 904, but accepted between CAP LS and CAP END."""
    here.account("una")
    assert verbs(here.open().ask("AUTHENTICATE PLAIN")) == ["904"]
    client = here.open()
    client.say("CAP LS 302", "NICK una", "USER a 0 * :A")
    assert verbs(log_in_by_sasl(client, "una"))[-1] == "903"
    client.say("CAP END")
    assert client.user.account_name == "una"


def test_a_response_that_is_too_long_in_all_ends_the_exchange(here: Here) -> None:
    """Pieces of 400 bytes beyond the limit are 904, and the next AUTHENTICATE begins another exchange."""
    here.account("una")
    client = here.open()
    client.say("CAP LS 302", "CAP REQ :sasl", "AUTHENTICATE PLAIN")
    client.read()
    pieces = SASL_RESPONSE_BYTES // PIECE_BYTES + 1
    assert verbs(client.ask(*["AUTHENTICATE " + "A" * PIECE_BYTES] * pieces)) == ["904"]
    assert verbs(log_in_by_sasl(client, "una"))[-1] == "903"


@pytest.mark.parametrize("size, numeric", [(401, "905"), (3, "904")])
def test_failed_exchanges_are_counted(make_here: Callable[..., Here], size: int, numeric: str) -> None:
    """A piece that is too long and a malformed response are tries to log in, and the last one ends the connection."""
    here = make_here(limits={"enabled": True, "login_tries": 2})
    client = here.open()
    client.say("CAP LS 302", "CAP REQ :sasl")
    for closed in (False, True):
        assert numeric in verbs(client.ask("AUTHENTICATE PLAIN", "AUTHENTICATE " + "A" * size))
        assert client.closed is closed


def test_a_login_after_registration(here: Here) -> None:
    """SASL works after registration too. The user of an admin's account gets +o."""
    here.account("root", Role.ADMIN)
    alice = here.connect("alice", caps="sasl")
    alice.read()
    sent = alice.ask("AUTHENTICATE PLAIN", sasl_plain("root"))
    assert verbs(sent) == ["AUTHENTICATE", "900", "MODE", "903"]
    assert alice.user.account_name == "root"


def test_a_wrong_sasl_login_after_registration_does_not_close(make_here: Callable[..., Here]) -> None:
    """``limits.login_tries`` holds before registration only."""
    here = make_here(limits={"enabled": True})
    alice = here.connect("alice", caps="sasl")
    for _ in range(5):
        assert verbs(alice.ask("AUTHENTICATE PLAIN", sasl_plain("root", "wrong")))[-1] == "904"
    assert not alice.closed
