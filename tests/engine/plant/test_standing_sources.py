"""What `status` and `doctor` say of plants' sources."""

from __future__ import annotations

from pathlib import Path

from tocsin.engine.examining import examine_collected
from tocsin.engine.figures import Figures, read_figures, write_figures
from tocsin.engine.plant.collectors.settings import Collected
from tocsin.engine.standing import Standing, needs

SOURCES = {
    "a": Collected("town", "sql", "lost", 5, 0, 7, "The database says no."),
    "b": Collected("town", "folder", "stopped", 0, 0, 0, "It is wrong. Mend it."),
    "c": Collected("lake", "folder", "reads", 3, 2, 9),
    "d": Collected("lake", "mqtt", "reads", 3, 0, 9),
}


def test_they_are_written_down_and_read(tmp_path: Path) -> None:
    write_figures(tmp_path, Figures(1, 2, collected=SOURCES))
    figures = read_figures(tmp_path)
    assert figures is not None
    assert figures.collected == SOURCES


def test_the_doctor_looks_at_each() -> None:
    items = list(examine_collected(Figures(1, 2, collected=SOURCES)))
    assert [one.state for one in items] == ["look", "broken", "look", "ok"]
    assert "is lost. The database says no." in items[0].said
    assert "c.refused" in items[2].todo
    assert list(examine_collected(None)) == []


def test_one_that_is_not_read_needs_somebody() -> None:
    figures = Figures(1, 2, collected=SOURCES)
    standing = Standing("runs", figures, 0, 0.0, 0, 0.0, 10**12, None, None, (), ())
    told = [one for one in needs(standing, 3) if "plant" in one]
    assert told == [
        "The source a of the plant town is lost. The database says no.",
        "The source b of the plant town is stopped. It is wrong. Mend it.",
    ]
