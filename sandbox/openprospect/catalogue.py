"""Operations 15 to 24: prospect searches, companies, prospects, deliveries."""

from datetime import datetime
from typing import Any

from sandbox.calls import Call, Reply
from sandbox.openprospect.replies import RefusedError, invalid, not_found
from sandbox.openprospect.state import OpenProspectState
from sandbox.openprospect.stock import Found, Stock

EDITABLE = ("name", "ideal_customer_profile")
ADMIN_ONLY = ("geo_locations", "search_keywords")


class Catalogue:
    def __init__(self, vendor: OpenProspectState) -> None:
        self.vendor = vendor
        self.arrivals = 0
        """Companies that are delivered while a client pages: one after each page it reads."""

    @property
    def stock(self) -> Stock:
        return self.vendor.stock

    def searches(self, call: Call) -> Reply:
        rows = list(self.stock.searches.values())
        return Reply(200, self.vendor.page(call, rows, "prospect_searches"))

    def search(self, call: Call) -> Reply:
        return Reply(200, self.stock.searches[self.search_id(call)])

    def edit_search(self, call: Call) -> Reply:
        search, body = self.stock.searches[self.search_id(call)], call.object
        if not isinstance(body.get("version"), int):
            raise invalid("version", "field required")
        if body["version"] != search["version"]:
            message = f"Version is {search['version']}"
            raise RefusedError(409, "VERSION_CONFLICT", message, resource="prospect_search", identifier=search["id"])
        mask = body.get("update_mask") or [*EDITABLE, *ADMIN_ONLY]
        for field in EDITABLE:
            if field in body and field in mask:
                before, search[field] = search[field], body[field]
                call.write("update", "prospect_search", search["id"], property_=field, before=before, after=body[field])
        search["version"] += 1
        search["updated_at"] = self.vendor.clock.iso()
        return Reply(200, {**search, "stripped_fields": [field for field in ADMIN_ONLY if field in body]})

    def companies(self, call: Call) -> Reply:
        query = call.query
        search_id = query.get("prospect_search_id")
        if not search_id:
            raise invalid("prospect_search_id", "field required")
        if search_id not in self.stock.found:
            raise not_found("prospect_search", search_id)
        try:
            least = float(query.get("min_match_score", "0"))
        except ValueError:
            raise invalid("min_match_score", "not a number", query["min_match_score"]) from None
        statuses = {one for name in ("review_status", "review_status_list") for one in query.get(name, "").split(",")}
        statuses.discard("")
        wanted = query.get("search", "").casefold()
        rows = [
            found.json()
            for found in self.stock.found[search_id]
            if found.match_score >= least
            and (not statuses or found.review_status in statuses)
            and wanted in found.company.name.casefold()
        ]
        return Reply(200, self.vendor.page(call, rows, "companies"))

    def company(self, call: Call) -> Reply:
        return Reply(200, self._found(call).json())

    def jobs(self, call: Call) -> Reply:
        company = self._found(call).company
        rows = [
            {
                "id": f"j{company.number}-{place}",
                "title": ("SDR", "Office Manager", "Backend Engineer")[place],
                "url": f"{company.website}/jobs/{place}",
                "location": company.city,
                "posted_at": f"2026-11-{place + 1:02d}",
                "is_active": place != 1,
            }
            for place in range(company.number % 4)
        ]
        return Reply(200, self.vendor.page(call, rows, "jobs"))

    def webtech_intel(self, call: Call) -> Reply:
        found = self._found(call)
        seen = {"first_seen": "2026-01-01", "last_seen": "2026-11-01"}
        technologies = [{"name": name, "category": "Web", **seen} for name in found.company.technologies]
        body = {"company_id": found.id, "technologies": technologies, "scanned_at": "2026-11-01T00:00:00Z"}
        return Reply(200, body)

    def prospects(self, call: Call) -> Reply:
        search_id, company_id = call.query.get("prospect_search_id"), call.query.get("company_id")
        rows = [
            prospect.json(found.delivered_at)
            for found in self.stock.all_found()
            for prospect in found.prospects
            if search_id in {None, found.search_id} and company_id in {None, found.id}
        ]
        return Reply(200, self.vendor.page(call, rows, "prospects"))

    def prospect(self, call: Call) -> Reply:
        wanted = call.entry.key = call.params["id"]
        for found in self.stock.all_found():
            for prospect in found.prospects:
                if prospect.id == wanted:
                    return Reply(200, prospect.json(found.delivered_at))
        raise not_found("prospect", wanted)

    def delivered(self, call: Call) -> Reply:
        given = call.entry.key = call.params["id"]
        search_id = self._search_of_delivery(given)
        since = _epoch(call.query.get("delivered_since"))
        chosen = [found for found in self.stock.found[search_id] if found.delivered_at > since]
        # newest first: a row that arrives between two pages moves all the others
        chosen.sort(key=lambda found: found.delivered_at, reverse=self.vendor.order == "newest")
        page = self.vendor.page(call, [found.delivered_json() for found in chosen], "companies")
        if self.arrivals:
            self.arrivals -= 1
            self.stock.arrive(search_id, 1, self.vendor.clock.stamp())
        return Reply(200, page)

    def search_id(self, call: Call) -> str:
        search_id = call.entry.key = call.params["id"]
        if search_id not in self.stock.searches:
            raise not_found("prospect_search", search_id)
        return search_id

    def delivery_ids(self) -> dict[str, str]:
        """Maps delivery ids to search ids; they are equal unless the vendor gives deliveries ids of their own."""
        own = self.vendor.delivery_ids == "own"
        return {f"del_{search_id[:8]}" if own else search_id: search_id for search_id in self.stock.searches}

    def _search_of_delivery(self, delivery_id: str) -> str:
        search_id = self.delivery_ids().get(delivery_id)
        if search_id is None:
            raise not_found("delivery", delivery_id)
        return search_id

    def _found(self, call: Call) -> Found:
        wanted = call.entry.key = call.params["id"]
        for found in self.stock.all_found():
            if found.id == wanted:
                return found
        raise not_found("company", wanted)


def _epoch(text: str | None) -> float:
    if not text:
        return 0.0
    try:
        # a plus sign that was not escaped arrives as a blank
        moment: Any = datetime.fromisoformat(text.replace(" ", "+"))
        return float(moment.timestamp())
    except ValueError:
        raise invalid("delivered_since", "not an ISO 8601 date", text) from None
