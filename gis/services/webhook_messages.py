"""What a webhook sends: a CloudEvent, and the signature that proves who sent it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Final

from gis.store.feed import Message

SOURCE: Final = "/gridward"
TYPE_PREFIX: Final = "gridward."
MEDIA_TYPE: Final = "application/cloudevents+json; charset=utf-8"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - marks a secret, is none


def new_secret() -> str:
    """Return a new signing secret: ``whsec_`` and 256 random bits in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def message_id(position: int) -> str:
    """Return the id of a message: the same at every try and for every recipient."""
    return f"gridward-{position}"


def cloud_event(message: Message) -> bytes:
    """Return a message as a CloudEvent 1.0 in structured JSON; the same bytes at every try."""
    event = {
        "specversion": "1.0",
        "id": message_id(message.position),
        "source": SOURCE,
        "type": TYPE_PREFIX + message.topic,
        "subject": message.subject,
        "time": message.at.isoformat(),
        "datacontenttype": "application/json",
        "data": dict(message.body),
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def signature(secret: str, identity: str, timestamp: int, body: bytes) -> str:
    """Return ``v1,<base64>``: HMAC-SHA256 over ``id.timestamp.body`` (Standard Webhooks).

    >>> key = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
    >>> signature(key, "gridward-7", 1700000000, b"{}")
    'v1,xdoSoHISojEVvc4oAXGA3dTh3lajmLaSNsRVS5jb2pA='
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secrets_: Sequence[str], identity: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of one delivery, signed by each of the secrets (parted by a blank)."""
    return {
        "Content-Type": MEDIA_TYPE,
        "User-Agent": "Gridward-Webhooks/1",
        "Webhook-Id": identity,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": " ".join(
            signature(secret, identity, timestamp, body) for secret in secrets_
        ),
    }
