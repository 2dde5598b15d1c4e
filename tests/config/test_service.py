"""`[run]` and the tables below it: typed values, or a sentence that names file, table and key."""

from __future__ import annotations

import tomllib
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.config.addresses import Address, parse_address
from tocsin.config.service import PLAIN_HTTP, Service, Tls, load_service, service_settings
from tocsin.records.errors import OperatorError

FILE = Path("/etc/tocsin/tocsin.toml")
STATE = Path("/var/lib/tocsin")
TLS = 'certificate = "tls/c.pem"\nkey = "/keys/k.pem"\n'


def read(text: str, **over: Any) -> Service:
    return service_settings(FILE, tomllib.loads(text), STATE, over)


def test_without_a_word_only_this_host_is_heard() -> None:
    service = read("")
    assert (service.data, service.rules, service.starter, service.zone, service.site) == (
        STATE, (), True, UTC, "local",
    )  # fmt: skip
    assert (service.http.listen, service.http.tls) == ((Address("127.0.0.1", 8088),), None)
    assert service.http.tokens == Path("/etc/tocsin/tokens")
    assert (service.syslog.udp, service.syslog.tcp, service.syslog.tls) == ((), (), ())
    assert (service.retention.days, service.retention.bytes) == (bounds.KEEP_DAYS, bounds.KEEP_BYTES)


def test_everything_said() -> None:
    service = read(f"""
        [run]
        data = "d"
        rules = ["sigma", "/srv/more.zip"]
        starter = false
        zone = "Europe/Berlin"
        site = "townhall-2"
        [run.http]
        listen = ["0.0.0.0:8088", "[::1]:88"]
        {TLS}
        client-ca = "ca.pem"
        tokens = "/t"
        [run.syslog]
        udp = ["0.0.0.0:514"]
        tcp = ["localhost:514"]
        tls = ["[::]:6514"]
        client-ca = "devices.pem"
        [run.retention]
        days = 30
        bytes = "50 GB"
    """)
    assert service.data == Path("/etc/tocsin/d")
    assert service.rules == (Path("/etc/tocsin/sigma"), Path("/srv/more.zip"))
    assert (service.starter, service.zone, service.site) == (False, ZoneInfo("Europe/Berlin"), "townhall-2")
    certificate, key = Path("/etc/tocsin/tls/c.pem"), Path("/keys/k.pem")
    assert service.http.listen == (Address("0.0.0.0", 8088), Address("::1", 88))
    assert service.http.tls == Tls(certificate, key, Path("/etc/tocsin/ca.pem"))
    assert service.http.tokens == Path("/t")
    assert service.syslog.udp == (Address("0.0.0.0", 514),)
    assert service.syslog.tcp == (Address("127.0.0.1", 514),)
    assert service.syslog.tls == (Address("::", 6514),)
    assert service.syslog.tls_files == Tls(certificate, key, Path("/etc/tocsin/devices.pem"))
    assert (service.retention.days, service.retention.bytes) == (30, 50_000_000_000)


def test_what_flags_say_goes_before_the_file_and_is_named_as_a_flag() -> None:
    text = '[run]\ndata = "d"\nzone = "Europe/Berlin"\n'
    service = read(text, data=Path("here"), rules=("r",))
    assert (service.data, service.rules, service.zone) == (
        Path("here"), (Path("r"),), ZoneInfo("Europe/Berlin"),
    )  # fmt: skip
    with pytest.raises(OperatorError, match=r"^--zone names no time zone"):
        read(text, zone="Atlantis/Capital")


PLAIN = '[run.http]\nlisten = ["{}"]\n'


