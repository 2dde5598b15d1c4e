"""Plants at play: same seed same bytes, water is neither made nor lost, labels tell the truth."""

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

np = pytest.importorskip("numpy", reason="plants need numpy: pip install 'tocsin[plant]'")
pytest.importorskip("wntr", reason="simulated plants need wntr (group `plants`)")
# ruff: noqa: E402 - what follows needs them

from tocsin.rehearse.plants.demand import STEP
from tocsin.rehearse.plants.drawing import Span, draw, upkeep
from tocsin.rehearse.plants.happenings import ATTACKS, DAY, HOUR, UPKEEP, Happening, Kind
from tocsin.rehearse.plants.hydraulics import Hydraulics
from tocsin.rehearse.plants.network import input_text
from tocsin.rehearse.plants.play import BEGINS, play
from tocsin.rehearse.plants.site import site

DAYS = 12


def played(happenings=(), name="Net1", seed=7, days=DAYS):
    return play(site(name, seed, days), happenings).readings


def column(readings, tag):
    return readings.values[:, readings.tags.index(tag)]


def during(readings, one):
    seconds = readings.times // 1_000_000 - BEGINS
    return (seconds > one.start) & (seconds < one.end)


def strike(kind, target, size, tags, start=8 * DAY, hours=24):  # noqa: PLR0917
    return Happening(kind, start, start + hours * HOUR, target, size, tags)


def test_same_seed_same_bytes():
    plant = site("Net1", 7, DAYS)
    events = draw(np.random.default_rng(1), plant, ATTACKS[:4], Span(DAY, DAYS * DAY, DAY))
    first, second = played(events), played(events)
    assert first.values.tobytes() == second.values.tobytes()
    assert first.times.tobytes() == second.times.tobytes()
    assert played(seed=8).values.tobytes() != first.values.tobytes()


@pytest.mark.parametrize("name", ["Net1", "Net2", "Net3", "ky4", "ky10"])
def test_every_network_plays(name):
    readings = played(name=name, days=2)
    assert len(readings) == 47
    assert np.isfinite(readings.values).all()
    statuses = [at for at, tag in enumerate(readings.tags) if tag.startswith("S_")]
    assert np.isin(readings.values[:, statuses], (0.0, 1.0)).all()


def test_a_tank_keeps_its_water():
    """What flows into a tank in a step is what its level rises by, times its cross-section."""
    plant = site("Net1", 7, 2)
    text = input_text(plant.network, plant.zones, plant.factors, STEP, 900)
    with tempfile.TemporaryDirectory() as folder:
        water = Hydraulics(text, Path(folder))
        water.measure([("level", "2", 850.0), ("inflow", "2", 0.0)])
        area = water.tank_area("2")
        water.start()
        steps = []
        while True:
            now = water.solve()
            steps.append((now, *water.values()))
            if water.advance() <= 0:
                break
        water.close()
    now, level, inflow = np.array(steps).T
    gained = np.diff(level) * area
    entered = inflow[:-1] * np.diff(now) / 448.831  # gallons a minute to cubic feet a second
    assert len(gained) > 150
    assert np.abs(gained - entered).max() < 0.01 * np.abs(entered).max()


def test_the_controller_holds_the_level_between_its_two():
    plant = site("Net1", 7, DAYS)
    rule = plant.rules[0]
    level = column(played(), "L_2")[48:]
    slack = 0.25 * (rule.high - rule.low)
    assert rule.low - slack < level.min() < rule.low + slack
    assert rule.high - slack < level.max() < rule.high + slack


def test_nothing_differs_before_an_attack_and_something_does_in_it():
    calm = played()
    plant = site("Net1", 7, DAYS)
    for kind in ATTACKS:
        if kind in {Kind.STEPWISE_DRIFT, Kind.REPLAY}:
            continue
        (one,) = draw(np.random.default_rng(3), plant, [kind], Span(4 * DAY, DAYS * DAY, DAY))
        struck = played([one])
        before = struck.times // 1_000_000 - BEGINS < one.start
        assert (struck.values[before] == calm.values[before]).all(), kind
        assert (struck.values[during(struck, one)] != calm.values[during(calm, one)]).any(), kind
        assert one.is_attack


def test_a_stuck_level_stands_still():
    one = strike(Kind.STUCK_LEVEL, "2", 0.0, ("L_2", "F_9", "S_9"))
    readings = played([one])
    assert len(np.unique(column(readings, "L_2")[during(readings, one)])) == 1


def test_an_offset_level_moves_at_once():
    one = strike(Kind.OFFSET_LEVEL, "2", 8.0, ("L_2",))
    calm, struck = played(), played([one])
    first = int(np.flatnonzero(during(struck, one))[0])
    before = (
        column(struck, "L_2")[first - 1] - column(calm, "L_2")[first - 1]
    )  # the row of the attack's first second
    assert before == pytest.approx(8.0, abs=0.02)


def test_a_hidden_pump_says_what_it_was_told_and_not_what_it_does():
    one = strike(Kind.HIDDEN_PUMP, "9", 0.0, ("F_9", "S_9"), hours=48)
    readings = played([one])
    inside = np.flatnonzero(during(readings, one))[24:]
    assert column(readings, "L_2")[inside].max() < site("Net1", 7, DAYS).rules[0].low  # the tank runs empty …
    assert (column(readings, "S_9")[inside] == 1).all()  # … while the pump is said to run
    assert column(readings, "F_9")[inside].min() > 500


def test_replayed_readings_are_those_of_the_week_before():
    plant = site("Net1", 7, DAYS)
    one = strike(Kind.REPLAY, "9", 7.0 * DAY, ("L_2", *plant.tags_of("9")), start=9 * DAY)
    readings = played([one])
    inside = np.flatnonzero(during(readings, one))
    for tag in one.tags:
        assert (column(readings, tag)[inside] == column(readings, tag)[inside - 168]).all()
    assert (column(readings, "P_22")[inside] != column(readings, "P_22")[inside - 168]).any()


def test_a_shut_valve_lets_nothing_through():
    plant = site("Net1", 7, DAYS)
    one = strike(Kind.VALVE_CLOSED, plant.valves[1], 0.0, (f"F_{plant.valves[1]}",))
    readings = played([one])
    assert np.abs(column(readings, one.tags[0])[during(readings, one)]).max() < 15  # noise of the meter
    assert np.abs(column(readings, one.tags[0])[~during(readings, one)]).max() > 40


def test_a_coarser_sensor_shows_coarser_steps():
    one = Happening(Kind.PRECISION, 6 * DAY, DAYS * DAY, "L_2", 10.0, ("L_2",))
    readings = played([one])
    shown = column(readings, "L_2")[during(readings, one)] * 10
    assert np.abs(shown - np.rint(shown)).max() < 1e-6
    assert not one.is_attack


def test_upkeep_is_normal_and_attacks_are_not():
    plant = site("Net3", 3, 365)
    done = upkeep(np.random.default_rng(1), plant, 365)
    assert {one.kind for one in done} == set(UPKEEP)
    assert not any(one.is_attack for one in done)
    struck = draw(np.random.default_rng(1), plant, ATTACKS, Span(7 * DAY, 365 * DAY, 3 * DAY))
    assert {one.kind for one in struck} == set(ATTACKS)
    assert len(ATTACKS) == 11
    known = set(plant.tags)
    for one, after in pairwise(struck):
        assert one.end + 3 * DAY <= after.start
    assert all(one.is_attack and one.tags and set(one.tags) <= known for one in struck)
