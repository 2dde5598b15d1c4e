"""Linux logs: syslog and auth as installed, auditd with the rules that we recommend (docs/field-catalogue.md).

Sources: RFC 3164/5424 (a syslog line is one message, so rules search it by keyword), the Linux audit project's field
dictionary.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import Switch, kind, supply
from tocsin.detect.sigma.catalogue.sysmon import SYSMON_LINUX

SYSLOG = "message program pid hostname host facility severity priority"
"""What every syslog line gives, whatever its program."""

_AUDIT_COMMON = (
    "type msg auid uid gid euid suid fsuid egid sgid fsgid ses pid ppid comm exe tty subj key res success"
)
_AUDIT_ARGUMENTS = " ".join(f"a{number}" for number in range(32))

# Programs whose lines Tocsin gives a service of their own.
_AUTH_SERVICES = ("sshd", "sudo", "su", "auth", "cron")
_SYSLOG_SERVICES = ("syslog", "clamav", "vsftpd", "guacamole")


SWITCHES: tuple[Switch, ...] = (
    Switch(
        "linux-auth",
        "Linux auth log (sshd, sudo, su, cron, accounts)",
        "collect /var/log/auth.log (or /var/log/secure, or the journal)",
        tuple(
            supply(kind(f"syslog/{service}", ("linux", None, service)), f"{SYSLOG} USER COMMAND PWD TTY")
            for service in _AUTH_SERVICES
        ),
    ),
    Switch(
        "linux-syslog",
        "Linux syslog",
        "collect /var/log/syslog (or /var/log/messages, or the journal)",
        (
            supply(kind("syslog/any", ("linux", None, None)), SYSLOG),
            *(
                supply(kind(f"syslog/{service}", ("linux", None, service)), SYSLOG)
                for service in _SYSLOG_SERVICES
            ),
        ),
    ),
    Switch(
        "linux-auditd",
        "Linux audit daemon with the recommended rules",
        "install auditd, load the rules of docs/field-catalogue.md and collect /var/log/audit/audit.log",
        (
            supply(
                kind("auditd", ("linux", None, "auditd")),
                f"{_AUDIT_COMMON} {_AUDIT_ARGUMENTS} arch syscall SYSCALL exit items item name nametype inode dev mode "
                "ouid ogid cwd argc proctitle unit op acct addr hostname terminal saddr family cap_fe cap_fi cap_fp",
            ),
        ),
    ),
    SYSMON_LINUX,
)
