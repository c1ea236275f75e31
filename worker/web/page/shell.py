"""Renders pages: the frame around each, and how figures, times and words are shown in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Any
from urllib.parse import quote, unquote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from config.counts import counted
from config.plain import shown
from worker.reports.story_words import field_word
from worker.reports.words import ago, lasting, of, until
from worker.web.page.assets import Assets
from worker.web.page.headers import headers
from worker.web.page.visitor import PageVisitor


class NavigationEntry(Struct, frozen=True):
    """Names one page of the navigation."""

    path: str
    name: str


class Shell:
    """Renders the templates.

    ``places`` are those of the navigation, in its groups and order; ``known`` the names that a filter suggests.
    """

    def __init__(
        self,
        assets: Assets,
        places: Sequence[Sequence[NavigationEntry]],
        known: Mapping[str, Sequence[str]],
        clock: Callable[[], int],
    ) -> None:
        self._places, self._clock = places, clock
        self._templates = Environment(
            loader=PackageLoader("worker.web.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_plain,
        )
        self._templates.filters |= {"words": _words, "when": _when, "iso": _iso, "address": address_of}
        self._templates.filters |= {"unquoted": unquote, "capitalized": _capitalized, "run_address": run_address}
        self._templates.filters["counted"] = counted
        self._templates.globals |= {
            "asset": assets.place,
            "known": known,
            "ago": ago,
            "until": until,
            "lasting": lasting,
            "of": of,
            "href": href,
        }

    def page(
        self, request: Request, name: str, visitor: PageVisitor | None, *, status: int = 200, **facts: Any
    ) -> Response:
        """Returns the page of the template ``name``."""
        nonce = token_urlsafe(16)
        text = self._templates.get_template(f"{name}.html").render(
            nonce=nonce,
            visitor=visitor,
            places=self._places,
            here=request.url.path,
            query=dict(request.query_params),
            said=_said(request, visitor),
            now_ms=self._clock(),
            **facts,
        )
        return HTMLResponse(text, status_code=status, headers=headers(nonce))

    def fragment(self, name: str, **facts: Any) -> str:
        """Returns a piece of a page that holds nothing for htmx."""
        return self._templates.get_template(f"{name}.html").render(now_ms=self._clock(), **facts)


def href(path: str, **query: object) -> str:
    """Returns an address with the non-empty parts of its query."""
    left = {name: value for name, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(left)}" if left else path


def with_notice(visitor: PageVisitor, path: str, sentence: str, **query: object) -> Response:
    """Redirects the browser to a page that reports the action; only our own sentences are shown there."""
    return RedirectResponse(href(path, **query, said=sentence, mark=visitor.mark(f"said {sentence}")), status_code=303)


def _said(request: Request, visitor: PageVisitor | None) -> str:
    sentence, mark = request.query_params.get("said", ""), request.query_params.get("mark", "")
    return sentence if visitor and sentence and visitor.wrote(f"said {sentence}", mark) else ""


def _plain(value: object) -> object:
    """Shows figures in groups of three, and text of anybody without what would steer or reorder the line around it."""
    if type(value) is int:
        return f"{value:,}"
    return shown(value, lines=True) if type(value) is str else "" if value is None else value


def _words(name: object) -> str:
    return field_word(str(name or ""))


def _capitalized(text: str) -> str:
    return "CRM" if text == "crm" else f"{text[:1].upper()}{text[1:]}"


def _when(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC" if at_ms else "never"


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def address_of(record: tuple[str, str, str]) -> str:
    """Returns the path of a record's page."""
    return "/records/" + "/".join(quote(one, safe="") for one in record)


def run_address(run: str) -> str:
    """Returns the path of a run's page."""
    return f"/runs/{quote(run, safe='')}"
