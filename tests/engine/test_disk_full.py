"""A disk that fills up half way: a clear sentence, exit code 2, and nothing half-written that breaks the next run.

The kernel's limit on the size of a file stands in for the full disk: it needs no rights, and writes fail as they do there.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
from tests.command import JUDGE, Done

KiB = 1024
EVENTS = 4_000


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    event = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "CommandLine": "x" * 100}
    lines = [json.dumps(event | {"n": n}) + "\n" for n in range(EVENTS)]
    (folder / "a.json").write_text("".join(lines))
    rule = JUDGE.format(logsource="product: windows").replace(
        "no_such_field|exists: false", "n|endswith: '77'"
    )
    (folder / ".rule.yml").write_text(rule)
    return folder


def scan(
    logs: Path, *more: str | Path, limit: int | None = None, out: Path | None = None
) -> tuple[Done, str]:
    """A scan in a process that may write no file beyond `limit` bytes, and what it complained of."""
    command = [
        sys.executable,
        "-m",
        "tocsin",
        "scan",
        str(logs),
        "--json",
        "--no-starter",
        "--rules",
        str(logs / ".rule.yml"),
    ]
    apart = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)) if limit is not None else None
    with out.open("wb") if out is not None else nullcontext(subprocess.PIPE) as stdout:
        done = subprocess.run(
            [*command, *map(str, more)],
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            preexec_fn=apart,
            cwd=logs,
        )
    told = done.stderr.decode()
    assert "Traceback" not in told
    return Done(done.returncode, done.stdout or b""), told


@pytest.fixture(scope="module")
def undisturbed(logs: Path) -> set[str]:
    """The ids of what a scan finds where there is room."""
    done, _ = scan(logs)
    assert done.lines("finding")
    return {one["id"] for one in done.lines("finding")}


@pytest.mark.parametrize("limit", [1 * KiB, 64 * KiB, 300 * KiB, 1024 * KiB])
def test_a_store_on_a_full_disk(logs: Path, undisturbed: set[str], tmp_path: Path, limit: int) -> None:
    store = tmp_path / "store"
    full, told = scan(logs, "--store", store, limit=limit)
    assert full.code == 2
    assert "room" in told
    after, _ = scan(logs, "--store", store)
    assert after.code == 0
    assert after.summary["events"] == EVENTS
    undisturbed, _ = scan(logs, "--store", tmp_path / "other")
    assert {one["id"] for one in after.lines("finding")} == {
        one["id"] for one in undisturbed.lines("finding")
    }
    again, _ = scan(logs, "--store", store)
    assert again.summary["events"] == 0


def test_a_page_on_a_full_disk_leaves_the_old_one(logs: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("the page of yesterday")
    full, told = scan(logs, "--html", page, limit=8 * KiB)
    assert full.code == 2
    assert "cannot be written" in told
    assert page.read_text() == "the page of yesterday"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    written, _ = scan(logs, "--html", page)
    assert written.code == 0
    assert page.read_text().rstrip().endswith("</html>")


def test_output_on_a_full_disk_is_told_in_the_exit_code(logs: Path, tmp_path: Path) -> None:
    full, told = scan(logs, limit=4 * KiB, out=tmp_path / "out.jsonl")
    assert full.code == 2
    assert "Make room" in told
    assert not told.startswith("Exception ignored")
    with Path("/dev/full").open("wb") as nowhere:
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", "scan", logs],
            stdout=nowhere,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert b"No space left" in done.stderr
