"""Sends Outbound Messages: SOAP with up to 100 changed rows, repeated until they are acknowledged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import aiohttp

from sandbox.crm import Sender
from sandbox.salesforce.ids import ORGANIZATION_ID, IdSource
from sandbox.salesforce.schema import Value
from sandbox.salesforce.store import Row, Store


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


class Outbound(Sender):
    def __init__(self, store: Store) -> None:
        super().__init__(_State())
        self._store = store
        self._ids = IdSource()
        self._pending: dict[str, str] = {}
        store.watchers.append(self._watch)

    def define(self, body: dict[str, Any]) -> None:
        """Sets the target of messages. Raises: TypeError for an unknown field."""
        values = {**body, "fields": tuple(body.get("fields", ("Email",)))}
        self._aim = Definition(**values) if body.get("url") else None

    def _watch(self, row: Row, changed: frozenset[str], by: str) -> None:
        definition = self._aim
        if definition is None or row.object != definition.object or row.deleted or not changed:
            return
        if by == "integration" and not definition.own_writes:
            return
        self._pending.setdefault(row.id, self._ids.next("04l"))
        self._wake(definition)

    def _waiting(self) -> int:
        return len(self._pending)

    def _taken(self) -> list[tuple[str, str]]:
        items = [(notification, record) for record, notification in self._pending.items()]
        self._pending.clear()
        return items

    async def _deliver(self, aim: Definition, items: list[tuple[str, str]]) -> None:
        again = self._random.random() < aim.twice
        gap = aim.retry_s
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            for _ in range(aim.attempts):
                if await self._sent(session, aim, items):
                    if not again:
                        return
                    again = False
                    continue
                await asyncio.sleep(gap)
                gap = min(aim.max_gap_s, gap * 2)
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
        """Returns a message. Its values are the row's latest, not those of when the message arose."""
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
