"""What a Zeek record means, whichever writer (TSV or JSON) it came through.

Source: Zeek documentation, "Log Files"; names of Sigma's generic categories from the Sigma taxonomy appendix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft

_KNOWN = frozenset({
    "analyzer", "bacnet", "broker", "bsap_ip", "capture_loss", "cip", "cip_identity", "cip_io", "conn", "cotp",
    "dce_rpc", "dhcp", "dnp3", "dnp3_control", "dnp3_objects", "dns", "dpd", "ecat_registers", "enip",
    "ethercat", "files", "ftp", "ge_srtp", "genisys", "hart_ip", "http", "intel", "irc", "kerberos",
    "known_certs", "known_devices", "known_hosts", "known_modbus", "known_services", "ldap", "ldap_search",
    "modbus", "modbus_detailed", "modbus_mask_write_register", "modbus_read_device_identification",
    "modbus_read_write_multiple_registers", "modbus_register_change", "mqtt_connect", "mqtt_publish",
    "mqtt_subscribe", "mysql", "notice", "notice_alarm", "ntlm", "ntp", "ocsp", "omron_fins", "opcua_binary",
    "packet_filter", "pe", "postgresql", "profinet", "profinet_dce_rpc", "quic", "radius", "rdp", "redis",
    "reporter", "rfb", "roc_plus", "s7comm", "s7comm_known_devices", "s7comm_plus", "s7comm_read_szl",
    "s7comm_upload_download", "signatures", "sip", "smb_files", "smb_mapping", "smtp", "snmp", "socks",
    "software", "ssh", "ssl", "stats", "synchrophasor", "syslog", "telemetry", "traceroute", "tunnel", "weird",
    "websocket", "x509",
})  # fmt: skip
"""Paths that get rows of their own when stored; any other is `zeek/other`, so that a sender cannot make up kinds."""

_CLASSES = {
    "conn": 4001, "http": 4002, "dns": 4003, "dhcp": 4004, "rdp": 4005, "smb_files": 4006, "smb_mapping": 4006, "ssh": 4007,
    "ftp": 4008, "smtp": 4009, "ntp": 4013, "ntlm": 3002, "kerberos": 3002, "radius": 3002, "ldap": 3002, "notice": 2004,
    "signatures": 2004, "intel": 2004, "weird": 4001,
}  # fmt: skip
"""OCSF class_uid by path; the industrial protocols are network activity (4001)."""

_USERS = {
    "ntlm": "username",
    "kerberos": "client",
    "ftp": "user",
    "radius": "username",
    "socks": "user",
    "mysql": "user",
}

_SIGMA_NAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "conn": (("id.orig_h", "src_ip"), ("id.orig_p", "src_port"), ("id.resp_h", "dst_ip"), ("id.resp_p", "dst_port")),
    "dns": (("qtype_name", "record_type"), ("answers", "answer")),
    "http": (
        ("method", "cs-method"), ("user_agent", "c-useragent"), ("host", "cs-host"), ("status_code", "sc-status"),
        ("referrer", "cs-referer"), ("id.orig_h", "src_ip"), ("id.resp_h", "dst_ip"),
    ),
}  # fmt: skip
_CATEGORIES = {"conn": "firewall", "dns": "dns", "http": "proxy"}


def _logsources(path: str) -> frozenset[Logsource]:
    return frozenset({Logsource("zeek", _CATEGORIES.get(path), path)})


_LOGSOURCES = {path: _logsources(path) for path in _KNOWN}


def zeek_draft(path: str, record: Mapping[str, Any], time: int | None) -> Draft:
    """The draft of `record` of the log `path` (`conn`, `dns`…): product zeek, service = path.

    Logs that a generic Sigma category covers (conn: firewall, dns: dns, http: proxy) get its field names too.
    """
    fields = dict(record)
    for theirs, ours in _SIGMA_NAMES.get(path, ()):
        if theirs in fields:
            fields.setdefault(ours, fields[theirs])
    if path == "http" and "uri" in fields:
        host = fields.get("host")
        fields.setdefault("c-uri", f"http://{host}{fields['uri']}" if host else fields["uri"])
    user = fields.get(_USERS.get(path, ""))
    known = path in _KNOWN
    return Draft(
        fields=fields,
        logsources=_LOGSOURCES.get(path) or _logsources(path),
        kind=f"zeek/{path if known else 'other'}",
        time=time,
        user=user if isinstance(user, str) else None,
        ocsf_class=_CLASSES.get(path, 4001 if known and "id.orig_h" in fields else 0),
    )
