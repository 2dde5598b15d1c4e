"""The night drill: what stops the service, cuts it off or fills its disk is noticed outside, by who watches the heartbeat.

A minute lasts a second here. With the usual settings the heartbeat comes each 5 minutes and who watches waits for 10, so
that all of this is noticed within 15 minutes.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.notify.receivers import WebServer
from tests.running_service import Running, awaited
from tests.switches import Switches

from tocsin.config import bounds
from tocsin.config.bell import PLAIN
from tocsin.config.tokens import add_token

PATIENCE = 3.0
"""Seconds (that stand for minutes) without a beat after which who watches outside raises the alarm."""

SOCKETS = shutil.ignore_patterns("starter", "*.sock")
LOG_AND_SOCKETS = shutil.ignore_patterns("wal", "starter", "*.sock")
TMPFS = 48
"""MiB of the small disk, of which the service wants `WANTED` free."""
WANTED = 16


class Watch:
    """A dead-man's switch: expects to be called, and notices when it is not."""

    def __init__(self, server: WebServer) -> None:
        self._server = server

    def beats(self) -> int:
        return sum(came.path == "/alive" for came in self._server.came)

    def hears(self, running: Running, more: int = 2) -> None:
        """Waits until it was called so many times more."""
        before = self.beats()
        awaited(lambda: self.beats() >= before + more or None, running.said)

    def notices(self) -> float:
        """Waits until it was not called for `PATIENCE`; how long after now that was."""
        began = last = time.monotonic()
        count = self.beats()
        while time.monotonic() - last < PATIENCE:
            if self.beats() != count:
                count, last = self.beats(), time.monotonic()
            assert time.monotonic() - began < 15, "nobody noticed within 15 minutes"
            time.sleep(0.02)
        return time.monotonic() - began


def post(port: int, token: str, mark: str, host: str = "127.0.0.1") -> int:
    """What a sender is answered; 0 where nobody answers in time."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    body = json.dumps({"event": {"mark": mark, "filler": "x" * 2_000}})
    try:
        connection.request("POST", "/services/collector/event", body, {"Authorization": f"Splunk {token}"})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


class Place:
    """A service's folder, and who watches it."""

    def __init__(self, folder: Path, server: WebServer, host: str = "127.0.0.1") -> None:
        self.folder, self.watch = folder, Watch(server)
        url = f"http://{host}:{server.port}"
        plain = "" if host == "127.0.0.1" else f'plain = "{PLAIN}"'
        (folder / "tocsin.toml").write_text(f"""
            [run]
            data = "disk/data"
            starter = false
            [run.http]
            listen = ["127.0.0.1:0"]
            [run.outbound]
            allow = ["{url}"]
            [run.bell.heartbeat]
            url = "{url}/alive"
            minutes = 1
            {plain}
        """)
        (folder / "disk").mkdir()
        self.token = add_token(folder / "tokens", "shipper", 0)
        self.switches = Switches(
            folder / "switches", WORKING_SECONDS=2, WORKING_DISK_BYTES=WANTED << 20, DISK_RETRY_SECONDS=0.2
        )
        self.switches.short_minutes()

    def running(self, *before: str) -> Running:
        running = Running(self.folder, before=before, more=self.switches.environment)
        self.watch.hears(running)
        return running


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with WebServer() as server:
        yield Place(tmp_path, server)


def test_with_the_usual_settings_it_is_noticed_within_fifteen_minutes() -> None:
    told = (Path(__file__).parents[2] / "docs" / "service.md").read_text()
    assert "when it was not called\nfor 10 minutes" in told
    assert bounds.HEARTBEAT_MINUTES * 2 <= 10, "one lost beat is no alarm"
    assert 10 * 60 + bounds.WORKING_SECONDS + bounds.OUTBOUND_SECONDS < 15 * 60


@pytest.mark.parametrize("how", ["is killed", "is stopped", "hangs", "intake hangs"])
def test_a_service_that_works_no_more_is_noticed_outside(place: Place, how: str) -> None:
    running = place.running()
    try:
        if how == "is killed":
            running.kill()
        elif how == "is stopped":
            running.stop()
        else:
            frozen = running.process.pid if how == "hangs" else running.workers()[0]
            os.kill(frozen, signal.SIGSTOP)
        assert place.watch.notices() < 15
        if "hangs" in how:
            os.kill(frozen, signal.SIGCONT)
            place.watch.hears(running)
            assert post(running.port(), place.token, "again") == 200
    finally:
        running.kill()


