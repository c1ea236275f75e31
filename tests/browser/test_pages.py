"""The page in a real browser: it fills before one's eyes, takes a word, and is fit for everybody to use."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox
from tests.harness.vendors import all_vendors

TOKEN, PATIENCE_MS = "page-token-canary", 60_000
IMAGES = Path(__file__).parents[2] / "docs" / "images"
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="session")
def vendors() -> Iterator[dict[str, Sandbox]]:
    with all_vendors() as found:
        yield found


@pytest.fixture
def refill(tmp_path: Path, vendors: dict[str, Sandbox]) -> Refill:
    refill = Refill(tmp_path, vendors)
    refill.change(
        '[crm.acme_salesforce]\nkind = "salesforce"', '[crm.acme_salesforce]\nkind = "salesforce"\nmode = "review"'
    )
    refill.set(REFILL_WEB__TOKEN=TOKEN)
    return refill


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, else playwright's own."""
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield opened
        await opened.close()


async def enter(browser: Browser, url: str, scheme: str, width: int) -> Page:
    dark = scheme == "dark"
    context = await browser.new_context(
        color_scheme="dark" if dark else "light", viewport={"width": width, "height": 800}
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{url}/records")
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_label("Your name").fill("Ann")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Records")
    return page


async def is_fit(page: Page, where: str) -> None:
    """Nothing serious for axe, nothing to scroll sideways, nothing from elsewhere."""
    found = await Axe().run(page)
    grave = [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"] if one["impact"] in GRAVE]
    assert not grave, f"{where}: {grave}"
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, f"{where} is {wide} pixels too wide"


async def test_page_fills_live_takes_a_word_and_is_fit_for_everybody(refill: Refill, browser: Browser) -> None:
    with refill.daemon("up") as up:
        url = await up.url()
        page = await enter(browser, url, "light", 1_200)
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)

        await page.get_by_role("link", name="Overview").click()
        filled = page.get_by_role("region", name="Table of what was filled since the start").locator("tbody tr")
        await expect(filled.first).to_be_visible(timeout=PATIENCE_MS)  # without a click: the page asks again by itself
        await page.screenshot(path=IMAGES / "page-overview.png")

        await page.get_by_role("link", name="Records").click()
        await page.locator("tbody a").first.click()
        await expect(page.get_by_text("spent on it.")).to_be_visible()

        await page.goto(f"{url}/review?field=work_email")
        proposals = page.locator("tbody tr")
        await expect(proposals.first).to_be_visible(timeout=PATIENCE_MS)
        record = (await proposals.first.locator("th a").inner_text()).split()
        await proposals.first.get_by_role("button", name="Approve").click()
        await expect(page.get_by_text("1 approved; the next visit carries it out.")).to_be_visible()
        await page.goto(f"{url}/records?q={record[2]}")
        await expect(page.get_by_text("Approved by a person: Ann (admin).")).to_be_visible()
        await page.get_by_role("button", name="Look at it again").click()
        await expect(page.get_by_role("status")).to_contain_text("It is due now")

        story = page.url.partition("?")[0]
        pages = [f"{url}{path}" for path in ("/", "/records", "/review", "/dead", "/uncertain", "/workers")] + [story]
        for scheme in ("light", "dark"):
            narrow = await enter(browser, url, scheme, 320)
            for place in pages:
                await narrow.goto(place)
                await is_fit(narrow, f"{place.removeprefix(url)} in {scheme}")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert not wrong
    assert all(one.startswith(url) for one in asked)
