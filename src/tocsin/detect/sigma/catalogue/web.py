"""Web servers and web proxies.

Sources: Apache HTTP Server `mod_log_config` and `ErrorLogFormat`, nginx, the W3C extended log format with the columns of
IIS and of Blue Coat's ELFF, and Sigma's taxonomy for `webserver` and `proxy`.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import Switch, kind, supply

_REQUEST = (
    "c-ip src_ip cs-username cs-method c-uri c-uri-query c-uri-extension cs-uri-stem cs-uri-query cs-version sc-status "
    "sc-bytes cs-referer cs-user-agent c-useragent cs-host s-port time-taken"
)
_W3C = (
    f"{_REQUEST} date time cs-uri cs-bytes cs-cookie cs(User-Agent) cs(Referer) cs(Cookie) cs(Host) s-ip dst_ip s-sitename "
    "s-computername sc-substatus sc-win32-status"
)
_PROXY = (
    f"{_W3C} r-ip r-dns r-port s-action s-supplier-name s-hierarchy cs-auth-group cs-categories sc-filter-result "
    "sc-filter-category x-exception-id x-virus-id rs(Content-Type) cs-uri-scheme cs-uri-port cs-uri-path "
    "cs-uri-extension x-edge-location timestamp x-timestamp"
)
_ERROR = "message severity module pid connection c-ip src_ip src_port server cs-method c-uri cs-host"

SWITCHES: tuple[Switch, ...] = (
    Switch(
        "web",
        "access and error logs of a web server (Apache, nginx, IIS)",
        "collect the access log in the common, combined or W3C format, and the error log",
        (
            supply(kind("web/access", (None, "webserver", "access")), f"{_REQUEST} request ident column_*"),
            supply(kind("web/iis", ("windows", "webserver", "iis")), _W3C),
            supply(kind("web/w3c", (None, "webserver", "w3c")), _W3C),
            *(
                supply(kind(f"{name}/error", (name, None, name), (name, None, "error")), _ERROR)
                for name in ("apache", "nginx")
            ),
        ),
    ),
    Switch(
        "proxy",
        "web proxy log in the W3C format",
        "collect the proxy's access log",
        (supply(kind("web/proxy", (None, "proxy", "w3c")), _PROXY),),
    ),
)
