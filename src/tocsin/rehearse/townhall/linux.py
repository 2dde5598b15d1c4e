"""An ordinary day on the two Linux machines: the web server and the backup NAS."""

# ruff: noqa: PLR0913, PLR0917  a writer's parameters are the parts of its record

from __future__ import annotations

from random import Random

from tocsin.records.instants import MINUTE, SECOND
from tocsin.rehearse.townhall.day import Scene
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.formats.text import syslog
from tocsin.rehearse.townhall.hosts import Host

_GUESSED = (
    "root",
    "admin",
    "test",
    "ubuntu",
    "oracle",
    "postgres",
    "git",
    "user",
    "pi",
    "ftp",
    "deploy",
    "www",
)


def auth(time: int, host: Host, tag: str, message: str) -> Entry:
    """A line of `host`'s auth.log."""
    return syslog(time, f"linux/{host.name}-auth.log", host, tag, message)


def system(time: int, host: Host, tag: str, message: str) -> Entry:
    """A line of `host`'s syslog."""
    return syslog(time, f"linux/{host.name}-syslog.log", host, tag, message)


def ordinary(rng: Random, scene: Scene) -> list[Entry]:
    """The day's lines, in no order."""
    web, nas = scene.network.web, scene.network.nas
    return (
        _cron(rng, scene, web, 15) + _cron(rng, scene, nas, 30)
        + _knocking(rng, scene) + _updates(rng, scene) + _technician(rng, scene)
        + _web_services(rng, scene) + _backups(rng, scene)
    )  # fmt: skip


def ssh_session(
    rng: Random, time: int, host: Host, user: str, address: str, method: str, seconds: int
) -> list[Entry]:
    """Somebody signs in by ssh and leaves again; `method` is publickey or password."""
    pid, port = rng.randrange(1000, 60_000), rng.randrange(20_000, 65_000)
    key = (
        ": ED25519 SHA256:" + "".join(rng.choices("ABCDEFGHabcdefgh0123456789", k=43))
        if method == "publickey"
        else ""
    )
    tag, end = f"sshd[{pid}]", time + seconds * SECOND
    return [
        auth(time, host, tag, f"Accepted {method} for {user} from {address} port {port} ssh2{key}"),
        auth(time, host, tag, f"pam_unix(sshd:session): session opened for user {user}(uid=1000) by (uid=0)"),
        system(
            time + SECOND,
            host,
            "systemd[1]",
            f"Started session-{pid % 997}.scope - Session {pid % 997} of User {user}.",
        ),
        auth(end, host, tag, f"Received disconnect from {address} port {port}:11: disconnected by user"),
        auth(end, host, tag, f"Disconnected from user {user} {address} port {port}"),
        auth(end, host, tag, f"pam_unix(sshd:session): session closed for user {user}"),
    ]


def sudo(
    time: int, host: Host, user: str, folder: str, command: str, *, terminal: str = "pts/0"
) -> list[Entry]:
    """`user` runs `command` as root."""
    return [
        auth(
            time, host, "sudo", f"{user:>8} : TTY={terminal} ; PWD={folder} ; USER=root ; COMMAND={command}"
        ),
        auth(
            time,
            host,
            "sudo",
            f"pam_unix(sudo:session): session opened for user root(uid=0) by {user}(uid=1000)",
        ),
        auth(time + SECOND, host, "sudo", "pam_unix(sudo:session): session closed for user root"),
    ]


def ssh_refused(
    rng: Random, time: int, host: Host, user: str, address: str, *, known: bool = False
) -> list[Entry]:
    """A wrong password by ssh."""
    tag, port = f"sshd[{rng.randrange(1000, 60_000)}]", rng.randrange(20_000, 65_000)
    invalid = "" if known else "invalid user "
    lines = [] if known else [auth(time, host, tag, f"Invalid user {user} from {address} port {port}")]
    return [
        *lines,
        auth(
            time + 2 * SECOND,
            host,
            tag,
            f"Failed password for {invalid}{user} from {address} port {port} ssh2",
        ),
        auth(
            time + 3 * SECOND,
            host,
            tag,
            f"Connection closed by {'authenticating' if known else 'invalid'} user {user} {address} port {port} [preauth]",
        ),
    ]


def _cron(rng: Random, scene: Scene, host: Host, minutes: int) -> list[Entry]:
    entries: list[Entry] = []
    for time in scene.day.every(rng, minutes):
        tag = f"CRON[{rng.randrange(1000, 60_000)}]"
        entries += [
            auth(
                time, host, tag, "pam_unix(cron:session): session opened for user root(uid=0) by root(uid=0)"
            ),
            system(
                time,
                host,
                tag,
                "(root) CMD (test -x /usr/local/bin/housekeeping && /usr/local/bin/housekeeping)",
            ),
            auth(time + SECOND, host, tag, "pam_unix(cron:session): session closed for user root"),
        ]
    return entries


