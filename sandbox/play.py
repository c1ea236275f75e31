"""Shows people a page on each vendor's port, `/_sandbox/`: a fault, an outage, an edit, a webhook, by plain forms."""

from collections.abc import Mapping
from html import escape
from urllib.parse import quote, urlsplit

from aiohttp import web

from sandbox.forms import Form, Input, PlayError
from sandbox.vendor import Vendor

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
STYLE = (
    "body{font:1rem/1.5 sans-serif;max-width:48rem;margin:auto;padding:1rem}label{display:block}td{padding-right:1rem}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


FAULTS: Mapping[str, tuple[str, dict[str, object]]] = {
    "500, server error": ("status", {"status": 500}),
    "429, too many requests": ("status", {"status": 429, "headers": {"Retry-After": "5"}}),
    "401, key refused": ("status", {"status": 401}),
    "no answer": ("hang", {}),
    "connection closed after the request was read": ("close", {}),
    "half an answer": ("cut_body", {}),
    "a page instead of JSON": ("html", {}),
}
FORMS = (
    Form(
        "fault",
        "A fault",
        "The next requests fail in this way.",
        "Break them",
        (Input("kind", "how", choices=tuple(FAULTS)), Input("times", "how many", "1")),
    ),
    Form("outage", "An outage", "Every request is answered 503 until you end it.", "Begin the outage"),
    Form("calm", "Back to normal", "Ends faults and outage, and answers what hangs.", "End it"),
)


def add_page(app: web.Application, vendor: Vendor) -> None:
    page = _Page(vendor)
    app.router.add_get("/_sandbox/", page.show)
    app.router.add_post("/_sandbox/play/{action}", page.play)


class _Page:
    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    async def show(self, request: web.Request) -> web.Response:
        _refuse_strangers(request)
        vendor, said = self.vendor, request.query.get("said", "")
        facts = {**vendor.books.summary(), "balance": vendor.balance, "faults in force": len(vendor.faults.rules)}
        rows = "".join(f"<tr><td>{escape(name)}<td>{escape(str(value))}" for name, value in facts.items())
        people = "".join(f"<tr><td>{escape(id_)}<td>{escape(text)}" for id_, text in vendor.some_people())
        body = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(vendor.name)}: sandbox</title>'
            f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
            f"<h1>Play with the imitated {escape(vendor.name.title())}</h1>"
            + (f'<p role="status"><strong>{escape(said)}</strong></p>' if said else "")
            + "".join(form.html() for form in (*vendor.forms(), *FORMS))
            + (f"<h2>Some of its people</h2><table>{people}</table>" if people else "")
            + f"<h2>Its books</h2><table>{rows}</table>"
        )
        return web.Response(text=body, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def play(self, request: web.Request) -> web.Response:
        _refuse_strangers(request)
        fields = {name: str(value).strip() for name, value in (await request.post()).items()}
        try:
            said = self._done(request.match_info["action"], fields)
        except PlayError as error:
            said = f"Not done: {error}"
        raise web.HTTPSeeOther(f"/_sandbox/?said={quote(said)}")

    def _done(self, action: str, fields: Mapping[str, str]) -> str:
        faults = self.vendor.faults
        match action:
            case "fault":
                if fields.get("kind") not in FAULTS or not fields.get("times", "").isdecimal():
                    raise PlayError("choose a fault and a number of requests")
                kind, params = FAULTS[fields["kind"]]
                faults.add(kind, times=int(fields["times"]), params=params)
                return f"The next {fields['times']} requests fail: {fields['kind']}."
            case "outage":
                faults.add("status", times=None, params={"status": 503})
                return "The outage has begun."
            case "calm":
                faults.clear()
                self.vendor.holds.release()
                return "All is as usual again."
            case _:
                return self.vendor.play(action, fields)


def _refuse_strangers(request: web.Request) -> None:
    """Admits only people at this machine, from this page: other pages in their browser cannot send the forms."""
    host = urlsplit(f"//{request.host}").hostname or ""
    origin = request.headers.get("Origin")
    if host not in LOOPBACK or request.remote not in LOOPBACK or origin not in {None, f"http://{request.host}"}:
        raise web.HTTPForbidden(text="only for people at this machine")
