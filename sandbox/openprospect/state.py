"""Holds the common parts of OpenProspect's operations: its switches, its stock and the shape of its pages."""

from collections.abc import Sequence
from typing import Any, ClassVar

from sandbox.calls import Call
from sandbox.clock import Clock
from sandbox.limits import Window
from sandbox.openprospect.replies import ERROR_SHAPES, PAGE_SHAPES, page_of
from sandbox.openprospect.stock import Stock
from sandbox.options import Options
from sandbox.people import World
from sandbox.vendor import Switches, Vendor, Windows

BASE = "/api/v1"
SCOPES = (
    "orders:read", "orders:write", "blacklists:read", "blacklists:write", "prospect_searches:read",
    "prospect_searches:write", "companies:read", "prospects:read",
)  # fmt: skip


class OpenProspectState(Vendor):
    name = "openprospect"
    base_path = BASE
    windows: ClassVar[Windows] = {
        "demo": {"default": (Window("hour", 6000, 3600),)},
        "real": {"default": (Window("hour", 100, 3600),)},
    }
    switches: ClassVar[Switches] = {
        "list_key": ("items", "collection"),
        "paging": PAGE_SHAPES,
        "errors": ERROR_SHAPES,
        "slash": ("none", "redirect"),
        "idempotency": ("honoured", "ignored"),
        "order": ("newest", "oldest"),
        "delivery_ids": ("search", "own"),
        "withheld": ("", *SCOPES),
    }
    list_key: str
    paging: str
    errors: str
    slash: str
    idempotency: str
    order: str
    delivery_ids: str
    withheld: str

    def __init__(self, world: World, options: Options, clock: Clock | None = None) -> None:
        super().__init__(world, options, clock)
        self.speed = options.order_speed
        self.stock = Stock(world, options, self.clock.stamp())

    def page(self, call: Call, rows: Sequence[dict[str, Any]], name: str) -> Any:
        """Returns a page of rows in the shape switched on. Raises: RefusedError."""
        return page_of(call, rows, name, key=self.list_key, shape=self.paging)
