"""Lines of text: RFC 3164 syslog as rsyslog writes files, FortiOS key=value, the combined web access log."""

# ruff: noqa: PLR0913, PLR0917  a writer's parameters are the parts of its record

from __future__ import annotations

from tocsin.records.instants import to_datetime
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.hosts import Host

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SERIAL = "FGT60F0000000001"

Value = str | int


def syslog(time: int, file: str, host: Host, tag: str, message: str) -> Entry:
    """A line of a syslog file (RFC 3164 without its priority, which files leave out); `tag` is `sshd[812]` or `kernel`."""
    moment = to_datetime(time)
    stamp = f"{_MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S}"
    return Entry(time, file, f"{stamp} {host.name} {tag}: {message}")


def fortigate(time: int, logid: str, type_: str, subtype: str, level: str, fields: dict[str, Value]) -> Entry:
    """A line of a FortiGate (FortiOS 7, syslog format `default`); texts are quoted, numbers and addresses are not."""
    moment = to_datetime(time)
    head = (
        f'date={moment:%Y-%m-%d} time={moment:%H:%M:%S} devname="FW01" devid="{_SERIAL}" '
        f'eventtime={time * 1000} tz="+0000" logid="{logid}" type="{type_}" subtype="{subtype}" '
        f'level="{level}" vd="root"'
    )
    rest = " ".join(f"{key}={_fortigate_value(key, value)}" for key, value in fields.items())
    return Entry(time, "firewall/fortigate.log", f"{head} {rest}")


_BARE = frozenset({"srcip", "dstip", "remip", "tunnelip", "transip", "ip"})


def _fortigate_value(key: str, value: Value) -> str:
    return str(value) if isinstance(value, int) or key in _BARE else f'"{value}"'


def access(
    time: int,
    address: str,
    request: str,
    status: int,
    size: int,
    agent: str,
    referer: str = "-",
    user: str = "-",
) -> Entry:
    """A line of the web server's access log in the combined format; `request` is `GET /path`."""
    moment = to_datetime(time)
    stamp = f"{moment.day:02d}/{_MONTHS[moment.month - 1]}/{moment.year}:{moment:%H:%M:%S} +0000"
    line = f'{address} - {user} [{stamp}] "{request} HTTP/1.1" {status} {size or "-"} "{referer}" "{agent}"'
    return Entry(time, "web/access.log", line)
