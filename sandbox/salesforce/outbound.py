"""Sends Outbound Messages: SOAP with up to 100 changed rows, repeated until they are acknowledged."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web

from sandbox.salesforce.ids import ORGANIZATION_ID, IdSource
from sandbox.salesforce.schema import Value
from sandbox.salesforce.store import Row, Store

MAX_NOTIFICATIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Definition:
    url: str
    object: str = "Contact"
    fields: tuple[str, ...] = ("Email",)
    own_writes: bool = True
    """False: the integration user's profile does not send."""
    batch_s: float = 0.02
    retry_s: float = 0.05
    """First gap; it doubles."""
    max_gap_s: float = 7200.0
    attempts: int = 20
    twice: float = 0.0
    """Share of messages sent a second time although acknowledged."""
    shuffled: bool = False
    session_id: bool = False
    organization_id: str = ORGANIZATION_ID


@dataclass(slots=True)
class _State:
    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    dropped: int = 0


class Outbound:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids = IdSource()
        self._definition: Definition | None = None
        self._pending: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._flusher: asyncio.Task[None] | None = None
        self._counts = _State()
        self._random = random.Random(1)
        store.watchers.append(self._watch)

    def define(self, body: dict[str, Any]) -> None:
        """Defines where messages go. Raises: TypeError for an unknown field."""
        values = {**body, "fields": tuple(body.get("fields", ("Email",)))}
        self._definition = Definition(**values) if body.get("url") else None

    @property
    def url(self) -> str:
        """Returns where messages go; empty: nowhere."""
        return self._definition.url if self._definition else ""

    def state(self) -> dict[str, int]:
        counts = self._counts
        return {
            "sent": counts.sent,
            "acknowledged": counts.acknowledged,
            "refused": counts.refused,
            "dropped": counts.dropped,
            "waiting": len(self._pending) + len(self._tasks),
        }

    async def close(self, _: web.Application) -> None:
        tasks = [*self._tasks, *([self._flusher] if self._flusher else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _watch(self, row: Row, changed: frozenset[str], by: str) -> None:
        definition = self._definition
        if definition is None or row.object != definition.object or row.deleted or not changed:
            return
        if by == "integration" and not definition.own_writes:
            return
        self._pending.setdefault(row.id, self._ids.next("04l"))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._flush(definition))

    async def _flush(self, definition: Definition) -> None:
        while self._pending:
            await asyncio.sleep(definition.batch_s)
            items = [(notification, record) for record, notification in self._pending.items()]
            self._pending.clear()
            if definition.shuffled:
                self._random.shuffle(items)
            for start in range(0, len(items), MAX_NOTIFICATIONS):
                task = asyncio.create_task(self._deliver(definition, items[start : start + MAX_NOTIFICATIONS]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(self, definition: Definition, items: list[tuple[str, str]]) -> None:
        again = self._random.random() < definition.twice
        gap = definition.retry_s
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            for _ in range(definition.attempts):
                if await self._sent(session, definition, items):
                    if not again:
                        return
                    again = False
                    continue
                await asyncio.sleep(gap)
                gap = min(definition.max_gap_s, gap * 2)
        self._counts.dropped += len(items)

    async def _sent(
        self, session: aiohttp.ClientSession, definition: Definition, items: Sequence[tuple[str, str]]
    ) -> bool:
        self._counts.sent += 1
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        try:
            async with session.post(definition.url, data=self._body(definition, items), headers=headers) as response:
                text = await response.text()
                acknowledged = response.status == 200 and "<Ack>true</Ack>" in text.replace(" ", "")
        except (aiohttp.ClientError, TimeoutError):
            acknowledged = False
        if acknowledged:
            self._counts.acknowledged += 1
        else:
            self._counts.refused += 1
        return acknowledged

    def _body(self, definition: Definition, items: Sequence[tuple[str, str]]) -> bytes:
        """Returns a message. Its values are the row's latest, whatever they were when the message arose."""
        session = "<SessionId>secret</SessionId>" if definition.session_id else '<SessionId xsi:nil="true"/>'
        notifications = "".join(self._notification(definition, notification, record) for notification, record in items)
        return (
            '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
            'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
            '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
            f"<OrganizationId>{definition.organization_id}</OrganizationId><ActionId>04k5g0000000001AAA</ActionId>"
            f"{session}<EnterpriseUrl>https://sandbox.example/c</EnterpriseUrl>"
            f"<PartnerUrl>https://sandbox.example/u</PartnerUrl>{notifications}</notifications>"
            "</soapenv:Body></soapenv:Envelope>"
        ).encode()

    def _notification(self, definition: Definition, notification: str, record: str) -> str:
        row = self._store.any(definition.object, record)
        values = row.values if row else {}
        fields = "".join(
            f"<sf:{name}>{_text(values[name])}</sf:{name}>"
            for name in definition.fields
            if values.get(name) is not None
        )
        return (
            f'<Notification><Id>{notification}</Id><sObject xsi:type="sf:{definition.object}" '
            f'xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{record}</sf:Id>{fields}</sObject>'
            "</Notification>"
        )


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else escape(str(value))
