"""The technician's day on Windows: administrators' tools used by an administrator, in working hours."""

# ruff: noqa: PLR0913, PLR0917  a writer's parameters are the parts of its record

from __future__ import annotations

from random import Random

from tocsin.records.instants import MINUTE, SECOND
from tocsin.rehearse.townhall.day import Scene
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.formats import logons
from tocsin.rehearse.townhall.formats import windows as win
from tocsin.rehearse.townhall.formats.logons import Origin
from tocsin.rehearse.townhall.hosts import Host
from tocsin.rehearse.townhall.people import SYSTEM, Account
from tocsin.rehearse.townhall.windows import EXPLORER, SERVICES_EXE, SYSTEM32

POWERSHELL_EXE = f"{SYSTEM32}\\WindowsPowerShell\\v1.0\\powershell.exe"

_SCRIPTS = (
    "Get-ADUser -Filter * -Properties LastLogonDate | Where-Object { $_.LastLogonDate -lt (Get-Date).AddDays(-90) }",
    "Get-ADGroupMember 'Finance' | Select-Object Name",
    "Get-WinEvent -LogName System -MaxEvents 50 | Format-Table TimeCreated, Id, Message",
    "Get-Service | Where-Object Status -eq 'Stopped'",
    "Test-NetConnection FS01 -Port 445",
    "Get-PSDrive -PSProvider FileSystem",
    "Get-EventLog -LogName Application -Newest 20",
)  # fmt: skip
_TOOLS = (
    ("mmc.exe", f'"{SYSTEM32}\\mmc.exe" "{SYSTEM32}\\dsa.msc"'),
    ("mmc.exe", f'"{SYSTEM32}\\mmc.exe" "{SYSTEM32}\\gpmc.msc"'),
    ("ipconfig.exe", "ipconfig /all"),
    ("nslookup.exe", "nslookup fs01"),
    ("net.exe", "net use"),
    ("gpresult.exe", "gpresult /r"),
    ("wevtutil.exe", "wevtutil epl System C:\\Support\\system.evtx"),
    ("mstsc.exe", "mstsc.exe /v:FS01"),
)  # fmt: skip


def ordinary(rng: Random, scene: Scene) -> list[Entry]:
    """The day's records, in no order."""
    desk, network = scene.technician, scene.network
    own = network.pcs[desk.person.account.name]
    entries: list[Entry] = []
    for time in desk.moments(rng, 14):
        tool, command = rng.choice(_TOOLS)
        entries += win.process(rng, own, time, scene.town.admin, f"{SYSTEM32}\\{tool}", command, EXPLORER)
    for time in desk.moments(rng, 8):
        entries += _script(rng, own, time, scene.town.admin)
    for time in desk.moments(rng, 2):
        entries += remote_desktop(
            rng, scene, time, scene.town.admin, own.address, own.name, rng.choice(network.servers)
        )
    helped = [p for p in scene.working if p.place == "office" and p is not desk]
    for time, presence in zip(desk.moments(rng, 2), rng.sample(helped, 2), strict=True):
        entries += _remote_help(rng, scene, time, own, network.pcs[presence.person.account.name])
    return entries + _new_colleague(rng, scene, own)


def _script(rng: Random, host: Host, time: int, account: Account) -> list[Entry]:
    text = rng.choice(_SCRIPTS)
    return [
        *win.process(rng, host, time, account, POWERSHELL_EXE, f'"{POWERSHELL_EXE}"', EXPLORER),
        win.script_block(rng, host, time + 4 * SECOND, text),
    ]


def remote_desktop(
    rng: Random, scene: Scene, time: int, account: Account, address: str, workstation: str, target: Host
) -> list[Entry]:
    """`account` opens a remote desktop on `target` from `address`: the ticket, the logon, the session."""
    controller = scene.network.controller
    origin = Origin(workstation, address, rng.randrange(49152, 65535))
    session = {"User": f"{account.domain}\\{account.name}", "SessionID": "2", "Address": address}
    return [
        logons.ticket(controller, time, account, origin),
        logons.ticket(controller, time, account, origin, f"TERMSRV/{target.name}"),
        logons.logon(target, time + SECOND, account, 3, origin, package="NTLM"),
        logons.logon(target, time + 2 * SECOND, account, 10, origin),
        *([logons.privileges(target, time + 2 * SECOND, account)] if account == scene.town.admin else []),
        win.event(target, time + 3 * SECOND, win.TERMINAL, 21, session),
        win.event(target, time + 4 * SECOND, win.TERMINAL, 22, session),
    ]


