"""An independent judge of the evaluator: somebody else's translation of the rules, run by SQLite on the same events.

Every rule is converted to SQL (`translation.py`). Events of equal log sources become a table of the columns that their
rules ask for; each rule is one query over it. A value that is a list or an object fits no column: rules that ask for
it are not judged on that event. Where the two disagree, the judge is asked again once for each of `REASONS`; what none
of them explains is a difference.

`python -m tests.conformance.judge RULES PATH…` prints the figures of docs/conformance.md.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import regex
import yaml
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from tests.conformance.translation import ALL_TEXT, PRESENT, Translation, database

from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.records.event import Event, Logsource
from tocsin.sources.reading import ReadOptions, read

CHUNK_EVENTS = 5_000
"""Events of one table; bounds the memory of a run."""

Pair = tuple[str, int]
"""(rule, position of the event)."""


@dataclass(frozen=True, slots=True)
class Question:
    """A rule as SQL: a condition over columns, and the fields behind them."""

    rule: str
    logsource: Logsource
    where: str
    fields: frozenset[str]


@dataclass(slots=True)
class Figures:
    """What was judged, and where the two disagree."""

    events: int = 0
    rules: set[str] = field(default_factory=set)
    pairs: int = 0
    left_out: int = 0
    hits: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    differences: list[tuple[str, str, str]] = field(default_factory=list)


class Judge:
    """Answers which rules match which events, by SQL.

    Attributes:
        rules: Those it judges, by id.
        not_judged: Paths of the files that it cannot convert, and why.
    """

    def __init__(self, texts: Iterable[RuleText]) -> None:
        self.questions: list[Question] = []
        self.rules: dict[str, SigmaRule] = {}
        self.not_judged: dict[str, str] = {}
        self._translation = Translation()
        for text in texts:
            self._take(text)

    def _take(self, text: RuleText) -> None:
        """Converts one rule; what the library refuses is told in `not_judged`."""
        self._translation.used = set()
        try:
            (rule,) = SigmaCollection.from_yaml(text.text).rules
            queries = self._translation.convert_rule(rule)
        except (SigmaError, NotImplementedError, yaml.YAMLError) as error:
            self.not_judged[text.path] = f"{type(error).__name__}: {error}"
            return
        source = rule.logsource
        self.rules[str(rule.id)] = rule
        self.questions.append(
            Question(
                str(rule.id),
                Logsource(source.product, source.category, source.service),
                " OR ".join(f"({where})" for where in queries),
                frozenset(self._translation.used),
            )
        )

    def asked(self, logsources: frozenset[Logsource]) -> list[Question]:
        """The rules that look at events of these log sources."""
        return [one for one in self.questions if any(have.satisfies(one.logsource) for have in logsources)]

    def answers(
        self, questions: Sequence[Question], events: Sequence[Event], *, exact: bool = False
    ) -> tuple[set[Pair], set[Pair]]:
        """The pairs that match, and the pairs that are not judged.

        Args:
            questions: The rules.
            events: Events that all rules look at.
            exact: With a LIKE of our own, which is slow and knows all letters.
        """
        asked = Counter(name for question in questions for name in question.fields)
        names = [name for name, _ in asked.most_common()]  # SQLite reads a row from its start
        many: dict[str, set[int]] = {}
        with database(exact=exact) as logs:
            columns = ", ".join(f"{self._translation.columns[name]} TEXT COLLATE NOCASE" for name in names)
            logs.execute(f"CREATE TABLE logs (n INTEGER PRIMARY KEY, {columns or 'none TEXT'})")
            marks = ", ".join("?" * (len(names) + 1 if names else 2))
            rows = (_row(position, event, names, many) for position, event in enumerate(events))
            logs.executemany(f"INSERT INTO logs VALUES ({marks})", rows)
            hits: set[Pair] = set()
            left_out: set[Pair] = set()
            for question in questions:
                silent = set().union(*(many[name] for name in question.fields & many.keys()))
                left_out |= {(question.rule, position) for position in silent}
                found = logs.execute(f"SELECT n FROM logs WHERE {question.where}")
                hits |= {(question.rule, position) for (position,) in found if position not in silent}
        return hits, left_out


_MISSING = object()


def _found(fields: Mapping[str, Any], name: str) -> Any:
    """The value of a field: under its own name, else along its dots, else under its name with blanks stripped.

    Stripping: Sigma rules specification, Field Usage 2 (`New Value` is written `NewValue`).
    """
    if name in fields:
        return fields[name]
    value = _along(fields, name)
    if value is _MISSING:
        return next((fields[key] for key in fields if " " in key and key.replace(" ", "") == name), _MISSING)
    return value


def _along(fields: Mapping[str, Any], name: str) -> Any:
    at: Any = fields
    for part in name.split("."):
        if isinstance(at, list):
            return at  # several values somewhere on the way: not for a column
        if not isinstance(at, Mapping) or part not in at:
            return _MISSING
        at = at[part]
    return at


def _row(position: int, event: Event, names: Sequence[str], many: dict[str, set[int]]) -> list[Any]:
    row: list[Any] = [position]
    for name in names or [""]:
        if name == ALL_TEXT:
            row.append("\x1f".join(_texts(event.fields)))
            continue
        value = _found(event.fields, name.removeprefix(PRESENT))
        if name.startswith(PRESENT):
            row.append(None if value is _MISSING else "1")
        elif value is _MISSING or value is None:
            row.append(None)
        elif isinstance(value, (list, Mapping)):
            many.setdefault(name, set()).add(position)
            row.append(None)
        else:
            row.append(_text(value))
    return row


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif value is not None:
        yield _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).encode("utf-8", "replace").decode("utf-8")


def grouped(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Events of equal log sources together, at most `CHUNK_EVENTS` at a time."""
    waiting: dict[frozenset[Logsource], list[Event]] = {}
    for event in events:
        group = waiting.setdefault(event.logsources, [])
        group.append(event)
        if len(group) >= CHUNK_EVENTS:
            yield waiting.pop(event.logsources)
    yield from waiting.values()


