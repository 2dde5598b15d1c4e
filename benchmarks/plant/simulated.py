"""Simulated plants, each learnt for a year and watched for another: is the promise kept, what is seen of which attack?"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.plant import measures
from benchmarks.plant.families import Family
from tocsin.detect.plant.learn import learn
from tocsin.detect.plant.watch import Judged, Watcher
from tocsin.records.instants import SECOND
from tocsin.records.readings import Instants
from tocsin.rehearse.plants.happenings import DAY
from tocsin.rehearse.plants.play import BEGINS

YEAR = 365
WEEK = 168
Told = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Watched:
    """One plant's second year.

    Attributes:
        site: The plant, of any family.
        times: Seconds from the start of the play, shape (rows,).
        judged: What the model said.
        kept: The promise.
        played_s: Wall seconds that the two years took to play.
        learnt_s: And to learn.
    """

    site: Any
    times: Instants
    judged: Judged
    kept: float
    played_s: float
    learnt_s: float


def watched(family: Family, plant: Any, happenings: tuple[Any, ...], budget: float) -> Watched:
    started = time.perf_counter()
    readings = family.play(plant, happenings).readings
    played = time.perf_counter()
    seconds = readings.times // SECOND - BEGINS
    middle = int(np.searchsorted(seconds, YEAR * DAY))
    model = learn(readings.rows(0, middle), budget, 2)
    learnt = time.perf_counter()
    judged = Watcher(model).judge(readings.rows(middle, len(readings)))
    return Watched(plant, seconds[middle:], judged, model.promise.kept, played - started, learnt - played)


def promise(family: Family, plants: int, first: int, budget: float, told: Told) -> None:
    """Prints each plant's weeks with an alarm or a notice, then all of them against the promise with a 95 % bound over plants."""
    shares, promised, by_alarm, by_notice = [], [], [], []
    for number in range(plants):
        plant = family.make(family.turn[number % len(family.turn)], first + number, 2 * YEAR)
        events = family.upkeep(np.random.default_rng([first + number, 3]), plant, 2 * YEAR)
        one = watched(family, plant, events, budget)
        rang, was_told = rung(one.judged.alarms), noticed(one.judged)
        weeks = rang | was_told
        shares.append(float(weeks.mean()))
        by_alarm.append(float(rang.mean()))
        by_notice.append(float(was_told.mean()))
        promised.append(one.kept)
        told(
            kind="promise", plant=plant.network.name, seed=plant.seed, tags=len(plant.tags), weeks=len(weeks),
            interrupted=int(weeks.sum()), with_alarm=int(rang.sum()), with_notice=int(was_told.sum()), promised=one.kept, alarm_hours=float(one.judged.alarms.mean()),
            causes=causes(one, events), played_s=one.played_s, learnt_s=one.learnt_s,
        )  # fmt: skip
    mean, goal = float(np.mean(shares)), float(np.mean(promised))
    chance = np.random.default_rng(0)
    means = [float(np.mean(chance.choice(shares, len(shares)))) for _ in range(4000)]
    told(
        kind="promise of all",
        family=family.name,
        plants=plants,
        realised=mean,
        by_alarm=float(np.mean(by_alarm)),
        by_notice=float(np.mean(by_notice)),
        promised=goal,
        upper95=float(np.quantile(means, 0.95)),
        ratio=mean / goal,
    )


def rung(alarms: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether any row of each whole week rang."""
    whole = len(alarms) // WEEK
    return alarms[: whole * WEEK].reshape(whole, WEEK).any(axis=1)


def noticed(judged: Judged) -> NDArray[np.bool_]:
    """Whether a notice was told in each whole week."""
    found = np.zeros(len(judged.times) // WEEK, bool)
    for one in judged.notices:
        week = int(np.searchsorted(judged.times, one.time)) // WEEK
        if week < len(found):
            found[week] = True
    return found


def causes(one: Watched, events: tuple[Any, ...]) -> dict[str, int]:
    """For each run of alarms: the newest upkeep that began in the week before, or since the plant was learnt and lasts."""
    found: dict[str, int] = defaultdict(int)
    for start, _ in measures.spans(one.judged.alarms):
        now = int(one.times[start])
        begun = [
            event.kind.value
            for event in events
            if event.start <= now < (event.end if event.start >= YEAR * DAY else event.start + 7 * DAY)
            or event.start <= now < event.start + 7 * DAY
        ]
        found[begun[-1] if begun else "nothing"] += 1
    return dict(found)


def attacks(family: Family, plants: int, first: int, budget: float, told: Told) -> None:
    """Prints what was seen of each attack, by plant and then by kind; and the false alarms beside them."""
    by_kind: dict[str, list[tuple[bool, float, bool]]] = defaultdict(list)
    false, quiet_weeks = 0, 0.0
    for number in range(plants):
        plant = family.make(family.turn[number % len(family.turn)], first + number, 2 * YEAR)
        chance = np.random.default_rng([first + number, 4])
        order = [kind for _ in range(2) for kind in chance.permutation(np.array(family.attacks, object))]
        struck = family.draw(chance, plant, order, (YEAR + 7) * DAY, 2 * YEAR * DAY, 7 * DAY)
        events = family.upkeep(np.random.default_rng([first + number, 3]), plant, 2 * YEAR) + struck
        one = watched(family, plant, events, budget)
        labels = np.zeros(len(one.times), bool)
        for attack in struck:
            rows = (one.times >= attack.start) & (one.times < attack.end)
            labels |= rows
            seen, delay, named = _seen(one, rows, attack)
            by_kind[attack.kind.value].append((seen, delay, named))
            told(
                kind="struck", plant=plant.network.name, seed=plant.seed, attack=attack.kind.value, target=attack.target,
                size=attack.size, hours=(attack.end - attack.start) // 3600, seen=seen, delay_h=delay if seen else None,
                highest=float(one.judged.scores[rows].max()), tag_named=named,
            )  # fmt: skip
        wrong = measures.interruptions(one.judged.alarms, labels)
        weeks = float(measures.quiet_rows(labels).sum()) / WEEK
        false, quiet_weeks = false + wrong, quiet_weeks + weeks
        told(
            kind="attacked", plant=plant.network.name, seed=plant.seed, attacks=len(struck), false=wrong, quiet_weeks=weeks,
            alarm_share=float(one.judged.alarms[measures.quiet_rows(labels)].mean()),
        )  # fmt: skip
    for name, found in sorted(by_kind.items()):
        delays = [delay for seen, delay, _ in found if seen]
        told(
            kind="attack", family=family.name, attack=name, count=len(found), recall=float(np.mean([seen for seen, _, _ in found])),
            median_delay_h=float(np.median(delays)) if delays else None,
            tag_named=float(np.mean([named for seen, _, named in found if seen])) if delays else None,
        )  # fmt: skip
    told(kind="false alarms beside attacks", family=family.name, plants=plants, a_week=false / quiet_weeks)


def _seen(one: Watched, rows: NDArray[np.bool_], attack: Any) -> tuple[bool, float, bool]:
    """Whether it rang, after how many hours, and whether a tag at fault was among the three that were then named."""
    ringing = np.flatnonzero(rows & one.judged.alarms)
    if not len(ringing):
        return False, float("nan"), False
    hours = (float(one.times[ringing[0]]) - attack.start) / 3600
    named = {one.site.tags[at] for at in one.judged.named[ringing[0]] if at >= 0}
    return True, hours, bool(named & set(attack.tags))
