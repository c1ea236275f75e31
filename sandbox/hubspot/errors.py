"""Makes refusals in HubSpot's own words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from sandbox.calls import Reply


class ApiError(Exception):
    """Refuses a call, as a whole answer or as one group inside a batch answer."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        sub_category: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        context: Mapping[str, Sequence[str]] | None = None,
        extra: Mapping[str, Any] | None = None,
        group_context: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(category)
        self.status = status
        self.category = category
        self.message = message
        self.sub_category = sub_category
        self.errors = [dict(error) for error in errors]
        self.context = {name: list(values) for name, values in (context or {}).items()}
        self.extra = dict(extra or {})
        self.group_context = dict(group_context or {})

    def reply(self) -> Reply:
        body: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid4()),
            "category": self.category,
        }
        if self.sub_category:
            body["subCategory"] = self.sub_category
        if self.errors:
            body["errors"] = self.errors
        if self.context:
            body["context"] = self.context
        return Reply(self.status, body | self.extra)

    def group(self, context: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
        """Returns the refusal in the form of `errors` of a batch answer."""
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": {
                name: list(values) for name, values in {**self.context, **self.group_context, **(context or {})}.items()
            },
            "errors": self.errors,
            "links": {},
        }


class Fault(Exception):  # noqa: N818 - a finding about one value; the refusal is ApiError
    def __init__(self, code: str, name: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.name = name
        self.message = message


def invalid_values(faults: Sequence[Fault]) -> ApiError:
    """Returns a 400 with the findings as JSON text inside the message, which names properties but no input."""
    findings = [
        {"isValid": False, "message": fault.message, "error": fault.code, "name": fault.name} for fault in faults
    ]
    return ApiError(
        400,
        "VALIDATION_ERROR",
        f"Property values were not valid: {json.dumps(findings, ensure_ascii=False, separators=(',', ':'))}",
        errors=[
            {"message": fault.message, "code": fault.code, "context": {"propertyName": [fault.name]}}
            for fault in faults
        ],
    )


def invalid_input(message: str, **more: Any) -> ApiError:
    return ApiError(400, "VALIDATION_ERROR", message, **more)


def email_in_use(record_id: str, style: str) -> ApiError:
    """Returns a 409 in one of the forms seen: `id` in the text, `none` of it, or the `newer` body."""
    known = {"existingId": [record_id]}
    if style == "newer":
        extra = {"error": "CONTACT_EXISTS", "identityProfile": {"vid": int(record_id)}}
        return ApiError(409, "OBJECT_ALREADY_EXISTS", "Contact already exists.", extra=extra, group_context=known)
    text = "Contact already exists." + (f" Existing ID: {record_id}" if style == "id" else "")
    return ApiError(409, "CONFLICT", text, group_context=known)


def no_object(record_id: str) -> ApiError:
    return ApiError(
        404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.", context={"id": [record_id]}
    )
