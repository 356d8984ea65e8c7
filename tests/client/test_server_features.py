from __future__ import annotations

import pytest

from chatroom.client.server_features import ServerFeatures


def features(*tokens: str) -> ServerFeatures:
    """The features of a server whose 005 has these tokens."""
    found = ServerFeatures()
    found.read(tokens)
    return found


def test_before_any_005() -> None:
    """A server that announces nothing has # channels, operators and voices, and compares ASCII letters."""
    found = features()
    assert found.is_channel("#tea")
    assert not found.is_channel("&tea")
    assert not found.is_channel("")
    assert found.split_signs("@+bob") == ("@+", "bob")
    assert (found.fold("Bob"), found.fold("[Bob]")) == ("bob", "[bob]")


def test_what_a_server_announces() -> None:
    """Channel types, case mapping, modes and signs are taken from the tokens; other tokens are ignored."""
    found = features("CHANTYPES=&", "CASEMAPPING=rfc1459", "CHANMODES=b,k,l,imn", "PREFIX=(qo)~@", "NICKLEN=30", "FNC")
    assert (found.is_channel("&tea"), found.is_channel("#tea")) == (True, False)
    assert found.fold("[Bob]") == "{bob}"
    assert found.modes_with_parameter == "bkl"
    assert found.prefixes == {"q": "~", "o": "@"}
    assert found.split_signs("~@#tea") == ("~@", "#tea")


@pytest.mark.parametrize("token", ["PREFIX=", "PREFIX=(ov", "PREFIX=ov@+", "CHANTYPES=", "CHANMODES="])
def test_a_broken_token_breaks_nothing(token: str) -> None:
    """A token without its value leaves a server that can still be talked to."""
    found = features(token)
    assert found.split_signs("bob") == ("", "bob")
    assert not found.is_channel("bob")
