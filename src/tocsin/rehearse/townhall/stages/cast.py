"""Who plays which part in the intrusion."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tocsin.rehearse.townhall.day import Scene
from tocsin.rehearse.townhall.formats.microsoft365 import CHROME_LINUX, Actor
from tocsin.rehearse.townhall.hosts import Host
from tocsin.rehearse.townhall.people import Account, Person

_NEW_NAMES = ("svc-print", "support2", "helpdesk.tmp", "svc-update", "itadmin")
_APPS = ("Mailbox Sync Helper", "PDF Inbox Viewer", "Secure Mail Upgrade", "Calendar Merge")


@dataclass(frozen=True, slots=True)
class Cast:
    """The intrusion's people, machines and addresses.

    Attributes:
        victim: Whose account is taken first.
        pc: The victim's PC.
        outside: The address that the intruder works from.
        spare: Two more addresses of the intruder's.
        inside: The address that the intruder has within the town hall's network: a VPN tunnel's, or the web server's.
        admin: The privileged account that is taken on the way.
        new_name: Name of the account that the intruder makes.
        app: Name of the application that asks for the mailbox.
    """

    victim: Person
    pc: Host
    outside: str
    spare: tuple[str, str]
    inside: str
    admin: Account
    new_name: str
    app: str

    def in_cloud(self, scene: Scene, person: Person | None = None) -> Actor:
        """The intruder, signed in to the cloud as the victim or as `person`."""
        return Actor(scene.town, person or self.victim, self.outside, CHROME_LINUX)


def choose_cast(rng: Random, scene: Scene, *, through_web: bool) -> Cast:
    """A cast for the day: an office worker as victim, the technician's second account as the prize."""
    at_work = [p.person for p in scene.working if p.person.department not in {"IT", "Library"}]
    victim = rng.choice(at_work)
    network = scene.network
    outside, *spare = rng.sample(network.internet.intruders, 3)
    return Cast(
        victim=victim, pc=network.pcs[victim.account.name], outside=outside, spare=(spare[0], spare[1]),
        inside=network.web.address if through_web else network.inner(victim.account.name),
        admin=scene.town.admin, new_name=rng.choice(_NEW_NAMES), app=rng.choice(_APPS),
    )  # fmt: skip
