"""`tocsin connect journald`: what its unit runs, run beside a real journald of its own namespace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.connecting_site import Connectable, wait_for
from tests.running_service import PATIENCE

from tocsin.config.service import load_service
from tocsin.engine.connecting.arrival import Watch
from tocsin.engine.connecting.connection import MARK, Sought, new_nonce
from tocsin.engine.connecting.journald import SCRIPT, unit_text
from tocsin.engine.connecting.sending import to_syslog_socket
from tocsin.engine.serving import reads
from tocsin.sources.listened.received import ReceivedOptions

JOURNALD = Path("/lib/systemd/systemd-journald")
NAMESPACE = f"tocsin-test-{os.getpid()}"
needs_journald = pytest.mark.skipif(
    not JOURNALD.is_file() or os.geteuid() != 0 or not Path("/run/systemd").is_dir(),
    reason="there is no journald here that this user may start",
)


@pytest.fixture
def journal() -> Iterator[Path]:
    """The syslog socket of a journald that runs."""
    process = subprocess.Popen([JOURNALD, NAMESPACE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    places = Path(f"/run/systemd/journal.{NAMESPACE}")
    wait_for((places / "dev-log").exists, "journald does not listen")
    yield places / "dev-log"
    process.terminate()
    process.wait(PATIENCE)
    for folder in (
        places,
        *Path("/var/log/journal").glob(f"*.{NAMESPACE}"),
        *Path("/run/log/journal").glob(f"*.{NAMESPACE}"),
    ):
        shutil.rmtree(folder, ignore_errors=True)


@needs_journald
def test_what_the_journal_says_comes_into_the_service(connectable: Connectable, journal: Path) -> None:
    site, lines = connectable.site, connectable.lines
    script = SCRIPT.replace("journalctl ", f"journalctl --namespace={NAMESPACE} ")
    loop = subprocess.Popen(["/bin/sh", "-c", script], cwd=lines)
    try:
        service = load_service(site.settings, site.folder)
        for _ in range(2):  # the first look is of this boot, the second goes on where that ended
            nonce = new_nonce()
            with Watch(service.data, reads(ReceivedOptions()), Sought(nonce), lambda: 0) as watch:
                to_syslog_socket(journal, nonce)
                arrival = watch.wait(PATIENCE)
            assert arrival.state == "judged"
            assert arrival.event is not None
            assert arrival.event.format == "journald"
            assert arrival.event.fields["MESSAGE"] == nonce
    finally:
        loop.terminate()
        loop.wait(PATIENCE)
    written = "".join(path.read_text() for path in lines.glob("journal-*.json")).splitlines()
    assert sum(nonce in line for line in written) == 1, "nothing twice"


def test_the_unit_runs_that_very_script() -> None:
    unit = unit_text("tocsin")
    (run,) = re.findall(r"^ExecStart=/bin/sh -c '(.*)'$", unit, re.MULTILINE)
    assert run.replace("%%", "%").replace("$$", "$") == SCRIPT
    assert "'" not in SCRIPT
    assert unit.startswith(f"# {MARK}")


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze on this system"
)
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "tocsin-journal.service"
    unit.write_text(unit_text("root"))
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert unit.name not in run.stderr, run.stderr
