"""The registration dialogue, without a server."""

from __future__ import annotations

import base64

import pytest

from chatroom.client.closing_reasons import closing_reason, is_final
from chatroom.client.handshake import Login
from chatroom.client.login_steps import Ask, Failed, Send, Step, Tell, Welcomed
from chatroom.irc.message import parse


def feed(login: Login, *lines: str) -> list[Step]:
    """The steps that these lines lead to."""
    return [step for line in lines for step in login.feed(parse(line))]


def negotiated(login: Login, caps: str = "server-time sasl=PLAIN,EXTERNAL") -> list[Step]:
    """Start, let the server offer and acknowledge ``caps``, and return the steps after that."""
    login.start()
    *_, request = feed(login, f":srv CAP * LS :{caps}")
    assert isinstance(request, Send)
    return feed(login, f":srv CAP * ACK :{request.line.partition(':')[2]}")


def plain(account: str, password: str) -> str:
    """The payload of SASL PLAIN."""
    return base64.b64encode(f"\0{account}\0{password}".encode()).decode()


def test_a_guest_gets_in() -> None:
    """CAP, NICK and USER go out at once, then a request for the wanted capabilities; the welcome has the nick."""
    login = Login("bob")
    assert login.start() == [Send("CAP LS 302"), Send("NICK bob"), Send("USER bob 0 * :bob")]
    assert feed(login, ":srv CAP * LS :server-time multi-prefix unheard-of") == [
        Send("CAP REQ :multi-prefix server-time")
    ]
    assert feed(login, ":srv CAP bob ACK :multi-prefix server-time") == [Send("CAP END")]
    assert login.caps == {"multi-prefix", "server-time"}
    assert feed(login, ":srv 001 Bob :Welcome") == [Welcomed("Bob")]
    assert login.done


def test_what_is_no_nick_goes_out_whole() -> None:
    """A nick of two words goes out whole, and the server's refusal asks for another one."""
    login = Login("my name")
    assert login.start()[1:] == [Send("NICK :my name"), Send("USER my_name 0 * :my name")]
    assert feed(login, ":srv 432 * my :Erroneous nickname") == [Ask("nick", "my name", "Erroneous nickname")]
    assert login.answer_nick("myname") == [Send("NICK myname")]


def test_a_list_of_capabilities_may_take_several_lines() -> None:
    """The request waits for the last line of the offer."""
    login = Login("bob")
    login.start()
    assert feed(login, ":srv CAP * LS * :server-time") == []
    assert feed(login, ":srv CAP * LS :batch") == [Send("CAP REQ :batch server-time")]


@pytest.mark.parametrize("answer", [":srv CAP * LS :", ":srv CAP * NAK :batch"])
def test_without_capabilities_we_go_on(answer: str) -> None:
    """An empty offer, or a refusal of the request, ends the negotiation."""
    login = Login("bob")
    login.start()
    assert feed(login, answer) == [Send("CAP END")]


def test_a_server_without_capabilities_gets_us_too() -> None:
    """A server that does not know CAP welcomes the user, too."""
    login = Login("bob")
    login.start()
    assert feed(login, ":srv 421 * CAP :Unknown command", ":srv 001 bob :Hi") == [Welcomed("bob")]


def test_a_known_account_logs_in_before_the_welcome() -> None:
    """With an account and its password, SASL comes before CAP END."""
    login = Login("bob", account="robert", password="pässword")
    assert negotiated(login) == [Send("AUTHENTICATE PLAIN")]
    assert feed(login, "AUTHENTICATE +") == [Send(f"AUTHENTICATE {plain('robert', 'pässword')}")]
    assert feed(login, ":srv 900 * * robert :in", ":srv 903 * :done") == [Send("CAP END")]


