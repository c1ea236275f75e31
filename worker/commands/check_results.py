"""Holds what ``check`` finds, and words how a vendor answered or failed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator

from msgspec import Struct

from config.counts import counted
from config.problems import ConfigError
from connectors.errors import AccessError, ConnectorError, ContractError, CreditsError, UnavailableError
from connectors.models import AccountStatus
from connectors.replies import VendorClock
from worker.upkeep.vendor_clocks import FAR_MS

OK, WARNING, FAILED_LEVEL = "ok", "warning", "failed"
PATIENCE_S = 60.0


class CheckResult(Struct, frozen=True):
    """Describes the result of one check. ``do`` is the next step for a person, ``""`` for none."""

    part: str
    level: str
    text: str
    do: str = ""

    def as_json(self) -> dict[str, str]:
        """Returns what ``--json`` prints; its key ``told`` is older than the attribute."""
        return {"part": self.part, "level": self.level, "told": self.text, "do": self.do}


async def asked(part: str, credential: str, asking: Awaitable[list[CheckResult]]) -> list[CheckResult]:
    """Waits for what a check asks of a vendor; a failure is its result. ``credential`` names the variable."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await asking
    except (ConnectorError, ConfigError, TimeoutError) as error:
        return [failure(part, credential, error)]


async def standing(part: str, asking: Awaitable[AccountStatus], clock: VendorClock) -> list[CheckResult]:
    """Asks a vendor about us; ``clock`` has read its reply."""
    status = await asking
    facts = [status.who]
    if status.credits is not None:
        facts.append(f"{counted(status.credits, 'credit')} left")
    if status.prices:
        prices = ", ".join(f"{name.replace('_', ' ')} {price}" for name, price in sorted(status.prices.items()))
        facts.append(f"credits per call: {prices}")
    empty = status.credits == 0
    do = "buy credits: nothing is looked up here until there are some" if empty else ""
    found = CheckResult(part, WARNING if empty else OK, "; ".join(facts), do)
    notes = [*status.notes, *_clock_note(clock)]
    return [found, *(CheckResult(part, _weight(note), note) for note in notes)]


def _clock_note(clock: VendorClock) -> Iterator[str]:
    """Says when a vendor's clock and this machine's are far apart: one of the two is wrong."""
    now_ms = clock.now()
    offset_s = 0 if now_ms is None else round(now_ms / 1000 - time.time())
    if abs(offset_s) * 1000 >= FAR_MS:
        way = "ahead of" if offset_s > 0 else "behind"
        yield f"its clock is {abs(offset_s)} s {way} this machine's: set this machine's clock by NTP"


def _weight(note: str) -> str:
    """Returns the level of notes: a note with figures is not a warning."""
    return OK if note[:1].isdigit() else WARNING


def failure(part: str, credential: str, error: BaseException) -> CheckResult:
    """Says what failed and what to do, from the kind of failure and the connector's own hint."""
    hint = error.hint if isinstance(error, ConnectorError) else ""
    match error:
        case ConfigError():
            return CheckResult(part, FAILED_LEVEL, "; ".join(error.problems))
        case TimeoutError():
            return CheckResult(part, FAILED_LEVEL, "it does not answer", "check base_url and the network")
        case AccessError():
            text = f"it refuses our credential{_status(error)}"
            text = text if error.status in {401, 403} or not hint else f"it cannot be used{_status(error)}"
            return CheckResult(part, FAILED_LEVEL, text, hint or f"check {credential}")
        case CreditsError():
            return CheckResult(part, FAILED_LEVEL, "it has no credits left", hint or "buy some")
        case ContractError():
            return CheckResult(
                part, FAILED_LEVEL, f"its answer is not that of this API ({error.code})", "check base_url"
            )
        case UnavailableError() if error.status is None:
            return CheckResult(part, FAILED_LEVEL, "it does not answer", hint or "check base_url and the network")
        case UnavailableError():
            return CheckResult(part, FAILED_LEVEL, f"it has a fault{_status(error)}", hint or "try again later")
        case ConnectorError():
            text = f"it refuses the request{_status(error)}"
            return CheckResult(part, FAILED_LEVEL, text, hint or f"check base_url and {credential}")
    return CheckResult(part, FAILED_LEVEL, type(error).__name__)


def _status(error: ConnectorError) -> str:
    words = [*([f"status {error.status}"] if error.status else []), *([error.code] if error.code else [])]
    return f" ({', '.join(words)})" if words else ""
