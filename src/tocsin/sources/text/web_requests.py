"""The fields that Sigma's categories webserver and proxy use, made from a request.

Public rules disagree on `cs-uri-query`: W3C means the part after `?`, most of SigmaHQ's webserver rules search paths in
it. So where a request has a query, `cs-uri-query` holds both, the query and the whole target; otherwise the target.
Likewise `cs-user-agent`, `c-useragent` and `cs(User-Agent)` are names of one thing.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,10})$", re.ASCII)


def target_fields(target: str) -> dict[str, Any]:
    """What the request target (`/path?query`, or a whole URL as proxies log it) gives."""
    stem, mark, query = target.partition("?")
    host = ""
    if "://" in stem[:16]:
        host = _host_of(stem)
        stem = "/" + stem.split("://", 1)[1].partition("/")[2]
    fields: dict[str, Any] = {"c-uri": target, "cs-uri-stem": stem}
    fields["cs-uri-query"] = [query, target] if mark and query else target
    if mark and query:
        fields["c-uri-query"] = query
    extension = _EXTENSION.search(stem[-16:])
    if extension:
        fields["c-uri-extension"] = extension[1]
    if host:
        fields["cs-host"] = host
    return fields


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def agent_fields(agent: str) -> dict[str, str]:
    """The user agent under the names that rules use."""
    return {"cs-user-agent": agent, "c-useragent": agent}
