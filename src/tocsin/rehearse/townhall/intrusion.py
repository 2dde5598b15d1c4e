"""The day's one intrusion: how it comes in, how it moves, what it is after. Five ways in times four goals.

Every intrusion leaves its mark in at least four of the five log families. It is telemetry only, see `stages`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from tocsin.records.instants import HOUR, MINUTE
from tocsin.rehearse.townhall.day import Scene
from tocsin.rehearse.townhall.entry import Entry, staged
from tocsin.rehearse.townhall.stages import cloud, computers, perimeter
from tocsin.rehearse.townhall.stages.cast import Cast, choose_cast

FAMILIES_CROSSED = 4

Act = Callable[[Random, Scene, Cast, int], list[Entry]]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of an intrusion.

    Attributes:
        name: What it is called in labels.
        technique: The ATT&CK technique it shows most.
        act: Makes its records from a time on.
        minutes: How long it may take, at most; the next stage starts after that.
    """

    name: str
    technique: str
    act: Act
    minutes: int


@dataclass(frozen=True, slots=True)
class Intrusion:
    """What was played.

    Attributes:
        entry, goal: The variant.
        stages: In order of time.
        entries: Its records, each marked with its stage.
    """

    entry: str
    goal: str
    cast: Cast
    stages: tuple[Stage, ...]
    entries: tuple[Entry, ...]


_SPRAY = Stage("password spray", "T1110.003", cloud.password_spray, 15)
_SIGN_IN = Stage("cloud sign-in", "T1078.004", cloud.cloud_sign_in, 8)
_RULE = Stage("hiding inbox rule", "T1564.008", cloud.hiding_rule, 3)
_CONSENT = Stage("application consent", "T1528", cloud.consent, 3)
_LURE = Stage("lured consent", "T1566.002", cloud.lured_consent, 3)
_PHONE = Stage("second factor added", "T1098.005", cloud.second_factor, 3)
_READING = Stage("mail collection", "T1114.002", cloud.mail_reading, 8)
_FORWARD = Stage("mail forwarding", "T1114.003", cloud.forwarding, 3)
_PAYMENT = Stage("payment fraud mail", "T1534", cloud.payment_mail, 8)
_DOWNLOAD = Stage("mass download", "T1530", cloud.mass_download, 15)
_ROLE = Stage("cloud administrator", "T1098.003", cloud.cloud_role, 3)
_VPN_GUESS = Stage("VPN password guessing", "T1110.001", perimeter.vpn_guessing, 25)
_VPN = Stage("VPN log-in", "T1133", perimeter.vpn_login, 3)
_FIREWALL = Stage("firewall administrator", "T1136.001", perimeter.firewall_admin, 5)
_PROBE = Stage("web probing", "T1595.002", perimeter.web_probing, 6)
_SHELL = Stage("web shell", "T1505.003", perimeter.web_shell, 14)
_ROOT = Stage("root on the web server", "T1548.003", perimeter.web_root, 5)
_SSH_GUESS = Stage("ssh password guessing", "T1110.001", perimeter.ssh_guessing, 25)
_ACCOUNT = Stage("account on the web server", "T1136.001", perimeter.web_account, 5)
_NAS = Stage("backups deleted", "T1490", perimeter.nas_emptied, 6)
_FIRST = Stage("first computer", "T1021.001", computers.first_computer, 4)
_LOOK = Stage("discovery", "T1087.002", computers.look_around, 6)
_SCRIPT = Stage("hidden script", "T1059.001", computers.hidden_script, 2)
_DEFENDER = Stage("virus scanner off", "T1562.001", computers.defender_off, 2)
_LSASS = Stage("credential theft", "T1003.001", computers.memory_of_lsass, 3)
_SERVER = Stage("file server", "T1021.001", computers.file_server, 4)
_NTDS = Stage("password database", "T1003.003", computers.password_database, 4)
_SHADOWS = Stage("shadow copies deleted", "T1490", computers.shadow_copies, 4)
_PACK = Stage("data packed and sent", "T1567.002", computers.packing, 12)
_DOMAIN = Stage("domain administrator", "T1136.002", computers.domain_admin, 4)
_CLEAR = Stage("logs cleared", "T1070.001", computers.logs_cleared, 6)

_ENTRIES: dict[str, tuple[Stage, ...]] = {
    "password spray": (_SPRAY, _SIGN_IN, _RULE, _CONSENT, _VPN),
    "VPN guessing": (_VPN_GUESS, _VPN),
    "lured consent": (_LURE, _READING, _RULE, _PHONE, _VPN),
    "web shell": (_PROBE, _SHELL, _ROOT),
    "ssh guessing": (_SSH_GUESS, _ACCOUNT),
}
_GOALS: dict[str, tuple[Stage, ...]] = {
    "extortion": (_NTDS, _SHADOWS, _NAS, _CLEAR),
    "theft": (_PACK, _DOWNLOAD, _CLEAR),
    "fraud": (_READING, _FORWARD, _PAYMENT),
    "takeover": (_DOMAIN, _FIREWALL, _ROLE),
}
_INSIDE = (_FIRST, _LOOK, _SCRIPT, _DEFENDER, _LSASS, _SERVER)
_THROUGH_WEB = frozenset({"web shell", "ssh guessing"})

_FILLERS: tuple[tuple[str, tuple[Stage, ...]], ...] = (
    ("microsoft365", (_SIGN_IN, _RULE)), ("linux", (_NAS,)), ("firewall", (_FIREWALL,)), ("web", (_SHELL,)),
)  # fmt: skip


def plan(rng: Random, scene: Scene) -> Intrusion:
    """The intrusion of the day: variant, cast, hours and records."""
    entry, goal = rng.choice(list(_ENTRIES)), rng.choice(list(_GOALS))
    cast = choose_cast(rng, scene, through_web=entry in _THROUGH_WEB)
    inside = [stage for stage in _INSIDE if stage not in {_SCRIPT, _DEFENDER} or rng.random() < 0.6]
    stages = list(dict.fromkeys((*_ENTRIES[entry], *inside, *_GOALS[goal])))
    _widen(rng, scene, cast, stages)
    return Intrusion(entry, goal, cast, tuple(stages), tuple(_play(rng, scene, cast, stages)))


def _families(entries: Iterable[Entry]) -> set[str]:
    return {entry.file.partition("/")[0] for entry in entries}


def _widen(rng: Random, scene: Scene, cast: Cast, stages: list[Stage]) -> None:
    """Adds stages before the last one until enough log families are touched."""
    fillers = list(_FILLERS)
    rng.shuffle(fillers)
    for family, more in fillers:
        seen = _families(_play(Random(0), scene, cast, stages))  # noqa: S311  only asks which files are touched
        if len(seen) >= FAMILIES_CROSSED:
            return
        if family not in seen:
            stages[-1:-1] = [stage for stage in more if stage not in stages]


def _play(rng: Random, scene: Scene, cast: Cast, stages: list[Stage]) -> list[Entry]:
    """The stages one after the other with pauses, all within the day."""
    pauses = [rng.randrange(4 * MINUTE, 18 * MINUTE) for _ in stages]
    length = sum(stage.minutes * MINUTE for stage in stages) + sum(pauses)
    day = scene.day
    time = rng.randrange(day.start + 20 * MINUTE, day.end - length - HOUR)
    entries: list[Entry] = []
    for stage, pause in zip(stages, pauses, strict=True):
        entries += staged(stage.name, stage.act(rng, scene, cast, time))
        time += stage.minutes * MINUTE + pause
    return entries
