"""Decoded text of a content in bounded pieces, with exact byte offsets.

UTF-8 (with or without a byte order mark) and UTF-16 (with one, or told by its NUL bytes). Bytes that are no UTF-8 are
carried as lone surrogates (PEP 383) so that offsets stay exact; `clean` turns them into U+FFFD before anybody sees them.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from tocsin.config import bounds
from tocsin.sources.content import Content, ReadingStopped

_SNIFF = 1024


def encoding_of(head: bytes) -> tuple[str, int]:
    """The codec of text that starts with `head`, and how long its byte order mark is."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    even, odd = head[:_SNIFF:2], head[1:_SNIFF:2]
    if len(odd) >= 2 and odd.count(0) > len(odd) * 0.6 and not even.count(0):
        return "utf-16-le", 0
    if len(even) >= 2 and even.count(0) > len(even) * 0.6 and not odd.count(0):
        return "utf-16-be", 0
    return "utf-8", 0


def clean(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD: no codec, file or database takes one."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class TextStream:
    """A window on the text: `text[position:]` is what was decoded and not taken yet.

    Args:
        content: The bytes.
        encoding: Their codec, where they do not start where the file does; otherwise they tell it.

    Attributes:
        stopped: Why the content could not be read to its end, once it is known.
        ended: No more text will come.
    """

    def __init__(self, content: Content, encoding: str | None = None) -> None:
        self._content = content
        encoding, mark = (encoding, 0) if encoding is not None else encoding_of(content.peek(_SNIFF))
        content.exactly(mark)
        self._errors = "surrogateescape" if encoding == "utf-8" else "replace"
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)(self._errors)
        self._known = (0, content.offset)
        self._dropped = 0  # of the line that `text` starts in
        self._newline = -1
        self.text = ""
        self.position = 0
        self.ended = False
        self.stopped: ReadingStopped | None = None

    def more(self) -> bool:
        """Decodes about as much again as is waiting; False where nothing more comes."""
        wanted = max(bounds.READ_BLOCK_BYTES, len(self.text) - self.position)
        parts = [self._drop()]
        while wanted > 0 and not self.ended:
            part = self._decode()
            parts.append(part)
            wanted -= len(part)
        self._newline = -1
        grown = len(parts) > 1 and any(parts[1:])
        self.text = "".join(parts)
        return grown

    def _decode(self) -> str:
        try:
            data = self._content.read()
        except ReadingStopped as stopped:
            self.stopped, data = stopped, b""
        self.ended = not data
        return self._decoder.decode(data, self.ended)

    def _drop(self) -> str:
        """Forgets what was taken and gives what was not."""
        self._known = (0, self.offset())
        self._dropped = self.column()
        rest = self.text[self.position :]
        self.text, self.position = rest, 0
        return rest

    def offset(self) -> int:
        """The byte offset of `position` in the content (approximate only in UTF-16 with errors)."""
        at, known = self._known
        between = self.text[at : self.position]
        errors = "surrogateescape" if self._errors == "surrogateescape" else "surrogatepass"
        known += (
            len(between)
            if self._encoding == "utf-8" and between.isascii()
            else len(between.encode(self._encoding, errors))
        )
        self._known = (self.position, known)
        return known

    def column(self) -> int:
        """How many characters of its line stand before `position`."""
        start = self.text.rfind("\n", 0, self.position) + 1
        return self.position - start + (0 if start else self._dropped)

    def line_end_in_sight(self) -> int:
        """Index of the next line feed in `text`; where there is none the text's end if no more comes, else -1."""
        if self._newline < self.position:
            found = self.text.find("\n", self.position)
            self._newline = len(self.text) if found < 0 else found
        return -1 if self._newline == len(self.text) and not self.ended else self._newline

    def line_end(self) -> int:
        """Index of the line feed that ends the line at `position`; the text's end at the end of the file.

        -1 where the line is longer than `bounds.RECORD_BYTES`.
        """
        searched = self.position
        while (end := self.text.find("\n", searched)) < 0:
            waiting = len(self.text) - self.position
            if waiting > bounds.RECORD_BYTES:
                return -1
            if not self.more():
                return len(self.text)
            searched = self.position + waiting
        return end if end - self.position <= bounds.RECORD_BYTES else -1

    def skip_line(self) -> None:
        """Goes behind the next line feed, or to the end, without keeping what lies between."""
        while (end := self.text.find("\n", self.position)) < 0:
            self.position = len(self.text)
            if not self.more():
                return
        self.position = end + 1


def lines(stream: TextStream) -> Iterator[tuple[int, str | None]]:
    """Each line without its line end and the byte offset where it starts; None for one over `bounds.RECORD_BYTES`."""
    while stream.position < len(stream.text) or stream.more():
        end = stream.line_end()
        offset = stream.offset()
        if end < 0:
            stream.skip_line()
            yield offset, None
            continue
        line = stream.text[stream.position : end]
        stream.position = min(end + 1, len(stream.text))
        yield offset, clean(line.removesuffix("\r"))
