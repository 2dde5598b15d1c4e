"""Network sensors and devices: Zeek, Suricata, firewalls, proxies, web and DNS servers.

Sources: the Zeek log reference (script documentation of each log), the ICSNPP parsers' log descriptions, the Suricata
EVE reference, W3C extended log fields, and Sigma's own taxonomy for `webserver`, `proxy`, `firewall` and `dns`.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import UNREAD, Supply, Switch, kind, supply

_UID = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p"
_FLOW = f"{_UID} is_orig source_h source_p destination_h destination_p"

# log | fields
_ZEEK = f"""
conn | {_UID} proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents src_ip src_port dst_ip dst_port
dns | {_UID} proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected record_type answer
http | {_UID} trans_depth method host uri referrer version user_agent origin request_body_len response_body_len status_code status_msg info_code info_msg tags username password proxied orig_fuids orig_filenames orig_mime_types resp_fuids resp_filenames resp_mime_types cs-method c-uri c-useragent cs-host sc-status cs-referer src_ip dst_ip
ssl | {_UID} version cipher curve server_name resumed last_alert next_protocol established ssl_history cert_chain_fps client_cert_chain_fps subject issuer validation_status ja3 ja3s
x509 | ts fingerprint certificate.version certificate.serial certificate.subject certificate.issuer certificate.not_valid_before certificate.not_valid_after certificate.key_alg certificate.sig_alg certificate.key_type certificate.key_length san.dns basic_constraints.ca
files | ts fuid uid id.orig_h id.orig_p id.resp_h id.resp_p source depth analyzers mime_type filename duration local_orig is_orig seen_bytes total_bytes md5 sha1 sha256 extracted
smb_files | {_UID} fuid action path name size prev_name times.modified times.accessed times.created times.changed
smb_mapping | {_UID} path service native_file_system share_type
dce_rpc | {_UID} rtt named_pipe endpoint operation
kerberos | {_UID} request_type client service success error_msg from till cipher forwardable renewable client_cert_subject server_cert_subject
ntlm | {_UID} username hostname domainname server_nb_computer_name server_dns_computer_name server_tree_name success
rdp | {_UID} cookie result security_protocol client_channels keyboard_layout client_build client_name client_dig_product_id desktop_width desktop_height requested_color_depth cert_type cert_count cert_permanent encryption_level encryption_method
ssh | {_UID} version auth_success auth_attempts direction client server cipher_alg mac_alg compression_alg kex_alg host_key_alg host_key
ftp | {_UID} user password command arg mime_type file_size reply_code reply_msg fuid
smtp | {_UID} trans_depth helo mailfrom rcptto date from to cc reply_to msg_id in_reply_to subject x_originating_ip first_received second_received last_reply path user_agent tls fuids
notice | {_UID} fuid file_mime_type file_desc proto note msg sub src dst p n peer_descr actions suppress_for
weird | {_UID} name addl notice peer source
modbus | {_FLOW} func pdu_type exception tid unit
modbus_detailed | {_FLOW} tid unit func request_response address quantity values matched
dnp3 | {_UID} fc_request fc_reply iin
dnp3_control | {_FLOW} block_type function_code index_number trip_control_code operation_type execute_count on_time off_time status_code
dnp3_objects | {_FLOW} function_code object_type object_count range_low range_high
s7comm | {_FLOW} rosctr_code rosctr_name pdu_reference function_code function_name subfunction_code subfunction_name error_class error_code
s7comm_upload_download | {_FLOW} rosctr pdu_reference function_name function_status session_id blocklength filename block_type block_number destination_filesystem
enip | {_FLOW} enip_command enip_command_code length session_handle enip_status sender_context options
cip | {_FLOW} cip_sequence_count direction cip_service_code cip_service cip_status_code cip_status class_id class_name instance_id attribute_id data_id other_id
"""


# Logs that one of Sigma's general categories covers, under its field names too.
_COVERED = {"conn": "firewall", "dns": "dns", "http": "proxy"}


def _zeek() -> tuple[Supply, ...]:
    rows = (line.split("|") for line in _ZEEK.strip().splitlines())
    return tuple(
        supply(kind(f"zeek/{log.strip()}", ("zeek", _COVERED.get(log.strip()), log.strip())), fields)
        for log, fields in rows
    )


_WEB = (
    "c-ip src_ip cs-username date time cs-method c-uri c-uri-query c-uri-extension cs-uri cs-uri-stem cs-uri-query "
    "cs-version sc-status sc-bytes cs-referer cs-user-agent c-useragent cs-host"
)
_WEB_ERROR = "message appname hostname level client src_ip request server upstream referrer pid tid module"
_FLOW_ENDS = "src_ip dst_ip src_port dst_port action blocked proto protocol"

SWITCHES: tuple[Switch, ...] = (
    Switch(
        "zeek",
        "Zeek on a mirrored network port",
        "run Zeek (with the ICSNPP parsers where there is a plant) and collect its logs",
        _zeek(),
    ),
    Switch(
        "suricata",
        "Suricata EVE log",
        "run Suricata and collect eve.json",
        (supply(kind("suricata/eve", ("suricata", None, None)), "*"),),
    ),
    Switch(
        "web",
        "access log of a web server (Apache, nginx, IIS)",
        "collect the access log in the common or combined format",
        (
            supply(kind("web/access", (None, "webserver", None)), _WEB),
            supply(kind("web/apache", ("apache", None, "apache")), _WEB_ERROR),
            supply(kind("web/nginx", ("nginx", None, "nginx")), _WEB_ERROR),
        ),
    ),
    Switch(
        "firewall",
        "firewall and VPN gateway (FortiGate, pfSense, OPNsense, any in CEF or key=value)",
        "send the firewall's syslog, with traffic and administration events",
        (
            supply(kind("firewall/any", (None, "firewall", None)), _FLOW_ENDS),
            *(
                supply(kind(f"{product}/{service}", (product, None, service)), "*")
                for product in ("fortigate", "fortios")
                for service in ("event", "traffic", "utm", "vpn", "sslvpnd")
            ),
            *(
                supply(
                    kind(f"{product}/webgui", (product, None, "webgui")),
                    "message action user src_ip change page",
                )
                for product in ("pfsense", "opnsense")
            ),
        ),
    ),
    Switch(
        "nas",
        "network storage (Synology, QNAP)",
        "send the storage's system and connection log by syslog",
        tuple(
            supply(kind(f"{product}/{service}", (product, None, service)), "*")
            for product in ("synology", "qnap")
            for service in ("connection", "system", "file")
        ),
    ),
    Switch(
        "proxy",
        "web proxy log in the W3C format",
        "collect the proxy's access log",
        (
            supply(
                kind("web/proxy", (None, "proxy", "w3c")),
                f"{_WEB} cs-bytes cs-cookie r-ip dst_ip sc-filter-result cs-categories",
            ),
        ),
    ),
    Switch(
        "cisco",
        "Cisco device log",
        "send the device's syslog, with commands logged (`archive log config`)",
        tuple(
            supply(
                kind(f"cisco/{service}", ("cisco", None, service)),
                "message cisco_facility mnemonic action user src_ip",
            )
            for service in ("aaa", "syslog", "ldp", "bgp")
        ),
    ),
    Switch(
        "routers",
        "routing log of Huawei and Juniper devices",
        "send the device's syslog",
        (
            supply(kind("huawei/bgp", ("huawei", None, "bgp")), "message"),
            supply(kind("juniper/bgp", ("juniper", None, "bgp")), "message"),
        ),
    ),
    Switch(
        "paloalto",
        "Palo Alto GlobalProtect",
        UNREAD,
        (
            supply(kind("paloalto/appliance", ("paloalto", "appliance", "globalprotect")), "*"),
            supply(kind("paloalto/file", ("paloalto", "file_event", "globalprotect")), "*"),
        ),
        read=False,
    ),
)
