"""An absence as a finding: its evidence is the last that was heard, or, where nothing ever was, that Tocsin began to wait.

A setting that was read is an event that Tocsin itself wrote down: `Evidence.source` is `SETTINGS`, its instant the one at
which Tocsin first held it (docs/decisions/0024).
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from tocsin.config import bounds
from tocsin.config.expect import Expected
from tocsin.detect.absence.expected import Missing, Part, Waiting
from tocsin.detect.absence.silence import SilenceRule, Voice, allowed, usual
from tocsin.detect.absence.voices import named
from tocsin.records.event import EventId
from tocsin.records.finding import Claim, Entity, Evidence, Finding, Level, finding_id
from tocsin.records.instants import MINUTE, to_datetime

DETECTOR: Final = "absence"
VERSION: Final = "1"
SETTINGS: Final = "tocsin.toml"
MORE: Final = "more "
"""Before the key of a finding that stands for several."""


def silence(key: str, voice: Voice, rule: SilenceRule, level: Level, site: str) -> Finding:
    """That a source or host fell silent; `voice` was heard at least once."""
    assert voice.evidence is not None
    source, host = named(key)
    shown = voice.evidence.host if host and voice.evidence.host else source
    values = {"what": shown, "minutes": str(allowed(voice, rule) // MINUTE)}
    if usual(voice) >= MINUTE:
        values["usual"] = str(usual(voice) // MINUTE)
    title = "Not heard any more" if host else f"Not heard any more: {source}"
    entity = Entity(site, "host" if host else "source", shown)
    return _finding(key, "silence", title, level, entity, voice.evidence, Claim(
        "fell_silent", values, (voice.evidence.event_id,), voice.evidence.time
    ), voice.last)  # fmt: skip


def more_silent(group: str, voice: Voice, level: Level, site: str) -> Finding:
    """That more of one group fell silent than are told one by one; `voice` is the first of them."""
    assert voice.evidence is not None
    values = {"what": group, "count": str(bounds.SILENCE_OPEN)}
    claim = Claim("others_silent", values, (voice.evidence.event_id,), voice.evidence.time)
    entity = Entity(site, "source", group)
    title = f"More {group} are not heard any more"
    return _finding(
        f"{MORE}{level} {group}", "silence", title, level, entity, voice.evidence, claim, voice.last
    )


def missing(said: Expected, waiting: Waiting, what: Missing, zone: tzinfo, site: str) -> Finding:
    """That an expected event did not come, or that too few of a group were heard."""
    evidence = waiting.evidence or began(said, waiting)
    values = {"what": said.name}
    if waiting.evidence is None:
        values["never"] = "yes"
    if what.part is not None:
        values["between"] = _between(what.part, zone)
    elif said.every:
        values["minutes"] = str((said.every + said.grace) // MINUTE)
    kind = "did_not_come"
    title = f"Did not come: {said.name}"
    if said.count is not None:
        kind, title = "too_few", f"Too few were heard: {said.name}"
        values |= {"heard": str(what.heard), "of": str(what.of), "least": str(said.least)}
    claim = Claim(kind, values, (evidence.event_id,), evidence.time)
    window = what.part.end if what.part is not None else max(waiting.heard, waiting.begun)
    entity = Entity(site, "expected", said.name)
    return _finding(
        said.name, f"expected: {said.name}", title, said.severity, entity, evidence, claim, window
    )


def began(said: Expected, waiting: Waiting) -> Evidence:
    """That Tocsin began to wait: when it first held the setting."""
    text = f"Tocsin waits for {said.name!r} since it read its settings."
    event = EventId(f"{SETTINGS} {said.name}", waiting.since)
    return Evidence(event, SETTINGS, 0, waiting.since, "local", None, text)


def _between(part: Part, zone: tzinfo) -> str:
    start, end = (to_datetime(one).astimezone(zone) for one in (part.start, part.end))
    return f"{start:%Y-%m-%d %H:%M} to {end:%H:%M}"


def _finding(  # noqa: PLR0913, PLR0917  its parts
    key: str,
    rule: str,
    title: str,
    level: Level,
    subject: Entity,
    evidence: Evidence,
    claim: Claim,
    start: int,
) -> Finding:
    hosts = (subject,) if subject.kind == "host" else ()
    return Finding(
        finding_id(DETECTOR, rule, key, start, [evidence.event_id]), DETECTOR, VERSION, rule, title, level,
        (), (), subject, evidence.time, evidence.time, (evidence,), hosts, evidence.auth, "live", (claim,),
        group={"who": key},
    )  # fmt: skip
