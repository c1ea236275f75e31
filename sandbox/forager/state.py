"""Holds what Forager's operations share: its switches, its balance log and its prices."""

from typing import Any, ClassVar

from sandbox.calls import Call, Reply
from sandbox.clock import Clock
from sandbox.forager.ledger import PRICES, BalanceLog
from sandbox.limits import Window
from sandbox.options import Options
from sandbox.people import World
from sandbox.vendor import Switches, Vendor, Windows


class ForagerState(Vendor):
    name = "forager"
    windows: ClassVar[Windows] = {
        "demo": {"default": (Window("second", 120, 1),)},
        "real": {"default": (Window("second", 10, 1),)},
    }
    switches: ClassVar[Switches] = {
        "misses": ("list", "empty"),  # `[]`, or success without a body
        "accounts": (1, 2),
        "retry_after": ("seconds", "none"),
    }
    misses: str
    accounts: int
    retry_after: str

    def __init__(self, world: World, options: Options, clock: Clock | None = None) -> None:
        super().__init__(world, options, clock)
        self.log = BalanceLog(self.clock)

    def short_of(self, change_type: str) -> Reply | None:
        """Returns the refusal when the balance does not cover the operation."""
        if self.balance < PRICES[change_type]:
            return Reply(402, {"detail": "Not enough credits."})
        return None

    def spend(self, call: Call, change_type: str, identity: str, data: dict[str, Any]) -> None:
        """Charges the operation's price: balance, balance log and books."""
        call.charge(change_type, identity, PRICES[change_type])
        self.log.add(change_type, -PRICES[change_type], data)
