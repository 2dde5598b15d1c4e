"""The whole of SigmaHQ's rules, loaded once for the session (seconds, and tens of MB)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.detect.sigma.loading import RuleSet, RuleText, load_rules


@pytest.fixture(scope="session")
def sigma_hq(data: Path) -> RuleSet:
    """Every rule of the SigmaHQ folder."""
    paths = sorted((data / "sigma").rglob("*.yml"))
    return load_rules(RuleText(str(path), path.read_text(encoding="utf-8")) for path in paths)
