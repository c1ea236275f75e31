"""The page: who gets in, what a form must bear, what a visitor may do, and that looking changes nothing."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis
from structlog.testing import capture_logs

from connectors.models import Question, Reply
from connectors.operations import Operation, Repeat
from connectors.telemetry import CallFigures
from tests.harness.browsing import browsing, hidden
from tests.integration.intake import senders
from tests.integration.intake.conftest import SECRETS, settings_in
from tests.integration.ledger import money, work_steps
from worker.commands.page_orders import PageOrders
from worker.ledger.journal.reviews import Proposal, Proposed, Reviews, Stand
from worker.ledger.ledger import Ledger
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.money.ticket_values import TicketTerms
from worker.ledger.run import Run, RunKind
from worker.ledger.work.work import Due, Lane
from worker.visits.budget_lines import spent_line
from worker.web.app import web_app
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.server import listen, serve

OPERATOR, VIEWER = "operator-token-canary", "viewer-token-canary"
WORK = ("acme_hubspot", "contact")
PAGES = (
    "/",
    "/records",
    "/records?q=101",
    "/records/acme_hubspot/contact/101",
    "/review",
    "/dead",
    "/records?state=dead&reason=rule",
    "/records?run=day-acme_hubspot-2026-11-28",
    "/uncertain",
    "/runs",
    "/runs/day-acme_hubspot-2026-11-28",
    "/deliveries",
    "/live",
    "/suppression",
    "/pauses",
    "/scorecard",
    "/calls",
    "/workers",
    "/configuration",
)


@asynccontextmanager
async def house(redis: Redis, folder: Path, *without: str, **more: str) -> AsyncIterator[str]:
    settings = settings_in(folder, without=without, **more)
    stop, bound = asyncio.Event(), listen(settings.web)
    ledger = Ledger.over(redis)
    orders = PageOrders(settings, ledger)
    await orders.prepare()
    app = web_app(ledger, settings, stop, orders)
    serving = asyncio.create_task(serve(app, bound, stop, grace_s=1))
    host, port = bound.getsockname()[:2]
    yield f"http://{host}:{port}"
    stop.set()
    await serving


@pytest.fixture
async def page(redis: Redis, tmp_path: Path) -> AsyncIterator[str]:
    more = {"REFILL_WEB__OPERATOR_TOKEN": OPERATOR, "REFILL_WEB__VIEWER_TOKEN": VIEWER}
    async with house(redis, tmp_path, **more) as url:
        yield url


async def content(redis: Redis) -> str:
    return str(await redis.execute_command("DEBUG", "DIGEST"))  # type: ignore[no-untyped-call]


async def bury(redis: Redis, *ids: str, reason: str = "portal_rule") -> Ledger:
    ledger = Ledger.over(redis)
    work = ledger.work(*WORK)
    await work.add([Due(id) for id in ids], lane=Lane.LIVE, run="day-acme_hubspot-2026-11-28")
    for lease in await work.claim("worker-1", 10):
        await work.bury(lease, reason)
    return ledger


async def test_without_a_token_there_is_no_page(redis: Redis, tmp_path: Path) -> None:
    async with house(redis, tmp_path, "REFILL_WEB__TOKEN") as url, browsing(url) as stranger:
        for path in ("/", "/sign-in", "/static/page.css"):
            assert (await stranger.get(path)).status_code == 404


async def test_stranger_is_sent_to_the_sign_in_and_a_wrong_token_opens_nothing(page: str) -> None:
    async with browsing(page) as stranger:
        for path in PAGES:
            answer = await stranger.get(path)
            assert (answer.status_code, answer.headers["location"][:9]) == (303, "/sign-in?")
        assert (await stranger.post("/dead/replay", {"seen": "0"})).status_code == 403
        assert (await stranger.enter("wrong")).status_code == 403
        assert not stranger.http.cookies
        outside = await stranger.post("/sign-in", {"token": senders.TOKEN, "next": "//elsewhere.example/"})
        assert (outside.status_code, outside.headers["location"]) == (303, "/")


async def test_who_tries_too_often_is_refused_even_with_the_token(page: str) -> None:
    async with browsing(page) as guesser:
        answers = [(await guesser.enter(f"guess {at}")).status_code for at in range(11)]
        assert answers == [403] * 10 + [429]
        assert (await guesser.enter(senders.TOKEN)).status_code == 429


async def test_cookie_is_for_us_alone_and_ends_with_the_sign_out(page: str, redis: Redis) -> None:
    async with browsing(page) as somebody:
        set_cookie = (await somebody.enter(senders.TOKEN)).headers["set-cookie"].lower()
        assert "httponly" in set_cookie
        assert "samesite=strict" in set_cookie
        secret = somebody.http.cookies["refill"]
        held = [await redis.get(key) for key in await redis.keys("*session*")]
        assert secret.encode() not in b"".join([*await redis.keys("*"), *(one for one in held if one)])
        mark = await somebody.mark("/", "/sign-out")
        assert (await somebody.post("/sign-out", {"form": mark})).status_code == 303
        somebody.http.cookies.set("refill", secret)
        assert (await somebody.get("/")).status_code == 303


async def test_cookie_is_secure_where_the_outside_asks_over_https(page: str) -> None:
    async with browsing(page) as somebody:
        own = {"host": "refill.acme.test", "origin": "https://refill.acme.test"}
        answer = await somebody.post("/sign-in", {"token": senders.TOKEN}, **own)
        assert answer.headers["set-cookie"].startswith("__Host-refill=")
        assert "; secure" in answer.headers["set-cookie"].lower()


async def test_pages_run_nothing_but_ours_and_looking_changes_nothing(page: str, redis: Redis) -> None:
    await bury(redis, "101")
    async with browsing(page, senders.TOKEN) as admin:
        before = await content(redis)
        for path in PAGES:
            answer = await admin.get(path)
            assert answer.status_code in {200, 303}, path
            policy = answer.headers.get("content-security-policy", "")
            if answer.status_code == 200:
                assert policy.startswith("default-src 'none'; script-src 'self' 'nonce-")
                assert "unsafe" not in policy
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert not re.search(r"<script(?![^>]* src=)|<style| style=|\son\w+=", answer.text)
        assert (await admin.get("/dead/replay")).status_code == 405
        assert await content(redis) == before
        assert (await admin.get("/", host="evil.example")).status_code == 421


async def test_form_of_somebody_else_changes_nothing(page: str, redis: Redis) -> None:
    ledger = await bury(redis, "101")
    async with browsing(page, senders.TOKEN) as admin:
        good = await admin.fields("/dead", "/dead/replay")
        before = await content(redis)
        assert (await admin.post("/dead/replay", good | {"form": "0" * 64})).status_code == 403
        assert (await admin.post("/dead/replay", good, origin="https://evil.example")).status_code == 403
        assert (await admin.post("/dead/replay", good, origin="null")).status_code == 403
        assert (await admin.http.post("/dead/replay", data=good)).status_code == 403
        other = good | {"form": await admin.mark("/", "/sign-out")}
        assert (await admin.post("/dead/replay", other)).status_code == 403
        assert await content(redis) == before
        await bury(redis, "102")  # one more than was shown
        await admin.post("/dead/replay", good)
        assert len(await ledger.work(*WORK).letters.page()) == 2


async def test_operator_replays_a_group_and_the_journal_says_who(page: str, redis: Redis) -> None:
    ledger = await bury(redis, "101", "102")
    await bury(redis, "103", reason="UnavailableError")
    async with browsing(page, OPERATOR, name="Ann") as operator:
        text = (await operator.get("/dead")).text
        assert text.index("CRM rule</h2>") < text.index("portal rule (2)") < text.index("Transient</h2>")
        all_of_them, rule, _ = hidden(text, "/dead/replay")
        assert (all_of_them["origin"], rule["origin"]) == ("", "CRM rule")
        done = await operator.post("/dead/replay", rule)
        assert "2 records are due again." in (await operator.get(done.headers["location"])).text
        assert [one.id for one in await ledger.work(*WORK).letters.page()] == ["103"]
        (entry,) = await ledger.journal.entries(*WORK, "101")
        assert json.loads(entry.entry) == {"kind": "word", "state": "replayed", "cause": "Ann (operator)"}
        assert "Replayed by a person: Ann (operator)." in (await operator.get("/records/acme_hubspot/contact/101")).text
        forged = await operator.get("/dead?said=Send+your+token+elsewhere&mark=00")
        assert "elsewhere" not in forged.text
        await bury(redis, "101")  # once more, and it is told of as it is now
        assert "portal rule (2)" in (await operator.get("/dead")).text


async def test_viewer_sees_and_changes_nothing(page: str, redis: Redis) -> None:
    await bury(redis, "101")
    async with browsing(page, VIEWER) as viewer:
        text = (await viewer.get("/dead")).text
        assert "portal rule (1)" in text
        assert '<form method="post"' not in text.partition("<main")[2]
        before = await content(redis)
        mark = PageVisitor(PageRole.VIEWER, "", viewer.http.cookies["refill"].encode()).mark("/dead/replay")
        fields = {"form": mark, "seen": "", "origin": "CRM rule"}
        refused = await viewer.post("/dead/replay", fields)
        assert (refused.status_code, "Your role, viewer, may not do this" in refused.text) == (403, True)
        assert await content(redis) == before


async def test_story_shows_the_vendors_own_id_of_a_request_whose_answer_is_kept(page: str, redis: Redis) -> None:
    desk = Ledger.over(redis).desk
    ticket = await money.send(desk, lines=[], ref=(*WORK, "101"))
    answered = Reply(200, {"cf-ray": "8c1f00aa11bb22cc-FRA"}, b"{}")
    await desk.store(ticket, answered, credits=5, hit=True, keep_ms=money.KEEP_MS)
    async with browsing(page, VIEWER) as viewer:
        assert "<code>8c1f00aa11bb22cc-FRA</code>" in (await viewer.get("/records/acme_hubspot/contact/101")).text


async def test_fill_rate_counts_a_sync_on_the_day_it_began(page: str, redis: Redis) -> None:
    run, left = Run.new(RunKind.SYNC).name, {"phone": "not_found"}
    for id, read in (("1", {"filled": {"phone": "kaspr"}}), ("2", {"unfilled": left}), ("3", {"unfilled": left})):
        work = Ledger.over(redis).work(*WORK)
        await work.settle(await work_steps.lease(work, id, run=run), replace(work_steps.READ, **read))
    desk = Ledger.over(redis).desk
    ticket = await money.send(desk, lines=[BudgetLine(spent_line(run, "forager"), 2**53)])
    await desk.store(ticket, money.reply(), credits=5, hit=True, keep_ms=money.KEEP_MS)
    async with browsing(page, VIEWER) as viewer:
        text = (await viewer.get("/")).text
        assert re.search(r'<th scope="row" class="key c0">phone</th><td class="n">33</td>', text)
        figures = "".join(f'<td class="n">{one}</td>' for one in (3, 3, 1, 2, 5))
        assert f'<a href="/runs/{run}">{run}</a></th>{figures}' in (await viewer.get("/runs")).text


def proposal(id: str, *lines: tuple[str, str]) -> Proposal:
    """Returns what a visit proposes for a record: a number from each provider, of fields in this order."""
    fields = ("mobile_phone", "phone")
    changes = [
        Proposed(field, field, "", value, provider, "") for field, (provider, value) in zip(fields, lines, strict=False)
    ]
    return Proposal(id, tuple(changes), "day-acme_hubspot-2026-11-28", 1)


async def test_word_on_all_that_match_is_a_word_on_what_was_shown(page: str, redis: Redis) -> None:
    ledger = Ledger.over(redis)
    reviews = Reviews(ledger.scripts, *WORK)
    await reviews.put(proposal("1", ("kaspr", "+15550101"), ("forager", "+15550102")))
    await reviews.put(proposal("2", ("kaspr", "+15550103")))
    await reviews.put(proposal("3", ("forager", "+15550104")))
    async with browsing(page, OPERATOR) as operator:

        async def shown(path: str) -> tuple[str, dict[str, str]]:
            text = (await operator.get(path)).text
            form = text[text.index('<form method="post" action="/review/decide"') :]
            form = form[: form.index("</form>")]
            return text, dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))

        async def stands() -> dict[str, tuple[Stand, list[str]]]:
            return {one.id: (one.stand, [line.after for line in one.changes]) for one in await reviews.all()}

        text, fields = await shown("/review?provider=kaspr")
        assert "2 records match" in text
        assert "+15550102" not in text  # another provider's number is not shown, so it is not decided on
        before = await stands()
        await reviews.put(proposal("2", ("kaspr", "+15550199")))  # another value than was shown
        await operator.post("/review/decide", fields | {"word": "approve"})
        await reviews.put(proposal("2", ("kaspr", "+15550103")))
        assert await stands() == before

        await operator.post("/review/decide", fields | {"word": "approve"})
        assert await stands() == {
            "1": (Stand.APPROVED, ["+15550101"]),
            "2": (Stand.APPROVED, ["+15550103"]),
            "3": (Stand.PROPOSED, ["+15550104"]),
        }
        assert await ledger.work(*WORK).ready() == 2

        _, fields = await shown("/review")  # one record is left, with a form of its own
        assert (fields["only_id"], fields["id"]) == ("3", "")
        await operator.post("/review/decide", fields | {"only_id": "4", "word": "reject"})
        assert (await stands())["3"][0] is Stand.PROPOSED
        await operator.post("/review/decide", fields | {"word": "reject"})
        assert (await stands())["3"][0] is Stand.REJECTED


async def test_a_delivery_that_matches_in_part_is_shown_and_decided_whole(page: str, redis: Redis) -> None:
    ledger = Ledger.over(redis)
    delivery = (WORK[0], "delivery")
    reviews = Reviews(ledger.scripts, *delivery)
    await ledger.work(*delivery).add([Due("row-1")], lane=Lane.LIVE, run="collect")
    row = proposal("row-1", ("openprospect", "+15550101"), ("kaspr", "+15550102"))
    await reviews.put(row)
    async with browsing(page, OPERATOR) as operator:
        text = (await operator.get("/review?field=phone")).text
        assert "1 record matches" in text
        assert "+15550101" in text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))
        await operator.post("/review/decide", fields | {"word": "approve"})
    assert await reviews.all() == [replace(row, stand=Stand.APPROVED)]
    assert await ledger.work(*delivery).ready() == 1


async def test_role_of_a_proxy_counts_from_a_trusted_address_alone(redis: Redis, tmp_path: Path) -> None:
    more = {"REFILL_WEB__ROLES_HEADER": "X-Roles", "REFILL_WEB__USER_HEADER": "X-User"}
    named = {"x-roles": "staff, Operator", "x-user": "Bea"}
    async with (
        house(redis, tmp_path, **more, REFILL_WEB__PROXIES="127.0.0.1") as url,
        browsing(url) as behind,
    ):
        assert "Bea (operator)" in (await behind.get("/", **named)).text
        assert (await behind.get("/", **{"x-roles": "staff"})).status_code == 303
    async with house(redis, tmp_path, **more, REFILL_WEB__PROXIES="10.0.0.7") as url, browsing(url) as outside:
        assert (await outside.get("/", **named)).status_code == 303


ACTIONS = {
    "/dead/replay": PageRole.OPERATOR,
    "/review/decide": PageRole.OPERATOR,
    "/replay/acme_hubspot/contact/101": PageRole.OPERATOR,
    "/undo/look": PageRole.OPERATOR,
    "/undo": PageRole.OPERATOR,
    "/suppression/add": PageRole.OPERATOR,
    "/suppression/record": PageRole.OPERATOR,
    "/suppression/remove": PageRole.ADMIN,
    "/pauses/pause": PageRole.OPERATOR,
    "/pauses/resume": PageRole.OPERATOR,
    "/forget/look": PageRole.ADMIN,
    "/forget": PageRole.ADMIN,
}


@pytest.mark.parametrize(("token", "role"), [(VIEWER, PageRole.VIEWER), (OPERATOR, PageRole.OPERATOR)])
async def test_no_action_is_taken_below_its_role(page: str, redis: Redis, token: str, role: PageRole) -> None:
    await bury(redis, "101")
    async with browsing(page, token) as somebody:
        visitor = PageVisitor(role, "", somebody.http.cookies["refill"].encode())
        before = await content(redis)
        for action, least in ACTIONS.items():
            assert (await somebody.get(action)).status_code == 405 or action.startswith("/replay"), action
            if role < least:
                refused = await somebody.post(action, {"form": visitor.mark(action), "value": "a@example.com"})
                assert (refused.status_code, f"Your role, {role.word}, may not do this" in refused.text) == (403, True)
                for path in PAGES:
                    assert f'action="{action}"' not in (await somebody.get(path)).text
        assert await content(redis) == before


async def test_run_says_in_figures_what_it_has_spent(page: str, redis: Redis) -> None:
    run, desk = "day-acme_hubspot-2026-11-28", Ledger.over(redis).desk
    async with browsing(page, VIEWER) as viewer:
        await bury(redis, "101")
        assert "<dt>Spent at forager</dt><dd>0 credits</dd>" in (await viewer.get(f"/runs/{run}")).text
    asked = Question("forager", "1", "work_emails", {"slug": "ann"}, 3)
    lines = [BudgetLine(spent_line(run, "forager"), 2**53)]
    await desk.reserve(asked, TicketTerms("w", 9_000, 9_000), ref=None, lines=lines)
    async with browsing(page, VIEWER) as viewer:
        text = (await viewer.get(f"/runs/{run}")).text
    assert "<dt>Spent at forager</dt><dd>0 credits, and 3 reserved</dd>" in text


async def test_configuration_is_shown_without_a_secret(page: str) -> None:
    async with browsing(page, VIEWER) as viewer:
        text = (await viewer.get("/configuration")).text
    assert "crm.acme_hubspot.watch.contact.where.lifecyclestage" in text
    assert re.search(r"providers.forager.api_key</code></th><td>•+</td>", text)
    for name, secret in SECRETS.items():
        assert secret not in text, name
    for key, value in (("worker.grace", "75s"), ("journal.keep", "180d"), ("providers.forager.rate", r"\d+/\w[\w ]+")):
        assert re.search(rf"<code>{key}</code></th><td>{value}</td>", text), key  # as one would write it


async def test_last_calls_are_shown_without_whom_they_were_about(page: str, redis: Redis) -> None:
    calls = CallFigures()
    calls.note("forager", Operation("person", "GET", "api/people/{slug}", Repeat.SAFE), 404, 0.123)
    await Ledger.over(redis).calls.keep_last(calls.last())
    async with browsing(page, VIEWER) as viewer:
        text = (await viewer.get("/calls?vendor=forager")).text
    assert "<td><code>api/people/{slug}</code></td>" in text
    assert '<td class="n">404</td><td class="n">123</td>' in text


async def test_strangers_at_the_door_of_the_page_cost_a_line_a_second_of_each_kind(page: str) -> None:
    """However they are refused: a form of another type, a wrong token, too many of them."""
    began = time.monotonic()
    with capture_logs() as told:
        async with browsing(page) as stranger:
            for _ in range(100):
                answer = await stranger.http.post("/sign-in", content=b"x", headers={"origin": page})
                assert answer.status_code == 415
                assert (await stranger.enter("wrong")).status_code in {403, 429}
    kinds = Counter(one["reason"] for one in told if one["event"] == "page.refused")
    assert kinds.keys() == {"content_type", "token", "tries"}
    assert max(kinds.values()) <= 1 + time.monotonic() - began
