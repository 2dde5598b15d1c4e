"""On an ordinary day of the simulated town hall nothing that a person must look at is found but the intrusion."""

from __future__ import annotations

import os

import pytest

from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import load_rules
from tocsin.engine.rule_files import starter_texts
from tocsin.records.finding import LEVELS
from tocsin.rehearse.townhall.town import generate
from tocsin.sources.reading import ReadOptions, read


@pytest.mark.parametrize("seed", [41])
def test_only_the_intrusion_is_found(seed, tmp_path):
    day = generate(seed)
    for name, content in day.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (day.scene.day.end / 1e6,) * 2)
    detector = SigmaDetector(load_rules(starter_texts().texts))
    findings = []
    for batch in read([str(tmp_path)], ReadOptions(ingest=day.scene.day.end)):
        findings += detector.process(batch)
    findings += detector.advance(END_OF_TIME)
    labelled = {(str(tmp_path / label.source), label.record) for label in day.labels}
    wrong = [
        finding.rule_title
        for finding in findings
        if LEVELS.index(finding.level) >= LEVELS.index("medium")
        and not labelled & {(piece.source, piece.record) for piece in finding.evidence}
    ]
    assert wrong == []
    assert any(finding.level in {"high", "critical"} for finding in findings)
