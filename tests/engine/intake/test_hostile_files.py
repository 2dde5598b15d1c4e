"""Followed folders in which somebody else may write: names, links, devices."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_running import Running, wait_for

from tocsin.engine.intake.found_files import written_part
from tocsin.engine.intake.growing import NoLog, opened

Start = Callable[..., Running]
QUICK = {"TAIL_LOOK_SECONDS": 0.02, "TAIL_FIND_SECONDS": 0.05}


def test_names_of_any_bytes_are_followed_and_told_of_in_harmless_text(start: Start, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    names = (b"a\xff.log", b"b\nc.log", b"d\x1b[31m.log")
    for name in names:
        Path(os.fsdecode(bytes(logs) + b"/" + name)).write_bytes(name.replace(b"\n", b"") + b" line\n")
    os.mkfifo(os.fsdecode(bytes(logs) + b"/e\xfe\x1b.log"))
    running = start(files=[str(logs)], bounds=QUICK)
    wait_for(lambda: running.of("counted") and running.of("counted")[-1]["counters"]["records"] == 3)
    (told,) = wait_for(lambda: [one["text"] for one in running.of("told")], "the pipe")
    assert told.isprintable()
    assert "is no file" in told
    running.stop()
    paths = {one.hints["path"].rpartition("/")[2] for one in running.stored()}
    assert len(paths) == 3
    assert all(path.isprintable() for path in paths)


def test_a_link_that_another_made_is_not_followed(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files to others")
    secret, logs = tmp_path / "secret", tmp_path / "logs"
    logs.mkdir()
    secret.write_text("not for you\n")
    os.chown(secret, 4_000_001, -1)
    link, folder = logs / "own.log", logs / "sub"
    link.symlink_to(secret)
    opened(link, logs)[0].close()  # root's own link
    os.chown(link, 4_000_002, -1, follow_symlinks=False)
    with pytest.raises(NoLog, match="another made"):
        opened(link, logs)
    opened(link, link)[0].close()  # the operator named the link itself
    os.chown(secret, 4_000_002, -1)
    opened(link, logs)[0].close()  # what it leads to is theirs
    os.chown(secret, 4_000_001, -1)
    folder.symlink_to(tmp_path)
    os.chown(folder, 4_000_002, -1, follow_symlinks=False)
    with pytest.raises(NoLog, match="sub is a link"):
        opened(folder / "secret", logs)


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("/a/b.log", "/a/b.log"),
        ("/a/*.log", "/a"),
        ("/a/x[1]/c/*.log", "/a"),
        ("/**/c.log", "/"),
        ("/a/b", "/a/b"),
    ],
)
def test_what_the_operator_wrote_is_trusted(pattern: str, part: str) -> None:
    assert written_part(pattern) == Path(part)
