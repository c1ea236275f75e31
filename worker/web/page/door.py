"""Lets visitors in: to see a page, or to change something with a form of ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from config.problems import ConfigError
from connectors.errors import ConnectorError
from worker.ledger.money.answers import Ref
from worker.ledger.scripts import LedgerUnavailableError
from worker.web.bodies import Bodies, RefusedError, prove
from worker.web.hosts import HINT, Hosts
from worker.web.page.shell import Shell, href
from worker.web.page.sign_in import SignIn
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.rarely import Rarely

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 2_000
Form = dict[str, list[str]]
Look = Callable[[Request, PageVisitor], Awaitable[Response]]
Act = Callable[[Request, PageVisitor, Form], Awaitable[Response]]
Opened = Callable[[Request, PageVisitor | None], Awaitable[Response]]
log = structlog.get_logger(__name__)


class Door:
    """Guards the way to every page. A page that is looked at changes nothing; a form changes by POST alone."""

    def __init__(self, hosts: Hosts, sign_in: SignIn, shell: Shell, bodies: Bodies) -> None:
        self._hosts, self._sign_in, self._shell, self._bodies = hosts, sign_in, shell, bodies
        self._rarely = Rarely()

    def look(self, path: str, handler: Look, least: PageRole = PageRole.VIEWER) -> Route:
        """Returns the route of a page for visitors of the role ``least`` and above."""

        async def seen(request: Request, visitor: PageVisitor | None) -> Response:
            if visitor is None:
                asked = href(request.url.path, **request.query_params)
                return RedirectResponse(href("/sign-in", next=asked), status_code=303)
            prove(request)
            return await handler(request, visitor) if visitor.role >= least else self._too_little(request, visitor)

        return self.route(path, seen, "GET")

    def act(self, path: str, handler: Act, least: PageRole = PageRole.OPERATOR) -> Route:
        """Returns the route of a form, for visitors of the role ``least`` and above."""

        async def done(request: Request, visitor: PageVisitor | None) -> Response:
            if visitor is None:
                return self.refusal(request, None, 403, "You are no longer signed in. Nothing was changed.")
            prove(request)
            form = await self.form(request)
            if not self._sign_in.is_ours(request) or not visitor.wrote(request.scope["path"], one(form, "form")):
                self.tell("form", role=visitor.role.word)
                return self.refusal(request, visitor, 403, "This form did not come from here. Nothing was changed.")
            return (
                await handler(request, visitor, form) if visitor.role >= least else self._too_little(request, visitor)
            )

        return self.route(path, done, "POST")

    def route(self, path: str, handler: Opened, *methods: str) -> Route:
        """Returns a route for requests by one of our names; of a request only the reason is logged."""

        async def guarded(request: Request) -> Response:
            visitor: PageVisitor | None = None
            hosts = request.headers.getlist("host")
            if len(hosts) > 1 or not self._hosts.knows(hosts[0] if hosts else ""):
                return self.refusal(request, None, 421, f"{HINT[0].upper()}{HINT[1:]}.")
            try:
                visitor = await self._sign_in.visitor(request)
                return await handler(request, visitor)
            except RefusedError as refused:
                self.tell(refused.reason, status=refused.status)
                return self.refusal(request, visitor, refused.status, "This request cannot be read.")
            except ConfigError as error:
                return self.refusal(request, visitor, 400, " ".join(error.problems))
            except ConnectorError as error:
                self.tell("vendor", vendor=error.vendor, status=error.status)
                return self.refusal(request, visitor, 502, f"{error.vendor} did not answer as expected: {error}.")
            except (LedgerUnavailableError, TimeoutError):
                self.tell("unavailable", status=503)
                sentence = "Redis does not answer or accepts no writes. Reload the page to see what was changed."
                return self.refusal(request, visitor, 503, sentence)

        return Route(path, guarded, methods=list(methods))

    def tell(self, reason: str, **facts: object) -> None:
        """Logs that somebody was refused: a line a second for each reason, since strangers may ask without an end."""
        if requests := self._rarely.due(reason):
            log.warning("page.refused", reason=reason, requests=requests, **facts)

    def refusal(self, request: Request, visitor: PageVisitor | None, status: int, sentence: str) -> Response:
        """Returns the page that says why there is no other."""
        return self._shell.page(request, "refused", visitor, status=status, sentence=sentence)

    async def form(self, request: Request) -> Form:
        """Returns the fields of a posted form.

        Raises:
            RefusedError: it is not one, or too large.
        """
        body = await self._bodies.read(request, FORM)
        try:
            return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise RefusedError(400, "form") from None

    def _too_little(self, request: Request, visitor: PageVisitor) -> Response:
        sentence = f"Your role, {visitor.role.word}, may not do this. Nothing was changed."
        return self.refusal(request, visitor, 403, sentence)


def one(form: Form, name: str) -> str:
    """Returns the single value of a field; ``""`` if it was not sent."""
    return form.get(name, [""])[0].strip()


def record_in(form: Form) -> Ref | None:
    """Returns the record that a form names, if it names one."""
    crm, kind, id = (one(form, name) for name in ("crm", "object", "id"))
    return (crm, kind, id) if crm and kind and id else None
