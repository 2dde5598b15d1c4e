"""What well-known programs say, with the Sigma logsource whose rules look at it."""

import pytest
from tests.sources.text.reading import one

from tocsin.records.event import Logsource


def said(app, message, host="web01"):
    return one("rfc3164", f"Mar  1 03:14:07 {host} {app}: {message}")


FOREIGN = {"src_ip": "203.0.113.9", "src_port": 51122}


@pytest.mark.parametrize(
    ("app", "message", "service", "fields"),
    [
        (
            "sshd[1]",
            "Accepted password for bob from 203.0.113.9 port 51122 ssh2",
            "sshd",
            {"action": "accepted", "user": "bob", "method": "password", **FOREIGN},
        ),
        (
            "sshd[1]",
            "Failed password for invalid user oracle from 203.0.113.9 port 51122 ssh2",
            "sshd",
            {"action": "failed", "user": "oracle", **FOREIGN},
        ),
        (
            "sshd[1]",
            "Invalid user a b from 203.0.113.9 port 51122",
            "sshd",
            {"action": "invalid_user", "user": "a b", **FOREIGN},
        ),
        (
            "sshd[1]",
            "Connection closed by authenticating user root 203.0.113.9 port 51122 [preauth]",
            "sshd",
            {"action": "disconnected", "user": "root", **FOREIGN},
        ),
        (
            "sshd-session[1]",
            "Failed publickey for root from host.example port 51122 ssh2: RSA SHA256:x",
            "sshd",
            {"action": "failed", "src_host": "host.example"},
        ),
        (
            "sshd[1]",
            "message repeated 2 times: [ Failed password for root from 203.0.113.9 port 51122 ssh2]",
            "sshd",
            {"repeated": 2, "action": "failed", "user": "root"},
        ),
        (
            "sshd[1]",
            "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9  user=root",
            "sshd",
            {"action": "failed", "user": "root", "src_ip": "203.0.113.9", "pam_service": "sshd"},
        ),
        (
            "sshd(pam_unix)[1]",
            "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=h.example ",
            "sshd",
            {"action": "failed", "src_host": "h.example"},
        ),
        (
            "sudo",
            "   bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/sh -c a ; b",
            "sudo",
            {
                "USER": "root",
                "user": "bob",
                "COMMAND": "/bin/sh -c a ; b",
                "tty": "pts/0",
                "action": "command",
            },
        ),
        (
            "sudo",
            "bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=#-1 ; COMMAND=/bin/ls",
            "sudo",
            {"USER": "#-1", "action": "denied", "reason": "user NOT in sudoers"},
        ),
        (
            "su",
            "FAILED SU (to root) bob on pts/0",
            "su",
            {"action": "failed", "user": "bob", "as_user": "root"},
        ),
        (
            "useradd[1]",
            "new user: name=eve, UID=0, GID=0, home=/root, shell=/bin/bash, from=/dev/pts/1",
            "accounts",
            {"action": "user_added", "target_user": "eve", "UID": "0"},
        ),
        (
            "usermod[1]",
            "add 'eve' to group 'sudo'",
            "accounts",
            {"action": "group_member_added", "target_user": "eve", "group": "sudo"},
        ),
        (
            "passwd[1]",
            "pam_unix(passwd:chauthtok): password changed for eve",
            "accounts",
            {"action": "password_changed", "target_user": "eve"},
        ),
        ("userdel[1]", "delete user 'eve'", "accounts", {"action": "user_deleted", "target_user": "eve"}),
        ("CRON[1]", "(root) CMD (   /usr/bin/x)", "cron", {"user": "root", "command": "/usr/bin/x"}),
        ("/USR/SBIN/CRON[1]", "(root) CMD (/usr/bin/x)", "cron", {"user": "root"}),
        ("crontab[1]", "(www-data) REPLACE (www-data)", "cron", {"crontab": "REPLACE"}),
        (
            "clamd[1]",
            "/srv/a: b.exe: Win.Trojan.X-1 FOUND",
            "clamav",
            {"Filename": "/srv/a: b.exe", "Signature": "Win.Trojan.X-1"},
        ),
        (
            "vsftpd[1]",
            '[bob] FAIL LOGIN: Client "203.0.113.9"',
            "vsftpd",
            {"action": "failed", "user": "bob", "src_ip": "203.0.113.9"},
        ),
        ("guacd[1]", 'User "@a" joined connection "$b" (2 users now present)', "guacamole", {"user": "@a"}),
        (
            "postfix/smtpd[1]",
            "warning: unknown[203.0.113.9]: SASL LOGIN authentication failed: x",
            "mail",
            {"action": "failed", "src_ip": "203.0.113.9"},
        ),
        (
            "dovecot",
            "imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<bob>, method=PLAIN, rip=203.0.113.9, lip=10.0.0.1",
            "mail",
            {"action": "failed", "user": "bob", "src_ip": "203.0.113.9"},
        ),
        ("openvpn[1]", "user 'bob' could not authenticate.", "openvpn", {"action": "failed", "user": "bob"}),
        ("ovpn-server[1]", "plain", "syslog", {}),
        (
            "systemd[1]",
            "Stopped Firewall Service.",
            "systemd",
            {"action": "service_stopped", "unit": "Firewall Service"},
        ),
        (
            "kernel",
            "[1.0] [UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.9 DST=10.0.0.4 PROTO=TCP SPT=51122 DPT=23",
            "kernel",
            {"action": "block", "dst_port": 23, "SRC": "203.0.113.9", **FOREIGN},
        ),
    ],
)
def test_well_known_messages(app, message, service, fields):
    draft = said(app, message)
    assert Logsource("linux", None, service) in draft.logsources
    assert draft.fields["message"] == message.lstrip()
    assert fields.items() <= draft.fields.items()
    assert draft.user == draft.fields.get("user")


