"""Operations 5 to 14: blacklists, their entries, and which search uses which."""

from typing import Any

from sandbox.calls import Call, Reply
from sandbox.openprospect.catalogue import Catalogue
from sandbox.openprospect.replies import invalid, not_found
from sandbox.openprospect.state import OpenProspectState
from sandbox.openprospect.stock import make_id

FIELDS = ("external_id", "website_url", "company_name", "city")
MAX_ENTRIES = 10_000


class Blacklists:
    def __init__(self, vendor: OpenProspectState, catalogue: Catalogue) -> None:
        self.vendor = vendor
        self._catalogue = catalogue
        self.lists: dict[str, dict[str, Any]] = {}
        self.entries: dict[str, dict[str, dict[str, Any]]] = {}
        """List id -> entry id -> entry."""
        self.assigned: dict[str, list[str]] = {}
        """Search id -> list ids."""

    def create(self, call: Call) -> Reply:
        name = call.object.get("name")
        if not isinstance(name, str) or not name:
            raise invalid("name", "field required")
        list_id, now = make_id("blacklist", call.entry.seq, name), self.vendor.clock.iso()
        blacklist = {"id": list_id, "name": name, "description": call.object.get("description")}
        self.lists[list_id] = {**blacklist, "created_at": now, "updated_at": now}
        self.entries[list_id] = {}
        call.write("create", "blacklist", list_id, property_="name", after=name)
        return Reply(201, self._json(list_id))

    def listing(self, call: Call) -> Reply:
        return Reply(200, self.vendor.page(call, [self._json(one) for one in self.lists], "blacklists"))

    def get(self, call: Call) -> Reply:
        return Reply(200, self._json(self._id(call)))

    def update(self, call: Call) -> Reply:
        list_id = self._id(call)
        for field in ("name", "description"):
            if field in call.object:
                before, self.lists[list_id][field] = self.lists[list_id][field], call.object[field]
                call.write("update", "blacklist", list_id, property_=field, before=before, after=call.object[field])
        self.lists[list_id]["updated_at"] = self.vendor.clock.iso()
        return Reply(200, self._json(list_id))

    def delete(self, call: Call) -> Reply:
        list_id = self._id(call)
        del self.lists[list_id], self.entries[list_id]
        self.assigned = {search: [one for one in ids if one != list_id] for search, ids in self.assigned.items()}
        call.write("delete", "blacklist", list_id)
        return Reply(204)

    def add_entries(self, call: Call) -> Reply:
        list_id, given = self._id(call), call.object.get("entries")
        if not isinstance(given, list) or not 1 <= len(given) <= MAX_ENTRIES:
            raise invalid("entries", "between 1 and 10000 entries are required")
        usable = [one for one in given if isinstance(one, dict) and any(one.get(field) for field in FIELDS)]
        for place, one in enumerate(usable):
            entry_id = make_id("entry", call.entry.seq, place)
            fields = {field: one.get(field) for field in FIELDS}
            self.entries[list_id][entry_id] = {"id": entry_id, **fields, "created_at": self.vendor.clock.iso()}
            call.write("create", "blacklist_entry", entry_id)
        skipped, total = len(given) - len(usable), len(self.entries[list_id])
        return Reply(201, {"added": len(usable), "skipped": skipped, "total": total})

    def list_entries(self, call: Call) -> Reply:
        return Reply(200, self.vendor.page(call, list(self.entries[self._id(call)].values()), "entries"))

    def remove_entries(self, call: Call) -> Reply:
        list_id, ids = self._id(call), call.object.get("entry_ids")
        if not isinstance(ids, list):
            raise invalid("entry_ids", "field required")
        removed = [one for one in ids if self.entries[list_id].pop(one, None)]
        for entry_id in removed:
            call.write("delete", "blacklist_entry", entry_id)
        return Reply(200, {"removed": len(removed)})

    def of_search(self, call: Call) -> Reply:
        search_id = self._catalogue.search_id(call)
        return Reply(200, {"items": [self._json(one) for one in self.assigned.get(search_id, [])]})

    def assign(self, call: Call) -> Reply:
        search_id, ids = self._catalogue.search_id(call), call.object.get("blacklist_ids")
        if not isinstance(ids, list):
            raise invalid("blacklist_ids", "field required")
        for list_id in ids:
            if list_id not in self.lists:
                raise not_found("blacklist", str(list_id))
        before, self.assigned[search_id] = self.assigned.get(search_id, []), list(dict.fromkeys(ids))
        call.write("update", "prospect_search", search_id, property_="blacklist_ids", before=before, after=ids)
        return self.of_search(call)

    def _id(self, call: Call) -> str:
        list_id = call.entry.key = call.params["id"]
        if list_id not in self.lists:
            raise not_found("blacklist", list_id)
        return list_id

    def _json(self, list_id: str) -> dict[str, Any]:
        return {**self.lists[list_id], "entry_count": len(self.entries[list_id])}
