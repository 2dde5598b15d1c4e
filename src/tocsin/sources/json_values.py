"""JSON records in whichever framing they come, one at a time and in bounded memory (RFC 8259, RFC 7464, NDJSON).

Understood: a record a line; records one after the other, pretty-printed or not; a top-level array; an object that wraps
an array (`WRAPPERS`). Stated behaviour at the edges:

- A record that cannot be read is set aside and reading goes on at the next line.
- Nesting over `bounds.JSON_DEPTH` and records over `bounds.RECORD_BYTES` are set aside.
- Of duplicate keys the last one counts. NaN and Infinity, which are no JSON, are read as text.
- What is read does not depend on the blocks in which the text comes.
- Bytes that are no UTF-8 and lone surrogates are read as U+FFFD; NUL inside a string is kept, between records skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from tocsin.config import bounds
from tocsin.sources.text_stream import TextStream, clean

WRAPPERS = ("Records", "records", "value", "Events", "items", "results", "hits")
"""Keys under which an object holds an array of records: CloudTrail, Azure, Graph, exports, Elasticsearch."""

_WRAPPERS = frozenset(WRAPPERS)
_NESTED = frozenset({dict, list})
_LINE_TAIL = " \t\r,\x00"
_SEPARATORS = re.compile(r"(?:[\s,\x00\x1e\ufeff]++|Record \d{1,20}\r?\n)*+")
"""evtx_dump writes `Record 1` above each record."""

_RECORD_LINE_CHARS = 32
_PAGING_KEYS = r'@?odata[^"]*|kind|etag|[cC]ount|next[^"]*|previous|total[^"]*|took|timed_out|_shards|max_score|page[^"]*|status|success'
"""Keys that may stand beside a wrapped array; an object with any other key is a record of its own."""

_SCALAR = r'"[^"\\]{0,2000}"|[-+.\deE]{1,40}|true|false|null|\{[^{}\[\]"]*(?:"[^"\\]*"[^{}\[\]"]*){0,40}\}'
_WRAPPER = re.compile(
    rf'\{{\s*(?:"(?:{_PAGING_KEYS})"\s*:\s*(?:{_SCALAR})\s*,\s*){{0,12}}'
    rf'"({"|".join(WRAPPERS)})"\s*:\s*(?:(\[)\s*(?=\{{)|(\{{)\s*(?="))'
)
_WRAPPER_CHARS = 8192
_LOOKAHEAD_CHARS = 64 * bounds.MiB
_NEAR_END = 8
_WINDOW_CHARS = 4096
_PAGING = re.compile(_PAGING_KEYS)
_STRICT = json.JSONDecoder(parse_constant=str)
_LENIENT = json.JSONDecoder(parse_constant=str, strict=False)


@dataclass(slots=True)
class JsonValue:
    """One record. One is made for each, so it is not frozen: that would cost four times as much.

    Attributes:
        raw: Its text, exactly; for one that was set aside its start; '' where no record is meant but the file's end.
        value: What it says; None where it was set aside.
        reason: Why it was.
        offset: Where it starts (bytes); only told for what was set aside.
        partial: Whether `value` holds only what is needed.
    """

    raw: str
    value: dict[str, Any] | None
    reason: str = ""
    offset: int | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why there is no value at the position.

    Attributes:
        message: What is wrong.
        at: Where, in characters behind the position.
        scanned: Characters that were looked at in vain.
        unfinished: Whether more text might mend it.
    """

    message: str
    at: int
    scanned: int
    unfinished: bool = False

    def told(self, *, ended: bool) -> str:
        """The reason for the operator; `ended`: the file ends here."""
        if self.unfinished and self.scanned > bounds.RECORD_BYTES:
            return f"longer than {bounds.RECORD_BYTES >> 20} MiB"
        if self.unfinished and ended:
            return "the file ends in the middle of a record"
        return f"not valid JSON: {self.message}"


