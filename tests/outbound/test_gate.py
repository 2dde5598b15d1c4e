"""Nothing leaves but to what was listed; what leaves is kept first, to the byte."""

from __future__ import annotations

import socket
import ssl
import threading
import time

import pytest
from tests.notify.receivers import MailServer, WebServer

from tocsin.config import bounds
from tocsin.config.addresses import Address
from tocsin.config.bell import Mail, Web
from tocsin.config.certificates import certificate_of, new_key
from tocsin.outbound.gate import Gate, Undelivered
from tocsin.outbound.mail import MailDestination
from tocsin.outbound.web import WebDestination
from tocsin.records.errors import OperatorError, Refused
from tocsin.store.database import Database
from tocsin.store.outgoing import BEGUN, Outgoing

NOW = 1_700_000_000_000_000


@pytest.fixture
def kept(tmp_path):
    database = Database(tmp_path / "state.sqlite", write=True)
    yield Outgoing(database)
    database.close()


def gate(kept, *allowed):
    return Gate(frozenset(allowed), kept, lambda: NOW)


def test_what_is_not_listed_never_leaves_and_that_is_kept(kept):
    with WebServer() as server:
        to = WebDestination(Web(f"{server.url}/x"))
        for one in (
            gate(kept),
            gate(kept, f"{server.url}0"),
            gate(kept, server.url.replace("http:", "https:")),
        ):
            with pytest.raises(Refused, match="does not list"):
                one.send(to, b"secret", purpose="bell", ident="m1")
        assert server.came == []
    (left,) = kept.all()
    assert (left.times, left.body) == (3, b"secret")
    assert left.outcome.startswith("refused: [run.outbound] allow does not list")


def test_what_leaves_is_kept_byte_for_byte(kept):
    body = bytes(range(256))
    with WebServer() as server:
        gate(kept, server.url).send(
            WebDestination(Web(f"{server.url}/a?b=c")), body, purpose="bell", ident="m1"
        )
    (came,) = server.came
    (left,) = kept.all()
    assert came.body == left.body == body
    assert (came.path, came.headers["X-Tocsin-Message"], left.outcome) == ("/a?b=c", "m1", "sent")


def test_a_redirect_is_not_followed(kept):
    with WebServer() as other, WebServer([(307, {"Location": f"{other.url}/elsewhere"})]) as server:
        with pytest.raises(Undelivered, match="redirect"):
            gate(kept, server.url).send(WebDestination(Web(server.url)), b"x", purpose="bell", ident="m1")
        assert (len(server.came), other.came) == (1, [])


def test_a_body_that_cannot_be_kept_does_not_leave(kept):
    kept._db.close()
    with WebServer() as server:
        with pytest.raises(OperatorError):
            gate(kept, server.url).send(WebDestination(Web(server.url)), b"x", purpose="bell", ident="m1")
        assert server.came == []


def test_an_overlong_body_is_refused(kept):
    with WebServer() as server:
        with pytest.raises(Refused, match="larger"):
            gate(kept, server.url).send(
                WebDestination(Web(server.url)),
                bytes(bounds.OUTBOUND_BODY_BYTES + 1),
                purpose="bell",
                ident="m1",
            )
        assert server.came == []


@pytest.mark.parametrize(("scheme", "answer"), [("http", b"HTTP/1.1 200 OK\r\nX: "), ("smtp", b"220 ")])
def test_a_server_that_trickles_is_given_up_in_time(kept, monkeypatch, scheme, answer):
    monkeypatch.setattr(bounds, "OUTBOUND_SECONDS", 0.5)
    ends = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle():
            one, _ = listening.accept()
            with one:
                for byte in answer + b"x" * 1000:
                    try:
                        one.sendall(bytes([byte]))
                    except OSError:
                        return
                    if ends.wait(0.05):
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        port = listening.getsockname()[1]
        mail = Mail(Address("127.0.0.1", port), "none", None, None, "a@example.org", ("b@example.org",))
        to = MailDestination(mail) if scheme == "smtp" else WebDestination(Web(f"http://127.0.0.1:{port}"))
        began = time.monotonic()
        with pytest.raises(Undelivered, match="did not take it"):
            gate(kept, to.origin).send(to, b"x", purpose="bell", ident="m1")
        assert time.monotonic() - began < 5
        ends.set()
        thread.join()


