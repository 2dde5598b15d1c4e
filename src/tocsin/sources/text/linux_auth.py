"""What Linux programs say about log-ins and accounts: sshd, sudo, su, PAM, polkit, the shadow tools, logind.

Sources: OpenSSH `auth.c` and `auth-pam.c`, Linux-PAM `pam_unix`, sudo `logging.c`, shadow-utils `src/*.c`. Names that
a stranger chooses (the user of a failed log-in) are matched greedily up to the last fixed words, so that a user called
`x from 1.2.3.4 port 1 ssh2` does not change the address.
"""

from __future__ import annotations

import re

from tocsin.sources.text.known_messages import (
    ACCOUNT_CHANGE,
    AUTHENTICATION,
    PROCESS,
    Known,
    Said,
    first_known,
)

_PEER = r"(?P<src>\S{1,255})(?: port (?P<src_port>\d{1,5}))?"
_FULL_PEER = r"(?P<src>\S{1,255}) port (?P<src_port>\d{1,5})"

SSHD = (
    Known(
        rf"Accepted (?P<method>\S+) for (?P<user>.*) from {_PEER}(?: ssh\d?)?(?:: .*)?",
        "accepted",
        AUTHENTICATION,
    ),
    Known(
        rf"Failed (?P<method>\S+) for (?:(?:invalid|illegal) user )?(?P<user>.*) from {_PEER}(?: ssh\d?)?(?:: .*)?",
        "failed",
        AUTHENTICATION,
    ),
    Known(rf"(?:Invalid|Illegal) user (?P<user>.*) from {_PEER}", "invalid_user", AUTHENTICATION),
    Known(
        rf"(?:error: )?maximum authentication attempts exceeded for (?:invalid user )?(?P<user>.*) from {_PEER}"
        r"(?: ssh\d?)?(?: \[preauth\])?",
        "failed",
        AUTHENTICATION,
    ),
    Known(
        r"(?:error: )?PAM: .{1,64} for (?:illegal user )?(?P<user>.*) from (?P<src>\S{1,255})",
        "failed",
        AUTHENTICATION,
    ),
    Known(r"User (?P<user>.*) from (?P<src>\S{1,255}) not allowed because .*", "denied", AUTHENTICATION),
    Known(
        rf"(?:Connection (?:closed|reset) by|Disconnected from) (?:(?:invalid|authenticating) )?user (?P<user>.*) "
        rf"{_FULL_PEER}"
        r"(?: \[preauth\])?",
        "disconnected",
        AUTHENTICATION,
    ),
    Known(
        rf"(?:Connection (?:closed|reset) by|Disconnected from|Received disconnect from) {_PEER}(?::.*| \[preauth\])?",
        "disconnected",
    ),
    Known(
        rf"(?:Did not receive identification string|Bad protocol version identification .*) from {_PEER}",
        "probed",
    ),
)

PAM = (
    Known(
        r"authentication failure; logname=(?P<logname>\S*) uid=(?P<uid>\d+) euid=(?P<euid>\d+) tty=(?P<tty>\S*) "
        r"ruser=(?P<ruser>\S*) rhost=(?P<src>\S*)(?:\s+user=(?P<user>.*))?\s*",
        "failed",
        AUTHENTICATION,
    ),
    Known(
        r"session opened for user (?P<user>.*?)(?:\(uid=(?P<uid>\d+)\))? by (?P<by_user>\S*?)\(uid=(?P<by_uid>\d+)\)",
        "session_opened",
        AUTHENTICATION,
    ),
    Known(r"session closed for user (?P<user>.*)", "session_closed", AUTHENTICATION),
    Known(r"check pass; user unknown", "invalid_user", AUTHENTICATION),
    Known(r"password changed for (?P<target_user>.*)", "password_changed", ACCOUNT_CHANGE),
    Known(r"account (?P<target_user>\S+) has expired.*", "denied", AUTHENTICATION),
)

SU = (
    Known(r"\(to (?P<as_user>\S+)\) (?P<user>.*) on (?P<tty>\S+)", "accepted", AUTHENTICATION),
    Known(r"FAILED SU \(to (?P<as_user>\S+)\) (?P<user>.*) on (?P<tty>\S+)", "failed", AUTHENTICATION),
    Known(r"Successful su for (?P<as_user>\S+) by (?P<user>\S+)", "accepted", AUTHENTICATION),
    Known(r"FAILED su for (?P<as_user>\S+) by (?P<user>\S+)", "failed", AUTHENTICATION),
    Known(r"BAD SU (?P<user>\S+) to (?P<as_user>\S+) on (?P<tty>\S+)", "failed", AUTHENTICATION),
    Known(r"(?P<user>\S+) to (?P<as_user>\S+) on (?P<tty>\S+)", "accepted", AUTHENTICATION),
)

