"""An ordinary day at the firewall: traffic, VPN users, leases, and the internet rattling at the door."""

# ruff: noqa: PLR0913, PLR0917  a writer's parameters are the parts of its record

from __future__ import annotations

from random import Random

from tocsin.records.instants import MINUTE, SECOND
from tocsin.rehearse.townhall.day import Scene
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.formats.text import Value, fortigate
from tocsin.rehearse.townhall.hosts import Host

_KNOWN_PORTS = {
    443: "HTTPS",
    80: "HTTP",
    53: "DNS",
    123: "NTP",
    445: "SMB",
    3389: "RDP",
    22: "SSH",
    25: "SMTP",
}
_KNOCKED = (22, 23, 80, 443, 445, 1433, 3389, 5060, 5900, 6379, 8080, 8443)
_GUESSED = (
    "admin", "test", "guest", "vpn", "user", "support", "root", "administrator", "fortinet", "scan", "backup", "office",
)  # fmt: skip


def ordinary(rng: Random, scene: Scene) -> list[Entry]:
    """The day's lines, in no order."""
    entries = _browsing(rng, scene) + _servers(rng, scene) + _knocking(rng, scene)
    for presence in scene.working:
        if presence.place == "home":
            entries += _works_from_home(
                rng, scene, presence.person.account.name, presence.arrive, presence.leave
            )
    return entries + _vpn_guessing(rng, scene) + _device(rng, scene)


