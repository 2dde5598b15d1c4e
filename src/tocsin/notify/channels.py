"""What each service takes, made of a title and a text: the bytes that go through the gate.

- ntfy: JSON to the server's root (ntfy, "Publish as JSON"), so that no text reaches a header.
- Slack: an incoming webhook; `&`, `<` and `>` are escaped (Slack, "Escaping text"), so that no text links or calls everybody.
- Teams: a workflow's webhook, which takes an Adaptive Card; its text stands in text runs, which read no Markdown.
- webhook: JSON with `id`, `title`, `body`, `type`, `severity`, `sent`: what an Apprise API server takes, too.
- email: a whole message (RFC 5322), plain text.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from tocsin.config.bell import Channel, Mail, Web
from tocsin.outbound.gate import Destination
from tocsin.outbound.mail import MailDestination
from tocsin.outbound.web import WebDestination
from tocsin.records.inert import inert
from tocsin.records.instants import rfc3339, to_datetime

_JSON: Final = {"Content-Type": "application/json"}
_PRIORITY: Final[Mapping[str, int]] = {"critical": 5, "high": 4}
_TYPE: Final[Mapping[str, str]] = {"critical": "failure", "high": "failure", "medium": "warning"}


@dataclass(frozen=True, slots=True)
class Words:
    """One message as people read it; `ident` is its id, `sent` the instant it was made or packed at."""

    ident: str
    title: str
    text: str
    severity: str
    sent: int


def parcel(channel: Channel, words: Words) -> tuple[Destination, bytes]:
    """Where `words` go by `channel`, and the bytes that go there; the same for the same words."""
    target = channel.target
    if isinstance(target, Mail):
        return MailDestination(target), _mail(target, words)
    if channel.kind == "ntfy":
        return _ntfy(target, words)
    made = {"slack": _slack, "teams": _teams}.get(channel.kind, _webhook)
    return WebDestination(target, headers=_JSON), orjson.dumps(made(words))


def _ntfy(web: Web, words: Words) -> tuple[Destination, bytes]:
    before, _, topic = urlsplit(web.url).path.rstrip("/").rpartition("/")
    body = {
        "topic": topic,
        "title": words.title,
        "message": _signed(words),
        "priority": _PRIORITY.get(words.severity, 3),
        "tags": ["bell"],
    }
    return WebDestination(web, headers=_JSON, path=f"{before}/"), orjson.dumps(body)


def _slack(words: Words) -> dict[str, Any]:
    text = f"*{words.title.replace('*', '')}*\n{_signed(words)}"
    return {
        "text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _teams(words: Words) -> dict[str, Any]:
    runs = [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line or " ", **style}]}
        for line, style in [
            (words.title, {"weight": "Bolder"}),
            *((one, {}) for one in _signed(words).split("\n")),
        ]
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": runs,
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


def _webhook(words: Words) -> dict[str, Any]:
    return {
        "id": words.ident,
        "title": words.title,
        "body": words.text,
        "type": _TYPE.get(words.severity, "info"),
        "severity": words.severity,
        "sent": rfc3339(words.sent),
    }


def _mail(mail: Mail, words: Words) -> bytes:
    message = EmailMessage(SMTP)
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = inert(f"Tocsin: {words.title}")
    message["Date"] = to_datetime(words.sent)
    message["Message-ID"] = f"<{words.ident}@{mail.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    lines = (
        textwrap.wrap(line, 76, break_long_words=False, break_on_hyphens=False) or [""]
        for line in _signed(words).split("\n")
    )
    message.set_content("\n".join(line for several in lines for line in several) + "\n")
    return bytes(message)


def _signed(words: Words) -> str:
    return f"{words.text}\n\n{words.ident}"
