"""Implements ``worker``: the daemon."""

from __future__ import annotations

from worker.commands.options import Config, as_command, one_command
from worker.commands.session import session, settings_of, with_work
from worker.manual.exit_codes import DONE
from worker.reports.alerting import alerting
from worker.service.heartbeat import beating
from worker.service.lifecycle import stop_on_signals, work

app = one_command()


@as_command(app)
async def command(config: Config = None) -> int:
    """Run a worker: polls, visits, deliveries. Several may share one Redis."""
    settings = with_work(settings_of(config, verbose=True))
    async with session(settings) as runtime:
        with beating(settings.data_dir) as heartbeat:
            async with alerting(runtime.ledger, settings):
                await work(runtime, stop_on_signals(), heartbeat.beat)
    return DONE
