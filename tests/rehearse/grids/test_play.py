"""Grids at play: the flow is pandapower's, power balances, labels tell the truth, and a consistent lie leaves no residual."""

from functools import cache

import pytest

np = pytest.importorskip("numpy", reason="grids need numpy: pip install 'tocsin[plant]'")
pandapower = pytest.importorskip("pandapower", reason="simulated grids need pandapower (group `plants`)")
# ruff: noqa: E402 - what follows needs them

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rehearse.grids.estimation import Estimator

from tocsin.rehearse.grids import network as networks
from tocsin.rehearse.grids.drawing import Span, draw, upkeep
from tocsin.rehearse.grids.flow import Flow, Switching
from tocsin.rehearse.grids.happenings import ATTACKS, DAY, HOUR, UPKEEP, Happening, Kind
from tocsin.rehearse.grids.network import NETWORKS
from tocsin.rehearse.grids.play import BEGINS, play
from tocsin.rehearse.grids.site import TAP_STEP, grid

DAYS = 12


@cache
def calm(name="cigre_mv", seed=7, days=DAYS):
    plant = grid(name, seed, days)
    return plant, play(plant, ()).readings


def column(readings, tag):
    return readings.values[:, readings.tags.index(tag)]


def during(readings, one):
    seconds = readings.times // 1_000_000 - BEGINS
    return (seconds >= one.start) & (seconds < one.end)


def struck(kind, seed=3, name="cigre_mv"):
    plant, _ = calm(name)
    (one,) = draw(np.random.default_rng(seed), plant, [kind], Span(8 * DAY - 12 * HOUR, 40 * DAY, DAY))
    return one, play(plant, [one]).readings


@pytest.mark.parametrize("name", NETWORKS)
def test_the_power_flow_is_pandapowers(name):
    net, ties = networks._loaded(name)
    moved = list(net.trafo.index)[:1] if name in {"cigre_mv", "case33bw"} else []
    for at in moved:
        net.trafo.loc[at, ["tap_side", "tap_neutral", "tap_step_percent", "tap_pos"]] = [
            "hv",
            0,
            TAP_STEP * 100,
            -3,
        ]
        net.trafo["tap_changer_type"] = "Ratio"
    net.line.loc[ties, "in_service"] = False
    pandapower.runpp(net, numba=False, calculate_voltage_angles=False, tolerance_mva=1e-10)
    ours = networks.network(name)
    injected = -ours.loads
    for bus, _, power in ours.generators:
        injected[bus] += power
    trafos = [at for at, one in enumerate(ours.branches) if one.is_transformer][: len(moved)]
    switching = Switching(tuple((at, 1.0 - 3 * TAP_STEP) for at in trafos), frozenset(ours.ties))
    volts = Flow(ours).solve(injected, ours.slack[1], switching, None)
    assert np.abs(volts) == pytest.approx(net.res_bus.vm_pu.to_numpy(), abs=1e-8)
    flows = Flow(ours).flows(volts, switching)
    lines = [at for at, one in enumerate(ours.branches) if not one.is_transformer]
    assert flows.real[lines] == pytest.approx(net.res_line.p_from_mw.to_numpy(), abs=1e-6)
    assert flows.imag[trafos] == pytest.approx(net.res_trafo.q_hv_mvar.to_numpy()[: len(moved)], abs=1e-6)


def test_same_seed_same_bytes():
    plant, first = calm()
    events = upkeep(np.random.default_rng(1), plant, DAYS) + draw(
        np.random.default_rng(1), plant, ATTACKS[:4], Span(DAY, DAYS * DAY, DAY)
    )
    one, two = play(plant, events).readings, play(grid("cigre_mv", 7, DAYS), events).readings
    assert one.values.tobytes() == two.values.tobytes()
    assert one.times.tobytes() == two.times.tobytes()
    assert calm(seed=8)[1].values.shape[0] == len(first)
    assert calm(seed=8)[1].values.tobytes() != first.values.tobytes()


@given(name=st.sampled_from(NETWORKS), seed=st.integers(0, 2**31), day=st.integers(0, 40))
@settings(max_examples=8, deadline=None)
def test_power_is_neither_made_nor_lost(name, seed, day):
    """What comes in is what is drawn and what lines lose, and both ends of every line agree, on any seed and day."""
    plant = grid(name, seed, day + 1)
    flow, net, at = Flow(plant.network), plant.network, len(plant.feeding) - 6
    injected = -plant.drawn[at]
    np.add.at(injected, np.array(plant.infeeds), plant.fed[at])
    for bus, _, power in net.generators:
        injected[bus] += power
    switching = Switching((), frozenset(net.ties))
    volts = flow.solve(injected, float(plant.feeding[at]), switching, None)
    found = flow.injections(volts, switching)
    fixed = [net.slack[0], *(bus for bus, _, _ in net.generators)]
    others = [bus for bus in range(len(net.kv)) if bus not in fixed]
    assert np.abs((found - injected)[others]).max() < 1e-6
    assert 0 < found.real.sum() < 0.15 * plant.drawn[at].real.sum()  # losses
    assert np.abs(volts).min() > 0.7


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_plays_with_all_that_can_happen(name):
    plant = grid(name, 11, 60)
    events = upkeep(np.random.default_rng(5), plant, 60)
    events += draw(np.random.default_rng(6), plant, ATTACKS, Span(8 * DAY, 60 * DAY, HOUR))
    readings = play(plant, events).readings
    assert len(readings) == 24 * 60
    assert np.isfinite(readings.values).all()
    states = [at for at, tag in enumerate(readings.tags) if tag.startswith("S_")]
    assert np.isin(readings.values[:, states], (0.0, 1.0)).all()
    assert (
        readings.values == np.float32(readings.values).astype(str).astype(float)
    ).all()  # decimals that floats keep


