"""Lists the 29 operations, in the order of the vendor's reference; prices by its credit page."""

from __future__ import annotations

from types import MappingProxyType

from connectors.operations import Operation, Repeat

A = "/api/{account_id}"
MISS = frozenset({404})

JOB_SEARCH = Operation("job_search", "POST", f"{A}/datastorage/job_search/", Repeat.PAID, 2)
JOB_TOTALS = Operation("job_search_totals", "POST", f"{A}/datastorage/job_search/totals/", Repeat.SAFE)
ORGANIZATION_SEARCH = Operation("organization_search", "POST", f"{A}/datastorage/organization_search/", Repeat.PAID, 1)
ORGANIZATION_TOTALS = Operation(
    "organization_search_totals", "POST", f"{A}/datastorage/organization_search/totals/", Repeat.SAFE
)
PERSONAL_EMAILS = Operation(
    "personal_emails", "POST", f"{A}/datastorage/person_contacts_lookup/personal_emails/", Repeat.PAID, 5
)
PHONE_NUMBERS = Operation(
    "phone_numbers", "POST", f"{A}/datastorage/person_contacts_lookup/phone_numbers/", Repeat.PAID, 15
)
WORK_EMAILS = Operation("work_emails", "POST", f"{A}/datastorage/person_contacts_lookup/work_emails/", Repeat.PAID, 5)
PERSON_DETAIL = Operation(
    "person_detail", "POST", f"{A}/datastorage/person_detail_lookup/", Repeat.PAID, 1, misses=MISS
)
BY_EMAIL = Operation(
    "by_email", "POST", f"{A}/datastorage/person_detail_reverse_lookup/by_email/", Repeat.PAID, 5, misses=MISS
)
BY_PHONE = Operation(
    "by_phone", "POST", f"{A}/datastorage/person_detail_reverse_lookup/by_phone_number/", Repeat.PAID, 15, misses=MISS
)
ROLE_SEARCH = Operation("person_role_search", "POST", f"{A}/datastorage/person_role_search/", Repeat.PAID, 1)
ROLE_TOTALS = Operation("person_role_search_totals", "POST", f"{A}/datastorage/person_role_search/totals/", Repeat.SAFE)
WEBSITE_DETAIL = Operation(
    "website_detail", "POST", f"{A}/datastorage/website_detail_lookup/", Repeat.PAID, 1, misses=MISS
)
CREDIT_LOG = Operation("balance_change_logs", "GET", f"{A}/subscriptions/balance_change_logs/", Repeat.SAFE)
CREDIT_TOTALS = Operation("balance_change_totals", "GET", f"{A}/subscriptions/balance_change_logs/totals/", Repeat.SAFE)
KEYS = Operation("api_keys", "GET", "/api/api_keys/", Repeat.SAFE)
KEY_CREATE = Operation("api_key_create", "POST", "/api/api_keys/", Repeat.CREATES)
KEY = Operation("api_key", "GET", "/api/api_keys/{prefix}/", Repeat.SAFE, misses=MISS)
KEY_DELETE = Operation("api_key_delete", "DELETE", "/api/api_keys/{prefix}/", Repeat.SAFE, misses=MISS)
CURRENT_USER = Operation("users_current", "GET", "/api/users/current/", Repeat.SAFE)
INDUSTRIES = Operation("industries", "GET", "/api/datastorage/autocomplete/industries/", Repeat.SAFE)
ORGANIZATIONS = Operation("organizations", "GET", "/api/datastorage/autocomplete/organizations/", Repeat.SAFE)
KEYWORDS = Operation(
    "organization_keywords", "GET", "/api/datastorage/autocomplete/organization_keywords/", Repeat.SAFE
)
LOCATIONS = Operation("locations", "GET", "/api/datastorage/autocomplete/locations/", Repeat.SAFE)
SKILLS = Operation("person_skills", "GET", "/api/datastorage/autocomplete/person_skills/", Repeat.SAFE)
TECHNOLOGIES = Operation("web_technologies", "GET", "/api/datastorage/autocomplete/web_technologies/", Repeat.SAFE)
FEEDBACK_PERSONAL = Operation(
    "feedback_personal_emails", "POST", f"{A}/datastorage/feedback/personal_emails/", Repeat.CREATES
)
FEEDBACK_PHONE = Operation("feedback_phone_numbers", "POST", f"{A}/datastorage/feedback/phone_numbers/", Repeat.CREATES)
FEEDBACK_WORK = Operation("feedback_work_emails", "POST", f"{A}/datastorage/feedback/work_emails/", Repeat.CREATES)

OPERATIONS = (
    JOB_SEARCH, JOB_TOTALS, ORGANIZATION_SEARCH, ORGANIZATION_TOTALS, PERSONAL_EMAILS, PHONE_NUMBERS, WORK_EMAILS,
    PERSON_DETAIL, BY_EMAIL, BY_PHONE, ROLE_SEARCH, ROLE_TOTALS, WEBSITE_DETAIL, CREDIT_LOG, CREDIT_TOTALS, KEYS,
    KEY_CREATE, KEY, KEY_DELETE, CURRENT_USER, INDUSTRIES, ORGANIZATIONS, KEYWORDS, LOCATIONS, SKILLS, TECHNOLOGIES,
    FEEDBACK_PERSONAL, FEEDBACK_PHONE, FEEDBACK_WORK,
)  # fmt: skip
PAID = MappingProxyType({row.name: row for row in OPERATIONS if row.repeat is Repeat.PAID})
SUGGESTIONS = MappingProxyType(
    {row.name: row for row in (INDUSTRIES, ORGANIZATIONS, KEYWORDS, LOCATIONS, SKILLS, TECHNOLOGIES)}
)
# The price list (subscription_tier) and the credit log (change_type) call the paid operations by these names; that
# the log uses the price list's spelling is assumed from the one sample there is.
LEDGER_NAMES = MappingProxyType(
    {
        JOB_SEARCH.name: "job_search_api_call",
        ORGANIZATION_SEARCH.name: "organization_search_api_call",
        PERSONAL_EMAILS.name: "person_personal_email_lookup",
        PHONE_NUMBERS.name: "person_phone_number_lookup",
        WORK_EMAILS.name: "person_work_email_lookup",
        PERSON_DETAIL.name: "person_details_lookup",
        BY_EMAIL.name: "person_reverse_email_search",
        BY_PHONE.name: "person_reverse_phone_number_search",
        ROLE_SEARCH.name: "person_role_search_api_call",
        WEBSITE_DETAIL.name: "organization_technologies_lookup",
    }
)
