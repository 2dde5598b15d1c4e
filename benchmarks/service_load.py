"""Load on the real service: JSON events of about 1 kB over HTTP, with all SigmaHQ rules. Prints one JSON line for each rate.

`python -m benchmarks.service_load [--rate 10 --rate 5000] [--seconds S] [--batch B] [--idle S] [--rules FOLDER]`. Events are
recorded ones of OTRF that no rule finds, sent by Splunk's protocol over four connections that stay open, B in a request (one
at 100 a second and below); among them some ten a second that a rule finds. Told: what was acknowledged; from a request to its
answer; from a request with such an event to its finding, which is printed once it is stored; CPU and memory (PSS) of each
process, the sender's apart. Times start when a request is begun, not when it was due: `kept` says what of the rate was sent.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock, Thread

from benchmarks.running import Running, Site, new_site, started

DATA = Path(os.environ.get("TOCSIN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
SIZES = range(800, 1_300)
POOL = 4_000
CONNECTIONS = 4
MARKS_PER_SECOND = 10
PATIENCE = 120.0
_TIMES = ("@timestamp", "EventTime", "EventReceivedTime", "TimeCreated", "UtcTime", "SystemTime")
_TICKS = os.sysconf("SC_CLK_TCK")


def pool(rules: Path) -> list[str]:
    """Recorded events that no rule finds, without their own time, as JSON texts."""
    chosen = list(islice(_recorded(), POOL))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pool.json")
        path.write_text("".join(f"{text}\n" for text in chosen))
        command = [sys.executable, "-m", "tocsin", "scan", str(path), "--json", "--rules", str(rules)]
        told = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout.splitlines()
    findings = (one for one in map(json.loads, told) if one["kind"] == "finding")
    found = {piece["record"] for one in findings for piece in one["records"]}
    return [text for number, text in enumerate(chosen) if not found & {number, number + 1}]


def _recorded() -> Iterator[str]:
    for archive in sorted((DATA / "otrf").rglob("*.zip")):
        with zipfile.ZipFile(archive) as opened:
            for name in (name for name in opened.namelist() if name.endswith(".json")):
                with opened.open(name) as content:
                    for line in islice(content, 0, None, 7):
                        try:
                            fields = json.loads(line)
                        except ValueError:
                            continue
                        text = json.dumps({key: value for key, value in fields.items() if key not in _TIMES})
                        if len(text) in SIZES:
                            yield text


# --- the sender, a process of its own ------------------------------------------------------------------------


@dataclass
class Sent:
    """What the sender saw: events acknowledged, seconds to each answer, when the request of each mark was begun."""

    acknowledged: int = 0
    refused: int = 0
    answers: list[float] = field(default_factory=list)
    marks: dict[str, float] = field(default_factory=dict)
    last: float = 0.0


class Sender:
    """Posts bodies on time, as far as the service lets it."""

    def __init__(self, told: dict) -> None:
        self._told = told
        self._texts = Path(told["pool"]).read_text().splitlines()
        self._lock, self._next, self.sent = Lock(), 0, Sent()
        self._posts = int(told["rate"] * told["seconds"] / told["batch"])
        self._every = max(1, round(told["rate"] / MARKS_PER_SECOND))

    def run(self) -> None:
        """All of it; prints what it saw."""
        self._began = began = time.monotonic()
        threads = [Thread(target=self._post_all) for _ in range(CONNECTIONS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        sent, used = self.sent, os.times()
        print(
            json.dumps({**vars(sent), "seconds": sent.last - began, "cpu": used.user + used.system}),
            flush=True,
        )

    def _post_all(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._told["port"], timeout=PATIENCE)
        while True:
            with self._lock:
                number = self._next
                self._next += 1
            if number >= self._posts:
                return
            wait = self._began + number * self._told["batch"] / self._told["rate"] - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self._post(connection, number)

    def _post(self, connection: http.client.HTTPConnection, number: int) -> None:
        batch, marks, parts, now = self._told["batch"], [], [], time.time()
        for place in range(number * batch, (number + 1) * batch):
            host, event = "ws", self._texts[place % len(self._texts)]
            if place % self._every == 0:
                host = f"mark-{place}"
                event = '{"EventID": 1102, "Channel": "Security", "SubjectUserName": "admin"}'
                marks.append(host)
            parts.append(f'{{"time":{now:.3f},"host":"{host}","event":{event}}}')
        body = "\n".join(parts).encode()
        begun = time.monotonic()
        connection.request(
            "POST", "/services/collector/event", body, {"Authorization": f"Splunk {self._told['token']}"}
        )
        answer = connection.getresponse()
        answer.read()
        ended = time.monotonic()
        with self._lock:
            self.sent.last = max(self.sent.last, ended)
            if answer.status != 200:
                self.sent.refused += batch
                return
            self.sent.acknowledged += batch
            self.sent.answers.append(ended - begun)
            self.sent.marks.update(dict.fromkeys(marks, begun))


# --- the service, watched ------------------------------------------------------------------------------------


class Findings(Thread):
    """Notes when the first finding on each marked host was printed."""

    def __init__(self, out: Path) -> None:
        super().__init__(daemon=True)
        self._out, self.seen, self.ended = out, {}, False

    def run(self) -> None:
        """Until `ended`."""
        with self._out.open("rb") as lines:
            held = b""
            while not self.ended:
                held += lines.readline()
                if not held.endswith(b"\n"):
                    time.sleep(0.001)
                    continue
                if held.startswith(b'{"kind":"finding"'):
                    self.seen.setdefault(str(json.loads(held)["host"]), time.monotonic())
                held = b""


def spent(running: Running) -> dict[str, float]:
    """CPU seconds so far, by process; those that seal live too short."""
    return {name: _cpu(pid) for name, pid in _named(running) if name != "sealing"}


def memory(running: Running) -> float:
    """Summed PSS in MB."""
    return sum(_memory(running).values())


def _memory(running: Running) -> dict[str, float]:
    """PSS in MB by process."""
    found: dict[str, float] = {}
    for name, pid in _named(running):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:  # one that seals ended just now
            continue
        pss = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        found[name] = found.get(name, 0) + pss * 1024 / 1e6
    return found


class Watched(Thread):
    """Notes the memory of each process twelve times within `seconds`."""

    def __init__(self, running: Running, seconds: float) -> None:
        super().__init__(daemon=True)
        self._running, self._every = running, max(1.0, seconds / 12)
        self.seen: list[dict[str, float]] = []
        self.ended = False

    def run(self) -> None:
        """Until `ended`."""
        while not self.ended:
            self.seen.append(_memory(self._running))
            time.sleep(self._every)

    def rows(self) -> dict[str, list[int]]:
        """What was seen, by process, and in all."""
        names = dict.fromkeys(name for one in self.seen for name in one)
        rows = {name: [round(one.get(name, 0)) for one in self.seen] for name in names}
        return {**rows, "all": [round(sum(one.values())) for one in self.seen]}


def _named(running: Running) -> Iterator[tuple[str, int]]:
    """The processes."""
    names = {running.process.pid: "judging", running.starter(): "starter"}
    names |= dict(zip(running.workers(), ("intake", "bell"), strict=False))
    for pid in running.pids():
        try:
            helper = b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        yield ("tracker" if helper else names.get(pid, "sealing")), pid


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def measured(site: Site, running: Running, texts: Path, rate: int, seconds: float, batch: int) -> dict:
    """One rate."""
    findings = Findings(running.out)
    findings.start()
    watched = Watched(running, seconds)
    watched.start()
    told = {"pool": str(texts), "port": site.http, "token": site.token, "rate": rate, "seconds": seconds}
    told["batch"] = batch if rate > 100 else 1
    before, begun = spent(running), memory(running)
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.service_load", "--sender", json.dumps(told)]
    sent = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.splitlines()[-1])
    until = time.monotonic() + PATIENCE
    while not sent["marks"].keys() <= findings.seen.keys() and time.monotonic() < until:
        time.sleep(0.01)
    whole, used = time.monotonic() - began, spent(running)
    findings.ended = watched.ended = True
    waits = [findings.seen[host] - moment for host, moment in sent["marks"].items() if host in findings.seen]
    behind = max((findings.seen[host] for host in sent["marks"] if host in findings.seen), default=0)
    return {
        "kind": "load", "rate": rate, "batch": told["batch"], "seconds": round(sent["seconds"], 1),
        "acknowledged": sent["acknowledged"], "refused": sent["refused"],
        "kept": round(sent["acknowledged"] / sent["seconds"] / rate, 3),
        "answer_ms": _spread(sent["answers"]), "found_ms": _spread(waits), "marks": len(sent["marks"]),
        "not_found": len(sent["marks"]) - len(waits), "behind_seconds": round(max(0, behind - sent["last"]), 2),
        "pss_mb": {"start": round(begun), "end": round(memory(running)), "meanwhile": watched.rows()},
        "cpu_percent": {name: round((used[name] - before.get(name, 0)) / whole * 100, 1) for name in used},
        "sender_cpu_percent": round(sent["cpu"] / sent["seconds"] * 100, 1),
    }  # fmt: skip


def idle(running: Running, seconds: float) -> dict:
    """Nothing comes."""
    before = spent(running)
    time.sleep(seconds)
    used = spent(running)
    percent = {name: round((used[name] - before.get(name, 0.0)) / seconds * 100, 2) for name in used}
    return {"kind": "idle", "seconds": seconds, "cpu_percent": percent, "pss_mb": round(memory(running))}


def _spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        name: round(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1e3, 1)
        for name, part in (("p50", 0.5), ("p99", 0.99), ("most", 1))
        if ordered
    }


def main() -> None:
    """Prints the lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, action="append", help="events a second; may be repeated")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--idle", type=float, default=10)
    parser.add_argument("--rules", type=Path, default=DATA / "sigma")
    parser.add_argument("--sender", type=json.loads, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.sender:
        Sender(chosen.sender).run()
        return
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder, "pool.txt")
        events = pool(chosen.rules)
        texts.write_text("\n".join(events))
        mean = sum(map(len, events)) / len(events)
        print(json.dumps({"kind": "events", "different": len(events), "bytes": round(mean)}), flush=True)
        site = new_site(Path(folder, "site"), (chosen.rules,))
        began = time.monotonic()
        running = started(site)
        print(json.dumps({"kind": "start", "seconds": round(time.monotonic() - began, 2)}), flush=True)
        try:
            print(json.dumps(idle(running, chosen.idle)), flush=True)
            for rate in chosen.rate or (10, 5_000):
                row = measured(site, running, texts, rate, chosen.seconds, chosen.batch)
                print(json.dumps(row), flush=True)
        finally:
            running.stop()


if __name__ == "__main__":
    main()
