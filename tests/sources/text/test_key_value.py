from tests.sources.text.reading import chosen, instant, one, read

from tocsin.records.event import Logsource
from tocsin.sources.text.key_values import pairs


def test_pairs():
    assert pairs('a=1 b="x \\" y" c=\'q r\' d= e=(x) word f=g=h, a=2') == {
        "a": "1",
        "b": 'x " y',
        "c": "q r",
        "d": "",
        "e": "(x)",
        "f": "g=h",
    }


def test_a_firewall_nobody_knows():
    line = 'time=1772334847 srcip=10.0.0.1 dstip=10.0.0.2 dstport=23 action=pass user="a b"'
    assert chosen(line) == "key_value"
    draft = one("key_value", line)
    assert (draft.user, draft.time, draft.fields["dst_port"]) == ("a b", instant("2026-03-01T03:14:07Z"), 23)
    assert draft.logsources == {Logsource(None, "firewall", None)}
    assert read("key_value", "no pairs here")[1] == ["It holds no key=value pairs."]
