"""Formats that are read line by line; `FORMATS` is what detection chooses from."""

from __future__ import annotations

from tocsin.sources.interface import LineFormat

FORMATS: tuple[LineFormat, ...] = ()
