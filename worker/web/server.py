"""Serves the web application until asked to stop."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp

from config.problems import ConfigError
from config.settings import Web
from worker.web.deadline import RequestDeadline
from worker.web.descriptors import most_connections, raise_limit
from worker.web.open_connections import OpenConnections

BACKLOG = 2048  # connections that the kernel holds for us
AT_A_TIME = 16  # at the most taken from it in one turn of the loop, each with a descriptor before anybody can count it
TURNS = 16  # of the loop that a newcomer keeps its place for at least; a request that is there is proved within seven
log = structlog.get_logger(__name__)


class WebError(Exception):
    """Says that the server ended by itself."""


def listen(web: Web) -> socket.socket:
    """Returns a bound socket, taken before anything else is started.

    Raises:
        ConfigError: the port is in use, or the address is not this machine's.
    """
    try:
        family, kind, proto, _, place = socket.getaddrinfo(
            web.host, web.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, proto)
    except OSError:
        raise ConfigError([f"web.host {web.host} is not an address to listen on; use one such as 127.0.0.1"]) from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise ConfigError([_why(web, error)]) from None
    bound.setblocking(False)
    return bound


def _why(web: Web, error: OSError) -> str:
    where = f"port {web.port} of {web.host}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use: stop what listens there, or set web.port (REFILL_WEB__PORT)"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{where} may not be used by this user: set web.port (REFILL_WEB__PORT) to one above 1023"
    return f"{where} cannot be used ({(error.strerror or 'it failed').lower()}): see web.host and web.port"


class _Server(uvicorn.Server):
    """Runs uvicorn without signal handlers of its own: ending is the caller's decision."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts listening. asyncio has one number for what it takes and what the kernel holds: set the latter."""
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(BACKLOG)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: ASGIApp, bound: socket.socket, stop: asyncio.Event, *, grace_s: float) -> None:
    """Answer until ``stop`` is set, then let open requests end within ``grace_s``.

    Raises:
        WebError: the server ended before.
    """

    class Bounded(RequestDeadline):
        open_connections = OpenConnections(most_connections(raise_limit()))

    at_a_time = max(1, min(AT_A_TIME, Bounded.open_connections.most_strangers // TURNS))

    config = uvicorn.Config(
        app,
        http=Bounded,
        backlog=at_a_time,
        ws="none",
        lifespan="on",
        access_log=False,  # a path may hold a webhook's secret
        log_config=None,
        log_level="warning",  # its INFO is prose
        server_header=False,
        proxy_headers=False,  # nothing of ours asks who sent a request
        timeout_graceful_shutdown=max(1, int(grace_s)),
    )
    server = _Server(config)
    host, port = bound.getsockname()[:2]
    serving = asyncio.create_task(server.serve(sockets=[bound]), name="web")
    stopped = asyncio.create_task(stop.wait())
    log.info("web.started", host=host, port=port)
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        ended_early = serving.done() and not stop.is_set()
        server.should_exit = True
        await serving
        if ended_early:
            raise WebError("the web server ended by itself")
    finally:
        stopped.cancel()
        serving.cancel()
        await asyncio.gather(stopped, serving, return_exceptions=True)
        bound.close()
    log.info("web.stopped")