def test_a_long_password_is_sent_in_pieces() -> None:
    """SASL payloads go out in chunks of 400 bytes; an empty chunk follows if the last one is full."""
    login = Login("bob", account="bob", password="x" * 295)
    negotiated(login)
    steps = feed(login, "AUTHENTICATE +")
    payload = plain("bob", "x" * 295)
    assert len(payload) == 400
    assert steps == [Send(f"AUTHENTICATE {payload}"), Send("AUTHENTICATE +")]
    login = Login("bob", account="bob", password="x" * 400)
    negotiated(login)
    chunks = [step.line.partition(" ")[2] for step in feed(login, "AUTHENTICATE +") if isinstance(step, Send)]
    assert "".join(chunks) == plain("bob", "x" * 400)
    assert [len(chunk) for chunk in chunks[:-1]] == [400]


def test_a_reserved_nick_asks_for_its_password() -> None:
    """After NICK_RESERVED the user is asked for the password; SASL works after CAP END, and NICK follows again."""
    login = Login("Bob")
    negotiated(login)
    steps = feed(login, ":srv 433 * Bob :Reserved", ":srv FAIL NICK NICK_RESERVED Bob :Bob is registered.")
    assert steps == [Send("CAP LIST"), Ask("password", "Bob", "Bob is registered.")]
    assert feed(login, ":srv CAP * LIST :server-time") == []
    assert login.answer_password("Bob", "secret") == [Send("AUTHENTICATE PLAIN")]
    assert feed(login, "AUTHENTICATE +") == [Send(f"AUTHENTICATE {plain('Bob', 'secret')}")]
    assert feed(login, ":srv 903 * :done") == [Send("NICK Bob")]
    assert feed(login, ":srv 001 Bob :Welcome") == [Welcomed("Bob")]


def test_without_sasl_the_password_goes_by_pass() -> None:
    """If the server has no SASL, the password goes out with PASS, and NICK follows again."""
    login = Login("Bob")
    negotiated(login, "server-time")
    feed(login, ":srv 433 * Bob :Reserved", ":srv FAIL NICK NICK_RESERVED Bob :Bob is registered.")
    assert login.answer_password("Bob", "two words") == [Send("PASS :two words"), Send("NICK Bob")]
    assert feed(login, ":srv 464 * :Password incorrect") == [Failed("Password incorrect", final=True)]


def test_pass_names_an_account_that_is_not_the_nick() -> None:
    """PASS contains the account's name if it is not the nick."""
    login = Login("bob", account="robert", password="secret")
    assert negotiated(login, "server-time")[0] == Send("PASS :robert:secret")


def test_a_password_in_hand_is_tried_once() -> None:
    """A password from the environment is sent when the server asks; if it is wrong, the user is asked."""
    login = Login("Bob", password="secret")
    assert negotiated(login) == [Send("CAP END")]
    reserved = ":srv FAIL NICK NICK_RESERVED Bob :Bob is registered."
    assert feed(login, reserved) == [Send("AUTHENTICATE PLAIN")]
    assert feed(login, "AUTHENTICATE +", ":srv 904 * :Wrong password")[-1] == Ask("password", "Bob", "Wrong password")
    assert login.answer_password("Bob", "better") == [Send("AUTHENTICATE PLAIN")]


def test_a_taken_nick_asks_for_another() -> None:
    """After a 433 alone the user is asked for another nick, once the server has answered one more line."""
    login = Login("bob")
    negotiated(login)
    assert feed(login, ":srv 433 * bob :In use") == [Send("CAP LIST")]
    (ask,) = feed(login, ":srv CAP * LIST :")
    assert isinstance(ask, Ask)
    assert (ask.kind, ask.in_use) == ("nick", True)
    assert login.answer_nick("rob") == [Send("NICK rob")]
    assert feed(login, ":srv 001 rob :Welcome") == [Welcomed("rob")]


def test_a_nick_that_looks_like_anothers_asks_for_another_and_says_why() -> None:
    """The FAIL after the 433 has the reason; the question is for a nick, because no password would help."""
    login = Login("b0b")
    negotiated(login)
    why = "b0b looks like bob, which is registered."
    steps = feed(login, ":srv 433 * b0b :In use", f":srv FAIL NICK NICK_LOOKS_ALIKE b0b :{why}")
    assert steps == [Send("CAP LIST"), Ask("nick", "b0b", why)]
    assert feed(login, ":srv CAP * LIST :") == []
    assert login.answer_nick("rob") == [Send("NICK rob")]


