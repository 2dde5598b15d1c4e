"""What `/metrics` and `/healthz` answer, and to whom."""

from __future__ import annotations

from collections.abc import Callable

from intake_running import Running, event, wait_for
from prometheus_client.parser import text_string_to_metric_families

from tocsin.engine.figures import Figures, Source, read_figures, write_figures
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.http import _is_loopback
from tocsin.engine.intake.metrics import metrics
from tocsin.records.instants import SECOND

Start = Callable[..., Running]
EVENT = "/services/collector/event"


def parsed(text: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    return {
        (sample.name.removeprefix("tocsin_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def asked(running: Running) -> dict[tuple[str, ...], float]:
    connection = running.connect()
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        assert response.status == 200
        assert response.getheader("content-type") == "text/plain; version=0.0.4; charset=utf-8"
        return parsed(response.read().decode())
    finally:
        connection.close()


def test_all_figures_are_read_by_prometheus_own_parser() -> None:
    counters = Counters(7, 8, 9, 1, 2, {"busy": 3, "guessing": 4}, 5, 6)
    hostile = 'syslog:a"b\\c\nd'
    figures = Figures(1, 100 * SECOND, 200 * SECOND, backlog_bytes=10, backlog_seconds=2.5, events=11, findings=12,
                      set_aside=13, rules=14, suspended={"one": "One"}, sealed=15, stored=16, free=17, size=18,
                      sources={hostile: Source(150 * SECOND)})  # fmt: skip
    found = parsed(metrics(counters, figures, 203 * SECOND).decode())
    assert found == {
        ("bodies_total",): 7, ("records_total",): 8, ("bytes_total",): 9, ("repeats_total",): 1, ("groups_total",): 2,
        ("udp_dropped_total",): 5, ("syslog_cut_total",): 6, ("refused_total", "busy"): 3,
        ("refused_total", "guessing"): 4, ("started_seconds",): 100, ("figures_age_seconds",): 3,
        ("backlog_bytes",): 10, ("backlog_seconds",): 5.5, ("events_total",): 11, ("findings_total",): 12,
        ("set_aside_total",): 13, ("rules",): 14, ("rules_suspended",): 1, ("sealed_segment",): 15,
        ("stored_bytes",): 16, ("disk_free_bytes",): 17, ("disk_size_bytes",): 18,
        ("source_heard_seconds", hostile): 150,
    }  # fmt: skip


def test_this_host_may_ask_and_others_need_a_token(start: Start) -> None:
    running = start()
    assert running.post(EVENT, event(1))[0] == 200
    assert asked(running)["bodies_total",] == 1
    assert ("events_total",) not in asked(running)
    write_figures(running.folder.parent, Figures(1, 0, events=5))
    assert asked(running)["events_total",] == 5
    assert [_is_loopback(peer) for peer in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "10.0.0.1", "x", "")] \
        == [True, True, True, False, False, False, False]  # fmt: skip


def test_figures_that_are_none_are_none(tmp_path) -> None:
    assert read_figures(tmp_path) is None
    for text in (b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"pid":"x"}'):
        (tmp_path / "status.json").write_bytes(text)
        assert read_figures(tmp_path) is None
    figures = Figures(1, 2, 3, sources={"a": Source(4, 5, delay=-1.5)}, intake=Counters(refused={"a": 1}))
    write_figures(tmp_path, figures)
    assert read_figures(tmp_path) == figures


def test_health_is_asked_of_the_log_itself(start: Start) -> None:
    running = start(bounds={"HEALTH_SECONDS": 0.0, "HEALTH_WAIT_SECONDS": 0.5, "DISK_RETRY_SECONDS": 0.1})

    def health() -> int:
        return running.post("/healthz", b"", method="GET")[0]

    flags = running.folder.parent
    assert health() == 200
    (flags / "still").touch()  # nothing failed and nothing came: only a write of its own can tell
    assert health() == 503
    (flags / "still").unlink()
    wait_for(lambda: health() == 200, "the disk")
    (flags / "full").touch()
    assert health() == 503
    (flags / "full").unlink()
    wait_for(lambda: health() == 200, "room")
    running.stop()
    assert running.stored() == []
