"""Stages at the firewall, on the web server and on the NAS."""

# ruff: noqa: ARG001  every stage is an `Act` of `intrusion` and takes the same

from __future__ import annotations

from random import Random

from tocsin.records.instants import SECOND
from tocsin.rehearse.townhall import firewall, linux
from tocsin.rehearse.townhall.day import Scene
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.formats.text import access
from tocsin.rehearse.townhall.stages.cast import Cast

_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)


def vpn_guessing(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """One real name, many passwords, two at a time because the firewall then waits a minute, until one is right."""
    entries = []
    for _ in range(rng.randrange(9, 18)):
        for _ in range(2):
            entries.append(firewall.vpn_failed(time, cast.victim.account.name, cast.outside, known=True))
            time += rng.randrange(3 * SECOND, 9 * SECOND)
        time += rng.randrange(61 * SECOND, 75 * SECOND)
    return entries


def vpn_login(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The VPN comes up with the victim's name, from the intruder's address."""
    return firewall.vpn_up(rng, time, cast.victim.account.name, cast.outside, cast.inside)


def firewall_admin(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The firewall gets a second super-administrator and a rule that lets the intruder in."""
    source = cast.inside
    entries = [
        firewall.admin_login(rng, time + step * 9 * SECOND, "admin", source, ok=False)
        for step in range(rng.randrange(1, 4))
    ]
    time += 60 * SECOND
    change = "password[*]accprofile[super_admin]vdom[root]"
    return [
        *entries,
        firewall.admin_login(rng, time, "admin", source),
        firewall.configured(
            rng, time + 45 * SECOND, "admin", source, "Add", "system.admin", cast.new_name, change
        ),
        firewall.configured(
            rng,
            time + 110 * SECOND,
            "admin",
            source,
            "Add",
            "firewall.policy",
            "99",
            "srcintf[wan1]dstintf[lan]action[accept]srcaddr[all]dstaddr[all]schedule[always]service[ALL]",
        ),
    ]


def web_probing(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The intruder reads the site and tries its forms and logins."""
    entries = []
    pages = (
        "GET /",
        "GET /cms/login.php",
        "GET /robots.txt",
        "GET /cms/upload.php",
        "GET /uploads/",
        "GET /cms/backup.zip",
    )
    for page in (*pages, *("POST /cms/login.php",) * rng.randrange(12, 40)):
        status = (
            401
            if page.startswith("POST")
            else 404
            if page.endswith(".zip")
            else 403
            if page.endswith("/uploads/")
            else 200
        )
        entries.append(access(time, cast.outside, page, status, rng.randrange(300, 4000), _AGENT))
        time += rng.randrange(SECOND, 6 * SECOND)
    return entries


def web_shell(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """A script is uploaded where pictures belong, and answers when it is asked to run commands."""
    name = "".join(rng.choices("abcdefghijkmnpqrstuvwxyz", k=6))
    shell = f"/uploads/{name}.php"
    steps = [
        ("POST /cms/login.php", 302), ("POST /cms/upload.php", 200), (f"GET {shell}", 200),
        *((f"GET {shell}?cmd={command}", 200) for command in ("id", "whoami", "uname+-a", "cat+/etc/passwd", "ip+addr")),
        *((f"POST {shell}", 200) for _ in range(rng.randrange(6, 25))),
    ]  # fmt: skip
    entries = []
    for request, status in steps:
        entries.append(access(time, cast.outside, request, status, rng.randrange(90, 3000), _AGENT))
        time += rng.randrange(6 * SECOND, 25 * SECOND)
    return entries


def web_root(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The web server's own account becomes root and makes an account for later."""
    web = scene.network.web
    root = linux.sudo(time, web, "www-data", "/var/www/html/uploads", "/bin/bash", terminal="unknown")
    return [*root, *_new_account(rng, scene, cast, time + 60 * SECOND)]


def _new_account(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    web, pid = scene.network.web, rng.randrange(1000, 60_000)
    name = cast.new_name.replace(".", "")
    new = f"new user: name={name}, UID=1007, GID=1007, home=/home/{name}, shell=/bin/bash, from=none"
    return [
        linux.auth(time, web, f"useradd[{pid}]", f"new group: name={name}, GID=1007"),
        linux.auth(time, web, f"useradd[{pid}]", new),
        linux.auth(time + 9 * SECOND, web, f"usermod[{pid + 3}]", f"add '{name}' to group 'sudo'"),
        *linux.ssh_session(
            rng, time + 60 * SECOND, web, name, cast.outside, "password", rng.randrange(600, 2400)
        ),
    ]


def ssh_guessing(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """Passwords for the technician's name on the web server, until one is right."""
    web, user = scene.network.web, scene.town.technician.last.lower()
    entries: list[Entry] = []
    for _ in range(rng.randrange(40, 90)):
        entries += linux.ssh_refused(rng, time, web, user, cast.outside, known=True)
        time += rng.randrange(5 * SECOND, 15 * SECOND)
    return [*entries, *linux.ssh_session(rng, time, web, user, cast.outside, "password", 3000)]


def web_account(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """Root on the web server with the technician's rights, and an account for later."""
    user = scene.town.technician.last.lower()
    root = linux.sudo(time, scene.network.web, user, f"/home/{user}", "/bin/bash")
    return [*root, *_new_account(rng, scene, cast, time + 50 * SECOND)]


def nas_emptied(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The NAS is entered with the stolen administrator's account, and its backups and snapshots are deleted."""
    nas, user = scene.network.nas, cast.admin.name  # the NAS is joined to the domain
    entries: list[Entry] = []
    for step in range(rng.randrange(3)):
        entries += linux.ssh_refused(
            rng, time - (60 - 20 * step) * SECOND, nas, user, cast.inside, known=True
        )
    entries += linux.ssh_session(rng, time, nas, user, cast.inside, "password", rng.randrange(500, 900))
    commands = [
        "/usr/bin/systemctl stop backup-job", "/usr/bin/rm -rf /volume1/backup/fs01", "/usr/bin/rm -rf /volume1/backup/web01",
        *(f"/usr/sbin/btrfs subvolume delete /volume1/.snapshots/{rng.randrange(100, 999)}/snapshot" for _ in range(3)),
    ]  # fmt: skip
    for step, command in enumerate(commands):
        entries += linux.sudo(time + (30 + step * 25) * SECOND, nas, user, f"/home/{user}", command)
    entries.append(
        linux.system(
            time + 200 * SECOND,
            nas,
            "backup-job[4410]",
            "nightly: error, target /volume1/backup/fs01 is missing",
        )
    )
    return entries
