"""One large file of JSON lines, cut into ranges that can be read side by side with the events that reading it whole gives.

A file is cut where it is no container, its text is UTF-8, and its first lines are JSON objects each alone on a line.
Every range but the first starts behind a line feed. `range_reading.py` reads them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.sources import recognise
from tocsin.sources.containers import is_container
from tocsin.sources.content import Content
from tocsin.sources.interface import ReadContext
from tocsin.sources.json_values import JsonValues
from tocsin.sources.reading import ReadOptions
from tocsin.sources.recognise import Recognised
from tocsin.sources.tar_archive import HEADER_BYTES
from tocsin.sources.text_stream import TextStream, encoding_of
from tocsin.sources.walk import Found


@dataclass(frozen=True, slots=True)
class Version:
    """What a file was when it was cut.

    Attributes:
        device: And `inode`: which file.
        size: In bytes.
        modified: When (instant).
    """

    device: int
    inode: int
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class FileRange:
    """Lines of a file.

    Attributes:
        found: The file.
        version: What it was.
        how: Its format, of the framing `json`.
        start: Where they start (bytes).
        stop: Where the next range starts; None: at the end of the file, which may have grown.
    """

    found: Found
    version: Version
    how: Recognised
    start: int
    stop: int | None


def ranges(found: Found, options: ReadOptions) -> tuple[FileRange, ...]:
    """The ranges of a file, in order; none where it is to be read whole."""
    try:
        if found.path.stat().st_size < bounds.SPLIT_FROM_BYTES:
            return ()
        with found.path.open("rb") as file:
            version, how = version_of(file), _how(file, found, options)
            if how is None:
                return ()
            borders = [0, *_borders(file, version.size)]
    except (OSError, OperatorError):  # whoever reads it whole will say so
        return ()
    stops = [*borders[1:], None]
    cut = zip(borders, stops, strict=True)
    return tuple(FileRange(found, version, how, *one) for one in cut) if len(borders) > 1 else ()


def version_of(file: BinaryIO) -> Version:
    """What an open file is now.

    Raises:
        OSError: it cannot be looked at.
    """
    status = os.fstat(file.fileno())
    return Version(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns // 1000)


def _how(file: BinaryIO, found: Found, options: ReadOptions) -> Recognised | None:
    """The format, where the first lines are what a range may hold."""
    content = Content(file)
    head = content.peek(bounds.SNIFF_BYTES)
    if is_container(head[:HEADER_BYTES]) or encoding_of(head)[0] != "utf-8":
        return None
    if options.format is not None:
        how: Recognised | None = recognise.named(options.format, content)
    else:
        context = ReadContext(found.source, options.ingest, 0, options.zone, options.columns)
        how = recognise.recognise(content, context)
    if how is None or how.framing != "json":
        return None
    values = JsonValues(TextStream(Content(io.BytesIO(head[: head.rfind(b"\n") + 1]))))
    return how if sum(1 for _ in values) and values.regular else None


def _borders(file: BinaryIO, size: int) -> Iterator[int]:
    """Where all ranges but the first start."""
    at = bounds.SPLIT_BYTES
    while at < size:
        file.seek(at)
        line = file.readline(bounds.READ_BLOCK_BYTES)  # a longer one is not regular
        if not line.endswith(b"\n") or at + len(line) >= size:
            return
        yield at + len(line)
        at += len(line) + bounds.SPLIT_BYTES
