"""`tocsin run`: one process takes events in (`engine/intake/`), this one judges them (`engine/service.py`).

This one parses what strangers wrote. So it reads no secret, and gives the network up before it reads the first record
(`confined.py`); what needs the network is started by a process that was begun before (`starter.py`).

Rules:

1. Intake is started first, and needs nothing of what judging needs: after a restart senders are heard at once, however much
   is still to be judged.
2. An intake process that dies is started anew, later each time, and that is told; nothing that it acknowledged is lost.
3. Once intake listens, the bell (`kept_bell.py`, a process of its own) tells people what was committed, and sends the sign of life.
4. A stop lets intake answer what is in flight, then judges all that was acknowledged, and only then ends. A second signal
   ends at once, and the rest is judged at the next start; so is what the disk refuses to take while it stops.
5. Sources of plants are read in a process of their own (`plant/kept_collectors.py`), which nothing waits for.
6. All settings may be read anew while it runs (`reloading.py`); what cannot be used changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from tocsin.detect.interface import Detector
from tocsin.engine import starter
from tocsin.engine.absence import Absences, Known
from tocsin.engine.books import Ringer
from tocsin.engine.collecting import collect, seldom
from tocsin.engine.confined import give_up_network
from tocsin.engine.figuring import Figuring
from tocsin.engine.flow import Tally
from tocsin.engine.forgetting import Forgetting
from tocsin.engine.keeping import Keeping
from tocsin.engine.kept_bell import KeptBell
from tocsin.engine.kept_intake import KeptIntake
from tocsin.engine.live_rules import LiveDetector
from tocsin.engine.patience import Patience
from tocsin.engine.plant.collectors.settings import CollectSettings
from tocsin.engine.plant.kept_collectors import KeptCollectors
from tocsin.engine.plant.live_plants import LivePlants
from tocsin.engine.reloading import Reloading
from tocsin.engine.sealer import Sealer
from tocsin.engine.serve_request import Attendant, ServeRequest, Wishes
from tocsin.engine.service import Service, counted
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.errors import TryAgain
from tocsin.records.event import EventBatch
from tocsin.records.received import Received
from tocsin.sources.listened.received import ReceivedOptions, events_of
from tocsin.store.disk import Disk
from tocsin.store.folders import prepare
from tocsin.store.store import Store


def reads(options: ReceivedOptions) -> Callable[[Received], EventBatch]:
    """What makes events of what was taken in, each at the instant at which it counts."""
    return lambda received: counted(events_of(received, options))


def serve(request: ServeRequest, attendant: Attendant, wishes: Wishes) -> Tally:
    """Runs until it is to stop; gives what was judged. This process has no network from then on.

    Raises:
        OperatorError: the store cannot be opened, no listener can be, no process started, or the disk refused.
    """
    prepare(request.store, Disk())
    starter.begin(request.store)
    if why := give_up_network():
        attendant.on_notice(f"This process keeps the network, though it parses what strangers wrote: {why}.")
    intake = KeptIntake(request, attendant)
    with seldom(), Store.follow(request.store, intake.end, reads(request.reading)) as store:
        starter.tidy(request.store)
        for notice in store.notices:
            attendant.on_notice(notice)
        detector = LiveDetector(
            request.rules, lambda rules: works.service.judged_by(rules.note), request.clock
        )
        figuring = Figuring(store, attendant, detector, request.reading.zone, request.now)
        figuring.tick(Tally(), intake.counters)  # from here on it was not stopped, whatever becomes of it
        intake.begin(store)
        try:
            collect()
            works = _Works(request, attendant, intake, detector, figuring, store)
            try:
                works.run(wishes)
                intake.stop()
            finally:
                works.stop()
            works.finish()
        finally:
            intake.kill()
    return works.service.tally


class _Works:
    """All that works on one store beside intake, a turn of each after the other."""

    def __init__(  # noqa: PLR0913, PLR0917  what it is wired to
        self, request: ServeRequest, attendant: Attendant, intake: KeptIntake, detector: LiveDetector, figuring: Figuring,
        store: Store,
    ) -> None:  # fmt: skip
        self._request, self._attendant, self._intake, self._store = request, attendant, intake, store
        self._detector, self._figuring = detector, figuring
        figuring.figures.ports = intake.ports
        tell = attendant.on_notice
        ringer = Ringer(request.ringing, request.now)
        self._plants = LivePlants(request.watched)
        figuring.plants = self._plants.figures
        detectors: list[Detector] = [detector, self._plants]
        self.service = Service(store, detectors, IncidentDesk(), figuring, ringer, _absences(request, store))
        self._patience = Patience(request.now, tell)
        self._keeping = Keeping(store, request.keep, request.now, tell)
        self._sealer = Sealer(store, request.reading, request.now, tell)
        self._collectors = KeptCollectors(_collected(request), request.now, tell)
        self._collectors.begin()
        self._bell = KeptBell(request.store, request.ringing, request.now, tell)
        self._bell.begin()
        self._forgetting = Forgetting(
            store, request.now, tell, intake.rotate, self._figuring.forget, self._take_up_again,
            lambda: self._sealer.merges,
        )  # fmt: skip

    def run(self, wishes: Wishes) -> None:
        """Until it is to stop."""
        self.service.judged_by(self._request.rules.note)
        reloading = Reloading(
            self._request, wishes, self._detector, self._intake, self._take_up, self._attendant
        )
        while not wishes.stops():
            if reloading.turn():
                self._figuring.figures.reload = reloading.account
                self._bell.settings(reloading.account.refused)
                collect()
            self._turn()

    def finish(self) -> None:
        """Judges what intake acknowledged before it ended; what the disk refuses now is judged at the next start."""
        try:
            while self.service.turn():
                self._figuring.tick(self.service.tally, self._intake.counters)
            self._intake.note_end()
        except TryAgain as error:
            self._store.streams.forget()  # the log says them again
            self._attendant.on_notice(
                f"{error.what} What was acknowledged stands in the log, and what of it is not stored is judged at the "
                "next start. Make room before, or see who holds the file."
            )
        self._figuring.tick(self.service.tally, self._intake.counters, stopped=True)

    def stop(self) -> None:
        """Lets what was begun beside judging be, for the next start."""
        self._bell.works(listens=False)
        self._collectors.stop()
        self._sealer.stop()
        self._forgetting.stop()
        self._bell.stop()

    def _turn(self) -> None:
        self._collectors.attend()
        self._figuring.figures.collected = self._collectors.standing
        self._figuring.tick(self.service.tally, self._intake.counters)
        self._keeping.turn()  # its first turn sweeps what no catalogue lists, so nothing may be sealed before
        self._sealer.turn(merge=not self._forgetting.waits)
        busy = self._patience.does(self.service.turn) | (not self.service.waits and self._forgetting.turn())
        pause = 0.1 if self._forgetting.waits else 1.0
        self._intake.attend(0.0 if busy else pause)  # however busy: it may be gone
        self._bell.attend()
        self._bell.works(
            listens=self._intake.lives(), judged=None if self._patience.refused else self._request.now()
        )

    def _take_up(self, new: ServeRequest) -> None:
        self._request = new
        self._plants.take_up(new.watched)
        self.service.ring_for(new.ringing)
        self.service.await_(lambda: _absences(new, self._store))
        self._bell.ring_for(
            new.ringing
        )  # behind the commits: no message comes for a channel that it gave away
        self._keeping.keep(new.keep)
        self._collectors.take_up(_collected(new))
        self._figuring.figures.ports = self._intake.ports

    def _take_up_again(self) -> None:
        self.service.take_up_again(_absences(self._request, self._store))


def _collected(request: ServeRequest) -> CollectSettings:
    return request.collected or CollectSettings(request.store)


def _absences(request: ServeRequest, store: Store) -> Absences | None:
    if request.awaited is None:
        return None
    return Absences(request.awaited, Known(store.state.watched(), store.state.incidents_of))
