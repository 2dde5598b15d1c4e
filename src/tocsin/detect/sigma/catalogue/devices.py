"""Devices that send their log: firewalls, network storage, routers and switches, and whatever speaks CEF or LEEF.

Sources: the FortiOS log message reference, pfSense's "Raw Filter Log Format", Cisco's and the storage vendors' message
guides, ArcSight CEF 25 and IBM LEEF 2, Sigma's taxonomy for `firewall`.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.linux import LINE
from tocsin.detect.sigma.catalogue.model import UNREAD, Supply, Switch, kind, supply

_ENDS = "src_ip dst_ip src_port dst_port action blocked proto protocol"
_PAIRS = "message user username usr host hostname devname date time eventtime timestamp srcip dstip srcport dstport src dst"
_FILTERLOG = (
    "rule sub_rule anchor tracker interface reason action direction ip_version tos ecn ttl id offset flags proto_id proto "
    "length src_ip dst_ip src_port dst_port data_length tcp_flags sequence ack window urg tcp_options traffic_class "
    "flow_label hop_limit blocked"
)
_CISCO = (
    "cisco_facility mnemonic action user group command method change src_ip src_host src_port dst_ip dst_host dst_port "
    "src_interface dst_interface blocked"
)
_CEF = (
    "DeviceVendor DeviceProduct DeviceVersion SignatureID Name Severity src_ip dst_ip src_port dst_port action act app cat "
    "c6a1* c6a2* c6a3* c6a4* cn1* cn2* cn3* cs1* cs2* cs3* cs4* cs5* cs6* cfp1* cfp2* flex* "
    "destination* source* device* dhost dmac dntdom dpid dpriv dproc dpt dst duid duser dvc dvchost "
    "dvcmac dvcpid end externalId file* fname fsize in msg old* out outcome proto reason request* rt shost smac sntdom spid "
    "spriv sproc spt src start suid suser type devTime devTimeFormat sev srcPort dstPort srcPreNAT dstPreNAT usrName "
    "srcBytes dstBytes ident* policy url resource role realm groupID accountName vSrc vSrcName"
)
"""The header and the standard extension of CEF and LEEF; a sender may add fields under labels of its own."""

_SENSES = ("pfsense", "opnsense")
_UTM = ("traffic", "utm", "anomaly", "voip", "dns", "gtp", "virus", "webfilter", "ips", "app-ctrl")


def _fortigate() -> tuple[Supply, ...]:
    """A record is of its type, for both names that rules give the product; its fields are those of the vendor."""
    event = kind(
        "fortigate/event",
        ("fortigate", None, "event"),
        ("fortios", None, "event"),
        ("fortigate", None, "vpn"),
        ("fortios", None, "sslvpnd"),
    )
    web = ("fortigate", "proxy", "webfilter")
    judged = [
        kind(f"fortigate/{name}", ("fortigate", "firewall", name), ("fortios", None, name), web)
        for name in _UTM
    ]
    return tuple(supply(of, "*") for of in (event, *judged))


def _cef(category: str, *products: str, fields: str = "") -> tuple[Supply, ...]:
    return tuple(
        supply(kind(f"cef/{product}", (product, category, None)), fields or f"{LINE} {_CEF}")
        for product in products
    )


SWITCHES: tuple[Switch, ...] = (
    Switch(
        "firewall",
        "firewall and VPN gateway (FortiGate, pfSense, OPNsense, Cisco ASA, any in CEF, LEEF or key=value)",
        "send the firewall's syslog, with traffic and administration events",
        (
            supply(kind("key_value/firewall", (None, "firewall", None)), f"{_ENDS} {_PAIRS}"),
            *_fortigate(),
            supply(
                kind("pfsense/filterlog", *((product, "firewall", "filterlog") for product in _SENSES)),
                f"{LINE} {_FILTERLOG}",
            ),
            supply(
                kind("pfsense/webgui", *((product, None, "webgui") for product in _SENSES)),
                f"{LINE} action user src_ip src_host change page method path",
            ),
            supply(
                kind(
                    "cisco/asa",
                    ("cisco", "firewall", "asa"),
                    *(("cisco", None, service) for service in ("syslog", "aaa", "bgp")),
                ),
                f"{LINE} {_CISCO}",
            ),
            *_cef(
                "firewall",
                "paloalto",
                "checkpoint",
                "sonicwall",
                "sophos",
                "watchguard",
                "stormshield",
                "barracuda",
                "juniper",
                "fortinet",
                "fortigate",
            ),
            supply(kind("cef/asa", ("cisco", "firewall", "asa")), f"{LINE} {_CEF}"),
        ),
    ),
    Switch(
        "nas",
        "network storage (Synology, QNAP)",
        "send the storage's system and connection log by syslog",
        tuple(
            supply(kind(f"{product}/{service}", (product, None, service)), "*")
            for product, services in (
                ("synology", ("connection", "system", "file")),
                ("qnap", ("connection", "system")),
            )
            for service in services
        ),
    ),
    Switch(
        "cisco",
        "Cisco device log",
        "send the device's syslog, with commands logged (`archive log config`)",
        (
            supply(
                kind("cisco/ios", *(("cisco", None, service) for service in ("syslog", "aaa", "bgp", "ldp"))),
                f"{LINE} {_CISCO}",
            ),
            supply(kind("cef/cisco", ("cisco", None, "syslog")), f"{LINE} {_CEF}"),
        ),
    ),
    Switch(
        "routers",
        "routing log of Huawei and Juniper devices",
        "send the device's syslog",
        tuple(
            supply(kind(f"{product}/bgp", (product, None, "bgp")), LINE) for product in ("huawei", "juniper")
        ),
    ),
    Switch(
        "antivirus",
        "alerts of an antivirus product in CEF or LEEF",
        "let the product send its alerts in the Common Event Format, its fields labelled Signature and Filename",
        _cef("antivirus", "trendmicro", "symantec", "kaspersky", "mcafee", "eset", fields="*"),
    ),
    Switch(
        "cef",
        "web gateways, web application firewalls and forwarded Windows events in CEF or LEEF",
        "let the product send its log in the Common Event Format",
        (
            *_cef("proxy", "zscaler", "forcepoint"),
            *_cef("webserver", "imperva", "f5"),
            supply(kind("cef/windows", ("windows", None, None)), f"{LINE} {_CEF}"),
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
