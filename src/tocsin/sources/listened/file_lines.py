"""Whole lines of a file that grows, told apart into records the same way where they are taken in and where they are read.

Two formats say in lines with `#` what their columns are (W3C extended logs, Zeek's tab-separated ones). Such lines are no
records: what was said last counts from there on. A body of such a file has them at its start, if at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from tocsin.config import bounds
from tocsin.sources.listened.splunk_hec import raw_lines

_DIRECTED = re.compile(
    rb"(?:\xef\xbb\xbf)?#(?:separator |fields\t|(?:Software|Version|Fields|Date|Start-Date|Remark|GMT-Offset):)"
)
_KEYWORD = re.compile(rb"#([A-Za-z_-]{1,32})")


def is_directed(head: bytes) -> bool:
    """Whether a file that starts with `head` names its columns in lines with `#`."""
    return _DIRECTED.match(head) is not None


def record_lines(body: bytes, *, directed: bool) -> Iterator[bytes]:
    """The lines of `body` that are records: all but blank ones and, where the file is `directed`, those with `#`."""
    for line in raw_lines(body):
        if not (directed and line.startswith((b"#", b"\xef\xbb\xbf#"))):
            yield line


def directives(lines: Iterable[bytes], before: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """What counts after `lines`: for each keyword its last line, where `before` counted up to there."""
    found = dict(before)
    for line in lines:
        named = _KEYWORD.match(line.removeprefix(b"\xef\xbb\xbf"))
        if named is not None and len(line) <= bounds.TAIL_HEADER_BYTES:
            found.pop(named[1], None)
            found[named[1]] = line
    while len(found) > 1 and sum(map(len, found.values())) > bounds.TAIL_HEADER_BYTES:
        del found[next(iter(found))]
    return found
