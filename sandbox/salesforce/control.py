"""Lets a person or a test change the org behind the API's back, under `/_sandbox/`."""

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from sandbox.crm import add_actions
from sandbox.salesforce import lifecycle
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.fields import EXTERNAL_ID_FIELD, STANDARD, Field
from sandbox.salesforce.org import Salesforce
from sandbox.salesforce.rules import Validation
from sandbox.salesforce.soql import stamp
from sandbox.salesforce.store import INTEGRATION, PERSON, Caller, DuplicateRule, Row


def add_org_control(app: web.Application, org: Salesforce) -> None:
    add_actions(app, _Control(org), ApiError)


def _switch(entries: set[tuple[str, str]], entry: tuple[str, str], body: dict[str, Any]) -> None:
    (entries.add if body.get("hidden", True) else entries.discard)(entry)


class _Control:
    def __init__(self, org: Salesforce) -> None:
        self.org = org
        self.store = org.store

    def dump(self, request: web.Request, _: dict[str, Any]) -> Any:
        """Lists every row, deleted ones too, with all values."""
        rows = self.store.rows[self._object(request.match_info["object"])].values()
        return [{"id": row.id, "properties": row.values, "deleted": row.deleted} for row in rows]

    def create(self, request: web.Request, body: dict[str, Any]) -> Any:
        """Creates a row: `{"properties": {...}, "by": "person"}`."""
        name = self._object(request.match_info["object"])
        row = self.store.create(name, body["properties"], _caller(body))
        return {"id": row.id}

    def edit(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Edits a row: `{"object", "id", "properties", "by"}`."""
        row = self._row(body)
        self.store.update(row, body["properties"], _caller(body))
        return {"id": row.id, "properties": row.values}

    def track(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Keeps field history from now on: `{"object", "fields": [names]}`."""
        self.store.track(body["object"], body["fields"])
        return {}

    def bounce(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Bounces mail for good: `{"object", "id", "reason": "550 no such user"}`; a new Email ends that."""
        row = self._row(body)
        values = {"EmailBouncedDate": self.store.stamp(), "EmailBouncedReason": body.get("reason", "550 no such user")}
        self.store.force(row, values, _caller(body))
        return {"id": row.id}

    def merge(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Merges rows: `{"object", "id": survivor, "losers": [ids]}`."""
        row = self._row(body)
        losers = [self.store.live(row.object, loser) for loser in body["losers"]]
        lifecycle.merge(self.store, row, losers, _caller(body))
        return {"id": row.id}

    def delete(self, _: web.Request, body: dict[str, Any]) -> Any:
        row = self._row(body)
        self.store.delete(row, _caller(body))
        return {"id": row.id}

    def purge(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Removes rows from the recycle bin for good: `{"object", "id"}`, or everything with an empty body."""
        rows = [row for held in self.store.rows.values() for row in held.values() if row.deleted]
        if body:
            found = self.store.any(self._object(body["object"]), body["id"])
            rows = [found] if found else []
        for row in rows:
            self.store.purge(row)
        return {"ids": [row.id for row in rows]}

    def convert(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Converts a lead: `{"id": lead, "account_id": optional}`."""
        account = self.store.live("Account", body["account_id"]) if body.get("account_id") else None
        contact = lifecycle.convert(self.store, self.store.live("Lead", body["id"]), _caller(body), account)
        return {"id": contact.id, "account_id": contact.values["AccountId"]}

    def commit_late(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Edits (or, without an id, creates) a row that is stamped `seconds_ago` in the past."""
        at = self._ago(float(body["seconds_ago"]))
        if "id" not in body:
            row = self.store.create(self._object(body["object"]), body["properties"], _caller(body), at)
        else:
            row = self._row(body)
            self.store.update(row, body.get("properties", {}), _caller(body), at)
        return {"id": row.id, "stamp": at}

    def same_stamp(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Gives rows one SystemModstamp: `{"object", "ids": [...] or "count": n, "seconds_ago": 0}`."""
        name, at = self._object(body["object"]), self._ago(float(body.get("seconds_ago", 0)))
        ids = body.get("ids") or list(self.store.rows[name])[: int(body["count"])]
        for record_id in ids:
            self.store.touch(self.store.live(name, record_id), at)
        return {"ids": ids, "stamp": at}

    def properties(self, request: web.Request, _: dict[str, Any]) -> Any:
        return [asdict(item) for item in self.store.schema.all(self._object(request.match_info["object"]))]

    def define(self, request: web.Request, body: dict[str, Any]) -> Any:
        """Defines a field by the fields of `fields.Field`; over an existing name only the given ones change."""
        name = self._object(request.match_info["object"])
        held = next((item for item in self.store.schema.all(name) if item.name == body["name"]), None)
        for name_ in ("options", "labels", "refused"):
            body[name_] = tuple(body.get(name_, getattr(held, name_) if held else ()))
        item = replace(held, **body) if held else Field(**body)
        self.store.define(name, item)
        return asdict(item)

    def undefine(self, request: web.Request, _: dict[str, Any]) -> Any:
        name = self._object(request.match_info["object"])
        self.store.schema.remove(name, request.match_info["name"])
        return {}

    def hide(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Hides a field, or without one the object, by field-level security: `{"object", "field", "hidden": true}`.

        `{"object", "field", "read_only": true}` leaves the field readable, `"encrypted": true` keeps it out of every
        WHERE; `{"object", "right": "createable"}` takes
        the right to make rows of the object (`"updateable"`: to edit them); `"hidden": false` gives either back.
        """
        if "right" in body:
            _switch(self.store.schema.forbidden, (self._object(body["object"]), str(body["right"])), body)
            return {}
        if "field" not in body:
            hidden = self.store.schema.hidden_objects
            (hidden.add if body.get("hidden", True) else hidden.discard)(str(body["object"]))
            return {}
        entry = (self._object(body["object"]), str(body["field"]))
        if body.get("encrypted"):
            _switch(self.store.schema.encrypted, entry, body)
        elif body.get("read_only"):
            _switch(self.store.schema.read_only, entry, body)
        else:
            _switch(self.store.schema.hidden, entry, body)
        return {}

    def switch(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Removes the external id field from every object (`{"openprospect_id": false}`); true restores it.

        `{"households": true}`: a trigger gives every contact without an account its own.
        """
        self.store.households = bool(body.get("households", self.store.households))
        for name in STANDARD if "openprospect_id" in body else ():
            if body["openprospect_id"]:
                self.store.define(name, EXTERNAL_ID_FIELD)
            else:
                self.store.schema.remove(name, EXTERNAL_ID_FIELD.name)
        return {}

    def settings(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Changes any of the fields of `settings.Settings`."""
        known = {item.name for item in fields(self.org.settings)}
        for name, value in body.items():
            if name not in known:
                raise KeyError(name)
            setattr(self.org.settings, name, value)
        return asdict(self.org.settings)

    def lock(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Locks a row: `{"id", "times"}`; its next writes fail with UNABLE_TO_LOCK_ROW."""
        self.store.locked[body["id"]] = int(body["times"])
        return {}

    def duplicate_rules(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Replaces all duplicate rules: `{"rules": [{"object", "field", "blocking", "against", "key"}]}`."""
        self.store.duplicate_rules = [DuplicateRule(**rule) for rule in body["rules"]]
        return {}

    def approval(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Puts rows into an approval process: `{"object", "ids", "ended": false}`; leaving it edits them."""
        rows = [self.store.live(self._object(body["object"]), id_) for id_ in body["ids"]]
        for row in rows:
            if body.get("ended"):
                self.store.rules.approvals.discard(row.id)
                self.store.update(row, {}, PERSON)
            else:
                self.store.rules.approvals.add(row.id)
        return {"locked": sorted(self.store.rules.approvals)}

    def rules(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Sets any of `{"validations": [fields of rules.Validation], "trigger_rows", "trigger_words", "storage_full"}`.

        Each replaces the earlier rules. `{"inactive_users": [ids]}` names users who have left.
        """
        rules = self.store.rules
        if "validations" in body:
            rules.validations = tuple(Validation(**one) for one in body["validations"])
        for name in {"trigger_rows", "trigger_words", "storage_full"} & body.keys():
            setattr(rules, name, body[name])
        for user in self.store.rows["User"].values() if "inactive_users" in body else ():
            self.store.force(user, {"IsActive": user.id not in body["inactive_users"]}, PERSON)
        return {}

    def expire_tokens(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Expires access tokens; `{"refresh": true}` kills refresh tokens too."""
        if body.get("refresh"):
            self.org.tokens.revoke_refresh()
        return {"expired": self.org.tokens.expire()}

    def connect(self, _: web.Request, __: dict[str, Any]) -> Any:
        """Connects the app as a person does, and returns an unused refresh token."""
        return {"refresh_token": self.org.tokens.connect()}

    def expire_locators(self, _: web.Request, __: dict[str, Any]) -> Any:
        self.org.queries.forget_locators()
        return {}

    def move_instance(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Moves the org: its old address answers 401. Default: to the same port under the name localhost."""
        port = self.org.origin.rpartition(":")[2]
        self.org.moved_to = body.get("to") or f"http://localhost:{port}"
        return {"instance_url": self.org.moved_to}

    def outbound(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Sends messages from now on, by the fields of `outbound.Definition`; `{"url": ""}` ends it."""
        self.org.outbound.define(body)
        return {}

    def outbound_sent(self, _: web.Request, __: dict[str, Any]) -> Any:
        return self.org.outbound.state()

    def _object(self, name: str) -> str:
        return self.store.schema.object_name(name)

    def _row(self, body: dict[str, Any]) -> Row:
        return self.store.live(self._object(body["object"]), body["id"])

    def _ago(self, seconds: float) -> str:
        return stamp(datetime.fromtimestamp(int(self.store.now() - seconds), tz=UTC))


def _caller(body: dict[str, Any]) -> Caller:
    return {"person": PERSON, "integration": INTEGRATION}[body.get("by", "person")]
