"""The header of a syslog line: RFC 5424, RFC 3164 as it is really written, and what Cisco devices send.

Real lines deviate from RFC 3164 in known ways, all read here: no `<PRI>` (files), ISO times (rsyslog), no host (local
sockets, pfSense), years (Cisco ASA), fractions, sequence numbers and a second time stamp of the device's own (IOS).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC

from tocsin.sources.interface import ReadContext
from tocsin.sources.text.clock import iso_instant, named_month_instant

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
"""RFC 5424 table 1, with the short names syslog.conf uses."""

SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""RFC 5424 table 2."""

_PRI = re.compile(r"(?:\d{1,7} )?<(\d{1,3})>", re.ASCII)  # a frame length (RFC 6587) may stand before it
_RFC5424 = re.compile(r"1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32})(?: |$)")
_NAMED = re.compile(
    r"[*.]?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?: (\d{4})(?=[ :]))?"
    r"(?: ([A-Z]{3,4})(?=:))?",
    re.ASCII,
)
_APPLICATION = re.compile(
    r"\s*[\[(]?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|SEVERE|CRITICAL)\b", re.ASCII
)
"""What stands where syslog has its host in the logs that applications write themselves (log4j, Python's logging)."""
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_TAG = re.compile(r"([A-Za-z0-9_/][^\s:\[\]=\"'|]{0,63})(?:\[(\w{1,20})\]:? ?|:(?: |$))", re.ASCII)
_VERSIONED_TAG = re.compile(r"([a-z][\w\-]{1,31}) \d[\w.]{0,15}: ", re.ASCII)  # `syslogd 1.4.1: restart.`
_HOST = re.compile(r"[A-Za-z0-9_.:\-]{1,253}(?= |$)", re.ASCII)
_CISCO = re.compile(r"%[A-Z][A-Z0-9_]{1,31}(?:-[A-Z0-9_]{1,31})?-([0-7])-[A-Z0-9_]{1,63}:", re.ASCII)
_CISCO_PREFIX_CHARS = 400
_CISCO_NAMES = 3  # relay, device, time zone
_SD_NAME = re.compile(r"[^\s=\]\"]{1,128}")
_SD_VALUE = re.compile(r'"((?:[^"\\\]]|\\.)*)"')
_SD_ESCAPE = re.compile(r'\\(["\\\]])')


@dataclass(slots=True)
class SyslogLine:
    """What the header says, and the message behind it.

    Attributes:
        message: The text after the tag, whole.
        form: `rfc5424`, `rfc3164` or `cisco`.
        time: Instant, or None where it gives none that is a date.
        structured: RFC 5424 structured data, `id.name` → value.
    """

    message: str
    form: str
    time: int | None = None
    host: str | None = None
    app: str | None = None
    pid: str | None = None
    msgid: str | None = None
    facility: str | None = None
    severity: str | None = None
    structured: dict[str, str] = field(default_factory=dict)


def syslog_line(line: str, context: ReadContext) -> SyslogLine | None:
    """What `line` says, or None where it has no syslog header."""
    pri = _PRI.match(line)
    if pri and int(pri[1]) > 191:  # 23 facilities times 8 severities
        return None
    rest = line[pri.end() :] if pri else line
    read = _rfc5424(rest, context) if pri or rest.startswith("1 ") else None
    read = read or _cisco(rest, context) or _rfc3164(rest, context, timeless=pri is not None)
    if read is not None and pri:
        read.facility, read.severity = FACILITIES[int(pri[1]) >> 3], SEVERITIES[int(pri[1]) & 7]
    return read


def _rfc5424(text: str, context: ReadContext) -> SyslogLine | None:
    header = _RFC5424.match(text)
    if header is None:
        return None
    time, host, app, pid, msgid = (None if part == "-" else part for part in header.groups())
    instant = iso_instant(time, context) if time else None
    if time and instant is None:
        return None
    structured, rest = _structured_data(text[header.end() :])
    message = rest.removeprefix("\ufeff")
    return SyslogLine(message, "rfc5424", instant, host, app, pid, msgid, structured=structured)


