"""`[run.bell]` and `[run.outbound]`: typed values, refusals that name the place, warnings."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.config.addresses import Address
from tocsin.config.bell import PLAIN, Bell, Mail, Quiet, Web
from tocsin.config.origins import is_here, origin_of
from tocsin.config.service import service_settings
from tocsin.records.errors import OperatorError

FILE = Path("/etc/tocsin/tocsin.toml")
PHONE = '[run.bell.channels.phone]\nkind = "ntfy"\nurl = "https://ntfy.example.org/town"\n'
MAIL = '[run.bell.channels.mail]\nkind = "email"\nserver = "mail.example.org"\nfrom = "a@example.org"\nto = ["b@example.org"]\n'


def read(text: str) -> Bell:
    return service_settings(FILE, tomllib.loads(text), Path("/v")).bell


def test_without_a_word_nothing_leaves_and_that_is_told() -> None:
    bell = read("")
    assert bell == Bell()
    assert bell.allowed == frozenset()
    assert "Nobody is rung" in bell.warnings()[0]


def test_everything_said() -> None:
    bell = read(f"""
        [run.outbound]
        allow = ["https://NTFY.example.org/", "smtp://mail.example.org:587", "https://hc-ping.com:8443"]
        [run.bell]
        quiet = "22:00-06:30"
        escalate-minutes = 0
        digest = "07:05"
        [run.bell.heartbeat]
        url = "https://hc-ping.com:8443/{{secret}}"
        secret = "s/h"
        {PHONE}
        {MAIL}
        user = "tocsin"
        secret = "/s/m"
    """)
    assert (bell.quiet, bell.escalate_minutes, bell.digest) == (Quiet(1320, 390), 0, 425)
    assert bell.heartbeat is not None
    assert (bell.heartbeat.minutes, bell.heartbeat.target.secret) == (
        bounds.HEARTBEAT_MINUTES,
        Path("/etc/tocsin/s/h"),
    )
    phone, mail = bell.channels
    assert (phone.name, phone.kind, phone.target) == ("phone", "ntfy", Web("https://ntfy.example.org/town"))
    assert mail.target == Mail(
        Address("mail.example.org", 587),
        "starttls",
        "tocsin",
        Path("/s/m"),
        "a@example.org",
        ("b@example.org",),
    )
    assert bell.warnings() == ()


def test_mail_alone_and_what_is_not_listed_are_warned_of() -> None:
    warned = read(MAIL + '[run.bell.heartbeat]\nurl = "https://hc-ping.com/x"').warnings()
    assert [one.split()[0:3] for one in warned] == [
        ["The", "channel", "mail"], ["The", "heartbeat", "cannot"], ["Every", "channel", "is"],
    ]  # fmt: skip
    assert not any("Every channel" in one for one in read(MAIL + PHONE).warnings())


WRONG = [
    (PHONE + "pages = 1", "[run.bell.channels.phone] has no setting pages"),
    (
        '[run.bell.channels.phone]\nkind = "fax"',
        "[run.bell.channels.phone] kind is 'fax', which there is not",
    ),
    ('[run.bell.channels."a b"]\nkind = "ntfy"', "is no name of a channel"),
    (PHONE.replace("/town", ""), "names no topic"),
    (PHONE.replace("town", "{secret}"), "access token"),
    (PHONE.replace("https", "http"), "leads to another host without TLS"),
    (PHONE.replace("https", "ftp"), "begins with none of"),
    (PHONE.replace("https://", "https://a:b@"), "holds a name or password"),
    (PHONE.replace("ntfy.example.org", "{secret}.org"), "hides the host"),
    (MAIL + 'security = "none"', "leads to another host without TLS"),
    (MAIL + 'user = "x"', "belong together"),
    (MAIL.replace("b@example.org", "b@example.org\\r\\nBcc: x@y"), "to holds what is no text"),
    (MAIL.replace("b@example.org", "b"), "to holds 'b', which is no address"),
    (MAIL.replace('["b@example.org"]', "[]"), "to names nobody"),
    ('[run.bell]\nquiet = "22-6"', "[run.bell] quiet are no hours"),
    ('[run.bell]\nquiet = "22:00-22:00"', "[run.bell] quiet are no hours"),
    ('[run.bell]\ndigest = "24:00"', "[run.bell] digest is no time of day"),
    ("[run.bell]\nescalate-minutes = -1", "escalate-minutes is no whole number"),
    ('[run.outbound]\nallow = ["*"]', "[run.outbound] allow holds '*'"),
    ('[run.outbound]\nallow = ["https://"]', "names no host"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[told for _, told in WRONG])
def test_a_mistake_is_refused_by_file_table_and_key(text: str, told: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read(text)
    assert str(refused.value).startswith(f"{FILE}: ")
    assert told in str(refused.value)


def test_who_writes_down_the_risk_may_go_without_tls() -> None:
    assert read(PHONE.replace("https", "http") + f'plain = "{PLAIN}"').channels
    assert read(PHONE.replace("https://ntfy.example.org", "http://127.0.0.1:8080")).channels


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.org", "https://example.org:443"),
        ("HTTPS://example.org./x?y", "https://example.org:443"),
        ("http://[::1]:80/", "http://[::1]:80"),
        ("smtp://m", "smtp://m:25"),
    ],
)
def test_one_spelling_for_each_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin_of(origin) == origin


@given(st.text(max_size=30))
def test_any_text_is_an_origin_or_is_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"smtp://a:{text}"):
        try:
            found = origin_of(url)
        except ValueError:
            continue
        assert origin_of(found) == found
        assert is_here(found) in (True, False)