class JsonValues:
    """Iterates over the records in `stream`.

    Args:
        stream: The text.
        needed: Decodes of a line only what is needed; gives None for one that is to be decoded whole.

    Attributes:
        regular: Whether each record so far was an object alone on its line and no wrapper: then every line is read as if
            it were the first, and each line feed ends a record.
    """

    def __init__(
        self, stream: TextStream, needed: Callable[[str], dict[str, Any] | None] | None = None
    ) -> None:
        self._stream = stream
        self._needed = needed
        self._open: list[str] = []  # what closes the arrays and wrappers that we are inside of
        self._wasted = 0
        self._cut = False  # the end of the file was told with its last record
        self.regular = True

    def __iter__(self) -> Iterator[JsonValue]:
        stream = self._stream
        while self._skip_separators():
            start = stream.position
            yield from self._plain_lines()
            if stream.position > start:
                continue
            char = stream.text[stream.position]
            self.regular = self.regular and char == "{"
            if char == "{":
                if self._open and self._open[-1] == "}":
                    yield self._broken("a stray brace after a wrapped array")
                else:
                    yield from self._record()
            elif self._open and char == self._open[-1]:
                self._open.pop()
                stream.position += 1
            elif char == "[" and not self._open:
                self._open.append("]")
                stream.position += 1
            elif char == '"' and self._open and self._open[-1] == "}":
                yield from self._skip_pair()
            else:
                yield self._other()
        if self._open and not self._cut and stream.stopped is None:
            yield JsonValue("", None, "the file ends inside an array: it is truncated", stream.offset())

    def _plain_lines(self) -> Iterator[JsonValue]:
        """The objects from the position on that stand each alone on a line in sight: the quick way through most logs.

        What is not as plain as that is left to the callers below, at the position.
        """
        stream, loads, needed = self._stream, orjson.loads, self._needed
        text, position = stream.text, stream.position
        if stream.line_end_in_sight() < 0 or (self._open and self._open[-1] == "}"):
            return
        while text.startswith("{", position):
            end = text.find("\n", position)
            if not position < end <= position + bounds.READ_BLOCK_BYTES:
                return
            line = text[position:end].rstrip(_LINE_TAIL)
            if needed is not None and (value := needed(line)) is not None:
                stream.position = position = end + 1
                yield JsonValue(line, value, partial=True)
                continue
            try:
                value = loads(line)
            except orjson.JSONDecodeError:
                return
            if _may_nest_deeply(line) and _deeper([value], bounds.JSON_DEPTH):
                return
            if _may_wrap(value):
                return
            stream.position = position = end + 1
            yield JsonValue(line, value)  # orjson takes no lone surrogates: there is nothing to clean

    def _skip_separators(self) -> bool:
        """Goes to the next thing that is no space or comma; False at the end."""
        stream = self._stream
        while True:
            match = _SEPARATORS.match(stream.text, stream.position)
            stream.position = match.end() if match else stream.position
            rest = stream.text[stream.position : stream.position + _RECORD_LINE_CHARS]
            cut = len(rest) < _RECORD_LINE_CHARS and "Record ".startswith(rest[:7]) and "\n" not in rest
            if not cut:
                return True
            if not stream.more():
                return bool(rest)

    def _record(self) -> Iterator[JsonValue]:
        """The object at the position; nothing where it turns out to be a wrapper, which is entered."""
        stream = self._stream
        end = self._line_end()
        if stream.position <= end <= stream.position + bounds.READ_BLOCK_BYTES:
            line = stream.text[stream.position : end].rstrip(_LINE_TAIL)
            value = parse_line(line)
            if isinstance(value, dict):
                self.regular = self.regular and not _may_wrap(value)
                if not (_may_wrap(value) and self._enter_wrapper()):
                    yield self._taken(line, value)
                return
            if not self._may_look_ahead():
                self.regular = False
                yield self._broken("not valid JSON")
                return
        self.regular = False
        if not self._open and self._enter_wrapper():
            return
        yield self._spanning()

    def _line_end(self) -> int:
        """Index of the next line feed, or of the file's end; -1 where the line is longer than a block."""
        stream = self._stream
        end = stream.line_end_in_sight()
        if end < 0 and len(stream.text) - stream.position <= bounds.READ_BLOCK_BYTES:
            stream.more()
            end = stream.line_end_in_sight()
        return end

    def _enter_wrapper(self) -> bool:
        """Goes to the first record of the wrapper at the position; False, going nowhere, where there is none."""
        stream = self._stream
        if self._open:
            return False
        if len(stream.text) - stream.position < _WRAPPER_CHARS and not stream.ended:
            stream.more()
        at, closers = stream.position, []
        while match := _WRAPPER.match(stream.text, at, at + _WRAPPER_CHARS):
            closers.append("}")
            if match[2]:
                self._open += [*closers, "]"]
                stream.position = match.end()
                return True
            if match[1] != "hits":
                return False
            at = match.start(3)
        return False

    def _spanning(self) -> JsonValue:
        """The object at the position, which does not stand alone on its line."""
        stream = self._stream
        found = self._decode(bounds.RECORD_BYTES)
        if isinstance(found, _Failure):
            self._wasted += found.scanned
            self._cut = found.unfinished and stream.ended
            return self._broken(found.told(ended=stream.ended), found.at)
        value, length = found
        raw = stream.text[stream.position : stream.position + length]
        stream.position += length
        return _checked(raw, value)

    def _decode(self, limit: int) -> tuple[Any, int] | _Failure:
        """The value at the position and its length, looking `limit` characters ahead at most.

        In windows that grow, because an error costs as much as the text that it is in: Python counts its lines.
        """
        stream, size = self._stream, _WINDOW_CHARS
        while True:
            window = stream.text[stream.position : stream.position + size]
            try:
                value, stop = _STRICT.raw_decode(window)
            except json.JSONDecodeError as error:
                unfinished = error.msg.startswith("Unterminated") or error.pos >= len(window) - _NEAR_END
                failure = _Failure(error.msg, error.pos, len(window) if unfinished else error.pos, unfinished)
            except RecursionError:
                return _Failure("nested too deeply", 0, _WINDOW_CHARS)
            except ValueError:
                return _Failure("a number with too many digits", 0, _WINDOW_CHARS)
            else:
                if stop < len(window) or window[-1] in '}]"':
                    return value, stop
                failure = _Failure("", stop, stop, unfinished=True)  # a number may go on behind the window
            in_sight = len(stream.text) - stream.position > len(window)
            if not failure.unfinished or len(window) > limit or not (in_sight or stream.more()):
                return failure if failure.message else (value, stop)
            size *= 4

    def _taken(self, raw: str, value: Any) -> JsonValue:
        """The record `raw` at the position, which is left behind it."""
        checked = _checked(raw, value)
        if checked.value is None:
            checked.offset = self._stream.offset()
        self._stream.position += len(raw)
        return checked

    def _may_look_ahead(self) -> bool:
        """Whether failed attempts were cheap so far; a hostile file could make each line cost a long one."""
        return self._wasted < max(_LOOKAHEAD_CHARS, 4 * self._stream.offset())

    def _broken(self, reason: str, failed_at: int | None = None) -> JsonValue:
        """Sets aside the record at the position, in which reading failed `failed_at` characters behind it, and goes to
        the next line that may start one.
        """
        stream = self._stream
        while len(stream.text) - stream.position < bounds.SET_ASIDE_RAW_CHARS and stream.more():
            pass
        offset, indent = stream.offset(), stream.column()
        raw = clean(stream.text[stream.position : stream.position + bounds.SET_ASIDE_RAW_CHARS])
        end = stream.text.find("\n", stream.position)
        spans = failed_at is not None and 0 <= end - stream.position < failed_at
        stream.skip_line()
        while spans and not self._may_start(indent):
            stream.skip_line()
        return JsonValue(raw if spans else raw.partition("\n")[0], None, reason, offset)

    def _may_start(self, indent: int) -> bool:
        """Whether the line at the position opens an object no deeper than `indent`; True at the end."""
        stream = self._stream
        if len(stream.text) - stream.position <= indent and not stream.more():
            return True
        start = stream.text[stream.position : stream.position + indent + 1]
        return start.lstrip(" \t[,").startswith("{") or not start

    def _skip_pair(self) -> Iterator[JsonValue]:
        """A `"key": value` behind a wrapped array is no record."""
        stream = self._stream
        while True:
            try:
                _, at = _LENIENT.raw_decode(stream.text, stream.position)
                at = _after_colon(stream.text, at)
                _, at = _LENIENT.raw_decode(stream.text, at)
                if at == len(stream.text) and stream.more():
                    continue  # a number may go on
            except (ValueError, RecursionError):
                if len(stream.text) - stream.position <= bounds.RECORD_BYTES and stream.more():
                    continue
                self._open.clear()
                yield self._broken("what follows a wrapped array is no JSON")
                return
            stream.position = at
            return

    def _other(self) -> JsonValue:
        """Something that is no object: a number, a string, an array in an array, or no JSON at all."""
        stream = self._stream
        found = self._decode(bounds.READ_BLOCK_BYTES)
        if isinstance(found, _Failure):
            return self._broken("this is no JSON")
        length = found[1]
        offset, raw = stream.offset(), stream.text[stream.position : stream.position + length]
        stream.position += length
        return JsonValue(
            clean(raw[: bounds.SET_ASIDE_RAW_CHARS]), None, "a JSON value that is no object", offset
        )


