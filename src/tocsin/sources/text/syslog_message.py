"""From a syslog line to its meaning: which program speaks, which Sigma logsources that is, which fields it gives.

A payload in a format of its own (CEF, LEEF, FortiGate, auditd, JSON, filterlog) goes to that format's reader; the
header only fills in the host and the time that the payload leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.config.bounds import PARSED_MESSAGE_CHARS
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft, ObjectFormat, ReadContext
from tocsin.sources.network_json import SuricataEve, ZeekJson
from tocsin.sources.text import linux_auth, linux_services
from tocsin.sources.text.appliances import appliance_draft
from tocsin.sources.text.auditd import audit_draft, is_audit
from tocsin.sources.text.cef import cef_draft, is_cef
from tocsin.sources.text.cisco import cisco_draft
from tocsin.sources.text.fortigate import fortigate_draft, is_fortigate
from tocsin.sources.text.json_payload import json_object
from tocsin.sources.text.key_values import pairs
from tocsin.sources.text.known_messages import AUTHENTICATION, DETECTION, NETWORK, Said, first_known
from tocsin.sources.text.leef import is_leef, leef_draft
from tocsin.sources.text.pfsense import filterlog_draft, web_console_draft
from tocsin.sources.text.syslog_header import SyslogLine
from tocsin.sources.text.web_error import web_error_fields
from tocsin.sources.windows_event import event_draft, xml_event

_FIREWALL = Logsource("linux", "firewall", "kernel")
_ANTIVIRUS = Logsource("linux", "antivirus", "clamav")
_REPEATED = re.compile(r"message repeated (\d{1,9}) times?: \[ ?(.*)\]\s*", re.DOTALL)
_OLD_PAM = re.compile(r"([\w.\-/]+)\(pam_\w+\)")
_AUTH_FACILITIES = frozenset({"auth", "authpriv"})
_OBJECTS: tuple[ObjectFormat, ...] = (SuricataEve(), ZeekJson())  # what firewalls send as JSON over syslog
_WEB_CONSOLES = frozenset({"php-fpm", "php", "audit", "configd.py", "webgui"})  # of pfSense and OPNsense
_MIN_PAIRS = 3


def _nothing(message: str) -> Said | None:  # noqa: ARG001  the signature of every reader
    return None


def _sshd(message: str) -> Said | None:
    return first_known(linux_auth.SSHD, message) or linux_auth.pam(message)


def _su(message: str) -> Said | None:
    return first_known(linux_auth.SU, message) or linux_auth.pam(message)


def _sudo(message: str) -> Said | None:
    return linux_auth.sudo(message) or linux_auth.pam(message)


def _polkit(message: str) -> Said | None:
    return first_known(linux_auth.POLKIT, message) or linux_auth.pam(message)


def _accounts(message: str) -> Said | None:
    return first_known(linux_auth.ACCOUNTS, message) or linux_auth.pam(message)


def _login(message: str) -> Said | None:
    return first_known(linux_auth.LOGIN, message) or linux_auth.pam(message)


def _cron(message: str) -> Said | None:
    return first_known(linux_services.CRON, message) or linux_auth.pam(message)


def _clamav(message: str) -> Said | None:
    return first_known(linux_services.CLAMAV, message)


def _ftp(message: str) -> Said | None:
    return first_known(linux_services.FTP, message) or linux_auth.pam(message)


def _mail(message: str) -> Said | None:
    return first_known(linux_services.MAIL, message)


def _systemd(message: str) -> Said | None:
    return first_known(linux_services.SYSTEMD, message) or linux_auth.pam(message)


def _openvpn(message: str) -> Said | None:
    return first_known(linux_services.OPENVPN, message)


def _guacamole(message: str) -> Said | None:
    return first_known(linux_services.GUACAMOLE, message)


@dataclass(frozen=True, slots=True)
class Program:
    """How the messages of a program are read.

    Attributes:
        service: Its Sigma service, and its rows' kind.
        read: Finds the fields of its well-known messages.
        auth: Whether it writes to the auth log.
    """

    service: str
    read: Callable[[str], Said | None] = _nothing
    auth: bool = False


def _programs() -> dict[str, Program]:
    table: tuple[tuple[str, Program], ...] = (
        ("sshd sshd-session sshd-auth", Program("sshd", _sshd, auth=True)),
        ("sudo sudo-rs", Program("sudo", _sudo, auth=True)),
        ("su runuser", Program("su", _su, auth=True)),
        ("pkexec polkitd polkit-agent-helper-1", Program("polkit", _polkit, auth=True)),
        (
            "useradd usermod userdel groupadd groupmod groupdel gpasswd passwd chpasswd chage chfn chsh adduser newusers",
            Program("accounts", _accounts, auth=True),
        ),
        (
            "login systemd-logind root gdm gdm-password gdm-session-worker gdm-binary lightdm sddm xrdp-sesman klogind rshd rlogind",
            Program("login", _login, auth=True),
        ),
        ("cron crond crontab anacron atd", Program("cron", _cron)),
        ("clamd freshclam clamscan clamonacc clamav clamav-daemon clamdscan", Program("clamav", _clamav)),
        ("vsftpd", Program("vsftpd", _ftp)),
        ("ftpd proftpd pure-ftpd in.ftpd", Program("ftp", _ftp)),
        ("guacd guacamole", Program("guacamole", _guacamole)),
        ("systemd systemd-networkd networkd-dispatcher", Program("systemd", _systemd)),
        ("kernel", Program("kernel", linux_services.packet)),
        ("dovecot smtpd postfix submission smtps", Program("mail", _mail)),
        ("openvpn", Program("openvpn", _openvpn)),
        ("named bind", Program("named")),
        ("apache apache2 httpd", Program("apache")),
        ("nginx", Program("nginx")),
        ("auditd audispd audisp-syslog", Program("auditd")),
        ("rsyslogd syslogd syslog-ng syslog", Program("rsyslog")),
    )
    return {name: program for names, program in table for name in names.split()}


PROGRAMS = _programs()
_OTHER = Program("other", linux_auth.pam)


def syslog_draft(line: SyslogLine, context: ReadContext) -> Draft:
    """What `line` says.

    Raises:
        BadRecord: its payload is of a known format, and broken.
    """
    draft = _payload(line, context) or _linux(line)
    if draft.time is None:
        draft.time = line.time
    draft.host = draft.host or line.host
    for name, value in _header_fields(line).items():
        draft.fields.setdefault(name, value)
    return draft


def _header_fields(line: SyslogLine) -> dict[str, Any]:
    named = {
        "hostname": line.host,
        "program": line.app,
        "appname": line.app,
        "pid": line.pid,
        "msgid": line.msgid,
        "facility": line.facility,
        "severity": line.severity,
        "message": line.message,
    }
    return {name: value for name, value in named.items() if value is not None} | line.structured


def _payload(line: SyslogLine, context: ReadContext) -> Draft | None:
    """The draft of a payload that has a format of its own, None where the message is free text."""
    message = line.message.lstrip()
    if line.form == "cisco":
        return cisco_draft(line)
    for recognised, draft in _PAYLOADS:
        if recognised(message):
            return draft(message, context)
    if line.app in ("filterlog", "filterdns") and "," in message:
        return filterlog_draft(message)
    if message.startswith("{"):
        return _json(message, line, context)
    if line.app in _WEB_CONSOLES:
        return web_console_draft(message[:PARSED_MESSAGE_CHARS])
    return appliance_draft(line)


def _is_event_xml(message: str) -> bool:
    """Sysmon for Linux writes its events so."""
    return message.startswith(("<Event>", "<Event "))


_PAYLOADS: tuple[tuple[Callable[[str], bool], Callable[[str, ReadContext], Draft]], ...] = (
    (is_cef, cef_draft),
    (is_leef, leef_draft),
    (is_fortigate, fortigate_draft),
    (is_audit, audit_draft),
    (_is_event_xml, lambda message, _: event_draft(xml_event(message)["Event"])),
)


def _json(message: str, line: SyslogLine, context: ReadContext) -> Draft | None:
    """What a JSON object says; text that only starts like one stays text."""
    found = json_object(message)
    if found is None:
        return None
    for shape in _OBJECTS:
        if shape.recognises(found):
            return shape.draft(found, context)
    fields = {**found, "message": found.get("message", message)}
    linux = _linux(line)
    return Draft(fields, linux.logsources, "syslog/json")


def _linux(line: SyslogLine) -> Draft:
    name, message = _program_name(line)
    program = PROGRAMS.get(name.lower(), _OTHER)
    repeated = _REPEATED.fullmatch(message[: 2 * PARSED_MESSAGE_CHARS])
    text = repeated[2] if repeated else message
    said = program.read(text) if len(text) <= PARSED_MESSAGE_CHARS else None
    fields: dict[str, Any] = {"message": line.message}
    if name:
        fields["program"] = fields["appname"] = name
    if repeated:
        fields["repeated"] = int(repeated[1])
    if said is not None:
        fields |= said.fields
    elif program.service in ("apache", "nginx"):
        fields |= web_error_fields(text)
    elif program is _OTHER:
        fields |= _generic_pairs(text, fields)
    user = fields.get("user")
    return Draft(
        fields=fields,
        logsources=_logsources(program, line, said),
        kind=f"syslog/{program.service}",
        user=user if isinstance(user, str) and user else None,
        ocsf_class=said.ocsf_class if said else 0,
    )


def _program_name(line: SyslogLine) -> tuple[str, str]:
    """The program without path and PAM module, and its message: `/USR/SBIN/CRON` is cron, `postfix/smtpd` is smtpd."""
    if line.app is None:
        return "", line.message
    old = _OLD_PAM.fullmatch(line.app)
    name = old[1] if old else line.app
    return name.rpartition("/")[2] or name, line.message


def _generic_pairs(text: str, known: Mapping[str, Any]) -> dict[str, str]:
    """`key=value` pairs of a message that is made of them, {} for prose that merely holds one."""
    if text.count("=") < _MIN_PAIRS:
        return {}
    found = pairs(text)
    return (
        {key: value for key, value in found.items() if key not in known} if len(found) >= _MIN_PAIRS else {}
    )


def _logsources(program: Program, line: SyslogLine, said: Said | None) -> frozenset[Logsource]:
    found = {Logsource("linux", None, "syslog")}
    if program is not _OTHER:
        found.add(Logsource("linux", None, program.service))
    if program.auth or line.facility in _AUTH_FACILITIES or (said and said.ocsf_class == AUTHENTICATION):
        found.add(Logsource("linux", None, "auth"))
    if said is not None and said.ocsf_class == NETWORK and program.service == "kernel":
        found.add(_FIREWALL)
    if said is not None and said.ocsf_class == DETECTION and program.service == "clamav":
        found.add(_ANTIVIRUS)
    return frozenset(found)
