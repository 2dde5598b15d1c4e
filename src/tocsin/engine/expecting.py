"""What the settings expect, ready to be asked: Sigma's language where they say `where`, a loaded rule where they name one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tocsin.config.expect import Expected
from tocsin.config.service import Service
from tocsin.detect.absence.expected import Expectation
from tocsin.detect.absence.silence import SilenceRule
from tocsin.detect.sigma.compiling.lowering import Unsupported
from tocsin.detect.sigma.compiling.parsing import parse_detection
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.matching import predicate
from tocsin.detect.sigma.ruleset import CompiledRule, RuleSet
from tocsin.engine.absence import Awaited
from tocsin.engine.expecting_quickly import quick_no
from tocsin.records.errors import OperatorError
from tocsin.records.event import Event


def awaited(service: Service, rules: RuleSet) -> Awaited:
    """What `service` awaits.

    Args:
        service: The settings.
        rules: What judges, for those that name a rule.

    Raises:
        OperatorError: what is expected cannot be looked for; file and name are told.
    """
    silence = service.silence
    named = {rule.id: rule for rule in rules.rules}
    expectations = tuple(_expectation(one, named, service.file) for one in service.expected)
    rule = SilenceRule(silence.floor, silence.learn)
    return Awaited(rule, silence.rings, expectations, service.zone, service.site)


def _expectation(said: Expected, rules: Mapping[str, CompiledRule], file: Path) -> Expectation:
    if said.rule is not None:
        rule = rules.get(said.rule)
        if rule is None:
            raise OperatorError(
                f"{file}: [[run.expect]] {said.name!a} names the rule {said.rule!a}, which is not loaded.",
                "Name the id of a rule over single events, or say where.",
            )
        return Expectation(said, _by_rule(rule))
    if said.where is None:
        return Expectation(said, lambda _: True)
    return Expectation(said, _by_where(said, file))


def _by_rule(rule: CompiledRule) -> Callable[[Event], bool]:
    return lambda event: (
        any(have.satisfies(rule.logsource) for have in event.logsources)
        and rule.matches(EventView(event.fields))
    )


def _by_where(said: Expected, file: Path) -> Callable[[Event], bool]:
    try:
        matches = predicate(parse_detection({"where": _detection(said.where), "condition": "where"}, {}))
    except Unsupported as error:
        raise OperatorError(
            f"{file}: [[run.expect]] {said.name!a} has a where that {error}.",
            'Write it as Sigma\'s detections, such as { program = "restic", "message|contains" = "saved" }.',
        ) from error
    surely_not = quick_no(said.where)
    return lambda event: not surely_not(event.fields) and matches(EventView(event.fields))


def _detection(where: Any) -> Any:
    """What TOML holds as what YAML would: a text alone is a list of one."""
    if isinstance(where, str):
        return [where]
    return list(where) if isinstance(where, Sequence) else where
