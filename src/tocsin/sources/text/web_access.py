r"""Access logs of Apache httpd and nginx: common, combined, with the virtual host in front, with further columns behind.

Source: Apache HTTP Server documentation, `mod_log_config` (`common`, `combined`, `vhost_combined`); nginx's `combined`.
Apache writes quotes and control characters inside the quoted parts as `\"` and `\xHH`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.clock import clf_instant
from tocsin.sources.text.known_messages import HTTP
from tocsin.sources.text.sampling import share
from tocsin.sources.text.web_requests import agent_fields, target_fields

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    r"(?:([A-Za-z0-9_.\-]{1,253}):(\d{1,5}) |([A-Za-z0-9_.\-]{1,253}) (?=[0-9A-Fa-f]{0,4}[.:][0-9A-Fa-f.:]{1,43} \S+ \S+ \[))?"  # virtual host
    r"(\S{1,255}) (\S{1,64}) (.{1,255}?) \[(\d{1,2}/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d\d:?\d\d)?)\] "
    + _QUOTED
    + r" (\d{3}|-) (\d{1,18}|-)"
    + rf"(?: {_QUOTED} {_QUOTED})?"
    + r"(.*)",
    re.ASCII | re.DOTALL,
)
_REQUEST = re.compile(r"([A-Za-z][A-Za-z\-_]{0,31}) (.*?)(?: (HTTP/\d(?:\.\d)?))?", re.DOTALL)
_EXTRA = re.compile(rf" {_QUOTED}| (\S+)")
_ESCAPE = re.compile(r'\\(["\\])')
_SECONDS = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)
_SOURCES = frozenset({Logsource(None, "webserver", "access")})


def access_draft(line: str, context: ReadContext) -> Draft:
    """What a line of an access log says.

    Raises:
        BadRecord: it is none.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise BadRecord("It is no line of an access log in the common or combined format.")
    vhost, port, vhost_alone, client, ident, user, time, request, status, size, referer, agent, rest = (
        match.groups()
    )
    request, referer, agent = (part and _ESCAPE.sub(r"\1", part) for part in (request, referer, agent))
    fields: dict[str, Any] = {"c-ip": client, "src_ip": client, **_request_fields(request)}
    named = {"ident": ident, "cs-username": user, "cs-referer": referer}
    fields |= {name: value for name, value in named.items() if value not in (None, "-", "")}
    if agent is not None:
        fields |= agent_fields(agent)
    if status != "-":
        fields["sc-status"] = int(status)
    if size != "-":
        fields["sc-bytes"] = int(size)
    if vhost or vhost_alone:
        fields["cs-host"] = vhost or vhost_alone
    if port:
        fields["s-port"] = int(port)
    fields |= _further_columns(rest)
    return Draft(
        fields=fields,
        logsources=_SOURCES,
        kind="web/access",
        time=clf_instant(time, context),
        host=vhost or vhost_alone,
        user=fields.get("cs-username"),
        ocsf_class=HTTP,
    )


def _request_fields(request: str) -> dict[str, Any]:
    """`GET /path HTTP/1.1`; a request that is none (a TLS hello on a plain port) is kept as it stands."""
    if request in ("", "-"):
        return {}
    match = _REQUEST.fullmatch(request)
    if match is None:
        return {"request": request, "c-uri": request, "cs-uri-query": request}
    method, target, version = match.groups()
    fields = {"request": request, "cs-method": method, **target_fields(target)}
    return fields | ({"cs-version": version} if version else {})


def _further_columns(rest: str) -> dict[str, Any]:
    """Columns after the combined ones are free to the administrator: a lone number is how long the answer took."""
    columns = [match[1] if match[1] is not None else match[2] for match in _EXTRA.finditer(rest[:4096])]
    fields: dict[str, Any] = {
        f"column_{at}": value for at, value in enumerate(columns[:16], start=1) if value != "-"
    }
    if len(columns) == 1 and _SECONDS.fullmatch(columns[0]):
        return {"time-taken": float(columns[0])}
    return fields


class _Parser:
    def __init__(self, context: ReadContext) -> None:
        self._context = context

    def parse(self, line: str) -> Draft | None:
        return access_draft(line, self._context) if line.strip() else None


class WebAccess:
    """Access logs in the common and combined formats."""

    name = "web_access"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.96 where every line is one."""
        return 0.96 * share(sample, _LINE.fullmatch)

    def parser(self, context: ReadContext) -> _Parser:
        """A new parser for one file."""
        return _Parser(context)