@pytest.mark.parametrize("far", ["0.0.0.0:8088", "192.0.2.1:1", "[::]:8088", "[::ffff:192.0.2.1]:80"])
def test_other_hosts_are_offered_no_plain_http_unless_the_settings_say_what_that_risks(far: str) -> None:
    with pytest.raises(OperatorError, match=r"\[run.http\] listen offers .* without TLS") as refused:
        read(PLAIN.format(far))
    assert PLAIN_HTTP in str(refused.value)
    assert read(PLAIN.format(far) + TLS).http.tls is not None
    assert read(PLAIN.format(far) + f'plain-http = "{PLAIN_HTTP}"\n').http.tls is None
    for no in ("true", '"yes"', '""'):
        with pytest.raises(OperatorError, match=r"\[run.http\] plain-http does not say what it risks"):
            read(PLAIN.format(far) + f"plain-http = {no}\n")


@pytest.mark.parametrize("near", ["127.0.0.1:8088", "127.8.8.8:1", "[::1]:8088", "localhost:0"])
def test_plain_http_on_this_host_needs_no_word(near: str) -> None:
    assert read(PLAIN.format(near)).http.listen[0].loopback


WRONG = [
    ("run = 3", "run is no table"),
    ("[run]\nsit = 'x'", "[run] has no setting sit. It has: bell, data, expect, files,"),
    ("[run]\nhttp = []", "[run] http is no table"),
    ("[run.http]\nport = 3", "[run.http] has no setting port. It has: certificate,"),
    ("[run.syslog]\nudp-tls = []", "[run.syslog] has no setting udp-tls"),
    ("[run.retention]\nhours = 3", "[run.retention] has no setting hours"),
    ("[run]\ndata = 3", "[run] data is no path"),
    ('[run]\ndata = ""', "[run] data is no path"),
    ('[run]\ndata = "a\\u0000b"', "[run] data is no path"),
    ('[run]\nrules = "sigma"', "[run] rules is no list"),
    ("[run]\nrules = [3]", "[run] rules is no path"),
    ('[run]\nstarter = "yes"', "[run] starter is neither true nor false"),
    ("[run]\nstarter = 1", "[run] starter is neither true nor false"),
    ("[run]\nzone = 1", "[run] zone is no text"),
    ('[run]\nzone = "../../etc/passwd"', "[run] zone names no time zone"),
    ('[run]\nsite = "town hall"', "[run] site is no name of a place"),
    ('[run]\nsite = "x\\u202e"', "[run] site is no text"),
    (f'[run]\nsite = "{"x" * 65}"', "[run] site is no name of a place"),
    ('[run.http]\nlisten = "127.0.0.1:8088"', "[run.http] listen is no list"),
    ("[run.http]\nlisten = [8088]", "[run.http] listen holds what is no text"),
    ('[run.http]\nlisten = ["8088"]', "[run.http] listen holds '8088', which is no address with a port"),
    ('[run.http]\nlisten = ["*:8088"]', "is no address with a port"),
    ('[run.http]\nlisten = ["::1:8088"]', "is no address with a port"),
    ('[run.http]\nlisten = ["logs.example.org:8088"]', "names no IP address"),
    ('[run.http]\nlisten = ["127.0.0.1:65536"]', "has a port above 65535"),
    ('[run.http]\nlisten = ["127.0.0.1:1", "127.0.0.1:1"]', "[run.http] listen names 127.0.0.1:1 twice"),
    ('[run.http]\ncertificate = "c"', "[run.http] certificate is named without key"),
    ('[run.http]\nkey = "k"', "[run.http] key is named without certificate"),
    ('[run.http]\nclient-ca = "k"', "[run.http] client-ca needs TLS"),
    ('[run.syslog]\ntls = ["[::1]:1"]', "[run.syslog] tls needs a certificate"),
    ('[run.syslog]\nclient-ca = "x"', "[run.syslog] client-ca needs a certificate"),
    ('[run.syslog]\ntcp = ["127.0.0.1:8088"]', "name 127.0.0.1:8088 2 times"),
    ("[run.retention]\ndays = 0", "[run.retention] days is no whole number from 1 to 36500"),
    ("[run.retention]\ndays = true", "[run.retention] days is no whole number"),
    ("[run.retention]\ndays = 1.5", "[run.retention] days is no whole number"),
    ('[run.retention]\nbytes = "50 gigs"', "[run.retention] bytes is no size"),
    ("[run.retention]\nbytes = true", "[run.retention] bytes is no size"),
    ("[run.retention]\nbytes = 3", "[run.retention] bytes is not from"),
    ("[run.retention]\nbytes = 99999999999999999999", "[run.retention] bytes is not from"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[told for _, told in WRONG])
def test_a_mistake_is_refused_by_file_table_and_key_with_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read(text)
    assert refused.value.what.startswith(f"{FILE}: ")
    assert told in str(refused.value)
    assert refused.value.next_step.endswith(".")


@pytest.mark.parametrize(
    ("written", "size"),
    [('"1 GiB"', 2**30), ('"1GB"', 10**9), ('"999999 kB"', 999_999_000), ("268435456", 2**28), ('"3 TiB"', 3 * 2**40)],
)  # fmt: skip
def test_sizes(written: str, size: int) -> None:
    assert read(f"[run.retention]\nbytes = {written}\n").retention.bytes == size


def test_more_addresses_than_sockets_are_good_for(tmp_path: Path) -> None:
    listen = [f"127.0.0.1:{port}" for port in range(1, bounds.LISTEN_ADDRESSES + 2)]
    with pytest.raises(OperatorError, match="more than"):
        read(f"[run.http]\nlisten = {listen}\n")


_SCALARS = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(),
    st.sampled_from(["127.0.0.1:1", "[::1]:2", "UTC", "50 GB", PLAIN_HTTP, "x\x00", "/", "[:]:1", "[::%a]:1"]),
)  # fmt: skip
_VALUES = st.one_of(_SCALARS, st.lists(_SCALARS, max_size=3))
_KEYS = {
    "http": ["listen", "certificate", "key", "client-ca", "tokens", "plain-http"],
    "syslog": ["udp", "tcp", "tls", "client-ca"],
    "retention": ["days", "bytes"],
}
_TABLES = {
    name: st.one_of(st.dictionaries(st.sampled_from(keys), _VALUES), _VALUES) for name, keys in _KEYS.items()
}
_PLAIN = dict.fromkeys(("data", "rules", "starter", "zone", "site"), _VALUES)


