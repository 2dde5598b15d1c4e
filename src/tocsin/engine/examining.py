"""What `tocsin doctor` looks at: each thing is ok, to be looked at, or broken, with what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tocsin.config import bounds
from tocsin.config.certificates import look_at
from tocsin.config.service import Service, Tls
from tocsin.config.tls import server_context
from tocsin.config.tokens import read_tokens
from tocsin.detect.sigma.coverage import Coverage
from tocsin.engine.absent_words import Absence, absent_sentence
from tocsin.engine.figures import Figures
from tocsin.engine.rule_sets import RuleAccount
from tocsin.engine.standing import FULL_DAYS, Standing, dropped_sentence, silent
from tocsin.records.errors import OperatorError
from tocsin.records.event import SetAside
from tocsin.records.instants import DAY, rfc3339
from tocsin.store.snapshot import last_backup

State = Literal["ok", "look", "broken"]

CERTIFICATE_DAYS: Final = 30
"""A certificate that ends sooner is to be looked at."""

_BACKUP_DAYS: Final = 8
_REASONS: Final = 10
_GAINS: Final = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was looked at.

    Attributes:
        about: Which, such as `disk`.
        state: How it is.
        said: What was seen, a sentence.
        todo: What to do; empty where there is nothing to do.
    """

    about: str
    state: State
    said: str
    todo: str = ""


def examine_service(one: Standing) -> Iterator[Item]:
    """Whether it runs, and how far judging is behind."""
    said = {
        "runs": "It runs.", "hangs": "It runs, but told nothing of itself for over a minute.",
        "stopped": "It was stopped as it was asked to.", "died": "It ended without being asked to.",
        "never": "It never ran.",
    }[one.running]  # fmt: skip
    todo = {"hangs": "See its log.", "stopped": "Start it with `tocsin run`.", "died": "See its log, and start it.",
            "never": "Start it with `tocsin run`."}.get(one.running, "")  # fmt: skip
    state: State = "ok" if one.running == "runs" else "broken" if one.running in {"hangs", "died"} else "look"
    yield Item("service", state, said, todo)
    if one.backlog_seconds > bounds.FIGURES_STALE_SECONDS:
        yield Item("backlog", "look", f"Judging is {one.backlog_seconds:,.0f} s behind.",
                   "Wait; where it does not shrink, send less or run fewer rules (`tocsin rules profile`).")  # fmt: skip
    suspended = one.figures.suspended.values() if one.figures is not None else ()
    for title in suspended:
        yield Item("rules", "look", f"The rule {title} was stopped: its expressions take too long.",
                   "Simplify them, or remove the rule.")  # fmt: skip


def examine_disk(one: Standing) -> Iterator[Item]:
    """Room, now and at the present pace."""
    if one.free < bounds.WAL_SEGMENT_BYTES * 2:
        yield Item(
            "disk",
            "broken",
            f"There are {one.free:,} bytes of room.",
            "Make room, or keep less ([run.retention]).",
        )
    elif one.full is not None and one.full < FULL_DAYS:
        yield Item(
            "disk",
            "look",
            f"It is full in {one.full:.1f} days.",
            "Make room, or keep less ([run.retention]).",
        )
    else:
        yield Item("disk", "ok", f"There are {one.free:,} bytes of room, and {one.stored:,} stored.")


