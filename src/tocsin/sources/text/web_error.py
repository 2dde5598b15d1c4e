"""Error logs of Apache httpd and nginx, as files and as syslog messages.

Sources: Apache HTTP Server documentation, `ErrorLogFormat` (the forms of 1.3/2.0/2.2 and of 2.4); nginx
`ngx_log.c`. Sigma's rules ask for service `apache` or `nginx` and search keywords.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.local_time import local_instant
from tocsin.sources.text.clock import named_month_instant, wall_clock
from tocsin.sources.text.known_messages import number
from tocsin.sources.text.sampling import share

_APACHE = re.compile(
    r"\[[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d(?:\.\d{1,9})?) (\d{4})\] (.*)",
    re.DOTALL | re.ASCII,
)
_NGINX = re.compile(
    r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d) \[(\w{1,10})\] (\d{1,10})#(\d{1,10}): (?:\*(\d{1,20}) )?(.*)",
    re.DOTALL | re.ASCII,
)
_APACHE_LEVEL = re.compile(r"\[(?:([\w\-]{0,64}):)?(\w{1,10})\] ?")
_APACHE_PROCESS = re.compile(r"\[pid (\d{1,10})(?::tid (\d{1,20}))?\] ?")
_APACHE_CLIENT = re.compile(r"\[client ([0-9A-Fa-f.:]{2,45}?)(?::(\d{1,5}))?\] ?")
_NGINX_CLIENT = re.compile(r", client: ([0-9A-Fa-f.:]{2,45})")
_NGINX_SERVER = re.compile(r", server: ([^,]{1,255})")
_NGINX_REQUEST = re.compile(r', request: "([^"]{1,8192})"')
_NGINX_HOST = re.compile(r', host: "([^"]{1,255})"')


def web_error_fields(text: str) -> dict[str, Any]:
    """The fields of an error message without its time: level, module, process, client, request."""
    fields: dict[str, Any] = {}
    for name, pattern in (("level", _APACHE_LEVEL), ("pid", _APACHE_PROCESS), ("client", _APACHE_CLIENT)):
        match = pattern.match(text)
        if match is None:
            continue
        text = text[match.end() :]
        if name == "level":
            fields |= {"severity": match[2]} | ({"module": match[1]} if match[1] else {})
        elif name == "pid":
            fields["pid"] = match[1]
        else:
            fields |= {"c-ip": match[1], "src_ip": match[1]}
            fields |= {"src_port": number("src_port", match[2])} if match[2] else {}
    return fields | _nginx_details(text)


def _nginx_details(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    client, server = _NGINX_CLIENT.search(text), _NGINX_SERVER.search(text)
    request, host = _NGINX_REQUEST.search(text), _NGINX_HOST.search(text)
    if client:
        fields |= {"c-ip": client[1], "src_ip": client[1]}
    if server:
        fields["server"] = server[1]
    if request:
        method, _, target = request[1].partition(" ")
        fields |= {"cs-method": method, "c-uri": target.rpartition(" ")[0] or target}
    if host:
        fields["cs-host"] = host[1]
    return fields


class _Parser:
    def __init__(self, context: ReadContext) -> None:
        self._context = context

    def parse(self, line: str) -> Draft | None:
        if not line.strip():
            return None
        apache = _APACHE.match(line)
        if apache:
            month, day, clock, year, text = apache.groups()
            time = named_month_instant(month, day, clock, self._context, year)
            return _draft("apache", time, {"message": text, **web_error_fields(text)})
        nginx = _NGINX.match(line)
        if nginx is None:
            raise BadRecord("It is no line of an Apache or nginx error log: no time stands at its start.")
        year, month, day, clock, level, pid, _thread, connection, text = nginx.groups()
        fields: dict[str, Any] = {"message": text, "severity": level, "pid": pid, **_nginx_details(text)}
        if connection:
            fields["connection"] = connection
        shown = wall_clock(int(year), int(month), int(day), clock)
        return _draft("nginx", local_instant(shown, self._context.zone) if shown else None, fields)


def _draft(service: str, time: int | None, fields: dict[str, Any]) -> Draft:
    sources = frozenset({Logsource(service, None, service), Logsource(service, None, "error")})
    return Draft(fields, sources, f"{service}/error", time=time)


def _looks_right(line: str) -> bool:
    return _APACHE.match(line) is not None or _NGINX.match(line) is not None


class WebError:
    """Error logs of Apache httpd and nginx."""

    name = "web_error"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.95 where every line starts as such a log's lines do."""
        return 0.95 * share(sample, _looks_right)

    def parser(self, context: ReadContext) -> _Parser:
        """A new parser for one file."""
        return _Parser(context)
