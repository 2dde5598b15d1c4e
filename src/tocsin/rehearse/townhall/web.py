"""An ordinary day at the web server: citizens, search engines, a monitor, and scanners that find nothing."""

from __future__ import annotations

from random import Random

from tocsin.records.instants import SECOND
from tocsin.rehearse.townhall.day import Scene
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.formats.text import access

_PAGES = (
    "/", "/news", "/news/2026/market-day", "/services", "/services/waste", "/services/permits", "/services/library",
    "/council", "/council/minutes", "/contact", "/forms/parking", "/forms/residence", "/opening-hours", "/jobs",
)  # fmt: skip
_ASSETS = ("/css/site.css", "/js/site.js", "/img/crest.svg", "/img/header.jpg", "/favicon.ico")
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
)
_PROBES = (
    "/wp-login.php", "/wp-admin/setup-config.php", "/xmlrpc.php", "/.env", "/.git/config", "/phpmyadmin/index.php",
    "/admin/login.php", "/shell.php", "/cmd.php", "/uploads/shell.php", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/cgi-bin/test.cgi", "/actuator/env", "/owa/auth/logon.aspx", "/server-status", "/backup.zip", "/config.php.bak",
    "/index.php?id=1%27%20OR%20%271%27=%271", "/news?id=1%20UNION%20SELECT%201,2,3--", "/../../../../etc/passwd",
    "/?page=../../../../etc/passwd", "/boaform/admin/formLogin", "/solr/admin/info/system",
)  # fmt: skip
_SCANNERS = ("Mozilla/5.0 zgrab/0.x", "python-requests/2.31.0", "Go-http-client/1.1", "curl/8.5.0", "-")


def ordinary(rng: Random, scene: Scene) -> list[Entry]:
    """The day's lines, in no order."""
    return _citizens(rng, scene) + _machines(rng, scene) + _scanners(rng, scene) + _editors(rng, scene)


def _citizens(rng: Random, scene: Scene) -> list[Entry]:
    site = f"https://www.{scene.town.domain}"
    entries: list[Entry] = []
    for start in scene.day.moments(rng, 160, 5.5, 23.4) + scene.day.moments(rng, 70, 9, 17):
        address, agent = rng.choice(scene.network.internet.visitors), rng.choice(_AGENTS)
        time, referer = start, "-"
        entries += [
            access(time + rng.randrange(SECOND), address, f"GET {asset}", rng.choice((200, 200, 304)),
                   rng.randrange(600, 80_000), agent, f"{site}/")
            for asset in rng.sample(_ASSETS, rng.randrange(4))
        ]  # fmt: skip
        for _ in range(rng.randrange(2, 9)):
            page = rng.choice(_PAGES)
            form = page.startswith("/forms") and rng.random() < 0.5
            entries.append(
                access(
                    time,
                    address,
                    f"{'POST' if form else 'GET'} {page}",
                    302 if form else 200,
                    rng.randrange(2_000, 45_000),
                    agent,
                    referer,
                )
            )
            referer, time = site + page, time + rng.randrange(4 * SECOND, 90 * SECOND)
        if rng.random() < 0.08:
            entries.append(access(time, address, "GET /services/dog-tax", 404, 512, agent, referer))
    return entries


def _machines(rng: Random, scene: Scene) -> list[Entry]:
    """A monitor every five minutes, and search engines."""
    internet = scene.network.internet
    monitor, engine = (
        internet.cloud[1],
        "Mozilla/5.0 (compatible; SearchBot/2.1; +http://search.example/bot.html)",
    )
    entries = [
        access(time, monitor, "GET /health", 200, 2, "uptime-check/1.4") for time in scene.day.every(rng, 5)
    ]
    entries += [
        access(
            time, rng.choice(internet.cloud[2:6]), f"GET {page}", 200, rng.randrange(2_000, 45_000), engine
        )
        for time in scene.day.moments(rng, 90)
        for page in ("/robots.txt", rng.choice(_PAGES))
    ]
    return entries


def _scanners(rng: Random, scene: Scene) -> list[Entry]:
    """Bots ask for what other sites were broken with; here it is not there. One goes through its whole list twice."""
    entries: list[Entry] = []
    for place, bot in enumerate(rng.sample(scene.network.internet.bots, 28)):
        time, agent = rng.randrange(scene.day.start, scene.day.at(23.8)), rng.choice(_SCANNERS)
        probes = rng.sample(_PROBES * 2, len(_PROBES) * 2 if place == 0 else rng.randrange(2, len(_PROBES)))
        for probe in probes:
            entries.append(_probe(rng, time, bot, probe, agent))
            time += rng.randrange(SECOND, 5 * SECOND)
    return entries


def _probe(rng: Random, time: int, bot: str, probe: str, agent: str) -> Entry:
    method = "POST" if probe.endswith((".php", "formLogin")) and rng.random() < 0.3 else "GET"
    status = 400 if "../" in probe else 403 if probe.startswith(("/.git", "/server")) else 404
    return access(time, bot, f"{method} {probe}", status, rng.choice((162, 196, 512)), agent)


def _editors(rng: Random, scene: Scene) -> list[Entry]:
    """The press officer, the librarian and the technician keep the site up to date."""
    writers = [p for p in scene.working if p.person.role in {"Press Officer", "Librarian", "IT Technician"}]
    entries: list[Entry] = []
    for presence in writers:
        for time in presence.moments(rng, 3):
            steps = (
                ("POST /cms/login.php", 302),
                ("GET /cms/pages.php", 200),
                ("POST /cms/pages.php", 302),
                ("POST /cms/upload.php", 200),
                ("GET /uploads/fair.jpg", 200),
            )
            entries += [
                access(
                    time + place * rng.randrange(15 * SECOND, 40 * SECOND),
                    presence.address,
                    request,
                    status,
                    rng.randrange(300, 20_000),
                    _AGENTS[0],
                    f"https://www.{scene.town.domain}/cms/",
                )
                for place, (request, status) in enumerate(steps)
            ]
    return entries