def _knocking(rng: Random, scene: Scene) -> list[Entry]:
    """The internet guesses ssh passwords, a few from most addresses, hundreds from two; none is right."""
    web, entries = scene.network.web, list[Entry]()
    for place, bot in enumerate(rng.sample(scene.network.internet.bots, 60)):
        time = rng.randrange(scene.day.start, scene.day.at(23))
        stubborn = place < 2
        for _ in range(rng.randrange(40, 120) if stubborn else rng.randrange(1, 7)):
            user = rng.choice(_GUESSED)
            entries += ssh_refused(rng, time, web, user, bot, known=user == "root")
            time += (
                rng.randrange(5 * SECOND, 15 * SECOND) if stubborn else rng.randrange(20 * SECOND, 7 * MINUTE)
            )
    return [entry for entry in entries if entry.time < scene.day.end]


def _updates(rng: Random, scene: Scene) -> list[Entry]:
    """Unattended upgrades, log rotation and timers."""
    day, web = scene.day, scene.network.web
    entries = [
        system(time, host, "systemd[1]", message)
        for host in (web, scene.network.nas)
        for time, unit in zip(day.every(rng, 60), ("apt-daily", "logrotate", "fstrim", "man-db") * 6, strict=True)
        for message in (f"Starting {unit}.service...", f"Finished {unit}.service.", f"{unit}.service: Deactivated successfully.")
    ]  # fmt: skip
    night = day.at(6.2)
    entries += [
        system(night, web, "apt.systemd.daily[2231]", "unattended-upgrade: packages that will be upgraded: libssl3 openssl tzdata"),
        system(night + 3 * MINUTE, web, "systemd[1]", "Reloading nginx.service - A high performance web server and a reverse proxy server..."),
        system(day.at(0) + 5 * SECOND, web, "rsyslogd", '[origin software="rsyslogd" swVersion="8.2302.0"] rsyslogd was HUPed'),
    ]  # fmt: skip
    return entries


def _technician(rng: Random, scene: Scene) -> list[Entry]:
    """The technician signs in with a key, mistypes a sudo password, looks after things."""
    desk = scene.technician
    address = scene.network.pcs[desk.person.account.name].address
    # a local account on the web server; the NAS is joined to the domain
    accounts = ((scene.network.web, desk.person.last.lower()), (scene.network.nas, scene.town.admin.name))
    entries: list[Entry] = []
    for time in desk.moments(rng, 4):
        host, user = accounts[rng.random() < 0.4]
        entries += ssh_session(rng, time, host, user, address, "publickey", rng.randrange(200, 1800))
        if rng.random() < 0.3:
            entries.append(
                auth(
                    time + 20 * SECOND,
                    host,
                    "sudo",
                    f"pam_unix(sudo:auth): authentication failure; logname={user} uid=1000 euid=0 tty=/dev/pts/0 ruser={user} rhost=  user={user}",
                )
            )
        commands = (
            "/usr/bin/apt update",
            "/usr/bin/apt upgrade",
            "/usr/bin/systemctl restart nginx",
            "/usr/bin/journalctl -u nginx",
            "/usr/bin/less /var/log/auth.log",
            "/usr/sbin/ufw status",
        )
        for step, command in enumerate(rng.sample(commands, 3)):
            entries += sudo(time + (40 + 50 * step) * SECOND, host, user, f"/home/{user}", command)
    return entries


def _web_services(rng: Random, scene: Scene) -> list[Entry]:
    day, web = scene.day, scene.network.web
    entries = [
        system(
            time,
            web,
            "php-fpm[771]",
            f"[pool www] child {rng.randrange(900, 9000)} exited with code 0 after {rng.uniform(30, 900):.6f} seconds from start",
        )
        for time in day.moments(rng, 60)
    ]
    entries += [
        system(
            time,
            web,
            "kernel",
            f"[{rng.randrange(10**5, 10**6)}.{rng.randrange(10**6):06d}] [UFW BLOCK] IN=eth0 OUT= SRC={rng.choice(scene.network.internet.bots)} DST={web.address} LEN=40 TTL=238 PROTO=TCP SPT={rng.randrange(1024, 65535)} DPT={rng.choice((23, 3306, 8080))} SYN",
        )
        for time in day.moments(rng, 90)
    ]
    return entries


def _backups(rng: Random, scene: Scene) -> list[Entry]:
    """The nightly backup, and snapshots that are older than the policy keeps."""
    day, nas = scene.day, scene.network.nas
    start = day.at(1) + rng.randrange(20 * MINUTE)
    user = scene.town.backup.name
    entries = ssh_session(rng, start, nas, user, scene.network.files.address, "publickey", 4200)
    entries += [
        system(start + 5 * SECOND, nas, "backup-job[4410]", "nightly: started, source FS01, target /volume1/backup/fs01"),
        system(start + 68 * MINUTE, nas, "backup-job[4410]", f"nightly: finished, {rng.randrange(2000, 9000)} files, {rng.randrange(4, 60)} GB, 0 errors"),
    ]  # fmt: skip
    entries += [
        system(
            start + 70 * MINUTE + place * 2 * SECOND,
            nas,
            "snapper[5120]",
            f"retention: removed snapshot #{rng.randrange(100, 999)} of /volume1/backup (older than 30 days)",
        )
        for place in range(3)
    ]
    entries += [
        system(
            time,
            nas,
            "smbd[2210]",
            f"{person.account.domain}\\{person.account.name} opened scans/{rng.randrange(10**6)}.pdf read=Yes write=No",
        )
        for person in scene.town.people[:8]
        for time in day.moments(rng, 2, 8, 17)
    ]
    return entries
