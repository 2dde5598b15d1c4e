"""Text that no format understands: read line by line as `text`, or set aside whole with the hint to name a format."""

from __future__ import annotations

import pytest
from tests.sources.reads import everything
from tests.sources.text.reading import chosen, instant


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "The quick brown fox.\n\nIt jumps over the dog, twice, and rests.\n",
        "# A title\n\n- one thing\n- another\n",
        "03:14:07 worker 5 started\n03:14:09 worker 5 done\n",
        "[2026-03-01T03:14:07] worker 5 started\n",
        "Größe übertrifft Maß\nÄrger im Büro\n",
        "<html>\n<body>x</body>\n</html>\n",
        "import os\nx = 1\ny = 2  # z\n",
    ],
)
def test_unrecognised_text_is_read_a_record_a_line(tmp_path, text):
    (tmp_path / "x").write_text(text, encoding="utf-8")
    events, aside = everything(tmp_path)
    lines = [line for line in text.splitlines() if line]
    assert aside == []
    assert [(event.format, event.kind, dict(event.fields)) for event in events] == [
        ("text", "text/line", {"message": line}) for line in lines
    ]
    assert {source for event in events for source in event.logsources} == set()
    assert {event.time_known for event in events} == {text.startswith("[2026-")}


@pytest.mark.parametrize(
    "text", ["\x1b[31mred\x1b[0m\n" * 5, "bell\x07\n" * 5, "one\ntwo\n" + "\x02stx\x03\n" * 3]
)
def test_text_full_of_controls_is_set_aside_whole(tmp_path, text):
    (tmp_path / "x").write_text(text, encoding="utf-8")
    events, (aside,) = everything(tmp_path)
    assert events == []
    assert aside.record is None
    assert aside.reason == "No format was recognised; if it is a log, name its format with --format."
    events, aside = everything(tmp_path, format="text")
    assert (len(events), aside) == (5, [])


def test_any_other_format_is_surer_than_plain_text():
    assert chosen("any line at all") == "text"
    assert chosen("Mar  1 03:14:07 web01 sshd[1]: x\n" + "no header\n" * 20) == "rfc3164"


def test_an_applications_own_log_is_no_syslog_and_keeps_its_times(tmp_path):
    log = tmp_path / "app.log"
    failure = (
        "2026-02-22 03:14:07,123 ERROR [main] com.example.App - something failed\n"
        "java.lang.IllegalStateException: x\n"
        "\tat com.example.App.main(App.java:10)\n"
    )
    log.write_text(failure * 3)
    events, aside = everything(log)
    assert (len(events), aside) == (9, [])
    assert {event.format for event in events} == {"text"}
    assert events[0].time == instant("2026-02-22T03:14:07.123Z")
    assert [event.time_known for event in events[:3]] == [True, False, False]
