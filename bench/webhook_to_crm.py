"""Measures the time from an edit in HubSpot to our values on that record, beside the vendors' own latency.

    python bench/webhook_to_crm.py [--records 150] [--every 0.3]

``refill up`` against the sandbox, all vendors in processes of their own, and nothing but webhooks to go by: polls are
an hour apart. One title after another is typed; HubSpot's books say when that was and when our last value was written
on the record. Once with vendors that answer at once and twice with vendors that take their time, whose own seconds are
shown beside: the lookups and CRM calls that a record needed, one after the other, at the median.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posting import PATH, ROOT, free_port, print_table, quiet, up

sys.path.insert(0, str(ROOT))

from worker import trial  # the checkout's own

MEDIAN_MS = {"none": 0, "demo": 20, "real": 350}  # of every answer of a vendor of the sandbox
CRM_CALLS = 3  # the record, the record again, our values: CRM calls that a visit makes one after the other
TYPED = "Typed by a person"
SETTLED_S = 3.0
LONGEST_S = 300.0


def control(vendor: Mapping[str, Any], path: str, body: object = None) -> Any:
    """Ask a vendor of the sandbox for something that no customer can."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{vendor['control_url']}/{path}", data=data, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def ready(port: int) -> bool:
    """Tells whether the daemon has its CRMs open."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return True
    except OSError:
        return False


async def until(condition: Any, what: str, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not await asyncio.to_thread(condition):
        if time.monotonic() > deadline:
            raise SystemExit(f"never seen: {what}")
        await asyncio.sleep(0.1)


async def measured(latency: str, records: int, every_s: float, seed: int) -> tuple[str, ...]:
    """Returns a row of the table."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="refill-bench-") as name:
        folder = Path(name)
        async with trial.serve(records=records * 2, seed=seed, latency=latency) as served:
            hubspot = served.vendors["hubspot"]
            for crm in ("hubspot", "salesforce"):  # existing rows are history, which nobody asked to fill
                control(served.vendors[crm], "clock", {"advance": 60})
            text, secrets = trial.configuration(served, "data", port)
            deliveries = text.index("[providers.openprospect]")  # they would share HubSpot's calls
            text = text[:deliveries] + text[text.index("[crm.", deliveries) :]
            text = text.replace("[crm.acme_hubspot]", '[crm.acme_hubspot]\npoll_every = "1h"\nlookback = "1s"')
            text = text.replace("[crm.acme_salesforce]", '[crm.acme_salesforce]\npoll_every = "1h"\nlookback = "1s"')
            secrets["REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET"] = str(hubspot["client_secret"])
            path = trial.write(folder, text, secrets)
            words = [sys.executable, "-m", "worker.cli", "up", "--config", str(path)]
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            daemon = subprocess.Popen(words, env=env, **quiet(folder))
            try:
                up(port, daemon)
                await until(lambda: ready(port), "an open crm")
                url = f"http://127.0.0.1:{port}"
                control(hubspot, "webhooks", {"url": url + PATH})
                return await _timed(served, latency, records, every_s)
            finally:
                daemon.terminate()
                await asyncio.to_thread(daemon.wait, 60)


async def _timed(served: trial.Served, latency: str, records: int, every_s: float) -> tuple[str, ...]:
    hubspot = served.vendors["hubspot"]
    rows = control(hubspot, "records/contacts")
    lacking = [row["id"] for row in rows if not all(row["properties"].get(name) for name in ("email", "mobilephone"))]
    for id_ in lacking[:records]:
        body = {"object": "contacts", "id": id_, "properties": {"jobtitle": TYPED}}
        await asyncio.to_thread(control, hubspot, "edit", body)
        await asyncio.sleep(every_s)
    began, last = time.monotonic(), (-1, 0.0)
    while time.monotonic() - began < LONGEST_S:  # until nothing more is written
        count = len(control(hubspot, "books?kind=writes")["writes"])
        if count != last[0]:
            last = (count, time.monotonic())
        elif time.monotonic() - last[1] > SETTLED_S + 20 * MEDIAN_MS[latency] / 1000:
            break
        await asyncio.sleep(0.2)
    typed: dict[str, float] = {}
    ours: dict[str, float] = defaultdict(float)
    for write in control(hubspot, "books?kind=writes")["writes"]:
        if write["object"] != "contacts":
            continue
        if write["request"]:
            ours[write["id"]] = max(ours[write["id"]], write["wall"])
        elif write["property"] == "jobtitle" and write["after"] == TYPED:
            typed[write["id"]] = write["wall"]
    took = sorted(ours[id_] - typed[id_] for id_ in typed if id_ in ours)
    lookups = sum(
        len(control(served.vendors[provider], "books?kind=requests")["requests"]) for provider in ("forager", "kaspr")
    ) / max(1, len(typed))
    return (
        f"{MEDIAN_MS[latency]} ms a call",
        f"{len(typed)}, {len(took)} filled",
        f"{statistics.median(took):.2f}",
        f"{took[int(0.95 * len(took))]:.2f}",
        f"{lookups:.1f} + {CRM_CALLS}",
        f"{(lookups + CRM_CALLS) * MEDIAN_MS[latency] / 1000:.2f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=150)
    parser.add_argument("--every", type=float, default=0.3, help="seconds between two edits")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    head = ("vendors answer in", "records edited", "p50 s", "p95 s", "calls a record", "the vendors' own s")
    rows = [
        asyncio.run(measured(latency, arguments.records, arguments.every, arguments.seed))
        for latency in ("none", "demo", "real")
    ]
    print_table([head, *rows])


if __name__ == "__main__":
    main()
