"""Answers pages only if they are asked for by one of our names.

A page in somebody's browser may name any host that its author owns, and let that name lead to this machine (DNS
rebinding): then the browser takes our answers for the author's and hands them over. It still sends the author's name
as Host, by which we know. Where a signature or a token proves the sender, any name will do: no page has those.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from config.settings import Web

Handler = Callable[[Request], Awaitable[Response]]
HINT = "this is not a name of ours: ask by address, or list the name in web.hosts (REFILL_WEB__HOSTS)"


class Hosts:
    """Knows the names of this installation."""

    def __init__(self, web: Web) -> None:
        own = {urlsplit(web.public_url).hostname or ""} if web.public_url else set()
        self._names = {name.lower() for name in (*own, *web.hosts)}

    def knows(self, host: str) -> bool:
        """Tells whether a Host header names us: a listed name, an address, or a name that nobody outside can own.

        Addresses and names without a dot (``localhost``, a service of compose or of a cluster) lead nobody's page here:
        only names of the DNS can be bought.
        """
        name = _name(host)
        if name in self._names or "." not in name:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def only(self, handler: Handler) -> Handler:
        """Returns ``handler`` for requests by one of our names; others get 421."""

        async def asked(request: Request) -> Response:
            hosts = request.headers.getlist("host")
            if len(hosts) > 1 or not self.knows(hosts[0] if hosts else ""):
                return JSONResponse({"error": HINT}, status_code=421)
            return await handler(request)

        return asked


def _name(host: str) -> str:
    """Returns the name or address of a Host header, without its port."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].removesuffix(".")