def _remote_help(rng: Random, scene: Scene, time: int, own: Host, target: Host) -> list[Entry]:
    """A remote command on a colleague's PC with the well-known Sysinternals tool."""
    admin = scene.town.admin
    origin = Origin(own.name, own.address, rng.randrange(49152, 65535))
    tool = "C:\\Tools\\PsExec64.exe"
    commands = (
        "gpupdate /force",
        "ipconfig /flushdns",
        "sc query spooler",
        "cmd /c net stop spooler && net start spooler",
    )
    command = rng.choice(commands)
    return [
        *win.process(rng, own, time, admin, tool, f"{tool} \\\\{target.name} -s {command}", POWERSHELL_EXE),
        logons.ticket(scene.network.controller, time + SECOND, admin, origin, f"cifs/{target.name}"),
        logons.logon(target, time + SECOND, admin, 3, origin),
        logons.privileges(target, time + SECOND, admin),
        win.service_installed(target, time + 2 * SECOND, "PSEXESVC", "%SystemRoot%\\PSEXESVC.exe"),
        *win.process(rng, target, time + 3 * SECOND, SYSTEM, "C:\\Windows\\PSEXESVC.exe", "C:\\Windows\\PSEXESVC.exe", SERVICES_EXE),
        *win.process(rng, target, time + 4 * SECOND, SYSTEM, f"{SYSTEM32}\\cmd.exe", f"cmd.exe /c {command}", "C:\\Windows\\PSEXESVC.exe"),
    ]  # fmt: skip


def _new_colleague(rng: Random, scene: Scene, own: Host) -> list[Entry]:
    """On some days somebody new starts: an account, a group, a first password."""
    if rng.random() < 0.5:
        return []
    (time,) = scene.technician.moments(rng, 1)
    controller, admin, town = scene.network.controller, scene.town.admin, scene.town
    new = Account(
        f"trainee.{rng.randrange(10, 99)}", town.netbios, f"{town.domain_sid}-{rng.randrange(2000, 2999)}"
    )
    return [
        *account_created(controller, time, admin, new),
        group_joined(controller, time + 20 * SECOND, admin, new, "Library", f"{town.domain_sid}-1301"),
        *remote_desktop(rng, scene, time + 10 * MINUTE, admin, own.address, own.name, controller),
    ]


def account_created(controller: Host, time: int, by: Account, new: Account) -> list[Entry]:
    """4720 and the password set that follows, 4724."""
    target = {"TargetUserName": new.name, "TargetDomainName": new.domain, "TargetSid": new.sid}
    subject = win.who("Subject", controller, by)
    return [
        win.event(controller, time, win.SECURITY, 4720, {**target, **subject, "PrivilegeList": "-", "SamAccountName": new.name, "DisplayName": new.name, "UserPrincipalName": f"{new.name}@{controller.fqdn.partition('.')[2]}"}),
        win.event(controller, time + SECOND, win.SECURITY, 4724, {**target, **subject}),
    ]  # fmt: skip


def group_joined(controller: Host, time: int, by: Account, member: Account, group: str, sid: str) -> Entry:
    """4728: `member` joins the global group `group`."""
    realm = ",".join(f"DC={part}" for part in controller.fqdn.split(".")[1:])
    return win.event(controller, time, win.SECURITY, 4728, {
        "MemberName": f"CN={member.name},CN=Users,{realm}", "MemberSid": member.sid, "TargetUserName": group,
        "TargetDomainName": member.domain, "TargetSid": sid, **win.who("Subject", controller, by), "PrivilegeList": "-",
    })  # fmt: skip
