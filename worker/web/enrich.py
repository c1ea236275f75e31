"""Implements ``POST /api/enrich``: look at these records now; ``GET /api/enrich/{id}``: its progress."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from worker.decide.kept import own_values
from worker.ledger.intake.intake import RequestState
from worker.ledger.ledger import Ledger
from worker.ledger.work.memory import Memory
from worker.web import openapi
from worker.web.bodies import RefusedError, json_of, prove
from worker.web.hosts import Hosts
from worker.web.inbox import Inbox, is_bearer, watched_kinds, within

MOST_KEY = 255
_REQUEST = re.compile(r"[0-9a-f]{32}")  # as we make them; nothing else is looked for
log = structlog.get_logger(__name__)


def enrich_routes(inbox: Inbox, ledger: Ledger) -> list[Route]:
    """Returns the API's routes; without ``REFILL_WEB__TOKEN`` there is no API."""
    token, hosts = inbox.settings.web.token, Hosts(inbox.settings.web)

    def known(request: Request) -> None:
        if token is None or not token.get_secret_value():
            raise RefusedError(404, "unknown")
        if not is_bearer(request, [token]):
            raise RefusedError(401, "token")
        prove(request)

    async def ask(request: Request) -> Response:
        known(request)
        key = request.headers.get("idempotency-key", "")
        if len(key) > MOST_KEY:
            raise RefusedError(400, "idempotency_key")
        crm, kind, ids = _asked(inbox, json_of(await inbox.bodies.read(request, "application/json")))
        digest = hashlib.sha256(json.dumps([crm, kind, ids]).encode()).hexdigest()
        hidden = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest() if key else ""
        with inbox.places:
            asked = inbox.intake.request(token_hex(16), key=hidden, digest=digest, work=(crm, kind), ids=ids)
            made = await within(asked)
        if made.digest != digest:
            raise RefusedError(409, "idempotency_key_reused")
        inbox.bell.ring([(crm, kind)])
        log.info("enrich.accepted", crm=crm, object=kind, records=len(ids))
        place = f"/api/enrich/{made.id}"
        return JSONResponse({"id": made.id, "records": len(ids)}, status_code=202, headers={"location": place})

    async def follow(request: Request) -> Response:
        known(request)
        if not _REQUEST.fullmatch(request.path_params["id"]):
            raise RefusedError(404, "unknown")
        with inbox.places:
            found = await within(inbox.intake.follow(request.path_params["id"]))
        if found is None:
            raise RefusedError(404, "unknown")
        memories = await within(ledger.work(found.crm, found.object).memory(list(found.left)))
        refused = {one: _causes(memory) for one, memory in memories.items()}
        return JSONResponse(_body_of(request.path_params["id"], found, refused))

    async def described(_: Request) -> Response:
        if token is None:
            raise RefusedError(404, "unknown")
        return JSONResponse(openapi.document(inbox.settings.web.origin))

    async def page(_: Request) -> Response:
        if token is None:
            raise RefusedError(404, "unknown")
        headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(openapi.page(inbox.settings.web.origin), headers=headers)

    return [
        inbox.route("/api/enrich", ask),
        inbox.route("/api/enrich/{id}", follow, "GET"),
        inbox.route("/api/openapi.json", hosts.only(described), "GET"),
        inbox.route("/api", hosts.only(page), "GET"),
    ]


def _asked(inbox: Inbox, body: Any) -> tuple[str, str, list[str]]:
    """Returns the crm, the object and the ids that are asked for.

    Raises:
        RefusedError: the body does not fit the description, or nothing here has those names.
    """
    if not isinstance(body, Mapping) or set(body) - {"crm", "object", "ids"}:
        raise RefusedError(400, "body")
    crm, kind, ids = body.get("crm"), body.get("object"), body.get("ids")
    if not isinstance(crm, str) or not isinstance(kind, str):
        raise RefusedError(400, "body")
    if not isinstance(ids, list) or not 0 < len(ids) <= openapi.MOST_IDS:
        raise RefusedError(400, "ids")
    if not all(isinstance(one, str) and 0 < len(one) <= 18 for one in ids):
        raise RefusedError(400, "ids")
    settings = inbox.settings.crm.get(crm)
    if settings is None or kind not in watched_kinds(inbox.settings, crm):
        raise RefusedError(404, "unknown")
    try:
        return crm, kind, list(dict.fromkeys(settings.record_id(one) for one in ids))
    except ValueError:
        raise RefusedError(400, "ids") from None


def _causes(memory: Memory) -> dict[str, str]:
    """Returns the CRM's word on values of ours that it refused, by field."""
    return {name: own.kept.cause for name, own in own_values(memory.own).items() if own.kept}


def _body_of(id: str, found: RequestState, refused: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Returns a request as its caller sees it; done when none of its records is in the work."""
    records = {
        one: {"state": state}
        | ({"reason": found.notes[one]} if one in found.notes else {})
        | ({"not_filled": dict(found.left[one])} if one in found.left else {})
        | ({"refused": dict(refused[one])} if refused.get(one) else {})
        for one, state in found.states.items()
    }
    done = all(state in {"settled", "dead"} for state in found.states.values())
    return {
        "id": id,
        "crm": found.crm,
        "object": found.object,
        "created_ms": found.at_ms,
        "done": done,
        "filled": found.filled,
        "records": records,
    }
