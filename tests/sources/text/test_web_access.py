import pytest
from tests.sources.text.reading import chosen, instant, one, read

from tocsin.records.event import Logsource


def test_combined():
    line = '203.0.113.5 - alice [01/Mar/2026:03:14:07 +0100] "GET /a/../../../etc/passwd?cmd=id HTTP/1.1" 404 512 "http://r/" "Mozilla/5.0 \\"q\\"" 0.012'
    assert chosen(line) == "web_access"
    draft = one("web_access", line)
    wanted = {
        "c-ip": "203.0.113.5", "cs-method": "GET", "cs-uri-stem": "/a/../../../etc/passwd", "c-uri-query": "cmd=id",
        "cs-uri-query": ["cmd=id", "/a/../../../etc/passwd?cmd=id"], "c-uri": "/a/../../../etc/passwd?cmd=id",
        "sc-status": 404, "sc-bytes": 512, "cs-user-agent": 'Mozilla/5.0 "q"', "c-useragent": 'Mozilla/5.0 "q"',
        "cs-referer": "http://r/", "cs-username": "alice", "time-taken": 0.012, "cs-version": "HTTP/1.1",
    }  # fmt: skip
    assert wanted.items() <= draft.fields.items()
    assert draft.time == instant("2026-03-01T02:14:07Z")
    assert all(source.satisfies(Logsource(None, "webserver", None)) for source in draft.logsources)
    assert draft.user == "alice"


def test_common_with_virtual_host():
    draft = one(
        "web_access",
        'shop.example.org:443 2001:db8::9 - - [01/Mar/2026:03:14:07 +0000] "POST /wp-login.php HTTP/2.0" 302 -',
    )
    assert (draft.host, draft.fields["c-ip"], draft.fields["cs-uri-query"]) == (
        "shop.example.org",
        "2001:db8::9",
        "/wp-login.php",
    )
    assert "sc-bytes" not in draft.fields
    assert draft.fields["c-uri-extension"] == "php"


def test_proxy_targets_name_the_host():
    draft = one(
        "web_access",
        '10.0.0.5 - - [01/Mar/2026:03:14:07 +0000] "GET http://evil.example:80/x.exe?a HTTP/1.1" 200 1',
    )
    assert (draft.fields["cs-host"], draft.fields["cs-uri-stem"]) == ("evil.example", "/x.exe")


@pytest.mark.parametrize("request_line", ["-", "", "\\x16\\x03\\x01", "GET"])
def test_odd_requests_are_read(request_line):
    draft = one("web_access", f'203.0.113.5 - - [01/Mar/2026:03:14:07 +0000] "{request_line}" 400 0')
    assert draft.fields["sc-status"] == 400


def test_names_with_blanks_and_what_is_none():
    assert (
        one("web_access", '1.2.3.4 - a b [01/Mar/2026:03:14:07 +0000] "GET / HTTP/1.1" 401 0').user == "a b"
    )
    assert read("web_access", "GET / HTTP/1.1")[1] == [
        "It is no line of an access log in the common or combined format."
    ]
