"""Lists the ways an alert reaches people. Each sends one message, once, and says with an error that it did not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from msgspec import Struct
from standardwebhooks.webhooks import Webhook

from connectors.alerts.mail import Mail
from connectors.alerts.message import AlertText
from connectors.alerts.options import AlertOptions
from connectors.auth import NoAuth
from connectors.limits import NoLimiter
from connectors.operations import Operation, Repeat
from connectors.transport import ConnectionTerms, Transport

SEND = Operation("alert", "POST", "", Repeat.CREATES)
CONNECT_S, READ_S = 5.0, 10.0


class Channel(Protocol):
    """Carries alerts to people one way."""

    @property
    def name(self) -> str:
        """Returns what ``check`` and the ledger call it."""

    @property
    def where(self) -> str:
        """Returns the destination, without a secret."""

    async def send(self, message: AlertText) -> None:
        """Sends one message. Raises: ConnectorError, and then it may or may not have arrived."""

    async def aclose(self) -> None:
        """Closes its connections."""


class Form(Protocol):
    """Puts a message into a receiver's form."""

    def __call__(self, message: AlertText) -> Mapping[str, object]:
        """Returns the body to post."""


class Post(Struct, frozen=True):
    name: str
    url: str
    form: Form
    transport: Transport
    webhook: Webhook | None = None

    @property
    def where(self) -> str:
        """Returns the host: path and query may be the secret."""
        return urlsplit(self.url).hostname or ""

    async def send(self, message: AlertText) -> None:
        body = self.form(message)
        query = parse_qs(urlsplit(self.url).query, keep_blank_values=True)
        await self.transport.send(SEND, query=query, json=body, headers=self._signature(body))

    async def aclose(self) -> None:
        await self.transport.aclose()

    def _signature(self, body: Mapping[str, object]) -> dict[str, str]:
        if self.webhook is None:
            return {}
        now, id_ = datetime.now(UTC), f"msg_{uuid4().hex}"
        text = json.dumps(body, separators=(",", ":"))  # the bytes that the transport sends
        signature = self.webhook.sign(id_, now, text)
        return {"webhook-id": id_, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


def channels(options: AlertOptions) -> list[Channel]:
    """Returns every way that is configured, in the order of the configuration."""
    found: list[Channel] = []
    if options.slack_url:
        found.append(_post("slack", options.slack_url.get_secret_value(), _slack))
    if options.teams_url:
        found.append(_post("teams", options.teams_url.get_secret_value(), _teams))
    if options.webhook_url and options.webhook_secret:
        signing = Webhook(options.webhook_secret.get_secret_value())
        found.append(_post("webhook", options.webhook_url.get_secret_value(), _plain, signing))
    if options.mail_to:
        found.append(Mail(options))
    return found


def _post(name: str, url: str, form: Form, webhook: Webhook | None = None) -> Post:
    base = url.partition("?")[0]
    transport = Transport(name, base, NoAuth(), NoLimiter(), terms=ConnectionTerms(CONNECT_S, READ_S, most=1))
    return Post(name, url, form, transport, webhook)


def _slack(message: AlertText) -> Mapping[str, object]:
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text}


def _teams(message: AlertText) -> Mapping[str, object]:
    block = {"type": "TextBlock", "text": message.text, "wrap": True}
    card = {"type": "AdaptiveCard", "version": "1.4", "body": [block]}
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _plain(message: AlertText) -> Mapping[str, object]:
    return {"type": f"alert.{message.state}", "timestamp": message.at, "data": message.as_json()}
