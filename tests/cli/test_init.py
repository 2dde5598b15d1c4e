"""`tocsin init`: real files, their rights, a certificate that a real handshake accepts, and no harm by running it again."""

from __future__ import annotations

import json
import os
import shlex
import socket
import ssl
import stat
import subprocess
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.hostile import assert_inert_text

from tocsin.cli import defaults, host, set_up
from tocsin.cli import init as command
from tocsin.cli.main import tocsin
from tocsin.config.certificates import certificate_of, is_name, look_at, new_key
from tocsin.config.service import Service, load_service
from tocsin.config.tls import server_context
from tocsin.config.tokens import TOKEN, digest_of, read_tokens
from tocsin.records.errors import OperatorError, TocsinError

NAMES = {"settings": "tocsin.toml", "data": "data", "key": "tls/key.pem", "certificate": "tls/certificate.pem", "tokens": "tokens"}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing outside of the test's folder is looked at or made."""
    for name in ("DATA", "CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(tocsin, [str(one) for one in arguments])


def init(*arguments: str | Path) -> list[dict[str, Any]]:
    done = run("init", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(*arguments: str | Path) -> str:
    done = run("init", *arguments)
    assert isinstance(done.exception, TocsinError), done.output
    return str(done.exception)


def settings(folder: Path) -> Service:
    return load_service(folder / "tocsin.toml", folder / "unused")


def everything(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Mode, time of the last change and bytes of all that is in `folder`."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.stat()
        found[path.name] = (state.st_mode, state.st_mtime_ns, path.read_bytes() if path.is_file() else b"")
    return found


def test_all_is_made_and_each_file_is_as_private_as_it_must_be(home: Path) -> None:
    folder = home / "town hall"
    lines = init(folder)
    assert [line["kind"] for line in lines] == ["file"] * 5 + [
        "certificate",
        "token",
        "recovery_key",
        "summary",
    ]
    assert {line["what"]: line["path"] for line in lines[:5]} == {
        what: str(folder / name) for what, name in NAMES.items()
    }
    assert all(line["new"] for line in lines[:5])
    modes = {what: stat.S_IMODE((folder / name).stat().st_mode) for what, name in NAMES.items()}
    assert modes == {"settings": 0o644, "data": 0o700, "key": 0o600, "certificate": 0o644, "tokens": 0o600}
    assert {one.digest: one.name for one in read_tokens(folder / "tokens")} == {
        digest_of(lines[6]["token"]): "first"
    }
    service = settings(folder)
    assert (service.data, service.http.tokens) == (folder / "data", folder / "tokens")
    assert [str(one) for one in service.http.listen] == ["127.0.0.1:8088"]


def test_rights_do_not_hang_on_the_umask(home: Path) -> None:
    before = os.umask(0)
    try:
        (home / "a").mkdir(mode=0o755)
        init(home / "a")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((home / "a" / name).stat().st_mode) for name in NAMES.values()]
    assert modes == [0o644, 0o700, 0o600, 0o644, 0o600]
    assert not stat.S_IMODE((home / "a" / "tls").stat().st_mode) & 0o022


def test_the_words_say_the_next_step_and_show_the_token_once(home: Path) -> None:
    first, again = run("init", "a"), run("init", "a")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert_inert_text(first.stdout)
    (shown,) = set(TOKEN.findall(first.stdout))
    assert not TOKEN.search(again.stdout)
    assert f"tocsin --config {home}/a/tocsin.toml run" in first.stdout
    curl = next(line for line in first.stdout.splitlines() if line.startswith("  curl "))
    words = shlex.split(curl)
    assert words[1:3] == ["--cacert", f"{home}/a/tls/certificate.pem"]
    assert words[3] == "https://127.0.0.1:8088/services/collector/event"
    assert f"Authorization: Splunk {shown}" in words
    assert json.loads(words[-1])["event"]


def test_a_second_run_changes_nothing_and_says_what_is_there(home: Path) -> None:
    first = init("a")
    before = everything(home / "a")
    again = init("a")
    assert everything(home / "a") == before
    assert [line["new"] for line in again if line["kind"] == "file"] == [False] * 5
    assert again[-1]["new"] == 0
    assert "token" not in [line["kind"] for line in again]
    assert [one for one in again if one["kind"] == "certificate"] == [
        one for one in first if one["kind"] == "certificate"
    ]


@pytest.mark.parametrize("step", range(5))
def test_a_run_that_was_cut_short_is_completed(
    home: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Cut before each file or folder that is made; what had been made by then is kept to the byte."""
    made = 0

    def cut(real: Callable[..., Any]) -> Callable[..., Any]:
        def stop(*arguments: Any, **named: Any) -> Any:
            nonlocal made
            if made == step:
                raise KeyboardInterrupt
            made += 1
            return real(*arguments, **named)

        return stop

    with monkeypatch.context() as patch:
        for name in ("write_private", "_data", "add_token"):
            patch.setattr(set_up, name, cut(getattr(set_up, name)))
        assert run("init", "a").exit_code != 0
    before = everything(home / "a")
    lines = init("a")
    after = everything(home / "a")
    kept = {name: found for name, found in before.items() if name != "tls"}
    assert kept.items() <= after.items()
    assert sum(line["new"] for line in lines if line["kind"] == "file") == 5 - step
    assert len(read_tokens(home / "a" / "tokens")) == 1
    server_context(tls(home / "a"))


def tls(folder: Path) -> Any:
    files = settings(folder).http.tls
    assert files is not None
    return files


def test_the_settings_are_never_rewritten(home: Path) -> None:
    init("a")
    file = home / "a" / "tocsin.toml"
    file.write_text(file.read_text().replace("127.0.0.1:8088", "127.0.0.1:9"))
    before = everything(home / "a")
    done = run("init", "a", "--listen", "0.0.0.0:8088", "--data", "elsewhere", "--name", "logs.example.org")
    assert done.exit_code == 0
    assert everything(home / "a") == before
    assert not (home / "elsewhere").exists()
    assert "--listen is of no effect" in done.stderr
    assert "--data is of no effect" in done.stderr
    assert "is not for logs.example.org" in done.stderr


def test_what_was_asked_for(home: Path) -> None:
    lines = init(
        "a",
        "--listen",
        "0.0.0.0:8443",
        "--data",
        "kept/here",
        "--name",
        "Logs.Example.org",
        "--name",
        "2001:DB8::1",
    )
    service = settings(home / "a")
    assert service.data == home / "kept" / "here"
    assert stat.S_IMODE(service.data.stat().st_mode) == 0o700
    assert [str(one) for one in service.http.listen] == ["0.0.0.0:8443"]
    assert lines[5]["names"][:2] == ["logs.example.org", "2001:db8::1"]
    assert "https://127.0.0.1:8443/" in lines[-1]["try"]


def test_without_a_folder_it_is_the_users_own_or_the_systems(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = []
    for user in (1000, 0):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        wanted = command._wanted(None, (), (), None)
        places.append((wanted.folder, wanted.data))
    assert places == [
        (home / "config" / "tocsin", home / "state" / "tocsin"),
        (Path("/etc/tocsin"), Path("/var/lib/tocsin")),
    ]


def test_data_are_where_systemd_says_and_later_commands_find_the_settings(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (command, defaults):
        monkeypatch.setattr(module, "SYSTEM_FOLDER", home / "config" / "tocsin")
    monkeypatch.setenv("STATE_DIRECTORY", f"{home}/systemd:{home}/more")
    paths = {line["what"]: line["path"] for line in init() if line["kind"] == "file"}
    assert paths["settings"] == str(home / "config" / "tocsin" / "tocsin.toml")
    assert paths["data"] == str(home / "systemd")
    assert run("token", "list").stdout.startswith("first ")
    assert "tocsin run" in run("init").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_owner_of_the_folder(home: Path) -> None:
    (home / "a").mkdir()
    os.chown(home / "a", 12_345, 12_346)
    init("a")
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (home / "a").rglob("*")} == {
        (12_345, 12_346)
    }


def test_what_cannot_be_is_refused_before_anything_is_written(home: Path) -> None:
    assert "names no IP address" in refused("a", "--listen", "example.org:1")
    assert "no address with a port" in refused("a", "--listen", '"]\nx=1#')
    assert "neither a host name nor an address" in refused("a", "--name", "a b")
    assert "neither a host name nor an address" in refused("a", "--name", "fe80::1%eth0")
    assert not (home / "a").exists()
    assert "twice" in refused("a", "--listen", "127.0.0.1:1", "--listen", "localhost:1")
    assert "cannot be printed" in refused("a", "--data", "x\ny")
    assert list((home / "a").iterdir()) == []


def test_folders_that_others_may_use_are_refused(home: Path) -> None:
    (home / "a").mkdir()
    (home / "a").chmod(0o1777)
    assert "Everybody may write in" in refused("a")
    (home / "a").chmod(0o755)
    (home / "a" / "data").mkdir(mode=0o755)
    (home / "a" / "data").chmod(0o755)
    assert "chmod 700" in refused("a")
    (home / "a" / "data").chmod(0o750)
    init("a")


def test_what_is_there_and_of_no_use_is_told_and_left(home: Path) -> None:
    init("a")
    key, certificate = home / "a" / "tls" / "key.pem", home / "a" / "tls" / "certificate.pem"
    own = key.read_bytes()
    key.write_bytes(new_key())
    assert "the key is not that of the certificate" in refused("a")
    key.write_bytes(b"rubbish")
    assert "the key is no PEM" in refused("a")
    key.write_bytes(own)
    key.chmod(0o604)
    assert "Everybody may read the key" in refused("a")
    key.chmod(0o640)
    init("a")
    key.unlink()
    assert "but not its key" in refused("a")
    certificate.unlink()
    key.write_bytes(b"rubbish")
    key.chmod(0o600)
    assert "the key is no PEM" in refused("a")
    key.unlink()
    (home / "a" / "tokens").chmod(0o644)
    assert "others can read" in refused("a")
    (home / "a" / "tokens").write_bytes(b"")
    (home / "a" / "tokens").chmod(0o600)
    assert "line 1 is no JSON" in refused("a")
    (home / "a" / "tocsin.toml").write_text("[run]\nsit = 1\n")
    assert "[run] has no setting sit" in refused("a")


def test_a_certificate_elsewhere_is_the_operators_own(home: Path) -> None:
    (home / "a").mkdir()
    (home / "a" / "tocsin.toml").write_text(
        '[run]\ndata = "d"\n[run.http]\ncertificate = "../c.pem"\nkey = "../k.pem"\n'
    )
    assert "outside of" in refused("a")
    assert not (home / "k.pem").exists()
    (home / "k.pem").write_bytes(new_key())
    (home / "k.pem").chmod(0o600)
    (home / "c.pem").write_bytes(certificate_of((home / "k.pem").read_bytes(), ["x.example"], 0))
    done = run("init", "a")
    assert done.exit_code == 0, done.output
    assert "is good until" in done.stderr  # 1972: long over


def test_without_tls_or_http_the_next_step_is_another(home: Path) -> None:
    (home / "a").mkdir()
    (home / "a" / "tocsin.toml").write_text('[run]\ndata = "d"\n')
    lines = init("a")
    assert [line.get("what") for line in lines if line["kind"] == "file"] == ["settings", "data", "tokens"]
    assert lines[-1]["try"].startswith("curl http://127.0.0.1:8088/")
    (home / "a" / "tocsin.toml").write_text('[run]\ndata = "d"\n[run.http]\nlisten = []\n')
    assert init("a")[-1]["try"] is None


def test_what_the_certificate_says(home: Path) -> None:
    line = next(one for one in init("a", "--name", "logs.example.org") if one["kind"] == "certificate")
    certificate = x509.load_pem_x509_certificate((home / "a" / "tls" / "certificate.pem").read_bytes())
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=825)
    assert certificate.version is x509.Version.v3
    assert line["fingerprint"].replace(":", "").lower() == certificate.fingerprint(hashes.SHA256()).hex()
    extensions = certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"logs.example.org", "localhost"} <= set(names.get_values_for_type(x509.DNSName))
    assert {"127.0.0.1", "::1"} <= {str(one) for one in names.get_values_for_type(x509.IPAddress)}
    certificate.verify_directly_issued_by(certificate)


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str:
    """The TLS version that both agreed on, over a real connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def serve() -> None:
            try:
                connection, _ = listener.accept()
                connection.settimeout(20)
                with server.wrap_socket(connection, server_side=True) as secured:
                    secured.sendall(secured.recv(5))
            except OSError:
                pass  # the other side refused, which is what it tells

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            with (
                socket.create_connection(listener.getsockname(), 20) as connection,
                client.wrap_socket(connection, server_hostname=name) as secured,
            ):
                secured.sendall(b"hello")
                assert secured.recv(5) == b"hello"
                return str(secured.version())
        finally:
            serving.join(20)


def test_a_sender_that_trusts_the_certificate_shakes_hands_and_no_other(home: Path) -> None:
    init("a", "--name", "logs.example.org")
    files = tls(home / "a")
    server = server_context(files)
    client = ssl.create_default_context(cafile=files.certificate)
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    for name in ("127.0.0.1", "::1", "localhost", "logs.example.org"):
        assert shake_hands(server, client, name) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError, match=r"(?i)hostname mismatch"):
        shake_hands(server, client, "elsewhere.example.org")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, ssl.create_default_context(), "localhost")
    old = ssl.create_default_context(cafile=files.certificate)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        shake_hands(server, old, "localhost")


def test_with_a_client_ca_only_its_senders_are_heard(home: Path) -> None:
    init("a")
    init("b")
    (home / "a" / "tocsin.toml").write_text(
        (home / "a" / "tocsin.toml").read_text().replace('key = "', 'client-ca = "../sender.pem"\nkey = "')
    )
    sender = _sender()
    (home / "sender.pem").write_bytes(sender)
    files = tls(home / "a")
    server = server_context(files)
    client = ssl.create_default_context(cafile=files.certificate)
    with pytest.raises(OSError):  # a reset or an alert, by the moment
        shake_hands(server, client, "localhost")
    client.load_cert_chain(home / "sender.pem")
    assert shake_hands(server, client, "localhost") == "TLSv1.3"
    stranger = ssl.create_default_context(cafile=files.certificate)
    stranger.load_cert_chain(home / "b" / "tls" / "certificate.pem", home / "b" / "tls" / "key.pem")
    with pytest.raises(OSError):
        shake_hands(server, stranger, "localhost")


def _sender() -> bytes:
    """A sender's certificate that is its own authority, and its key, in one PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sender")])
    begin = x509.load_pem_x509_certificate(Path("a/tls/certificate.pem").read_bytes()).not_valid_before_utc
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin).not_valid_after(begin + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return private.private_bytes(pem, form, serialization.NoEncryption()) + certificate.public_bytes(pem)


def test_tls_files_that_cannot_be_used_are_told_in_words(home: Path) -> None:
    init("a")
    files = tls(home / "a")
    certificate, key = files.certificate.read_bytes(), files.key.read_bytes()
    locked = serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )
    for path, content in (
        (files.key, b""),
        (files.key, new_key()),
        (files.key, locked),
        (files.certificate, b"x"),
    ):
        files.certificate.write_bytes(certificate)
        files.key.write_bytes(key)
        path.write_bytes(content)
        with pytest.raises(OperatorError, match=r"cannot be used: .+\. See that both are PEM"):
            server_context(files)
    files.key.unlink()
    with pytest.raises(OperatorError, match="No such file"):
        server_context(files)


def test_names_for_a_certificate() -> None:
    for good in ("a", "logs.example.org", "WS-014", "192.0.2.1", "2001:db8::1", "3com.example"):
        assert is_name(good), good
    for bad in (
        "",
        "a b",
        "-a",
        "a-",
        "a..b",
        ".a",
        "a_b",
        "ä",
        "*.example.org",
        "a" * 64,
        "a." * 127 + "a",
        "fe80::1%1",
        "a\x00",
    ):
        assert not is_name(bad), bad


def test_a_certificate_that_is_none() -> None:
    key = new_key()
    for rubbish in (b"", b"\xff" * 100, key):
        with pytest.raises(ValueError, match="certificate is no PEM"):
            look_at(rubbish, key)
    other = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="no key of an elliptic curve"):
        certificate_of(other, ["a"], 0)


def test_what_the_host_says_of_itself_sends_nothing() -> None:
    names = host.host_names()
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)
    assert len(set(names)) == len(names)
    assert host.host_zone()


def test_curl_takes_the_certificate(home: Path) -> None:
    """The line that is printed, run as it stands against a server that has the files."""
    init("a")
    if not Path("/usr/bin/curl").exists():
        pytest.skip("no curl here")
    server = server_context(tls(home / "a"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        heard: list[bytes] = []

        def serve() -> None:
            connection, _ = listener.accept()
            with server.wrap_socket(connection, server_side=True) as secured:
                heard.append(secured.recv(65_536))
                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

        file = home / "a" / "tocsin.toml"
        file.write_text(file.read_text().replace("127.0.0.1:8088", f"127.0.0.1:{listener.getsockname()[1]}"))
        serving = threading.Thread(target=serve)
        serving.start()
        line = init("a")[-1]["try"]
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=30)
        serving.join(20)
    assert done.stdout == "ok", done.stderr
    assert b"Authorization: Splunk TOKEN\r\n" in heard[0]