def test_a_wrong_password_leaves_the_negotiation_open() -> None:
    """After a 904 another password may follow, or another nick, which ends the negotiation."""
    login = Login("bob", account="bob", password="wrong")
    negotiated(login)
    assert feed(login, "AUTHENTICATE +", ":srv 904 * :Wrong")[-1] == Ask("password", "bob", "Wrong")
    assert login.answer_nick("guest") == [Send("NICK guest"), Send("CAP END")]
    assert login.account == ""


def test_a_refused_password_is_told_for_people() -> None:
    """The user does not read the word SASL."""
    login = Login("bob", account="bob", password="wrong")
    negotiated(login)
    steps = feed(login, ":srv 904 * :SASL authentication failed: wrong name or password")
    assert steps == [Ask("password", "bob", "Wrong name or password")]


def test_three_wrong_passwords_are_the_end() -> None:
    """If the server closes after refused passwords, the login has failed finally."""
    login = Login("bob", account="bob", password="wrong")
    negotiated(login)
    steps = feed(login, "AUTHENTICATE +", ":srv 904 * :Wrong", "ERROR :Closing Link: 1.2.3.4 (Too many tries)")
    assert steps[-1] == Failed("Wrong", final=True)


@pytest.mark.parametrize(
    "line, text",
    [
        (":srv 465 * :You are banned: spam (until tomorrow)", "You are banned: spam (until tomorrow)"),
        (":srv 904 * :You are banned: spam", "You are banned: spam"),
        ("ERROR :Closing Link: 1.2.3.4 (You are banned)", "You are banned"),
    ],
)
def test_a_ban_is_final(line: str, text: str) -> None:
    """A ban is final, in a 465, a 904 or an ERROR."""
    login = Login("bob", account="bob", password="x")
    negotiated(login)
    assert feed(login, line) == [Failed(text, final=True)]


def test_the_servers_own_password() -> None:
    """The server's password goes out before NICK; if it is missing, the user is asked; a wrong one is final."""
    login = Login("bob", server_password="open sesame")
    assert login.start(encrypted=True)[0] == Send("PASS :open sesame")
    login = Login("bob")
    negotiated(login)
    assert feed(login, ":srv 464 * :Password incorrect") == [Ask("server-password", "", "Password incorrect")]
    login = Login("bob", server_password="wrong")
    negotiated(login)
    assert feed(login, ":srv 464 * :Password incorrect") == [Failed("Password incorrect", final=True)]


def test_a_server_that_wants_everybody_logged_in() -> None:
    """A server that requires a login closes: the user is asked, and the answer is used on the next connection."""
    login = Login("bob")
    negotiated(login)
    text = "You must log in to enter this server (SASL, or PASS account:password)"
    steps = feed(login, f":srv FAIL * ACCOUNT_REQUIRED :{text}", f"ERROR :Closing Link: 127.0.0.1 ({text})")
    assert steps == [Ask("password", "bob", text), Failed(text, final=False)]
    login.lost()
    assert login.answer_password("bob", "secret") == []
    assert negotiated(login) == [Send("AUTHENTICATE PLAIN")]


def test_a_second_connection_asks_nothing_twice() -> None:
    """An answer that comes after the loss is used at the next start."""
    login = Login("bob")
    negotiated(login)
    feed(login, ":srv FAIL NICK NICK_RESERVED bob :Reserved")
    login.lost()
    assert login.answer_password("bob", "secret") == []
    assert negotiated(login) == [Send("AUTHENTICATE PLAIN")]


def test_nothing_is_heard_after_the_end() -> None:
    """After a final refusal further lines have no effect."""
    login = Login("bob")
    negotiated(login)
    feed(login, ":srv 465 * :You are banned")
    assert feed(login, ":srv 433 * bob :In use", "ERROR :bye") == []


