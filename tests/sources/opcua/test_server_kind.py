"""Which OPC UA servers are read: historians and aggregation servers, and no controller."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tocsin.sources.opcua.server_kind import Said, judge, judge_names

UA = "http://opcfoundation.org/UA/"
DI = "http://opcfoundation.org/UA/DI/"
HISTORIAN = Said(
    ("Plant Archive",),
    ("urn:archive01:Example:Historian", "urn:example.com:historian"),
    "Example Software",
    "Historian UA Server",
    ("urn:archive01:Example:Historian",),
    (UA, "urn:archive01:Example:Historian", "urn:example.com:tags"),
    history=True,
    asked=43,
)


@pytest.mark.parametrize(
    ("said", "offer"),
    [
        (HISTORIAN, "history"),
        (replace(HISTORIAN, history=False, historised=40), "40 of the 43"),
        (replace(HISTORIAN, history=False, servers=("urn:own", "urn:line1", "urn:line2")), "2 other servers"),
        (replace(HISTORIAN, names=("SIMATIC Process Historian",), maker="Siemens AG"), "history"),
        (replace(HISTORIAN, names=("WinCC",), uris=("urn:hmi1:Siemens:SIMATIC.WinCC",)), "history"),
        (replace(HISTORIAN, namespaces=(UA, "urn:hist:KEPServerEX"), product="KEPServerEX"), "history"),
        (replace(HISTORIAN, product="Ignition OPC UA Server", maker="Inductive Automation"), "history"),
        (replace(HISTORIAN, namespaces=(UA, DI), devices=("P1", "P2"), servers=("urn:o", "urn:1", "urn:2")), "history"),
    ],
)  # fmt: skip
def test_what_keeps_history_or_stands_for_several_is_read(said: Said, offer: str) -> None:
    verdict = judge(said)
    assert verdict.readable, verdict
    assert any(offer in one for one in verdict.offers)


@pytest.mark.parametrize(
    ("said", "sign"),
    [
        (replace(HISTORIAN, namespaces=(UA, "http://PLCopen.org/OpcUa/IEC61131-3/")), "IEC 61131-3"),
        (replace(HISTORIAN, namespaces=(UA, "http://www.siemens.com/simatic-s7-opcua")), "Siemens"),
        (replace(HISTORIAN, uris=("urn:SIMATIC.S7-1500.OPC-UA.Application:PLC_1",)), "Siemens"),
        (replace(HISTORIAN, product="S7-1200 Station_1"), "Siemens"),
        (replace(HISTORIAN, namespaces=(UA, "CODESYSSPV3/3S/IecVarAccess")), "CODESYS"),
        (replace(HISTORIAN, maker="3S-Smart Software Solutions", product="CODESYS Control for Linux"), "CODESYS"),
        (replace(HISTORIAN, namespaces=(UA, "urn:BeckhoffAutomation:Ua:PLC1")), "Beckhoff"),
        (replace(HISTORIAN, names=("TcOpcUaServer@TwinCAT",)), "Beckhoff"),
        (replace(HISTORIAN, product="1756-L85E ControlLogix"), "Rockwell"),
        (replace(HISTORIAN, namespaces=(UA, "http://br-automation.com/OpcUa/PLC/PV/")), "B&R"),
        (replace(HISTORIAN, namespaces=(UA, "urn:B&R/pv/")), "B&R"),
        (replace(HISTORIAN, product="Modicon M580"), "Schneider"),
        (replace(HISTORIAN, uris=("urn:OMRON:NxOpcUaServer",)), "Omron"),
        (replace(HISTORIAN, namespaces=(UA, "http://phoenixcontact.com/OpcUA/PLCnext/GlobalDataSpace")), "PLCnext"),
        (replace(HISTORIAN, uris=("urn:wago:750-8212",)), "WAGO"),
        (replace(HISTORIAN, product="ctrlX CORE"), "ctrlX"),
        (replace(HISTORIAN, product="MELSEC iQ-R"), "MELSEC"),
        (replace(HISTORIAN, product="AC500 PLC"), "AC500"),
        (replace(HISTORIAN, names=("Soft PLC 2",)), "a PLC"),
        (replace(HISTORIAN, product="Pump Controller"), "a controller"),
        (replace(HISTORIAN, product="Substation RTU"), "remote terminal"),
        (replace(HISTORIAN, namespaces=(UA, DI), devices=("Drive1",)), "DeviceSet"),
        (replace(HISTORIAN, writable=("F_PU1", "S_PU1")), "2 of the 43"),
    ],
)  # fmt: skip
def test_a_sign_of_a_controller_outweighs_what_it_offers(said: Said, sign: str) -> None:
    verdict = judge(said)
    assert not verdict.readable
    assert verdict.offers
    assert any(sign in one for one in verdict.signs), verdict


@pytest.mark.parametrize(
    "said",
    [
        Said(),
        replace(HISTORIAN, history=False),
        replace(HISTORIAN, history=False, servers=("urn:own", "urn:other")),
        replace(HISTORIAN, history=False, servers=("urn:own", "urn:own", "", "urn:other", "urn:other")),
    ],
)
def test_a_server_that_is_neither_is_not_read(said: Said) -> None:
    verdict = judge(said)
    assert not verdict.readable
    assert not verdict.signs
    assert not verdict.offers


def test_the_model_information_of_devices_alone_is_no_sign() -> None:
    assert judge(replace(HISTORIAN, namespaces=(UA, DI))).readable


def test_what_it_calls_itself_tells_before_there_is_a_session() -> None:
    assert judge_names(("PLC_1",), ())
    assert judge_names((), ("urn:SIMATIC.S7-1500.OPC-UA.Application:x",))
    assert not judge_names(HISTORIAN.names, HISTORIAN.uris)
    assert not judge_names((), ("urn:plc-historian:Example:Historian",)), "a host's name is no sign"


def test_a_long_hostile_name_is_judged_soon_and_cut() -> None:
    (sign,) = judge_names(("controller " + "s" * 256,), ())
    assert len(sign) < 160
