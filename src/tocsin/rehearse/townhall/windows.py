"""An ordinary day on the Windows computers, as their own event logs tell it."""

from __future__ import annotations

from random import Random

from tocsin.records.instants import MINUTE, SECOND
from tocsin.rehearse.townhall.day import Presence, Scene
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.formats import logons
from tocsin.rehearse.townhall.formats import windows as win
from tocsin.rehearse.townhall.formats.logons import Origin
from tocsin.rehearse.townhall.hosts import Host
from tocsin.rehearse.townhall.people import SYSTEM, Account

SYSTEM32 = "C:\\Windows\\System32"
EXPLORER = "C:\\Windows\\explorer.exe"
SERVICES_EXE = f"{SYSTEM32}\\services.exe"
SVCHOST = f"{SYSTEM32}\\svchost.exe"

_OFFICE = "C:\\Program Files\\Microsoft Office\\root\\Office16"
_PROGRAMS = (  # image, arguments, parent
    (f"{_OFFICE}\\WINWORD.EXE", ' /n "%s.docx"', EXPLORER),
    (f"{_OFFICE}\\EXCEL.EXE", ' "%s.xlsx"', EXPLORER),
    (f"{_OFFICE}\\OUTLOOK.EXE", "", EXPLORER),
    ("C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe", " --profile-directory=Default", EXPLORER),
    ("C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe", " --type=renderer --lang=en", "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe"),
    ("C:\\Program Files\\Reader\\reader.exe", ' "%s.pdf"', EXPLORER),
    (f"{SYSTEM32}\\notepad.exe", " %s.txt", EXPLORER),
    (f"{SYSTEM32}\\calc.exe", "", EXPLORER),
    ("C:\\Program Files\\Registry Desk\\desk.exe", " --office main", EXPLORER),
    (f"{_OFFICE}\\OUTLOOK.EXE", " -Embedding", SVCHOST),
)  # fmt: skip
_SYSTEM_PROGRAMS = (
    (f"{SYSTEM32}\\backgroundTaskHost.exe", " -ServerName:App.AppXmtcan0h2tfbfy7k9kn8hbxb6dmzz1zh0.mca", SVCHOST),
    (f"{SYSTEM32}\\taskhostw.exe", "", SVCHOST),
    (f"{SYSTEM32}\\conhost.exe", " 0xffffffff -ForceV1", f"{SYSTEM32}\\cmd.exe"),
    (f"{SYSTEM32}\\gpupdate.exe", " /target:computer", SVCHOST),
    (f"{SYSTEM32}\\wbem\\WmiPrvSE.exe", " -secured -Embedding", SVCHOST),
    (f"{SYSTEM32}\\SearchProtocolHost.exe", " Global\\UsGthrFltPipeMssGthrPipe1", f"{SYSTEM32}\\SearchIndexer.exe"),
    (f"{SYSTEM32}\\usoclient.exe", " StartScan", SVCHOST),
)  # fmt: skip
_SERVICES = (
    "Windows Update",
    "Background Intelligent Transfer Service",
    "Print Spooler",
    "Windows Modules Installer",
    "Software Protection",
)


def ordinary(rng: Random, scene: Scene) -> list[Entry]:
    """The day's records, in no order within each file."""
    entries: list[Entry] = []
    for presence in scene.working:
        host = scene.network.pcs[presence.person.account.name]
        entries += _pc(rng, scene, presence, host)
        entries += _domain_use(rng, scene, presence, host)
    for host in scene.network.servers:
        entries += _server(rng, scene, host)
    return entries + _copier(rng, scene) + _night_jobs(rng, scene)


def _pc(rng: Random, scene: Scene, presence: Presence, host: Host) -> list[Entry]:
    """One PC from switching on to going home."""
    account, day = presence.person.account, scene.day
    boot = presence.arrive - rng.randrange(40, 120) * SECOND
    entries = [
        win.event(
            host, boot, win.KERNEL, 12, {"MajorVersion": "10", "MinorVersion": "0", "BuildVersion": "22631"}
        )
    ]
    for place in range(12):
        entries += [
            logons.logon(host, boot + place * SECOND, SYSTEM, 5),
            logons.privileges(host, boot + place * SECOND, SYSTEM),
        ]
    origin = (
        Origin()
        if presence.place == "office"
        else Origin(host.name, scene.network.inner(account.name), rng.randrange(49152, 65535))
    )
    kind = 2 if presence.place == "office" else 10
    for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2))):
        entries.append(
            logons.failed_logon(host, presence.arrive - rng.randrange(2, 25) * SECOND, account, kind, origin)
        )
    entries.append(logons.logon(host, presence.arrive, account, kind, origin))
    entries += [logons.logon(host, end, account, 7) for _, end in presence.breaks if end < presence.leave]
    entries += _programs(rng, presence, host)
    entries += [_service_changed(rng, host, time) for time in presence.moments(rng, 10)]
    entries += _machine_life(rng, scene, presence, host)
    entries.append(logons.logoff(host, presence.leave, account, kind))
    return [entry for entry in entries if day.start <= entry.time < day.end]


