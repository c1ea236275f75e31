"""A filled record costs so many steps and calls: counted, for seconds depend on the machine."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

from redis.asyncio import Redis

from sandbox.options import Options
from tests.harness.workers import environment, words
from tests.integration.scene import opened

WORLD = Options(vendors=("forager", "kaspr", "hubspot"), records=200, companies=50)
# A batch leaves when nobody is about to join it, or by the clock: on a machine that is busy with other things the clock
# comes first, and more calls carry fewer rows. Here it never does, so that what is counted is the product's.
UNHURRIED = "import connectors.batching as b; b.Batcher.__init__.__kwdefaults__.update(linger_s=50, longest_s=50)"
RUN = f"{UNHURRIED}; from worker.cli import main; main()"
# Calls that wait for a rate go one by one, each with steps of its own, and the more so the faster the machine is. None
# waits here, so that what travels together is the product's choice.
OPEN_RATES = {"forager_rate": '"5000/second"'}
# On a machine of its own 1.7, 2.5 and 16 stand; neighbours cost some. Lower them with every gain; whoever has to raise
# one says why.
SCRIPTS, ROUND_TRIPS, CRM_CALLS = 3.0, 5.0, 16


async def test_a_pass_stays_within_its_counts(redis_socket: Path, redis: Redis) -> None:
    """A paid call takes so many scripts and round trips to Redis, a pass over 200 rows so many calls of the CRM."""
    async with opened(redis_socket, redis, OPEN_RATES, options=WORLD) as scene:
        hubspot, forager = (scene.vendors[name].books for name in ("hubspot", "forager"))
        before = await counted(redis)
        program, _, _, *line = words(scene.folder / "refill.toml", "sync", "--full", "--json")
        ran = await asyncio.to_thread(
            subprocess.run,
            [program, "-c", RUN, *line],
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
            timeout=60,
        )
        scripts, round_trips = (now - then for now, then in zip(await counted(redis), before, strict=True))
        asked = sum("/datastorage/" in one.route for one in forager.requests)
        assert (json.loads(ran.stdout)["records"] > 50, asked > 50) == (True, True), ran.stderr
        found = {"scripts": scripts / asked, "round trips": round_trips / asked, "CRM calls": len(hubspot.requests)}
    most = {"scripts": SCRIPTS, "round trips": ROUND_TRIPS, "CRM calls": CRM_CALLS}
    assert not [name for name in most if found[name] > most[name]], found


async def counted(redis: Redis) -> tuple[int, int]:
    """Return how many scripts the server has run, and how often it has read from its clients."""
    calls = await redis.info("commandstats")
    scripts = sum(one["calls"] for name, one in calls.items() if name in {"cmdstat_evalsha", "cmdstat_eval"})
    return scripts, (await redis.info("stats"))["total_reads_processed"]
