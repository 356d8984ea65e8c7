"""Messages under way: what the server's answers and its silence mean for what the user has said."""

from __future__ import annotations

from harness.client_stage import Stage

from chatroom.client.chat_events import Denied, Info, Said, Trouble, Unsaid

LABELS = "batch echo-message labeled-response"


def under_way(stage: Stage) -> list[str]:
    """The texts that no line on the screen shows yet."""
    return [said.text for said in stage.session.speech.under_way]


def said(text: str, to: str = "#lobby") -> Said:
    """What alice says."""
    return Said(to, "alice", text, mine=True)


def test_a_message_is_under_way_until_its_echo() -> None:
    """With echo-message a message is shown by its echo, and is under way before it."""
    for caps, label in ((LABELS, "@label=1 "), ("echo-message", "")):
        stage = Stage()
        stage.welcome("#lobby", caps=caps)
        assert stage.session.enter("hi") == []
        assert f"{label}PRIVMSG #lobby :hi" in stage.link.sent
        assert under_way(stage) == ["hi"]
        assert stage.hear(f"{label}:alice!a@h PRIVMSG #lobby :hi") == [said("hi")]
        assert under_way(stage) == []


def test_a_lost_connection_gives_back_what_was_not_echoed() -> None:
    """It is shown as perhaps not sent, and waits in the draft of its place, behind the loss of the connection too."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    stage.session.enter("one")
    stage.session.enter("/me waves")
    stage.session.enter("/msg bob psst")
    stage.hear("@label=1 :alice!a@h PRIVMSG #lobby :one")
    *lost, hint, trouble = stage.lose()
    assert lost == [
        Unsaid(Said("#lobby", "alice", "waves", "action", mine=True), perhaps=True),
        Unsaid(said("psst", "bob"), perhaps=True),
    ]
    assert isinstance(hint, Info)
    assert isinstance(trouble, Trouble)
    assert under_way(stage) == []
    assert stage.session.navigation.take_draft() == "/me waves"
    stage.welcome("#lobby", caps=LABELS)
    assert not [line for line in stage.link.sent if "PRIVMSG" in line]
    stage.session.enter("/query bob")
    assert stage.session.navigation.take_draft() == "psst"


def test_what_had_not_left_is_certainly_not_sent() -> None:
    """Of a long paste the lines that the pacer held back are given back as not sent."""
    stage = Stage()
    stage.welcome("#lobby", caps="echo-message")
    stage.session.enter("\n".join(f"line {number}" for number in range(12)))
    lost = [event for event in stage.lose() if isinstance(event, Unsaid)]
    assert [unsaid.perhaps for unsaid in lost].count(True) == 1  # the PING after the first one is not answered
    assert [unsaid.said.text for unsaid in lost] == [f"line {number}" for number in range(12)]
    assert stage.session.navigation.take_draft().count("\n") == 11


def test_a_refusal_says_of_what() -> None:
    """With labels the refused message is known for sure; without, the oldest one to that target is taken."""
    for caps, label in ((LABELS, "@label=2 "), ("echo-message", "")):
        stage = Stage()
        stage.welcome("#lobby", "#tea", caps=caps)
        stage.session.enter("fine")
        stage.session.enter("/msg #tea not fine")
        refusal = f"{label}:srv 404 alice #tea :Cannot send to channel (+m)"
        assert stage.hear(refusal) == [
            Unsaid(said("not fine", "#tea"), refused=True),
            Denied("#tea does not take your message: +m."),
        ]
        assert under_way(stage) == ["fine"]


def test_answers_may_come_in_a_batch() -> None:
    """A labelled batch of answers ends what is under way, refused or not."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    stage.session.enter("one")
    stage.session.enter("two")
    stage.hear("@label=1 :srv BATCH +x labeled-response", "@batch=x :srv 301 alice bob :away")
    assert under_way(stage) == ["two"]
    events = stage.hear(
        ":srv BATCH -x",
        "@label=2 :srv BATCH +y labeled-response",
        "@batch=y :srv FAIL PRIVMSG MUTED :You are muted.",
        ":srv BATCH -y",
    )
    assert events == [Unsaid(said("two"), refused=True), Denied("You are muted.")]
    stage.session.enter("three")
    assert stage.hear("@label=3 :srv ACK") == []
    assert under_way(stage) == []


def test_a_server_without_echo_confirms_by_pong() -> None:
    """Without echo-message a message is shown at once, and counts as sent once a PONG has followed it."""
    stage = Stage()
    stage.welcome("#lobby")
    assert stage.session.enter("one") == [said("one")]
    assert stage.link.sent[-2:] == ["PRIVMSG #lobby :one", "PING :said-1"]
    assert under_way(stage) == []
    stage.hear("PONG srv said-1")
    stage.session.enter("two")
    assert [event for event in stage.lose() if isinstance(event, Unsaid)] == [Unsaid(said("two"), perhaps=True)]


def test_without_echo_only_what_is_sent_is_shown_as_said() -> None:
    """Of a paste, what the pacer holds back is under way; it is shown when it is sent, and not if it is dropped."""
    stage = Stage()
    stage.welcome("#lobby")
    texts = [f"line {number}" for number in range(20)]
    assert stage.session.enter("\n".join(texts)) == [said("line 0")]
    assert under_way(stage) == texts[1:]
    assert stage.hear("PONG srv said-1") == [said(text) for text in texts[1:9]]
    assert under_way(stage) == texts[9:]
    assert stage.session.stop() == [Info("11 messages were not sent. The arrow up brings the text back.")]
    assert under_way(stage) == []
    assert stage.hear("PONG srv said-2") == []
    assert [event.said.text for event in stage.lose() if isinstance(event, Unsaid)] == []


def test_a_server_that_swallows_a_message_is_not_waited_for() -> None:
    """If the PONG comes and the echo does not, the message is no longer under way, and the user reads that."""
    stage = Stage()
    stage.welcome("#lobby", caps="echo-message")
    stage.session.enter("one")
    assert stage.hear("PONG srv said-1") == [Unsaid(said("one"), perhaps=True)]
    assert under_way(stage) == []


def test_an_echo_may_differ_from_what_was_typed() -> None:
    """A server that changes the text has still answered; the message with the same text goes first."""
    stage = Stage()
    stage.welcome("#lobby", caps="echo-message")
    stage.session.enter("darn")
    stage.hear("PONG srv said-9")
    stage.session.enter("fine")
    stage.hear(":alice!a@h PRIVMSG #LOBBY :fine")
    assert under_way(stage) == ["darn"]
    stage.hear(":alice!a@h PRIVMSG #LOBBY :****")
    assert under_way(stage) == []
