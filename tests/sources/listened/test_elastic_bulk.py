"""Bodies of `_bulk`: which items are taken in, which are answered as errors, and what fails the request."""

from __future__ import annotations

import pytest

from tocsin.config import bounds
from tocsin.sources.listened.elastic_bulk import BadBulk, check, documents


def body(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def test_actions_and_their_documents() -> None:
    data = body(
        '{"index":{"_index":"logs","_id":"1"}}', '{"a":1}', "", '{"create":{}}\r', '{"b":"\\ud800"}\r',
        '{"delete":{"_id":"1"}}', '{"update":{"_id":7}}', '{"doc":{}}', '{"index":{}}', "[1]",
        '{"create":{"_index":"x"}}', '{"c":3',
    )  # fmt: skip
    found = check(data, "beats")
    assert [(one.name, one.index, one.id) for one in found] == [
        ("index", "logs", "1"), ("create", "beats", ""), ("delete", "beats", "1"), ("update", "beats", "7"),
        ("index", "beats", ""), ("create", "x", ""),
    ]  # fmt: skip
    assert [one.kind for one in found] == [
        "", "", "illegal_argument_exception", "illegal_argument_exception", "document_parsing_exception",
        "document_parsing_exception",
    ]  # fmt: skip
    assert [bool(one.error) for one in found] == [bool(one.kind) for one in found]
    assert [document for _, document in documents(data, "beats")] == [b'{"a":1}', b'{"b":"\\ud800"}']


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "request body is required"),
        (b"\n\n", "request body is required"),
        (body('{"index":{"_index":"a"}}', "{}")[:-1], "terminated by a newline"),
        (body('{"index":{}}', "{}"), "index is missing"),
        (body('{"index":{"_index":"a"}}'), r"line \[1\], no document"),
        (body('{"index":{"_index":"a"}}', "{}", "{}"), r"line \[3\]"),
        (body('{"purge":{"_index":"a"}}', "{}"), r"line \[1\], expected field"),
        (body('{"index":"a"}', "{}"), "START_OBJECT"),
        (body("nonsense", "{}"), "START_OBJECT"),
        (body('{"index":{"_index":"a"},"create":{}}', "{}"), "one action"),
        (body('{"index":' * 5000 + "1" + "}" * 5000, "{}"), r"line \[1\]"),
        (b'{"index":{"_index":"\xff"}}\n{}\n', "START_OBJECT"),
    ],
)
def test_what_fails_the_request(data: bytes, reason: str) -> None:
    with pytest.raises(BadBulk, match=reason) as refused:
        check(data)
    assert refused.value.kind.endswith("_exception")


def test_documents_that_no_reader_takes() -> None:
    deep = '{"a":' * 70 + "1" + "}" * 70
    data = body('{"index":{}}', deep) + b'{"index":{}}\n{"a":"\xff"}\n'
    assert ["nested" in one.error or "utf-8" in one.error for one in check(data, "i")] == [True, True]


def test_the_number_of_items_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BODY_RECORDS", 2)
    assert len(check(body('{"index":{}}', "{}") * 2, "i")) == 2
    with pytest.raises(BadBulk, match="more than 2"):
        check(body('{"index":{}}', "{}") * 3, "i")