POLKIT = (
    Known(
        r"(?P<user>\S+): (?P<reason>.{1,512}?) \[USER=(?P<as_user>[^\]]*)\] \[TTY=(?P<tty>[^\]]*)\] "
        r"\[CWD=(?P<pwd>[^\]]*)\] \[COMMAND=(?P<command>.*)\]",
        "command",
        PROCESS,
    ),
)

ACCOUNTS = (
    Known(
        r"new user: name=(?P<target_user>[^,]*), UID=(?P<UID>\d+), GID=(?P<GID>\d+), home=(?P<home>[^,]*), "
        r"shell=(?P<shell>[^,]*)(?:, from=(?P<tty>\S+))?",
        "user_added",
        ACCOUNT_CHANGE,
    ),
    Known(
        r"(?:new group: |group added to \S+: )name=(?P<group>[^,]*)(?:, GID=(?P<GID>\d+))?",
        "group_added",
        ACCOUNT_CHANGE,
    ),
    Known(
        r"add '(?P<target_user>[^']*)' to (?:shadow )?group '(?P<group>[^']*)'",
        "group_member_added",
        ACCOUNT_CHANGE,
    ),
    Known(
        r"user (?P<target_user>\S+) added by (?P<user>\S+) to group (?P<group>\S+)",
        "group_member_added",
        ACCOUNT_CHANGE,
    ),
    Known(
        r"(?:delete|remove) '(?P<target_user>[^']*)' from (?:shadow )?group '(?P<group>[^']*)'",
        "group_member_removed",
        ACCOUNT_CHANGE,
    ),
    Known(r"delete user '(?P<target_user>[^']*)'", "user_deleted", ACCOUNT_CHANGE),
    Known(
        r"removed group '(?P<group>[^']*)' owned by '(?P<target_user>[^']*)'", "group_deleted", ACCOUNT_CHANGE
    ),
    Known(r"change user '(?P<target_user>[^']*)' password", "password_changed", ACCOUNT_CHANGE),
    Known(r"(?P<change>lock|unlock) user '(?P<target_user>[^']*)' password", "user_changed", ACCOUNT_CHANGE),
    Known(r"change user '(?P<target_user>[^']*)' (?P<change>.{1,512})", "user_changed", ACCOUNT_CHANGE),
    Known(
        r"password for '?(?P<target_user>[^']*?)'? changed by '?(?P<user>[^']*?)'?",
        "password_changed",
        ACCOUNT_CHANGE,
    ),
)

LOGIN = (
    Known(r"New session (?P<session>\S+) of user (?P<user>.*)\.", "session_opened", AUTHENTICATION),
    Known(r"Removed session (?P<session>\S+)\.", "session_closed"),
    Known(r"(?P<user>ROOT) LOGIN +ON (?P<tty>\S+)(?: FROM (?P<src>\S+))?", "accepted", AUTHENTICATION),
    Known(r"LOGIN ON (?P<tty>\S+) BY (?P<user>\S+)(?: FROM (?P<src>\S+))?", "accepted", AUTHENTICATION),
    Known(
        r"FAILED LOGIN (?:SESSION )?\S* ?FROM (?P<src>\S+) FOR '?(?P<user>.*?)'?, (?P<reason>.*)",
        "failed",
        AUTHENTICATION,
    ),
)

_SUDO = re.compile(
    r"\s*(\S+) : (?:([^;=]{1,256}) ; )?((?:HOST|TTY|CHROOT|PWD|USER|GROUP|TSID|ENV|COMMAND)=.*)", re.DOTALL
)
_PAM_MODULE = re.compile(r"pam_\w+\(([\w.\-]+):(\w+)\): ")


def sudo(message: str) -> Said | None:
    """`bob : [reason ;] TTY=… ; PWD=… ; USER=… ; COMMAND=…`: sudo's own names, and ours beside them.

    The command is the last and may hold anything, ` ; ` too.
    """
    match = _SUDO.fullmatch(message)
    if match is None:
        return None
    user, reason, rest = match.groups()
    before, found, command = rest.partition("COMMAND=")
    fields: dict[str, object] = {}
    for part in before.split(" ; "):
        name, equals, value = part.partition("=")
        if equals:
            fields.setdefault(name.strip(), value)
    named = {"user": user, "tty": fields.get("TTY"), "pwd": fields.get("PWD"), "as_user": fields.get("USER")}
    fields |= {name: value for name, value in named.items() if value is not None}
    if found:
        fields["COMMAND"] = fields["command"] = command
    if reason:
        fields["reason"] = reason
    fields["action"] = "denied" if reason else "command"
    return Said(fields, PROCESS)


def pam(message: str) -> Said | None:
    """What a PAM module says: `pam_unix(sshd:auth): …`, or with the module in the tag as old systems write it."""
    module = _PAM_MODULE.match(message)
    said = first_known(PAM, message[module.end() :] if module else message)
    if said is not None and module:
        said.fields |= {"pam_service": module[1], "pam_type": module[2]}
    return said
