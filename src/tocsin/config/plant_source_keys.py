"""What the tables of several kinds of a plant's source share: which ports are refused, zones, dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.config.table import Table
from tocsin.records.instants import SECOND

COMMON: Final = ("kind", "name", "plant")
"""Keys that every kind has."""

CONTROLLER_PORTS: Final[Mapping[int, str]] = {
    102: "Siemens S7",
    502: "Modbus",
    2222: "EtherNet/IP",
    2404: "IEC 60870-5-104",
    5007: "MELSEC",
    9600: "FINS",
    18245: "GE SRTP",
    20000: "DNP3",
    34962: "PROFINET",
    34963: "PROFINET",
    34964: "PROFINET",
    44818: "EtherNet/IP",
    47808: "BACnet",
}
"""Ports at which controllers listen, and for what; Tocsin connects to none of them."""


def refuse_controller_port(table: Table, key: str, port: int) -> None:
    """Refuses a port at which controllers listen. OperatorError; it names file, table and key."""
    if port in CONTROLLER_PORTS:
        table.refuse(
            key,
            f"leads to port {port}, where controllers listen ({CONTROLLER_PORTS[port]})",
            "Name a historian, a broker or a database: Tocsin connects to no controller.",
        )


def zone_in(table: Table) -> tzinfo:
    """What a time without a zone means: the key `zone`, UTC where it is missing. OperatorError where there is no such zone."""
    right = "Name one such as Europe/Berlin or UTC."
    name = table.text("zone", "UTC", right)
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        table.refuse("zone", f"names no time zone: {name!a}", right)


def since_in(table: Table) -> int | None:
    """From when on readings are read (instant): the key `since`, None where it is missing. OperatorError where it is no date."""
    value = table.values.get("since")
    if value is None:
        return None
    if not isinstance(value, date):
        table.refuse(
            "since", "is no date", "Write one such as 2026-11-01 or 2026-11-01T06:00:00Z, without quotes."
        )
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone_in(table))
    return round(moment.timestamp()) * SECOND
