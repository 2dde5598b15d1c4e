import pytest

from tocsin.advise.phrases import between, counted, listed, name, person, program
from tocsin.advise.wording import clause, proven, whose
from tocsin.records.claims import CLAIM_TYPES
from tocsin.records.event import AUTH_ORDER, EventId
from tocsin.records.finding import Claim, Evidence
from tocsin.records.instants import DAY, MINUTE


def said(kind, **values):
    return clause(Claim(kind, values, (EventId("s", 1),), 0))


@pytest.mark.parametrize("kind", sorted(CLAIM_TYPES))
def test_every_type_is_worded_with_all_and_with_only_its_required_values(kind):
    required, optional = CLAIM_TYPES[kind]
    least = said(kind, **{one: f"v-{one}" for one in required})
    most = said(kind, **{one: f"v-{one}" for one in (*required, *optional)})
    for one in required:
        assert f"v-{one}" in least
    assert "v-" in most
    assert not least.startswith("the record says ")  # worded, not listed
    assert "  " not in most


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (said("logon_failed", user="anna", address="198.51.100.7", service="SSH"), "a log-on to SSH from 198.51.100.7 as anna failed"),
        (said("account_changed", action="added to a group", target="eve", group="sudo", user="bo"),
         "the account eve was added to the group sudo by bo"),
        (said("file_changed", action="deleted", path="/x", process="/bin/rm"), "rm deleted the file “/x”"),
        (said("network_connection", destination="198.51.100.7", port="443", source="10.0.0.1", action="deny"),
         "traffic from 10.0.0.1 to 198.51.100.7 port 443 was seen, verdict deny"),
        (said("process_started", image="C:\\a b\\evil one.exe", user="NT AUTHORITY\\SYSTEM"),
         "the computer itself (“NT AUTHORITY\\SYSTEM”) started “evil one.exe”"),
    ],
)  # fmt: skip
def test_words(words, expected):
    assert words == expected


def test_an_unknown_type_is_only_quoted():
    assert said("new_type", thing="x") == "the record says thing: “x”"


def test_small_pieces():
    assert listed([]) == "nobody"
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefg")) == "a, b, c and 4 more"
    assert counted(1, "event") == "1 event"
    assert counted(20_000, "event") == "20,000 events"
    assert name("two words") == "“two words”"
    assert name("[red]x") == "“[red]x”"
    assert person("TOWN\\WS-1$") == "the computer account TOWN\\WS-1$"
    assert program("/usr/bin/rm") == "rm"
    assert between(0, 30) == "at 1970-01-01 00:00 UTC"
    assert between(0, 5 * MINUTE) == "between 00:00 and 00:05 UTC on 1970-01-01"
    assert between(0, DAY) == "between 1970-01-01 00:00 UTC and 1970-01-02 00:00 UTC"


def test_whose_word():
    def piece(host, source="a/b.zip!x.json"):
        return Evidence(EventId("s", 1), source, 1, 0, "none", host, "")

    assert whose(piece("WS-014")) == "WS-014's log"
    assert whose(piece("dns")) == "dns' log"
    assert whose(piece(None, "C:\\logs\\x.csv")) == "the records in x.csv"
    assert len({proven(auth) for auth in AUTH_ORDER}) == len(AUTH_ORDER)


def test_what_was_counted_is_told_in_plain_words():
    def said(**values):
        return clause(Claim("repeated", {"count": "9", "what": "X", **values}, (EventId("s", 1),), 0))

    assert said(group="IpAddress 10.1.2.3") == "“X” happened 9 times for the address 10.1.2.3"
    assert said(group="Computer WS-1.t.example") == "“X” happened 9 times on WS-1"
    assert said(group="UserId anna@t.example", minutes="1", distinct="4", counted="ObjectId") == (
        "“X” happened 9 times for the account anna@t.example within 1 minute, with 4 different items"
    )
    assert said(count="1", group="id.orig_h 10.1.1.1, id.resp_h 10.1.1.2") == (
        "“X” happened once from 10.1.1.1 to 10.1.1.2"
    )
    assert said(group="user a, Computer WS-1").endswith("for “user a, Computer WS-1”")
    assert said(group="shoe 42", distinct="4", counted="lace").endswith(
        "for “shoe 42”, with 4 different values of “lace”"
    )