@pytest.mark.parametrize(
    "line, reason, final",
    [
        ("ERROR :Closing Link: 127.0.0.1 (Server is shutting down)", "Server is shutting down", False),
        ("ERROR :Closing Link: h (You were kicked by an admin: spam)", "You were kicked by an admin: spam", True),
        ("ERROR :Closing Link: h (You are banned: x (until 2030))", "You are banned: x (until 2030)", True),
        ("ERROR :Closing Link: h (Killed (bob (bye)))", "Killed (bob (bye))", True),
        ("ERROR :Closing Link: h (SendQ exceeded)", "SendQ exceeded", False),
        ("ERROR", "the server closed the connection", False),
    ],
)
def test_why_a_connection_was_closed(line: str, reason: str, final: bool) -> None:
    """The reason is the text in the parentheses; kicks and bans are final."""
    assert closing_reason(parse(line)) == reason
    assert is_final(reason) is final


def with_certificate(
    account: str = "", password: str = "", caps: str = "sasl=PLAIN,EXTERNAL"
) -> tuple[Login, list[Step]]:
    """A login over TLS with a client certificate, up to the answer to its request for capabilities."""
    login = Login("bob", account, password)
    login.start(encrypted=True, shows_certificate=True)
    (step,) = feed(login, f":srv CAP * LS :{caps}")
    assert isinstance(step, Send | Ask)
    if isinstance(step, Send) and "REQ" in step.line:
        return login, feed(login, f":srv CAP * ACK :{step.line.partition(':')[2]}")
    return login, [step]


def test_a_certificate_logs_in() -> None:
    """EXTERNAL comes before a password. Without an account the server finds the one of the certificate."""
    login, steps = with_certificate()
    assert steps == [Send("AUTHENTICATE EXTERNAL")]
    assert feed(login, "AUTHENTICATE +") == [Send("AUTHENTICATE +")]
    assert feed(login, ":srv 900 * * bob :in", ":srv 903 * :done") == [Send("CAP END")]


def test_a_certificate_logs_in_to_the_account_that_is_named() -> None:
    """The account is the identity to act as, and no password is asked for."""
    login, _ = with_certificate("bob")
    assert feed(login, "AUTHENTICATE +") == [Send("AUTHENTICATE Ym9i")]
    assert feed(login, ":srv 903 * :done") == [Send("CAP END")]


def test_a_certificate_that_the_server_does_not_know() -> None:
    """A password in hand is used instead; for a named account it is asked for; a guest is told, and gets in."""
    refusal = ":srv 904 * :SASL authentication failed"
    login, _ = with_certificate("bob", "secret")
    assert feed(login, "AUTHENTICATE +", refusal)[-1] == Send("AUTHENTICATE PLAIN")
    assert feed(login, "AUTHENTICATE +") == [Send(f"AUTHENTICATE {plain('bob', 'secret')}")]
    login, _ = with_certificate("bob")
    assert feed(login, refusal) == [Ask("password", "bob", "The server does not know your certificate.")]
    assert login.answer_password("bob", "secret") == [Send("AUTHENTICATE PLAIN")]
    login, _ = with_certificate()
    assert feed(login, refusal) == [Tell("The server does not know your certificate."), Send("CAP END")]


@pytest.mark.parametrize(
    "caps, way", [("sasl=PLAIN", "AUTHENTICATE PLAIN"), ("batch", "PASS :secret"), ("", "PASS :secret")]
)
def test_a_server_without_external(caps: str, way: str) -> None:
    """A guest gets in; for a named account the password is asked for, and the negotiation ends after it."""
    assert with_certificate(caps=caps)[1] == [Send("CAP END")]
    login, steps = with_certificate("bob", caps=caps)
    assert steps == [Ask("password", "bob", "The server does not log in by certificate.")]
    sent = login.answer_password("bob", "secret")
    assert sent[0] == Send(way)
    assert (sent[-1] == Send("CAP END")) is way.startswith("PASS")
    assert len([step for step in sent if step == Send(way)]) == 1


def test_a_certificate_alone_makes_sasl_usable() -> None:
    """A server that offers nothing but EXTERNAL is of use to a client with a certificate, and to no other."""
    assert with_certificate(caps="sasl=EXTERNAL")[1] == [Send("AUTHENTICATE EXTERNAL")]
    login = Login("bob")
    login.start(encrypted=True)
    assert feed(login, ":srv CAP * LS :sasl=EXTERNAL") == [Send("CAP END")]
