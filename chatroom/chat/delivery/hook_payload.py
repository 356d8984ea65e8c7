"""What an outgoing hook sends: the body of the request and its signature.

Source: Standard Webhooks 1.0 (standardwebhooks.com), "Payload structure", "Signature scheme", "Webhook Headers". The
secret is ``whsec_`` and the base64 of a key, and what is signed is ``id.timestamp.body``.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import TYPE_CHECKING

from chatroom.chat.stored.entries import msgid_of
from chatroom.irc.times import format_time

if TYPE_CHECKING:
    from chatroom.chat.stored.hook_records import Hook, WaitingEvent


def event_id(event: WaitingEvent) -> str:
    """The id of an event, which is the same in each try to deliver it and that of no other event."""
    return f"{event.hook_id}-{msgid_of(event.message_id)}"


def make_body(event: WaitingEvent) -> bytes:
    """The body of the request that delivers an event, as JSON."""
    document = {
        "type": event.kind,
        "id": event_id(event),
        "number": event.number,
        "hook": event.hook_id,
        "channel": event.channel,
        "time": format_time(event.time_ms),
        "msgid": msgid_of(event.message_id),
        "nick": event.nick,
        "account": event.account or None,
        "text": event.text,
    }
    return json.dumps(document, ensure_ascii=False).encode()


def make_test_body(hook: Hook, test_id: str, time_ms: int) -> bytes:
    """The body of a request that only tries whether the receiver answers."""
    document = {
        "type": "test",
        "id": test_id,
        "hook": hook.id,
        "channel": hook.channel,
        "time": format_time(time_ms),
        "text": f"This is a test of hook {hook.id}",
    }
    return json.dumps(document, ensure_ascii=False).encode()


def sign(secret: str, signed_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``. ``timestamp`` is that of the try, in Unix seconds."""
    key = base64.b64decode(secret.partition("_")[2])
    signed = f"{signed_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
