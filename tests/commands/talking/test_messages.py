from __future__ import annotations

import pytest
from harness.world import SERVER, Here, params_of

from chatroom.irc.message import parse


def test_a_message_reaches_every_member_but_the_sender(here: Here) -> None:
    """Members read it once, with the channel's name as it is spelled. The sender and other users do not read it."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    carl.say("PART #lobby")
    here.forget_unread()
    assert alice.ask("PRIVMSG #LOBBY :hello there", "NOTICE #lobby :beep") == []
    assert bob.read() == [f":{alice.prefix} PRIVMSG #lobby :hello there", f":{alice.prefix} NOTICE #lobby :beep"]
    assert carl.read() == []


def test_a_direct_message_reaches_one_user(here: Here) -> None:
    """PRIVMSG takes nicks in any case, separated by commas. If the user is away, the sender reads 301."""
    alice, bob, carl = here.connect("alice"), here.connect("Bob"), here.connect("carl")
    here.forget_unread()
    alice.say("PRIVMSG bob,CARL :psst")
    assert bob.read() == [f":{alice.prefix} PRIVMSG Bob :psst"]
    assert carl.read() == [f":{alice.prefix} PRIVMSG carl :psst"]
    bob.say("AWAY :at lunch")
    assert alice.ask("PRIVMSG bob :?") == [f":{SERVER} 301 alice Bob :at lunch"]
    assert alice.ask("NOTICE bob :?") == []


def test_a_refused_privmsg_is_answered_and_a_refused_notice_is_not(here: Here) -> None:
    """PRIVMSG is answered with 411, 412, 401, 403, 404 or 407. NOTICE is never answered."""
    alice = here.connect("alice")
    bob = here.connect("bob")
    bob.say("JOIN #b")
    assert alice.ask("PRIVMSG") == [f":{SERVER} 411 alice :No recipient given (PRIVMSG)"]
    assert alice.ask("PRIVMSG bob") == [f":{SERVER} 412 alice :No text to send"]
    assert alice.ask("PRIVMSG bob :") == [f":{SERVER} 412 alice :No text to send"]
    assert alice.ask("PRIVMSG nobody :x") == [f":{SERVER} 401 alice nobody :No such nick/channel"]
    assert alice.ask("PRIVMSG #none :x") == [f":{SERVER} 403 alice #none :No such channel"]
    assert alice.ask("PRIVMSG #B :x") == [f":{SERVER} 404 alice #b :Cannot send to channel"]
    assert alice.ask("PRIVMSG a,b,c,d,e :x") == [f":{SERVER} 407 alice a,b,c,d,e :Too many targets"]
    bob.read()
    assert alice.ask("NOTICE", "NOTICE bob", "NOTICE nobody :x", "NOTICE #none :x", "NOTICE #b :x") == []
    assert bob.read() == []


def test_a_moderator_may_speak_anywhere(here: Here) -> None:
    """Modes n and m and bans do not silence a moderator."""
    alice, mo = here.connect("alice"), here.moderator()
    alice.say("JOIN #a", "MODE #a +mb *!*@*")
    alice.read()
    assert mo.ask("PRIVMSG #a :calm down") == []
    assert alice.read() == [f":{mo.prefix} PRIVMSG #a :calm down"]


def test_echo_message_sends_the_message_to_its_sender_too(here: Here) -> None:
    """The sender reads the same bytes as a reader with the same capabilities, message id included."""
    alice = here.connect("alice", caps="echo-message message-tags")
    bob = here.connect("bob", caps="message-tags")
    alice.read()
    sent = alice.ask("PRIVMSG #lobby :hi", "PRIVMSG bob :psst")
    assert sent == bob.read()
    assert [parse(line).params for line in sent] == [["#lobby", "hi"], ["bob", "psst"]]
    assert all("msgid" in (parse(line).tags or {}) for line in sent)


def test_a_message_to_oneself_arrives_and_is_echoed(here: Here) -> None:
    """The sender reads it once as the reader, and once more as the sender with echo-message."""
    for client, times in ((here.connect("alice"), 1), (here.connect("bob", caps="echo-message"), 2)):
        nick = client.user.nick
        client.read()
        assert client.ask(f"PRIVMSG {nick} :note") == [f":{client.prefix} PRIVMSG {nick} :note"] * times


def test_each_reader_gets_the_tags_it_negotiated(here: Here) -> None:
    """The capability decides on time, account and msgid. Each message has one msgid, the same for all readers."""
    una = here.member()
    timed, tagged = here.connect("timed", caps="server-time"), here.connect("tagged", caps="account-tag message-tags")
    other, plain = here.connect("other", caps="message-tags"), here.connect("plain")
    here.forget_unread()
    here.wait(1.5)
    una.say("PRIVMSG #lobby :one", "PRIVMSG #lobby :two")
    assert timed.read()[0].startswith("@time=2030-05-01T12:00:01.500Z :una!")
    ids = [(parse(line).tags or {})["msgid"] for line in other.read()]
    assert len(set(ids)) == 2
    assert [parse(line).tags for line in tagged.read()] == [{"account": "una", "msgid": msgid} for msgid in ids]
    assert plain.read()[0] == f":{una.prefix} PRIVMSG #lobby :one"


def test_client_only_tags_reach_readers_with_message_tags(here: Here) -> None:
    """Tags with ``+`` arrive escaped as they were sent, other tags are dropped. A TAGMSG reaches these readers only."""
    alice = here.connect("alice", caps="message-tags")
    bob, carl = here.connect("bob", caps="message-tags"), here.connect("carl")
    here.forget_unread()
    alice.say("@+x=a\\sb;evil=1;time=0 PRIVMSG #lobby :hi")
    tags = parse(bob.read()[0]).tags or {}
    assert {key: value for key, value in tags.items() if key != "msgid"} == {"+x": "a b"}
    assert carl.read() == [f":{alice.prefix} PRIVMSG #lobby :hi"]
    alice.say("@+typing=active TAGMSG #LOBBY", "@+typing=done TAGMSG bob")
    assert [parse(line).params for line in bob.read()] == [["#lobby"], ["bob"]]
    assert carl.read() == []


def test_a_refused_tagmsg_is_answered_as_privmsg_is(here: Here) -> None:
    """403, 401 and 404, with and without tags on the line."""
    alice = here.connect("alice", caps="message-tags")
    here.connect("bob").say("JOIN #b")
    assert alice.ask("@+a TAGMSG #none") == [f":{SERVER} 403 alice #none :No such channel"]
    assert alice.ask("@+a TAGMSG nobody") == [f":{SERVER} 401 alice nobody :No such nick/channel"]
    assert alice.ask("@+a TAGMSG #b") == [f":{SERVER} 404 alice #b :Cannot send to channel"]
    assert alice.ask("TAGMSG #none") == [f":{SERVER} 403 alice #none :No such channel"]


def test_tagmsg_without_tags_of_its_own_is_delivered(here: Here) -> None:
    """It may have no tags, or only tags that are dropped. From a client without message-tags it is ignored."""
    alice, bob = here.connect("alice", caps="message-tags echo-message"), here.connect("bob", caps="message-tags")
    plain = here.connect("plain")
    here.forget_unread()
    for line in ("@unknown-tag TAGMSG #lobby", "TAGMSG #lobby", "TAGMSG bob"):
        [echo], [read] = alice.ask(line), bob.read()
        assert echo == read and set(parse(read).tags or {}) == {"msgid"}
        assert (parse(read).verb, parse(read).params) == ("TAGMSG", [line.split()[-1]])
    plain.say("@+a TAGMSG #lobby", "TAGMSG bob")
    assert bob.read() == plain.read() == []


def test_a_tagmsg_reaches_the_other_session_of_its_sender(here: Here) -> None:
    """A direct TAGMSG is copied to the sender's second session, and not echoed to the first."""
    phone, laptop = here.member(caps="message-tags"), here.member(caps="message-tags")
    here.connect("bob")
    here.forget_unread()
    phone.say("@+typing=active TAGMSG bob")
    assert [parse(line).params for line in laptop.read()] == [["bob"]]
    assert phone.read() == []


@pytest.mark.parametrize("caps", ["", "message-tags server-time account-tag"])
def test_a_long_message_is_cut_to_the_line_between_characters(here: Here, caps: str) -> None:
    """The text is cut if the line is too long with the sender's prefix. Tags do not count."""
    alice, bob = here.connect("alice"), here.connect("bob", caps=caps)
    bob.read()
    alice.say("PRIVMSG #lobby :" + "é" * 240)
    line = bob.read()[0]
    body = line[line.index(":alice!") :] if caps else line
    assert 508 <= len(body.encode()) <= 510
    assert params_of([line], "PRIVMSG")[1].strip("é") == ""


def test_messages_of_one_tick_arrive_in_order_across_channels_and_users(here: Here) -> None:
    """A reader in all of the channels reads the messages in the order in which they were sent."""
    alice, bob = here.connect("alice"), here.connect("bob")
    for client in (alice, bob):
        client.say("JOIN #a,#b")
    bob.read()
    with here.tick():
        for number, target in enumerate(["#a", "bob", "#b", "#a", "#lobby", "bob", "#b"]):
            alice.say(f"PRIVMSG {target} :{number}")
    assert [parse(line).params[1] for line in bob.read()] == list("0123456")
