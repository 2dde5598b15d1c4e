"""The published catalogue: which fields arrive from which source, under which audit setting (docs/field-catalogue.md)."""

from __future__ import annotations

from tocsin.detect.sigma.catalogue import (
    applications,
    cloud,
    devices,
    linux,
    network,
    sysmon,
    web,
    windows,
    windows_channels,
)
from tocsin.detect.sigma.catalogue.model import Catalogue, Kind, Supply, Switch

__all__ = ["CATALOGUE", "Catalogue", "Kind", "Supply", "Switch"]

CATALOGUE = Catalogue(
    (
        windows_channels.DEFAULT,
        *windows.SWITCHES,
        *windows_channels.SWITCHES,
        sysmon.SYSMON,
        *linux.SWITCHES,
        *cloud.SWITCHES,
        *network.SWITCHES,
        *web.SWITCHES,
        *devices.SWITCHES,
        *applications.SWITCHES,
    )
)
"""Every switch that Tocsin knows."""