def _service_changed(rng: Random, host: Host, time: int) -> Entry:
    state = {"param1": rng.choice(_SERVICES), "param2": rng.choice(("running", "stopped"))}
    return win.event(host, time, win.SERVICES, 7036, state)


def _programs(rng: Random, presence: Presence, host: Host) -> list[Entry]:
    account = presence.person.account
    entries: list[Entry] = []
    for time in presence.moments(rng, 46 * presence.person.pace):
        image, arguments, parent = rng.choice(_PROGRAMS)
        name = f"C:\\Users\\{account.name}\\Documents\\{rng.choice(('letter', 'list', 'minutes', 'plan'))}-{rng.randrange(1, 90)}"
        entries += win.process(
            rng, host, time, account, image, f'"{image}"' + arguments.replace("%s", name), parent
        )
    for time in presence.moments(rng, 22):
        image, arguments, parent = rng.choice(_SYSTEM_PROGRAMS)
        entries += win.process(rng, host, time, SYSTEM, image, image + arguments, parent)
    return entries


def _machine_life(rng: Random, scene: Scene, presence: Presence, host: Host) -> list[Entry]:
    """Updates, signatures, the services that updates install, and a task that brings new software."""
    entries = [
        win.event(host, time, win.DEFENDER, 2000, {
            "Product Name": "Microsoft Defender Antivirus", "Product Version": "4.18.24090.11",
            "Current security intelligence Version": "1.421.1045.0", "Update Source": "Microsoft Update Server",
        })
        for time in presence.moments(rng, 2)
    ]  # fmt: skip
    for time in presence.moments(rng, 1):
        update = f"Security Intelligence Update for Microsoft Defender Antivirus - KB2267602 (Version 1.421.{rng.randrange(900, 1300)}.0)"
        entries += [
            win.event(
                host,
                time + place * 30 * SECOND,
                win.UPDATES,
                code,
                {
                    "updateTitle": update,
                    "updateGuid": "{5a3c8a2e-0000-4000-8000-000000000000}",
                    "updateRevisionNumber": "200",
                },
            )
            for place, code in enumerate((44, 43, 19))
        ]
    if rng.random() < 0.4:
        (time,) = presence.moments(rng, 1)
        driver = f"C:\\ProgramData\\Microsoft\\Windows Defender\\Definition Updates\\{{{rng.getrandbits(32):08X}}}\\MpKslDrv.sys"
        entries.append(win.service_installed(host, time, f"MpKsl{rng.getrandbits(32):08x}", driver, ""))
    if rng.random() < 0.3:
        (time,) = presence.moments(rng, 1)
        version = f"C:\\Program Files (x86)\\Microsoft\\EdgeUpdate\\1.3.{rng.randrange(190, 200)}.29\\MicrosoftEdgeUpdate.exe"
        entries.append(
            win.service_installed(
                host, time, "Microsoft Edge Update Service (edgeupdate)", f'"{version}" /svc'
            )
        )
    if rng.random() < 0.35:
        entries += _deployment(rng, scene, presence, host)
    return entries


def _deployment(rng: Random, scene: Scene, presence: Presence, host: Host) -> list[Entry]:
    """The technician's software roll-out: a scheduled task by group policy, then an installer from the server."""
    (time,) = presence.moments(rng, 1)
    share = f"\\\\{scene.network.files.name}\\deploy$"
    task = f'schtasks.exe /Create /TN "\\Town\\Deploy Reader" /SC ONCE /ST 12:30 /RU SYSTEM /TR "msiexec.exe /i {share}\\reader.msi /qn" /F'
    installer = f"{SYSTEM32}\\msiexec.exe"
    return [
        *win.process(rng, host, time, SYSTEM, f"{SYSTEM32}\\schtasks.exe", task, f"{SYSTEM32}\\gpscript.exe"),
        win.event(
            host,
            time + SECOND,
            win.TASKS,
            106,
            {"TaskName": "\\Town\\Deploy Reader", "UserContext": "NT AUTHORITY\\SYSTEM"},
        ),
        *win.process(
            rng, host, time + MINUTE, SYSTEM, installer, f"msiexec.exe /i {share}\\reader.msi /qn", SVCHOST
        ),
        win.event(
            host,
            time + 2 * MINUTE,
            win.INSTALLER,
            11707,
            {"param1": "Product: Reader -- Installation completed successfully.", "param2": "(NULL)"},
        ),
    ]


