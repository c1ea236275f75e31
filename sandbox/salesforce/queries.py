"""Serves /query, /queryAll and their locators."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.calls import Reply
from sandbox.salesforce.asks import Ask, Endpoint, answer
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import IdSource
from sandbox.salesforce.select import selected_rows, writer
from sandbox.salesforce.settings import Settings
from sandbox.salesforce.soql import Query, malformed, parse
from sandbox.salesforce.store import Row, Store

MAX_PAGE: Final = 2000
_BATCH: Final = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_LOCATORS_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class _Locator:
    rows: Sequence[Row]
    write: Callable[[Row], dict[str, Any]]
    born: float


class Queries:
    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._locators: dict[str, _Locator] = {}
        self._ids = IdSource()

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("GET", "/query", self.query),
            Endpoint("GET", "/queryAll", self.query_all),
            Endpoint("GET", "/query/{locator}", self.more),
            Endpoint("GET", "/queryAll/{locator}", self.more),
        ]

    def forget_locators(self) -> None:
        self._locators.clear()

    def query(self, ask: Ask) -> Reply:
        return self._run(ask, deleted_too=False)

    def query_all(self, ask: Ask) -> Reply:
        return self._run(ask, deleted_too=True)

    def more(self, ask: Ask) -> Reply:
        name, _, start = ask.params["locator"].rpartition("-")
        locator = self._locators.get(name)
        expired = locator is None or self._store.now() - locator.born > self._settings.locator_life_s
        if locator is None or expired or not start.isdigit() or int(start) > len(locator.rows):
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(ask, locator, int(start), name)

    def _run(self, ask: Ask, *, deleted_too: bool) -> Reply:
        if "q" not in ask.query:
            raise malformed("A query string has to be specified")
        query = self._checked(parse(ask.query["q"]))
        rows = selected_rows(self._store, query, deleted_too=deleted_too)
        if query.count_only:
            return answer(200, {"totalSize": len(rows), "done": True, "records": []})
        locator = _Locator(rows, writer(self._store, query, ask.version), self._store.now())
        return self._page(ask, locator, 0, "")

    def _checked(self, query: Query) -> Query:
        """Returns the query with the object's own name. Raises: ApiError INVALID_TYPE."""
        try:
            name = self._store.schema.object_name(query.object)
        except ApiError:
            text = f"sObject type '{query.object}' is not supported."
            raise ApiError(400, "INVALID_TYPE", text) from None
        return Query(name, query.paths, query.where, query.order, query.limit, query.offset, query.count_only)

    def _page(self, ask: Ask, locator: _Locator, start: int, name: str) -> Reply:
        size = self._settings.page_size or _asked_size(ask)
        end = start + size
        body: dict[str, Any] = {
            "totalSize": len(locator.rows),
            "done": end >= len(locator.rows),
            "records": [locator.write(row) for row in locator.rows[start:end]],
        }
        if not body["done"]:
            if not name:
                name = self._ids.next("01g")
                self._locators[name] = locator
                while len(self._locators) > _LOCATORS_KEPT:
                    del self._locators[next(iter(self._locators))]
            body["nextRecordsUrl"] = f"/services/data/v{ask.version}/query/{name}-{end}"
        return answer(200, body)


def _asked_size(ask: Ask) -> int:
    match = _BATCH.search(ask.headers.get("sforce-query-options", ""))
    return min(MAX_PAGE, max(200, int(match[1]))) if match else MAX_PAGE
