"""What the unit allows is enough: another user, no new privileges, everything read-only but its own folders, tokens of root's.

systemd itself is not there in a test, and its filter of system calls is not tried; setpriv(1) and a mount namespace stand in.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.running_service import Running

from tocsin.config.tokens import add_token

USER = "65534"
TOOLS = ("setpriv", "unshare", "mount")


def within(folder: Path) -> list[str]:
    """The command before the service's own: all is read-only but `data` and `cache` in `folder`, and the user another one."""
    reach = ""
    shut = next(
        (one for one in reversed(Path(sys.base_prefix).parents) if not one.stat().st_mode & 0o001), None
    )
    if (
        shut is not None
    ):  # a Python in a folder that is closed to others: let the user through to it, and to it alone
        prefix, aside = shlex.quote(sys.base_prefix), shlex.quote(str(folder / "cache"))
        reach = (
            f"mount --bind {prefix} {aside} && mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(shut))} && mkdir -p {prefix}"
            f" && mount --bind {aside} {prefix} && umount {aside} && "
        )
    script = (
        f"mount --make-rprivate / && {reach}"
        'for one in data cache; do mount --bind "$0/$one" "$0/$one"; done'
        ' && mount -o remount,bind,ro / && exec "$@"'
    )
    privileges = [
        "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
        "--inh-caps=-all",
    ]  # fmt: skip
    return ["unshare", "--mount", "--ipc", "sh", "-c", script, str(folder), *privileges]


def usable(folder: Path) -> str:
    """Why the test cannot be done here; empty where it can."""
    if os.geteuid() != 0 or not all(map(shutil.which, TOOLS)):
        return "this needs root, setpriv, unshare and mount"
    itself = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import tocsin'], check=True)"
    tried = subprocess.run(
        [*within(folder), sys.executable, "-c", itself], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"another user cannot run this Python here: {tried.stderr[-200:]}"


def test_it_works_with_what_the_unit_leaves_it(tmp_path: Path) -> None:
    for above in (tmp_path, *tmp_path.parents[:3]):
        above.chmod(above.stat().st_mode | 0o055)
    for name in ("data", "cache"):
        (tmp_path / name).mkdir(mode=0o700)
        os.chown(tmp_path / name, int(USER), int(USER))
    if why := usable(tmp_path):
        pytest.skip(why)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    token = add_token(credentials / "tokens", "shipper", 0)
    os.chown(credentials / "tokens", 0, int(USER))
    os.chown(credentials, 0, int(USER))
    (credentials / "tokens").chmod(0o440)
    credentials.chmod(0o550)
    (tmp_path / "tocsin.toml").write_text(
        '[run]\ndata = "data"\nstarter = false\n[run.http]\nlisten = ["127.0.0.1:0"]\ntokens = "credentials/tokens"\n'
    )
    more = {f"XDG_{name}_HOME": str(tmp_path / "cache") for name in ("STATE", "DATA")}
    running = Running(tmp_path, before=within(tmp_path), more={**more, "PYTHONDONTWRITEBYTECODE": "1"})
    try:
        connection = http.client.HTTPConnection("127.0.0.1", running.port(), timeout=30)
        body = json.dumps({"event": {"EventID": 1}})
        connection.request("POST", "/services/collector/event", body, {"Authorization": f"Splunk {token}"})
        assert connection.getresponse().status == 200
        connection.close()
        status = Path(f"/proc/{running.process.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert f"Uid:\t{USER}" in status
    finally:
        running.kill()
    assert (tmp_path / "data" / "state.sqlite").stat().st_uid == int(USER)
