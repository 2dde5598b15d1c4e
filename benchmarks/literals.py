"""How fast literals are found, with and without Hyperscan, and what regular expressions cost behind their literals.

`python -m benchmarks.literals [--rules FOLDER] [PATH…]`: the literals of the Windows rules, field by field, in the distinct
values of the recordings under PATH; one JSON line for each field and length of value. Answers are compared before anything is
timed; then the sides alternate, five times each. Microseconds are CPU time per value, the reader's own loop included.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import median
from time import process_time

from benchmarks.data import DATA
from tocsin.config import bounds
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.matching import compile_regex
from tocsin.detect.sigma.plans.factors import required_literals
from tocsin.detect.sigma.plans.literal_scan import LiteralScan
from tocsin.detect.sigma.tree import Leaf, leaves
from tocsin.engine.rule_files import rule_texts
from tocsin.sources.reading import ReadOptions, read

FIELDS = ("Image", "CommandLine", "TargetObject", "CallTrace", "Payload", "ContextInfo", "ScriptBlockText")
LENGTHS = (0, 128, 256, 512, 1_000, 2_000, 4_000, 10_000, 100_000)
VALUES = 300
ROUNDS = 5
TEXT_OPS = ("contains", "startswith", "endswith")


def asked(folder: str) -> dict[str, list[Leaf]]:
    """Every question of the Windows rules, by field."""
    found = defaultdict(list)
    for rule in load_rules(rule_texts([folder]).texts).rules:
        if rule.logsource.product == "windows":
            for leaf in leaves(rule.condition):
                found[leaf.field or ""].append(leaf)
    return found


def distinct(paths: Sequence[str]) -> dict[str, list[str]]:
    """The distinct texts of each field."""
    values: dict[str, dict[str, None]] = {field: {} for field in FIELDS}
    for batch in read(paths, ReadOptions(ingest=0)):
        for event in batch.events:
            for field in values.keys() & event.fields.keys():
                if isinstance(text := event.fields[field], str):
                    values[field][text] = None
    return {field: list(found) for field, found in values.items()}


class Side:
    """A scan with the loop that reads its answers: which literals a text begins with, ends in, or holds."""

    def __init__(self, leaves_of_field: Iterable[Leaf], *, hyperscan: bool) -> None:
        wanted: dict[str, set[str]] = defaultdict(set)
        for leaf in leaves_of_field:
            if leaf.op in TEXT_OPS and leaf.value:
                wanted[leaf.value.lower()].add(leaf.op)
        self.wanted = list(wanted.values())
        edges = [index for index, ops in enumerate(self.wanted) if ops != {"contains"}]
        began = process_time()
        self.scan = LiteralScan(list(wanted), hyperscan=hyperscan, edges=edges)
        self.build = process_time() - began
        if hyperscan:
            began = process_time()
            self.scan.find(
                "\n" * 4_096 * (len(wanted) + 1)
            )  # so much of long texts that the database is compiled
            self.build = process_time() - began

    def judge(self, text: str) -> set[tuple[int, str]]:
        """Index and operator of each literal that `text` answers."""
        size, occurrences = self.scan.find(text)
        found = set()
        for index, start, end in occurrences:
            for op in self.wanted[index]:
                if (op != "startswith" or not start) and (op != "endswith" or end == size):
                    found.add((index, op))
        return found


def cost(ask: Callable[[str], object], texts: Sequence[str]) -> float:
    began = process_time()
    for text in texts:
        ask(text)
    return (process_time() - began) / len(texts) * 1e6


def literals(field: str, questions: Sequence[Leaf], texts: Sequence[str]) -> None:
    automaton, hyperscan = Side(questions, hyperscan=False), Side(questions, hyperscan=True)
    whole = "\n".join(texts)
    classes = [
        [text for text in texts if low <= len(text) < high][:VALUES] for low, high in pairwise(LENGTHS)
    ]
    for part in [*classes, [(whole * (10**7 // len(whole) + 1))[: 10**7]]]:
        if not part:
            continue
        assert all(automaton.judge(text) == hyperscan.judge(text) for text in part)
        rounds = [(cost(automaton.judge, part), cost(hyperscan.judge, part)) for _ in range(ROUNDS)]
        told = {
            "field": field, "literals": len(automaton.wanted), "values": len(part),
            "mean_chars": sum(map(len, part)) // len(part),
            "automaton_us": round(median(one for one, _ in rounds), 2),
            "with_hyperscan_us": round(median(other for _, other in rounds), 2),
            "ratio": round(median(one / other for one, other in rounds), 2),
            "automaton_build_s": round(automaton.build, 3), "hyperscan_build_s": round(hyperscan.build, 3),
        }  # fmt: skip
        print(json.dumps(told), flush=True)


def expressions(field: str, questions: Sequence[Leaf], texts: Sequence[str]) -> None:
    """The CPU seconds of all expressions over all distinct values, behind their literals and without (on some values)."""
    patterns = {leaf.value for leaf in questions if leaf.op == "regex"}
    behind = every = 0.0
    values_asked = with_literals = 0
    sample = texts[:: len(texts) // VALUES + 1]
    for pattern, flags in patterns:
        search = compile_regex(pattern, flags).search
        needed = required_literals(pattern, flags)
        with_literals += needed is not None
        left = [
            text
            for text in texts
            if needed is None or not text.isascii() or any(one in text.lower() for one in needed)
        ]
        missed = set(texts) - set(left)
        assert not any(search(text, timeout=bounds.REGEX_SECONDS) for text in missed)
        values_asked += len(left)
        behind += cost(search, left) * len(left) / 1e6 if left else 0
        every += cost(search, sample) * len(texts) / 1e6
    told = {
        "field": field, "expressions": len(patterns), "with_literals": with_literals, "values": len(texts),
        "asked": values_asked, "seconds_behind_literals": round(behind, 4), "seconds_without": round(every, 4),
    }  # fmt: skip
    print(json.dumps(told), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", default=[str(DATA / "otrf" / "atomic")])
    parser.add_argument("--rules", default=str(DATA / "sigma"))
    chosen = parser.parse_args()
    questions, values = asked(chosen.rules), distinct(chosen.paths)
    for field in FIELDS:
        if values[field]:
            literals(field, questions[field], [text.lower() for text in values[field]])
            expressions(field, questions[field], values[field])


if __name__ == "__main__":
    main()
