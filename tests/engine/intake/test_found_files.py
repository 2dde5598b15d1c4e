"""Which files a path leads to, whatever else lies beside them."""

from __future__ import annotations

from pathlib import Path

from tocsin.engine.intake.found_files import found_files, siblings


def test_a_link_that_leads_round_in_a_circle_hides_nothing_beside_it(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "app.log.2"):
        (tmp_path / name).symlink_to(name)
    for name in ("app.log", "app.log.1"):
        (tmp_path / name).write_text("x\n")
    found, too_many = found_files([str(tmp_path)])
    assert {tmp_path / "app.log", tmp_path / "app.log.1"} <= set(found)
    assert not too_many
    assert siblings(tmp_path / "app.log") == [tmp_path / "app.log.1"]
