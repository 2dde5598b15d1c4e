import pytest

from tocsin.records.errors import BadRecord
from tocsin.sources.text.json_payload import json_object


def test_objects_and_what_is_none():
    assert json_object('{"a":{"b":[1]}}') == {"a": {"b": [1]}}
    assert [json_object(text) for text in ("[1]", '{"a":', "", '{"a":1} x', '{"\ud800":1}')] == [None] * 5


@pytest.mark.parametrize(
    "text", ['{"a":' + "[" * 100 + "]" * 100 + "}", "{" + ",".join(f'"{n}":1' for n in range(5000)) + "}"]
)
def test_bombs_are_set_aside(text):
    with pytest.raises(BadRecord):
        json_object(text)
