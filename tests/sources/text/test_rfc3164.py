import pytest
from tests.sources.text.reading import chosen, context, instant, one, read

from tocsin.records.event import Logsource
from tocsin.sources.text.rfc3164 import Rfc3164


@pytest.mark.parametrize(
    ("line", "time", "host", "app", "pid", "message"),
    [
        ("Mar  1 03:14:07 web01 app[12]: hello: x", "2026-03-01T03:14:07Z", "web01", "app", "12", "hello: x"),
        ("<13>Mar  1 03:14:07 web01 app: hello", "2026-03-01T03:14:07Z", "web01", "app", None, "hello"),
        (
            "2026-03-01T03:14:07.5+01:00 web01 app: hello",
            "2026-03-01T02:14:07.5Z",
            "web01",
            "app",
            None,
            "hello",
        ),
        ("<13>Mar  1 03:14:07 app[12]: hello", "2026-03-01T03:14:07Z", None, "app", "12", "hello"),
        ("Mar  1 03:14:07 fe80::1 app: hello", "2026-03-01T03:14:07Z", "fe80::1", "app", None, "hello"),
        ("Mar  1 03:14:07 web01 no tag at all", "2026-03-01T03:14:07Z", "web01", None, None, "no tag at all"),
        (
            "Mar  1 03:14:07 web01 syslogd 1.4.1: restart.",
            "2026-03-01T03:14:07Z",
            "web01",
            "syslogd",
            None,
            "restart.",
        ),
        ("Feb 31 03:14:07 web01 app: hello", None, "web01", "app", None, "hello"),
        ("<13>hello world", None, None, None, None, "hello world"),
        ("42 <13>Mar  1 03:14:07 web01 app: hello", "2026-03-01T03:14:07Z", "web01", "app", None, "hello"),
        ("<13>2026 app: hello", None, None, None, None, "2026 app: hello"),
    ],
)
def test_headers_as_they_are_really_written(line, time, host, app, pid, message):  # noqa: PLR0917
    draft = one("rfc3164", line)
    assert draft.time == (instant(time) if time else None)
    assert draft.host == host
    assert (draft.fields.get("appname"), draft.fields.get("pid"), draft.fields["message"]) == (
        app,
        pid,
        message,
    )


def test_priority_is_named():
    fields = one("rfc3164", "<86>Mar  1 03:14:07 web01 app: hello").fields
    assert (fields["facility"], fields["severity"]) == ("authpriv", "info")
    _, reasons = read("rfc3164", "<192>Mar  1 03:14:07 web01 app: hello")
    assert len(reasons) == 1


def test_a_line_without_header_is_set_aside():
    drafts, reasons = read("rfc3164", "Mar  1 03:14:07 web01 app: hello\n\n   at java.lang.Foo\n")
    assert len(drafts) == 1
    assert reasons == ["It has no syslog header: neither a <PRI> nor a time stands at its start."]


def test_cisco_command_log(data):
    raw = next((data / "sigma-regression").rglob("*.raw")).read_text(encoding="utf-8")
    assert chosen(raw) == "rfc3164"
    draft = one("rfc3164", raw)
    assert Logsource("cisco", None, "aaa") in draft.logsources
    assert "no access-session port-control" in draft.fields["message"]
    assert (draft.host, draft.user) == ("172.16.5.10", "admin")


def test_a_real_syslog_is_read_whole(data):
    path = data / "loghub" / "Linux_2k.log"
    text = path.read_text(encoding="utf-8", errors="replace")
    where = context(file_time=instant("2005-08-01T00:00:00Z"))
    assert chosen(text, where) == "rfc3164"
    drafts, reasons = read("rfc3164", text, where)
    assert (len(drafts), reasons) == (2000, [])
    times = [draft.time for draft in drafts]
    assert None not in times
    assert min(times) > instant("2005-06-01T00:00:00Z")
    assert max(times) < instant("2005-08-01T00:00:00Z")
    assert {draft.host for draft in drafts} == {"combo"}
    failed = [draft for draft in drafts if draft.fields.get("action") == "failed"]
    assert len(failed) == sum(
        "authentication failure;" in line or "FAILED" in line for line in text.splitlines()
    )


def test_prose_is_no_syslog():
    assert Rfc3164().recognises(["It was a dark night.", "Mar was cold."], context()) == 0
