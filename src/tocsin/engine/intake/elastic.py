"""Elasticsearch's `_bulk`, and what its clients ask before they use it (Elasticsearch REST API, "Bulk API").

The shippers that people have look first who answers: the official clients want the `X-Elastic-Product` header, Beats
read the version and the licence, Vector the version and the cluster's health. All of it is said in the least form that
satisfies them; there is no search, no index, no template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from tocsin.config import bounds
from tocsin.engine.intake.answers import STATUS, Answer, Checked, Problem, Refused
from tocsin.engine.intake.filter_path import ALL, FilterPath
from tocsin.sources.listened import elastic_bulk

VERSION: Final = "8.19.0"
"""The version whose `_bulk` is spoken; Beats refuse to talk to one older than themselves by a major version."""

PRODUCT: Final = ((b"x-elastic-product", b"Elasticsearch"),)
_UUID: Final = "tocsin-0000000000000000"

_KINDS: Final[Mapping[Problem, str]] = {
    "missing": "security_exception", "malformed": "security_exception", "unknown": "security_exception",
    "revoked": "security_exception",
    "guessing": "security_exception", "sender": "es_rejected_execution_exception",
    "busy": "es_rejected_execution_exception", "disk": "cluster_block_exception",
    "stopping": "node_closed_exception", "large": "content_too_long_exception", "coding": "parse_exception",
    "slow": "timeout_exception", "method": "method_not_allowed_exception", "path": "invalid_index_name_exception",
    "bad": "illegal_argument_exception", "crash": "exception",
}  # fmt: skip
_WORDS: Final[Mapping[Problem, str]] = {
    "missing": "missing authentication credentials", "malformed": "unreadable authentication credentials",
    "unknown": "unable to authenticate with the provided credentials",
    "revoked": "unable to authenticate with the provided credentials", "guessing": "too many failed attempts",
    "sender": "this sender has too much in flight", "busy": "too much waits for the disk",
    "disk": "the disk refuses writes", "stopping": "the service is stopping", "large": "the body is too large",
    "coding": "the body is not of its content coding", "slow": "the body did not come in time",
    "method": "this method is not allowed here", "path": "there is nothing here",
    "bad": "the body is not of the bulk form", "crash": "an error of the service",
}  # fmt: skip
_WELCOME: Final[Mapping[str, Any]] = {
    "name": "tocsin", "cluster_name": "tocsin", "cluster_uuid": _UUID,
    "version": {
        "number": VERSION, "build_flavor": "default", "build_type": "tar", "build_hash": "0" * 40,
        "build_date": "2025-01-01T00:00:00.000000000Z", "build_snapshot": False, "lucene_version": "9.12.0",
        "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0",
    },
    "tagline": "You Know, for Search",
}  # fmt: skip
_LICENSE: Final[Mapping[str, Any]] = {
    "license": {"status": "active", "uid": _UUID, "type": "basic", "issue_date_in_millis": 0, "issued_to": "tocsin",
                "issuer": "tocsin", "max_nodes": 1000, "start_date_in_millis": -1},
}  # fmt: skip
_HEALTH: Final[Mapping[str, Any]] = {
    "cluster_name": "tocsin", "status": "green", "timed_out": False, "number_of_nodes": 1,
    "number_of_data_nodes": 1, "active_primary_shards": 1, "active_shards": 1, "relocating_shards": 0,
    "initializing_shards": 0, "unassigned_shards": 0, "number_of_pending_tasks": 0,
}  # fmt: skip
_XPACK: Final[Mapping[str, Any]] = {
    "build": {"hash": "0" * 40, "date": "2025-01-01T00:00:00.000000000Z"},
    "license": {"uid": _UUID, "type": "basic", "mode": "basic", "status": "active"},
    "features": {}, "tagline": "You know, for X",
}  # fmt: skip
ASKED: Final[Mapping[str, Mapping[str, Any]]] = {
    "/": _WELCOME, "/_license": _LICENSE, "/_xpack": _XPACK, "/_cluster/health": _HEALTH,
}  # fmt: skip


def index_of(path: str) -> str | None:
    """The index that a `_bulk` path names, "" without one, None where it is no such path."""
    parts = path.strip("/").split("/")
    if parts[-1] != "_bulk" or len(parts) > 3:  # the third was the type, up to version 7
        return None
    return parts[0] if len(parts) > 1 else ""


def talk(path: str, wanted: FilterPath) -> Answer | None:
    """The answer to what a client asks before it sends, None where it is no such question."""
    said = ASKED.get(path.rstrip("/") or "/")
    return None if said is None else Answer(200, _encoded(said, wanted), PRODUCT)


def refusal(refused: Refused) -> Answer:
    """How Elasticsearch says no."""
    status = 401 if refused.problem in ("unknown", "revoked") else STATUS[refused.problem]
    status = 429 if refused.problem == "busy" else status
    if refused.answer is not None:
        return refused.answer
    answer = _failed(_KINDS[refused.problem], refused.detail or _WORDS[refused.problem], status)
    challenge = ((b"www-authenticate", b'Basic realm="tocsin", charset="UTF-8"'),) if status == 401 else ()
    return Answer(status, answer.body, PRODUCT + challenge)


def check(body: bytes, index: str, wanted: FilterPath = ALL) -> Checked:
    """A body for `_bulk`.

    Args:
        body: Decompressed.
        index: As its path names it, "" where it does not.
        wanted: Of the answer. One that says no is always whole, as Elasticsearch's.

    Raises:
        Refused: it is not of its form.
    """
    if len(index.encode()) > bounds.INDEX_BYTES:
        raise Refused("bad", answer=_failed("invalid_index_name_exception", "index name is too long", 400))
    try:
        actions = elastic_bulk.check(body, index)
    except elastic_bulk.BadBulk as error:
        raise Refused("bad", answer=_failed(error.kind, error.reason, 400)) from error
    taken = [action for action in actions if not action.error]
    hints = {"index": index} if index else {}
    named = all(action.id for action in taken)
    return Checked("bulk", len(taken), lambda stream: _stored(actions, stream, wanted), hints, named=named)


def _failed(kind: str, reason: str, status: int) -> Answer:
    cause = {"type": kind, "reason": reason}
    body = msgspec.json.encode({"error": {"root_cause": [cause], **cause}, "status": status})
    return Answer(status, body, PRODUCT)


def _encoded(said: Mapping[str, Any], wanted: FilterPath) -> bytes:
    return msgspec.json.encode(wanted.of(said) if wanted else said)


def _stored(actions: Sequence[elastic_bulk.Action], stream: str, wanted: FilterPath) -> Answer:
    items = [_item(action, number, stream) for number, action in enumerate(actions)]
    errors = any(action.error for action in actions)
    return Answer(200, _encoded({"errors": errors, "took": 1, "items": items}, wanted), PRODUCT)


def _item(action: elastic_bulk.Action, number: int, stream: str) -> dict[str, Any]:
    named = {"_index": action.index, "_id": action.id or f"{stream[:20]}-{number}"}
    if action.error:
        return {action.name: {**named, "status": 400, "error": {"type": action.kind, "reason": action.error}}}
    return {
        action.name: {
            **named, "_version": 1, "result": "created", "_shards": {"total": 1, "successful": 1, "failed": 0},
            "_seq_no": number, "_primary_term": 1, "status": 201,
        }
    }  # fmt: skip
