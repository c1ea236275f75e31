"""Shows the suppression list and changes it; shows the data kept about a person, and erases it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.counts import counted
from config.problems import ConfigError
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Ref
from worker.ledger.money.handle_lists import Suppressions
from worker.ledger.run import Run, RunKind
from worker.web.page.door import Door, Form, one, record_in
from worker.web.page.orders import Orders, PersonWish
from worker.web.page.shell import Shell, address_of, with_notice
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.page.word_journal import journal_word, of_refill

SHOWN = 200
MOST = 5_000  # entries of which the newest are listed; a longer list is asked by value
LIST = of_refill("suppression", "list")
CHANGED = "Their records have changed since you saw them. Nothing was erased."


def people_routes(door: Door, shell: Shell, ledger: Ledger, orders: Orders) -> list[Route]:
    """Returns the routes of the list, and of the erasure with its preview; no address contains the person."""
    list_ = Suppressions(ledger.scripts, None)  # reads; adding needs the key

    async def show(request: Request, visitor: PageVisitor) -> Response:
        count = await list_.length()
        rows = (await list_.all())[::-1][:SHOWN] if count <= MOST else []
        return shell.page(request, "suppression", visitor, rows=rows, count=count)

    async def add(_: Request, visitor: PageVisitor, form: Form) -> Response:
        text, why = one(form, "value"), one(form, "why")[:200]
        new = await orders.suppress(text, why)
        await journal_word(ledger, visitor, LIST, Run.new(RunKind.SUPPRESS).name, "suppressed")
        said = "Added to the list." if new else "It was on the list already."
        return with_notice(visitor, "/suppression", said)

    async def add_record(request: Request, visitor: PageVisitor, form: Form) -> Response:
        if (record := record_in(form)) is None:
            return door.refusal(request, visitor, 404, "No record was named. Nothing was changed.")
        new = await orders.suppress_record(record)
        await journal_word(ledger, visitor, record, Run.new(RunKind.SUPPRESS).name, "suppressed")
        entries = counted(new, "new entry", "new entries")
        said = f"The person is on the suppression list by e-mail, phone and profile: {entries}."
        return with_notice(visitor, address_of(record), said)

    async def remove(_: Request, visitor: PageVisitor, form: Form) -> Response:
        gone = await orders.unsuppress(one(form, "value"))
        await journal_word(ledger, visitor, LIST, Run.new(RunKind.SUPPRESS).name, "taken_off_the_list")
        said = "Removed. refill sync --full looks at the records again." if gone else "It was not on the list."
        return with_notice(visitor, "/suppression", said)

    async def look(request: Request, visitor: PageVisitor, form: Form) -> Response:
        asked = _asked(form)
        return shell.page(request, "forget", visitor, asked=asked, found=await orders.person(asked))

    async def forget(_: Request, visitor: PageVisitor, form: Form) -> Response:
        async def note(records: Sequence[Ref]) -> None:
            where = of_refill("person", counted(len(records), "record"))
            await journal_word(ledger, visitor, where, Run.new(RunKind.FORGET).name, "forgotten")

        left = await orders.forget(_asked(form), one(form, "seen"), note)
        if left is None:
            return with_notice(visitor, "/suppression", CHANGED)
        done = "Erased here. Delete the records in the CRMs yourself: Refill leaves them alone."
        return with_notice(visitor, "/suppression", " ".join(["Not all is erased yet.", *left]) if left else done)

    return [
        door.look("/suppression", show),
        door.act("/suppression/add", add, PageRole.OPERATOR),
        door.act("/suppression/record", add_record, PageRole.OPERATOR),
        door.act("/suppression/remove", remove, PageRole.ADMIN),
        door.act("/forget/look", look, PageRole.ADMIN),
        door.act("/forget", forget, PageRole.ADMIN),
    ]


def _asked(form: Form) -> PersonWish:
    texts = tuple(text for text in (one(form, name) for name in ("value", "other")) if text)
    record = record_in(form)
    if not (texts or record):
        raise ConfigError(["Name somebody by an e-mail address, a phone number or a profile."])
    return PersonWish(texts, record)
