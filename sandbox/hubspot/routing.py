"""Makes both generations of paths from one list: the numbered one and the date-versioned one."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sandbox.calls import BadBodyError, Call, Reply, Route
from sandbox.clock import iso
from sandbox.hubspot.errors import ApiError, invalid_input

Access = Literal["read", "write", "schema", "none"]
DATED: Final = "2026-09"
_BASES: Final = {
    "objects": ("/crm/v3/objects", f"/crm/objects/{DATED}"),
    "properties": ("/crm/v3/properties", f"/crm/properties/{DATED}"),
    "pairs": ("/crm/v4/objects", f"/crm/objects/{DATED}"),
    "associations": ("/crm/v4/associations", f"/crm/associations/{DATED}"),
    "labels": ("/crm/associations/v4", ""),
}


@dataclass(frozen=True, slots=True)
class Ask:
    """Holds a call and the generation of the path it came by."""

    call: Call
    dated: bool

    @property
    def params(self) -> dict[str, str]:
        return dict(self.call.params)

    @property
    def body(self) -> dict[str, Any]:
        return self.call.object

    def inputs(self, most: int = sys.maxsize) -> list[Mapping[str, Any]]:
        """Returns the inputs of a batch. Raises: BadBodyError, or ApiError 400 for more than ``most``."""
        inputs = self.body.get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
            raise BadBodyError
        if len(inputs) > most:
            raise invalid_input(f"The number of inputs must be between 1 and {most}")
        return inputs

    def names(self, key: str) -> list[str] | None:
        """Returns a list from the query, comma-separated or repeated; None if it is absent."""
        values = self.call.query.getall(key, [])
        return [name for value in values for name in value.split(",") if name] if values else None

    def flag(self, key: str) -> bool:
        return self.call.query.get(key, "").lower() == "true"


@dataclass(frozen=True, slots=True)
class Endpoint:
    base: str
    method: str
    path: str
    handler: Callable[[Ask], Reply]
    access: Access = "read"
    numbered_only: bool = False


def routes(endpoints: list[Endpoint], guard: Callable[[Ask, Endpoint], None]) -> Iterator[Route]:
    for endpoint in endpoints:
        for base in _BASES[endpoint.base]:
            if base and not (endpoint.numbered_only and DATED in base):
                yield Route(endpoint.method, base + endpoint.path, _handler(endpoint, guard, dated=DATED in base))


def _handler(endpoint: Endpoint, guard: Callable[[Ask, Endpoint], None], *, dated: bool) -> Callable[[Call], Reply]:
    def handle(call: Call) -> Reply:
        try:
            ask = Ask(call, dated)
            guard(ask, endpoint)
            return endpoint.handler(ask)
        except ApiError as error:
            return error.reply()

    return handle


def batch_reply(
    ask: Ask,
    now: float,
    results: list[dict[str, Any]],
    errors: list[dict[str, Any]],
    *,
    status: int = 200,
    partial: int = 207,
) -> Reply:
    """Errors make the numbered generation answer 207; the dated one keeps its status."""
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso(now),
        "completedAt": iso(now),
    }
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return Reply(partial if errors and not ask.dated else status, body)
