"""What judging cost and brought, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tocsin.config import bounds
from tocsin.detect.sigma.ruleset import CompiledRule

Clock = Callable[[], float]
"""Seconds from any moment on, for differences."""


@dataclass(frozen=True, slots=True)
class RuleUse:
    """One rule's account.

    Attributes:
        rule: Its id.
        considered: Events that it might have matched, by their logsources, Channel and EventID.
        hits: Events that it matched.
        asked: How often it was asked: once for each signature that holds one of its triggers, and for each event
            that its expressions were put to.
        seconds: Time spent on asking it; 0 where that is not timed. Searching values, which rules share, is not in it.
        unknown_fields: Fields that it asks for and that none of the considered events had. One that stands deeper in
            the event is not looked for where `Channel` and `EventID` already decide.
    """

    rule: str
    considered: int
    hits: int
    asked: int
    seconds: float
    unknown_fields: tuple[str, ...]


class Usage:
    """Counts as events are judged; all lists are by the rules' places in order of loading.

    Args:
        rules: In order of loading.
        clock: Bounds what expressions take; None: each value may take `bounds.REGEX_SECONDS`.
        timed: Whether the clock is also read for what asking each rule takes, in a tenth of all judging.

    Attributes:
        asked_for: Every field that some rule asks for.
        hits: Events that each rule matched.
    """

    def __init__(self, rules: Sequence[CompiledRule], clock: Clock | None, *, timed: bool) -> None:
        count = len(rules)
        self._rules = rules
        self._clock = clock
        self._timing = clock if timed else None
        self.asked_for = frozenset[str]().union(*(rule.fields for rule in rules))
        self.hits = [0] * count
        self._considered = [0] * count
        self._asked = [0] * count
        self._seconds = [0.0] * count
        self._fields: list[set[str]] = [set() for _ in range(count)]

    def asked_since(self, place: int, began: float) -> None:
        """Notes that a rule was asked, and what that took."""
        self._asked[place] += 1
        if self._timing is not None:
            self._seconds[place] += self._timing() - began

    def now(self) -> float:
        """The clock's time; 0 where asking is not timed."""
        return self._timing() if self._timing is not None else 0.0

    def allowance(self) -> Callable[[], float]:
        """What the expressions of one rule may still take on one event, all its values together.

        The result gives seconds and raises TimeoutError where nothing is left.
        """
        clock = self._clock
        if clock is None:
            return lambda: bounds.REGEX_SECONDS
        end = clock() + bounds.REGEX_SECONDS

        def left() -> float:
            seconds = end - clock()
            if seconds <= 0:
                raise TimeoutError
            return seconds

        return left

    def considered_by(self, places: Iterable[int], count: int, fields: set[str]) -> None:
        """Notes that `count` events, which had `fields` among them, were judged by the rules at `places`."""
        for place in places:
            self._considered[place] += count
            self._fields[place] |= fields

    def accounts(self) -> tuple[RuleUse, ...]:
        """Each rule's account."""
        return tuple(self._account(place, rule) for place, rule in enumerate(self._rules))

    def _account(self, place: int, rule: CompiledRule) -> RuleUse:
        unknown = rule.fields - self._fields[place] if self._considered[place] else ()
        return RuleUse(
            rule.id, self._considered[place], self.hits[place], self._asked[place], self._seconds[place],
            tuple(sorted(unknown)),
        )  # fmt: skip
