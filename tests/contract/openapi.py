"""Checks answers against HubSpot's published OpenAPI files (snapshot of 2026-08-21)."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_FILES = Path(__file__).parent.parent / "data" / "openapi"


def check(file: str, method: str, path: str, status: int, body: object) -> None:
    """Raises: jsonschema.ValidationError, or AssertionError where the file knows no such path or status."""
    spec, operation = _spec(file), _operation(file, method, path)
    answers = operation["responses"]
    assert str(status) in answers or status >= 400, f"{method} {path} does not declare {status}"
    content = answers.get(str(status), answers["default"]).get("content")
    if not content:
        return
    schema = next(iter(content.values()))["schema"]
    if status >= 400:
        schema = {"$ref": "#/components/schemas/Error"}
    validator = Draft202012Validator({**schema, "components": spec["components"]})
    validator.validate(json.loads(body) if isinstance(body, bytes) else body)


def check_request(file: str, method: str, path: str, body: object) -> None:
    """Raises: jsonschema.ValidationError, or AssertionError where a body is given and none is declared."""
    spec, operation = _spec(file), _operation(file, method, path)
    content = operation.get("requestBody", {}).get("content", {})
    assert body is None or content, f"{method} {path} takes no body"
    if body is not None:
        schema = next(iter(content.values()))["schema"]
        Draft202012Validator({**schema, "components": spec["components"]}).validate(body)


def check_path(file: str, method: str, path: str) -> None:
    """Raises: AssertionError where the file knows no such operation."""
    _operation(file, method, path)


def _operation(file: str, method: str, path: str) -> dict[str, Any]:
    known = _spec(file)["paths"].items()
    exact = sorted(known, key=lambda item: "{" in item[0])
    found = next((item[method.lower()] for one, item in exact if _fits(one, path) and method.lower() in item), None)
    assert found, f"{method} {path} is not in {file}"
    operation: dict[str, Any] = found
    return operation


@cache
def _spec(file: str) -> dict[str, Any]:
    spec: dict[str, Any] = _relaxed(json.loads((_FILES / f"hubspot-{file}.json").read_text()))
    return spec


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


def _relaxed(node: Any) -> Any:
    """`nullable` as JSON Schema says it; the v3 files leave out that a property's value may be null."""
    if isinstance(node, list):
        return [_relaxed(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _relaxed(value) for key, value in node.items()}
    values = node.get("additionalProperties")
    if isinstance(values, dict) and values.get("type") == "string":
        values["type"] = ["string", "null"]
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        node["type"] = [node["type"], "null"]
    return node
