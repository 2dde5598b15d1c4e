"""`[[run.plant-source]]` of kind `opcua`: typed values, and refusals that name the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.config.plant_source_opcua import KEYS, NO_SECURITY, OpcUa, Secured, opcua_source
from tocsin.config.table import Table
from tocsin.records.errors import OperatorError

FILE = Path("/etc/tocsin/tocsin.toml")
SECURE = {
    "certificate": "opcua/tocsin.pem",
    "key": "opcua/tocsin.key",
    "server-certificate": "opcua/server.pem",
}
LEAST = {
    "kind": "opcua",
    "plant": "works",
    "endpoint": "opc.tcp://hist:4840",
    "folder": "Plant/Tags",
    **SECURE,
}
BARE = {key: value for key, value in LEAST.items() if key not in SECURE} | {"no-security": NO_SECURITY}


def read(values: dict[str, Any]) -> OpcUa:
    return opcua_source(Table(FILE, "run.plant-source", values))


def test_the_least_is_signed_and_encrypted_with_a_pinned_server() -> None:
    at = Path("/etc/tocsin/opcua")
    secured = Secured("Basic256Sha256", True, at / "tocsin.pem", at / "tocsin.key", at / "server.pem")
    assert read(LEAST) == OpcUa("opc.tcp://hist:4840", ("Plant", "Tags"), (), (), 1000, secured)


def test_everything_said() -> None:
    more = {
        "endpoint": "opc.tcp://[2001:db8::1]/hist", "nodes": ["ns=2;s=A;b=c", "nsu=urn:x;i=7"], "names": {"ns=2;s=A;b=c": "L_T1"},
        "interval-ms": 250, "security": "Aes256_Sha256_RsaPss", "user": "tocsin", "password-file": "p", "name": "hist",
    }  # fmt: skip
    found = read(LEAST | more)
    assert found.endpoint == "opc.tcp://[2001:db8::1]:4840/hist"
    assert found.nodes == ("ns=2;s=A;b=c", "nsu=urn:x;i=7")
    assert found.names == (("ns=2;s=A;b=c", "L_T1"),)
    assert (found.interval_ms, found.user, found.password_file) == (250, "tocsin", Path("/etc/tocsin/p"))
    assert read(BARE).secured is None


@pytest.mark.parametrize(
    "port", [102, 502, 2222, 2404, 5007, 9600, 18245, 20000, 34962, 34963, 34964, 44818, 47808]
)
def test_a_port_of_controllers_is_refused(port: int) -> None:
    with pytest.raises(OperatorError, match="controller"):
        read(LEAST | {"endpoint": f"opc.tcp://hist:{port}/"})


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"endpoint": "http://hist:4840"}, "endpoint"),
        ({"endpoint": "opc.tcp://"}, "endpoint"),
        ({"endpoint": "opc.tcp://hist:0"}, "endpoint"),
        ({"endpoint": "opc.tcp://hist:99999"}, "endpoint"),
        ({"endpoint": "opc.tcp://me:secret@hist:4840"}, "holds a user"),
        ({"folder": "Plant//Tags"}, "folder"),
        ({"folder": "/".join("a" * 17)}, "folder"),
        ({"nodes": ["L_T1"]}, "no id of a node"),
        ({"nodes": "ns=2;s=A"}, "no list"),
        ({"names": {"ns=2;s=A": "T", "ns=2;s=B": "T"}}, "twice"),
        ({"names": {"A": "T"}}, "no id of a node"),
        ({"interval-ms": 1}, "interval-ms"),
        ({"security": "Basic128Rsa15"}, "still safe"),
        ({"security": "None"}, "still safe"),
        ({"mode": "None"}, "mode"),
        ({"no-security": "yes"}, "does not say what it risks"),
        ({"no-security": NO_SECURITY}, "contradicts"),
        ({"user": "tocsin"}, "password-file"),
        ({"password-file": "p"}, "without user"),
        ({"user": "tocsin", "password-file": "p", "mode": "Sign"}, "others can read"),
        ({"usr": "x"}, "no setting usr"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], what: str) -> None:
    with pytest.raises(OperatorError, match=what) as caught:
        read(LEAST | more)
    assert str(FILE) in str(caught.value)


@pytest.mark.parametrize(
    ("gone", "what"),
    [("folder", "names no node"), ("key", "key is missing"), ("server-certificate", "is missing")],
)
def test_what_is_missing_is_told(gone: str, what: str) -> None:
    with pytest.raises(OperatorError, match=what):
        read({key: value for key, value in LEAST.items() if key != gone})


def test_a_password_never_goes_without_encryption() -> None:
    with pytest.raises(OperatorError, match="others can read"):
        read(BARE | {"user": "tocsin", "password-file": "p"})


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(KEYS), _ANY, max_size=6), st.booleans())
def test_any_table_is_read_or_refused(values: dict[str, Any], bare: bool) -> None:
    try:
        read((BARE if bare else LEAST) | values)
    except OperatorError:
        return
