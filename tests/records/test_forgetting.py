"""Whom a text names, and whom it does not."""

from __future__ import annotations

import json

import pytest

from tocsin.records.forgetting import Subject

INNER = json.dumps({"msg": b"Name:\\t\\tanna\\r\\n".decode("unicode_escape")})

NAMED = [
    ("user", "anna", "TOWN\\anna"),
    ("user", "anna", "anna@town.example"),
    ("user", "anna", "user=ANNA, uid=7"),
    ("user", "anna", json.dumps({"user": "TOWN\\anna"})),
    ("user", "anna", json.dumps({"message": "Account Name:\t\tanna\r\nDomain"})),
    ("user", "anna", "<13>app: " + json.dumps({"m": "for\nanna"})),
    ("user", "anna", json.dumps({"log": INNER})),
    ("user", "anna", "GET /?user=TOWN%5Canna HTTP/1.1"),
    ("user", "anna", "GET /?q=%20anna&x=1"),
    ("user", "anna@town.example", "GET /?user=anna%40town.example"),
    ("user", "o'brien", "GET /?user=o%27brien"),
    ("user", "jürgen", '{"u": "J\\u00DCRGEN"}'),
    ("user", "jürgen", "GET /?user=j%C3%BCrgen"),
    ("user", "j\u00fcrgen", "for ju\u0308rgen"),
    ("user", "ju\u0308rgen", "for J\u00dcRGEN"),
    ("address", "2001:db8::1", "from [2001:DB8:0::1]:443 to"),
    ("address", "2001:db8::1", "Connection from 2001:0db8:0:0:0:0:0:1."),
]
OTHERS = [
    ("user", "anna", "hanna"),
    ("user", "anna", "anna.berg"),
    ("user", "anna", "anna-maria"),
    ("user", "anja", "TOWN\\tanja"),
    ("user", "anja", json.dumps({"user": "TOWN\\tanja"})),
    ("user", "ina", "C:\\Users\\nina"),
    ("user", "anna", json.dumps({"log": json.dumps({"user": "TOWN\\tanna"})})),
    ("address", "2001:db8::1", "from 2001:db8::1:1 at 12:30:45"),
    ("address", "192.0.2.7", "192.0.2.70 192.0.2.7.1"),
]


@pytest.mark.parametrize(("kind", "ident", "text"), NAMED)
def test_a_text_names_them(kind: str, ident: str, text: str) -> None:
    assert Subject("local", kind, ident).in_text(text)


@pytest.mark.parametrize(("kind", "ident", "text"), OTHERS)
def test_a_text_names_somebody_else(kind: str, ident: str, text: str) -> None:
    assert not Subject("local", kind, ident).in_text(text)
