"""What the fuzzer does with the bytes of parsed rules that were kept: of one file, and of the whole cache."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec
from tests.fuzz.invariants import in_time

from tocsin.detect.sigma.compiling.assembly import assemble
from tocsin.detect.sigma.compiling.encoding import decode, encode
from tocsin.detect.sigma.compiling.file_parsing import parse_file
from tocsin.detect.sigma.correlations.correlations import Correlations
from tocsin.detect.sigma.ruleset import RuleText
from tocsin.engine.rule_cache import RuleCache, _sealed
from tocsin.engine.rule_compiling import _Entry, compile_texts, text_digest
from tocsin.engine.rule_files import starter_texts
from tocsin.records.errors import OperatorError

_RULE = """
title: {0}
id: {0}
name: {0}
logsource: {{product: linux}}
detection:
  a: {{f|re|i: 'a+b', g|cidr: 10.0.0.0/8, h|gt: 5, i: 'a?b*c', j: null, k|exists: false, l|fieldref: m, n|hour: 3}}
  b: [word, 7]
  condition: a or not b
---
title: F
logsource: {{product: linux}}
filter: {{rules: [{0}], s: {{x|contains|cased: Y}}, condition: not s}}
---
title: C {0}
correlation:
  {{type: temporal, rules: [{0}], timespan: 5m, group-by: [u], aliases: {{u: {{{0}: x}}}}, condition: {0}}}
"""
_TEXT = RuleText("kept.yml", _RULE.format("kept"))


def one_file(data: bytes) -> None:
    """`data` as one file's bytes: refused, or a rule set whose conditions are conditions or told."""
    with in_time():
        try:
            rules = assemble([decode(data, "kept.yml")])
        except ValueError:
            return
        Correlations([one.plan for one in rules.correlations]).snapshot()
        for rule in rules.rules:
            try:
                assert rule.condition is rule.condition
            except OperatorError as error:
                assert error.next_step  # noqa: PT017  an input may also be sound


def file_starts() -> Iterable[bytes]:
    """The bytes of some files."""
    for text in (_TEXT, *starter_texts().texts[::9]):
        yield encode(parse_file(text, {}))


def whole_cache(folder: Path, data: bytes) -> None:
    """`data` as the content of a cache with the right digest: whatever it is, the text is a file in the end."""
    cache = _cache(folder)
    cache.path.write_bytes(_sealed(msgspec.Raw(data), cache.secret.read_bytes()))  # type: ignore[arg-type]
    with in_time():
        found = compile_texts([_TEXT], [text_digest(_TEXT)], {}, cache)
        rules = assemble(found.files)
    assert found.files[0].path == _TEXT.path
    assert rules.documents == len(found.files[0].documents) + found.files[0].templates


def cache_starts() -> Iterable[bytes]:
    """The content of some caches."""
    file = parse_file(_TEXT, {})
    entry = msgspec.msgpack.encode(_Entry(encode(file), b"", (True, False, False)))
    yield msgspec.msgpack.encode({text_digest(_TEXT): entry})
    yield msgspec.msgpack.encode({text_digest(_TEXT): b"\x93\xc4\x00\xc4\x00\x90", b"other": b""})


@cache
def _cache(folder: Path) -> RuleCache:
    made = RuleCache(folder / "rule-cache", folder / "rule-secret" / "key")
    made.write({}, ())
    return made
