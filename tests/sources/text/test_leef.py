import pytest
from tests.sources.text.reading import chosen, instant, one, read


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("LEEF:1.0|V|P|1|login|", "\t"),
        ("LEEF:2.0|V|P|1|login|^|", "^"),
        ("LEEF:2.0|V|P|1|login|x5E|", "^"),
        ("LEEF:2.0|V|P|1|login|0x7c|", "|"),
        ("LEEF:2.0|V|P|1|login||", "\t"),
        ("LEEF:2.0|V|P|1|login|", "\t"),
    ],
)
def test_delimiters(header, delimiter):
    line = header + delimiter.join(
        ["src=203.0.113.5", "usrName=bob", "devTime=Mar 01 2026 03:14:07", "url=a=b"]
    )
    assert chosen(line) == "leef"
    draft = one("leef", line)
    assert (draft.user, draft.fields["src_ip"], draft.fields["url"]) == ("bob", "203.0.113.5", "a=b")
    assert draft.time == instant("2026-03-01T03:14:07Z")
    assert draft.fields["SignatureID"] == "login"


def test_behind_a_syslog_header_and_broken():
    assert one("leef", "<134>Mar  1 03:14:07 q1 LEEF:1.0|V|P|1|e|src=1.1.1.1").host == "q1"
    assert read("leef", "LEEF:1.0|V|P")[1] == ["The LEEF header has fewer than five parts."]
