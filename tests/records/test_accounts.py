import pytest

from tocsin.records import accounts


@pytest.mark.parametrize(
    "text",
    [
        "TOWN\\anna.berg",
        "anna.berg@town.example",
        "anna.berg",
        "ANNA.BERG",
        "CN=anna.berg,OU=x,DC=town,DC=example",
        "TOWN.EXAMPLE\\anna.berg@TOWN.EXAMPLE",
    ],
)
def test_every_notation_means_the_same_person(text):
    assert accounts.account(text).local == "anna.berg"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("town", "town.example", True),
        ("", "anything", True),
        ("town.example", "town.onmicrosoft.com", True),
        ("town.example", "mail.town.example", True),
        ("town.example", "elsewhere.example", False),
        ("town", "ws-014", False),
    ],
)
def test_realms(one, other, same):
    assert accounts.same_realm(one, other) is same
    assert accounts.same_realm(other, one) is same


@pytest.mark.parametrize(
    "text",
    [
        "NT AUTHORITY\\SYSTEM",
        "SYSTEM",
        "root",
        "WS-014$",
        "TOWN\\DC01$",
        "S-1-5-18",
        "Administrator",
        "DWM-1",
        "",
    ],
)
def test_accounts_of_nobody(text):
    assert accounts.is_shared(text)


def test_a_person_is_not_shared():
    assert not accounts.is_shared("TOWN\\anna.berg")
    assert accounts.machine("TOWN\\WS-014$") == "ws-014"
    assert accounts.machine("anna$berg") is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:443", "203.0.113.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("127.0.0.1", None),
        ("0.0.0.0", None),
        ("224.0.0.251", None),
        ("WS-014", None),
        ("", None),
        ("[", None),
    ],
)
def test_addresses(text, address):
    assert accounts.address(text) == address


def test_inside_and_outside():
    assert accounts.is_internal("10.1.2.3")
    assert accounts.is_internal("fd00::1")
    assert not accounts.is_internal("8.8.8.8")
    assert not accounts.is_internal("203.0.113.9")
    assert not accounts.is_internal("2001:db8::1")
    assert not accounts.is_internal("ws-014")


def test_hosts():
    assert accounts.host("WS-014.town.example") == ("ws-014", "town.example")
    assert accounts.host("10.0.0.1") == ("10.0.0.1", "")
