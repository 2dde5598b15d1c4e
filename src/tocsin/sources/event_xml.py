"""Windows events as exported XML: `<Events><Event>…</Event></Events>`, or one `<Event>` after the other.

`wevtutil qe`, Event Viewer's "Save as XML" and Sysmon for Linux write it. Each event is cut out of the text and parsed
alone, so memory stays flat and a broken one costs only itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.config import bounds
from tocsin.records.errors import BadRecord
from tocsin.sources.json_values import JsonValue
from tocsin.sources.text_stream import TextStream, clean
from tocsin.sources.windows_event import xml_event

ANY_EVENT = re.compile(r"<Event[ >]")
_END = "</Event>"
_TAG_CHARS = 7


def events(stream: TextStream) -> Iterator[JsonValue]:
    """Each event: `raw` is its XML, `value` what evtx_dump would say of it."""
    while (start := _find_start(stream)) is not None:
        stream.position = start
        offset = stream.offset()
        end = _find_end(stream)
        if end is None:
            too_long = len(stream.text) - stream.position > bounds.RECORD_BYTES
            reason = "longer than a record may be" if too_long else "the file ends in the middle of an event"
            raw = clean(stream.text[stream.position : stream.position + bounds.SET_ASIDE_RAW_CHARS])
            stream.position += _TAG_CHARS
            yield JsonValue(raw, None, reason, offset)
            continue
        raw = clean(stream.text[stream.position : end])
        stream.position = end
        try:
            yield JsonValue(raw, xml_event(raw))
        except BadRecord as bad:
            yield JsonValue(raw[: bounds.SET_ASIDE_RAW_CHARS], None, str(bad), offset)


def _find_start(stream: TextStream) -> int | None:
    while True:
        if (match := ANY_EVENT.search(stream.text, stream.position)) is not None:
            return match.start()
        stream.position = max(stream.position, len(stream.text) - _TAG_CHARS)
        if not stream.more():
            return None


def _find_end(stream: TextStream) -> int | None:
    """The index behind the event's end tag; None where the next event starts before, or none comes."""
    searched = stream.position
    while (end := stream.text.find(_END, searched)) < 0:
        waiting = len(stream.text) - stream.position
        if waiting > bounds.RECORD_BYTES or not stream.more():
            return None
        searched = max(stream.position, stream.position + waiting - len(_END))
    nested = ANY_EVENT.search(stream.text, stream.position + _TAG_CHARS, end)
    return None if nested else end + len(_END)