def _domain_use(rng: Random, scene: Scene, presence: Presence, host: Host) -> list[Entry]:
    """What the servers see of one person at a PC: tickets, shares, group policy."""
    controller, files = scene.network.controller, scene.network.files
    account, machine = presence.person.account, scene.town.machine(host.name)
    address = host.address
    entries: list[Entry] = []

    def origin() -> Origin:
        return Origin(host.name, address, rng.randrange(49152, 65535))

    if rng.random() < 0.25:
        entries.append(
            logons.ticket(controller, presence.arrive - 8 * SECOND, account, origin(), failed=True)
        )
    entries.append(logons.ticket(controller, presence.arrive - SECOND, account, origin()))
    entries += [
        logons.ticket(controller, presence.arrive, account, origin(), service)
        for service in (f"{host.name}$", f"{controller.name}$", f"{files.name}$")
    ]
    for time in presence.moments(rng, 12 * presence.person.pace):
        service = rng.choice((f"{files.name}$", f"{files.name}$", f"{controller.name}$"))
        entries.append(logons.ticket(controller, time, account, origin(), service))
    for time in presence.moments(rng, 7 * presence.person.pace):
        entries += [
            logons.logon(files, time, account, 3, origin()),
            logons.logoff(files, time + rng.randrange(20, 900) * SECOND, account, 3),
        ]
    for time in presence.moments(rng, 9):
        entries += [
            logons.logon(controller, time, machine, 3, origin()),
            logons.logoff(controller, time + 3 * SECOND, machine, 3),
        ]
    return entries


def _server(rng: Random, scene: Scene, host: Host) -> list[Entry]:
    """A server's own life, day and night."""
    day, machine = scene.day, scene.town.machine(host.name)
    entries: list[Entry] = []
    for time in day.every(rng, 20):
        entries += [
            logons.logon(host, time, machine, 3, Origin("-", host.address, 0)),
            logons.privileges(host, time, machine),
        ]
    for time in day.moments(rng, 90):
        image, arguments, parent = rng.choice(_SYSTEM_PROGRAMS)
        entries += win.process(rng, host, time, SYSTEM, image, image + arguments, parent)
    entries += [_service_changed(rng, host, time) for time in day.moments(rng, 40)]
    agent = "C:\\Program Files\\Health Agent\\agent.exe"
    entries += [
        entry for time in day.every(rng, 30)
        for entry in win.process(rng, host, time, SYSTEM, f"{SYSTEM32}\\WindowsPowerShell\\v1.0\\powershell.exe", 'powershell.exe -NoProfile -File "C:\\Program Files\\Health Agent\\disk.ps1"', agent)
    ]  # fmt: skip
    entries += [
        win.sysmon(host, time, 3, {
            "ProcessGuid": win.process_guid(host, time), "ProcessId": "1312", "Image": agent,
            "User": "NT AUTHORITY\\SYSTEM", "Protocol": "tcp", "Initiated": "true", "SourceIsIpv6": "false",
            "SourceIp": host.address, "SourceHostname": host.fqdn, "SourcePort": str(rng.randrange(49152, 65535)),
            "SourcePortName": "-", "DestinationIsIpv6": "false", "DestinationIp": scene.network.internet.cloud[2],
            "DestinationHostname": "-", "DestinationPort": "443", "DestinationPortName": "https",
        })
        for time in day.every(rng, 30)
    ]  # fmt: skip
    return entries


def _copier(rng: Random, scene: Scene) -> list[Entry]:
    """The copier still has last year's password and tries to store scans all day."""
    files, controller, copier = scene.network.files, scene.network.controller, scene.network.copier
    account = Account(scene.town.scanner.name, scene.town.netbios, "S-1-0-0")
    entries: list[Entry] = []
    for time in scene.day.every(rng, 6.5, 7, 19):
        origin = Origin(copier.name, copier.address, rng.randrange(30000, 60000))
        entries += [
            logons.validated(controller, time, account, copier.name, failed=True),
            logons.failed_logon(files, time, account, 3, origin),
        ]
    return entries


def _night_jobs(rng: Random, scene: Scene) -> list[Entry]:
    """The backup of the file server: a snapshot, a copy, and the service account's tickets."""
    files, controller, account = scene.network.files, scene.network.controller, scene.town.backup
    start = scene.day.at(1) + rng.randrange(10 * MINUTE)
    agent = "C:\\Program Files\\Town Backup\\backup.exe"
    origin = Origin(files.name, files.address, rng.randrange(49152, 65535))
    return [
        logons.ticket(controller, start, account, origin),
        logons.ticket(controller, start, account, origin, f"{files.name}$"),
        logons.logon(files, start, account, 5),
        logons.privileges(files, start, account),
        *win.process(rng, files, start + SECOND, account, agent, f'"{agent}" --job nightly', SERVICES_EXE),
        *win.process(rng, files, start + 5 * SECOND, account, f"{SYSTEM32}\\vssadmin.exe", "vssadmin.exe create shadow /for=D:", agent),
        *win.process(rng, files, start + 20 * SECOND, account, f"{SYSTEM32}\\wbadmin.exe", "wbadmin.exe start backup -backupTarget:E: -include:C: -allCritical -quiet", agent),
        *win.process(rng, files, start + 50 * MINUTE, account, f"{SYSTEM32}\\vssadmin.exe", "vssadmin.exe list shadows", agent),
        win.event(files, start + 6 * SECOND, win.SERVICES, 7036, {"param1": "Volume Shadow Copy", "param2": "running"}),
        win.event(files, start + 9 * MINUTE, win.SERVICES, 7036, {"param1": "Volume Shadow Copy", "param2": "stopped"}),
        logons.logoff(files, start + 66 * MINUTE, account, 5),
    ]  # fmt: skip
