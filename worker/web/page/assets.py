"""Serves the page's scripts, styles and icon, read once; each address changes with its content."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.web.page.headers import ALWAYS

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}


class Asset(Struct, frozen=True):
    """Holds one file. ``mark`` names its content."""

    body: bytes
    type: str
    mark: str


class Assets:
    """Holds every file by name. Other names are not found, whatever their address is made of."""

    def __init__(self) -> None:
        folder = files("worker.web.page") / "static"
        self._by_name: dict[str, Asset] = {}
        for path in (*folder.iterdir(), *(folder / "vendor").iterdir()):
            ending = path.name[path.name.rfind(".") :]
            if path.is_file() and ending in _TYPES:
                body = path.read_bytes()
                self._by_name[path.name] = Asset(body, _TYPES[ending], hashlib.sha256(body).hexdigest()[:12])

    def place(self, name: str) -> str:
        return f"/static/{name}?{self._by_name[name].mark}"

    def routes(self) -> list[Route]:
        """Returns the one route to all of them."""
        return [Route("/static/{name}", self._serve, methods=["GET"])]

    async def _serve(self, request: Request) -> Response:
        found = self._by_name.get(request.path_params["name"])
        if found is None:
            return Response(status_code=404)
        return Response(found.body, media_type=found.type, headers=ALWAYS | _FOREVER)
