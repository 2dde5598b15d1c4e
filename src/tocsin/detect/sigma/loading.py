"""Rule texts → a `RuleSet`: what runs, and for everything that does not, exactly why.

Two steps: each file is parsed by itself (`file_parsing.py`, slow), then all of them are joined (`assembly.py`, quick).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tocsin.detect.sigma.compiling.assembly import assemble
from tocsin.detect.sigma.compiling.file_parsing import parse_file
from tocsin.detect.sigma.compiling.parsed import ParsedFile
from tocsin.detect.sigma.ruleset import RuleProblem, RuleSet, RuleText

__all__ = ["RuleProblem", "RuleSet", "RuleText", "load_rules"]


def load_rules(
    texts: Iterable[RuleText],
    placeholders: Mapping[str, Sequence[str]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RuleSet:
    """Every rule, correlation and filter of `texts`, and a problem for each document that is none that can run.

    Args:
        texts: Rule files, untrusted.
        placeholders: Values for `expand` placeholders by name, without the percent signs; wildcards allowed.
        progress: Called after each text with how many are done, and how many there are.
    """
    return assemble(_parsed(tuple(texts), placeholders or {}, progress))


def _parsed(
    texts: Sequence[RuleText],
    placeholders: Mapping[str, Sequence[str]],
    progress: Callable[[int, int], None] | None,
) -> Iterator[ParsedFile]:
    for done, text in enumerate(texts, 1):
        yield parse_file(text, placeholders)
        if progress is not None:
            progress(done, len(texts))
