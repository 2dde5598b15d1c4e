"""Every input that the fuzzer starts from or that once broke something, replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.fuzz import evtx_target
from tests.fuzz.defects import defect_of, shrunk, spoilt
from tests.fuzz.targets import SEEDS, TARGETS, Target

from tocsin.sources.evtx_parser import EvtxParser


@pytest.fixture(scope="module")
def parser() -> Iterator[EvtxParser]:
    with EvtxParser(evtx_target.CHUNK_SECONDS) as one:
        yield one


@pytest.mark.parametrize("one", TARGETS, ids=lambda one: one.name)
def test_every_seed_holds(one: Target) -> None:
    replayed = 0
    for path in one.seeds():
        one.run(path.read_bytes())
        replayed += 1
    for data in one.starts():
        one.run(data)
        replayed += 1
    assert replayed, f"{one.name} has nothing to start from"


def test_every_folder_of_seeds_has_its_target() -> None:
    assert {path.name for path in SEEDS.iterdir()} <= {"evtx", *(one.name for one in TARGETS)}


@pytest.mark.parametrize("seed", range(60))
def test_spoilt_evtx_of_our_own(parser: EvtxParser, seed: int) -> None:
    evtx_target.check(evtx_target.input_of("own", seed), parser)


def test_recipes_of_spoilt_recordings(data: object, parser: EvtxParser) -> None:
    """What once broke on a spoilt recording, made again from the recording itself."""
    for path in sorted((SEEDS / "evtx").glob("*.recipe")):
        name, seed = json.loads(path.read_text(encoding="utf-8"))
        evtx_target.check(evtx_target.input_of(name, seed), parser)


def test_the_harness_itself_finds_and_shrinks_what_breaks() -> None:
    def breaks(data: bytes) -> None:
        assert b"xyz" not in data, "it is there"

    defect = defect_of(breaks, b"a" * 500 + b"xyz" + b"b" * 500)
    assert defect is not None
    assert shrunk(breaks, b"a" * 500 + b"xyz" + b"b" * 500, defect) == b"xyz"
    assert defect_of(breaks, b"xy") is None


def test_spoiling_is_repeatable_and_spoils() -> None:
    import random

    data = bytes(range(256)) * 40
    assert spoilt(data, random.Random(5)) == spoilt(data, random.Random(5)) != data
