"""Implements signing in and out."""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from worker.web.page.door import Door, Form, one
from worker.web.page.shell import Shell
from worker.web.page.sign_in import SignIn
from worker.web.page.visitor import PageRole, PageVisitor

WRONG = "This token is not valid."
TOO_MANY = "Too many attempts. Wait ten minutes."
log = structlog.get_logger(__name__)


def entrance(door: Door, sign_in: SignIn, shell: Shell) -> list[Route]:
    """Returns the routes that strangers may use, and the way out."""

    def asked(request: Request, goal: str, sentence: str = "", status: int = 200) -> Response:
        return shell.page(request, "sign_in", None, status=status, goal=_inside(goal), sentence=sentence)

    async def show(request: Request, visitor: PageVisitor | None) -> Response:
        goal = request.query_params.get("next", "/")
        return RedirectResponse("/", status_code=303) if visitor else asked(request, goal)

    async def enter(request: Request, _: PageVisitor | None) -> Response:
        if not sign_in.is_ours(request):
            return door.refusal(request, None, 403, "This form did not come from here.")
        form = await door.form(request)
        goal = _inside(one(form, "next"))
        answer = RedirectResponse(goal, status_code=303)
        known = await sign_in.enter(request, one(form, "token"), one(form, "name"), answer)
        if known:
            log.info("page.entered")
            return answer
        door.tell("token" if known is False else "tries")
        return asked(request, goal, WRONG, 403) if known is False else asked(request, goal, TOO_MANY, 429)

    async def leave(request: Request, _: PageVisitor, __: Form) -> Response:
        answer = RedirectResponse("/sign-in", status_code=303)
        await sign_in.leave(request, answer)
        return answer

    return [
        door.route("/sign-in", show, "GET"),
        door.route("/sign-in", enter, "POST"),
        door.act("/sign-out", leave, PageRole.VIEWER),
    ]


def _inside(goal: str) -> str:
    """Returns a path of ours; anything that a browser may take for another host is the first page."""
    return goal if goal.startswith("/") and not goal.startswith(("//", "/\\")) and goal.isprintable() else "/"
