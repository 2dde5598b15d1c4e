"""Rows sampled over IEC 60870-5-104 are the rows that were played, to the last bit."""

import pytest

pytest.importorskip("numpy", reason="grids need numpy: pip install 'tocsin[plant]'")
pytest.importorskip("pandapower", reason="simulated grids need pandapower (group `plants`)")

from tocsin.rehearse.grids import wire
from tocsin.rehearse.grids.happenings import HOUR, Happening, Kind
from tocsin.rehearse.grids.play import play
from tocsin.rehearse.grids.site import grid


@pytest.mark.parametrize("name", ["cigre_mv", "ieee30"])
def test_the_wire_gives_the_very_readings(name):
    plant = grid(name, 3, 2)
    tag = plant.of("PF")[0].tag
    biased = Happening(Kind.BIAS, 20 * HOUR, 30 * HOUR, tag, 1.234, (tag,))
    quick = play(plant, [biased])
    wired = wire.play_on_the_wire(plant, [biased])
    assert len(quick.readings) == 48
    assert wired.readings.tags == quick.readings.tags
    assert wired.readings.times.tobytes() == quick.readings.times.tobytes()
    assert wired.readings.values.tobytes() == quick.readings.values.tobytes()
    assert wired.labels == quick.labels
