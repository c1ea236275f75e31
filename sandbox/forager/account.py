"""Operations 14 to 20 and 27 to 29: the balance log, keys, the user, feedback."""

import hashlib
from typing import Any

from sandbox.calls import Call, Reply
from sandbox.forager.ledger import PAGE, PRICES
from sandbox.forager.state import ForagerState
from sandbox.vendor import as_int


class Account:
    def __init__(self, vendor: ForagerState) -> None:
        self.vendor = vendor
        self.feedbacks: list[dict[str, Any]] = []
        self.secrets: dict[str, str] = {}
        """Secret -> prefix of the keys made here."""
        self._keys: dict[str, dict[str, Any]] = {
            "sandbox1": {"prefix": "sandbox1", "created": "2026-01-02T09:00:00Z", "name": "sandbox"}
        }

    def balance_log(self, call: Call) -> Reply:
        try:
            rows = self._window(call)
        except ValueError:
            return Reply(400, {"date_created_start": ["Enter a valid date/time."]})
        page = as_int(call.query.get("page"), 1)
        last = max(1, -(-len(rows) // PAGE))
        if not 1 <= page <= last:
            return Reply(404, {"detail": "Invalid page."})
        return Reply(
            200,
            {
                "count": len(rows),
                "next": page + 1 if page < last else None,
                "previous": page - 1 if page > 1 else None,
                "results": [row.json() for row in rows[(page - 1) * PAGE : page * PAGE]],
            },
        )

    def balance_totals(self, call: Call) -> Reply:
        try:
            rows = self._window(call)
        except ValueError:
            return Reply(400, {"date_created_start": ["Enter a valid date/time."]})
        return Reply(200, {"total_credits_spent": -sum(row.change_sum for row in rows if row.change_sum < 0)})

    def _window(self, call: Call) -> Any:
        query = call.query
        return self.vendor.log.window(query.get("date_created_start"), query.get("date_created_end"))

    def keys(self, call: Call) -> Reply:
        del call
        return Reply(200, list(self._keys.values()))

    def create_key(self, call: Call) -> Reply:
        name = call.object.get("name")
        if not isinstance(name, str) or not 0 < len(name) <= 50:
            return Reply(400, {"name": ["Ensure this field has between 1 and 50 characters."]})
        secret = hashlib.sha256(f"{name}-{call.entry.seq}-{self.vendor.options.seed}".encode()).hexdigest()[:40]
        key = {"prefix": secret[:8], "created": self.vendor.clock.iso(), "name": name}
        self._keys[secret[:8]] = key
        self.secrets[secret] = secret[:8]
        call.write("create", "api_key", secret[:8])
        return Reply(201, {**key, "key": secret})

    def key(self, call: Call) -> Reply:
        key = self._keys.get(call.params["prefix"])
        return Reply(200, key) if key else Reply(404, {"detail": "Not found."})

    def delete_key(self, call: Call) -> Reply:
        prefix = call.params["prefix"]
        if not self._keys.pop(prefix, None):
            return Reply(404, {"detail": "Not found."})
        self.secrets = {secret: owner for secret, owner in self.secrets.items() if owner != prefix}
        call.write("delete", "api_key", prefix)
        return Reply(204)

    def current_user(self, call: Call) -> Reply:
        del call
        accounts = [self._account(42, "Main", self.vendor.balance)]
        if self.vendor.accounts > 1:
            accounts.append(self._account(43, "Second", 10.0))
        user = {"id": 1, "username": "ops", "email": "ops@refill-sandbox.com", "first_name": "Ops", "last_name": "Team"}
        return Reply(200, {**user, "accounts": accounts})

    def _account(self, number: int, name: str, balance: float) -> dict[str, Any]:
        return {
            "id": number,
            "name": name,
            "subscription": {
                "id": 9,
                "is_active": True,
                "credits_balance": balance,
                "stripe_subscription_id": None,
                "subscription_tier": {"id": 2, "name": "Starter", **PRICES},
            },
        }

    def feedback(self, kind: str, call: Call) -> Reply:
        body = call.object
        field, statuses = (
            ("phone_number", {"connected", "disconnected"})
            if kind == "phone_numbers"
            else ("email", {"valid", "invalid"})
        )
        errors: dict[str, list[str]] = {}
        if not isinstance(body.get(field), str):
            errors[field] = ["This field is required."]
        if body.get("contact_status") not in statuses:
            errors["contact_status"] = ["Not a valid choice."]
        if not isinstance(body.get("is_correct_person"), bool):
            errors["is_correct_person"] = ["Must be a valid boolean."]
        if errors:
            return Reply(400, errors)
        row = {
            "id": 501 + len(self.feedbacks),
            field: body[field],
            "contact_status": body["contact_status"],
            "is_correct_person": body["is_correct_person"],
            "name": body.get("name"),
            "person_id": body.get("person_id"),
            "date_created": self.vendor.clock.iso(),
        }
        call.entry.key = body[field]
        self.feedbacks.append({"kind": kind, **row})
        call.write("create", f"feedback/{kind}", str(row["id"]), property_=field, after=body[field])
        return Reply(201, row)
