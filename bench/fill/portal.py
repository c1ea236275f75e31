"""Serves a cheap HubSpot portal, Forager and Kaspr: rows by arithmetic, and only written values stored.

    python bench/fill/portal.py --records 1000000 [--blank 1] [--twins 0.3] [--gap email] [--latency 0.12,0.45]

One process, three loopback ports. It answers what the contenders ask and refuses everything else, costs some 40 us a
call and 31 bytes a filled record, so that a million records are no burden; what a vendor really does is imitated by
`sandbox/`, not here. It prints its addresses in one line of JSON and ends when its standard input closes. Row n is
about person n; the last `twins` of the rows are about the first people once more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
import time
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs

import httptools
import msgspec

PORTAL_ID, FIRST_ID = 49_547_190, 100_001
FIRST_NAMES = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances", "Ken", "Radia", "Niklaus")
LAST_NAMES = (
    "Adler", "Brandt", "Costa", "Dubois", "Eklund", "Fischer", "Garcia", "Hansen", "Ivanova", "Jansen", "Keller",
)  # fmt: skip
PROPERTIES = (  # noqa: SIM905 - a list of so many words is hard to read
    "hs_object_id email firstname lastname phone mobilephone jobtitle hs_linkedin_url company city country "
    "hs_email_optout associatedcompanyid hs_merged_object_ids lastmodifieddate hs_lastmodifieddate createdate name "
    "domain website industry numberofemployees linkedin_company_page hs_additional_emails address state zip "
    "hs_additional_domains lifecyclestage hubspot_owner_id refill_source refill_checked_at openprospect_id "
    "annualrevenue founded_year description hs_country_region_code hs_whatsapp_phone_number"
).split()
KINDS = {"hs_email_optout": ("bool", "booleancheckbox"), "lastmodifieddate": ("datetime", "date")}
encode, decode = msgspec.json.encode, msgspec.json.decode
Answer = tuple[int, Any]


class Windows:
    """Counts the rolling windows of one bucket, and how full the fullest one was."""

    def __init__(self, text: str) -> None:
        pairs = [part.split("/") for part in text.split(",") if part]
        self.windows = [(int(most), float(seconds), deque[float]()) for most, seconds in pairs]
        self.calls, self.refused, self.began, self.ended = 0, 0, 0.0, 0.0
        self.fullest = 0.0

    def take(self) -> bool:
        now = time.monotonic()
        self.began, self.ended = self.began or now, now
        for most, seconds, times in self.windows:
            while times and times[0] <= now - seconds:
                times.popleft()
            if len(times) >= most:
                self.refused += 1
                return False
        for most, _, times in self.windows:
            times.append(now)
            self.fullest = max(self.fullest, len(times) / most)
        self.calls += 1
        return True

    def told(self) -> dict[str, float]:
        return {
            "calls": self.calls, "refused": self.refused, "seconds": self.ended - self.began, "fullest": self.fullest,
        }  # fmt: skip


class Delay:
    """Draws lognormal seconds around a median, from a seed."""

    def __init__(self, median_s: float, seed: int) -> None:
        self.median_s, self.sum_s, self.count = median_s, 0.0, 0
        self._random = random.Random(seed)

    def sample(self) -> float:
        if not self.median_s:
            return 0.0
        waits = min(30.0, self._random.lognormvariate(math.log(self.median_s), 0.4))
        self.sum_s += waits
        self.count += 1
        return waits


class World:
    """Keeps the rows, the values written on them, and the questions to the providers."""

    def __init__(self, wanted: argparse.Namespace) -> None:
        self.records, self.gap = wanted.records, wanted.gap
        self.first_person, self.split, self.of_first = wanted.first_person, wanted.split, list[bool]()
        self.people = max(1, round(wanted.records * (1 - wanted.twins)))
        self.blank_of_1000 = round(wanted.blank * 1000)
        self.base_ms = int(time.time() * 1000) - 3_600_000 - wanted.records
        self.written_ms = array("q", bytes(8 * wanted.records))
        """Holds when a row was written last, 0 if never."""
        self.filled = bytearray(wanted.records)
        """Holds 1 where a row holds its own person's value."""
        self.others: dict[int, str] = {}
        """Holds any other values that were written."""
        self.order, self.order_ms = array("i"), array("q")
        """Hold the writes one after the other: the row and the time."""
        self.routes: Counter[str] = Counter()
        self.asked = array("H")
        """Holds how often each person was asked about."""
        self.at = array("d")
        """Holds the times of the paid calls."""
        self.writes = self.rewrites = self.charged = 0

    def person(self, row: int) -> int:
        return self.first_person + (row if row < self.people else row - self.people)

    def is_blank(self, row: int) -> bool:
        return not self.written_ms[row] and row * 7919 % 1000 < self.blank_of_1000

    def names(self, person: int) -> tuple[str, str]:
        return FIRST_NAMES[person % 10], LAST_NAMES[person // 10 % 11]

    def modified(self, row: int) -> int:
        return self.written_ms[row] or self.base_ms + row

    def value(self, row: int) -> str:
        """Returns what was written on a row, "" if nothing was."""
        return self.answer_of(self.person(row)) if self.filled[row] else self.others.get(row, "")

    def written_between(self, low_ms: int, high_ms: int) -> list[int]:
        """Returns the rows that were written then, in the order of their ids."""
        times = slice(bisect_left(self.order_ms, low_ms), bisect_right(self.order_ms, high_ms))
        return sorted(set(self.order[times]))

    def properties(self, row: int) -> dict[str, str | None]:
        person = self.person(row)
        first, last = self.names(person)
        modified = iso(self.modified(row))
        held = self.value(row) or (None if self.is_blank(row) else self.answer_of(person))
        return {
            "hs_object_id": str(FIRST_ID + row), "firstname": first, "lastname": last, self.gap: held,
            "hs_linkedin_url": f"https://www.linkedin.com/in/{first}-{last}-{person}".lower(),
            "lastmodifieddate": modified, "hs_lastmodifieddate": modified, "createdate": "2026-01-02T09:00:00Z",
        }  # fmt: skip

    def answer_of(self, person: int) -> str:
        return f"p{person}@example-{person % 97}.com" if self.gap == "email" else f"+4915{200_000_000 + person}"

    def row_of(self, id: Any) -> int | None:
        row = int(id) - FIRST_ID if str(id).isdigit() else -1
        return row if 0 <= row < self.records else None

    def write(self, row: int, values: dict[str, Any]) -> None:
        value = values.get(self.gap)
        now = int(time.time() * 1000)
        if value is not None:
            self.writes += 1
            self.rewrites += bool(self.written_ms[row])
            self.filled[row] = value == self.answer_of(self.person(row))
            self.others.pop(row, None)
            if value and not self.filled[row]:
                self.others[row] = value
        self.written_ms[row] = now
        self.order.append(row)
        self.order_ms.append(now)

    def ask(self, person: int) -> None:
        self.at.append(time.monotonic())
        if person >= len(self.asked):
            self.asked.extend(array("H", bytes(2 * (person + 1 - len(self.asked)))))
        self.asked[person] += 1
        self.charged += 1
        if self.split:
            self.of_first.append(person < self.split)


def iso(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    day = time.gmtime(seconds)
    return f"{day[0]}-{day[1]:02}-{day[2]:02}T{day[3]:02}:{day[4]:02}:{day[5]:02}.{rest:03}Z"


class HubSpot:
    """Serves a portal's contacts, in either generation of paths."""

    def __init__(self, world: World, windows: Windows, search: Windows) -> None:
        self.world, self.windows, self.search_windows = world, windows, search

    def answer(self, method: str, path: str, query: str, body: bytes) -> Answer:
        parts = path.strip("/").split("/")
        is_search = parts[-1] == "search"
        if not (self.search_windows if is_search else self.windows).take():
            policy = "SECONDLY" if is_search else "TEN_SECONDLY_ROLLING"
            return 429, {"status": "error", "message": "You have reached your limit.", "policyName": policy}
        if path == "/account-info/v3/details":
            return 200, {"portalId": PORTAL_ID, "timeZone": "UTC"}
        if "properties" in parts:
            return 200, {"results": [definition(name) for name in PROPERTIES]}
        if "contacts" not in parts:
            return 404, {"status": "error", "category": "OBJECT_NOT_FOUND"}
        match method, parts[-1]:
            case "POST", "search":
                return 200, self.search(decode(body))
            case "POST", "read":
                return 200, self.read(decode(body))
            case "POST", "update":
                return 200, self.update(decode(body))
            case "GET", "contacts":
                return 200, self.list(query)
            case "GET" | "PATCH", id if (row := self.world.row_of(id)) is not None:
                if method == "PATCH":
                    self.world.write(row, decode(body)["properties"])
                return 200, self.row(row, None)
        return 404, {"status": "error", "category": "OBJECT_NOT_FOUND"}

    def row(self, row: int, names: list[str] | None) -> dict[str, Any]:
        held = self.world.properties(row)
        shown = held if names is None else {name: held.get(name) for name in names}
        at = held["lastmodifieddate"]
        return {"id": held["hs_object_id"], "properties": shown, "createdAt": at, "updatedAt": at, "archived": False}

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        """Knows a window of modified dates, ids beyond one, and blanks; in the order of ids."""
        world, low, high, after, gap = self.world, 0, 2**60, -1, False
        for group in body.get("filterGroups") or [{"filters": []}]:
            for one in group["filters"]:
                match one["propertyName"], one["operator"]:
                    case "lastmodifieddate", "BETWEEN":
                        low, high = int(one["value"]), int(one["highValue"])
                    case "hs_object_id", "GT":
                        after = max(-1, int(one["value"]) - FIRST_ID)
                    case name, "NOT_HAS_PROPERTY" if name == world.gap:
                        gap = True
                    case other:
                        raise ValueError(f"not served: {other}")
        limit, found = int(body.get("limit", 10)), list[int]()
        old = low > world.base_ms + world.records  # only the written values
        for row in world.written_between(low, high) if old else range(after + 1, world.records):
            if row > after and (not gap or world.is_blank(row)) and low <= world.modified(row) <= high:
                found.append(row)
                if len(found) > limit:
                    break
        rows = [self.row(row, body.get("properties")) for row in found[:limit]]
        onward = {"paging": {"next": {"after": str(limit)}}} if len(found) > limit else {}
        return {"total": len(found), "results": rows, **onward}

    def read(self, body: dict[str, Any]) -> dict[str, Any]:
        results = []
        for one in body["inputs"]:
            if (row := self.world.row_of(one["id"])) is not None:
                answer = self.row(row, body.get("properties"))
                if names := body.get("propertiesWithHistory"):
                    answer["propertiesWithHistory"] = {name: self.history(row, name) for name in names}
                results.append(answer)
        return {"status": "COMPLETE", "results": results}

    def history(self, row: int, name: str) -> list[dict[str, str]]:
        if name != self.world.gap or not self.world.written_ms[row]:
            return []
        at = iso(self.world.written_ms[row])
        return [{"value": self.world.value(row), "timestamp": at, "sourceType": "INTEGRATION", "sourceId": "1"}]

    def update(self, body: dict[str, Any]) -> dict[str, Any]:
        results = []
        for one in body["inputs"]:
            if (row := self.world.row_of(one["id"])) is not None:
                self.world.write(row, one["properties"])
                results.append(self.row(row, list(one["properties"])))
        return {"status": "COMPLETE", "results": results}

    def list(self, query: str) -> dict[str, Any]:
        asked = parse_qs(query)
        start, limit = int(asked.get("after", ["0"])[0]), int(asked.get("limit", ["100"])[0])
        names = asked["properties"][0].split(",") if "properties" in asked else None
        end = min(start + limit, self.world.records)
        onward = {"paging": {"next": {"after": str(end)}}} if end < self.world.records else {}
        return {"results": [self.row(row, names) for row in range(start, end)], **onward}


def definition(name: str) -> dict[str, Any]:
    kind, field = KINDS.get(name, ("string", "phonenumber" if "phone" in name else "text"))
    return {"name": name, "label": name, "type": kind, "fieldType": field, "options": []}


class Forager:
    """Serves work e-mails by LinkedIn slug, and a client's own account."""

    def __init__(self, world: World, windows: Windows) -> None:
        self.world, self.windows = world, windows

    def answer(self, method: str, path: str, query: str, body: bytes) -> Answer:
        del method, query
        if path == "/api/users/current/":
            tier = {"id": 2, "name": "Starter"}
            held = {"id": 9, "is_active": True, "credits_balance": 90_000_000.0, "subscription_tier": tier}
            return 200, {"id": 1, "accounts": [{"id": 42, "name": "Main", "subscription": held}]}
        if "balance_change_logs" in path:
            return 200, {"total_credits_spent": 5 * self.world.charged}
        if not path.endswith("/work_emails/"):
            return 404, {"detail": "Not found."}
        if not self.windows.take():
            return 429, {"detail": "Request was throttled."}
        person = int(decode(body)["linkedin_public_identifier"].rpartition("-")[2])
        self.world.ask(person)
        email = self.world.answer_of(person)
        return 200, [{"email": email, "email_type": "work", "validation_status": "valid"}]


class Kaspr:
    """Profiles by LinkedIn slug in the reference dialect."""

    def __init__(self, world: World, windows: Windows) -> None:
        self.world, self.windows = world, windows

    def answer(self, method: str, path: str, query: str, body: bytes) -> Answer:
        del method, query
        if path == "/keys/verifyKey":
            return 200, {"user": {"id": "1", "email": "ops@example.com"}}
        if path == "/keys/remainingCredits":
            return 200, {"remainingCredits": 90_000_000}
        if path != "/profile/profile":
            return 404, {"message": "Not found"}
        if not self.windows.take():
            return 429, {"message": "Too many requests"}
        asked = decode(body)
        slug = str(asked.get("id") or asked.get("linkedinId") or "").rstrip("/")
        person = int(slug.rpartition("-")[2])
        self.world.ask(person)
        first, last = self.world.names(person)
        value = self.world.answer_of(person)
        profile = {"id": slug, "name": f"{first} {last}", "firstName": first, "lastName": last, "fetchedAt": 1,
                   "phones": [value], "emails": [], "companyName": "Example"}  # fmt: skip
        return 200, {"profile": profile}


REASONS = {200: "OK", 404: "Not Found", 429: "Too Many Requests", 500: "Error"}


class Connection(asyncio.Protocol):
    """Answers on one kept connection of one vendor."""

    transport: asyncio.Transport

    def __init__(self, served: Served, name: str) -> None:
        self.served, self.name, self.vendor = served, name, served.vendors[name]
        self.delay = served.delays["crm" if name == "hubspot" else "provider"]
        self.parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.url, self.body = b"", list[bytes]()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self.url.decode().partition("?")
        method = self.parser.get_method().decode()
        if path == "/_bench/books":
            self.send(200, self.served.books())
            return
        if path.startswith("/_bench/row/"):
            self.send(200, self.served.world.properties(int(path.rpartition("/")[2]) - FIRST_ID))
            return
        try:
            status, body = self.vendor.answer(method, path, query, b"".join(self.body))
        except (ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
            status, body = 500, {"message": f"the bench's portal does not serve this: {method} {path}: {error}"}
            print(body["message"], file=sys.stderr, flush=True)
        word = path.rstrip("/").rpartition("/")[2]
        self.served.world.routes[f"{self.name} {method} {'{id}' if word.isdigit() else word} {status}"] += 1
        wait_s = self.delay.sample()
        if wait_s:
            asyncio.get_running_loop().call_later(wait_s, self.send, status, body)
        else:
            self.send(status, body)

    def send(self, status: int, body: Any) -> None:
        raw = encode(body)
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: application/json\r\n"
            f"date: {formatdate(usegmt=True)}\r\ncontent-length: {len(raw)}\r\n\r\n"
        )
        if not self.transport.is_closing():
            self.transport.write(head.encode() + raw)


class Served:
    def __init__(self, wanted: argparse.Namespace) -> None:
        self.world = world = World(wanted)
        self.windows = {
            "hubspot": Windows(wanted.hubspot), "search": Windows(wanted.search), "provider": Windows(wanted.provider),
        }  # fmt: skip
        crm_s, _, provider_s = wanted.latency.partition(",")
        self.delays = {"crm": Delay(float(crm_s), 1), "provider": Delay(float(provider_s or crm_s), 2)}
        self.vendors = {
            "hubspot": HubSpot(world, self.windows["hubspot"], self.windows["search"]),
            "forager": Forager(world, self.windows["provider"]),
            "kaspr": Kaspr(world, self.windows["provider"]),
        }

    def books(self) -> dict[str, Any]:
        """Tells what happened so far: calls by route, charges, writes, windows, the providers' waits and arrivals."""
        world, waits = self.world, self.delays["provider"]
        at = world.at
        cut = len(at) // 4
        middle = at[len(at) - cut - 1] - at[cut] if cut else 0.0
        return {
            "routes": dict(world.routes), "asked": len(at), "charged": world.charged,
            "people_asked": sum(map(bool, world.asked)),
            "asked_again": sum(count - 1 for count in world.asked if count),
            "writes": world.writes, "rewrites": world.rewrites, "filled": sum(world.filled) + len(world.others),
            "windows": {name: one.told() for name, one in self.windows.items()},
            "first_half": sum(world.of_first[: len(at) // 2]) / max(1, len(at) // 2),
            "provider_mean_s": waits.sum_s / waits.count if waits.count else 0.0,
            "asked_per_s": (len(at) - 2 * cut - 1) / middle if middle > 0 else 0.0,
        }  # fmt: skip


async def serve(wanted: argparse.Namespace) -> None:
    served, loop = Served(wanted), asyncio.get_running_loop()
    told = {}
    for name in served.vendors:
        server = await loop.create_server(lambda name=name: Connection(served, name), "127.0.0.1", 0, backlog=1024)
        told[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(json.dumps(told), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--blank", type=float, default=1.0, help="share of the rows that lack the value")
    parser.add_argument("--twins", type=float, default=0.0, help="share of the rows about somebody who has one already")
    parser.add_argument("--first-person", type=int, default=0)
    parser.add_argument("--split", type=int, default=0, help="tell whose calls came first: people below it, or above")
    parser.add_argument("--gap", choices=("email", "mobilephone"), default="email")
    parser.add_argument("--latency", default="0,0", help="median seconds of the CRM, of the providers")
    parser.add_argument("--hubspot", default="", help="windows of all calls but searches: 190/10")
    parser.add_argument("--search", default="", help="windows of searches: 5/1")
    parser.add_argument("--provider", default="", help="windows of paid calls: 500/60")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
