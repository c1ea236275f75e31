"""Routes Forager's 29 operations, with its edge, its throttle and its charges."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from sandbox.calls import Call, Reply, Route
from sandbox.clock import Clock
from sandbox.forager.account import Account
from sandbox.forager.lookups import Lookups
from sandbox.forager.searches import Searches
from sandbox.forager.state import ForagerState
from sandbox.forager.suggestions import KINDS, Suggestions
from sandbox.options import Options
from sandbox.people import World

KEY = "forager-sandbox-key"
ACCOUNT = 42
A = "/api/{account_id}"


class Forager(ForagerState):
    def __init__(self, world: World, options: Options, clock: Clock | None = None) -> None:
        super().__init__(world, options, clock)
        self.lookups = Lookups(self)
        self.searches = Searches(self)
        self.account = Account(self)
        self.suggestions = Suggestions(world)

    def routes(self) -> Iterable[Route]:
        searches, lookups, account = self.searches, self.lookups, self.account
        contacts = f"{A}/datastorage/person_contacts_lookup"
        reverse = f"{A}/datastorage/person_detail_reverse_lookup"
        return (
            Route("POST", f"{A}/datastorage/job_search/", searches.jobs),
            Route("POST", f"{A}/datastorage/job_search/totals/", searches.job_totals),
            Route("POST", f"{A}/datastorage/organization_search/", searches.organizations),
            Route("POST", f"{A}/datastorage/organization_search/totals/", searches.organization_totals),
            Route("POST", f"{contacts}/personal_emails/", lookups.personal_emails),
            Route("POST", f"{contacts}/phone_numbers/", lookups.phone_numbers),
            Route("POST", f"{contacts}/work_emails/", lookups.work_emails),
            Route("POST", f"{A}/datastorage/person_detail_lookup/", lookups.person_detail),
            Route("POST", f"{reverse}/by_email/", lookups.by_email),
            Route("POST", f"{reverse}/by_phone_number/", lookups.by_phone_number),
            Route("POST", f"{A}/datastorage/person_role_search/", searches.roles),
            Route("POST", f"{A}/datastorage/person_role_search/totals/", searches.role_totals),
            Route("POST", f"{A}/datastorage/website_detail_lookup/", searches.website),
            Route("GET", f"{A}/subscriptions/balance_change_logs/", account.balance_log),
            Route("GET", f"{A}/subscriptions/balance_change_logs/totals/", account.balance_totals),
            Route("GET", "/api/api_keys/", account.keys),
            Route("POST", "/api/api_keys/", account.create_key),
            Route("GET", "/api/api_keys/{prefix}/", account.key),
            Route("DELETE", "/api/api_keys/{prefix}/", account.delete_key),
            Route("GET", "/api/users/current/", account.current_user),
            *(
                Route("GET", f"{start}/datastorage/autocomplete/{kind}/", partial(self.suggestions.suggest, kind))
                for start in ("/api", A)
                for kind in KINDS
            ),
            *(
                Route("POST", f"{A}/datastorage/feedback/{kind}/", partial(account.feedback, kind))
                for kind in ("personal_emails", "phone_numbers", "work_emails")
            ),
        )

    def credentials(self) -> dict[str, Any]:
        return {"api_key": KEY, "account_id": ACCOUNT}

    def admit(self, call: Call) -> Reply | None:
        agent = call.headers.get("User-Agent", "")
        if not agent or agent.lower().startswith("python-requests"):
            return Reply(403, "error code: 1010", content_type="text/plain")
        if call.headers.get("X-API-KEY") not in {KEY, *self.account.secrets}:
            return Reply(401, {"detail": "Authentication credentials were not provided or are wrong."})
        if call.params.get("account_id", str(ACCOUNT)) != str(ACCOUNT):
            return Reply(404, {"detail": "Not found."})
        return None

    def limit(self, call: Call) -> Reply | None:
        del call
        refusing = self.limits.take("default")
        if refusing is None:
            return None
        headers = {"Retry-After": str(int(refusing.retry_s) + 1)} if self.retry_after == "seconds" else {}
        return Reply(429, {"detail": "Request was throttled."}, headers)

    def bad_body(self, call: Call) -> Reply:
        del call
        return Reply(400, {"detail": "JSON parse error - Expecting value: line 1 column 1 (char 0)"})

    def unmatched(self, call: Call) -> Reply:
        path = call.request.rel_url.raw_path
        if not path.endswith("/"):
            return Reply(301, None, {"Location": f"{path}/"})
        return Reply(404, {"detail": "Not found."})

    def truth(self) -> dict[str, Any]:
        return {"balance_log": [row.json() for row in self.log.rows], "feedback": self.account.feedbacks}

    def act(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do an action that no call does.

        `log_lag` {seconds}: how long a charge takes to show in the balance log; `charge` {change_type, credits}: one
        for somebody else on the same account.
        """
        if action == "charge":
            self.balance -= body["credits"]
            self.books.charge(None, body["change_type"], "somebody-else", body["credits"])
            self.log.add(body["change_type"], -body["credits"], {})
        elif action == "log_lag":
            self.log.lag_s = float(body["seconds"])
        else:
            raise KeyError(action)
        return {}
