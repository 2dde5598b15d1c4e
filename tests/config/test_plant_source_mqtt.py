"""The table of an MQTT broker."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tocsin.config.plant_source_mqtt import PLAIN, Mqtt, mqtt_source
from tocsin.config.table import Table
from tocsin.records.errors import OperatorError

FILE = Path("/etc/tocsin/tocsin.toml")


def parsed(text: str) -> Mqtt:
    values = tomllib.loads('plant = "waterworks"\nkind = "mqtt"\n' + text)
    return mqtt_source(Table(FILE, "run.plant-source", values))


def test_the_least() -> None:
    found = parsed('host = "broker.example.org"')
    assert found == Mqtt("broker.example.org", 8883, ("spBv1.0/#",), client="tocsin-waterworks")


def test_everything() -> None:
    found = parsed(
        """
        host = "10.0.0.5"
        port = 8884
        authority = "ca.pem"
        certificate = "tocsin.pem"
        key = "/k/key.pem"
        user = "tocsin"
        password-file = "secrets/broker"
        client-id = "c1"
        format = "json"
        topics = ["plant/{device}/{metric}", "more/{device}/+/{metric}/#"]
        tag = "{device}.{metric}.{key}"
        value = "data.value"
        time = "data.ts"
        qos = 0
        protocol = "3.1.1"
        repeat-seconds = 0
        repeat-most-seconds = 7200
        """
    )
    here = FILE.parent
    assert found == Mqtt(
        "10.0.0.5", 8884, ("plant/{device}/{metric}", "more/{device}/+/{metric}/#"), "json", "{device}.{metric}.{key}",
        "data.value", "data.ts", "c1", 0, 4, True, here / "ca.pem", here / "tocsin.pem", Path("/k/key.pem"), "tocsin",
        here / "secrets/broker", 0, 7200,
    )  # fmt: skip


def test_what_does_not_change_is_said_again_for_longer_where_somebody_says_that_its_device_lives() -> None:
    spark, plain = (
        parsed('host = "h"'),
        parsed('host = "h"\nformat = "number"\ntopics = ["plant/{tag}"]\ntag = "{tag}"'),
    )
    assert (spark.repeat_seconds, plain.repeat_seconds) == (10, 10)
    assert (spark.repeat_most_seconds, plain.repeat_most_seconds) == (86_400, 3_600)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_without_tls_on_this_host(host: str) -> None:
    assert parsed(f'host = "{host}"\ntls = false').port == 1883


def test_without_tls_elsewhere_only_knowingly() -> None:
    with pytest.raises(OperatorError, match="is another one"):
        parsed('host = "b"\ntls = false')
    assert not parsed(f'host = "b"\ntls = false\nplain = "{PLAIN}"').tls


@pytest.mark.parametrize("port", [102, 502, 2404, 4840 - 2338, 20000, 44818, 47808])
def test_ports_of_controllers_are_refused(port: int) -> None:
    if port == 2502:
        assert parsed(f'host = "b"\nport = {port}').port == port
        return
    with pytest.raises(OperatorError, match="controllers listen"):
        parsed(f'host = "b"\nport = {port}')


@pytest.mark.parametrize(
    "line",
    [
        "", 'host = "a b"', 'host = "b"\nhsot = 1', 'host = "b"\nport = 0', 'host = "b"\nformat = "xml"', 'host = "b"\nqos = 2',
        'host = "b"\nprotocol = "4"', 'host = "b"\ntopics = []', 'host = "b"\ntopics = ["a/#/b"]',
        'host = "b"\ntopics = ["spBv1.0/{group}/#"]', 'host = "b"\nformat = "number"',
        'host = "b"\nformat = "number"\ntopics = ["a/b{c}"]', 'host = "b"\nformat = "number"\ntopics = ["a/{c}"]\ntag = "{d}"',
        'host = "b"\nformat = "number"\ntopics = ["a/{c}"]\ntag = "one"', 'host = "b"\nvalue = "v"', 'host = "b"\ntag = "{key}"',
        'host = "b"\nkey = "k.pem"', 'host = "b"\npassword-file = "p"', 'host = "localhost"\ntls = false\nauthority = "a"',
        'host = "b"\nplain = "yes"', 'host = "b"\nclient-id = "a b"', 'host = "b"\ntopics = ["' + "x" * 1100 + '"]',
        'host = "b"\nuser = "a\\nb"', 'host = "b"\ntopics = ["$share/historian/spBv1.0/#"]', 'host = "b"\ntopics = ["$SYS/#"]',
        'host = "b"\nformat = "number"\ntopics = ["$queue/plant/{tag}"]\ntag = "{tag}"',
    ],
)  # fmt: skip
def test_what_cannot_be(line: str) -> None:
    with pytest.raises(OperatorError) as caught:
        parsed(line)
    assert caught.value.next_step
    assert "run.plant-source" in caught.value.what
