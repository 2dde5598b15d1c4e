"""Small YAML files that the operator writes: names with a value or a list of values each.

Read with every scalar as the text that stands there: `08` stays `08` and `no` stays `no`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import yaml

from tocsin.config import bounds
from tocsin.records.errors import OperatorError


def load_mapping(path: Path, what: str, hint: str) -> dict[str, tuple[str, ...]]:
    """Each name in the file at `path` with its values; none where nothing stands behind it.

    Args:
        path: The file.
        what: What the file is, for the message: "column file".
        hint: How to write one, a sentence.

    Raises:
        OperatorError: it cannot be read, is no YAML, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(bounds.MAPPING_BYTES + 1)
        if len(data) > bounds.MAPPING_BYTES:
            raise OperatorError(f"The {what} {path} is larger than {bounds.MAPPING_BYTES} bytes.", hint)
        return dict(_entries(data.decode("utf-8-sig")))
    except OSError as error:
        raise OperatorError(f"The {what} {path} cannot be read: {error.strerror}.", hint) from error
    except (ValueError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise OperatorError(f"The {what} {path} cannot be read ({why}).", hint) from error


def _entries(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The pairs in `text`, from YAML's events alone: nothing is built that nests or that an alias could multiply.

    Raises:
        ValueError: it is no mapping of that form.
    """
    events = yaml.parse(text, yaml.CSafeLoader)
    opening = list(islice(events, 3))
    if len(opening) < 3 or not isinstance(opening[2], yaml.MappingStartEvent) or not opening[2].implicit:
        raise ValueError("it holds no names with values")
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        name = _text(event)
        value = next(events)
        yield name, tuple(_list(events)) if isinstance(value, yaml.SequenceStartEvent) else _one(value)
    ending = [type(event) for event in events]
    if ending != [yaml.DocumentEndEvent, yaml.StreamEndEvent]:
        raise ValueError("it holds more than one document")


def _list(events: Iterator[yaml.Event]) -> Iterator[str]:
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        yield _text(event)


def _one(event: yaml.Event) -> tuple[str, ...]:
    text = _text(event)
    quoted = isinstance(event, yaml.ScalarEvent) and not event.implicit[0]
    return (text,) if text or quoted else ()


def _text(event: yaml.Event) -> str:
    if not isinstance(event, yaml.ScalarEvent) or not any(event.implicit):
        raise ValueError("a name or value is neither text nor a list of texts")
    return str(event.value)
