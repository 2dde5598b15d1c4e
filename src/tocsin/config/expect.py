"""What is to be heard: the tables `[run.silence]`, `[[run.expect]]` and `[[run.group]]` of `tocsin.toml`.

```toml
[run.silence]
rings = true                        # false: silent sources are listed, and ring nobody
floor = "10m"                       # no shorter silence counts
learn = "7d"                        # how long a source must have spoken before its silence counts

[[run.expect]]
name = "nightly backup"
where = { program = "restic", "message|contains" = "snapshot saved" }   # as in Sigma's detections; a list of tables: any
at = "02:00-06:00"                  # in the zone of [run]; on `days`, each day where none are named
days = ["mon", "tue", "wed", "thu", "fri"]
grace = "30m"                       # how much later it may come
severity = "high"
source = "hec:servers"              # only what comes from there; `*` stands for anything
hosts = ["db-*"]                    # only of these hosts

[[run.expect]]
name = "the firewall speaks"
source = "syslog:10.0.0.1"
every = "15m"                       # in place of `at`

[[run.group]]
name = "office PCs"
hosts = ["ws-*"]                    # who is counted
count = 60                          # of how many; else those that were heard within a week
least = 50                          # fewer ring; without it they are only told in the daily message
at = "07:00-18:00"                  # when they are counted; the whole day where it is not said
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tocsin.config import bounds
from tocsin.config.table import Table
from tocsin.records.finding import LEVELS, Level
from tocsin.records.instants import DAY, HOUR, MINUTE, SECOND

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_SPAN: Final = re.compile(r"([0-9]{1,5}) ?(s|m|min|h|d)", re.ASCII)
_UNITS: Final = {"s": SECOND, "m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY}
_HOURS: Final = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9]) ?[-\u2013] ?(?:([01][0-9]|2[0-3]):([0-5][0-9])|(24:00))", re.ASCII
)
_NAME_CHARS: Final = 80
_RIGHT_SPAN: Final = 'Write one such as "90s", "15m", "24h" or "7d".'


@dataclass(frozen=True, slots=True)
class Silence:
    """What counts as silence (microseconds), and whether it rings."""

    rings: bool = True
    floor: int = bounds.SILENCE_SECONDS * SECOND
    learn: int = bounds.SILENCE_LEARN_SECONDS * SECOND


@dataclass(frozen=True, slots=True)
class Window:
    """From and until which minute of the day, on which days of the week (0 is Monday); it may span midnight."""

    start: int
    end: int
    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class Expected:
    """Something that is to be heard.

    Attributes:
        name: What it is called.
        where: A Sigma detection's value, as the settings hold it; None where every event counts.
        rule: Id of a rule that it is to match, in place of `where`; None for none.
        source: What the event's source must be (`*` stands for anything); None for any.
        hosts: What its host must be one of; any where it is empty.
        window: When it is to come; None where `every` says so.
        every: Microseconds within which it is to come again; 0 where `window` says when.
        grace: Microseconds that it may be late.
        severity: How grave it is when it does not come.
        count: Of how many hosts a group consists; 0: of those that were heard within a week. None: this is no group.
        least: How many of them are to be heard; 0: it is only told how many were.
    """

    name: str
    where: Any = None
    rule: str | None = None
    source: str | None = None
    hosts: tuple[str, ...] = ()
    window: Window | None = None
    every: int = 0
    grace: int = 0
    severity: Level = "high"
    count: int | None = None
    least: int = 0


def silence_settings(table: Table) -> Silence:
    """What `[run.silence]` says. OperatorError where it cannot be."""
    table.check(("floor", "learn", "rings"))
    silence = Silence(
        table.flag("rings", default=True),
        _span(table, "floor", bounds.SILENCE_SECONDS * SECOND),
        _span(table, "learn", bounds.SILENCE_LEARN_SECONDS * SECOND),
    )
    if silence.floor < SECOND:
        table.refuse("floor", "is shorter than a second", _RIGHT_SPAN)
    return silence


def expected_settings(run: Table) -> tuple[Expected, ...]:
    """What `[[run.expect]]` and `[[run.group]]` say, in their order.

    Raises:
        OperatorError: it cannot be so; file, table and key are named.
    """
    found = [
        *(_expected(one) for one in _tables(run, "expect")),
        *(_group(one) for one in _tables(run, "group")),
    ]
    if len(found) > bounds.EXPECTED:
        run.refuse("expect", f"and group are more than {bounds.EXPECTED}", "Name fewer.")
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            run.refuse("expect", f"or group has the name {name!a} twice", "Give each a name of its own.")
    return tuple(found)


def _tables(run: Table, key: str) -> list[Table]:
    values = run.values.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, Mapping) for one in values):
        run.refuse(key, "is no list of tables", f"Write [[{run.name}.{key}]] before each.")
    return [Table(run.file, f"{run.name}.{key}", one) for one in values]


def _expected(table: Table) -> Expected:
    table.check(("at", "days", "every", "grace", "hosts", "name", "rule", "severity", "source", "where"))
    where, rule = table.values.get("where"), None
    if "rule" in table.values:
        rule = table.text("rule", "", "Write a rule's id.")
        if where is not None:
            table.refuse("rule", "and where cannot both be", "Name one.")
    source, hosts = _source(table), _hosts(table)
    if where is None and rule is None and source is None and not hosts:
        table.refuse("where", "is missing, so that any event would do", "Say where, rule, source or hosts.")
    window = _window(table, None)
    every = _span(table, "every", 0) if "every" in table.values and table.values["every"] != "day" else 0
    if (window is None) == (every == 0):
        table.refuse(
            "every", "or at must say when it is to come, and only one of them", 'Write at = "02:00-06:00".'
        )
    severity = _severity(table)
    return Expected(
        _name(table), where, rule, source, hosts, window, every, _span(table, "grace", 10 * MINUTE), severity
    )


def _group(table: Table) -> Expected:
    table.check(("at", "count", "days", "grace", "hosts", "least", "name", "severity", "source"))
    every_day = Window(0, 24 * 60, frozenset(range(7)))
    count = table.whole("count", 0, 0, bounds.GROUP_HOSTS)
    least = table.whole("least", 0, 0, bounds.GROUP_HOSTS)
    if count and least > count:
        table.refuse("least", "is more than count", "Write fewer.")
    return Expected(
        _name(table), source=_source(table), hosts=_hosts(table), window=_window(table, every_day),
        grace=_span(table, "grace", 0), severity=_severity(table), count=count, least=least,
    )  # fmt: skip


def _name(table: Table) -> str:
    right = f"Write a text of at most {_NAME_CHARS} characters that no other has."
    name = table.text("name", "", right).strip()
    if not name or len(name) > _NAME_CHARS:
        table.refuse("name", "is missing or too long", right)
    return name


def _source(table: Table) -> str | None:
    right = 'Write one as `tocsin status` names it, such as "hec:first".'
    return table.text("source", "", right) if "source" in table.values else None


def _hosts(table: Table) -> tuple[str, ...]:
    hosts = table.texts("hosts", 'Write a list, such as ["ws-*"].')
    if len(hosts) > bounds.GROUP_HOSTS:
        table.refuse("hosts", f"names more than {bounds.GROUP_HOSTS}", "Write patterns, such as ws-*.")
    return tuple(host.casefold() for host in hosts)


def _severity(table: Table) -> Level:
    said = table.text("severity", "high")
    if said not in LEVELS:
        table.refuse("severity", "is none", f"Write one of {', '.join(LEVELS)}.")
    return said


def _window(table: Table, default: Window | None) -> Window | None:
    if "at" not in table.values and default is None:
        if "days" in table.values:
            table.refuse("days", "needs at", 'Write at = "00:00-24:00" for whole days.')
        return None
    right = 'Write hours such as "02:00-06:00".'
    start, end = (default.start, default.end) if default is not None else (0, 0)
    if "at" in table.values:
        match = _HOURS.fullmatch(table.text("at", "", right).strip())
        if match is None:
            table.refuse("at", "are no hours", right)
        start = int(match[1]) * 60 + int(match[2])
        end = 24 * 60 if match[5] else int(match[3]) * 60 + int(match[4])
        if start == end:
            table.refuse("at", "are no hours", right)
    days = table.texts("days", 'Write a list, such as ["mon", "fri"].')
    if any(day not in DAYS for day in days):
        table.refuse("days", "names what is no day", f"Write some of {', '.join(DAYS)}.")
    return Window(start, end, frozenset(map(DAYS.index, days or DAYS)))


def _span(table: Table, key: str, default: int) -> int:
    if key not in table.values:
        return default
    match = _SPAN.fullmatch(table.text(key, "", _RIGHT_SPAN))
    if match is None:
        table.refuse(key, "is no span of time", _RIGHT_SPAN)
    return int(match[1]) * _UNITS[match[2]]
