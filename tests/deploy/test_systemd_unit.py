"""The systemd unit: systemd itself understands it, and says how little it leaves open."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "deploy" / "tocsin.service"
EXPOSURE = 1.4
"""Of 10, less being better; docs/service.md names it."""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")


def analyzed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *map(str, words)], capture_output=True, text=True, check=False
    )


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    text = UNIT.read_text().replace("/usr/local/bin/tocsin", shutil.which("true") or "/bin/true")
    (tmp_path / "tocsin.service").write_text(text)
    done = analyzed("verify", "--man=no", tmp_path / "tocsin.service")
    assert (done.returncode, done.stderr) == (0, "")


def test_it_leaves_little_open() -> None:
    done = analyzed("security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", UNIT)
    if "offline" in done.stderr:
        pytest.skip("this systemd-analyze looks at running units only")
    assert done.returncode == 0, done.stdout
    found = re.search(r"Overall exposure level for tocsin\.service: ([0-9.]+)", done.stdout)
    assert found is not None
    assert float(found[1]) <= EXPOSURE


def test_the_documents_name_the_figure() -> None:
    told = (UNIT.parents[1] / "docs" / "service.md").read_text()
    assert re.search(rf"`systemd-analyze security` gives it {EXPOSURE} of 10", told)
