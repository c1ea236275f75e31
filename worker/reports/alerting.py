"""Sends alerts to people, once for all workers, and announces their end.

Every process looks; the timetable gives the turn to one of them. An alert that cannot be sent is tried again at the
next turn, by that way alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import structlog
from msgspec.structs import replace

from config.settings import Settings
from connectors.alerts.message import AlertText
from connectors.errors import ConnectorError
from worker.ledger.journal.alerts import KeptAlert, KeptAlerts
from worker.ledger.ledger import Ledger
from worker.ledger.scripts import LedgerUnavailableError
from worker.reports.alerts import Alarm, alarms
from worker.reports.overview import overview
from worker.reports.words import lasting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.alerts.channels import Channel

TASK = "alerts:all"
TURN_S = 10.0
PERIOD_MS = 30_000
AGAIN_MS = 120_000  # longer than a turn takes by the slowest mail server: two at a time would send everything twice
log = structlog.get_logger(__name__)


@asynccontextmanager
async def alerting(ledger: Ledger, settings: Settings, *, turn_s: float = TURN_S) -> AsyncIterator[None]:
    """Looks and sends while the block runs; does nothing if no alerts are configured."""
    if not settings.alerts.is_on:
        yield
        return
    from connectors.alerts.channels import channels

    async with AsyncExitStack() as stack:
        ways = channels(settings.alerts)
        for way in ways:
            stack.push_async_callback(way.aclose)
        task = asyncio.create_task(_turns(ledger, settings, ways, turn_s), name="alerts")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _turns(ledger: Ledger, settings: Settings, ways: Sequence[Channel], turn_s: float) -> None:
    period_ms = min(PERIOD_MS, int(settings.alerts.after.total_seconds() * 1000) // 2)
    while True:
        try:
            if await ledger.timetable.due({TASK: period_ms}, again_ms=AGAIN_MS):
                try:
                    await turn(ledger, settings, ways)
                finally:
                    await ledger.timetable.done(TASK)
        except LedgerUnavailableError as error:
            log.warning("alerts.skipped", error=str(error))
        except Exception as error:  # the edge of a loop
            log.error("alerts.failed", error=type(error).__name__, exc_info=error)
        await asyncio.sleep(min(turn_s, period_ms / 1000))


async def turn(ledger: Ledger, settings: Settings, ways: Sequence[Channel]) -> None:
    """Looks once: sends alerts that have lasted long enough on every channel that has not, and the ends of alerts."""
    found = await overview(ledger, settings)
    kept = KeptAlerts(ledger.scripts)
    before, now = await kept.all(), found.now_ms
    standing = {one.key: one for one in alarms(found, settings)}
    for key, alarm in standing.items():
        known = before.get(key) or KeptAlert(key, alarm.cause, alarm.sentence, now)
        alert = replace(known, cause=str(alarm.cause), sentence=alarm.sentence, gone=False)
        if now - alert.since_ms >= _wait_ms(alarm, settings):
            alert = await _send(alert, ways, settings, now)
        if alert != before.get(key):
            await kept.keep(alert)
    for key in before.keys() - standing.keys():
        alert = before[key]
        if not alert.sent or (alert.gone and await _all_clear(alert, ways, settings, now)):
            await kept.end(key)
        elif not alert.gone:  # a pause that is renewed may be missed by one look
            await kept.keep(replace(alert, gone=True))


def _wait_ms(alarm: Alarm, settings: Settings) -> int:
    return int(settings.alerts.after.total_seconds() * 1000) if alarm.wait_ms is None else alarm.wait_ms


async def _send(alert: KeptAlert, ways: Sequence[Channel], settings: Settings, now_ms: int) -> KeptAlert:
    left = [one for one in ways if one.name not in alert.sent]
    message = _message(alert, "opened", alert.sentence, settings, now_ms)
    for way, sent in zip(left, await asyncio.gather(*(_tried(one, message) for one in left)), strict=True):
        alert = alert.sent_by(way.name) if sent else alert
    return alert


async def _all_clear(alert: KeptAlert, ways: Sequence[Channel], settings: Settings, now_ms: int) -> bool:
    """Announces the end on the channels that sent the alert; ``False`` if one of them could not be reached."""
    left = [one for one in ways if one.name in alert.sent]
    sentence = f"{alert.sentence.partition(' Next: ')[0]} This is over, after {lasting(now_ms - alert.since_ms)}."
    message = _message(alert, "closed", sentence, settings, now_ms)
    return all(await asyncio.gather(*(_tried(one, message) for one in left)))


def _message(
    alert: KeptAlert, state: Literal["opened", "closed"], sentence: str, settings: Settings, now_ms: int
) -> AlertText:
    since, now = _iso(alert.since_ms), _iso(now_ms)
    return AlertText(alert.key, state, alert.cause, sentence, since, now, settings.installation)


async def _tried(way: Channel, message: AlertText) -> bool:
    try:
        await way.send(message)
    except ConnectorError as error:
        log.warning("alert.unsent", vendor=way.name, error=type(error).__name__, status=error.status, hint=error.hint)
        return False
    log.info("alert.sent", vendor=way.name, state=message.state)
    return True


def _test_message(settings: Settings, now: datetime) -> AlertText:
    text = "This is a test. Alerts of this installation arrive here."
    at = now.astimezone(UTC).isoformat(timespec="seconds")
    return AlertText("test", "test", "test", text, at, at, settings.installation)


async def send_test(settings: Settings, ways: Sequence[Channel]) -> Mapping[str, ConnectorError | None]:
    """Sends a test message by every way, and returns how each ended."""
    message = _test_message(settings, datetime.now(UTC))

    async def one(way: Channel) -> ConnectorError | None:
        try:
            await way.send(message)
        except ConnectorError as error:
            return error
        return None

    return dict(zip((way.name for way in ways), await asyncio.gather(*map(one, ways)), strict=True))


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
