"""`python -m benchmarks.peers [--peers tenzir,duckdb,polars,zircolite,hayabusa,chainsaw] [--full]`: JSON lines, a table.

Engines that are not Python packages are found on PATH, or where an option or environment variable says:
--tenzir or TENZIR, --zircolite or ZIRCOLITE, --hayabusa or HAYABUSA, --chainsaw or CHAINSAW (with --chainsaw-mapping or
CHAINSAW_MAPPING, its `mappings/sigma-event-logs-all.yml`). One that is not there is said to be skipped.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.data import DATA
from benchmarks.peers.chainsaw import Chainsaw
from benchmarks.peers.comparison import by_class, differences, speed
from benchmarks.peers.duckdb import DuckDb
from benchmarks.peers.hayabusa import Hayabusa
from benchmarks.peers.peer import Peer
from benchmarks.peers.polars import Polars
from benchmarks.peers.processes import FailedError
from benchmarks.peers.tenzir import Tenzir
from benchmarks.peers.tocsin import EVALUATORS, Tocsin
from benchmarks.peers.workload import Workload, prepare
from benchmarks.peers.zircolite import Zircolite
from benchmarks.telling import tell

ATOMIC = DATA / "otrf" / "atomic" / "windows"
QUICK = tuple(
    ATOMIC / name for name in ("defense_evasion", "privilege_escalation", "execution", "persistence")
)
NAMES = ("tenzir", "duckdb", "polars", "zircolite", "hayabusa", "chainsaw")

PEER_BATCH = 10_000
"""Events at a time for engines of columns: ten of Tocsin's batches, since a batch costs them much and an event little."""


def main() -> int:
    """Compares with each peer in turn; the exit code says how many failed."""
    options = _options()
    ours = Tocsin(options.evaluator)
    recordings = tuple(options.events) or ((ATOMIC,) if options.full else QUICK)
    lines, failed = [], 0
    with tempfile.TemporaryDirectory(prefix="tocsin-peers-") as folder:
        workload = prepare(Path(folder), recordings, options.rules, options.each)
        tell(
            kind="input",
            events=len(workload.events),
            rules=len(workload.rules),
            pairs=workload.pairs(),
            us=ours.name,
        )
        for peer in _peers(options):
            why = peer.unavailable()
            if why is not None:
                tell(kind="skipped", peer=peer.name, why=why)
                continue
            try:
                lines.append(compared(workload, ours, peer, options))
            except (FailedError, OSError) as error:
                failed += 1
                tell(kind="failed", peer=peer.name, why=str(error))
    print(_table(lines))
    return failed


def compared(workload: Workload, ours: Peer, peer: Peer, options: argparse.Namespace) -> dict[str, Any]:
    """One peer: what it refuses, whose hits differ and why, and the speed over the rest."""
    refused = peer.refused(workload)
    taken = workload.only({rule.id for rule in workload.rules} - refused.keys())
    different = differences(taken, ours.run(taken).hits, peer.run(taken).hits)
    tell(kind="hits", peer=peer.name, refused=dict(Counter(refused.values())), different=by_class(different))
    if options.differences:
        for one in different:
            tell(
                kind="difference", peer=peer.name, rule=one.rule, title=one.title, classes=one.classes,
                only_ours=one.only_ours, only_theirs=one.only_theirs,
            )  # fmt: skip
    equal = taken.only({rule.id for rule in taken.rules} - {one.rule for one in different})
    measured = speed(equal, ours, peer, options.rounds)
    hits = measured.ours.hits.values()
    line = {
        "kind": "peer", "peer": peer.name, "version": peer.version(), "events": len(equal.events), "rounds": options.rounds,
        "rules_refused": len(refused), "rules_with_other_hits": len(different), "rules": len(equal.rules),
        "rules_that_hit": len(hits), "hits": sum(map(len, hits)), "pairs": equal.pairs(),
        "ours": _figures(measured.ours, equal), "theirs": _figures(measured.theirs, equal),
        "ratio_matching": round(measured.matching, 1), "ratio_file_to_hits": round(measured.file_to_hits, 1),
    }  # fmt: skip
    tell(**line)
    return line


def _figures(run: Any, workload: Workload) -> dict[str, float | None]:
    matching = run.matching
    return {
        "matching_seconds": None if matching is None else round(matching, 3),
        "reading_seconds": round(run.reading, 3),
        "start_seconds": round(run.start, 3),
        "us_per_event": None if matching is None else round(matching / len(workload.events) * 1e6, 2),
        "us_per_event_and_rule": None
        if matching is None
        else round(matching / _judgements(workload) * 1e6, 4),
    }


def _judgements(workload: Workload) -> int:
    """(rule, event) without regard to logsources: what an engine that knows none has to judge."""
    return len(workload.rules) * len(workload.events)


def _table(lines: list[dict[str, Any]]) -> str:
    rows = [
        "| peer | version | rules | hits equal | events | their CPU s | ours | µs per event·rule | ratio | file to hits |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for line in lines:
        theirs, ours = line["theirs"], line["ours"]
        rows.append(
            f"| {line['peer']} | {line['version']} | {line['rules']} | {line['hits']} of {line['rules_that_hit']} rules"
            f" | {line['events']} | {theirs['matching_seconds']} | {ours['matching_seconds']}"
            f" | {theirs['us_per_event_and_rule']} to {ours['us_per_event_and_rule']}"
            f" | {line['ratio_matching']} | {line['ratio_file_to_hits']} |"
        )
    return "\n".join(rows)


def _peers(options: argparse.Namespace) -> list[Peer]:
    made: dict[str, list[Peer]] = {
        "tenzir": [Tenzir(options.tenzir, "stream"), Tenzir(options.tenzir, "sorted")],
        "duckdb": [DuckDb(PEER_BATCH), DuckDb(None)],
        "polars": [Polars(PEER_BATCH), Polars(None)],
        "zircolite": [Zircolite(options.zircolite)],
        "hayabusa": [Hayabusa(options.hayabusa)],
        "chainsaw": [Chainsaw(options.chainsaw, options.chainsaw_mapping)],
    }
    return [peer for name in options.peers for peer in made[name]]


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(NAMES):
        raise argparse.ArgumentTypeError(f"no such peer: {', '.join(sorted(unknown))}")
    return names


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peers", type=_names, default=list(NAMES), help="which, with commas between (default: all)"
    )
    parser.add_argument("--full", action="store_true", help="all atomic recordings, not a few")
    parser.add_argument(
        "--events", nargs="+", type=Path, default=[], help="recordings to use in place of those"
    )
    parser.add_argument(
        "--each", type=int, default=1_000, help="events of each recording (default: the first 1,000)"
    )
    parser.add_argument("--rules", type=Path, default=DATA / "sigma", help="folder of Sigma rules")
    parser.add_argument("--rounds", type=int, default=5, help="alternated rounds (default: 5)")
    parser.add_argument("--evaluator", choices=tuple(EVALUATORS), default="planned")
    parser.add_argument("--differences", action="store_true", help="also list each rule whose hits differ")
    for name in ("tenzir", "zircolite", "hayabusa", "chainsaw", "chainsaw-mapping"):
        variable = name.upper().replace("-", "_")
        parser.add_argument(f"--{name}", default=os.environ.get(variable), help=f"path (or ${variable})")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