def compare(judge: Judge, detector: SigmaDetector, events: Iterable[Event], figures: Figures) -> None:
    """Adds to `figures` what judge and detector say about `events`."""
    for group in grouped(events):
        questions = judge.asked(group[0].logsources)
        judged = {question.rule: question for question in questions}
        theirs, left_out = judge.answers(questions, group)
        ours = {
            (rule.id, position)
            for position, event in enumerate(group)
            for rule in detector.evaluate(event)
            if rule.id in judge.rules
        } - left_out
        figures.events += len(group)
        figures.rules |= judged.keys()
        figures.pairs += len(group) * len(questions) - len(left_out)
        figures.left_out += len(left_out)
        figures.hits += len(ours)
        for rule, position in sorted(ours ^ theirs):
            _settle(judge, judged.get(rule), group[position], (rule, (rule, position) in ours), figures)


def _settle(
    judge: Judge, question: Question | None, event: Event, said: tuple[str, bool], figures: Figures
) -> None:
    """A difference, asked again once for each reason that we know."""
    rule, ours = said
    for reason, exact, spelled in REASONS if question is not None else ():
        again = replace(event, fields=spelled(event.fields))
        if bool(judge.answers([question], [again], exact=exact)[0]) == ours:
            figures.explained[reason] += 1
            return
    figures.differences.append((rule, f"{event.source} {event.seq}", "we match" if ours else "they match"))


def _as_they_are(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return fields


def _without_zeros(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: _texts_changed(value, r"^0+(?=\d+$)", "") for name, value in fields.items()}


def _without_blanks(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: _texts_changed(value, r"^\s+|\s+$", "") for name, value in fields.items()}


def _texts_changed(value: Any, pattern: str, by: str) -> Any:
    return regex.sub(pattern, by, value) if isinstance(value, str) else value


REASONS: tuple[tuple[str, bool, Callable[[Mapping[str, Any]], Mapping[str, Any]]], ...] = (
    ("SQLite's LIKE knows ASCII letters only", True, _as_they_are),
    ("we compare numbers by value: 007 is 7", False, _without_zeros),
    ("we read an address with blanks around it", False, _without_blanks),
)
"""Why the two may differ: whether to ask with our own LIKE, and how to spell the event for the judge."""


def texts(folder: Path) -> list[RuleText]:
    """Every rule file under `folder`."""
    return [RuleText(str(path), path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.yml"))]


def events_of(paths: Sequence[str]) -> Iterator[Event]:
    """What the product's own readers make of files."""
    for batch in read(paths, ReadOptions(ingest=0)):
        yield from batch


def main(rules: str, *paths: str) -> None:
    """Judges every event of `paths` with every rule under `rules` and prints the figures."""
    rule_texts = texts(Path(rules))
    judge, detector, figures = Judge(rule_texts), SigmaDetector(load_rules(rule_texts)), Figures()
    started = time.perf_counter()
    compare(judge, detector, events_of(paths), figures)
    print(  # noqa: T201 - this is a report
        json.dumps(
            {
                "events": figures.events,
                "rules asked": len(judge.questions),
                "rules not judged": judge.not_judged,
                "rules with events": len(figures.rules),
                "pairs": figures.pairs,
                "pairs left out": figures.left_out,
                "hits": figures.hits,
                "differences explained": dict(figures.explained),
                "differences": figures.differences[:200],
                "suspended": [problem.title for problem in detector.suspended],
                "seconds": round(time.perf_counter() - started),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
