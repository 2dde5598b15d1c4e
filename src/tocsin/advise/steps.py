"""Three next steps for a person at three in the morning who is no security expert.

Each step names the actual computer, account or address; none deletes, wipes, reinstalls or pays; each can be undone.
A step is offered by one small function of the scene, with how urgent it is; the three most urgent are told, most urgent
first. The last three offers always apply, so there are always three.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tocsin.advise.absent import absent_steps
from tocsin.advise.phrases import computer, listed, name, person, program, quoted, when
from tocsin.advise.scene import Scene
from tocsin.advise.wording import ABSENT
from tocsin.records import accounts
from tocsin.records.incident import Incident

STEPS: Final = 3

NAMED: Final = 8
"""Names that a step spells out: nobody can act on "and 2 more"."""


class Step(NamedTuple):
    """One thing to do, and how urgent it is (0 to 100)."""

    urgency: int
    text: str


def steps(incident: Incident) -> tuple[str, ...]:
    """Three distinct next steps for `incident`, most urgent first."""
    scene = Scene(incident)
    if scene.claims and all(claim.type in ABSENT for claim in scene.claims):
        return absent_steps(scene)
    offered = [step for offer in _OFFERS if (step := offer(scene)) is not None]
    offered.sort(key=lambda step: -step.urgency)
    return tuple(dict.fromkeys(step.text for step in offered))[:STEPS]


def _all(names: Sequence[str]) -> str:
    return listed(names, NAMED)


def _isolate(scene: Scene) -> Step | None:
    if not scene.computers:
        return None
    grave = scene.tactic(
        "impact", "lateral-movement", "command-and-control", "credential-access", "exfiltration"
    )
    computers = _all([computer(host) for host in scene.computers])
    it = "it" if len(scene.computers) == 1 else "them"
    return Step(
        95 if grave else 60,
        f"Disconnect {computers} from the network (pull the network cable or switch off Wi-Fi) and leave {it} "
        f"switched on: switching off would lose traces. Plugging back in undoes this.",
    )


def _out_of_step(scene: Scene) -> Step | None:
    claim = next(scene.of("plant_out_of_step"), None)
    if claim is None:
        return None
    plant = name(claim.values["plant"])
    tag = f" for {name(claim.values['tag'])}" if claim.values.get("tag") else ""
    return Step(
        99,
        f"Ask the operator on shift to read the gauge{tag} at {plant} itself, and to run it by hand if it differs from the "
        "screen. Stop nothing from here.",
    )


def _plant_causes(scene: Scene) -> Step | None:
    claim = next(scene.of("plant_out_of_step", "plant_notice"), None)
    if claim is None:
        return None
    if claim.values.get("notice") == "failed":
        plant = name(claim.values["plant"])
        return Step(
            55,
            f"Report this error, and look after {plant} by other means until it is mended: what it shows may go unnoticed.",
        )
    about = f"{name(claim.values['tag'])} of " if claim.values.get("tag") else ""
    return Step(
        55,
        f"Ask whether anybody worked on {about}{name(claim.values['plant'])} lately: maintenance, a new sensor, other settings. "
        "If nobody did, treat the readings as wrong until they are explained.",
    )


def _plant_access(scene: Scene) -> Step | None:
    claim = next(scene.of("plant_out_of_step"), None)
    if claim is None:
        return None
    return Step(
        54,
        f"Look who was logged on to the computers that control {name(claim.values['plant'])} around {when(scene.incident.first)}, "
        "remote maintenance too, and ask each of them what they did.",
    )


def _plant(scene: Scene) -> Step | None:
    command = next(scene.of("control_command"), None)
    if command is None and not scene.tactic("impair-process-control", "inhibit-response-function"):
        return None
    target = command.values.get("destination") if command else None
    where = name(target) if target else "the plant"
    return Step(
        98,
        f"Ask the operator on shift to read the gauges at {where} itself, and to run it by hand if they differ from the "
        "screen. Stop nothing from here.",
    )


def _backups(scene: Scene) -> Step | None:
    if not (scene.tactic("impact") or scene.technique("T1490", "T1486", "T1485", "T1561")):
        return None
    hosts = f" of {_all([computer(h) for h in scene.incident.hosts])}" if scene.incident.hosts else ""
    return Step(
        92,
        "Unplug the backup disk or backup device from the network, then check from another computer that last night's "
        f"backup{hosts} can be opened. Restore nothing yet.",
    )


def _cloud_sessions(scene: Scene) -> Step | None:
    if not scene.cloud_people:
        return None
    people = _all([name(user) for user in scene.cloud_people])
    each = "it" if len(scene.cloud_people) == 1 else "each of them"
    return Step(
        90,
        f"In the Microsoft 365 admin centre (Users, Active users) open {people}: reset the password and choose "
        f"“Sign out of all sessions” for {each}. Tell the owner by telephone, not by e-mail.",
    )


def _mail_rules(scene: Scene) -> Step | None:
    rule = next(scene.operations(lambda text: "inboxrule" in text or text == "set-mailbox"), None)
    if rule is None:
        return None
    owner = name(rule.values["user"]) if rule.values.get("user") else "the account"
    return Step(
        88,
        f"With the owner of {owner} look at the mail rules and forwarding (Outlook on the web: Settings, Mail, Rules) and "
        "switch off what the owner did not make. Take a picture of each rule first.",
    )


def _consent(scene: Scene) -> Step | None:
    grant = next(scene.operations(lambda text: "consent" in text or "oauth2permissiongrant" in text), None)
    if grant is None:
        return None
    app = quoted(grant.values["target"], 60) if grant.values.get("target") else "the app"
    return Step(
        87,
        f"In the Microsoft Entra admin centre (Enterprise applications) open {app} and set “Enabled for users to "
        "sign in” to No. Setting it back to Yes undoes this.",
    )


def _second_proof(scene: Scene) -> Step | None:
    change = next(
        scene.operations(
            lambda t: "security info" in t or "strong authentication" in t or "authenticationmethod" in t
        ),
        None,
    )
    if change is None or not change.values.get("user"):
        return None
    return Step(
        86,
        f"Telephone the owner of {name(change.values['user'])} and go through the sign-in methods of that account (Microsoft "
        "365: My Account, Security info) together: which telephone or app is not the owner's?",
    )


def _passwords(scene: Scene) -> Step | None:
    people = [user for user in scene.entered if user not in scene.cloud_people]
    if not people or not scene.tactic(
        "credential-access",
        "initial-access",
        "lateral-movement",
        "privilege-escalation",
        "persistence",
        "impact",
    ):
        return None
    whom = _all([person(user) for user in people])
    return Step(
        80,
        f"Give {whom} a new password, from a computer that is not part of this incident, and tell the owner by telephone, "
        "not by e-mail.",
    )


def _new_account(scene: Scene) -> Step | None:
    made = next((c for c in scene.of("account_changed") if c.values["action"] == "created"), None)
    if made is None:
        return None
    by = f" ({name(made.values['user'])} is named as its maker)" if made.values.get("user") else ""
    return Step(
        84,
        f"Ask who made the account {name(made.values['target'])}{by}. If nobody can say, disable it; do not delete it, it is "
        "evidence.",
    )


def _new_rights(scene: Scene) -> Step | None:
    joined = next((c for c in scene.of("account_changed") if c.values["action"] == "added to a group"), None)
    if joined is None:
        return None
    group = (
        f" in the group {quoted(joined.values['group'], 60)}"
        if joined.values.get("group")
        else " in its new group"
    )
    return Step(
        82,
        f"Ask whether {person(joined.values['target'])} belongs{group}. If nobody can say, take it out of the group again and "
        "note that you did.",
    )


def _installed(scene: Scene) -> Step | None:
    thing = next(scene.of("service_installed", "task_scheduled"), None)
    if thing is None:
        return None
    what = "service" if thing.type == "service_installed" else "scheduled task"
    host = f" on {computer(thing.values['host'])}" if thing.values.get("host") else ""
    return Step(
        76,
        f"Ask your IT provider whether they set up the {what} {quoted(thing.values['name'], 60)}{host}. If not, disable it; "
        "do not delete it.",
    )


def _device(scene: Scene) -> Step | None:
    change = next(scene.of("device_changed"), None)
    if change is None:
        return None
    host = computer(change.values["host"]) if change.values.get("host") else "the firewall"
    return Step(
        85,
        f"Log on to {host} from inside the building, look at its list of administrators and its latest changes, and disable "
        "what nobody of yours made. Save its settings to a file first.",
    )


def _block(scene: Scene) -> Step | None:
    if not scene.strangers:
        return None
    guessing = any(scene.of("logon_failed", "web_request"))
    addresses = _all([name(address) for address in scene.strangers])
    return Step(
        78 if guessing else 62,
        f"Block {addresses} on your firewall for now, in both directions. Lifting the block undoes this.",
    )


def _other_accounts(scene: Scene) -> Step | None:
    if not scene.cloud_strangers:
        return None
    addresses = _all([name(address) for address in scene.cloud_strangers])
    return Step(
        76,
        f"In Microsoft Purview (Audit, Search) look for what came from {addresses}: every account that was signed in to "
        "from there needs a new password too.",
    )


def _website(scene: Scene) -> Step | None:
    request = next(scene.of("web_request"), None)
    if request is None or not (
        scene.technique("T1505.003", "T1190") or scene.tactic("persistence", "execution")
    ):
        return None
    site = name(request.values["host"]) if request.values.get("host") else "the website"
    return Step(
        83,
        f"Ask whoever runs {site} to let only your own office reach it until the address {quoted(request.values['path'], 80)} "
        "is explained.",
    )


def _cleared(scene: Scene) -> Step | None:
    cleared = next(scene.of("log_cleared"), None)
    if cleared is None:
        return None
    host = f" of {computer(cleared.values['host'])}" if cleared.values.get("host") else ""
    return Step(
        70,
        f"Copy the logs{host} that are left to a USB stick now, and ask everyone with a key whether they cleared any.",
    )


def _elsewhere(scene: Scene) -> Step | None:
    others = [host for host in scene.incident.hosts if host not in scene.computers]
    if not others or not scene.tactic("lateral-movement"):
        return None
    return Step(
        64,
        f"Look at {_all([computer(host) for host in others])} too: is anyone logged on there who should not be, and did "
        "anything change today?",
    )


def _ask(scene: Scene) -> Step:
    moment = when(scene.incident.first)
    if scene.people:
        whom = _all([person(user) for user in scene.people[:2]])
        owner = "owner" if len(scene.people) == 1 else "owners"
        return Step(
            50, f"Telephone the {owner} of {whom} (do not e-mail) and ask what they were doing at {moment}."
        )
    address = next(iter(scene.incident.addresses), None)
    if not scene.incident.hosts and address and not accounts.is_internal(address):
        return Step(
            50,
            f"Ask whoever looks after the system that wrote {program(_source(scene))} whether they know "
            f"{name(address)}, and what it was doing there at {moment}.",
        )
    return Step(50, f"Ask whoever looks after {_thing(scene)} what was being done there at {moment}.")


def _help(scene: Scene) -> Step:
    return Step(
        45,
        f"Telephone your IT provider, or your country's computer emergency team, and read them this incident's number, "
        f"{scene.incident.id}, and its story about {_thing(scene)}.",
    )


def _keep(scene: Scene) -> Step:
    return Step(
        40,
        f"Copy {quoted(_source(scene), 80)} to a USB stick and keep it: it is the evidence. Clean up and reinstall nothing before "
        "somebody has looked at it.",
    )


def _thing(scene: Scene) -> str:
    incident = scene.incident
    if incident.hosts:
        return computer(incident.hosts[0])
    if incident.addresses:
        return name(incident.addresses[0])
    return f"the log {quoted(_source(scene), 80)}"


def _source(scene: Scene) -> str:
    return scene.incident.findings[0].evidence[0].source


_OFFERS: Final[tuple[Callable[[Scene], Step | None], ...]] = (
    _out_of_step,
    _plant_causes,
    _plant_access,
    _plant,
    _isolate,
    _backups,
    _cloud_sessions,
    _mail_rules,
    _consent,
    _second_proof,
    _device,
    _new_account,
    _website,
    _new_rights,
    _passwords,
    _block,
    _other_accounts,
    _installed,
    _cleared,
    _elsewhere,
    _ask,
    _help,
    _keep,
)
