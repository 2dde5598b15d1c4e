"""Files of names with values: every value the text that stands there, everything else refused with a sentence."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.config.mapping_files import load_mapping
from tocsin.records.errors import OperatorError


def load(folder: Path, text: str | bytes) -> dict[str, tuple[str, ...]]:
    path = folder / "file.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_mapping(path, "mapping", "Write it well.")


def test_every_scalar_is_its_text(tmp_path: Path) -> None:
    text = "\ufeff# who\nAdmins: [anna, 'it', 08, no, 0x_]\nOne: 1_000\n\"%Two%\": ''\nNone:\nEmpty: []\n"
    assert load(tmp_path, text) == {
        "Admins": ("anna", "it", "08", "no", "0x_"),
        "One": ("1_000",),
        "%Two%": ("",),
        "None": (),
        "Empty": (),
    }


@pytest.mark.parametrize(
    "text",
    [
        "", "just text", "- a\n- b\n", "a: [unclosed", "a: {b: c}", "a: [[b]]", "? [a]\n: b\n", "a: &x b\nc: *x\n", "a: 1\n---\nb: 2\n",
        "!!python/object:os.system {}", "a: !!timestamp x", "!!timestamp", b"\xff\xfe\x00", "a: \x00", "[" * 100_000, "a: " + "[" * 100_000,
    ],
)  # fmt: skip
def test_anything_else_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(OperatorError, match="Write it well"):
        load(tmp_path, text)


def test_a_giant_or_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="larger than"):
        load(tmp_path, "a: b\n" + "#" * bounds.MAPPING_BYTES)
    with pytest.raises(OperatorError, match="No such file"):
        load_mapping(tmp_path / "absent", "mapping", "Write it well.")


def test_aliases_multiply_nothing(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    began = time.perf_counter()
    with pytest.raises(OperatorError):
        load(tmp_path, bomb)
    assert time.perf_counter() - began < 1


@settings(max_examples=100)
@given(st.binary(max_size=60) | st.text(alphabet="ab:-[]{},&*!'\"| \n#?%0", max_size=40).map(str.encode))
def test_any_bytes_are_names_with_values_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    try:
        found = load(tmp_path_factory.mktemp("m"), data)
    except OperatorError:
        return
    assert all(isinstance(value, str) for values in found.values() for value in values)
