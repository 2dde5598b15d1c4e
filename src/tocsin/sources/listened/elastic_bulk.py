"""The bodies of Elasticsearch's `_bulk`: lines of actions, and behind each the line with its document.

Source: Elasticsearch reference, "Bulk API", and what its server answers. `index` and `create` are taken in; an append-only
log knows no `update` and no `delete`, which are answered as errors of that one item, like a document that is no JSON
object. A line where an action should stand and none does, and a body that no line feed ends, fail the whole request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tocsin.config import bounds
from tocsin.sources.listened.json_bodies import is_nested_deeper, mended, why_no_object

_TAKEN = frozenset({"index", "create"})
_WITH_DOCUMENT = frozenset({"index", "create", "update"})
_ACTIONS = msgspec.json.Decoder(dict[str, Any])
_ACTION_DEPTH = 8
_SHOWN = 64


class BadBulk(ValueError):  # noqa: N818  named for what it is about
    """A request that fails as a whole (400).

    Attributes:
        kind: Elasticsearch's `error.type`.
        reason: Its `error.reason`.
    """

    def __init__(self, kind: str, reason: str) -> None:
        self.kind, self.reason = kind, reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Action:
    """One item of the request.

    Attributes:
        name: `index`, `create`, `update` or `delete`.
        index: Where the sender wants it; "" where neither the action nor the path says so.
        id: The id that the sender gave it, "" without one.
        error: Why it is not taken in, "" where it is.
        kind: Elasticsearch's type of that error, "" where there is none.
    """

    name: str
    index: str
    id: str
    error: str = ""
    kind: str = ""


def check(body: bytes, index: str = "") -> Sequence[Action]:
    """The items of `body`, in order; as many are records as have no error.

    Args:
        body: The request's body.
        index: The index that the path names.

    Raises:
        BadBulk: the request fails as a whole.
    """
    actions: list[Action] = []
    for action, _ in _items(body, index):
        actions.append(action)
        if len(actions) > bounds.BODY_RECORDS:
            raise _bad(f"more than {bounds.BODY_RECORDS} items in one request")
    if not actions:
        raise BadBulk("parse_exception", "request body is required")
    return actions


def documents(body: bytes, index: str = "") -> Iterator[tuple[Action, bytes]]:
    """The items of `body` that are taken in, each with its document.

    Raises:
        BadBulk: as `check`, where it is met.
    """
    return (item for item in _items(body, index) if not item[0].error)


def _items(body: bytes, index: str) -> Iterator[tuple[Action, bytes]]:
    """Each item with its document, which is empty where it has none."""
    if body and not body.endswith(b"\n"):
        raise _bad("The bulk request must be terminated by a newline [\\n]")
    lines = _lines(body)
    for number, line in lines:
        if not line.strip():
            continue
        name, given = _action(line, number)
        document = b""
        if name in _WITH_DOCUMENT:
            following = next(lines, None)
            if following is None:
                raise _bad(f"Malformed action/metadata line [{number}], no document follows it")
            document = following[1].strip()
        yield _judged(name, given, index, document), document


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Each line with its number, counted from 1."""
    start, number = 0, 0
    while start < len(body):
        end, number = body.index(b"\n", start), number + 1
        yield number, body[start:end]
        start = end + 1


def _action(line: bytes, number: int) -> tuple[str, dict[str, Any]]:
    """The name of the action and what it says.

    Raises:
        BadBulk: it is none.
    """
    where = f"Malformed action/metadata line [{number}]"
    try:
        found = _ACTIONS.decode(mended(line)) if not is_nested_deeper(line, _ACTION_DEPTH) else {}
    except (ValueError, RecursionError):
        raise _bad(f"{where}, expected START_OBJECT or END_OBJECT") from None
    if len(found) != 1:
        raise _bad(f"{where}, expected one action")
    name, given = next(iter(found.items()))
    if name not in _WITH_DOCUMENT and name != "delete":
        raise _bad(f"{where}, expected field [create], [delete], [index] or [update]")
    if not isinstance(given, dict):
        raise _bad(f"{where}, expected START_OBJECT")
    return name, given


def _judged(name: str, given: dict[str, Any], index: str, document: bytes) -> Action:
    named, key = given.get("_index"), given.get("_id")
    index = named if isinstance(named, str) and named else index
    action = Action(name, index, str(key) if isinstance(key, str | int) else "")
    if not index:
        raise BadBulk("action_request_validation_exception", "Validation Failed: 1: index is missing;")
    if len(index.encode()) > bounds.INDEX_BYTES:
        why = f"index name is too long, ({len(index.encode())} > {bounds.INDEX_BYTES})"
        return Action(name, index[:_SHOWN], "", why, "invalid_index_name_exception")
    if len(action.id.encode()) > bounds.ID_BYTES:
        why = f"id is too long, must be no longer than {bounds.ID_BYTES} bytes but was: {len(action.id.encode())}"
        return Action(name, index, action.id[:_SHOWN], why, "illegal_argument_exception")
    if name not in _TAKEN:
        return Action(
            name,
            index,
            action.id,
            f"[{name}] is not done here: only [index] and [create]",
            "illegal_argument_exception",
        )
    why = why_no_object(document)
    return (
        Action(name, index, action.id, f"failed to parse: {why}", "document_parsing_exception")
        if why
        else action
    )


def _bad(reason: str) -> BadBulk:
    return BadBulk("illegal_argument_exception", reason)
