from tests.sources.text.reading import chosen, instant, one, read

from tocsin.records.event import Logsource


def test_apache_of_both_generations():
    old = one("web_error", "[Sun Dec 04 04:47:44 2005] [error] [client 203.0.113.5] File does not exist: /x")
    assert (old.time, old.fields["severity"], old.fields["c-ip"]) == (
        instant("2005-12-04T04:47:44Z"),
        "error",
        "203.0.113.5",
    )
    line = "[Sun Mar 01 03:14:07.123456 2026] [core:notice] [pid 1234:tid 140] [client 2001:db8::5:555] AH00052: child pid 99 exit signal Segmentation fault (11)"
    new = one("web_error", line)
    assert (new.fields["module"], new.fields["pid"]) == ("core", "1234")
    assert "exit signal Segmentation fault" in new.fields["message"]
    assert any(source.satisfies(Logsource(None, None, "apache")) for source in new.logsources)


def test_nginx():
    line = '2026/03/01 03:14:07 [error] 77#77: *5 open() "/x" failed, client: 203.0.113.5, server: x.org, request: "GET /x HTTP/1.1", host: "x.org"'
    draft = one("web_error", line)
    assert {
        "c-ip": "203.0.113.5",
        "cs-method": "GET",
        "c-uri": "/x",
        "cs-host": "x.org",
    }.items() <= draft.fields.items()
    core = one(
        "web_error", "2026/03/01 03:14:07 [alert] 1#1: worker process 5 exited on signal 6 (core dumped)"
    )
    assert any(source.satisfies(Logsource(None, None, "nginx")) for source in core.logsources)


def test_a_real_error_log_is_read_whole(data):
    text = (data / "loghub" / "Apache_2k.log").read_text(encoding="utf-8")
    assert chosen(text) == "web_error"
    drafts, reasons = read("web_error", text)
    assert (len(drafts), reasons) == (2000, [])
    assert all(
        instant("2005-12-04T00:00:00Z") <= draft.time < instant("2005-12-06T00:00:00Z") for draft in drafts
    )
    assert sum("c-ip" in draft.fields for draft in drafts) == text.count("[client ")
