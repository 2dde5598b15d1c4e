"""Somebody named in the text of a reading's event is forgotten; the readings stay."""

from __future__ import annotations

import pytest
from tests.detect.plant.live.readings import START, event
from tests.detect.plant.live.test_detector import plant_of

from tocsin.detect.plant.live.detector import PlantDetector
from tocsin.detect.plant.live.forgetting import rows_without
from tocsin.detect.plant.model import PlantModel
from tocsin.records.errors import PluginError
from tocsin.records.event import EventBatch
from tocsin.records.forgetting import Subject

ANNA = Subject("local", "user", "anna.berg")


def test_the_events_lose_their_text_and_the_readings_stay(tank_model: PlantModel) -> None:
    detector = PlantDetector([plant_of(tank_model)])
    detector.process(EventBatch.of([event(0, START, {"LEVEL": 3.0, "of anna.berg": 1.0})]))
    rows = dict(detector.changes().put)
    clean, named = rows_without(rows, "1", ANNA)
    assert named == 3  # the event that waits, the last one, and a name that the model does not know
    assert not any(b"anna" in body for body in clean.values())
    assert rows_without(clean, "1", ANNA) == (clean, 0)
    again = PlantDetector([plant_of(tank_model)])
    again.restore_rows(clean, "1")
    again.advance(2**62)
    assert again.now()["works"].rows == 1
    with pytest.raises(PluginError):
        rows_without({"works/grid/grid": b"x"}, "1", ANNA)
