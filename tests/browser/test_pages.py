"""The page in a real browser: it fills before one's eyes, takes a word, and is fit for everybody to use."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from socket import gethostname
from tempfile import gettempdir

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.browser.entering import PATIENCE_MS, enter, first_story
from tests.harness.installation import Refill
from worker.ledger.work.work import Due, Lane

IMAGES = Path(__file__).parents[2] / "docs" / "images"
GRAVE = {"serious", "critical"}
OURS = {str(Path(gettempdir())): "/data", gethostname(): "worker-1"}  # what a picture need not show of this machine
ELSEWHERE = """names => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    for (const [ours, told] of Object.entries(names))
      if (texts.currentNode.data.includes(ours))
        texts.currentNode.data = ours.startsWith("/") ? told : texts.currentNode.data.replace(ours, told);
}"""
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def is_fit(page: Page, where: str) -> None:
    """Nothing serious for axe, nothing to scroll sideways, nothing from elsewhere."""
    found = await Axe().run(page)
    grave = [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"] if one["impact"] in GRAVE]
    assert not grave, f"{where}: {grave}"
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, f"{where} is {wide} pixels too wide"


async def shot(page: Page, name: str) -> None:
    await page.evaluate(ELSEWHERE, OURS)
    await page.screenshot(path=IMAGES / f"page-{name}.png")


async def sheet(browser: Browser, name: str, pictures: Mapping[str, bytes], columns: int, width: int) -> None:
    """Lays the pictures of many pages out as one, each under its address."""
    cells = "".join(
        f'<figure><figcaption>{place}</figcaption><img src="data:image/png;base64,{b64encode(one).decode()}"></figure>'
        for place, one in pictures.items()
    )
    style = (
        f"body {{ display: grid; grid-template-columns: repeat({columns}, {width}px); gap: 16px; width: max-content;"
        " margin: 16px; font: 14px sans-serif; overflow-wrap: anywhere; background: #888; color: #000 }"
        " figure { margin: 0 }"
        f" img {{ width: {width}px; height: {width * 2 // 3}px; object-fit: cover; object-position: top }}"
    )
    if columns > 5:  # narrow pages are taller than wide
        style = style.replace(f"height: {width * 2 // 3}px", f"height: {width * 2}px")
    page = await browser.new_page()
    await page.set_content(f"<style>{style}</style>{cells}")
    await page.locator("body").screenshot(path=IMAGES / f"pages-{name}.jpg", type="jpeg", quality=70)
    await page.close()


async def bury(refill: Refill, *ids: str) -> None:
    """Dead letters of a crm that nobody works for any more."""
    async with refill.ledger() as ledger:
        work = ledger.work("old_portal", "contact")
        await work.add([Due(id) for id in ids], lane=Lane.LIVE, run="day-old_portal-2026-11-28")
        for lease in await work.claim("worker-1", 10):
            await work.bury(lease, "portal_rule")


async def journal(refill: Refill, cause: str) -> None:
    async with refill.ledger() as ledger:
        entry = json.dumps({"kind": "word", "state": "approved", "cause": cause})
        await ledger.journal.append("acme_hubspot", "contact", "101", "review-x", [entry], token=cause)


async def test_page_fills_live_and_takes_a_word(refill: Refill, browser: Browser) -> None:
    await bury(refill, "101", "102")
    with refill.daemon("up") as up:
        url = await up.url()
        page = await enter(browser, url, "light", 1_200)
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        main = page.get_by_role("main")

        await page.get_by_role("link", name="Overview").click()
        filled = page.get_by_role("region", name="Table of what was filled since the start").locator("tbody tr")
        await expect(filled.first).to_be_visible(timeout=PATIENCE_MS)  # without a click: the page asks again by itself
        await page.reload()
        await expect(page.locator("#rates canvas, .chart canvas").first).to_be_visible()
        await shot(page, "overview")

        # Live: lines come by themselves, and wait while the tab is hidden.
        await page.get_by_role("link", name="Live", exact=True).click()
        await journal(refill, "Bea")
        await expect(main.get_by_text("approved by a person: Bea")).to_be_visible()
        async with page.expect_event("requestfailed", lambda request: "/live/stream" in request.url):
            await page.evaluate(HIDE, True)
        await journal(refill, "Cem")
        await page.evaluate(HIDE, False)
        await expect(main.get_by_text("approved by a person: Cem")).to_be_visible()

        # Records: a filter stands in the address, and what it finds leads to a story.
        await page.get_by_role("link", name="Records", exact=True).click()
        await page.get_by_label("CRM", exact=True).fill("acme_hubspot")
        await page.get_by_label("Reason", exact=True).fill("blank")
        await page.get_by_role("button", name="Filter").click()
        assert "crm=acme_hubspot" in page.url
        await main.locator("tbody a[href^='/records/acme_hubspot/contact']").first.click()
        await expect(page.get_by_text("spent on it.")).to_be_visible()
        story = page.url
        await shot(page, "record")

        # Undo: shown first, then done, and told of in the record's story.
        await page.get_by_role("button", name="Undo…").click()
        await expect(page.get_by_role("status")).to_contain_text("would go back")
        await is_fit(page, "undo")
        await page.get_by_role("button", name="Take back").click()
        await expect(page.get_by_role("status")).to_contain_text(" back with the next visits")
        await page.goto(story)
        await expect(page.get_by_text("Undone by a person: Ann (admin).").first).to_be_visible()

        await page.goto(f"{url}/review?field=work_email")
        proposals = page.locator("tbody tr")
        await expect(proposals.first).to_be_visible(timeout=PATIENCE_MS)
        await shot(page, "review")
        record = (await proposals.first.locator("th a").inner_text()).split()
        await proposals.first.get_by_role("button", name="Approve").click()
        await expect(page.get_by_text("1 approved. The next visit carries it out.")).to_be_visible()
        await page.goto(f"{url}/records?q={record[2]}")
        await expect(page.get_by_text("Approved by a person: Ann (admin).")).to_be_visible()
        await page.get_by_role("button", name="Replay").click()
        await expect(page.get_by_role("status")).to_contain_text("The record is due now")

        # Replay of everything that is shown.
        await page.get_by_role("link", name="Dead letters").click()
        await shot(page, "dead")
        await page.get_by_role("button", name="Replay these 2").click()
        await expect(page.get_by_role("status").first).to_have_text("2 records are due again.")

        # Forget: shown first, then erased.
        await page.goto(story)
        await page.get_by_role("button", name="Forget the person…").click()
        await expect(page.get_by_role("heading", name="Data about them")).to_be_visible()
        await is_fit(page, "forget")
        await page.get_by_role("button", name="Erase all of this").click()
        await expect(page.get_by_role("status").first).to_contain_text("rased")

        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert not wrong
    assert all(one.startswith(url) for one in asked)


@pytest.mark.timeout(300)  # 17 pages, light and dark, narrow and wide
async def test_every_page_is_fit_for_everybody(refill: Refill, browser: Browser) -> None:
    await bury(refill, "101")
    with refill.daemon("up") as up:
        url = await up.url()
        page = await enter(browser, url, "dark", 1_200)
        story = await first_story(page)
        run = await page.locator("tbody a[href^='/runs/']").first.get_attribute("href")
        links = await page.get_by_role("navigation").get_by_role("link").all()
        places = [str(await one.get_attribute("href")) for one in links]
        assert len(places) == 14
        seen_narrow: dict[str, bytes] = {}
        for scheme in ("light", "dark"):
            narrow, wide = await enter(browser, url, scheme, 320), await enter(browser, url, scheme, 1_200)
            seen_wide: dict[str, bytes] = {}
            for place in [*places, story, str(run), "/records?state=dead"]:
                await narrow.goto(f"{url}{place}")
                await is_fit(narrow, f"{place} in {scheme}")
                await wide.goto(f"{url}{place}")
                for one in (wide, narrow):
                    await one.evaluate(ELSEWHERE, OURS)
                seen_wide[place] = await wide.screenshot()
                seen_narrow[f"{place} ({scheme})"] = await narrow.screenshot()
            await sheet(browser, scheme, seen_wide, 3, 600)
            await narrow.goto(url)
            await narrow.keyboard.press("Tab")
            await expect(narrow.get_by_role("link", name="Skip to the page")).to_be_focused()
            await narrow.get_by_role("button", name="Pages").click()
            await is_fit(narrow, f"the list of pages in {scheme}")
            await narrow.keyboard.press("Escape")
            await expect(narrow.get_by_role("link", name="Workers")).to_be_hidden()
            await narrow.get_by_role("button", name="Pages").click()
            await narrow.get_by_role("link", name="Workers").click()
            await expect(narrow.get_by_role("heading", level=1)).to_have_text("Workers")
            await narrow.goto(url)
        await shot(narrow, "narrow-dark")
        await sheet(browser, "narrow", seen_narrow, 9, 200)
