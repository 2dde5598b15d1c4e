"""Worlds: rules and events made for each other, and the places where two evaluators disagree about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from tests.detect.sigma.made.events import events
from tests.detect.sigma.made.rules import loaded, rule_texts

from tocsin.detect.sigma.evaluation import Evaluator
from tocsin.detect.sigma.plain import PlainEvaluator
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.records.event import Event

MakeEvaluator = Callable[[Sequence[CompiledRule]], Evaluator]
Answer = tuple[int, ...]
"""The rules that match an event, by their places in the order of loading."""


@dataclass(frozen=True, slots=True)
class World:
    """Rules, events, and the events' order in a stream, in which some come again.

    Attributes:
        texts: The rules as YAML.
        rules: The rules, with ids of their own.
        events: The events.
        order: The stream, as places in `events`.
    """

    texts: tuple[str, ...]
    rules: tuple[CompiledRule, ...]
    events: tuple[Event, ...]
    order: tuple[int, ...]


_RULES = rule_texts().filter(loaded)


@st.composite
def worlds(draw: st.DrawFn, rules: tuple[int, int] = (1, 10), made: tuple[int, int] = (1, 20)) -> World:
    """A world of (least, most) `rules` and `made` events."""
    texts = draw(st.lists(_RULES, min_size=rules[0], max_size=rules[1]))
    those = [rule for text in texts if (rule := loaded(text)) is not None]
    aimed = draw(st.lists(events(those), min_size=made[0], max_size=made[1]))
    again = draw(st.lists(st.integers(0, len(aimed) - 1), max_size=12))
    return World(tuple(texts), numbered(those), placed(aimed), (*range(len(aimed)), *again))


def numbered(rules: Iterable[CompiledRule]) -> tuple[CompiledRule, ...]:
    """`rules`, each under an id of its own."""
    return tuple(
        replace(rule, meta=replace(rule.meta, id=f"made-{number}")) for number, rule in enumerate(rules)
    )


def placed(made: Iterable[Event]) -> tuple[Event, ...]:
    """`made`, each with its place as its number."""
    return tuple(replace(event, seq=number) for number, event in enumerate(made))


def sampled(count: int, start: int = 0, rules: int = 12, made: int = 30) -> list[World]:
    """`count` worlds of so many `rules` and `made` events as Hypothesis makes them; the same for the same `start`.

    Each is the first random one of a seed of its own: within a run Hypothesis begins with the simplest world and then
    mostly repeats parts of those before, which is good for finding a fault and bad for a broad sample.
    """
    return [_first_of(start + number, worlds((rules, rules), (made, made))) for number in range(count)]


def pool(number: int, count: int = 8) -> World:
    """The `number`th pool: `count` worlds of its own, all of whose rules are asked about all of their events."""
    return pooled(sampled(count, start=1_000 * number))


def _first_of(number: int, strategy: st.SearchStrategy[World]) -> World:
    found: list[World] = []

    @seed(number)
    @settings(max_examples=2, phases=[Phase.generate], derandomize=False, database=None, deadline=None)
    @given(strategy)
    def collect(world: World) -> None:
        found.append(world)

    collect()
    return found[-1]


def pooled(found: Sequence[World]) -> World:
    """All rules and events of `found` in one world: every rule is asked about every event."""
    rules = numbered(rule for world in found for rule in world.rules)
    whole = placed(event for world in found for event in world.events)
    texts = tuple(text for world in found for text in world.texts)
    order, start = [], 0
    for world in found:
        order += [start + place for place in world.order]
        start += len(world.events)
    return World(texts, rules, whole, tuple(order))


def pairs(world: World) -> Iterator[tuple[CompiledRule, Event]]:
    """Each different rule with each different event that it looks at."""
    rules = {(repr(rule.condition), rule.logsource): rule for rule in world.rules}
    different = {(ascii(event.fields), event.logsources): event for event in world.events}
    for event in different.values():
        for rule in rules.values():
            if any(have.satisfies(rule.logsource) for have in event.logsources):
                yield rule, event


@dataclass(frozen=True, slots=True)
class Difference:
    """Where an evaluator does not say what the oracle says.

    Attributes:
        place: Of the event in the stream.
        event: The event.
        missed: Rules that match, and were not told.
        wrong: Rules that do not match, and were told.
        disorder: Whether the rules came in another order than that of loading.
    """

    place: int
    event: Event
    missed: tuple[CompiledRule, ...]
    wrong: tuple[CompiledRule, ...]
    disorder: bool


def answers(
    evaluator: Evaluator, rules: Sequence[CompiledRule], stream: Sequence[Event], size: int
) -> list[Answer]:
    """What `evaluator` says of `stream`, given in batches of `size` events."""
    places = {rule.id: place for place, rule in enumerate(rules)}
    told: list[Answer] = []
    for start in range(0, len(stream), size):
        batch = stream[start : start + size]
        found = evaluator.match(batch)
        assert len(found) == len(batch), "one answer for each event"
        told += [tuple(places[rule.id] for rule in matches) for matches in found]
    return told


def expected(rules: Sequence[CompiledRule], stream: Sequence[Event]) -> list[Answer]:
    """What the oracle says, in order of loading (it tells the rules of one logsource together)."""
    oracle = PlainEvaluator(rules)
    told = [tuple(sorted(answer)) for answer in answers(oracle, rules, stream, max(len(stream), 1))]
    assert not oracle.timeouts, "made rules are not meant to run out of time"
    return told


def difference(
    rules: Sequence[CompiledRule], stream: Sequence[Event], told: Sequence[Answer], wanted: Sequence[Answer]
) -> Difference | None:
    """The first event of which `told` says something else than `wanted`."""
    for place, (said, true) in enumerate(zip(told, wanted, strict=True)):
        if said != true:
            missed = tuple(rules[number] for number in true if number not in said)
            wrong = tuple(rules[number] for number in said if number not in true)
            return Difference(place, stream[place], missed, wrong, disorder=not missed and not wrong)
    return None


def disagreement(world: World, make: MakeEvaluator, size: int) -> Difference | None:
    """The first event of `world`'s stream of which the evaluator that `make` gives does not say what the oracle says."""
    wanted = expected(world.rules, world.events)
    stream = [world.events[place] for place in world.order]
    told = answers(make(world.rules), world.rules, stream, size)
    return difference(world.rules, stream, told, [wanted[place] for place in world.order])


