"""Knows visitors: by a token that they once gave and a cookie since, or by the headers of a proxy that is trusted."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address, ip_network
from secrets import token_urlsafe
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from config.settings import Web
from worker.ledger.intake.sessions import LASTS_MS, Sessions
from worker.web.inbox import same_secret
from worker.web.page.visitor import PageRole, PageVisitor, highest

PLAIN, SECURE = "refill", "__Host-refill"  # a browser takes the second over https alone, and for no other path or host
MOST_NAME = 80


class SignIn:
    """Knows who visits. ``web.token`` is set: without it there is no page."""

    def __init__(self, web: Web, sessions: Sessions) -> None:
        self._web, self._sessions = web, sessions
        given = {PageRole.ADMIN: web.token, PageRole.OPERATOR: web.operator_token, PageRole.VIEWER: web.viewer_token}
        self._tokens: dict[PageRole, SecretStr] = {role: token for role, token in given.items() if token is not None}
        self._proxies = [ip_network(one) for one in web.proxies]

    async def visitor(self, request: Request) -> PageVisitor | None:
        """Returns who asks; ``None`` for a stranger.

        Raises:
            LedgerUnavailableError: nobody can tell.
        """
        if self._is_proxied(request) and self._web.roles_header and self._web.roles_header in request.headers:
            return self._named_by_proxy(request)
        cookie = self._cookie(request)
        facts = await self._sessions.of(cookie) if cookie else None
        if not facts:
            return None
        role = PageRole(facts["role"])
        token = self._tokens.get(role)
        if token is None or not hmac.compare_digest(_proof(cookie, token), facts["proof"]):
            return None  # the token was changed since
        return PageVisitor(role, facts["name"], cookie.encode())

    async def enter(self, request: Request, token: str, name: str, answer: Response) -> bool | None:
        """Lets somebody in with ``token`` and hand the cookie to ``answer``; ``False`` for a wrong one.

        ``None`` where too many have tried: then the token was not looked at.
        """
        address = self.address(request)
        if not await self._sessions.may_try(address):
            return None
        role = next((role for role in sorted(self._tokens) if same_secret(token, [self._tokens[role]])), None)
        if role is None:
            return False
        cookie = token_urlsafe(32)
        facts = {"role": int(role), "name": _name(name), "proof": _proof(cookie, self._tokens[role])}
        await self._sessions.begin(cookie, facts)
        await self._sessions.succeeded(address)
        secure = self.is_secure(request)
        answer.set_cookie(
            SECURE if secure else PLAIN,
            cookie,
            max_age=LASTS_MS // 1000,
            path="/",
            secure=secure,
            httponly=True,
            samesite="strict",
        )
        return True

    async def leave(self, request: Request, answer: Response) -> None:
        """Lets the visitor out, here and in their browser."""
        if cookie := self._cookie(request):
            await self._sessions.end(cookie)
        for name in (PLAIN, SECURE):
            answer.delete_cookie(name, path="/", secure=name == SECURE, httponly=True, samesite="strict")

    def address(self, request: Request) -> str:
        """Returns whence a request came: what a trusted proxy saw, else the connection; of IPv6 the network."""
        peer = request.client.host if request.client else ""
        if self._is_proxied(request):
            peer = request.headers.get("x-forwarded-for", peer).rpartition(",")[2].strip()
        try:
            found = ip_address(peer)
        except ValueError:
            return "unknown"
        return str(ip_network(f"{found}/64", strict=False)) if isinstance(found, IPv6Address) else str(found)

    def is_secure(self, request: Request) -> bool:
        """Tells whether the browser asked over https, by the word of a trusted proxy or of ``web.public_url``."""
        if self._is_proxied(request) and "x-forwarded-proto" in request.headers:
            return request.headers["x-forwarded-proto"].rpartition(",")[2].strip() == "https"
        public = urlsplit(self._web.public_url or "")
        return public.scheme == "https" and public.netloc == request.headers.get("host", "")

    def is_ours(self, request: Request) -> bool:
        """Tells whether a page of ours sent a change: every browser says from where one comes."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        origin = urlsplit(request.headers.get("origin", ""))
        public = urlsplit(self._web.public_url or "")
        own = {request.headers.get("host", ""), public.netloc} - {""}
        return origin.scheme in {"http", "https"} and origin.netloc in own

    def _is_proxied(self, request: Request) -> bool:
        try:
            peer = ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        return any(peer in network for network in self._proxies)

    def _named_by_proxy(self, request: Request) -> PageVisitor | None:
        web, token = self._web, self._tokens[PageRole.ADMIN].get_secret_value()
        role = highest(",".join(request.headers.getlist(web.roles_header or "")).split(","))
        name = _name(request.headers.get(web.user_header, "") if web.user_header else "")
        secret = hmac.new(token.encode(), f"page\n{name}".encode(), hashlib.sha256).digest()
        return PageVisitor(role, name, secret) if role else None

    def _cookie(self, request: Request) -> str:
        return request.cookies.get(SECURE if self.is_secure(request) else PLAIN, "")


def _proof(cookie: str, token: SecretStr) -> str:
    """Ties a session to the token that began it, so that a new token ends it; Redis cannot guess the token by it."""
    return hmac.new(cookie.encode(), token.get_secret_value().encode(), hashlib.sha256).hexdigest()


def _name(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:MOST_NAME]
