"""Network sensors: Zeek and Suricata.

Sources: the Zeek log reference (script documentation of each log), the ICSNPP parsers' log descriptions, the Suricata
EVE reference, and Sigma's own taxonomy for `firewall`, `dns` and `proxy`.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import Supply, Switch, kind, supply

_UID = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p"
_FLOW = f"{_UID} is_orig source_h source_p destination_h destination_p"

# log | fields
_ZEEK = f"""
conn | {_UID} proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents ip_proto vlan inner_vlan orig_l2_addr resp_l2_addr community_id src_ip src_port dst_ip dst_port
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


_OTHERS = """
analyzer bacnet broker bsap_ip capture_loss cip_identity cip_io cotp dhcp dpd ecat_registers ethercat ge_srtp genisys
hart_ip intel irc known_certs known_devices known_hosts known_modbus known_services ldap ldap_search
modbus_mask_write_register modbus_read_device_identification modbus_read_write_multiple_registers modbus_register_change
mqtt_connect mqtt_publish mqtt_subscribe mysql notice_alarm ntp ocsp omron_fins opcua_binary packet_filter pe postgresql
profinet profinet_dce_rpc quic radius redis reporter rfb roc_plus s7comm_known_devices s7comm_plus s7comm_read_szl
signatures sip snmp socks software stats synchrophasor syslog telemetry traceroute tunnel websocket
"""
"""Logs that arrive whole and that no field list is kept of here."""

_WRITER = "_path _write_ts _system_name _node_name"
"""What Zeek's JSON writers add."""

_COVERED = {"conn": "firewall", "dns": "dns", "http": "proxy"}
"""Logs that one of Sigma's general categories covers, under its field names too."""


def _zeek() -> tuple[Supply, ...]:
    rows = [(part.strip() for part in line.split("|")) for line in _ZEEK.strip().splitlines()]
    listed = tuple(
        supply(kind(f"zeek/{log}", ("zeek", _COVERED.get(log), log)), f"{_WRITER} {fields}")
        for log, fields in rows
    )
    return listed + tuple(supply(kind(f"zeek/{log}", ("zeek", None, log)), "*") for log in _OTHERS.split())


_EVE = (
    "timestamp flow_id in_iface event_type src_ip src_port dest_ip dest_port proto app_proto app_proto_tc app_proto_ts "
    "community_id vlan pcap_cnt pkt_src tx_id icmp_type icmp_code direction host ether ether.* metadata metadata.* flow flow.*"
)
_EVE_LOGS = (
    "anomaly bittorrent_dht dcerpc dhcp dnp3 dns fileinfo flow ftp ftp_data http http2 ike krb5 mdns modbus mqtt netflow "
    "nfs pgsql quic rdp rfb sip smb smtp snmp ssh stats telnet tftp tls websocket"
)


def _eve(log: str, more: str) -> Supply:
    return supply(kind(f"suricata/{log}", ("suricata", None, log)), f"{_EVE} {log} {log}.* {more}")


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
        (
            _eve("alert", "*"),  # it carries what the protocol's own record holds, and the packet
            *(_eve(log, "email email.* tcp tcp.* files files.*") for log in _EVE_LOGS.split()),
        ),
    ),
)
