from tests.sources.text.reading import chosen, instant, one

LINE = '<165>1 2026-03-01T03:14:07.003Z host.example app 99 ID47 [ex@32473 iut="3" q="a\\"b\\]"][o@1 k="v"] \ufeffAn event'


def test_header_and_structured_data():
    assert chosen(LINE) == "rfc5424"
    draft = one("rfc5424", LINE)
    assert draft.time == instant("2026-03-01T03:14:07.003Z")
    assert draft.host == "host.example"
    wanted = {
        "message": "An event", "appname": "app", "program": "app", "pid": "99", "msgid": "ID47", "facility": "local4", "severity": "notice",
        "ex@32473.iut": "3", "ex@32473.q": 'a"b]', "o@1.k": "v", "hostname": "host.example",
    }  # fmt: skip
    assert draft.fields == wanted


def test_nil_values():
    draft = one("rfc5424", "<34>1 - - su - - -")
    assert (draft.time, draft.host, draft.fields["message"]) == (None, None, "")


def test_broken_structured_data_stays_in_the_message():
    assert one("rfc5424", '<34>1 - h a - - [x y="1 text').fields["message"] == '[x y="1 text'


def test_lines_of_the_older_form_among_them_are_read():
    assert one("rfc5424", "<34>Mar  1 03:14:07 web01 su: x").fields["appname"] == "su"
