"""Events made from rules, so that every rule meets events that match it and events that nearly do.

A seeded walk through a rule's condition chooses a branch of each `or` and writes down what its parts ask for; then the
event may be spoiled: another case, a lost field, a changed character, an empty or a null value. What the rule says of
the result is not this module's to know: judge and evaluator both answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SpecialChars,
)

from tocsin.records.event import Event, Logsource

FILLINGS = ("", "x", " Y ", "-", "ä", "\\", "1")
"""What a star may stand for; one character of it, where it has one, for a question mark."""


def events_for(rule: SigmaRule, number: int, seed: int) -> Iterator[Event]:
    """`number` events that `rule` looks at, the same ones for the same `seed`."""
    chance = random.Random(f"{seed} {rule.id}")
    logsource = Logsource(rule.logsource.product, rule.logsource.category, rule.logsource.service)
    conditions = [condition.parsed for condition in rule.detection.parsed_condition]
    for seq in range(number):
        fields: dict[str, Any] = {}
        _fill(chance.choice(conditions), fields, chance)
        if seq % 2:
            _spoil(fields, chance)
        yield Event(str(rule.id), seq, 0, 0, frozenset({logsource}), fields, "", str(rule.id), "made")


def _fill(condition: Any, fields: dict[str, Any], chance: random.Random) -> None:
    """Writes into `fields` what `condition` asks for; what it forbids, one time in four."""
    match condition:
        case ConditionAND():
            for part in condition.args:
                _fill(part, fields, chance)
        case ConditionOR():
            _fill(chance.choice(condition.args), fields, chance)
        case ConditionNOT():
            if chance.random() < 0.25:
                _fill(condition.args[0], fields, chance)
        case ConditionFieldEqualsValueExpression():
            _set(condition.field, condition.value, fields, chance)
        case ConditionValueExpression():
            _set("message", condition.value, fields, chance)


def _set(name: str, asked: Any, fields: dict[str, Any], chance: random.Random) -> None:
    if isinstance(asked, SigmaFieldReference):
        fields[name] = fields.setdefault(asked.field, "same")
        return
    if isinstance(asked, SigmaExists):
        if asked.exists:
            fields.setdefault(name, "x")
        return
    value = _value(asked, chance)
    before = fields.get(name)
    if isinstance(before, str) and isinstance(value, str) and before != value:
        value = chance.choice((before + value, value + before))  # several texts to be found in one field
    fields[name] = value


def _value(asked: Any, chance: random.Random) -> Any:  # noqa: PLR0911 - one line for each type of value
    match asked:
        case SigmaExpansion():
            return _value(chance.choice(asked.values), chance)
        case SigmaString():
            return "".join(_part(part, chance) for part in asked.s)
        case SigmaNumber():
            return chance.choice((asked.number, str(asked.number)))
        case SigmaBool():
            return chance.choice((asked.boolean, str(asked.boolean)))
        case SigmaCompareExpression():
            return asked.number.number + chance.choice((-1, 0, 1))
        case SigmaCIDRExpression():
            return str(asked.network.network_address + chance.randrange(asked.network.num_addresses))
        case SigmaRegularExpression():
            return str(asked.regexp).replace("\\", "")
        case SigmaNull():
            return None
        case _:
            return "x"


def _part(part: Any, chance: random.Random) -> str:
    if part == SpecialChars.WILDCARD_MULTI:
        return chance.choice(FILLINGS)
    if part == SpecialChars.WILDCARD_SINGLE:
        return chance.choice(FILLINGS[1:])[0]
    return str(part)


def _spoil(fields: dict[str, Any], chance: random.Random) -> None:
    """One change to the event."""
    if not fields:
        return
    name = chance.choice(sorted(fields))
    value = fields[name]
    kind = chance.randrange(6)
    if kind == 0:
        del fields[name]
    elif kind == 1:
        fields[name] = chance.choice((None, "", "-", " "))
    elif not isinstance(value, str) or not value:
        return
    elif kind == 2:
        fields[name] = value.swapcase()
    elif kind == 3:
        at = chance.randrange(len(value))
        fields[name] = value[:at] + chance.choice("*?%_x\\") + value[at + 1 :]
    elif kind == 4:
        fields[name] = chance.choice((value + "\n", " " + value, value + "\\", value * 2))
    else:
        fields[name] = value[:-1]
