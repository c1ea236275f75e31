"""Says which budgets keep a provider from being asked, by which figures, and until when."""

from __future__ import annotations

from worker.service.runtime import Runtime
from worker.visits.budget_lines import shortage


async def short_of(
    runtime: Runtime, name: str, crm: str, now_ms: int, *, need: int, closed_share: float = 0.0
) -> tuple[int, str] | None:
    """Returns when the insufficient budgets start again, 0 if one of them never does; and their figures.

    ``None`` when all reach.
    """
    budget_lines = runtime.budget_lines
    lines = [*budget_lines.provider_lines(name, now_ms), *budget_lines.crm_lines(crm, now_ms)]
    booked = await runtime.ledger.budgets.booked([line.name for line in lines])
    need = max(1, need)
    short = [one for one in lines if one.open(closed_share) - booked[one.name].spent - booked[one.name].reserved < need]
    if not short:
        return None
    ends = [one.end_ms for one in short]
    last = max(short, key=lambda one: one.end_ms or 2**53)
    return max(ends) if all(ends) else 0, shortage(last, booked[last.name], need, closed_share)
