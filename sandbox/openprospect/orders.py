"""Operations 1 to 4: orders that walk through their stages by the clock."""

from dataclasses import dataclass
from typing import Any

from sandbox.calls import Call, Reply
from sandbox.clock import iso
from sandbox.openprospect.replies import RefusedError, invalid, not_found
from sandbox.openprospect.state import OpenProspectState
from sandbox.openprospect.stock import HOUR, Found, make_id

STAGES = (("RECEIVED", 0.0), ("ACCEPTED", 300.0), ("IN_PROGRESS", 360.0), ("COMPLETED", 660.0))
"""Status and the age in seconds from which it holds, at speed 1."""
FORCED = {"CANCELLED", "REJECTED", "FAILED", *(stage for stage, _ in STAGES)}
FEATURES = {"COMPANY_DATA", "CONTACTS", "TECHNOLOGIES"}
PRICE = 5.0
MAX_COMPANIES = 10_000


@dataclass(slots=True)
class Order:
    id: str
    type: str
    title: str
    features: list[str]
    created_at: float
    results: list[Found]
    company_count: int
    search_id: str | None
    key: str = ""
    """Idempotency key."""
    forced: str | None = None
    forced_at: float = 0.0


class Orders:
    def __init__(self, vendor: OpenProspectState) -> None:
        self.vendor = vendor
        self.orders: dict[str, Order] = {}
        self._seed_completed()

    def create(self, call: Call) -> Reply:
        body = call.object
        kind = body.get("order_type")
        if kind not in {"ENRICHMENT", "DISCOVERY"}:
            raise invalid("order_type", "must be ENRICHMENT or DISCOVERY", kind)
        if not isinstance(body.get("title"), str) or not body["title"]:
            raise invalid("title", "field required")
        features = body.get("features") or ["COMPANY_DATA"]
        if not isinstance(features, list) or not set(features) <= FEATURES:
            raise invalid("features", "unknown feature", features)
        key = call.headers.get("Idempotency-Key", "")
        if key and self.vendor.idempotency == "honoured":
            for order in self.orders.values():
                if order.key == key:
                    return Reply(201, self._created(order))
        order_id = make_id(self.vendor.options.seed, "order", call.entry.seq, body["title"])
        now = self.vendor.clock.stamp()
        results = self._enriched(order_id, body, now) if kind == "ENRICHMENT" else self._discovered(order_id, body, now)
        count = len(body["companies"]) if kind == "ENRICHMENT" else len(results)
        order = Order(order_id, kind, body["title"], features, now, results, count, None, key)
        self.orders[order_id] = order
        call.entry.key = body["title"]
        call.write("create", "order", order_id, property_="title", after=body["title"])
        return Reply(201, self._created(order))

    def listing(self, call: Call) -> Reply:
        status, kind = call.query.get("status"), call.query.get("order_type")
        rows = [self._json(order) for order in sorted(self.orders.values(), key=lambda one: -one.created_at)]
        rows = [row for row in rows if status in {None, row["status"]} and kind in {None, row["order_type"]}]
        return Reply(200, self.vendor.page(call, rows, "orders"))

    def get(self, call: Call) -> Reply:
        return Reply(200, self._json(self._order(call)))

    def results(self, call: Call) -> Reply:
        order = self._order(call)
        status = self.status(order)
        if status != "COMPLETED":
            raise RefusedError(409, "ORDER_NOT_COMPLETED", f"Order is {status}", resource="order", identifier=order.id)
        rows = [found.result_json(order.features) for found in order.results]
        page = self.vendor.page(call, rows, "companies")
        if isinstance(page, list):
            return Reply(200, page)
        return Reply(200, {"order_id": order.id, "status": status, **page})

    def status(self, order: Order) -> str:
        if order.forced:
            return order.forced
        age = (self.vendor.clock.stamp() - order.created_at) * self.vendor.speed
        return next(stage for stage, since in reversed(STAGES) if age >= since)

    def force(self, order_id: str, status: str) -> None:
        """Forces an order into a status. Raises: KeyError for an unknown order or status."""
        if status not in FORCED:
            raise KeyError(status)
        self.orders[order_id].forced = status
        self.orders[order_id].forced_at = self.vendor.clock.stamp()

    def _order(self, call: Call) -> Order:
        order_id = call.entry.key = call.params["id"]
        if order_id not in self.orders:
            raise not_found("order", order_id)
        return self.orders[order_id]

    def _created(self, order: Order) -> dict[str, Any]:
        fields = ("order_id", "order_type", "status", "company_count", "estimated_cost", "message")
        body = self._json(order)
        return {field: body[field] for field in fields}

    def _json(self, order: Order) -> dict[str, Any]:
        status = self.status(order)
        reached = max((i for i, (stage, _) in enumerate(STAGES) if stage == status), default=0)
        changed = order.forced_at if order.forced else order.created_at + STAGES[reached][1] / self.vendor.speed
        completed = status == "COMPLETED"
        return {
            "order_id": order.id,
            "order_type": order.type,
            "status": status,
            "title": order.title,
            "company_count": order.company_count,
            "estimated_cost": None if status == "RECEIVED" else order.company_count * PRICE,
            "message": "Order received." if status == "RECEIVED" else None,
            "prospect_search_id": order.search_id,
            "created_at": iso(order.created_at),
            "updated_at": iso(changed),
            "completed_at": iso(changed) if completed else None,
        }

    def _enriched(self, order_id: str, body: dict[str, Any], now: float) -> list[Found]:
        companies = body.get("companies")
        if not isinstance(companies, list) or not 1 <= len(companies) <= MAX_COMPANIES:
            raise invalid("companies", "between 1 and 10000 companies are required")
        stock = self.vendor.stock
        by_domain, by_name = stock.world.company_by_domain, {one.name: one for one in stock.world.companies}
        results = []
        for asked in companies:
            if not isinstance(asked, dict) or not isinstance(asked.get("company_name"), str):
                raise invalid("companies.company_name", "field required")
            host = (asked.get("website_url") or "").lower().partition("://")[2].strip("/").removeprefix("www.")
            company = by_domain.get(host) or by_name.get(asked["company_name"])
            if company:
                found = stock.make_found(order_id, None, company, 3, now)
                found.source_id = asked.get("external_id")
                results.append(found)
        return results

    def _discovered(self, order_id: str, body: dict[str, Any], now: float) -> list[Found]:
        quantity = body.get("briefing_quantity", 5)
        if not isinstance(quantity, int) or quantity < 1:
            raise invalid("briefing_quantity", "must be positive", quantity)
        stock = self.vendor.stock
        outside = [company for company in stock.world.companies if not company.in_crm]
        return [stock.make_found(order_id, None, company, 2, now) for company in outside[:quantity]]

    def _seed_completed(self) -> None:
        """Seeds one completed order; one of its companies was delivered under its id, one under another id."""
        stock = self.vendor.stock
        order_id = make_id(stock.options.seed, "order", "seeded")
        done = stock.started - HOUR
        delivered = next(iter(stock.found.values()), [])
        results = list(delivered[1:2])
        others = [found.company for found in delivered[2:3]]
        taken = {found.company.number for found in stock.all_found()}
        outside = [one for one in stock.world.companies if not one.in_crm and one.number not in taken]
        inside = [one for one in stock.world.companies if one.in_crm and one.number not in taken]
        for company in (*others, *outside[-2:], *inside[:1]):
            found = stock.make_found(order_id, None, company, 2, done)
            found.source_id = None
            results.append(found)
        features = ["COMPANY_DATA", "CONTACTS", "TECHNOLOGIES"]
        self.orders[order_id] = Order(
            order_id, "DISCOVERY", "First batch", features, stock.started - 48 * HOUR, results, len(results), None,
            forced="COMPLETED", forced_at=done,
        )  # fmt: skip