def _structured_data(text: str) -> tuple[dict[str, str], str]:
    """The parameters, and the message after them. Structured data that is broken stays in the message, unread."""
    if text.startswith("-"):
        return {}, text[1:].removeprefix(" ")
    found: dict[str, str] = {}
    at = 0
    while text.startswith("[", at):
        sd_id = _SD_NAME.match(text, at + 1)
        if sd_id is None:
            return {}, text
        at = sd_id.end()
        while text.startswith(" ", at):
            name = _SD_NAME.match(text, at + 1)
            value = (
                _SD_VALUE.match(text, name.end() + 1) if name and text.startswith("=", name.end()) else None
            )
            if name is None or value is None:
                return {}, text
            found.setdefault(f"{sd_id[0]}.{name[0]}", _SD_ESCAPE.sub(r"\1", value[1]))
            at = value.end()
        if not text.startswith("]", at):
            return {}, text
        at += 1
    return found, text[at:].removeprefix(" ")


def leading_time(text: str, context: ReadContext, at: int = 0) -> tuple[int | None, int]:
    """The instant that starts at `at` (None for 31 February) and where it ends; `at` again where none stands there."""
    named = _NAMED.match(text, at)
    if named:
        month, day, year, clock, late_year, zone = named.groups()
        if zone in ("UTC", "GMT"):
            context = replace(context, zone=UTC)
        return named_month_instant(month, day, clock, context, year or late_year), named.end()
    iso = _ISO.match(text, at)
    if iso:
        return iso_instant(iso[0], context), iso.end()
    return None, at


def _rfc3164(text: str, context: ReadContext, *, timeless: bool) -> SyslogLine | None:
    time, end = leading_time(text, context)
    if not timeless and (end == 0 or _APPLICATION.match(text, end)):
        return None
    return _after_time(text[end:].lstrip(" :"), time) if end else _after_time(text, None, hostless=True)


def _after_time(text: str, time: int | None, *, hostless: bool = False) -> SyslogLine:
    host = None
    tag = _TAG.match(text)
    if tag is None and not hostless:
        named = _HOST.match(text)
        if named:
            host = named[0].rstrip(":")
            text = text[named.end() :].removeprefix(" ")
            text = text.removeprefix("-- ")  # login(1) of old systems writes its tag as `-- user`
            tag = _TAG.match(text) or _VERSIONED_TAG.match(text)
    if tag is None:
        return SyslogLine(text, "rfc3164", time, host)
    pid = tag[2] if tag.re is _TAG else None
    return SyslogLine(text[tag.end() :].lstrip(" "), "rfc3164", time, host, tag[1], pid)


def _cisco(text: str, context: ReadContext) -> SyslogLine | None:
    """`[relay time] [host] [sequence:] [host:] [*time:] %FACILITY-SEVERITY-MNEMONIC: text`, IOS, NX-OS and ASA.

    Nothing but host names, numbers and times may stand before the mnemonic: a user name that looks like one, in
    another program's message, must not turn that message into a router's.
    """
    mnemonic = _CISCO.search(text, 0, _CISCO_PREFIX_CHARS)
    if mnemonic is None:
        return None
    prefix = text[: mnemonic.start()]
    time, names, at = None, [], 0
    while at < len(prefix):
        found, end = leading_time(prefix, context, at)
        if end > at:
            time, at = (time if found is None else found), end  # the last one is the device's own clock
            continue
        word, _, _ = prefix[at:].partition(" ")
        at += len(word) + 1
        word = word.rstrip(":")
        if word and not _HOST.fullmatch(word):
            return None
        if word and not word.isdigit():
            names.append(word)
    if len(names) > _CISCO_NAMES:
        return None
    severity = SEVERITIES[int(mnemonic[1])]
    return SyslogLine(text[mnemonic.start() :], "cisco", time, names[0] if names else None, severity=severity)
