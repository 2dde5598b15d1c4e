"""Rule texts → parsed files, out of the cache where they were parsed before, else by pySigma, which is only then imported."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tocsin.detect.sigma.compiling.assembly import compiled
from tocsin.detect.sigma.compiling.encoding import decode, encode
from tocsin.detect.sigma.compiling.parsed import ParsedFile, ParsedRule
from tocsin.detect.sigma.ruleset import RuleText
from tocsin.engine.rule_cache import RuleCache, Shelf

Placeholders = Mapping[str, Sequence[str]]
Progress = Callable[[int, int], None]
"""Told how many texts are ready, and how many there are; never called where none must be parsed."""


class _Entry(msgspec.Struct, array_like=True, gc=False):
    """What is kept of one text.

    Attributes:
        file: The parsed file.
        placeholders: Digest of the values of the placeholders that it asks for.
        able: For each of its documents, whether it is a rule that can fire on something that Tocsin reads.
    """

    file: bytes
    placeholders: bytes
    able: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Parsed files in the order of their texts.

    Attributes:
        able: Id → whether that rule can fire on something that Tocsin reads, filters left aside; where it is known.
        notices: What was noticed about the cache, in sentences.
        parsed: How many texts had to be parsed.
    """

    files: tuple[ParsedFile, ...]
    able: Mapping[str, bool]
    notices: tuple[str, ...] = ()
    parsed: int = 0


def text_digest(text: RuleText) -> bytes:
    """SHA-256 of a rule's text."""
    return hashlib.sha256(text.text.encode("utf-8", "surrogatepass")).digest()


def compile_texts(
    texts: Sequence[RuleText],
    digests: Sequence[bytes],
    placeholders: Placeholders,
    cache: RuleCache | None = None,
    progress: Progress | None = None,
) -> Compiled:
    """Every one of `texts`, parsed.

    Args:
        texts: Rule files, untrusted.
        digests: `text_digest` of each.
        placeholders: Values of `expand` placeholders.
        cache: Where parsed files are kept; None: nowhere.
        progress: Told after each text that had to be parsed.
    """
    if cache is None:
        found = tuple(file for file, _ in _parsed(texts, placeholders, 0, len(texts), progress))
        return Compiled(found, {}, parsed=len(texts))
    shelf = cache.read()
    ready = [_taken(shelf, *pair, placeholders) for pair in zip(texts, digests, strict=True)]
    missing = [number for number, one in enumerate(ready) if one is None]
    if not missing:
        return _compiled(ready, shelf.notices, 0)
    fresh: dict[bytes, bytes] = {}
    wanted = [texts[number] for number in missing]
    parsed = _parsed(wanted, placeholders, len(texts) - len(missing), len(texts), progress)
    for number, (file, able) in zip(missing, parsed, strict=True):
        ready[number] = file, able
        try:
            fresh[digests[number]] = _entry(file, able, placeholders)
        except ValueError:
            continue  # a text that has no such form is parsed at every start
    notices = cache.write({**shelf.entries, **fresh}, digests) if fresh else ()
    return _compiled(ready, (*shelf.notices, *notices), len(missing))


_Ready = tuple[ParsedFile, Sequence[bool]]


def _compiled(ready: Sequence[_Ready | None], notices: tuple[str, ...], parsed: int) -> Compiled:
    able: dict[str, bool] = {}
    files = []
    for file, fires in filter(None, ready):
        files.append(file)
        for document, one in zip(file.documents, fires, strict=True):
            if isinstance(document, ParsedRule):  # of two rules with one id the first is loaded
                able.setdefault(document.meta.id, one)
    return Compiled(tuple(files), able, notices, parsed)


def _taken(shelf: Shelf, text: RuleText, digest: bytes, placeholders: Placeholders) -> _Ready | None:
    """What is kept of `text`; None where nothing is that holds with these `placeholders`."""
    data = shelf.entries.get(digest)
    if data is None:
        return None
    try:
        entry = _decoder.decode(data)
        file = decode(entry.file, text.path)
    except (msgspec.DecodeError, ValueError):
        return None  # the digest was right, so this is a mistake of ours: parsing mends it
    same = entry.placeholders == _values_digest(file.placeholders, placeholders)
    return (file, entry.able) if same and len(entry.able) == len(file.documents) else None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Entry)


def _entry(file: ParsedFile, able: Sequence[bool], placeholders: Placeholders) -> bytes:
    return _encoder.encode(_Entry(encode(file), _values_digest(file.placeholders, placeholders), tuple(able)))


def _values_digest(names: Sequence[str], placeholders: Placeholders) -> bytes:
    if not names:
        return b""
    values = [(name, list(placeholders[name]) if name in placeholders else None) for name in names]
    return hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).digest()


def _parsed(
    texts: Sequence[RuleText], placeholders: Placeholders, done: int, total: int, progress: Progress | None
) -> Iterator[_Ready]:
    # Neither is needed where all is kept: the catalogue of fields, and pySigma, which is slow to import.
    from tocsin.detect.sigma.compiling.file_parsing import parse_file  # noqa: PLC0415
    from tocsin.detect.sigma.coverage import of_sources  # noqa: PLC0415

    can_fire = of_sources()
    for text in texts:
        file = parse_file(text, placeholders)
        yield file, [isinstance(one, ParsedRule) and can_fire(compiled(one)) for one in file.documents]
        done += 1
        if progress is not None:
            progress(done, total)
