"""Sends alerts by e-mail, over a mail server of the operator's. The standard library's client runs in a thread."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import urlsplit

from connectors.alerts.message import AlertText
from connectors.alerts.options import PORTS, AlertOptions
from connectors.errors import AccessError, RejectedError, UnavailableError

TIMEOUT_S = 10.0


class Mail:
    """Sends alerts to their receivers through a mail server."""

    name = "mail"

    def __init__(self, options: AlertOptions) -> None:
        self._options = options
        parts = urlsplit(f"//{options.smtp}")
        self._host, self._port = parts.hostname or "", parts.port or PORTS[options.smtp_security]
        self._sender = options.mail_from or options.mail_to[0]

    @property
    def where(self) -> str:
        """Returns the receivers and the server."""
        return f"{', '.join(self._options.mail_to)} over {self._host}:{self._port}"

    async def send(self, message: AlertText) -> None:
        """Hands one e-mail to the server.

        Raises:
            AccessError: it refuses our sign-in. RejectedError: it refuses the sender or a receiver.
            UnavailableError: it cannot be reached, or failed.
        """
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.subject, self._sender, ", ".join(self._options.mail_to)
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=self._sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(f"{message.sentence}\n\nSince {message.since} (UTC).\n")
        try:
            await asyncio.to_thread(self._deliver, mail)
        except smtplib.SMTPAuthenticationError as error:
            hint = "check alerts.smtp_user and REFILL_ALERTS__SMTP_PASSWORD"
            raise AccessError(self.name, "alert", error.smtp_code, hint=hint) from None
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            hint = "it refuses the sender or a receiver: check alerts.mail_from and alerts.mail_to"
            code = getattr(error, "smtp_code", None)
            raise RejectedError(self.name, "alert", code, hint=hint) from None
        except (smtplib.SMTPException, OSError) as error:
            hint = "check alerts.smtp and alerts.smtp_security"
            raise UnavailableError(self.name, "alert", code=type(error).__name__, hint=hint) from None

    async def aclose(self) -> None:
        """Keeps nothing open between messages."""

    def _deliver(self, mail: EmailMessage) -> None:
        options, tls = self._options, ssl.create_default_context()
        if options.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=tls)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        with server:
            if options.smtp_security == "starttls":
                server.starttls(context=tls)
            if options.smtp_user and options.smtp_password:
                server.login(options.smtp_user, options.smtp_password.get_secret_value())
            server.send_message(mail)