def smallest(world: World, make: MakeEvaluator, size: int) -> World:
    """`world` with the rules and events left out that its disagreement does not need."""
    whole = replace(
        world,
        events=placed(world.events[place] for place in world.order),
        order=tuple(range(len(world.order))),
    )

    def still(rules: Sequence[int], stream: Sequence[int]) -> bool:
        return _differs(_part(whole, rules, stream), make, size)

    rules: list[int] = list(range(len(whole.rules)))
    stream: list[int] = list(range(len(whole.order)))
    if not still(rules, stream):
        return world
    stream = _fewest(stream, lambda some: still(rules, some))
    rules = _fewest(rules, lambda some: still(some, stream))
    return _part(whole, rules, stream)


def _differs(world: World, make: MakeEvaluator, size: int) -> bool:
    try:
        return disagreement(world, make, size) is not None
    except Exception:  # noqa: BLE001  an evaluator that fails differs
        return True


def _part(world: World, rules: Sequence[int], stream: Sequence[int]) -> World:
    return World(
        tuple(world.texts[number] for number in rules),
        numbered(world.rules[number] for number in rules),
        placed(world.events[number] for number in stream),
        tuple(range(len(stream))),
    )


def _fewest(whole: list[int], still: Callable[[Sequence[int]], bool]) -> list[int]:
    """As few of `whole` as keep `still` true: ever smaller parts are left out (delta debugging)."""
    step = max(len(whole) // 2, 1)
    while True:
        start = 0
        while start < len(whole):
            rest = whole[:start] + whole[start + step :]
            if rest and still(rest):
                whole = rest
            else:
                start += step
        if step == 1:
            return whole
        step //= 2


def described(world: World) -> str:
    """`world` as text: its rules, and its events' logsources and fields."""
    lines = [text.rstrip() for text in world.texts]
    lines += [f"{sorted(map(_named, event.logsources))} {_short(event.fields)}" for event in world.events]
    return "\n".join(lines)


def _named(logsource: Any) -> str:
    return "/".join(part or "" for part in logsource)


def _short(fields: Any) -> str:
    text = ascii(fields)
    return text if len(text) < 2_000 else f"{text[:2_000]}… ({len(text)} characters)"
