"""Public Sigma rules must fire on lines as the devices write them, through the real evaluator."""

from __future__ import annotations

import pytest
from tests.sources.text.reading import chosen, read

from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import RuleText
from tocsin.records.event import Event

SYSLOG = "Mar  1 03:14:07 web01 "
AUDIT = "type={} msg=audit(1772334847.123:456): "
EXEC = AUDIT.format("EXECVE")
CALL = (
    AUDIT.format("SYSCALL")
    + 'arch=c000003e syscall={} success=yes a0=26 pid=2 uid=33 euid=33 comm="x" exe="{}" key="susp_activity"'
)
ACCESS = '203.0.113.5 - - [01/Mar/2026:03:14:07 +0000] "{}" 200 512 "-" "{}"'
CISCO = "172.16.5.10 6705: Feb 17 13:40:03.673: %PARSER-5-CFGLOG_LOGGEDCMD: User:admin  logged command:{}"
FORTI = 'date=2026-03-01 time=03:14:07 devname="F" logid="0100044547" type="event" subtype="system" action="{}" cfgpath="{}"'
ZEEK = "#separator \\x09\n#set_separator\t,\n#unset_field\t-\n#path\t{}\n#fields\t{}\n#types\t{}\n{}"
DNS = ZEEK.format(
    "dns", "ts\tquery\tqtype_name\tanswers\trejected", "time\tstring\tstring\tvector[string]\tbool", "{}"
)

