"""Finds a record, shows its story, and has it looked at again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from config.settings import Settings
from worker.decide.journal_line import JournalFilter
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Ref
from worker.ledger.run import Run, RunKind
from worker.ledger.work.listing import STATES, Placed, placed
from worker.reports.explain import explain
from worker.reports.journal_pages import back_from, key_in
from worker.reports.overview import works
from worker.reports.record_links import ids_in
from worker.reports.story_words import price_word
from worker.web.page.door import Door, Form
from worker.web.page.shell import Shell, address_of, with_notice
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.page.word_journal import journal_word

LATEST = 100  # rows of a page
FILTERS = ("state", "crm", "provider", "field", "reason", "run")


def record_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    """Returns the routes of the list, of one record, and of its actions."""
    nothing: dict[str, Any] = {"text": "", "refs": [], "page": None, "rows": [], "more": 0, "wanted": {}}
    nothing |= {"states": STATES, "crms": settings.crm}

    async def listing(request: Request, visitor: PageVisitor) -> Response:
        text = request.query_params.get("q", "").strip()
        if text:
            found = [ref for ref in _meant(settings, text) if (await explain(ledger, *ref)).is_known]
            if len(found) == 1:
                return RedirectResponse(address_of(found[0]), status_code=303)
            return shell.page(request, "records", visitor, **nothing | {"text": text, "refs": found})
        wanted = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        if wanted["state"] in STATES:
            rows, more = await _placed(ledger, settings, wanted, _number(request.query_params.get("start", "")))
            return shell.page(request, "records", visitor, **nothing | {"rows": rows, "more": more, "wanted": wanted})
        crm, provider, field, reason, run = (wanted[name] for name in FILTERS[1:])
        asked = JournalFilter(run=run, crm=crm, provider=provider, field=field, reason=reason)
        page = await back_from(ledger.journal, asked, key_in(request.query_params.get("before", "")), LATEST)
        return shell.page(request, "records", visitor, **nothing | {"wanted": wanted, "page": page})

    async def one_record(request: Request, visitor: PageVisitor) -> Response:
        ref = _ref(request)
        known = await explain(ledger, *ref)
        paid = price_word(sum(one["credits"] or 0 for one in known.questions))
        return shell.page(
            request,
            "record",
            visitor,
            status=200 if known.is_known else 404,
            ref=ref,
            known=known,
            events=known.story(),
            paid=paid,
            is_watched=_is_watched(settings, ref),
        )

    async def replay(request: Request, visitor: PageVisitor, _: Form) -> Response:
        ref = _ref(request)
        known = await explain(ledger, *ref)
        if not _is_watched(settings, ref) or not known.is_known:
            return door.refusal(request, visitor, 404, "Refill knows nothing of this record. Nothing was changed.")
        run = Run.new(RunKind.REPLAY).name
        await journal_word(ledger, visitor, ref, run, "replayed")
        await ledger.work(*ref[:2]).replay(ref[2], run, reopen=True)
        return with_notice(visitor, address_of(ref), "The record is due now. Fields that were refused are open again.")

    place = "/records/{crm}/{object}/{id:path}"
    return [
        door.look("/records", listing),
        door.act("/replay/{crm}/{object}/{id:path}", replay, PageRole.OPERATOR),
        door.look(place, one_record),
    ]


async def _placed(
    ledger: Ledger, settings: Settings, wanted: Mapping[str, str], start: int
) -> tuple[list[Placed], int]:
    """Lists a page of each work in one state that the filters let through, and the beginning of the next page.

    Reasons and runs are read for one page at a time; 0 says that there is no next one.
    """
    all_works = sorted({*works(settings), *await ledger.all_work.works()})
    names = [name for name in all_works if wanted["crm"] in {"", name[0]}]
    pages = [await placed(ledger.scripts, *name, wanted["state"], start, LATEST) for name in names]
    rows = [
        row
        for page in pages
        for row in page
        if wanted["run"] in {"", row.run} and wanted["reason"].casefold() in row.note.casefold()
    ]
    return rows, start + LATEST if any(len(page) == LATEST for page in pages) else 0


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _ref(request: Request) -> Ref:
    path = request.path_params
    return path["crm"], path["object"], path["id"]


def _is_watched(settings: Settings, ref: Ref) -> bool:
    return ref[0] in settings.crm and ref[1] in settings.crm[ref[0]].objects()


def _meant(settings: Settings, text: str) -> list[Ref]:
    """Returns the records that an id, or the address of a record's page in its CRM, may mean."""
    refs: list[Ref] = []
    for crm, kind in works(settings):
        for id in ids_in(text):
            if kind == DELIVERY:
                refs.append((crm, kind, id))
                continue
            try:
                refs.append((crm, kind, settings.crm[crm].record_id(id)))
            except ValueError:
                continue
    return list(dict.fromkeys(refs))
