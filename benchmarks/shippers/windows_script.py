"""The script for Windows computers, by its rules: no PowerShell is at hand, so its form and its way of trying again are replayed.

A batch is written down, posted on a connection of its own, and posted again, byte for byte, until the answer is 200.
"""

from __future__ import annotations

import http.client
import re
import time
from itertools import islice

from benchmarks.running import Site
from benchmarks.shippers.drill import Feed, Way
from tocsin.engine.connecting.windows import script

_XML = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='app'/><EventID>1</EventID>"
    "<TimeCreated SystemTime='2026-11-23T10:00:00.0000000Z'/><EventRecordID>{number}</EventRecordID><Channel>Application"
    "</Channel><Computer>PC-7</Computer></System><EventData><Data>{text}</Data></EventData></Event>"
)
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 2.0
"""Seconds; the script's are 5 and 120, the drill's service is away for some seconds only."""


def ways() -> list[Way]:
    """The one there is."""
    return [Way("Windows script, replayed (HEC)", windows_script)]


def windows_script(site: Site, feed: Feed) -> None:
    """Knows from the answer alone what is stored."""
    text = script()
    (form,) = re.findall(r"return '(\{\{\"host\".*)' -f ", text)
    size = int(re.findall(r"\$BatchRecords = (\d+)", text)[0])
    records = enumerate(feed, 1)
    while batch := list(islice(records, size)):
        lines = (
            form.format('"PC-7"', '"WinEventLog:Application"', f'"{_XML.format(number=number, text=one)}"')
            for number, one in batch
        )
        body = "\n".join(lines).encode()
        wait = _FIRST_WAIT
        while _posted(site, body) != 200:
            time.sleep(wait)
            wait = min(_LONGEST_WAIT, 2 * wait)


def _posted(site: Site, body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)
    try:
        connection.request(
            "POST",
            "/services/collector/event",
            body,
            {"Authorization": f"Splunk {site.token}", "Connection": "close"},
        )
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
