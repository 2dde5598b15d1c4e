"""A client of Elasticsearch gets the parts of an answer that it asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from intake_running import TOKEN, Running

from tocsin.config import bounds
from tocsin.engine.intake.filter_path import FilterPath

Start = Callable[..., Running]
GOOD = {"_index": "a", "status": 201, "_shards": {"total": 1, "failed": 0}}
BAD = {"_index": "a", "status": 400, "error": {"type": "t", "reason": "r"}}
ANSWER = {"errors": True, "took": 1, "items": [{"index": GOOD}, {"create": BAD}]}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("took", {"took": 1}),
        ("took,errors,items.*.status", {"errors": True, "took": 1, "items": [{"index": {"status": 201}}, {"create": {"status": 400}}]}),
        ("items.*.error", {"items": [{"create": {"error": BAD["error"]}}]}),
        ("items.index._shards.f*d", {"items": [{"index": {"_shards": {"failed": 0}}}]}),
        ("**.reason", {"items": [{"create": {"error": {"reason": "r"}}}]}),
        ("items.**", {"items": ANSWER["items"]}),
        (" errors , took ", {"errors": True, "took": 1}),
        ("-items", {"errors": True, "took": 1}),
        ("items.*.*,-items.*._*,-**.error", {"items": [{"index": {"status": 201}}, {"create": {"status": 400}}]}),
        ("e*o*s,*x*", {"errors": True}),
        ("nothing.of.it,took.too.deep", {}),
        ("", ANSWER), (",", ANSWER), (".", ANSWER), ("-", ANSWER), ("*", ANSWER), ("took," * 400, ANSWER),
    ],
)  # fmt: skip
def test_what_is_asked_for_is_kept(text: str, kept: dict[str, Any]) -> None:
    assert FilterPath(text).of(ANSWER) == kept


@pytest.mark.parametrize("part", ["**.", "*a", "a*.", "*,", "**.x,", "-**.a,", "*.*.*.*,"])
def test_made_up_patterns_cost_little(part: str) -> None:
    text = (part * bounds.FILTER_PATH_CHARS)[: bounds.FILTER_PATH_CHARS]
    many = {"items": [{"index": {**GOOD, **BAD}}] * 10_000}
    began = time.process_time()
    FilterPath(text).of(many)
    assert time.process_time() - began < 2


def test_the_official_client_gets_what_it_asks_for(start: Start) -> None:
    elasticsearch = pytest.importorskip("elasticsearch")
    from elasticsearch.helpers import bulk

    running = start()
    operations = [{"index": {"_index": "a"}}, {"n": 1}, {"create": {"_index": "a", "_id": "x"}}, {"n": 2}]
    with elasticsearch.Elasticsearch(
        f"http://127.0.0.1:{running.ports['http']}", basic_auth=("shipper", TOKEN)
    ) as client:
        said = client.bulk(operations=operations, filter_path=["took", "errors", "items.*.status"])
        assert said.body == {
            "errors": False,
            "took": 1,
            "items": [{"index": {"status": 201}}, {"create": {"status": 201}}],
        }
        assert client.bulk(operations=operations[:2], filter_path="errors,items.*.error").body == {
            "errors": False
        }
        documents = [{"_index": "a", "n": number} for number in range(3)]
        assert bulk(client, documents, filter_path="errors,items.*.status,items.*.error") == (3, [])
        assert client.info(filter_path="version.number").body == {"version": {"number": "8.19.0"}}
    assert running.stop()["records"] == 6


def test_an_answer_that_says_no_is_whole(start: Start) -> None:
    status, said = start().post("/_bulk?filter_path=took", b"no json\n")
    assert status == 400
    assert said["error"]["reason"]