@given(st.fixed_dictionaries({}, optional=_PLAIN | _TABLES))
def test_whatever_stands_there_is_typed_or_refused_in_words(values: dict[str, Any]) -> None:
    try:
        service = service_settings(FILE, {"run": values}, STATE)
    except OperatorError as refused:
        assert refused.what.startswith(f"{FILE}: ")  # noqa: PT017  either outcome is right
        return
    assert isinstance(service.starter, bool)
    assert (
        all(one.loopback for one in service.http.listen) or service.http.tls or "plain-http" in values["http"]
    )
    assert service.retention.days >= 1


@given(st.binary(max_size=200))
def test_whatever_the_file_holds(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "hostile.toml"
    file.write_bytes(text)
    try:
        load_service(file, STATE)
    except OperatorError as refused:
        assert str(file) in str(refused)  # noqa: PT017


@given(
    st.one_of(
        st.text(max_size=30),
        st.ip_addresses().map(lambda one: f"[{one}]:1"),
        st.from_regex(r"[\d.:\[\]%a]{1,20}"),
    )
)
def test_an_address_reads_back_as_itself(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert parse_address(str(address)) == address
    assert 0 <= address.port <= 65_535


def test_files_to_follow_and_what_their_format_is_called() -> None:
    settings = {"run": {"files": {"paths": ["logs/*.log", "/srv/x"], "formats": {"/srv/x": "w3c"}}}}
    found = service_settings(Path("/etc/tocsin/tocsin.toml"), settings, Path("/state")).files
    assert found.paths == ("/etc/tocsin/logs/*.log", "/srv/x")
    assert found.formats == {"/srv/x": "w3c"}
    settings["run"]["files"]["formats"] = {"/srv/y": "w3c"}
    with pytest.raises(OperatorError, match=r"is none of the paths of \[run.files\]"):
        service_settings(Path("/etc/tocsin/tocsin.toml"), settings, Path("/state"))
