"""What a body that left this host says, as people read it: JSON without escapes, mail without its transfer encoding (RFC 2045)."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator


def readable(body: bytes) -> Iterator[str]:
    """`body` as text, and decoded where it is JSON or a mail."""
    text = body.decode("utf-8", "replace")
    yield text
    try:
        yield json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        yield from _mail(body)


def _mail(body: bytes) -> Iterator[str]:
    try:
        message = email.message_from_bytes(body, policy=email.policy.default)
        yield from (str(value) for value in message.values())
        for part in message.walk():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield content.decode("utf-8", "replace")
    except Exception:  # noqa: BLE001  the parser meets bodies of any kind, and its errors are of many
        return
