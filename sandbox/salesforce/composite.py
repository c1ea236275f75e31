"""Serves Composite: up to 25 calls in one, which may use each other's answers."""

import json
import re
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.calls import BadBodyError, Reply
from sandbox.salesforce.asks import Ask, Endpoint, Switchboard, answer, refused
from sandbox.salesforce.errors import ApiError, not_found
from sandbox.salesforce.store import Store

MAX_CALLS: Final = 25
MAX_HEAVY: Final = 5
_FORBIDDEN: Final = frozenset({"accept", "authorization", "content-type"})
_PATH: Final = re.compile(r"/services/data/v(\d+\.\d)(/.*)")
_REFERENCE: Final = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")


class Composite:
    def __init__(self, store: Store, switchboard: Switchboard) -> None:
        self._store = store
        self._switchboard = switchboard

    def endpoints(self) -> list[Endpoint]:
        return [Endpoint("POST", "/composite", self.run)]

    def run(self, ask: Ask) -> Reply:
        body = ask.object()
        calls = body.get("compositeRequest")
        if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
            raise BadBodyError
        _refuse_excess(calls)
        done: list[tuple[str, Reply]] = []
        with self._store.transaction() as take_back:
            for call in calls:
                done.append((str(call.get("referenceId")), self._one(call, done)))
            if body.get("allOrNone") is True and any(reply.status >= 300 for _, reply in done):
                take_back()
                done = [(name, reply if reply.status >= 300 else _halted()) for name, reply in done]
        return answer(
            200,
            {
                "compositeResponse": [
                    {
                        "body": reply.body,
                        "httpHeaders": reply.headers,
                        "httpStatusCode": reply.status,
                        "referenceId": name,
                    }
                    for name, reply in done
                ]
            },
        )

    def _one(self, call: dict[str, Any], done: list[tuple[str, Reply]]) -> Reply:
        try:
            return self._asked(_filled(call, dict(done)))
        except ApiError as error:
            return refused(error)
        except BadBodyError:
            return refused(ApiError(400, "JSON_PARSER_ERROR", "The body of the subrequest is not an object"))

    def _asked(self, call: dict[str, Any]) -> Reply:
        headers = {str(key).lower(): str(value) for key, value in (call.get("httpHeaders") or {}).items()}
        if _FORBIDDEN & headers.keys():
            raise ApiError(400, "INVALID_HEADER", "Accept, Authorization and Content-Type may not be set here")
        method, parts = str(call.get("method")).upper(), urlsplit(str(call.get("url")))
        match = _PATH.fullmatch(parts.path)
        found = match and self._switchboard.find(method, match[2])
        if not match or not found:
            raise not_found()
        handler, params = found
        return handler(
            Ask(
                method=method,
                path=parts.path,
                version=match[1],
                params={name: unquote(value) for name, value in params.items()},
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers=headers,
                read=lambda: call.get("body"),
            )
        )


def _refuse_excess(calls: list[dict[str, Any]]) -> None:
    if len(calls) > MAX_CALLS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"no more than {MAX_CALLS} subrequests in one call")
    heavy = sum("/query" in str(call.get("url")) or "/composite/sobjects" in str(call.get("url")) for call in calls)
    if heavy > MAX_HEAVY:
        raise ApiError(400, "LIMIT_EXCEEDED", f"no more than {MAX_HEAVY} query or collection subrequests in one call")
    names = [str(call.get("referenceId")) for call in calls]
    if len(set(names)) != len(names) or not all(re.fullmatch(r"\w+", name) for name in names):
        raise ApiError(400, "INVALID_INPUT", "referenceId must be unique letters, digits and underscores")


def _filled(call: dict[str, Any], done: dict[str, Reply]) -> dict[str, Any]:
    """Returns the call with every `@{reference.path}` replaced. Raises: ApiError for one that leads nowhere."""

    def value(match: re.Match[str]) -> str:
        current: Any = done[match[1]].body if match[1] in done else None
        for name, number in _STEP.findall(match[2]):
            try:
                current = current[name] if name else current[int(number)]
            except (KeyError, IndexError, TypeError):
                current = None
        if not isinstance(current, str | int):
            raise ApiError(400, "PROCESSING_HALTED", f"Invalid reference specified. No value for {match[0][2:-1]}")
        return json.dumps(current)[1:-1] if isinstance(current, str) else str(current)

    filled: dict[str, Any] = json.loads(_REFERENCE.sub(value, json.dumps(call)))
    return filled


def _halted() -> Reply:
    text = "The transaction was rolled back since another operation in the same transaction failed."
    return refused(ApiError(400, "PROCESSING_HALTED", text))
