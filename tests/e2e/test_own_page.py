"""The page that comes with the server, in Debian's Chromium: what a person sees and does there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from harness.browser import Page, visiting
from harness.daemon import PASSWORD, until
from harness.own_page import LOG, Person
from harness.web import WebDaemon, web_running

# A browser on a busy machine takes minutes.
pytestmark = [pytest.mark.debian("chromium"), pytest.mark.timeout(900)]

OWN = 'webroot = "default"'


@pytest.fixture(scope="module")
def daemon() -> Iterator[WebDaemon]:
    """One daemon with the page; walter has an account."""
    with web_running(listen=OWN, limits__enabled=False, accounts__bcrypt_cost=4) as started:
        started.create("walter")
        yield started


@pytest.fixture(scope="module")
def browser(daemon: WebDaemon) -> Iterator[Page]:
    """One browser for all tests here."""
    with visiting(f"http://127.0.0.1:{daemon.web_port}/") as page:
        yield page


@pytest.fixture
def wanda(daemon: WebDaemon, browser: Page) -> Iterator[Person]:
    """A person before the page. The policy must not have stopped anything that the page did."""
    person = Person(daemon, browser)
    browser.size(1200, 800)
    yield person
    assert person.page.evaluate("window.forbidden ?? []") == []
    browser.open("about:blank#left")
    until(lambda: daemon.status()["users"] == 0, "nobody is left")


def test_a_link_opens_its_room_and_two_people_talk(wanda: Person) -> None:
    """The room of the link is in front, beside those that all are in; each reads the other."""
    wanda.join("wanda", where="#tea")
    wanda.page.until("document.getElementById('room-name').textContent === '#tea'")
    assert wanda.rooms == ["#lobby", "#tea", "chatroom"]
    with wanda.daemon.connect("pia") as pia:
        pia.ask("JOIN #tea")
        wanda.reads("pia joined")
        wanda.say("hello pia 🍵")
        assert pia.expect("hello pia").startswith(":wanda!wanda@")
        pia.send("PRIVMSG #tea :hello wanda ☕")
        wanda.reads("hello wanda ☕")
        wanda.say("/me waves")
        pia.expect("ACTION waves")
        wanda.reads("waves")


@pytest.mark.parametrize("where", ["#tea", "#/join?channel=%23tea&more=1", "?from=a-mail#tea"])
def test_links_may_have_more_than_a_room(wanda: Person, where: str) -> None:
    """A query, and the form that has parameters."""
    wanda.visit(where)
    wanda.is_told("welcome-where", "#tea")
    wanda.fill(nick="wanda")
    wanda.submit("welcome")
    wanda.page.until("document.getElementById('room-name').textContent === '#tea'")


def test_html_in_a_message_stays_text(wanda: Person) -> None:
    """Also in a topic, in a name of a room, and in a link."""
    attack = "<img src=x onerror=window.hit=1><script>window.hit=1</script> & <b>bold</b>"
    with wanda.daemon.connect("pia") as pia:
        pia.ask("JOIN #<b>x</b>", f"TOPIC #<b>x</b> :{attack}")
        wanda.join("wanda", where="#<b>x</b>")
        pia.send(
            f"PRIVMSG #<b>x</b> :{attack}", 'PRIVMSG #<b>x</b> :https://a.example/"onclick="window.hit=1 javascript:1'
        )
        wanda.reads(attack)
        wanda.is_told("room-topic", attack)
        assert wanda.page.evaluate("document.querySelectorAll('#chat img, #chat script, #chat b').length") == 0
        wanda.page.until("document.querySelectorAll('#log a').length === 1")
        assert wanda.page.evaluate("document.querySelector('#log a').href") == "https://a.example/"
        assert wanda.page.evaluate("window.hit") is None


def test_every_word_is_shown_as_it_is(wanda: Person) -> None:
    """Also those that name what every object of JavaScript has; none of them gives the message a format."""
    words = ["constructor", "toString", "__proto__", "hasOwnProperty"]
    with wanda.daemon.connect("pia") as pia:
        wanda.join("wanda", where="#words")
        pia.ask("JOIN #words", *(f"PRIVMSG #words :{word}" for word in words), "PRIVMSG #words :\x02bold\x02 end.")
        wanda.reads("bold end.")
        texts = wanda.page.evaluate("[...document.querySelectorAll('.said .text')].map((one) => one.innerHTML)")
        assert texts == [*words, '<span class="bold">bold</span> end.']


def test_the_page_shows_what_was_said_before(wanda: Person) -> None:
    """The last messages at once, earlier ones on demand, each once and in order."""
    with wanda.daemon.connect("hilda") as hilda:
        hilda.ask("JOIN #past", *(f"PRIVMSG #past :word {number}." for number in range(120)))
        wanda.join("wanda", where="#past")
        wanda.reads("word 119.")
        assert "word 69." not in wanda.page.evaluate(LOG)
        for first in ("word 20.", "word 0."):
            wanda.page.until("!document.getElementById('older').hidden")
            wanda.evaluate("older", "click()")
            wanda.reads(first)
        wanda.page.until("document.getElementById('older').hidden")
        texts = wanda.page.evaluate("[...document.querySelectorAll('.said .text')].map((one) => one.textContent)")
        assert texts == [f"word {number}." for number in range(120)]


def test_the_list_of_people_follows_the_room(wanda: Person) -> None:
    """Operators come first; who leaves or takes another name is shown so."""
    with wanda.daemon.connect("zoe") as zoe:
        zoe.ask("JOIN #names")
        wanda.join("wanda", where="#names")
        wanda.page.until("document.querySelectorAll('#member-list li').length === 2")
        assert wanda.people == ["@zoe", "wanda"]
        with wanda.daemon.connect("pia") as pia:
            pia.ask("JOIN #names", "NICK pauline")
            wanda.page.until("document.getElementById('member-list').textContent.includes('pauline')")
            pia.ask("AWAY :lunch")
            wanda.page.until("!!document.querySelector('#member-list .away')")
            assert wanda.people == ["@zoe", "pauline", "wanda"]
        wanda.reads("pauline quit")
        wanda.page.until("document.querySelectorAll('#member-list li').length === 2")


def test_a_name_is_registered_and_then_needs_its_password(wanda: Person) -> None:
    """A refusal is shown in the dialog; the next visit logs in, and a wrong password or none says so."""
    wanda.join("rita")
    wanda.evaluate("register-open", "click()")
    wanda.fill(account_password="w")
    wanda.submit("account-form")
    wanda.page.until("document.getElementById('account-error').textContent")
    wanda.fill(account_password=PASSWORD)
    wanda.submit("account-form")
    wanda.page.until("!document.getElementById('account-dialog').open")
    wanda.is_told("own-account", "logged in")
    for password, told in (("", "registered"), ("wrong" + PASSWORD, "")):
        wanda.visit()
        wanda.fill(nick="rita", password=password)
        wanda.submit("welcome")
        wanda.page.until("document.getElementById('welcome-error').textContent")
        wanda.is_told("welcome-error", told)
        assert wanda.evaluate("chat", "hidden")
    wanda.fill(password=PASSWORD)
    wanda.submit("welcome")
    wanda.is_told("own-account", "logged in")
    with wanda.daemon.connect("pia") as pia:
        assert "is logged in as" in "".join(pia.ask("WHOIS rita"))


def test_a_guest_logs_in_later(wanda: Person) -> None:
    """By the dialog; a wrong password is told there."""
    wanda.join("guest1")
    wanda.evaluate("login-open", "click()")
    wanda.fill(account_name="walter", account_password="wrong")
    wanda.submit("account-form")
    wanda.page.until("document.getElementById('account-error').textContent")
    wanda.fill(account_password=PASSWORD)
    wanda.submit("account-form")
    wanda.is_told("own-account", "logged in")


def test_a_message_of_several_lines_is_one(wanda: Person) -> None:
    """Shift and Enter begins another line. A long line arrives whole."""
    with wanda.daemon.connect("pia") as pia:
        pia.ask("JOIN #long")
        wanda.join("wanda", where="#long")
        wanda.evaluate("composer-text", "focus()")
        wanda.page.type("one")
        wanda.page.press("Enter", shift=True)
        wanda.say("\ntwo") if wanda.evaluate("composer-text", "value") == "one" else wanda.say("two")
        assert [pia.expect("PRIVMSG").rpartition(" :")[2] for _ in range(2)] == ["one", "two"]
        wanda.page.until("document.querySelectorAll('.said').length === 1")
        long = "wörter " * 120
        wanda.say(long)
        wanda.page.until("document.querySelectorAll('.said').length === 2")
        assert wanda.page.evaluate("document.querySelectorAll('.said .text')[1].textContent") == long.strip()


def test_people_write_to_each_other_alone(wanda: Person) -> None:
    """A message to the person makes a room with a count; a click on a name does too."""
    with wanda.daemon.connect("pia") as pia:
        pia.ask("JOIN #tea")
        wanda.join("wanda", where="#tea")
        pia.send("PRIVMSG wanda :psst")
        wanda.page.until("document.querySelector('[data-room=pia] .count')?.textContent === '1'")
        assert wanda.page.evaluate("document.title").startswith("(1) ")
        wanda.page.until(
            "[...document.querySelectorAll('#member-list button')].some((one) => one.textContent === '@pia')"
        )
        wanda.page.evaluate(
            "[...document.querySelectorAll('#member-list button')].find((one) => one.textContent === '@pia').click()"
        )
        wanda.reads("psst")
        wanda.say("yes?")
        assert pia.expect("yes?").startswith(":wanda!wanda@")


def test_a_room_follows_its_name(wanda: Person) -> None:
    """A channel that gets another name, and a person: log and text stay, and what is typed goes there."""
    with wanda.daemon.connect("pia") as pia:
        pia.ask("JOIN #oldname")
        wanda.join("wanda", where="#oldname")
        wanda.page.until("document.getElementById('room-name').textContent === '#oldname'")
        pia.ask("PRIVMSG #oldname :said before")
        wanda.reads("said before")
        wanda.evaluate("composer-text", "focus()")
        wanda.page.type("half a line")
        pia.ask("RENAME #oldname #newname :we moved", "PRIVMSG #newname :said after")
        wanda.reads("said after")
        wanda.reads("pia renamed #oldname to #newname (we moved)")
        wanda.reads("said before")
        assert wanda.evaluate("room-name", "textContent") == "#newname"
        assert "#oldname" not in wanda.rooms
        wanda.page.press("Enter")
        assert pia.expect("half a line").endswith("PRIVMSG #newname :half a line")
        pia.ask("PRIVMSG wanda :psst", "NICK pauline", "PRIVMSG wanda :still me")
        wanda.page.until("document.querySelector('[data-room=pauline] .count')?.textContent === '2'")
        assert "pia" not in wanda.rooms
        wanda.page.evaluate("document.querySelector('[data-room=pauline]').click()")
        wanda.reads("pia is now pauline")
        wanda.say("I see")
        assert pia.expect("I see").endswith("PRIVMSG pauline :I see")


def test_the_keyboard_is_enough(wanda: Person) -> None:
    """The form and the message box have the focus; Tab completes a name, Alt and an arrow changes the room."""
    with wanda.daemon.connect("pia") as pia:
        pia.ask("JOIN #tea")
        wanda.visit("#tea")
        wanda.page.until("document.activeElement.id === 'nick'")
        wanda.fill(nick="")
        wanda.page.type("wanda")
        wanda.page.evaluate("document.getElementById('welcome').requestSubmit()")
        wanda.page.until("document.activeElement.id === 'composer-text'")
        wanda.page.until("document.querySelectorAll('#member-list li').length === 2")
        wanda.page.type("pi")
        wanda.page.press("Tab")
        assert wanda.evaluate("composer-text", "value") == "pia: "
        wanda.page.press("ArrowUp", alt=True)
        wanda.page.until("document.getElementById('room-name').textContent === '#lobby'")
        assert wanda.evaluate("composer-text", "value") == ""
        wanda.page.press("ArrowDown", alt=True)
        wanda.page.until("document.getElementById('room-name').textContent === '#tea'")
        assert wanda.evaluate("composer-text", "value") == "pia: "


def test_a_phone_shows_one_thing_at_a_time(wanda: Person) -> None:
    """Rooms and people come over the messages, and nothing is wider than the screen."""
    wanda.page.size(360, 640)
    wanda.join("wanda", where="#tea")
    shown = "getComputedStyle(document.getElementById('{}')).visibility"
    assert wanda.page.evaluate(shown.format("rooms")) == "hidden"
    for name, other in (("rooms", "members"), ("members", "rooms")):
        wanda.evaluate(f"{name}-toggle", "click()")
        wanda.page.until(f"{shown.format(name)} === 'visible'")
        assert wanda.page.evaluate(shown.format(other)) == "hidden"
        assert wanda.evaluate(f"{name}-toggle", "getAttribute('aria-expanded')") == "true"
        wanda.page.press("Escape")
        wanda.page.until(f"{shown.format(name)} === 'hidden'")
    assert wanda.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_the_server_refuses_is_told(wanda: Person) -> None:
    """A room that lets nobody in, a command that does not exist; the text stays in the message box."""
    with wanda.daemon.connect("pia") as pia:
        pia.ask("JOIN #closed", "MODE #closed +i")
        wanda.join("wanda")
        wanda.say("/join #closed")
        wanda.reads("#closed: Cannot join channel")
        wanda.say("/nosuch thing")
        wanda.reads("There is no command /nosuch")
        assert wanda.evaluate("composer-text", "value") == "/nosuch thing"


def test_an_invited_person_registers_by_the_link() -> None:
    """On a private server: the page asks for a name and a new password, and is in the room; the link works once."""
    private = web_running(
        listen=OWN, limits__enabled=False, accounts__registration="invite", accounts__require_login=True
    )
    with private as daemon, visiting(_address(daemon)) as page:
        daemon.place.environment["CHATROOM_SERVER__PAGE_ADDRESS"] = f"http://127.0.0.1:{daemon.web_port}"
        made = json.loads(daemon.place.ctl("invite", "create", "--channel", "#tea", "--json"))
        token = made["token"]
        wanda = Person(daemon, page)
        where = made["page"].removeprefix(f"http://127.0.0.1:{daemon.web_port}/")
        wanda.visit("#/join?invite=wrong")
        wanda.fill(nick="wanda", password=PASSWORD)
        wanda.submit("welcome")
        wanda.page.until("document.getElementById('welcome-error').textContent")
        wanda.join("wanda", PASSWORD, where)
        wanda.is_told("own-account", "logged in")
        wanda.page.until("document.getElementById('room-name').textContent === '#tea'")
        assert token not in wanda.page.evaluate("location.href")
        wanda.visit(where)
        wanda.fill(nick="mallory", password=PASSWORD)
        wanda.submit("welcome")
        wanda.page.until("document.getElementById('welcome-error').textContent")
        wanda.evaluate("known", "click()")
        wanda.fill(nick="wanda")
        wanda.submit("welcome")
        wanda.is_told("own-account", "logged in")


def test_the_page_is_back_after_a_restart() -> None:
    """It says that the connection is lost, and is in its rooms again, by itself."""
    with web_running(listen=OWN, limits__enabled=False) as daemon, visiting(_address(daemon)) as page:
        wanda = Person(daemon, page)
        wanda.join("wanda", where="#tea")
        wanda.say("before")
        wanda.reads("before")
        assert daemon.stop() == 0
        wanda.page.until("!document.getElementById('status').hidden")
        wanda.is_told("status", "The connection is lost")
        again = WebDaemon(daemon.place, web_port=daemon.web_port, listen=OWN)
        wanda.page.until("document.getElementById('status').hidden")
        with again.connect("pia") as pia:
            pia.ask("JOIN #tea", "PRIVMSG #tea :after")
            wanda.reads("after")
        assert wanda.page.evaluate(LOG).count("before") == 1
        assert again.stop() == 0


def test_a_server_with_a_password_asks_for_it() -> None:
    """The field is there when it is needed. A ban is told, and ends the tries."""
    closed = web_running(listen=OWN, limits__enabled=False, server__password="open sesame")
    with closed as daemon, visiting(_address(daemon)) as page:
        wanda = Person(daemon, page)
        wanda.visit()
        assert wanda.evaluate("server-password-line", "hidden")
        wanda.fill(nick="wanda")
        wanda.submit("welcome")
        wanda.page.until("!document.getElementById('server-password-line').hidden")
        wanda.fill(server_password="open sesame")
        wanda.submit("welcome")
        wanda.page.until("!document.getElementById('chat').hidden")
        daemon.place.ctl("ban", "add", "wanda", "--reason", "spam")
        wanda.page.until("document.getElementById('chat').hidden")
        wanda.is_told("welcome-error", "spam")


def _address(daemon: WebDaemon) -> str:
    return f"http://127.0.0.1:{daemon.web_port}/"
