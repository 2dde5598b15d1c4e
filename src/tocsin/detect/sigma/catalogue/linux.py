"""Linux logs: syslog and auth as installed, auditd with the rules that we recommend (docs/field-catalogue.md).

Sources: RFC 3164/5424 (a syslog line is one message, so rules search it by keyword), the Linux audit project's field
dictionary.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import Switch, kind, supply
from tocsin.detect.sigma.catalogue.sysmon import SYSMON_LINUX

_LINE = "message appname pid hostname facility severity msgid"
"""What every syslog line gives, whatever its program."""

_SIGN_IN = (
    "action user src_ip src_host src_port method USER COMMAND PWD TTY HOST GROUP command as_user pwd tty reason "
    "target_user group UID GID home shell change session pam_service pam_type logname uid euid ruser crontab path"
)
"""What well-known messages of the auth log and of cron give besides."""

_AUDIT = (
    "type serial node auid uid gid euid suid fsuid egid sgid fsgid ses pid ppid comm exe tty subj key res success arch "
    "syscall SYSCALL exit items item name nametype inode dev mode ouid ogid cwd argc proctitle unit op acct addr hostname "
    "terminal saddr dst_ip dst_port family cap_fe cap_fi cap_fp AUID UID GID EUID"
)
_ARGUMENTS = " ".join(f"a{number}" for number in range(32))

_AUTH_SERVICES = ("sshd", "sudo", "su", "polkit", "accounts", "login", "auth", "cron")
_OTHER_SERVICES = ("syslog", "clamav", "vsftpd", "ftp", "guacamole", "mail", "openvpn", "systemd", "kernel")


SWITCHES: tuple[Switch, ...] = (
    Switch(
        "linux-auth",
        "Linux auth log (sshd, sudo, su, cron, accounts)",
        "collect /var/log/auth.log (or /var/log/secure, or the journal)",
        tuple(
            supply(kind(f"syslog/{service}", ("linux", None, service)), f"{_LINE} {_SIGN_IN}")
            for service in _AUTH_SERVICES
        ),
    ),
    Switch(
        "linux-syslog",
        "Linux syslog",
        "collect /var/log/syslog (or /var/log/messages, or the journal)",
        (
            *(
                supply(kind(f"syslog/{service}", ("linux", None, service)), f"{_LINE} action user src_ip")
                for service in _OTHER_SERVICES
            ),
            supply(kind("syslog/found", ("linux", "antivirus", "clamav")), f"{_LINE} Filename Signature"),
            supply(
                kind("syslog/packet", ("linux", "firewall", "kernel")),
                f"{_LINE} src_ip dst_ip src_port dst_port protocol action blocked",
            ),
        ),
    ),
    Switch(
        "linux-auditd",
        "Linux audit daemon with the recommended rules",
        "install auditd, load the rules of docs/field-catalogue.md and collect /var/log/audit/audit.log",
        (
            supply(kind("auditd", ("linux", None, "auditd")), f"{_AUDIT} {_ARGUMENTS}"),
            supply(
                kind("auditd/EXECVE", ("linux", "process_creation", None)),
                f"type argc Image CommandLine User ProcessId ParentProcessId {_ARGUMENTS}",
            ),
            supply(
                kind("auditd/PATH", ("linux", "file_event", None)),
                "type name nametype inode mode TargetFilename Image",
            ),
        ),
    ),
    SYSMON_LINUX,
)
