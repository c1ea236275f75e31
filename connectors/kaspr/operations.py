"""Lists the operations of both dialects, in the order of the vendor's reference; the two v2 extras last."""

from __future__ import annotations

from connectors.operations import Operation, Repeat

MISS = frozenset({404})
EMPLOYEES_MOST = 10  # no upper bound is documented, and every employee may cost a credit

VERIFY_KEY = Operation("verify_key", "GET", "/keys/verifyKey", Repeat.SAFE)
PROFILE = Operation("profile", "POST", "/profile/profile", Repeat.PAID, 1, misses=MISS)
PROFILE_V2 = Operation("profile", "POST", "/profile/linkedin", Repeat.PAID, 3, misses=MISS)
DOMAIN_PATTERN = Operation("domain_pattern", "POST", "/company/domainPattern", Repeat.PAID, 1, misses=MISS)
DOMAIN_EMPLOYEES = Operation(
    "domain_employees", "POST", "/company/domainEmployees", Repeat.PAID, EMPLOYEES_MOST, misses=MISS
)
REMAINING_CREDITS = Operation("remaining_credits", "GET", "/keys/remainingCredits", Repeat.SAFE)
RATE_LIMITS = Operation("rate_limits", "GET", "/keys/rateLimits", Repeat.SAFE)

OPERATIONS = (VERIFY_KEY, PROFILE, PROFILE_V2, DOMAIN_PATTERN, DOMAIN_EMPLOYEES, REMAINING_CREDITS, RATE_LIMITS)
