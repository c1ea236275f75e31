"""Sends webhooks: signed, in arrays, at least once, in no order, and also about the app's own writes."""

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import aiohttp

from sandbox.clock import Clock
from sandbox.crm import Sender
from sandbox.hubspot.portal import Event, Portal
from sandbox.hubspot.properties import TYPE_IDS
from sandbox.hubspot.settings import Settings
from sandbox.hubspot.table import APP_ID

_SINGULAR: Final = {"contacts": "contact", "companies": "company"}
_FLAGS: Final = {"creation": "CREATED", "deletion": "DELETED"}
_NOT_SUBSCRIBABLE: Final = frozenset({"hs_lastmodifieddate", "lastmodifieddate"})


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    signed_url: str = ""
    """The public URL as configured, if there is a proxy in between; default: `url`."""
    properties: tuple[str, ...] = ()
    """propertyChange subscriptions; empty: every property."""
    kinds: tuple[str, ...] = ()
    """Such as `creation`; empty: every kind."""
    generic: bool = False
    """Spelled `object.*` with an objectTypeId."""
    batch_s: float = 0.02
    shuffled: bool = False
    twice: float = 0.0
    """Share of arrays delivered a second time although answered 2xx."""
    retry_s: float = 0.05
    """First gap; it doubles, with jitter."""
    retries: int = 10
    concurrency: int = 10
    timeout_s: float = 5.0


@dataclass(slots=True)
class _Counts:
    sent: int = 0
    accepted: int = 0
    refused: int = 0
    dropped: int = 0
    events: int = 0


class Webhooks(Sender):
    def __init__(self, portal: Portal, settings: Settings, secret: str, clock: Clock) -> None:
        super().__init__(_Counts())
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._pending: list[dict[str, Any]] = []
        self._slots = asyncio.Semaphore(10)
        self._ids = count(3_400_564_480)
        self._subscriptions: dict[str, int] = {}
        portal.watchers.append(self._watch)

    def aim(self, body: dict[str, Any]) -> None:
        """Sets the target of events. Raises: TypeError for an unknown field."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in body.items()
        }
        self._aim = Target(**values) if body.get("url") else None
        if self._aim:
            self._slots = asyncio.Semaphore(self._aim.concurrency)

    def _watch(self, event: Event) -> None:
        target = self._aim
        if target is None or (target.kinds and event.kind not in target.kinds):
            return
        name = event.details.get("propertyName")
        if name in _NOT_SUBSCRIBABLE or (name and target.properties and name not in target.properties):
            return
        self._pending.append(self._written(event, target))
        self._counts.events += 1
        self._wake(target)

    def _written(self, event: Event, target: Target) -> dict[str, Any]:
        subject = "object" if target.generic else _SINGULAR[event.object]
        kind = f"{subject}.{event.kind}"
        key = f"{event.object}.{kind}.{event.details.get('propertyName', '')}"
        body: dict[str, Any] = {
            "eventId": next(self._ids),
            "subscriptionId": self._subscriptions.setdefault(key, 3_329_277 + len(self._subscriptions)),
            "portalId": self._settings.portal_id,
            "appId": int(APP_ID),
            "occurredAt": event.at,
            "subscriptionType": kind,
            "attemptNumber": 0,
            "changeSource": event.writer.source_type,
            "sourceId": event.writer.source_id,
            **event.details,
        }
        if event.kind != "associationChange":
            body["objectId"] = int(event.id)
        if event.kind in _FLAGS:
            body["changeFlag"] = _FLAGS[event.kind]
        if target.generic:
            body["objectTypeId"] = TYPE_IDS[event.object]
        return body

    def _waiting(self) -> int:
        return len(self._pending)

    def _taken(self) -> list[dict[str, Any]]:
        events, self._pending = self._pending, []
        return events

    async def _deliver(self, aim: Target, items: list[dict[str, Any]]) -> None:
        again, gap = self._random.random() < aim.twice, aim.retry_s
        timeout = aiohttp.ClientTimeout(total=aim.timeout_s)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for attempt in range(aim.retries + 1):
                body = [{**event, "attemptNumber": attempt} for event in items]
                async with self._slots:
                    accepted = await self._sent(session, aim, body)
                if accepted and not again:
                    return
                if accepted:
                    again = False
                    continue
                await asyncio.sleep(gap * (0.5 + self._random.random()))
                gap *= 2
        self._counts.dropped += len(items)

    async def _sent(self, session: aiohttp.ClientSession, target: Target, events: list[dict[str, Any]]) -> bool:
        self._counts.sent += 1
        body = json.dumps(events, separators=(",", ":")).encode()
        headers = signatures(self._secret, target.signed_url or target.url, body, int(self._clock.wall() * 1000))
        headers["Content-Type"] = "application/json"
        try:
            async with session.post(target.url, data=body, headers=headers) as response:
                accepted = 200 <= response.status < 300
        except (aiohttp.ClientError, TimeoutError):
            accepted = False
        if accepted:
            self._counts.accepted += 1
        else:
            self._counts.refused += 1
        return accepted


def signatures(secret: str, url: str, body: bytes, now_ms: int) -> dict[str, str]:
    """Returns the v3 signature headers, and the v1 ones that are still sent along."""
    source = b"POST" + url.encode() + body + str(now_ms).encode()
    digest = hmac.new(secret.encode(), source, hashlib.sha256).digest()
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": str(now_ms),
        "X-HubSpot-Signature": hashlib.sha256(secret.encode() + body).hexdigest(),
        "X-HubSpot-Signature-Version": "v1",
    }
