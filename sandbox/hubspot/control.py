"""Lets a person or a test change the portal behind the API's back, under `/_sandbox/`."""

from dataclasses import asdict, fields, replace
from typing import Any

from aiohttp import web

from sandbox.crm import add_actions
from sandbox.hubspot.errors import ApiError, no_object
from sandbox.hubspot.hub import HubSpot
from sandbox.hubspot.properties import EXTERNAL_ID, GROUPS, SALESFORCE_ID, Option, Property
from sandbox.hubspot.table import INTEGRATION, PERSON, Record, Table, Writer


def add_portal_control(app: web.Application, hub: HubSpot) -> None:
    add_actions(app, _Control(hub), ApiError)


class _Control:
    def __init__(self, hub: HubSpot) -> None:
        self.hub = hub
        self.portal = hub.portal

    def dump(self, request: web.Request, _: dict[str, Any]) -> Any:
        """Lists every record, archived ones too, with all values, their history (newest first) and links."""
        table = self.portal.table(request.match_info["object"])
        return [
            {
                "id": record.id,
                "properties": record.values,
                "archived": record.archived is not None,
                "history": {
                    name: [version.written() for version in reversed(versions)]
                    for name, versions in record.history.items()
                },
                "links": {
                    other: {one: sorted(types) for one, types in linked.items()}
                    for other in self.portal.tables
                    if (linked := self.portal.links.of((table.name, record.id), other))
                },
            }
            for record in table.records.values()
        ]

    def create(self, request: web.Request, body: dict[str, Any]) -> Any:
        """Creates a record: `{"properties": {...}, "by": "person"}`."""
        table = self.portal.table(request.match_info["object"])
        return {"id": self.portal.create(table, body["properties"], _writer(body)).id}

    def edit(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Edits a record: `{"object", "id", "properties", "by"}`; "" clears a property."""
        table, record = self._record(body)
        self.portal.update(table, record, body["properties"], _writer(body))
        return {"id": record.id, "properties": record.values}

    def bounce(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Bounces mail: `{"object", "id", "reason": "UNKNOWN_USER"}`; without a reason the bounce is a passing one."""
        table, record = self._record(body)
        self.portal.bounce(table, record, str(body.get("reason", "")))
        return {"id": record.id}

    def count(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Counts a deal or child at a company: `{"object", "id", "property": "num_associated_deals"}`."""
        table, record = self._record(body)
        self.portal.count(table, record, str(body["property"]))
        return {"id": record.id}

    def merge(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Merges records: `{"object", "id": primary, "other"}`; the answer has the survivor's id."""
        table, record = self._record(body)
        other = self._record({**body, "id": body["other"]})[1]
        return {"id": self.portal.merge(table, record, other, _writer(body)).id}

    def delete(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Deletes a record: `{"object", "id", "erase": false}`."""
        table, record = self._record(body)
        (self.portal.erase if body.get("erase") else self.portal.archive)(table, record, _writer(body))
        return {"id": record.id}

    def restore(self, _: web.Request, body: dict[str, Any]) -> Any:
        table = self.portal.table(body["object"])
        record = table.live(body["id"], archived=True)
        if record is None:
            raise no_object(body["id"])
        self.portal.restore(table, record, _writer(body))
        return {"id": record.id}

    def link(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Links records, or unlinks them: `{"contact", "company", "types": [1] or absent, "remove": false}`."""
        source, target = ("contacts", body["contact"]), ("companies", body["company"])
        if body.get("remove"):
            self.portal.unlink(source, target, _writer(body))
            return {}
        types = self.portal.link(source, target, set(body["types"]) if "types" in body else None, _writer(body))
        return {"types": sorted(types)}

    def commit_late(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Edits (or, without an id, creates) a record with a modified date `seconds_ago` in the past."""
        at = self._ago(body)
        if "id" not in body:
            table = self.portal.table(body["object"])
            record = self.portal.create(table, body["properties"], _writer(body), at)
        else:
            table, record = self._record(body)
            self.portal.update(table, record, body.get("properties", {}), _writer(body), at)
        return {"id": record.id, "stamp": record.values[table.modified_name]}

    def same_stamp(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Gives records one modified date: `{"object", "ids": [...] or "count": n, "seconds_ago": 0}`."""
        table, at = self.portal.table(body["object"]), self._ago(body)
        ids = body.get("ids") or [record.id for record in list(table.after(0))[: int(body["count"])]]
        for record_id in ids:
            self.portal.update(table, self._record({**body, "id": record_id})[1], {}, PERSON, at)
        return {"ids": ids}

    def properties(self, request: web.Request, _: dict[str, Any]) -> Any:
        return [item.written() for item in self.portal.table(request.match_info["object"]).properties.values()]

    def define(self, request: web.Request, body: dict[str, Any]) -> Any:
        """Defines a property by the fields of `properties.Property`; of an existing one only what is given changes."""
        table = self.portal.table(request.match_info["object"])
        values = {**body}
        if "options" in body:
            values["options"] = tuple(
                Option(**one) if isinstance(one, dict) else Option(one, one) for one in body["options"]
            )
        values.setdefault("group", GROUPS[table.name])
        held = table.properties.get(body["name"])
        item = replace(held, **values) if held else Property(**values)
        table.define(item)
        return item.written()

    def undefine(self, request: web.Request, _: dict[str, Any]) -> Any:
        table = self.portal.table(request.match_info["object"])
        table.properties.pop(request.match_info["name"], None)
        return {}

    def switch(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Removes the unique property (`{"openprospect_id": false}`); `salesforcecontactid` adds the sync's own."""
        if "openprospect_id" in body:
            for name, table in self.portal.tables.items():
                if body["openprospect_id"]:
                    table.define(replace(EXTERNAL_ID, group=GROUPS[name]))
                else:
                    table.properties.pop(EXTERNAL_ID.name, None)
        if "salesforcecontactid" in body:
            contacts = self.portal.tables["contacts"]
            if body["salesforcecontactid"]:
                contacts.define(SALESFORCE_ID)
            else:
                contacts.properties.pop(SALESFORCE_ID.name, None)
        return {}

    def settings(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Changes any field of `settings.Settings`: `index_lag`, `email_conflict`, `conflict_style` and so on."""
        known = {item.name for item in fields(self.hub.settings)}
        for name, value in body.items():
            if name == "index_lag":
                for index in self.portal.indexes.values():
                    index.lag_s = float(value)
            elif name == "email_conflict":
                self.portal.email_conflict = int(value)
            elif name == "conflict_style":
                self.portal.conflict_style = str(value)
            elif name == "keeps_primary_id":
                self.portal.keeps_primary_id = bool(value)
            elif name in known:
                setattr(self.hub.settings, name, value)
            else:
                raise KeyError(name)
        return asdict(self.hub.settings)

    def refuse(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Refuses a value of integrations: `{"object", "property", "value", "code": "INVALID_EMAIL"}`; "" ends it."""
        entry = (self.portal.table(body["object"]).name, str(body["property"]), str(body["value"]))
        self.portal.refused_values[entry] = str(body.get("code", "INVALID_EMAIL"))
        if not self.portal.refused_values[entry]:
            del self.portal.refused_values[entry]
        return {}

    def fill_links(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Fills up the associations of records, so that no more fit: `{"object", "ids", "ended": false}`."""
        ends = {(self.portal.table(body["object"]).name, str(id_)) for id_ in body["ids"]}
        self.portal.full = self.portal.full - ends if body.get("ended") else self.portal.full | ends
        return {}

    def expire_tokens(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Expires access tokens; `{"refresh": true}` kills refresh tokens too, `{"static": true}` the static token."""
        if body.get("refresh"):
            self.hub.tokens.revoke_refresh()
        self.hub.tokens.static_revoked = bool(body.get("static", self.hub.tokens.static_revoked))
        return {"expired": self.hub.tokens.expire()}

    def connect(self, _: web.Request, __: dict[str, Any]) -> Any:
        """Connects the app as a person does, and returns an unused refresh token."""
        return {"refresh_token": self.hub.tokens.connect()}

    def webhooks(self, _: web.Request, body: dict[str, Any]) -> Any:
        """Sends events from now on, by the fields of `webhooks.Target`; `{"url": ""}` ends it."""
        self.hub.webhooks.aim(body)
        return {}

    def webhooks_sent(self, _: web.Request, __: dict[str, Any]) -> Any:
        return self.hub.webhooks.state()

    def _record(self, body: dict[str, Any]) -> tuple[Table, Record]:
        table = self.portal.table(body["object"])
        record = table.live(body["id"])
        if record is None:
            raise no_object(body["id"])
        return table, record

    def _ago(self, body: dict[str, Any]) -> int:
        return int((self.portal.now() - float(body.get("seconds_ago", 0))) * 1000)


def _writer(body: dict[str, Any]) -> Writer:
    return {"person": PERSON, "integration": INTEGRATION}[body.get("by", "person")]
