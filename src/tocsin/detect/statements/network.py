"""What network devices and servers state: Zeek, Suricata, web access logs, FortiGate, pfSense and CEF or LEEF firewalls."""

from __future__ import annotations

from typing import Final

from tocsin.detect.statements import appliances
from tocsin.detect.statements.shapes import Shape, claim_of, pick
from tocsin.records.event import Event
from tocsin.records.finding import Claim

SOURCE: Final = (
    "id.orig_h", "src_ip", "srcip", "src", "SourceAddress", "source_ip", "source.ip", "sourceAddress", "SourceIP",
)  # fmt: skip
DESTINATION: Final = (
    "id.resp_h", "dest_ip", "dst_ip", "dstip", "dst", "DestinationAddress", "destination_ip", "destination.ip",
    "destinationAddress", "DestinationIP",
)  # fmt: skip
AUTHENTICATION: Final = 3002
"""OCSF class_uid of log-ons."""

PORT: Final = ("id.resp_p", "dest_port", "dst_port", "dstport", "dpt", "DestinationPort", "destination.port")

CONNECTION: Final = Shape(
    "network_connection",
    {
        "destination": DESTINATION,
        "port": PORT,
        "source": SOURCE,
        "action": ("action", "act"),
        "protocol": ("proto", "protocol", "transport"),
    },
)
WEB: Final = Shape(
    "web_request",
    {
        "method": ("cs-method", "method", "http.http_method", "requestMethod"),
        "path": ("cs-uri", "c-uri", "cs-uri-stem", "uri", "http.url", "request", "url"),
        "address": ("c-ip", *SOURCE),
        "status": ("sc-status", "status_code", "http.status"),
        "host": ("cs-host", "r-dns", "http.hostname"),
        "agent": ("c-useragent", "cs-user-agent", "user_agent", "http.http_user_agent"),
    },
)
NAME: Final = Shape(
    "name_looked_up",
    {
        "name": ("query", "dns.rrname", "dns.queries.rrname", "dns.query.rrname", "QueryName"),
        "address": SOURCE,
    },
)
ALERT: Final = Shape(
    "alert_raised",
    {"signature": ("alert.signature",), "source": SOURCE, "destination": DESTINATION},
    {"product": "Suricata"},
)
NOTICE: Final = Shape(
    "alert_raised",
    {"signature": ("msg", "note"), "source": ("src", *SOURCE), "destination": ("dst", *DESTINATION)},
    {"product": "Zeek"},
)
CEF: Final = Shape(
    "alert_raised",
    {
        "product": ("DeviceProduct", "device_product", "deviceProduct", "product"),
        "signature": ("Name", "name", "signature"),
        "source": SOURCE,
        "destination": DESTINATION,
    },
)
CONTROL: Final = Shape(
    "control_command",
    {
        "function": ("func", "function", "function_name", "fc_request", "cip_service"),
        "source": SOURCE,
        "destination": DESTINATION,
    },
)
CLAMAV: Final = Shape("alert_raised", {"signature": ("Signature",)}, {"product": "ClamAV"})
ANTIVIRUS: Final = Shape(
    "alert_raised",
    {"product": ("DeviceProduct",), "signature": ("Signature", "VirusName", "Name"), "source": SOURCE},
)
DEVICE: Final = Shape(
    "device_changed",
    {"change": ("logdesc", "msg", "cfgpath"), "user": ("user", "ui"), "address": ("srcip", "remip")},
)
_LOGON_VALUES: Final = {
    "user": ("user", "dstuser", "duser", "suser", "xauthuser"),
    "address": ("remip", *SOURCE),
    "service": ("subtype", "method", "ui"),
    "reason": ("reason", "msg"),
}


def claims(event: Event) -> tuple[Claim, ...]:
    """The claims of a network or web record, () where it is none of those written down here."""
    made = _by_source(event) or _by_log(event) or _device(event)
    return (made,) if made else ()


def _by_source(event: Event) -> Claim | None:
    """By the logsource's service or category, where the reader knows it."""
    for source in sorted(event.logsources, key=lambda one: tuple(part or "" for part in one)):
        for shape in (*_SERVICES.get(source.service or "", ()), *_SERVICES.get(source.category or "", ())):
            made = shape.claim(event)
            if made is not None:
                return made
    return None


_SERVICES: Final[dict[str, tuple[Shape, ...]]] = {
    "webserver": (WEB,),
    "web": (WEB,),
    "apache": (WEB,),
    "nginx": (WEB,),
    "proxy": (WEB,),
    "http": (WEB, CONNECTION),
    "dns": (NAME, CONNECTION),
    "conn": (CONNECTION,),
    "notice": (NOTICE,),
    "clamav": (CLAMAV,),
    "antivirus": (ANTIVIRUS,),
    **dict.fromkeys(
        (
            "modbus",
            "modbus_detailed",
            "dnp3",
            "dnp3_control",
            "dnp3_objects",
            "s7comm",
            "s7comm_upload_download",
            "cip",
        ),
        (CONTROL, CONNECTION),
    ),
}


def _by_log(event: Event) -> Claim | None:
    """Suricata's EVE names its record in `event_type`."""
    shape = _EVE.get(pick(event.fields, ("event_type",)) or "")
    return shape.claim(event) if shape else None


_EVE: Final[dict[str, Shape]] = {
    "alert": ALERT,
    "dns": NAME,
    "http": WEB,
    "flow": CONNECTION,
    "tls": CONNECTION,
    "ssh": CONNECTION,
    "smb": CONNECTION,
}


def _device(event: Event) -> Claim | None:
    """A device's own record: a log-on to it or through it, a change of it, or a connection it judged."""
    return (
        _device_logon(event)
        or _device_change(event)
        or appliances.claim(event)
        or CONNECTION.claim(event)
        or _cef(event)
    )


def _device_logon(event: Event) -> Claim | None:
    """A log-on by the device's own words for it.

    FortiOS: `action` (`login`, `ssl-login-fail`, `tunnel-up`…) with `status` or the name's own outcome. Known messages of
    other devices and services reach us as OCSF authentication (3002) with an `action` of `accepted` or a refusal.
    """
    action = (pick(event.fields, ("action", "act")) or "").casefold()
    status = (pick(event.fields, ("status", "outcome")) or "").casefold()
    known = event.ocsf_class == AUTHENTICATION
    if (
        (known and action in ("failed", "denied", "invalid_user"))
        or action in ("ssl-login-fail", "negotiate-error", "auth-logon-fail")
        or (action in ("login", "authentication") and status in ("failed", "failure", "fail"))
    ):
        kind = "logon_failed"
    elif (
        (known and action == "accepted")
        or action in ("tunnel-up", "auth-logon")
        or (action in ("login", "authentication") and status in ("success", "succeeded"))
    ):
        kind = "logon_succeeded"
    else:
        return None
    return Shape(kind, _LOGON_VALUES).claim(event)


def _device_change(event: Event) -> Claim | None:
    """FortiOS writes `cfgpath`, `cfgobj` and `cfgattr` with every change of its settings."""
    if pick(event.fields, ("cfgpath",)) is None:
        return None
    base = DEVICE.claim(event)
    if base is None:
        return None
    parts = (pick(event.fields, (name,)) for name in ("cfgpath", "cfgobj", "cfgattr"))
    change = " ".join(part for part in parts if part)
    return claim_of(event, base.type, {**base.values, "change": f"{base.values['change']}: {change}"})


def _cef(event: Event) -> Claim | None:
    """CEF and LEEF events carry their product and the event's name (ArcSight CEF, section 'Header Information')."""
    return CEF.claim(event) if "SignatureID" in event.fields else None
