from tests.sources.text.reading import chosen, instant, one, read

from tocsin.records.event import Logsource

LINE = r"CEF:0|Palo Alto Networks|PAN-OS|10.1|thr\|eat|Name \\ x|8|src=203.0.113.5 dst=10.0.0.4 spt=1 dpt=443 act=deny msg=a b\=c d cs1Label=Rule Name cs1=allow all rt=1772334847123 suser=bob"


def test_header_extension_and_labels():
    assert chosen(LINE) == "cef"
    draft = one("cef", LINE)
    wanted = {
        "DeviceVendor": "Palo Alto Networks", "SignatureID": "thr|eat", "Name": "Name \\ x", "Severity": "8",
        "msg": "a b=c d", "cs1": "allow all", "Rule Name": "allow all", "src_ip": "203.0.113.5", "dst_port": 443, "action": "deny",
    }  # fmt: skip
    assert wanted.items() <= draft.fields.items()
    assert (draft.user, draft.time) == ("bob", instant("2026-03-01T03:14:07.123Z"))
    assert draft.logsources == {Logsource("paloalto", "firewall", None)}


def test_behind_a_syslog_header():
    draft = one("cef", "<134>Mar  1 03:14:07 fw1 CEF:0|Acme|Box|1|2|n|3|")
    assert (draft.host, draft.time, draft.kind) == ("fw1", instant("2026-03-01T03:14:07Z"), "cef/other")
    assert draft.fields.keys() == {
        "DeviceVendor",
        "DeviceProduct",
        "DeviceVersion",
        "SignatureID",
        "Name",
        "Severity",
    }


def test_extension_keys_cannot_overwrite_the_header():
    assert (
        one("cef", "CEF:0|Acme|Box|1|2|n|3|DeviceVendor=Evil src=1.2.3.4 src=5.6.7.8").fields["DeviceVendor"]
        == "Acme"
    )
    assert one("cef", "CEF:0|Acme|Box|1|2|n|3|src=1.2.3.4 src=5.6.7.8").fields["src"] == "1.2.3.4"


def test_broken_headers():
    assert read("cef", "CEF:0|a|b|c")[1] == ["The CEF header has fewer than seven parts."]
    assert read("cef", "nothing")[1] == ["It holds no CEF header."]
