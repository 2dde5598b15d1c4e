"""A Windows computer as Tocsin meets it: recorded logs, sent in just the form of the script and by its rules.

No PowerShell is at hand where these tests run. What the script says is taken out of it where that can be done: the form of
an event, the request, the bounds. The certificate is checked as it does, by its digest alone.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evtx import PyEvtxParser

from tocsin.engine.connecting.windows import SETTINGS, script

_TEXT = script()
(FORM,) = re.findall(r"return '(\{\{\"host\".*)' -f ", _TEXT)
"""The form of one event: `-f` of PowerShell and `str.format` read it alike."""

BATCH = int(re.findall(r"^\$BatchRecords = (\d+)", _TEXT, re.MULTILINE)[0])


def text(value: str) -> str:
    """`value` as the script writes a JSON string: nothing is escaped but what must be."""
    for old, new in (("\\", "\\\\"), ('"', '\\"'), ("\r", "\\r"), ("\n", "\\n"), ("\t", "\\t")):
        value = value.replace(old, new)
    return '"' + re.sub(r"[\x00-\x1f]", lambda found: f"\\u{ord(found[0]):04x}", value) + '"'


def line(xml: str, log: str = "Security", computer: str = "PC-7") -> str:
    """One event as the script puts it into a batch."""
    return FORM.format(text(computer), text(f"WinEventLog:{log}"), text(xml))


def recorded(path: Path) -> Iterator[str]:
    """The events of an EVTX file as Windows renders them (`EvtRender`): one line of XML, no declaration before it."""
    for record in PyEvtxParser(str(path)).records():
        yield rendered(record["data"])


def rendered(xml: str) -> str:
    """The XML of an event without its declaration and the white space that was put between its elements."""
    body = re.sub(r"^\s*<\?xml[^>]*\?>\s*", "", xml).strip()
    return re.sub(r">\n *<(?=[A-Za-z/])", "><", body)


def batches(lines: Iterable[str], size: int = BATCH) -> Iterator[bytes]:
    """The batches that the script makes of events of one log."""
    held: list[str] = []
    for one in lines:
        held.append(one)
        if len(held) == size:
            yield "\n".join(held).encode()
            held = []
    if held:
        yield "\n".join(held).encode()


class Computer:
    """Has the settings that `tocsin connect windows` writes, and posts.

    Args:
        settings: What that file says.
        port: Where on this host the service is reached in truth.
    """

    def __init__(self, settings: Mapping[str, Any], port: int) -> None:
        self.settings = settings
        self._place = ("127.0.0.1", port)

    @staticmethod
    def carried(folder: Path, port: int) -> Computer:
        """One to which the files in `folder` were carried."""
        return Computer(json.loads((folder / SETTINGS).read_text("ascii")), port)

    def post(self, body: bytes) -> int:
        """The status that the service answers to a batch.

        Raises:
            ConnectionError: its certificate is not one of the settings.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        with (
            socket.create_connection(self._place, timeout=30) as plain,
            context.wrap_socket(plain, server_hostname=self.settings["address"]) as open_,
        ):
            shown = open_.getpeercert(binary_form=True)
            assert shown is not None
            if hashlib.sha256(shown).hexdigest().upper() not in self.settings["certificates"]:
                raise ConnectionError("the certificate is not the one in the settings")
            open_.sendall(b"\r\n".join(one.encode() for one in self._head(body)) + body)
            return _status(open_)

    def _head(self, body: bytes) -> Sequence[str]:
        """The lines of the request's head, as they stand in the script."""
        found = re.search(r"\$head = @\(\s*(.*?)\s*\) -join \$LineEnd", _TEXT, re.DOTALL)
        assert found is not None
        values = {
            "$Method": "POST", "$Path": "/services/collector/event", "$($Settings.address)": self.settings["address"],
            "$($Settings.token)": self.settings["token"], "$($Body.Length)": str(len(body)),
        }  # fmt: skip
        lines = []
        for one in re.findall(r"\"([^\"]*)\"|'([^']*)'", found[1]):
            said = one[0] or one[1]
            for name, value in values.items():
                said = said.replace(name, value)
            lines.append(said)
        return lines


def _status(peer: ssl.SSLSocket) -> int:
    answer = b""
    while piece := peer.recv(8192):
        answer += piece
    found = re.match(rb"HTTP/1\.[01] ([1-5][0-9][0-9])[ \r]", answer)
    assert found is not None, answer
    return int(found[1])
