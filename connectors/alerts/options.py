"""Holds the channels for alerts."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from connectors.addresses import parse_url
from connectors.options import Duration, Options

PORTS = {"starttls": 587, "tls": 465, "none": 25}  # by how the connection is secured
SECRET_BYTES = 24  # that a signing secret has at least


def _post_address(url: SecretStr) -> SecretStr:
    """Returns the address, whose path and query may be its secret; plain http only to this machine."""
    parse_url(url.get_secret_value().partition("?")[0])
    return url


def _signing_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().removeprefix("whsec_")
    try:
        long = len(base64.b64decode(text, validate=True)) >= SECRET_BYTES
    except (binascii.Error, ValueError):
        long = False
    if not long:
        raise ValueError("is not a signing secret of Standard Webhooks; make one: openssl rand -base64 32")
    return secret


def _addresses(value: object) -> object:
    return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value


def _mail_address(text: str) -> str:
    name, at, domain = text.rpartition("@")
    if not (name and at and domain) or any(one.isspace() or one in "<>," for one in text):
        raise ValueError(f'"{text}" is not a valid e-mail address; use one such as ops@example.com')
    return text


def _server(text: str) -> str:
    try:
        parts = urlsplit(f"//{text}")
        known = bool(parts.hostname) and not parts.path and parts.username is None
        _ = parts.port
    except ValueError:
        known = False
    if text and not known:
        raise ValueError(f'"{text}" is not a valid mail server; use its name and port, such as smtp.example.com:587')
    return text


PostAddress = Annotated[SecretStr, AfterValidator(_post_address)]
SigningSecret = Annotated[SecretStr, AfterValidator(_signing_secret)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
MailServer = Annotated[str, AfterValidator(_server)]


class AlertOptions(Options):
    slack_url: PostAddress | None = None
    """An incoming webhook of Slack."""
    teams_url: PostAddress | None = None
    """The address of a Teams workflow "When a webhook request is received"."""
    webhook_url: PostAddress | None = None
    """A program of yours: it gets JSON, signed after Standard Webhooks."""
    webhook_secret: SigningSecret | None = None
    """Signs these posts; `openssl rand -base64 32` makes one."""
    mail_to: Annotated[tuple[MailAddress, ...], BeforeValidator(_addresses)] = ()
    """The receivers of e-mails."""
    mail_from: MailAddress | None = None
    """The sender of e-mails. Unset: the first of `mail_to`."""
    smtp: MailServer = ""
    """The mail server and its port, such as `smtp.example.com:587`."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection to it is secured; `none` is for a server on this machine only."""
    smtp_user: str = ""
    """The name to sign in with there. Unset: no sign-in."""
    smtp_password: SecretStr | None = None
    """The password to it."""
    after: Duration = Field(default=timedelta(minutes=2))
    """How long a fault must last before it is sent; a shorter one is never sent."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.webhook_url is None) is not (self.webhook_secret is None):
            raise ValueError("webhook_url and webhook_secret belong together. Set both or neither")
        if self.mail_to and not self.smtp:
            raise ValueError("mail_to needs a mail server. Set smtp, as smtp.example.com:587")
        if (self.smtp_password is None) is not (not self.smtp_user):
            raise ValueError("smtp_user and REFILL_ALERTS__SMTP_PASSWORD belong together. Set both or neither")
        if self.smtp_security == "none" and (self.smtp_user or not _is_here(self.smtp)) and self.smtp:
            raise ValueError('smtp_security = "none" is for a server on this machine, without a sign-in')
        return self

    @property
    def is_on(self) -> bool:
        return bool(self.slack_url or self.teams_url or self.webhook_url or self.mail_to)


def _is_here(server: str) -> bool:
    try:
        parse_url(f"http://{server}")
    except ValueError:
        return False
    return True
