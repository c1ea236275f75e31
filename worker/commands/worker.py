"""Implements ``worker``: the daemon."""

from __future__ import annotations

from pathlib import Path

from worker.commands.options import Config, finish, one_command
from worker.commands.session import session, settings_of, with_work
from worker.manual.exit_codes import DONE
from worker.reports.alerting import alerting
from worker.service.heartbeat import beating
from worker.service.lifecycle import stop_on_signals, work


async def run_worker(config: Path | None) -> int:
    """Runs until SIGTERM or Ctrl-C, then drains."""
    settings = with_work(settings_of(config, verbose=True))
    async with session(settings) as runtime:
        with beating(settings.data_dir) as heartbeat:
            async with alerting(runtime.ledger, settings):
                await work(runtime, stop_on_signals(), heartbeat.beat)
    return DONE


app = one_command()


@app.command()
def command(config: Config = None) -> None:
    """Run a worker: polls, visits, deliveries. Several may share one Redis."""
    finish(run_worker(config))
