"""Implements ``sandbox``: the vendor imitations, and a configuration that fits them."""

from __future__ import annotations

from pathlib import Path

from worker.commands import trial
from worker.commands.session import out
from worker.manual.exit_codes import DONE
from worker.service.lifecycle import stop_on_signals


async def run_sandbox(folder: Path, *, records: int, seed: int, port_base: int, faults: str) -> int:
    """Serve the vendors until Ctrl-C, and print a configuration that is ready for them."""
    stop = stop_on_signals()
    async with trial.serve(records=records, seed=seed, latency="demo", port_base=port_base, faults=faults) as served:
        text, secrets = trial.configuration(served, ".refill")
        path = trial.write(folder, text, secrets)
        out.print(f"# {path}", text, f"# {path.parent / '.env'}", sep="\n", highlight=False)
        out.print("\n".join(f"{name}={value}" for name, value in secrets.items()), highlight=False)
        out.print(f"\nThe vendors are up. In another terminal: refill up --config {path}", highlight=False)
        await stop.wait()
    return DONE
