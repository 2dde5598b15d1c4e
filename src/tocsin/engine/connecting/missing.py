"""Why a test event may not have come: what the service's figures say, and what is to be looked at."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.config.service import Service
from tocsin.engine.connecting.arrival import Arrival
from tocsin.engine.figures import Figures
from tocsin.records.instants import SECOND

_STALE_SECONDS = 10


def missing(
    arrival: Arrival, before: Figures | None, after: Figures | None, service: Service, now: int
) -> Iterator[str]:
    """Sentences, the likeliest reason first.

    Args:
        arrival: What became of the event.
        before: The service's figures before it was sent.
        after: And now.
        service: The settings.
        now: The present instant.
    """
    if after is None or after.stopped or now - after.written > _STALE_SECONDS * SECOND:
        yield "The service does not run, or hangs: `tocsin status` says so. Start it."
    if after is not None and _changed(service) > after.started:
        yield f"{service.file} was changed after the service started: restart it, so that the change holds."
    if before is not None and after is not None and before.pid == after.pid:
        yield from _refused(before, after)
    if arrival.state == "set aside":
        yield "`tocsin doctor` lists what could not be read, and why."
    elif arrival.state == "waits":
        yield "Judging is behind: `tocsin status` says how far. Wait, then run this again."


def _refused(before: Figures, after: Figures) -> Iterator[str]:
    for reason, count in sorted(after.intake.refused.items()):
        more = count - before.intake.refused.get(reason, 0)
        if more > 0:
            yield f"Meanwhile the service refused {more:,} times: {reason}."
    dropped = after.intake.udp_dropped - before.intake.udp_dropped
    if dropped > 0:
        yield f"Meanwhile {dropped:,} UDP datagrams were dropped, faster than the disk takes them."
    aside = after.set_aside - before.set_aside
    if aside > 0:
        yield f"Meanwhile {aside:,} records could not be read: `tocsin doctor` says why."
    if after.events > before.events:
        yield "Other events came meanwhile, so the service hears; look at this source."


def _changed(service: Service) -> int:
    """When the settings file was changed last (instant); 0 where that cannot be seen."""
    try:
        return service.file.stat().st_mtime_ns // 1_000
    except OSError:
        return 0
