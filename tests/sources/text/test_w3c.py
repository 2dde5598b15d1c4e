from tests.sources.text.reading import chosen, context, instant, read

from tocsin.records.event import Logsource

IIS = """\
#Software: Microsoft Internet Information Services 10.0
#Version: 1.0
#Date: 2026-03-01 00:00:00
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken
2026-03-01 03:14:07 10.0.0.4 POST /_layouts/15/ToolPane.aspx DisplayMode=Edit&a=/ToolPane.aspx 443 - 203.0.113.5 Mozilla/5.0+(X) - 200 0 0 15
"""


def test_iis():
    assert chosen(IIS) == "w3c"
    (draft,), reasons = read("w3c", IIS)
    assert not reasons
    wanted = {
        "cs-method": "POST", "cs-uri-stem": "/_layouts/15/ToolPane.aspx", "sc-status": 200, "time-taken": 15,
        "cs-uri-query": ["DisplayMode=Edit&a=/ToolPane.aspx", "/_layouts/15/ToolPane.aspx?DisplayMode=Edit&a=/ToolPane.aspx"],
        "cs-user-agent": "Mozilla/5.0 (X)", "c-ip": "203.0.113.5",
    }  # fmt: skip
    assert wanted.items() <= draft.fields.items()
    assert "cs-username" not in draft.fields
    assert draft.time == instant("2026-03-01T03:14:07Z")
    assert draft.logsources == {Logsource("windows", "webserver", "iis")}


def test_a_proxy():
    text = (
        "#Fields: date time c-ip cs-username s-action sc-status cs-method cs-uri-scheme cs-host cs-uri-path cs-uri-query cs(User-Agent) r-ip\n"
        '2026-03-01 03:14:07 10.0.0.5 CORP\\bob TCP_MISS 200 GET http evil.example /x.ps1 ?a=1 "Mozilla/5.0 (X)" 203.0.113.5\n'
    )
    (draft,), _ = read("w3c", text)
    assert draft.logsources == {Logsource(None, "proxy", "w3c")}
    wanted = {
        "c-uri": "http://evil.example/x.ps1?a=1",
        "c-uri-extension": "ps1",
        "cs-host": "evil.example",
        "c-useragent": "Mozilla/5.0 (X)",
        "dst_ip": "203.0.113.5",
    }
    assert wanted.items() <= draft.fields.items()
    assert draft.user == "CORP\\bob"


def test_header_lost_and_rows_that_do_not_fit():
    assert read("w3c", "2026-03-01 x y")[1] == [
        "The W3C log has lost its header: without #Fields: the columns have no names."
    ]
    assert read("w3c", "#Fields: a b\nx y z")[1] == ["The row has 3 columns, its header 2."]


def test_the_date_may_stand_only_in_the_header():
    (draft,), _ = read(
        "w3c", "#Date: 2026-03-01 00:00:00\n#Fields: time c-ip\n03:14:07 10.0.0.1\n", context()
    )
    assert draft.time == instant("2026-03-01T03:14:07Z")