def test_who_writes_to_the_auth_log():
    auth = Logsource("linux", None, "auth")
    assert (
        auth in said("pkexec", "bob: Executing command [USER=root] [TTY=x] [CWD=/] [COMMAND=/x]").logsources
    )
    assert auth in one("rfc3164", "<86>Mar  1 03:14:07 web01 odd: x").logsources
    assert auth not in said("odd", "x").logsources


def test_a_name_that_imitates_the_rest_of_the_message():
    draft = said(
        "sshd[1]",
        "Failed password for invalid user x from 10.9.9.9 port 1 ssh2 from 203.0.113.9 port 51122 ssh2",
    )
    assert draft.fields["src_ip"] == "203.0.113.9"
    assert draft.fields["user"] == "x from 10.9.9.9 port 1 ssh2"


def test_a_message_that_names_a_router_stays_its_program_s():
    draft = said("sshd[1]", "Invalid user %SYS-5-CONFIG_I: x from 203.0.113.9 port 1")
    assert Logsource("linux", None, "sshd") in draft.logsources


def test_detections_of_clamav_and_packets_have_their_category():
    assert Logsource("linux", "antivirus", "clamav") in said("clamd", "/x: Eicar FOUND").logsources
    assert (
        Logsource("linux", "firewall", "kernel")
        in said("kernel", "DROP IN=eth0 OUT= SRC=1.1.1.1 DST=2.2.2.2").logsources
    )


def test_a_log_of_pairs_gives_them():
    assert said("dhcp", "lease=10.0.0.5 mac=aa:bb hostname=x").fields["lease"] == "10.0.0.5"
    assert "a" not in said("odd", "the value a=b is prose").fields


