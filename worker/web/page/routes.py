"""Puts the page together."""

from __future__ import annotations

import asyncio

from starlette.routing import Route

from config.settings import Settings
from worker.ledger.intake.sessions import Sessions
from worker.ledger.ledger import Ledger
from worker.ledger.own_clock import clock
from worker.web.bodies import Bodies
from worker.web.hosts import Hosts
from worker.web.page.assets import Assets
from worker.web.page.configuration_page import configuration_routes
from worker.web.page.dead_page import dead_routes
from worker.web.page.delivery_page import delivery_routes
from worker.web.page.door import Door
from worker.web.page.entrance import entrance
from worker.web.page.inspector_page import inspector_routes
from worker.web.page.known_names import known_names
from worker.web.page.list_pages import list_routes
from worker.web.page.live_page import live_routes
from worker.web.page.orders import Orders
from worker.web.page.overview_page import overview_routes
from worker.web.page.people_pages import people_routes
from worker.web.page.record_pages import record_routes
from worker.web.page.review_page import review_routes
from worker.web.page.run_pages import run_routes
from worker.web.page.scorecard_page import scorecard_routes
from worker.web.page.shell import NavigationEntry, Shell
from worker.web.page.sign_in import SignIn
from worker.web.page.target_pages import target_routes
from worker.web.page.undo_page import undo_routes

PLACES = (
    (
        NavigationEntry("/", "Overview"),
        NavigationEntry("/live", "Live"),
        NavigationEntry("/records", "Records"),
        NavigationEntry("/runs", "Runs"),
        NavigationEntry("/deliveries", "Deliveries"),
    ),
    (  # what waits for a person's word
        NavigationEntry("/review", "Review"),
        NavigationEntry("/dead", "Dead letters"),
        NavigationEntry("/uncertain", "Uncertain"),
        NavigationEntry("/suppression", "Suppression"),
        NavigationEntry("/pauses", "Pauses"),
    ),
    (  # how it works
        NavigationEntry("/scorecard", "Scorecard"),
        NavigationEntry("/calls", "API calls"),
        NavigationEntry("/workers", "Workers"),
        NavigationEntry("/configuration", "Configuration"),
    ),
)
MOST_FORM = 1 << 16


def page_routes(
    quick: Ledger, ledger: Ledger, settings: Settings, draining: asyncio.Event, orders: Orders
) -> list[Route]:
    """Returns the page's routes; none without ``REFILL_WEB__TOKEN``.

    ``quick`` answers at once or not at all, so that a stranger ties nothing up; ``ledger`` may take its time.
    ``orders`` carries out what visitors order, ``draining`` is set while the process ends.
    """
    if settings.web.token is None:
        return []
    assets = Assets()
    shell, sign_in = Shell(assets, PLACES, known_names(settings), clock), SignIn(settings.web, Sessions(quick.scripts))
    door = Door(Hosts(settings.web), sign_in, shell, Bodies(most=MOST_FORM))
    return [
        *entrance(door, sign_in, shell),
        *overview_routes(door, shell, ledger, settings),
        *record_routes(door, shell, ledger, settings),
        *dead_routes(door, shell, ledger, settings),
        *review_routes(door, shell, ledger, settings),
        *list_routes(door, shell, ledger),
        *run_routes(door, shell, ledger, settings),
        *undo_routes(door, shell, ledger, orders),
        *delivery_routes(door, shell, ledger, settings),
        *live_routes(door, shell, ledger, settings, draining),
        *people_routes(door, shell, ledger, orders),
        *target_routes(door, shell, ledger, orders),
        *scorecard_routes(door, shell, orders),
        *inspector_routes(door, shell, ledger, settings),
        *configuration_routes(door, shell, settings),
        *assets.routes(),
    ]