def test_regulators_hold_their_voltage():
    plant, readings = calm()
    for one in plant.regulators:
        tag = next(meter.tag for meter in plant.of("V") if meter.place == one.bus)
        beside = np.abs(column(readings, tag) / plant.network.kv[one.bus] - one.wanted)
        assert np.quantile(beside, 0.99) < one.band + 0.003
        assert len(np.unique(column(readings, plant.tap_tag(one.branch)))) > 1


@pytest.mark.parametrize("kind", ATTACKS)
def test_nothing_differs_before_an_attack_and_something_does_in_it(kind):
    _, before = calm()
    one, readings = struck(kind)
    assert one.is_attack
    assert set(one.tags) <= set(readings.tags)
    earlier = readings.times // 1_000_000 - BEGINS < one.start
    assert (readings.values[earlier] == before.values[earlier]).all()
    assert (readings.values[during(readings, one)] != before.values[during(before, one)]).any()


def test_a_consistent_injection_leaves_no_residual_and_a_bias_does():
    plant, honest = calm()
    estimator = Estimator(plant)
    one, told = struck(Kind.CONSISTENT)
    bias = next(meter for meter in plant.of("PF") if meter.tag == "PF_3_4")
    shifted = Happening(Kind.BIAS, one.start, one.end, bias.tag, 0.1 * bias.rated, (bias.tag,))
    biased = play(plant, [shifted]).readings
    at = np.flatnonzero(during(told, one))[:40]
    usual, lied, wrong = (
        np.array([estimator.residual(readings.values[row]) for row in at])
        for readings in (honest, told, biased)
    )
    limit = estimator.freedom + 3.1 * np.sqrt(
        2 * estimator.freedom
    )  # one row in a thousand, as a normal deviation
    assert 0.7 * estimator.freedom < usual.mean() < 1.3 * estimator.freedom
    assert 0.7 * estimator.freedom < lied.mean() < 1.3 * estimator.freedom
    assert (lied > limit).mean() <= 0.05
    assert (wrong > limit).all()
    load = column(told, one.tags[0])[at] / column(honest, one.tags[0])[at]
    assert load == pytest.approx(np.full(len(at), one.size), abs=0.05)


def test_a_concealed_outage_and_a_hidden_breaker_are_told_as_closed():
    for kind in (Kind.CONCEALED_OUTAGE, Kind.HIDDEN_BREAKER):
        one, readings = struck(kind)
        inside = during(readings, one)
        assert (column(readings, f"S_{one.target}")[inside] == 1).all()
        flow = np.abs(column(readings, f"PF_{one.target}"))
        hidden = flow[inside].max() < 0.1 * flow[~inside].max()
        assert hidden == (
            kind is Kind.HIDDEN_BREAKER
        )  # where only the breaker lies, the meter shows that nothing flows


def test_a_line_in_service_is_said_to_be_out_and_its_tie_to_be_closed():
    plant, _ = calm()
    line = plant.serviceable[0]
    name = plant.network.branches[line].name
    service = Happening(Kind.LINE_SERVICE, 2 * DAY, 2 * DAY + 6 * HOUR, name, 0.0, ())
    readings = play(plant, [service]).readings
    inside = during(readings, service)
    assert (column(readings, f"S_{name}")[inside] == 0).all()
    for tie in plant.network.backing(line):
        assert (column(readings, plant.breaker_tag(tie))[inside] == 1).all()
    assert not service.is_attack


def test_replayed_readings_are_those_of_the_week_before():
    one, readings = struck(Kind.REPLAY)
    inside = np.flatnonzero(during(readings, one))
    for tag in one.tags:
        assert (column(readings, tag)[inside] == column(readings, tag)[inside - 168]).all()


def test_upkeep_is_normal_and_attacks_are_not():
    plant = grid("cigre_mv", 3, 365)
    done = upkeep(np.random.default_rng(1), plant, 365)
    assert {one.kind for one in done} == set(UPKEEP)
    assert not any(one.is_attack for one in done)
    found = draw(np.random.default_rng(1), plant, ATTACKS, Span(7 * DAY, 365 * DAY, 3 * DAY))
    assert {one.kind for one in found} == set(ATTACKS)
    assert len(ATTACKS) == 11


def test_quarters_of_an_hour_play_too():
    plant = grid("cigre_mv", 7, 2, 900)
    readings = play(plant, ()).readings
    assert len(readings) == 192
    assert (np.diff(readings.times) == 900 * 1_000_000).all()
