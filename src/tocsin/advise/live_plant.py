"""What a plant that is watched live shows, from typed claims: the broken relation, the other tags, and the promise."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan, nan

from tocsin.advise.phrases import counted, name
from tocsin.advise.plant import TagShown, notice, why

Values = Mapping[str, str]


def plant_out_of_step(v: Values) -> str:
    """Which relation of a plant broke, and how often that is allowed to happen by chance."""
    about = (
        why([_shown(v), *(_named(v[key]) for key in ("also 1", "also 2") if v.get(key))])
        if v.get("tag")
        else ""
    )
    said = f"{name(v['plant'])} does not fit what was learnt of it"
    return f"{said}: {about or 'all its tags together are out of step'}; {_promise(v)}"


def plant_notice(v: Values) -> str:
    """What is told of a plant beside the alarms."""
    said = notice(
        v["notice"], v.get("tag", ""), _whole(v.get("at", "")), _number(v.get("amount", ""))
    ).removesuffix(".")
    more = f" ({counted(_whole(v['more']), 'further tag')} likewise)" if v.get("more") else ""
    return f"of {name(v['plant'])}: {said}{more}"


def _promise(v: Values) -> str:
    unit, kept = name(v["unit"]), _number(v["kept"])
    share = name(v["kept"]) if isnan(kept) else f"{100 * kept:.2g}%" if kept < 0.995 else "all"
    rests = counted(int(v["blocks"]), unit) if v["blocks"].isdecimal() else f"{name(v['blocks'])} {unit}s"
    return f"on normal operation at most {share} of {unit}s are interrupted, which rests on {rests}"


def _shown(v: Values) -> TagShown:
    states = tuple(_number(one) for one in v.get("states", "").split())
    words = tuple(v["words"].split("\n")) if v.get("words") else ()
    shown, expected, step, low, high = (
        _number(v.get(key, "")) for key in ("shown", "expected", "step", "low", "high")
    )
    return TagShown(
        v["tag"], shown, expected, step, low, high, "counter" in v, states, words, v.get("measured in", "")
    )


def _named(tag: str) -> TagShown:
    """A tag of which only the name is told."""
    return TagShown(tag, nan, nan, 0.0, nan, nan)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan


def _whole(text: str) -> int:
    return int(text) if text.removeprefix("-").isdecimal() else 0
