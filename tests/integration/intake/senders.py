"""Senders of webhooks, written from the documents and not from our own code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any

from standardwebhooks.webhooks import Webhook

PORTAL, APP = 49547190, 9393361
SECRET, NEXT_SECRET = "hubspot-webhook-canary", "hubspot-webhook-next-canary"
ORG, PATH_SECRET = "00D5g000000Abc1EAC", "outbound-path-canary"
KEY = "whsec_" + base64.b64encode(b"callout-key-canary-0123456789").decode()
TOKEN = "api-token-canary"
_ids = count(3_400_564_480)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def event(kind: str = "contact.propertyChange", id: int = 101, **more: Any) -> dict[str, Any]:
    """One event as HubSpot writes it."""
    raw: dict[str, Any] = {
        "eventId": next(_ids),
        "subscriptionId": 3_329_277,
        "portalId": PORTAL,
        "appId": APP,
        "occurredAt": now_ms(),
        "subscriptionType": kind,
        "attemptNumber": 0,
        "objectId": id,
        "changeSource": "CRM_UI",
        "sourceId": "userId:882761034",
    }
    if kind.endswith("propertyChange"):
        raw |= {"propertyName": "email", "propertyValue": "x@y.co"}
    return {name: value for name, value in {**raw, **more}.items() if value is not None}


def signed(url: str, body: bytes, *, secret: str = SECRET, at_ms: int | None = None) -> dict[str, str]:
    """The headers of a signed post."""
    stamp = str(now_ms() if at_ms is None else at_ms)
    digest = hmac.new(secret.encode(), b"POST" + url.encode() + body + stamp.encode(), hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "x-hubspot-signature-v3": base64.b64encode(digest).decode(),
        "x-hubspot-request-timestamp": stamp,
    }


def posted(*events: dict[str, Any]) -> bytes:
    return json.dumps(events, separators=(",", ":")).encode()


def called_out(body: Any, *, key: str = KEY, ago_s: float = 0.0, id: str = "msg_1") -> tuple[bytes, dict[str, str]]:
    """A callout's body and headers, signed by the scheme's own library."""
    text = json.dumps(body)
    at = datetime.fromtimestamp(int(time.time() - ago_s), tz=UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(id, at, text),
    }
    return text.encode(), headers


def envelope(*notifications: str, org: str = ORG, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    """An Outbound Message."""
    return (
        f'{head}<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{org}</OrganizationId><ActionId>04k5g0000000001AAA</ActionId>"
        "<SessionId>00D5g!session-canary</SessionId><EnterpriseUrl>https://acme.example/c</EnterpriseUrl>"
        f"<PartnerUrl>https://acme.example/u</PartnerUrl>{''.join(notifications)}</notifications>"
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()


def notification(record: str, object: str = "Contact", by: str | None = None) -> str:
    """``by``: the definition sends the last writer too; ``""`` for a null."""
    null = '<sf:LastModifiedById xsi:nil="true"/>'
    writer = "" if by is None else f"<sf:LastModifiedById>{by}</sf:LastModifiedById>" if by else null
    return (
        f'<Notification><Id>04l5g0000000001AAA</Id><sObject xsi:type="sf:{object}" '
        f'xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{record}</sf:Id>'
        f"<sf:Email>someone@example.com</sf:Email>{writer}</sObject></Notification>"
    )