HITS = [
    ("lnx_sudo_exploit_cve_2019_14287", SYSLOG + "sudo:  bob : TTY=pts/0 ; PWD=/ ; USER=#-1 ; COMMAND=/bin/sh"),
    ("lnx_cron_crontab_file_modification", SYSLOG + "crontab[9]: (www-data) REPLACE (www-data)"),
    ("lnx_clamav_relevant_message", SYSLOG + "clamd[9]: /srv/x: Win.Trojan.X-1 FOUND"),
    ("lnx_clamav_relevant_message", "Sun Mar  1 03:14:07 2026 -> /srv/x.php: Webshell.X FOUND"),
    ("av_webshell", SYSLOG + "clamd[9]: /srv/x.php: PHP.Webshell-1 FOUND"),
    ("lnx_guacamole_susp_guacamole", SYSLOG + 'guacd[9]: User "@a" joined connection "$b" (2 users now present)'),
    ("lnx_sshd_susp_ssh", SYSLOG + "sshd[9]: fatal: Corrupted MAC on input"),
    ("lnx_vsftpd_susp_error_messages", 'Sun Mar  1 03:14:07 2026 [pid 2] [bob] FAIL: "Input line too long."'),
    ("lnx_privileged_user_creation", SYSLOG + "useradd[9]: new user: name=eve, UID=0, GID=0, home=/, shell=/bin/sh"),
    ("lnx_exploit_cve_2022_27999_cve_2022_27800", SYSLOG + "networkd-dispatcher[9]: ERROR:Error handling notification for interface ../../x"),
    ("lnx_syslog_security_tools_disabling_syslog", SYSLOG + "systemd[1]: stopping iptables"),
    ("lnx_syslog_susp_named", SYSLOG + "named[9]: client 203.0.113.5#53: denied AXFR from 203.0.113.5"),
    ("lnx_shell_clear_cmd_history", SYSLOG + "sudo: bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/bash -c history -c"),
    ("lnx_auditd_user_discovery", EXEC + 'argc=1 a0="whoami"'),
    ("lnx_auditd_susp_cmds", EXEC + 'argc=3 a0="chmod" a1="777" a2="x"'),
    ("lnx_auditd_binary_padding", EXEC + 'argc=4 a0="truncate" a1="-s" a2="+1G" a3="x"'),
    ("lnx_auditd_data_exfil_wget", EXEC + 'argc=2 a0="wget" a1="--post-file=/etc/x"'),
    ("lnx_auditd_bpfdoor_port_redirect", EXEC + 'argc=5 a0="/sbin/iptables" a1="-t" a2="nat" a3="--to-ports" a4="42391"'),
    ("lnx_auditd_web_rce", CALL.format(59, "/usr/bin/dash")),
    ("lnx_auditd_susp_exe_folders", CALL.format(2, "/tmp/x")),
    ("lnx_auditd_susp_discovery_sysinfo_syscall", CALL.format(99, "/usr/bin/x")),
    ("lnx_auditd_exploit_cve_2026_31431_af_alg_socket_creation", CALL.format(41, "/usr/bin/python3")),
    ("lnx_auditd_susp_c2_commands", CALL.format(2, "/usr/bin/x")),
    ("lnx_auditd_disable_system_firewall", AUDIT.format("SERVICE_STOP") + "pid=1 msg='unit=firewalld comm=\"systemd\" res=success'"),
    ("lnx_auditd_ld_so_preload_mod", AUDIT.format("PATH") + 'item=0 name="/etc/ld.so.preload" nametype=NORMAL'),
    ("lnx_auditd_systemd_service_creation", AUDIT.format("PATH") + 'item=0 name="/etc/systemd/system/x.service" nametype=CREATE'),
    ("lnx_auditd_create_account", AUDIT.format("ADD_USER") + "pid=1 msg='op=add-user acct=\"eve\" res=success'"),
    ("proc_creation_lnx_susp_curl_useragent", CALL.format(59, "/usr/bin/curl") + "\n" + EXEC + 'argc=3 a0="curl" a1="-A" a2="x"'),
    ("cisco_cli_clear_logs", CISCO.format("clear logging")),
    ("cisco_cli_disable_logging", CISCO.format("no logging host 10.0.0.9")),
    ("cisco_cli_local_accounts", CISCO.format("username eve privilege 15")),
    ("cisco_bgp_md5_auth_failed", "<187>Mar  1 03:14:07 r1 99: Mar  1 03:14:07: %TCP-6-BADAUTH: %IP-TCP-3-BADAUTH: No MD5 digest from 203.0.113.5(179) to :179"),
    ("huawei_bgp_auth_failed", SYSLOG + "%%01BGP/4/BGP_AUTH_FAILED(l)[0]:BGP session authentication failed. (PeerIP:179)"),
    ("juniper_bgp_missing_md5", SYSLOG + "rpd[9]: tcp_auth_ok: Packet from 203.0.113.5:179 missing MD5 digest"),
    ("fortinet_fortigate_new_admin_account_created", FORTI.format("Add", "system.admin")),
    ("fortinet_fortigate_vpn_ssl_settings_modified", FORTI.format("Edit", "vpn.ssl.settings")),
    ("net_firewall_cleartext_protocols", "date=2026-03-01 time=03:14:07 devname=F logid=13 type=traffic srcip=10.0.0.5 dstip=10.0.0.9 dstport=23 action=accept"),
    ("net_firewall_cleartext_protocols", SYSLOG + "filterlog[9]: 5,,,1,igb0,match,pass,in,4,0x0,,64,1,0,DF,6,tcp,60,10.0.0.5,10.0.0.9,5,23,0,S"),
    ("web_path_traversal_exploitation_attempt", ACCESS.format("GET /x?f=../../../etc/passwd HTTP/1.1", "x")),
    ("web_cve_2021_41773_apache_path_traversal", ACCESS.format("GET /cgi-bin/.%2e/%2e%2e/bin/sh HTTP/1.1", "x")),
    ("web_susp_useragents", ACCESS.format("GET / HTTP/1.1", "Wfuzz/2.4")),
    ("web_jndi_exploit", ACCESS.format("GET /?x=ldap://evil.example:1389/ HTTP/1.1", "/Basic/Command/Base64/x")),
    ("web_sql_injection_in_access_logs", ACCESS.format("GET /?id=1 UNION SELECT group_concat(x HTTP/1.1", "x")),
    ("web_lnx_exploit_cve_2025_31324_sap_netviewer_webshell", ACCESS.format("GET /irj/helper.jsp?cmd=whoami&x==whoami HTTP/1.1", "x")),
    ("web_apache_segfault", "[Sun Mar 01 03:14:07.1 2026] [core:notice] [pid 1] child pid 9 exit signal Segmentation fault (11)"),
    ("web_nginx_core_dump", "2026/03/01 03:14:07 [alert] 1#1: worker process 5 exited on signal 6 (core dumped)"),
    ("proxy_ua_susp", "#Fields: date time c-ip s-action cs-method cs-host cs-uri-path cs(User-Agent)\n2026-03-01 03:14:07 10.0.0.5 MISS GET x.example /a user-agent"),
    ("web_win_iis_exploit_cve_2025_53770", "#Fields: date time cs-method cs-uri-stem cs-uri-query cs(Referer) sc-status\n2026-03-01 03:14:07 POST /_layouts/15/ToolPane.aspx DisplayMode=Edit&a=/ToolPane.aspx /_layouts/SignOut.aspx 200"),
    ("zeek_dns_nkn", DNS.format("1772334847.1\tseed1.nkn.org\tA\t-\tF")),
    ("net_dns_susp_telegram_api", DNS.format("1772334847.1\tapi.telegram.org\tA\t-\tF")),
    ("net_dns_susp_txt_exec_strings", DNS.format("1772334847.1\tx.example\tTXT\tIEX (x)\tF")),
    ("zeek_http_executable_download_from_webdav", ZEEK.format("http", "ts\thost\turi\tuser_agent", "time\tstring\tstring\tstring", "1772334847.1\tx.example\t/a.exe\tMicrosoft-WebDAV")),
    ("zeek_default_cobalt_strike_certificate", ZEEK.format("x509", "ts\tcertificate.serial", "time\tstring", "1772334847.1\t8BB00EE")),
]  # fmt: skip