def test_payloads_of_other_formats():
    assert said("x", "CEF:0|Fortinet|Fortigate|7|1|n|3|src=10.0.0.1 act=deny").kind == "cef/fortinet"
    assert said("x", "LEEF:1.0|Juniper|SRX|1|e|src=10.0.0.1").kind == "leef/juniper"
    assert said("x", 'type=CWD msg=audit(1772334847.123:456): cwd="/"').kind == "auditd/CWD"
    json = said("x", '{"user":"bob","message":"hi"}')
    assert (json.fields["user"], json.fields["message"], json.host) == ("bob", "hi", "web01")
    assert said("x", '{"user":').fields["message"] == '{"user":'
    eve = said(
        "suricata[1]", '{"event_type":"alert","src_ip":"203.0.113.9","flow_id":1,"alert":{"signature":"x"}}'
    )
    assert (eve.kind, eve.host, eve.time) == ("suricata/alert", "web01", said("x", "y").time)


def test_pfsense_filter_rows_and_log_ins():
    row = "5,,,1000000103,igb0,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,203.0.113.9,10.0.0.4,51122,3389,0,S,1,,64240,,mss"
    draft = said("filterlog[1]", row)
    wanted = {
        "action": "block",
        "direction": "in",
        "interface": "igb0",
        "proto": "tcp",
        "dst_ip": "10.0.0.4",
        "dst_port": 3389,
        **FOREIGN,
    }
    assert wanted.items() <= draft.fields.items()
    assert Logsource("pfsense", "firewall", "filterlog") in draft.logsources
    six = said(
        "filterlog[1]", "5,,,f,igb0,match,pass,out,6,0x0,0x1,64,udp,17,72,2001:db8::1,2001:db8::2,53,5353,52"
    )
    assert (six.fields["src_ip"], six.fields["dst_port"], six.fields["blocked"]) == (
        "2001:db8::1",
        5353,
        "false",
    )
    login = said(
        "php-fpm[1]", "/index.php: Successful login for user 'admin' from: 203.0.113.9 (Local Database)"
    )
    assert (login.user, login.fields["src_ip"], login.fields["action"]) == (
        "admin",
        "203.0.113.9",
        "accepted",
    )
    assert Logsource("pfsense", None, "webgui") in login.logsources


def test_cisco_asa():
    built = "%ASA-6-302013: Built inbound TCP connection 1 for outside:203.0.113.9/51122 (203.0.113.9/51122) to inside:10.0.0.4/23 (10.0.0.4/23)"
    draft = one("rfc3164", f"<166>Mar 01 2026 03:14:07 fw1 : {built}")
    assert {
        "dst_ip": "10.0.0.4",
        "dst_port": 23,
        "action": "accept",
        **FOREIGN,
    }.items() <= draft.fields.items()
    assert Logsource("cisco", "firewall", "asa") in draft.logsources
    assert draft.host == "fw1"
    denied = (
        '%ASA-4-106023: Deny tcp src outside:203.0.113.9/51122 dst inside:10.0.0.4/22 by access-group "x"'
    )
    assert one("rfc3164", f"<166>Mar 01 2026 03:14:07: {denied}").fields["blocked"] == "true"


def test_storage_boxes():
    login = said(
        "Connection",
        "User [admin] from [203.0.113.9] failed to log in via [DSM] due to authorization failure.",
    )
    assert (login.user, login.fields["action"], login.kind) == ("admin", "failed", "synology/connection")
    file = one(
        "rfc3164",
        "<14>Mar  1 03:14:07 nas1 WinFileService Event: delete, Path: /b/x, y, File/Folder: Folder, User: bob, IP: 10.0.0.9",
    )
    assert (file.fields["Path"], file.fields["action"], file.user, file.fields["src_ip"]) == (
        "/b/x, y",
        "delete",
        "bob",
        "10.0.0.9",
    )
    qnap = said(
        "qulogd[1]",
        "conn log: Users: admin, Source IP: 203.0.113.9, Connection type: HTTPS, Action: Login Fail",
    )
    assert (qnap.user, qnap.fields["action"], qnap.fields["src_ip"]) == ("admin", "failed", "203.0.113.9")