def _after_colon(text: str, at: int) -> int:
    match = re.compile(r"\s*:\s*").match(text, at)
    if match is None:
        raise ValueError("no colon")
    return match.end()


def _may_wrap(value: dict[str, Any]) -> bool:
    """Whether `value`, a whole line, is but a wrapper: it holds a list, or hits, and nothing else worth keeping."""
    if _WRAPPERS.isdisjoint(value):
        return False
    held = [key for key in WRAPPERS if key in value]
    return all(key in held or _PAGING.fullmatch(key) for key in value)


def parse_line(line: str) -> Any:
    """What `line` says where it is one JSON value; None where it is not."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        if not line.endswith("}"):
            return None
    try:
        return _LENIENT.decode(line)
    except (ValueError, RecursionError):
        return None


def one_object(text: str) -> JsonValue:
    """The one record that all of `text` is; set aside where it is no JSON object, or goes over a bound."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            value = _LENIENT.decode(text)
        except (ValueError, RecursionError):
            return JsonValue(clean(text[: bounds.SET_ASIDE_RAW_CHARS]), None, "not valid JSON")
    else:
        if type(value) is dict and len(text) <= bounds.RECORD_BYTES and not _may_nest_deeply(text):
            return JsonValue(text, value)  # orjson takes no lone surrogates: there is nothing to clean
    if not isinstance(value, dict):
        return JsonValue(clean(text[: bounds.SET_ASIDE_RAW_CHARS]), None, "a JSON value that is no object")
    return _checked(text, value)