def examine_backup(root: Path, now: int) -> Iterator[Item]:
    """How old the last backup is."""
    last = last_backup(root)
    if last is None:
        said, mend = (
            "No backup was made of this store.",
            "Have one made each night: `tocsin backup FOLDER --keep 14`.",
        )
    elif (days := (now - last) // DAY) > _BACKUP_DAYS:
        said, mend = f"The last backup was made {days:,} days ago.", "See why: run `tocsin backup` by hand."
    else:
        yield Item("backup", "ok", f"The last one was made at {rfc3339(last)}.")
        return
    yield Item("backup", "look", said, mend)


def examine_heard(switches: Sequence[str], gains: Coverage) -> Iterator[Item]:
    """Which logs are heard, as the store shows, and how many rules can fire on them."""
    said = f"Heard within a week: {', '.join(switches)}; {len(gains.active):,} rules can fire on that."
    yield Item("coverage", "ok" if gains.active else "look", said)


def examine_gains(gains: Coverage) -> Iterator[Item]:
    """What switching one more thing on would add."""
    for gain in gains.gains[:_GAINS]:
        said = f"{len(gain.rules):,} more rules could fire with {gain.switch.name} ({gain.switch.title})."
        yield Item("coverage", "ok", said, gain.switch.how)


def examine_clocks(figures: Figures | None) -> Iterator[Item]:
    """Event time against arrival, by source."""
    for name, source in sorted(figures.sources.items()) if figures is not None else ():
        if source.delay is not None and source.delay < -bounds.CLOCK_AHEAD_SECONDS:
            yield Item("clocks", "look", f"{name} is {-source.delay:,.0f} s ahead of this host.",
                       "Set its clock by NTP, and see [run] zone.")  # fmt: skip
        elif source.delay is not None and source.delay > bounds.CLOCK_BEHIND_SECONDS:
            yield Item("clocks", "look", f"Nothing of {name} came sooner than {source.delay:,.0f} s after its time today.",
                       "Its clock is slow, its zone is not [run] zone, or it sends late.")  # fmt: skip
        elif source.today and source.untimed == source.today:
            yield Item("clocks", "look", f"No event of {name} says a time that can be; they count when they come.",
                       "Let it send its time, and set its clock.")  # fmt: skip


def examine_sources(figures: Figures | None, now: int) -> Iterator[Item]:
    """Who was heard before and is silent."""
    if figures is None or not figures.sources:
        yield Item(
            "sources", "look", "Nothing was ever heard.", "See that senders know address, port and token."
        )
        return
    quiet = silent(figures, now)
    for name in quiet:
        yield Item("sources", "look", f"{name} was last heard {rfc3339(figures.sources[name].last)[:19]}Z.",
                   "See whether it still sends.")  # fmt: skip
    if not quiet:
        yield Item("sources", "ok", f"{len(figures.sources):,} sources, none silent for over a day.")


def examine_collected(figures: Figures | None) -> Iterator[Item]:
    """The sources of plants that are read."""
    for name, one in sorted(figures.collected.items()) if figures is not None else ():
        told = f"The source {name} of the plant {one.plant}"
        if one.state == "stopped":
            yield Item("plant", "broken", f"{told} is not read. {one.said}", "Mend it, and restart Tocsin.")
        elif one.state == "lost":
            yield Item(
                "plant",
                "look",
                f"{told} is lost. {one.said}",
                "See whether it can be reached; it is tried again.",
            )
        elif one.refused:
            yield Item("plant", "look", f"{told}: {one.refused:,} lines of readings were refused.",
                       f"Look at {name}.refused in the folder plant of the data folder.")  # fmt: skip
        else:
            yield Item("plant", "ok", f"{told}: {one.readings:,} readings since it was started.")


def examine_absence(absence: Absence) -> Iterator[Item]:
    """What is expected and is not heard, and how many of each group were."""
    for incident in absence.incidents:
        todo = f"Look at it, or say that it is meant so: tocsin dismiss {incident.id} --reason ..."
        yield Item("absence", "look", absent_sentence(incident), todo)
    for sentence in absence.wrong:
        yield Item("absence", "look", sentence, "See what happened then.")
    for sentence in absence.groups:
        yield Item("groups", "ok", sentence)
    if not absence.incidents:
        yield Item("absence", "ok", f"{absence.watched:,} sources and hosts are watched; none is missing.")


def examine_tls(tls: Tls | None, now: int) -> Iterator[Item]:
    """The certificate, whether it can be used and for how long."""
    if tls is None:
        yield Item("tls", "ok", "No listener uses TLS.")
        return
    try:
        server_context(tls)
        seen = look_at(_start(tls.certificate), _start(tls.key))
    except OperatorError as error:
        yield Item("tls", "broken", error.what, error.next_step)
        return
    except (OSError, ValueError) as error:
        yield Item(
            "tls",
            "broken",
            f"The certificate {tls.certificate} cannot be used: {error}.",
            "Run `tocsin init`.",
        )
        return
    left = (seen.ends - now) / DAY
    ends = f"The certificate ends {rfc3339(seen.ends)[:10]}"
    todo = "Renew it (docs/service.md), then send SIGHUP."
    if left <= 0:
        yield Item("tls", "broken", f"{ends}: it is over.", todo)
    else:
        yield Item(
            "tls",
            "look" if left < CERTIFICATE_DAYS else "ok",
            f"{ends}.",
            todo if left < CERTIFICATE_DAYS else "",
        )


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(bounds.CERTIFICATE_BYTES)


def examine_tokens(service: Service) -> Iterator[Item]:
    """Whether the tokens file can be used, and by nobody else."""
    try:
        tokens = read_tokens(service.http.tokens)
    except OperatorError as error:
        yield Item("tokens", "broken", error.what, error.next_step)
        return
    if tokens:
        yield Item("tokens", "ok", f"{len(tokens):,} tokens, in a file that only its owner may read.")
    else:
        yield Item(
            "tokens", "look", "There is no token, so nobody can send over HTTP.", "`tocsin token add NAME`."
        )


def examine_set_aside(records: Sequence[SetAside], dropped: int = 0) -> Iterator[Item]:
    """The records that could not be read, by source and reason; `dropped` more are not kept."""
    if not records and not dropped:
        yield Item("set aside", "ok", "Every record could be read.")
        return
    reasons = Counter((one.source, one.reason) for one in records)
    for (source, reason), count in reasons.most_common(_REASONS):
        yield Item(
            "set aside",
            "look",
            f"{count:,} records of {source}: {reason}",
            "See what it sends, and in which form.",
        )
    if len(reasons) > _REASONS:
        yield Item("set aside", "look", f"There are {len(reasons) - _REASONS} more reasons.", "")
    if dropped:
        yield Item(
            "set aside",
            "look",
            dropped_sentence(dropped),
            "What is told of the others is likely true of these.",
        )


def examine_rules(account: RuleAccount) -> Iterator[Item]:
    """What is loaded, what can fire on what Tocsin reads, and what cannot be loaded."""
    counts = account.counts()
    state: State = "ok" if counts["active"] else "broken"
    yield Item("rules", state, f"{counts['active']:,} of {counts['loaded']:,} rules can fire on what Tocsin reads.",
               "" if counts["active"] else "Switch the starter rules on, or name others in [run] rules.")  # fmt: skip
    if counts["unsupported"]:
        yield Item(
            "rules",
            "look",
            f"{counts['unsupported']:,} rules cannot be loaded.",
            "`tocsin rules check` says why.",
        )
