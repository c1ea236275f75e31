"""Starts vendors on loopback ports, in this process."""

import importlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.control import add_control
from sandbox.options import VENDORS, Options
from sandbox.people import World
from sandbox.play import add_page
from sandbox.seeding import build_world
from sandbox.vendor import Mount, Vendor


@asynccontextmanager
async def running(options: Options | None = None, world: World | None = None) -> AsyncIterator[dict[str, Vendor]]:
    """Yields the vendors by name, listening: `vendor.base_url`, `vendor.books`, `vendor.faults`, `vendor.holds`."""
    options = options or Options()
    world = world or build_world(options)
    async with AsyncExitStack() as stack:
        vendors: dict[str, Vendor] = {}
        for name in options.vendors:
            vendor = make_vendor(name, world, options)
            await stack.enter_async_context(_listening(vendor, _port(name, options)))
            vendors[name] = vendor
        yield vendors


def make_vendor(name: str, world: World, options: Options) -> Vendor:
    """Makes one vendor, not listening. Modules are loaded by name, so that a process loads its own vendors only."""
    held = vars(importlib.import_module(f"sandbox.{name}")).values()
    kind = next(one for one in held if isinstance(one, type) and issubclass(one, Vendor))
    return kind(world, options)


def announcement(vendors: dict[str, Vendor]) -> dict[str, dict[str, Any]]:
    """Returns the addresses and credentials for a client, by vendor."""
    return {
        name: {
            "base_url": vendor.base_url,
            "control_url": f"{vendor.origin}/_sandbox",
            **vendor.credentials(),
            "limits": {
                bucket: [asdict(window) for window in windows] for bucket, windows in vendor.limits.buckets().items()
            },
        }
        for name, vendor in vendors.items()
    }


def _mounts(name: str) -> list[Mount]:
    """Returns the routes under `/_sandbox/` that every port has, and those of this vendor."""
    own = vars(importlib.import_module(f"sandbox.{name}")).get("add_own_control")
    return [add_control, add_page, *([own] if own else [])]


def _port(name: str, options: Options) -> int:
    return options.port_base + VENDORS.index(name) if options.port_base else 0


@asynccontextmanager
async def _listening(vendor: Vendor, port: int) -> AsyncIterator[None]:
    # a client that goes away ends its request here too, so that `held` counts only open ones
    # longer lines than the server's own bound, so that a vendor can refuse them in its own words
    runner = web.AppRunner(
        vendor.application(_mounts(vendor.name)),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=0.2,
        max_line_size=131_072,
        max_field_size=131_072,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, vendor.options.host, port, backlog=1024)
        await site.start()
        host, bound = runner.addresses[0][:2]
        vendor.origin = f"http://{host}:{bound}"
        yield
    finally:
        vendor.holds.release()
        await runner.cleanup()