def _checked(raw: str, value: Any) -> JsonValue:
    """The record, or why it is set aside although it is JSON."""
    if len(raw) > bounds.RECORD_BYTES:
        reason = f"longer than {bounds.RECORD_BYTES >> 20} MiB"
        return JsonValue(clean(raw[: bounds.SET_ASIDE_RAW_CHARS]), None, reason)
    if _may_nest_deeply(raw) and _deeper([value], bounds.JSON_DEPTH):
        reason = f"nested deeper than {bounds.JSON_DEPTH}"
        return JsonValue(clean(raw[: bounds.SET_ASIDE_RAW_CHARS]), None, reason)
    cleaned = clean(raw)
    if cleaned is raw and "\\ud" not in raw and "\\uD" not in raw:
        return JsonValue(raw, value)
    return JsonValue(cleaned, _cleaned(value))


def _may_nest_deeply(raw: str) -> bool:
    """Whether it opens more objects and arrays than may stand inside one another; most records do not."""
    lists = raw.count("[") if "[" in raw else 0  # which looks at many characters at once, as `count` does not
    return raw.count("{") + lists > bounds.JSON_DEPTH


def _deeper(level: list[Any], depth: int) -> bool:
    """Whether any of the objects and arrays in `level` is nested deeper than `depth`."""
    for _ in range(depth):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _NESTED
        ]
    return bool(level)


def _cleaned(value: Any) -> Any:
    """`value` without lone surrogates (at most `bounds.JSON_DEPTH` deep)."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    return value
