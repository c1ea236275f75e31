"""One event crosses no more files than it has to."""

from __future__ import annotations

from tests.integration.scenery import Open, stage
from tools.event_path import WITH_WEB, crossed

__all__ = ["stage"]
MOST, MOST_OPENED = 94, 35


async def test_one_event_goes_from_the_webhook_to_the_journal_by_few_files(stage: Open) -> None:
    seen = await crossed(await stage(**WITH_WEB))
    order = ["worker/web/hubspot.py", "worker/ledger/intake/intake.py", "worker/visits/visit.py"]
    order += ["worker/decide/plan.py", "worker/visits/paid_call.py", "worker/visits/batch_writer.py"]
    assert [name for name in seen.files if name in order] == order
    assert len(seen.files) <= MOST, "which of them does a reader need?"
    assert len(seen.opened()) <= MOST_OPENED, "can it stand in a file that a reader opens anyway?"
