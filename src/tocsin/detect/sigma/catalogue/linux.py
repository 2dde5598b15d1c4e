"""Linux logs: syslog and auth as installed, auditd with the rules that we recommend (docs/field-catalogue.md).

Sources: RFC 3164/5424 (a syslog line is one message, so rules search it by keyword; well-known messages give fields
besides), systemd.journal-fields(7), the Linux audit project's field dictionary.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import Kind, Supply, Switch, kind, supply
from tocsin.detect.sigma.catalogue.sysmon import SYSMON_LINUX

LINE = "message program appname pid hostname facility severity msgid repeated"
"""What every syslog line can give, whatever its program."""

_JOURNAL = "MESSAGE MESSAGE_ID PRIORITY SYSLOG_* CODE_* UNIT USER_UNIT JOB_* INVOCATION_ID _*"
_PAM = (
    "action user src_ip src_host logname uid euid tty ruser by_user by_uid target_user pam_service pam_type"
)
_SUDO = "USER COMMAND TTY PWD HOST GROUP CHROOT TSID ENV command as_user pwd reason"

# service | fields of its well-known messages; all of these programs may write to the auth log
_AUTH = f"""
sshd | {_PAM} src_port method
sudo | {_PAM} {_SUDO}
su | {_PAM} as_user
polkit | {_PAM} reason as_user pwd command
accounts | {_PAM} UID GID home shell group change
login | {_PAM} session reason
"""

_NETFILTER = (
    "prefix IN OUT PHYSIN PHYSOUT MAC SRC DST LEN TOS PREC TTL ID DF PROTO SPT DPT SEQ ACK WINDOW RES URGP TYPE CODE UID "
    "GID MARK src_ip dst_ip src_port dst_port proto action blocked"
)
_WEB = "severity module pid c-ip src_ip src_port server cs-method c-uri cs-host"

# service | logsources beside `syslog` and its own | fields of its well-known messages
_OTHER = f"""
cron | auth | {_PAM} command crontab path
vsftpd | auth | {_PAM} ftp path peer
ftp | auth | {_PAM} ftp path peer
systemd | auth | {_PAM} unit
mail | auth | action user src_ip src_host method protocol
openvpn | auth | action user src_ip src_host src_port
guacamole | auth | action user src_ip src_host change connection
clamav | antivirus | action Filename Signature
kernel | firewall | {_NETFILTER}
named | |
apache | | {_WEB}
nginx | | {_WEB}
rsyslog | |
"""

_AUDIT = (
    "type serial node auid uid gid euid suid fsuid egid sgid fsgid ses pid ppid comm exe tty subj key res success arch "
    "syscall SYSCALL exit items item name nametype inode dev mode rdev ouid ogid cwd argc proctitle unit op acct addr "
    "terminal saddr dst_ip dst_port family cap_fe cap_fi cap_fp cap_fver cap_frootid AUID UID GID EUID SUID FSUID EGID SGID "
    "FSGID OUID OGID ARCH SADDR ID id cmd data grantors reason sig code ip compat list table entries old old-auid "
    "old-ses scontext tcontext tclass permissive path"
)
_ARGUMENTS = " ".join(f"a{number}" for number in range(32))
_RECORD = f"{LINE} {_AUDIT} {_ARGUMENTS}"


def _line(service: str, *more: str, fields: str) -> Supply:
    """A program's lines: of its own service, of `syslog`, and of `more`."""
    beside = {"antivirus": ("linux", "antivirus", service), "firewall": ("linux", "firewall", service)}
    extra = (beside.get(name, ("linux", None, name)) for name in more)
    of: Kind = kind(f"syslog/{service}", ("linux", None, service), ("linux", None, "syslog"), *extra)
    return supply(of, f"{LINE} {_JOURNAL} {fields}")


def _rows(table: str) -> list[list[str]]:
    return [[part.strip() for part in line.split("|")] for line in table.strip().splitlines()]


_ANY_PROGRAM = kind("syslog/other", ("linux", None, "syslog"), ("linux", None, "auth"))
"""A program that has no service of its own; some speak of sign-ins in PAM's words."""

SWITCHES: tuple[Switch, ...] = (
    Switch(
        "linux-auth",
        "Linux auth log (sshd, sudo, su, polkit, account tools, log-ins)",
        "collect /var/log/auth.log (or /var/log/secure, or the journal)",
        (
            *(_line(service, "auth", fields=fields) for service, fields in _rows(_AUTH)),
            _line("cron", "auth", fields=_PAM),
            supply(_ANY_PROGRAM, f"{LINE} {_JOURNAL} {_PAM}"),
        ),
    ),
    Switch(
        "linux-syslog",
        "Linux syslog (cron, systemd, kernel, mail, FTP, ClamAV and others)",
        "collect /var/log/syslog (or /var/log/messages and /var/log/cron, or the journal)",
        (
            *(_line(service, *more.split(), fields=fields) for service, more, fields in _rows(_OTHER)),
            supply(_ANY_PROGRAM, f"{LINE} {_JOURNAL} {_PAM}"),
        ),
    ),
    Switch(
        "linux-auditd",
        "Linux audit daemon with the recommended rules",
        "install auditd, load the rules of docs/field-catalogue.md and collect /var/log/audit/audit.log",
        (
            supply(kind("auditd", ("linux", None, "auditd")), _RECORD),
            supply(
                kind(
                    "auditd/EXECVE",
                    ("linux", None, "auditd"),
                    ("linux", "process_creation", None),
                    type="EXECVE",
                ),
                f"{LINE} type serial node argc Image CommandLine User ProcessId ParentProcessId {_ARGUMENTS}",
            ),
            supply(
                kind("auditd/PATH", ("linux", None, "auditd"), ("linux", "file_event", None), type="PATH"),
                f"{LINE} type serial node item name nametype inode dev mode rdev ouid ogid OUID OGID cap_fe cap_fi cap_fp "
                "cap_fver cap_frootid TargetFilename Image",
            ),
        ),
    ),
    SYSMON_LINUX,
)
