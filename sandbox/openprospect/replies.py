"""Wraps OpenProspect's answers: pages in the shapes seen, errors in all of theirs."""

from collections.abc import Sequence
from typing import Any

from sandbox.calls import Call, Reply
from sandbox.vendor import as_int

ERROR_SHAPES = ("resource", "details", "entity", "nested", "legacy", "detail", "detail_list")
PAGE_SHAPES = ("full", "no_has_more", "bare")
DEFAULT_LIMIT, MAX_LIMIT = 50, 100


class RefusedError(Exception):
    """Carries an error to the one place that gives it its shape."""

    def __init__(
        self, status: int, code: str, message: str, *, resource: str = "", identifier: str = "", **details: Any
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.resource = resource
        self.identifier = identifier
        self.details = details


def not_found(resource: str, identifier: str) -> RefusedError:
    code = f"{resource.upper()}_NOT_FOUND"
    return RefusedError(404, code, f"{resource} not found", resource=resource, identifier=identifier)


def invalid(field: str, error: str, provided: Any = None) -> RefusedError:
    problem = {"field": field, "error": error, "provided": provided}
    return RefusedError(422, "VALIDATION_ERROR", "Validation failed", validation_errors=[problem])


def error_reply(refused: RefusedError, shape: str) -> Reply:
    """Returns the error in one of the body shapes that three generations of documentation show."""
    code, message = refused.code, refused.message
    named = {"resource_type": refused.resource or None, "identifier": refused.identifier or None}
    bodies: dict[str, Any] = {
        "resource": {"code": code, "message": message, **named, "details": refused.details},
        "details": {"code": code, "message": message, "details": refused.details},
        "entity": {"code": code, "message": message, "entity_type": refused.resource, "identifier": refused.identifier},
        "nested": {"error": {"code": code, "message": message, "details": refused.details}},
        "legacy": {"error": code, "message": message},
        "detail": {"detail": message},
        "detail_list": {"detail": [{"loc": ["body"], "msg": message, "type": code.lower()}]},
    }
    return Reply(refused.status, bodies[shape])


def page_of(call: Call, rows: Sequence[dict[str, Any]], name: str, *, key: str, shape: str) -> Any:
    """Returns a page under `key`: `items`, or `collection` for the collection's own name. Raises: RefusedError."""
    limit = as_int(call.query.get("limit", str(DEFAULT_LIMIT)), -1)
    offset = as_int(call.query.get("offset", "0"), -1)
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid("limit", "must be between 1 and 100", call.query.get("limit"))
    if offset < 0:
        raise invalid("offset", "must not be negative", call.query.get("offset"))
    shown = list(rows[offset : offset + limit])
    if shape == "bare":
        return shown
    page: dict[str, Any] = {"items" if key == "items" else name: shown}
    page |= {"total": len(rows), "limit": limit, "offset": offset}
    if shape == "full":
        page["has_more"] = offset + len(shown) < len(rows)
    return page
