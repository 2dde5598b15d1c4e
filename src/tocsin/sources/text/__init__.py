"""Formats that are read line by line; `FORMATS` is what detection chooses from."""

from __future__ import annotations

from tocsin.sources.interface import LineFormat
from tocsin.sources.text.auditd import Auditd
from tocsin.sources.text.cef import CEF
from tocsin.sources.text.csv_rows import CsvRows
from tocsin.sources.text.daemon_log import DaemonLog
from tocsin.sources.text.fortigate import FortiGate
from tocsin.sources.text.key_value import KeyValue
from tocsin.sources.text.leef import LEEF
from tocsin.sources.text.plain_text import PlainText
from tocsin.sources.text.rfc3164 import Rfc3164
from tocsin.sources.text.rfc5424 import Rfc5424
from tocsin.sources.text.w3c import W3c
from tocsin.sources.text.web_access import WebAccess
from tocsin.sources.text.web_error import WebError
from tocsin.sources.text.zeek_tsv import ZeekTsv

FORMATS: tuple[LineFormat, ...] = (
    Auditd(),
    CEF,
    LEEF,
    FortiGate(),
    WebError(),
    DaemonLog(),
    Rfc5424(),
    Rfc3164(),
    ZeekTsv(),
    WebAccess(),
    W3c(),
    KeyValue(),
    CsvRows(),
    PlainText(),
)
"""In no order of preference: the surest wins."""
