"""The tables `[[run.plant]]`: what they may say, and what is refused with a clear sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tocsin.config import bounds
from tocsin.config.plant import Plant
from tocsin.config.service import service_settings
from tocsin.engine.plant.live_plants import plants_of
from tocsin.records.errors import OperatorError

FILE = Path("/etc/tocsin/tocsin.toml")


def plants(tables: Any) -> tuple[Plant, ...]:
    return service_settings(FILE, {"run": {"plant": tables}}, Path("/data")).plants


def test_a_plant_has_a_name_and_a_model_beside_the_settings() -> None:
    assert plants([{"name": "works", "model": "works.model"}, {"name": "Dam.2_b-c", "model": "/m"}]) == (
        Plant("works", Path("/etc/tocsin/works.model")), Plant("Dam.2_b-c", Path("/m")),
    )  # fmt: skip
    assert service_settings(FILE, {}, Path("/data")).plants == ()


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"name": "a", "model": "m"}, "plant is no list of tables"),
        ([1], "plant is no list of tables"),
        ([{"model": "m"}], "name is no text"),
        ([{"name": "a/b", "model": "m"}], "is no name of a plant: 'a/b'"),
        ([{"name": "a" * 65, "model": "m"}], "is no name of a plant"),
        ([{"name": "-a", "model": "m"}], "is no name of a plant"),
        ([{"name": "a"}], "model of 'a' is missing"),
        ([{"name": "a", "model": 3}], "model is no path"),
        ([{"name": "a", "model": "m", "modle": "m"}], "has no setting modle"),
        ([{"name": "a", "model": "m"}, {"name": "A", "model": "n"}], "has the name 'a' twice"),
        ([{"name": f"p{at}", "model": "m"} for at in range(bounds.PLANTS + 1)], "names more than 64 plants"),
    ],
)
def test_what_cannot_be_is_refused(tables: Any, said: str) -> None:
    with pytest.raises(OperatorError, match="plant") as refused:
        plants(tables)
    assert said in refused.value.what
    assert str(FILE) in refused.value.what


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read: No such file"), (b"x", "is no model of a plant")]
)
def test_a_model_that_cannot_be_read_says_of_which_plant(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "works.model"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OperatorError) as refused:
        plants_of([Plant("works", path)])
    assert said in refused.value.what
    assert "the plant works" in refused.value.what
