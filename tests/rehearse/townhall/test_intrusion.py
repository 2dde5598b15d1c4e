"""The intrusion: it varies, crosses families, stays in the day, and leaves the ordinary day alone."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from tocsin.records.attack import technique_name
from tocsin.rehearse.townhall import intrusion
from tocsin.rehearse.townhall.day import Scene, set_scene
from tocsin.rehearse.townhall.hosts import lay_network
from tocsin.rehearse.townhall.people import found_town


def scene(seed: int) -> Scene:
    rng = Random(seed)
    town = found_town(rng)
    return set_scene(rng, town, lay_network(rng, town), date(2026, 3, 12))


@pytest.mark.parametrize("seed", range(60))
def test_it_crosses_four_families_within_the_day(seed):
    setting = scene(seed)
    plan = intrusion.plan(Random(seed), setting)
    assert len({entry.file.partition("/")[0] for entry in plan.entries}) >= intrusion.FAMILIES_CROSSED
    assert all(setting.day.start <= entry.time < setting.day.end for entry in plan.entries)
    assert {entry.stage for entry in plan.entries} == {stage.name for stage in plan.stages}
    assert 50 < len(plan.entries) < 900


def test_seeds_vary_the_way_in_the_goal_the_people_and_the_hour():
    plans = [intrusion.plan(Random(seed), scene(seed % 7)) for seed in range(60)]
    assert len({plan.entry for plan in plans}) >= 4
    assert len({plan.goal for plan in plans}) >= 4
    assert len({plan.cast.victim for plan in plans}) >= 20
    assert len({min(entry.time for entry in plan.entries) // 3_600_000_000 for plan in plans}) >= 8


def test_stages_follow_each_other():
    for seed in range(20):
        plan = intrusion.plan(Random(seed), scene(seed % 5))
        firsts = [
            min(entry.time for entry in plan.entries if entry.stage == stage.name) for stage in plan.stages
        ]
        assert firsts == sorted(firsts)


def test_the_victim_is_at_work_and_the_technician_is_not_the_victim():
    for seed in range(20):
        setting = scene(seed % 5)
        cast = intrusion.plan(Random(seed), setting).cast
        assert cast.victim is not setting.town.technician
        assert cast.victim in {presence.person for presence in setting.working}
        assert len({cast.outside, *cast.spare}) == 3


def test_every_stage_names_a_technique_of_the_table():
    for seed in range(40):
        for stage in intrusion.plan(Random(seed), scene(seed % 5)).stages:
            assert technique_name(stage.technique) != stage.technique
