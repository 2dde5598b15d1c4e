import pytest
from tests.sources.text.reading import chosen, instant, read

from tocsin.records.event import Logsource

HEADER = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{path}\n#fields\t{fields}\n#types\t{types}\n"
DNS = HEADER.format(
    path="dns",
    fields="ts\tuid\tid.orig_h\tid.resp_p\tquery\tqtype_name\tanswers\trejected\trtt\tTTLs\ttags",
    types="time\tstring\taddr\tport\tstring\tstring\tvector[string]\tbool\tinterval\tvector[interval]\tset[string]",
)
ROW = "1772334847.123456\tCabc\t10.0.0.5\t53\tx\\xe4.example\tTXT\ta,b\tF\t0.5\t1.0,2.0\t(empty)\n"


def test_types_follow_the_header():
    assert chosen(DNS + ROW) == "zeek_tsv"
    (draft,), reasons = read("zeek_tsv", DNS + ROW)
    assert not reasons
    wanted = {
        "id.resp_p": 53,
        "query": "xä.example",
        "answers": ["a", "b"],
        "rejected": False,
        "rtt": 0.5,
        "TTLs": [1.0, 2.0],
        "tags": [],
        "record_type": "TXT",
        "answer": ["a", "b"],
    }
    assert wanted.items() <= draft.fields.items()
    assert draft.time == instant("2026-03-01T03:14:07.123456Z")
    assert draft.logsources == {Logsource("zeek", "dns", "dns")}
    assert draft.kind == "zeek/dns"


def test_unset_is_absent():
    (draft,), _ = read("zeek_tsv", DNS + ROW.replace("\tTXT\t", "\t-\t").replace("\ta,b\t", "\t-\t"))
    assert not {"qtype_name", "answers", "record_type", "answer"} & set(draft.fields)


def test_the_header_may_change_in_the_middle():
    http = HEADER.format(
        path="http", fields="ts\tmethod\thost\turi\tuser_agent", types="time\tstring\tstring\tstring\tstring"
    )
    drafts, reasons = read(
        "zeek_tsv", DNS + ROW + "#close\t2026\n" + http + "1772334847.0\tPUT\tx.example\t/a.exe\tWebDAV\n"
    )
    assert not reasons
    assert [draft.kind for draft in drafts] == ["zeek/dns", "zeek/http"]
    wanted = {"c-uri": "http://x.example/a.exe", "cs-method": "PUT", "c-useragent": "WebDAV", "uri": "/a.exe"}
    assert wanted.items() <= drafts[1].fields.items()


def test_rows_that_do_not_fit():
    drafts, reasons = read("zeek_tsv", DNS + "1\t2\n" + ROW)
    assert (len(drafts), reasons) == (1, ["The row has 2 columns, its header 11."])
    lost = "1772334847.123456\tCabcdefghijkl\t10.0.0.5\t53\n"
    assert chosen(lost) == "zeek_tsv"
    assert read("zeek_tsv", lost)[1] == [
        "The Zeek log has lost its header: without #fields the columns have no names."
    ]


def test_unknown_paths_share_a_kind():
    (draft,), _ = read(
        "zeek_tsv",
        HEADER.format(path="made/up", fields="a\tb", types="string\tcount") + "x\t99999999999999999999\n",
    )
    assert (draft.kind, draft.fields) == ("zeek/other", {"a": "x", "b": "99999999999999999999"})


@pytest.mark.parametrize("plant", ["modbus", "dnp3", "s7comm", "enip"])
def test_real_industrial_logs(data, plant):
    """The baseline logs, their times blanked by their authors; rows are counted independently."""
    whole = 0
    for path in sorted((data / "icsnpp" / plant / "baseline").rglob("*.log")):
        text = path.read_text(encoding="utf-8")
        rows = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert chosen(text) == "zeek_tsv"
        drafts, reasons = read("zeek_tsv", text)
        if "#fields" in text:
            whole += 1
            assert (len(drafts), reasons) == (len(rows), [])
            assert {source.service for draft in drafts for source in draft.logsources} == {path.stem}
            assert all(draft.kind == f"zeek/{path.stem}" for draft in drafts)
        else:
            assert (drafts, len(reasons)) == ([], len(rows))
    assert whole
