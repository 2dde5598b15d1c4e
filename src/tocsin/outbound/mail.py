"""A body carried by SMTP (RFC 5321): the whole message, headers and all, is the body that the gate keeps."""

from __future__ import annotations

import smtplib
import ssl
import time
from dataclasses import dataclass

from tocsin.config import bounds
from tocsin.config.bell import Mail
from tocsin.outbound.deadline import timed_file
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

    def carry(self, body: bytes, ident: str) -> None:
        """Hands `body`, a whole message (RFC 5322), to the server; who takes it for one recipient at least has it.

        Raises:
            Undelivered: it did not; or nobody knows.
        """
        del ident  # it is the message's Message-ID
        mail = self.mail
        secret = secret_in(mail.secret) if mail.secret is not None else None
        try:
            with self._server() as server:
                if mail.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if mail.user is not None and secret is not None:
                    server.login(mail.user, secret)
                server.sendmail(mail.sender, mail.to, body)
        except smtplib.SMTPResponseException as error:
            raise Undelivered(f"{self.origin} answers {error.smtp_code}") from error
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({str(code) for code, _ in error.recipients.values()})
            raise Undelivered(f"{self.origin} takes it for nobody ({', '.join(codes)})") from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise Undelivered(f"{self.origin} did not take it: {why}") from error

    def _server(self) -> smtplib.SMTP:
        host, port = self.mail.server.host, self.mail.server.port
        if self.mail.security == "tls":
            return _TimedTls(
                host, port, timeout=bounds.OUTBOUND_SECONDS, context=ssl.create_default_context()
            )
        return _Timed(host, port, timeout=bounds.OUTBOUND_SECONDS)


class _Timed(smtplib.SMTP):
    """The library's client, all of whose answers must come within `bounds.OUTBOUND_SECONDS`."""

    _until: float | None = None

    def getreply(self) -> tuple[int, bytes]:
        if self._until is None:
            self._until = time.monotonic() + bounds.OUTBOUND_SECONDS
        if self.file is None:
            assert self.sock is not None
            self.file = timed_file(self.sock, self._until)
        return super().getreply()


class _TimedTls(_Timed, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""
