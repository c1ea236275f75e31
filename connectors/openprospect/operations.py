"""Lists the 24 operations, in the order of the vendor's reference."""

from __future__ import annotations

from connectors.operations import Operation, Repeat

MISS = frozenset({404})
OFF = frozenset({404, 405})  # not in the newest inventory: a search whose API no longer has it
LATER = frozenset({404, 409})  # results of an order that is not completed yet

ORDER_CREATE = Operation("order_create", "POST", "/orders", Repeat.CREATES)
ORDERS = Operation("orders", "GET", "/orders", Repeat.SAFE)
ORDER = Operation("order", "GET", "/orders/{id}", Repeat.SAFE, misses=MISS)
ORDER_RESULTS = Operation("order_results", "GET", "/orders/{id}/results", Repeat.SAFE, misses=LATER)
BLACKLIST_CREATE = Operation("blacklist_create", "POST", "/blacklists", Repeat.CREATES)
BLACKLISTS = Operation("blacklists", "GET", "/blacklists", Repeat.SAFE)
BLACKLIST = Operation("blacklist", "GET", "/blacklists/{id}", Repeat.SAFE, misses=MISS)
BLACKLIST_EDIT = Operation("blacklist_edit", "PATCH", "/blacklists/{id}", Repeat.SAFE)
BLACKLIST_DELETE = Operation("blacklist_delete", "DELETE", "/blacklists/{id}", Repeat.SAFE, misses=MISS)
ENTRIES_ADD = Operation("entries_add", "POST", "/blacklists/{id}/entries", Repeat.CREATES)
ENTRIES = Operation("entries", "GET", "/blacklists/{id}/entries", Repeat.SAFE)
ENTRIES_REMOVE = Operation("entries_remove", "DELETE", "/blacklists/{id}/entries", Repeat.SAFE)
SEARCH_BLACKLISTS = Operation("search_blacklists", "GET", "/prospect-searches/{id}/blacklists", Repeat.SAFE)
SEARCH_BLACKLISTS_SET = Operation("search_blacklists_set", "PUT", "/prospect-searches/{id}/blacklists", Repeat.SAFE)
SEARCHES = Operation("searches", "GET", "/prospect-searches", Repeat.SAFE)
SEARCH = Operation("search", "GET", "/prospect-searches/{id}", Repeat.SAFE, misses=OFF)
# Versioned: a second sending is answered 409, which proves nothing about the first.
SEARCH_EDIT = Operation("search_edit", "PATCH", "/prospect-searches/{id}", Repeat.CREATES)
COMPANIES = Operation("companies", "GET", "/companies", Repeat.SAFE)
COMPANY = Operation("company", "GET", "/companies/{id}", Repeat.SAFE, misses=MISS)
COMPANY_JOBS = Operation("company_jobs", "GET", "/companies/{id}/jobs", Repeat.SAFE)
COMPANY_WEBTECH = Operation("company_webtech", "GET", "/companies/{id}/webtech-intel", Repeat.SAFE, misses=MISS)
PROSPECTS = Operation("prospects", "GET", "/prospects", Repeat.SAFE)
PROSPECT = Operation("prospect", "GET", "/prospects/{id}", Repeat.SAFE, misses=MISS)
DELIVERED = Operation("delivered_companies", "GET", "/deliveries/{id}/companies", Repeat.SAFE)

# Outside the reference, so a start works without it: a key's rights. Any refusal only means that they are unknown.
VALIDATE = Operation("key_scopes", "GET", "/auth/validate", Repeat.SAFE, misses=frozenset({400, 403, 404, 405, 410}))
# What polls, deliveries and orders ask for by themselves; a person at the terminal may want others.
NEEDED_SCOPES = ("prospect_searches:read", "companies:read", "prospects:read", "orders:read")

OPERATIONS = (
    ORDER_CREATE, ORDERS, ORDER, ORDER_RESULTS, BLACKLIST_CREATE, BLACKLISTS, BLACKLIST, BLACKLIST_EDIT,
    BLACKLIST_DELETE, ENTRIES_ADD, ENTRIES, ENTRIES_REMOVE, SEARCH_BLACKLISTS, SEARCH_BLACKLISTS_SET, SEARCHES,
    SEARCH, SEARCH_EDIT, COMPANIES, COMPANY, COMPANY_JOBS, COMPANY_WEBTECH, PROSPECTS, PROSPECT, DELIVERED,
)  # fmt: skip