NEAR_MISSES = [
    ("lnx_sudo_exploit_cve_2019_14287", SYSLOG + "sudo:  bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/echo USER=#-1"),
    ("lnx_clamav_relevant_message", SYSLOG + "clamd[9]: /srv/Trojan.txt: OK"),
    ("cisco_cli_clear_logs", CISCO.format("show logging")),
    ("net_firewall_cleartext_protocols", SYSLOG + "filterlog[9]: 5,,,1,igb0,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,10.0.0.5,10.0.0.9,5,23,0,S"),
    ("fortinet_fortigate_new_admin_account_created", FORTI.format("Delete", "system.admin")),
    ("lnx_auditd_exploit_cve_2026_31431_af_alg_socket_creation", CALL.format(41, "/usr/sbin/cryptsetup")),
    ("web_path_traversal_exploitation_attempt", ACCESS.format("GET /x?f=../a HTTP/1.1", "x")),
    ("net_dns_susp_txt_exec_strings", DNS.format("1772334847.1\tx.example\tTXT\tv=spf1\tF")),
]  # fmt: skip


@pytest.fixture(scope="module")
def rules(data):
    paths = {path.stem.removesuffix(".yml"): path for path in (data / "sigma").rglob("*.yml")}

    def fire(rule, text):
        path = paths[rule]
        detector = SigmaDetector(load_rules([RuleText(str(path), path.read_text(encoding="utf-8"))]))
        drafts, reasons = read(chosen(text), text)
        assert not reasons
        events = [
            Event("s", at, draft.time or 0, 0, draft.logsources, draft.fields, "", "a.log", "x")
            for at, draft in enumerate(drafts)
        ]
        return any(detector.evaluate(event) for event in events)

    return fire


@pytest.mark.parametrize(("rule", "text"), HITS)
def test_rule_fires(rules, rule, text):
    assert rules(rule, text)


@pytest.mark.parametrize(("rule", "text"), NEAR_MISSES)
def test_rule_does_not_fire(rules, rule, text):
    assert not rules(rule, text)