def test_the_secret_is_sent_and_never_kept_or_told(kept, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t\n")
    secret.chmod(0o600)
    with WebServer([(200, {}), (500, {})]) as server:
        one = gate(kept, server.url)
        one.send(WebDestination(Web(f"{server.url}/t", secret)), b"1", purpose="bell", ident="m1")
        with pytest.raises(Undelivered) as told:
            one.send(
                WebDestination(Web(f"{server.url}/{{secret}}/t", secret)), b"2", purpose="bell", ident="m2"
            )
        assert server.came[0].headers["Authorization"] == "Bearer s3cr3t"
        assert (server.came[1].path, "Authorization" in server.came[1].headers) == ("/s3cr3t/t", False)
        assert "s3cr3t" not in f"{told.value}{list(kept.all())}"
        secret.chmod(0o644)
        with pytest.raises(Undelivered, match="others can read"):
            one.send(WebDestination(Web(f"{server.url}/t", secret)), b"3", purpose="bell", ident="m3")
        assert len(server.came) == 2


def test_a_message_by_mail(kept):
    body = b"Subject: x\r\n\r\nhello\r\n.\r\nend\r\n"
    with MailServer() as server:
        to = MailDestination(
            Mail(
                Address("127.0.0.1", server.port),
                "none",
                None,
                None,
                "a@example.org",
                ("b@example.org", "c@example.org"),
            )
        )
        one = gate(kept, to.origin)
        one.send(to, body, purpose="bell", ident="m1")
        server.refuse = True
        with pytest.raises(Undelivered, match="451"):
            one.send(to, body + b"2", purpose="bell", ident="m2")
    (came,) = server.came
    assert (came.content, came.rcpt_tos) == (body, ["b@example.org", "c@example.org"])
    assert [left.outcome.partition(":")[0] for left in kept.all()] == ["sent", "failed"]


@pytest.fixture
def tls(tmp_path):
    """A server's side of TLS, and the file of the certificate to trust."""
    key = new_key()
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "c.pem").write_bytes(certificate_of(key, ["127.0.0.1"], time.time_ns() // 1000))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c.pem", tmp_path / "key.pem")
    return context, tmp_path / "c.pem"


def test_tls_reaches_only_who_proves_to_be_it(kept, tls, monkeypatch):
    context, trusted = tls
    with WebServer(tls=context) as server, MailServer(context) as mails:
        address = Address("127.0.0.1", mails.port)
        mail = MailDestination(Mail(address, "starttls", None, None, "a@example.org", ("b@example.org",)))
        one = gate(kept, server.url, mail.origin)
        for to in (WebDestination(Web(server.url)), mail):
            with pytest.raises(Undelivered, match="did not take it"):
                one.send(to, b"secret", purpose="bell", ident="m1")
        assert (server.came, mails.came) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        for to in (WebDestination(Web(server.url)), mail):
            one.send(to, b"secret", purpose="bell", ident="m2")
        assert (len(server.came), len(mails.came)) == (1, 1)


def test_a_mail_server_without_tls_gets_nothing_where_tls_is_asked_for(kept):
    with MailServer() as server:
        address = Address("127.0.0.1", server.port)
        to = MailDestination(Mail(address, "starttls", None, None, "a@example.org", ("b@example.org",)))
        with pytest.raises(Undelivered):
            gate(kept, to.origin).send(to, b"x", purpose="bell", ident="m1")
        assert server.came == []


def test_a_repeat_after_a_death_is_counted_as_one_that_may_have_arrived(kept):
    kept.put("bell", "m1", "there", b"x", BEGUN, NOW)
    kept.put("bell", "m1", "there", b"x", BEGUN, NOW + 5)
    (left,) = kept.all()
    assert (left.first, left.last, left.times, left.unsure) == (NOW, NOW + 5, 2, 1)


def test_what_is_kept_is_bounded_and_the_oldest_goes_first(kept, monkeypatch):
    monkeypatch.setattr(bounds, "OUTBOUND_KEPT", 3)
    monkeypatch.setattr(bounds, "OUTBOUND_KEPT_BYTES", 25)
    for number in range(6):
        kept.put("bell", f"m{number}", "there", bytes(10), "sent", NOW + number)
    assert [left.ident for left in kept.all()] == ["m4", "m5"]


@pytest.mark.parametrize("parting", ["500 what?", "421 go away"])
def test_a_mail_that_was_taken_is_taken_however_the_server_parts(kept, parting):
    with MailServer() as server:
        server.parting = parting
        mail = Mail(
            Address("127.0.0.1", server.port), "none", None, None, "tocsin@example.org", ("a@example.org",)
        )
        to = MailDestination(mail)
        gate(kept, to.origin).send(to, b"Subject: x\r\n\r\ny\r\n", purpose="bell", ident="m1")
        assert len(server.came) == 1
        assert server.names == ["example.org"], "this host's own name stays here"
    (left,) = kept.all()
    assert (left.times, left.outcome) == (1, "sent")


def test_no_proxy_is_used_whatever_the_environment_says(kept, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with WebServer() as server:
        gate(kept, server.url).send(WebDestination(Web(f"{server.url}/x")), b"x", purpose="bell", ident="m1")
        assert len(server.came) == 1


def test_all_addresses_of_a_name_are_tried_within_one_time(monkeypatch):
    monkeypatch.setattr(bounds, "OUTBOUND_SECONDS", 1.0)
    silent = [socket.create_server(("127.0.0.1", 0), backlog=0) for _ in range(1)]
    filling = []
    for _ in range(4):  # so that the kernel drops what would connect next
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(silent[0].getsockname())
        filling.append(one)
    address = silent[0].getsockname()
    several = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 10
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: several)
    begun = time.monotonic()
    with pytest.raises(Undelivered, match="more than 1 seconds"):
        WebDestination(Web("http://many.example.org/x")).carry(b"x", "m1")
    assert time.monotonic() - begun < 5
    for one in (*silent, *filling):
        one.close()
