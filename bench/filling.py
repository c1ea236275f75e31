"""Measures what filling records costs: Refill beside a bare loop that makes the same paid calls and keeps nothing.

    python bench/filling.py [--records 2000] [--rounds 3]

HubSpot and Forager are imitated in processes of their own that answer at once. Each round runs `refill sync --full`
against a new portal, with an embedded Redis whose `appendfsync` is `always`, and then the bare loop: an aiohttp client,
50 calls in flight, which pages through the portal, asks Forager once for each call that Refill paid, and updates in
batches of 100. CPU is that of the process; Redis' own and its commands come from INFO.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from posting import ROOT, print_table

sys.path.insert(0, str(ROOT))

SLUGS = "hs_linkedin_url"
FLOOR = """
import asyncio, json, sys, time
import aiohttp

async def main(portal, token, forager, key, lookups):
    flight = asyncio.Semaphore(50)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:
        rows, after, crm = [], None, {"authorization": f"Bearer {token}"}
        while True:
            body = {"limit": 200, "properties": ["email", "hs_linkedin_url"], "filterGroups": []}
            body |= {"after": after} if after else {}
            async with session.post(f"{portal}/crm/v3/objects/contacts/search", json=body, headers=crm) as answer:
                page = await answer.json()
            rows += page["results"]
            after = page.get("paging", {}).get("next", {}).get("after")
            if not after:
                break
        asked = [row for row in rows if row["properties"].get("hs_linkedin_url")]
        asked = (asked * (lookups // len(asked) + 1))[:lookups]

        async def ask(row):
            slug = row["properties"]["hs_linkedin_url"].rstrip("/").rsplit("/", 1)[-1]
            url = f"{forager}/api/42/datastorage/person_contacts_lookup/work_emails/"
            async with flight, session.post(
                url, json={"linkedin_public_identifier": slug}, headers={"x-api-key": key}
            ) as answer:
                return row["id"], await answer.json()

        found = await asyncio.gather(*map(ask, asked))
        for start in range(0, len(found), 100):
            inputs = [{"id": id, "properties": {"city": "X"}} for id, _ in found[start:start + 100]]
            inputs = list({one["id"]: one for one in inputs}.values())
            url = f"{portal}/crm/v3/objects/contacts/batch/update"
            async with session.post(url, json={"inputs": inputs}, headers=crm) as answer:
                await answer.json()

asyncio.run(main(*sys.argv[1:5], int(sys.argv[5])))
"""


@contextmanager
def vendor(name: str, records: int) -> Any:
    words = [sys.executable, "-m", "sandbox", "--vendors", name, "--records", str(records), "--watch-stdin"]
    words += ["--companies", str(records // 4), "--credits", "1000000"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())[name]
    finally:
        process.kill()
        process.wait()


def cpu_of(words: list[str], output: Path) -> tuple[float, float]:
    """CPU and wall seconds of one command, Redis left out: it is nobody's child that was waited for."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with output.open("wb") as stream:
        process = subprocess.Popen(words, stdout=stream, stderr=subprocess.PIPE, cwd=ROOT)
        said = process.communicate()[1]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode not in {0, 1, 4}:
        raise SystemExit(said.decode())
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - began


def configuration(hubspot: Mapping[str, Any], forager: Mapping[str, Any]) -> str:
    return f"""\
data_dir = "data"

[providers.forager]
base_url = "{forager["base_url"]}"
account_id = 42
rate = "100000/second"
verify_person = false
budget = {{ day = 1000000, month = 1000000 }}

[crm.portal]
kind = "hubspot"
base_url = "{hubspot["base_url"]}"
lookback = "3650d"

[crm.portal.watch.contact]
fields.work_email = {{ property = "email", from = ["forager"], accept = ["valid", "risky", "unverified"] }}
"""


def books(control_url: str) -> Any:
    with urllib.request.urlopen(f"{control_url}/books?kind=charges") as answer:
        return json.load(answer)


async def once(records: int) -> dict[str, float]:
    """One round: figures by name. The embedded Redis stays up for it, so that its own figures can be read."""
    from config.load import load
    from worker.redis.connection import open_redis

    with tempfile.TemporaryDirectory(prefix="refill-bench-") as name, vendor("forager", records) as forager:
        folder = Path(name)
        with vendor("hubspot", records) as hubspot:
            (folder / "refill.toml").write_text(configuration(hubspot, forager), encoding="utf-8")
            secrets = {
                "REFILL_PROVIDERS__FORAGER__API_KEY": forager["api_key"],
                "REFILL_CRM__PORTAL__TOKEN": hubspot["token"],
            }
            (folder / ".env").touch(mode=0o600)
            (folder / ".env").write_text("".join(f"{key}={value}\n" for key, value in secrets.items()))
            config = folder / "refill.toml"
            async with open_redis(load(config, {})) as redis:
                words = [sys.executable, "-m", "worker.cli", "sync", "--full", "--json", "--config", str(config)]
                cpu, wall = await asyncio.to_thread(cpu_of, words, folder / "report.json")
                info = {**await redis.info("cpu"), **await redis.info("commandstats")}
            report = json.loads((folder / "report.json").read_text())
        lookups = len((await asyncio.to_thread(books, forager["control_url"]))["charges"])
        with vendor("hubspot", records) as hubspot:
            words = [sys.executable, "-c", FLOOR, hubspot["base_url"], hubspot["token"]]
            words += [forager["base_url"], forager["api_key"], str(lookups)]
            floor, floor_wall = cpu_of(words, folder / "floor")
        return {
            "records": report["records"], "lookups": lookups, "cpu": cpu, "wall": wall, "floor": floor,
            "floor_wall": floor_wall, "scripts": info["cmdstat_evalsha"]["calls"],
            "redis_cpu": info["used_cpu_user"] + info["used_cpu_sys"],
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    rounds = [asyncio.run(once(wanted.records)) for _ in range(wanted.rounds)]
    heads = (
        "records", "lookups", "CPU s", "ms/lookup", "bare", "ratio", "records/s", "scripts/lookup", "Redis CPU s"
    )  # fmt: skip
    rows = [heads]
    for one in rounds:
        per, bare = (1000 * one[name] / one["lookups"] for name in ("cpu", "floor"))
        rows.append(
            (
                f"{one['records']:.0f}", f"{one['lookups']:.0f}", f"{one['cpu']:.2f}", f"{per:.2f}", f"{bare:.2f}",
                f"{per / bare:.1f}", f"{one['records'] / one['wall']:.0f}",
                f"{one['scripts'] / one['lookups']:.1f}", f"{one['redis_cpu']:.2f}",
            )
        )  # fmt: skip
    print_table(rows)
    print(f"median ratio {statistics.median(one['cpu'] / one['floor'] for one in rounds):.1f}")


if __name__ == "__main__":
    main()
