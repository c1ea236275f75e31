"""Describes the API, for machines (OpenAPI 3.1) and for people."""

from __future__ import annotations

import html
import json
from typing import Any

MOST_IDS = 1_000

_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_STATES = ["due", "leased", "waiting", "dead", "settled"]
_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_ASKED = {
    "type": "object",
    "required": ["crm", "object", "ids"],
    "additionalProperties": False,
    "properties": {
        "crm": {"type": "string", "description": "The crm's name in refill.toml."},
        "object": {"type": "string", "enum": ["contact", "lead"]},
        "ids": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_IDS,
            "items": {"type": "string", "minLength": 1, "maxLength": 18, "description": "A record id of the CRM."},
        },
    },
}
_ACCEPTED = {
    "type": "object",
    "required": ["id", "records"],
    "properties": {"id": _ID, "records": {"type": "integer", "minimum": 1}},
}
_STANDING = {
    "type": "object",
    "required": ["id", "crm", "object", "created_ms", "done", "filled", "records"],
    "properties": {
        "id": _ID,
        "crm": {"type": "string"},
        "object": {"type": "string"},
        "created_ms": {"type": "integer"},
        "done": {"type": "boolean", "description": "Every record is settled or a dead letter."},
        "filled": {"type": "integer", "description": "Values written for this request so far."},
        "records": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["state"],
                "properties": {
                    "state": {"type": "string", "enum": _STATES},
                    "reason": {"type": "string", "description": "Why it was put off, waits or is dead."},
                    "not_filled": {"type": "object", "additionalProperties": {"type": "string"}},
                    "refused": {
                        "type": "object",
                        "description": "The CRM's word on values that it refused, by field.",
                        "additionalProperties": {"type": "string"},
                    },
                },
            },
        },
    },
}
_REFUSALS = {
    "400": "The body, the ids or the key are not as described.",
    "401": "The token is missing or wrong.",
    "404": "No such crm, object or request.",
    "409": "The Idempotency-Key was used for another request.",
    "413": "The body is larger than 1 MiB.",
    "415": "The body is no uncompressed application/json.",
    "503": "Redis cannot take it now, or too much is on its way: nothing was accepted, try again.",
}


def document(origin: str) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Refill", "version": "1", "description": "Ask for records to be looked at now."},
        "servers": [{"url": origin}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Asked": _ASKED, "Accepted": _ACCEPTED, "Standing": _STANDING, "Error": _ERROR},
        },
        "security": [{"token": []}],
        "paths": {
            "/api/enrich": {
                "post": {
                    "operationId": "enrich",
                    "summary": "Look at these records now, whatever is remembered of them",
                    "parameters": [
                        {
                            "name": "Idempotency-Key",
                            "in": "header",
                            "description": "The same key gives the same request for a week.",
                            "schema": {"type": "string", "maxLength": 255},
                        }
                    ],
                    "requestBody": {"required": True, "content": _content("Asked")},
                    "responses": {
                        "202": {
                            "description": "All of them are in the work.",
                            "content": _content("Accepted"),
                            "links": {"follow": {"operationId": "follow", "parameters": {"id": "$response.body#/id"}}},
                        },
                        **_refused("400", "401", "404", "409", "413", "415", "503"),
                    },
                }
            },
            "/api/enrich/{id}": {
                "get": {
                    "operationId": "follow",
                    "summary": "Where a request stands",
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "responses": {
                        "200": {"description": "The state of each record.", "content": _content("Standing")},
                        **_refused("401", "404", "503"),
                    },
                }
            },
        },
    }


def page(origin: str) -> str:
    """Returns the description on one page, with nothing loaded from anywhere."""
    spec = document(origin)
    parts = []
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            answers = "".join(
                f"<tr><td>{status}</td><td>{html.escape(one['description'])}</td></tr>"
                for status, one in operation["responses"].items()
            )
            parts.append(
                f"<h2>{method.upper()} {html.escape(path)}</h2><p>{html.escape(operation['summary'])}.</p>"
                f"<table>{answers}</table>"
            )
    example = json.dumps({"crm": "acme_hubspot", "object": "contact", "ids": ["101", "102"]})
    call = (
        f"curl -H 'Authorization: Bearer …' -H 'Content-Type: application/json' -H 'Idempotency-Key: order-17' "
        f"-d '{example}' {origin}/api/enrich"
    )
    schemas = json.dumps(spec["components"]["schemas"], indent=2)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Refill API</title>"
        "<style>body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
        "td{padding:.2rem 1rem .2rem 0}pre{overflow:auto;background:#f4f4f4;padding:1rem}</style>"
        f"<h1>Refill API</h1><p>The same for machines: /api/openapi.json</p><pre>{html.escape(call)}</pre>"
        f"{''.join(parts)}<h2>Shapes</h2><pre>{html.escape(schemas)}</pre></html>"
    )


def _content(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _refused(*statuses: str) -> dict[str, Any]:
    return {status: {"description": _REFUSALS[status], "content": _content("Error")} for status in statuses}