def traffic(
    rng: Random, time: int, source: tuple[str, str], target: tuple[str, str], port: int, *,
    sent: int = 0, received: int = 0, action: str = "close", user: str = "",
) -> Entry:  # fmt: skip
    """A traffic line; `source` and `target` are (address, interface)."""
    denied = action == "deny"
    fields: dict[str, Value] = {
        "srcip": source[0], "srcport": rng.randrange(49152, 65536), "srcintf": source[1],
        "srcintfrole": "wan" if source[1] == "wan1" else "lan",
        "dstip": target[0], "dstport": port, "dstintf": target[1],
        "dstintfrole": "wan" if target[1] == "wan1" else "lan",
        "srccountry": "Reserved", "dstcountry": "Reserved", "sessionid": rng.randrange(10**6, 10**7),
        "proto": 17 if port in {53, 123} else 6, "action": action, "policyid": 0 if denied else rng.randrange(1, 12),
        "policytype": "policy", "service": _KNOWN_PORTS.get(port, f"tcp/{port}"), "trandisp": "noop",
        "duration": 0 if denied else rng.randrange(1, 240),
        "sentbyte": 0 if denied else sent or rng.randrange(600, 60_000),
        "rcvdbyte": 0 if denied else received or rng.randrange(800, 900_000),
        "sentpkt": 1 if denied else max(sent // 1400, rng.randrange(4, 60)),
        "rcvdpkt": 0 if denied else max(received // 1400, rng.randrange(4, 600)),
        "appcat": "unscanned",
    }  # fmt: skip
    if user:
        fields["user"] = user
    subtype, logid = ("local", "0001000014") if target[1] == "root" else ("forward", "0000000013")
    return fortigate(time, logid, "traffic", subtype, "notice", fields)


def vpn_up(rng: Random, time: int, user: str, address: str, inner: str) -> list[Entry]:
    """Somebody's SSL VPN comes up."""
    tunnel = rng.randrange(10**8, 10**9)
    who: dict[str, Value] = {"user": user, "group": "vpn-users", "dst_host": "N/A"}
    return [
        fortigate(time, "0101039943", "event", "vpn", "information", {
            "logdesc": "SSL VPN new connection", "action": "ssl-new-con", "tunneltype": "ssl", "tunnelid": 0,
            "remip": address, "user": "N/A", "group": "N/A", "dst_host": "N/A", "reason": "N/A",
            "msg": "SSL new connection",
        }),
        fortigate(time + SECOND, "0101039424", "event", "vpn", "information", {
            "logdesc": "SSL VPN tunnel up", "action": "tunnel-up", "tunneltype": "ssl-web", "tunnelid": tunnel,
            "remip": address, **who, "reason": "login successfully", "msg": "SSL tunnel established",
        }),
        fortigate(time + 3 * SECOND, "0101039947", "event", "vpn", "information", {
            "logdesc": "SSL VPN tunnel up", "action": "tunnel-up", "tunneltype": "ssl-tunnel", "tunnelid": tunnel,
            "remip": address, "tunnelip": inner, **who, "reason": "tunnel established", "msg": "SSL tunnel established",
        }),
    ]  # fmt: skip


def vpn_down(rng: Random, time: int, user: str, address: str, inner: str, seconds: int) -> Entry:
    """Somebody's SSL VPN ends."""
    return fortigate(time, "0101039948", "event", "vpn", "information", {
        "logdesc": "SSL VPN tunnel down", "action": "tunnel-down", "tunneltype": "ssl-tunnel",
        "tunnelid": rng.randrange(10**8, 10**9), "remip": address, "tunnelip": inner, "user": user,
        "group": "vpn-users", "dst_host": "N/A", "reason": "User requested termination of service",
        "duration": seconds, "sentbyte": rng.randrange(10**6, 10**9), "rcvdbyte": rng.randrange(10**6, 10**8),
        "msg": "SSL tunnel shutdown",
    })  # fmt: skip


def vpn_failed(time: int, user: str, address: str, *, known: bool) -> Entry:
    """A refused SSL VPN login: a wrong password of a known user, or a user nobody knows."""
    return fortigate(time, "0101039426", "event", "vpn", "alert", {
        "logdesc": "SSL VPN login fail", "action": "ssl-login-fail", "tunneltype": "ssl-web", "tunnelid": 0,
        "remip": address, "user": user, "group": "vpn-users" if known else "N/A", "dst_host": "N/A",
        "reason": "sslvpn_login_permission_denied" if known else "sslvpn_login_unknown_user",
        "msg": "SSL user failed to logged in",
    })  # fmt: skip


def admin_login(rng: Random, time: int, user: str, address: str, *, ok: bool = True) -> Entry:
    """Somebody signs in to the firewall itself."""
    ui = f"https({address})"
    return fortigate(time, "0100032001" if ok else "0100032002", "event", "system", "information" if ok else "alert", {
        "logdesc": "Admin login successful" if ok else "Admin login failed", "sn": str(rng.randrange(10**9, 2 * 10**9)),
        "user": user, "ui": ui, "method": "https", "srcip": address, "dstip": "10.0.0.1", "action": "login",
        "status": "success" if ok else "failed", "reason": "none" if ok else "passwd_invalid",
        **({"profile": "super_admin"} if ok else {}),
        "msg": f"Administrator {user} "
        + (f"logged in successfully from {ui}" if ok else f"login failed from {ui} because of invalid password"),
    })  # fmt: skip


def configured(
    rng: Random, time: int, user: str, address: str, action: str, path: str, name: str, change: str
) -> Entry:
    """A change of the firewall's configuration: `action` is Add, Edit or Delete, `path` such as `firewall.policy`."""
    return fortigate(time, "0100044547", "event", "system", "information", {
        "logdesc": "Object attribute configured", "user": user, "ui": f"GUI({address})", "action": action,
        "cfgtid": rng.randrange(10**8, 10**9), "cfgpath": path, "cfgobj": name, "cfgattr": change,
        "msg": f"{action} {path} {name}",
    })  # fmt: skip


def _browsing(rng: Random, scene: Scene) -> list[Entry]:
    cloud = scene.network.internet.cloud
    return [
        traffic(rng, time, (scene.network.pcs[presence.person.account.name].address, "lan"), (rng.choice(cloud), "wan1"),
                443 if rng.random() < 0.92 else 80)
        for presence in scene.working if presence.place == "office"
        for time in presence.moments(rng, 62 * presence.person.pace)
    ]  # fmt: skip


def _servers(rng: Random, scene: Scene) -> list[Entry]:
    """Servers fetch time, names, updates; citizens reach the web server; backups are copied outside at night."""
    network, day = scene.network, scene.day
    cloud = network.internet.cloud
    entries = [
        traffic(rng, time, (host.address, "lan"), (rng.choice(cloud), "wan1"), rng.choice((53, 53, 123, 443)))
        for host in (network.controller, network.files, network.nas, network.web)
        for time in day.every(rng, 12)
    ]
    entries += [
        traffic(rng, time, (rng.choice(network.internet.visitors), "wan1"), (network.web.address, "dmz"), 443)
        for time in day.moments(rng, 260, 6, 23)
    ]
    entries += [
        traffic(
            rng,
            time,
            (network.nas.address, "lan"),
            (cloud[0], "wan1"),
            443,
            sent=rng.randrange(10**9, 4 * 10**9),
        )
        for time in day.moments(rng, 3, 2.5, 4)
    ]
    return entries


def _knocking(rng: Random, scene: Scene) -> list[Entry]:
    internet = scene.network.internet
    return [
        traffic(
            rng,
            time,
            (rng.choice(internet.bots), "wan1"),
            (internet.office, "root"),
            rng.choice(_KNOCKED),
            action="deny",
        )
        for time in scene.day.moments(rng, 450)
    ]


def _works_from_home(rng: Random, scene: Scene, user: str, arrive: int, leave: int) -> list[Entry]:
    """The VPN up in the morning (a password mistyped now and then), remote desktop to the own PC, down in the evening."""
    home = scene.network.internet.homes[user]
    inner = scene.network.inner(user)
    entries = []
    if rng.random() < 0.3:
        entries.append(vpn_failed(arrive - 40 * SECOND, user, home, known=True))
    entries += vpn_up(rng, arrive, user, home, inner)
    own, files = scene.network.pcs[user], scene.network.files
    entries.append(_inside(rng, arrive + MINUTE, inner, own, 3389, user))
    entries += [
        _inside(rng, rng.randrange(arrive + MINUTE, leave), inner, files, 445, user)
        for _ in range(rng.randrange(4, 12))
    ]
    entries.append(vpn_down(rng, leave, user, home, inner, (leave - arrive) // SECOND))
    return entries


def _inside(rng: Random, time: int, inner: str, target: Host, port: int, user: str) -> Entry:
    return traffic(rng, time, (inner, "ssl.root"), (target.address, "lan"), port, user=user)


def _vpn_guessing(rng: Random, scene: Scene) -> list[Entry]:
    """Bots guess VPN names, one of them for an hour, and now and then hit a real person's; none ever gets in."""
    real = [person.account.name for person in scene.town.people]
    entries: list[Entry] = []
    for place, bot in enumerate(rng.sample(scene.network.internet.bots, 45)):
        time = rng.randrange(scene.day.start, scene.day.at(23))
        stubborn = place == 0
        for _ in range(rng.randrange(25, 50) if stubborn else rng.randrange(2, 7)):
            known = rng.random() < 0.06
            entries.append(
                vpn_failed(time, rng.choice(real) if known else rng.choice(_GUESSED), bot, known=known)
            )
            # two wrong passwords from one address close the door to it for a minute
            time += rng.randrange(61 * SECOND, 2 * MINUTE if stubborn else 9 * MINUTE)
    return [entry for entry in entries if entry.time < scene.day.end]


def _device(rng: Random, scene: Scene) -> list[Entry]:
    """The box about itself: load every quarter of an hour, leases, the technician's visit."""
    day, desk = scene.day, scene.technician
    entries = [
        fortigate(time, "0100040704", "event", "system", "notice", {
            "logdesc": "System performance statistics", "action": "perf-stats", "cpu": rng.randrange(1, 25),
            "mem": rng.randrange(38, 52), "totalsession": rng.randrange(90, 1400), "disk": 1,
            "bandwidth": f"{rng.randrange(400, 90000)}/{rng.randrange(400, 90000)}", "setuprate": rng.randrange(1, 30),
            "msg": "Performance statistics: average CPU and memory",
        })
        for time in day.every(rng, 15)
    ]  # fmt: skip
    for presence in scene.working:
        host = scene.network.pcs[presence.person.account.name]
        entries.append(fortigate(presence.arrive - 50 * SECOND, "0100026001", "event", "system", "information", {
            "logdesc": "DHCP Ack log", "interface": "lan", "dhcp_msg": "Ack", "mac": host.mac, "ip": host.address,
            "lease": 86400, "hostname": host.name, "msg": "DHCP server sends a DHCPACK",
        }))  # fmt: skip
    (visit,) = desk.moments(rng, 1)
    pc = scene.network.pcs[desk.person.account.name]
    if rng.random() < 0.4:
        entries.append(admin_login(rng, visit - 30 * SECOND, "admin", pc.address, ok=False))
    entries.append(admin_login(rng, visit, "admin", pc.address))
    entries.append(
        configured(
            rng, visit + 4 * MINUTE, "admin", pc.address, "Edit", "firewall.policy", "7", "comments[checked]"
        )
    )
    return entries
