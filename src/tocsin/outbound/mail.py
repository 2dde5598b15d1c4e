"""A body carried by SMTP (RFC 5321): the whole message, headers and all, is the body that the gate keeps."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass

from tocsin.config import bounds
from tocsin.config.bell import Mail
from tocsin.outbound.deadline import connected, timed_file
from tocsin.outbound.gate import Undelivered
from tocsin.outbound.secrets import secret_in


@dataclass(frozen=True, slots=True)
class MailDestination:
    """A mail server and the people it is to reach."""

    mail: Mail

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.mail.origin

    @property
    def shown(self) -> str:
        """The server and the people."""
        return f"{self.origin} for {', '.join(self.mail.to)}"

    def carry(self, body: bytes, ident: str) -> str:
        """Hands `body`, a whole message (RFC 5322), to the server; who takes it for one recipient at least has it.

        Raises:
            Undelivered: it did not; or nobody knows.
        """
        del ident  # it is the message's Message-ID
        mail = self.mail
        secret = secret_in(mail.secret) if mail.secret is not None else None
        try:
            server = self._server()
            try:
                if mail.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if mail.user is not None and secret is not None:
                    server.login(mail.user, secret)
                refused = server.sendmail(mail.sender, mail.to, body)
            finally:
                _part(server)
        except smtplib.SMTPResponseException as error:
            raise Undelivered(f"{self.origin} answers {error.smtp_code}") from error
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({str(code) for code, _ in error.recipients.values()})
            raise Undelivered(f"{self.origin} takes it for nobody ({', '.join(codes)})") from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise Undelivered(f"{self.origin} did not take it: {why}") from error
        return f"{self.origin} did not take it for {', '.join(sorted(refused))}" if refused else ""

    def _server(self) -> smtplib.SMTP:
        """A connection; it gives the sender's domain as its name (EHLO), so that nothing is looked up or told of this host."""
        host, port = self.mail.server.host, self.mail.server.port
        domain = self.mail.sender.partition("@")[2]
        if self.mail.security == "tls":
            return _TimedTls(host, port, domain, context=ssl.create_default_context())
        return _Timed(host, port, domain)


def _part(server: smtplib.SMTP) -> None:
    """Says goodbye; whatever comes of that, what the server took it has."""
    with suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()


class _Timed(smtplib.SMTP):
    """The library's client, which must connect and get all its answers within `bounds.OUTBOUND_SECONDS`."""

    _until = 0.0

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del timeout
        self._until = time.monotonic() + bounds.OUTBOUND_SECONDS
        return connected(host, port, self._until)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            assert self.sock is not None
            self.file = timed_file(self.sock, self._until)
        return super().getreply()


class _TimedTls(smtplib.SMTP_SSL, _Timed):
    """The same over TLS from the first byte."""