def test_intake_that_is_killed_is_back_before_anybody_would_notice(place: Place) -> None:
    running = place.running()
    try:
        os.kill(running.workers()[0], signal.SIGKILL)
        running.says("it is started again")
        running.line("ready", 1)
        place.watch.hears(running)
        assert post(int(running.line("ready", 1)["ports"][0]), place.token, "again") == 200
    finally:
        running.kill()


def allowed(*command: str) -> bool:
    """Whether this machine lets the test do that."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


MOUNT = f"mount -t tmpfs -o size={TMPFS}m tmpfs"
AS_ROOT = [] if os.geteuid() == 0 else ["--map-root-user"]


@pytest.mark.skipif(
    not allowed("unshare", *AS_ROOT, "--mount", "sh", "-c", f"{MOUNT} /mnt"),
    reason="a disk of its own needs a mount namespace",
)
def test_a_full_disk_is_told_to_senders_noticed_outside_and_passes_by_itself(place: Place) -> None:
    within = f'{MOUNT} "$0" && exec "$@"'
    disk = place.folder / "disk"
    running = place.running("unshare", *AS_ROOT, "--mount", "sh", "-c", within, str(disk))
    inside = Path(f"/proc/{running.process.pid}/root{disk}")
    acknowledged = ["first"]
    try:
        assert post(running.port(), place.token, "first") == 200
        filler = inside / "filler"
        fill(filler)
        refused = awaited(lambda: refusal(place, running, acknowledged), running.said, running.process)
        assert refused == 503
        assert place.watch.notices() < 15
        filler.unlink()
        awaited(lambda: answered(place, running, acknowledged), running.said, running.process)
        place.watch.hears(running)
        running.process.send_signal(signal.SIGSTOP)  # its mount is gone with its last process
        shutil.copytree(inside / "data", place.folder / "left", ignore=SOCKETS)
    finally:
        running.kill()
    assert stored(place.folder / "left") >= set(acknowledged)


@pytest.mark.skipif(
    not allowed("unshare", *AS_ROOT, "--mount", "sh", "-c", f"{MOUNT} /mnt"),
    reason="a disk of its own needs a mount namespace",
)
def test_what_is_judged_and_cannot_be_stored_is_kept_until_it_can_be(place: Place) -> None:
    """The log has a disk of its own here, with room: only what is judged finds none."""
    within = f'{MOUNT} "$0" && mkdir -p -m 700 "$0/data/wal" && mount --bind "$1" "$0/data/wal" && shift && exec "$@"'
    disk, log = place.folder / "disk", place.folder / "log"
    log.mkdir(mode=0o700)
    running = place.running("unshare", *AS_ROOT, "--mount", "sh", "-c", within, str(disk), str(log))
    inside = Path(f"/proc/{running.process.pid}/root{disk}")
    marks = [f"m{number}" for number in range(30)]
    try:
        fill(inside / "filler")
        for mark in marks[:20]:
            assert post(running.port(), place.token, mark) == 200
        awaited(lambda: "What is judged is kept" in running.said() or None, running.said, running.process)
        assert place.watch.notices() < 15
        for mark in marks[20:]:
            assert post(running.port(), place.token, mark) == 200
        (inside / "filler").unlink()
        awaited(lambda: "can be stored again" in running.said() or None, running.said, running.process)
        place.watch.hears(running)
        assert running.said().count("What is judged is kept") == 1
        running.process.send_signal(signal.SIGSTOP)
        shutil.copytree(inside / "data", place.folder / "left", ignore=LOG_AND_SOCKETS)
        shutil.copytree(log, place.folder / "left" / "wal")
    finally:
        running.kill()
    assert stored(place.folder / "left") >= set(marks)


@pytest.mark.skipif(
    not allowed("unshare", *AS_ROOT, "--mount", "sh", "-c", f"{MOUNT} /mnt"),
    reason="a disk of its own needs a mount namespace",
)
def test_stopped_while_the_disk_is_full_it_ends_well_and_the_next_start_judges_the_rest(place: Place) -> None:
    """As above, and stopped in good order while nothing that was judged could be stored."""
    within = f'{MOUNT} "$0" && mkdir -p -m 700 "$0/data/wal" && mount --bind "$1" "$0/data/wal" && shift && exec "$@"'
    disk, log = place.folder / "disk", place.folder / "log"
    log.mkdir(mode=0o700)
    running = place.running("unshare", *AS_ROOT, "--mount", "sh", "-c", within, str(disk), str(log))
    marks = {f"m{number}" for number in range(20)}
    inside = os.open(
        f"/proc/{running.process.pid}/root{disk}", os.O_RDONLY
    )  # keeps the disk once it is unmounted
    try:
        fill(Path(f"/proc/self/fd/{inside}/filler"))
        for mark in marks:
            assert post(running.port(), place.token, mark) == 200
        awaited(lambda: "What is judged is kept" in running.said() or None, running.said, running.process)
        running.stop()
        assert "is judged at the next start" in running.said()
        assert "Traceback" not in running.said()
        left = place.folder / "left" / "disk" / "data"
        shutil.copytree(f"/proc/self/fd/{inside}/data", left, ignore=LOG_AND_SOCKETS)
        shutil.copytree(log, left / "wal")
    finally:
        os.close(inside)
        running.kill()
    assert judged(left) < len(marks)
    for name in ("tocsin.toml", "tokens"):
        shutil.copy(place.folder / name, left.parents[1] / name)
    again = Running(left.parents[1], more=place.switches.environment)
    again.stop()
    assert judged(left) == len(marks)
    assert stored(left) == marks


def judged(data: Path) -> int:
    """How many records stand before the position that is committed."""
    script = (
        "import sys; from pathlib import Path; from tocsin.records.received import Received\n"
        "from tocsin.engine.serving import reads\n"
        "from tocsin.sources.listened.received import ReceivedOptions; from tocsin.store.disk import Disk\n"
        "from tocsin.store.store import Store\n"
        "with Store(Path(sys.argv[1]), Disk(), reads(ReceivedOptions())) as store:\n"
        "    print(sum(isinstance(entry, Received) for _, entry in store.pending()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(data)], capture_output=True, text=True, check=True
    )
    return len(stored(data)) - int(done.stdout)


def fill(path: Path) -> None:
    with path.open("wb") as file:
        while True:
            try:
                file.write(bytes(1 << 16))
                file.flush()
            except OSError:
                return


def refusal(place: Place, running: Running, acknowledged: list[str]) -> int | None:
    """The answer to one more event, where it is no yes."""
    mark = f"more-{len(acknowledged)}"
    status = post(running.port(), place.token, mark)
    if status == 200:
        acknowledged.append(mark)
        return None
    return status


def answered(place: Place, running: Running, acknowledged: list[str]) -> bool | None:
    return True if refusal(place, running, acknowledged) is None else None


def stored(data: Path) -> set[str]:
    """The marks of all events in a store, judged or not."""
    script = (
        "import sys; from pathlib import Path; from tocsin.engine.serving import reads\n"
        "from tocsin.sources.listened.received import ReceivedOptions; from tocsin.store.store import Store\n"
        "with Store.read_only(Path(sys.argv[1]), reads(ReceivedOptions())) as store:\n"
        "    print(*(event.fields['mark'] for event in store.events_between(-(2**62), 2**62)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(data)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


OUTSIDE, INSIDE = (f"198.18.{os.getpid() % 250}.{end}" for end in (1, 2))  # RFC 2544: addresses for tests
NAME = f"tocsin{os.getpid() % 10_000}"


@pytest.fixture
def cable() -> Iterator[Callable[[str], None]]:
    """A network of its own with one cable to this one; to be called with `up` or `down`."""
    if os.geteuid() != 0 or not allowed("ip", "netns", "add", NAME):
        pytest.skip("a network of its own needs root and ip(8)")
    try:
        for words in (
            f"link add {NAME}o type veth peer name {NAME}i netns {NAME}",
            f"addr add {OUTSIDE}/30 dev {NAME}o", f"link set {NAME}o up",
            f"-n {NAME} addr add {INSIDE}/30 dev {NAME}i", f"-n {NAME} link set {NAME}i up", f"-n {NAME} link set lo up",
        ):  # fmt: skip
            if not allowed("ip", *words.split()):
                pytest.skip(f"this machine does not allow: ip {words}")
        yield lambda how: subprocess.run(["ip", "link", "set", f"{NAME}o", how], check=True)
    finally:
        subprocess.run(["ip", "link", "del", f"{NAME}o"], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", NAME], check=False)


def test_a_network_that_is_cut_is_noticed_outside(tmp_path: Path, cable: Callable[[str], None]) -> None:
    with WebServer(host=OUTSIDE) as server:
        place = Place(tmp_path, server, OUTSIDE)
        running = place.running("ip", "netns", "exec", NAME)
        try:
            cable("down")
            assert place.watch.notices() < 15
            running.says("The heartbeat did not arrive")
            cable("up")
            place.watch.hears(running)
        finally:
            running.kill()
