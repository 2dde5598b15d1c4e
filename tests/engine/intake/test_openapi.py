"""The service answers as `docs/api/openapi.yaml` says, whatever is sent; the routes and the description are the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from intake_running import TOKEN, Running
from schemathesis import checks

from tocsin.engine.intake import elastic, hec, influx, otlp

FILE = Path(__file__).parents[3] / "docs" / "api" / "openapi.yaml"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance",
)  # fmt: skip


@schemathesis.serializer("application/x-ndjson", "application/x-protobuf")
def as_it_is(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def description() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("api") / "wal"
    folder.mkdir()
    one = Running(folder, plants=["works"])
    one.wait_ready()
    yield one
    one.kill()


def test_the_description_has_every_route_and_no_other(running: Running) -> None:
    routes = {
        *hec.EVENT,
        *hec.RAW,
        hec.ACK,
        *hec.HEALTH,
        *elastic.ASKED,
        otlp.PATH,
        influx.V2,
        influx.V1,
        influx.PING,
        influx.HEALTH,
        "/_bulk",
        "/{index}/_bulk",
    }
    assert set(description()["paths"]) == routes | {"/healthz", "/metrics"}
    for path, operations in description()["paths"].items():
        for method in {"get", "post"} & set(operations):
            status = running.connect()
            status.request(
                method.upper(), path.replace("{index}", "i") + "?bucket=works&db=works",
                headers={"Authorization": f"Bearer {TOKEN}"},
            )  # fmt: skip
            assert status.getresponse().status != 404, path
            status.close()


def test_anything_is_answered_as_described(running: Running, pytestconfig: pytest.Config) -> None:
    """`--soak` tries some hundred times as much."""
    most = 1_000 if pytestconfig.getoption("--soak") else 3
    schema = schemathesis.openapi.from_dict(description())
    wanted = [checks.CHECKS.get_one(name) for name in CHECKS]
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=most, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )  # fmt: skip
        @tried_on(operation)
        def answers(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(
                base_url=f"http://127.0.0.1:{running.ports['http']}", headers={"Authorization": f"Bearer {TOKEN}"},
                checks=wanted, timeout=20,
            )  # fmt: skip

        answers()
    assert asked >= most * len(description()["paths"]) // 2
    assert running.post("/services/collector/raw", b"still here")[0] == 200


def tried_on(operation: Any) -> Any:
    """Cases for one operation, sound ones and others."""
    cases = operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
    with suppress(schemathesis.errors.SchemathesisError):  # of some nothing can be wrong
        cases |= operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
    return given(case=cases)
