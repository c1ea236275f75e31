"""The page by keyboard alone: everything is reached, seen where the focus is, done with Enter, and left again."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.entering import PATIENCE_MS, TOKEN, enter, first_story
from tests.harness.installation import Refill
from tests.harness.until import until

MOST = 400  # steps from one end of a page to the other
REACHABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
COUNT = """wanted => [...document.querySelectorAll(wanted)].filter(one => one.checkVisibility()).length"""
FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  window.met ??= new Map();
  if (!window.met.has(one)) window.met.set(one, window.met.size);
  return {
    met: window.met.get(one),
    html: one.outerHTML.slice(0, 120),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth && box.height > 0,
  };
}"""


async def focus(page: Page) -> dict[str, Any] | None:
    """Returns what has the focus: in sight, and outlined."""
    found: dict[str, Any] | None = await page.evaluate(FOCUS)
    assert found is None or (found["outlined"] and found["inside"]), found
    return found


async def walked(page: Page, key: str) -> list[int]:
    """Returns what a key leads to, in order, until nothing has the focus or what had it first has it again."""
    met: list[int] = []
    for _ in range(MOST):
        await page.keyboard.press(key)
        found = await focus(page)
        if found is None or found["met"] in met[:1]:
            return met
        assert found["met"] not in met, f"{key} goes in circles at {found['html']}"
        met.append(found["met"])
    raise AssertionError(f"{key} never comes to an end on {page.url}")


async def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until something has the focus."""
    for _ in range(MOST):
        await page.keyboard.press("Tab")
        await focus(page)
        if await wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab never comes to {wanted}")


async def test_everything_on_every_page_is_reached_and_left_with_tab(refill: Refill, browser: Browser) -> None:
    with refill.daemon("up") as up:
        url = await up.url()
        page = await enter(browser, url, "light", 1_000)
        story = await first_story(page)
        links = await page.get_by_role("navigation").get_by_role("link").all()
        up.terminate()  # so that nothing changes while it is walked over: the page is served until the end of requests
        assert await up.ended() == 0
    with refill.daemon("web") as web:
        url = await web.url()
        for place in [*[str(await one.get_attribute("href")) for one in links], story]:
            await page.goto(f"{url}{place}")
            if "/sign-in" in page.url:  # another port is another site
                page = await enter(browser, url, "light", 1_000)
                await page.goto(f"{url}{place}")
            there = await page.evaluate(COUNT, REACHABLE)
            onwards = await walked(page, "Tab")
            assert len(onwards) == there, f"{place}: {there} can be used, {len(onwards)} are reached"
            assert await walked(page, "Shift+Tab") == onwards[::-1], place


async def test_filter_story_undo_review_and_pause_need_no_mouse(refill: Refill, browser: Browser) -> None:
    with refill.daemon("up") as up:
        url = await up.url()
        page = await (await browser.new_context()).new_page()
        page.set_default_timeout(PATIENCE_MS)
        keys = page.keyboard

        # Sign in, and past the list of pages at once.
        await page.goto(f"{url}/records")
        await tab_to(page, page.get_by_label("Token"))
        await keys.type(TOKEN)
        await tab_to(page, page.get_by_label("Your name"))
        await keys.type("Ann")
        await keys.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Records")
        await page.goto(f"{url}/records")
        await keys.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
        await keys.press("Enter")
        await expect(page.get_by_role("main")).to_be_focused()
        await keys.press("Tab")
        await expect(page.get_by_label("Id, or address in the CRM")).to_be_focused()

        # Filter: a choice by its first letters, and a text.
        await tab_to(page, page.get_by_label("State"))
        await keys.type("wai")
        await expect(page.get_by_label("State")).to_have_value("waiting")
        await keys.press("Home")
        await expect(page.get_by_label("State")).to_have_value("")

        async def filtered() -> int:
            await page.goto(f"{url}/records")
            await tab_to(page, page.get_by_label("CRM", exact=True))
            await keys.type("acme_hubspot")
            await tab_to(page, page.get_by_label("Reason", exact=True))
            await keys.type("blank")
            await keys.press("Enter")
            await page.wait_for_url("**crm=acme_hubspot**")
            return int(await page.locator("tbody a[href^='/records/acme_hubspot/contact']").count())

        await until(filtered, "a filled contact")

        # A row of the table leads to its story, and that to what an undo would do.
        await tab_to(page, page.locator("tbody a[href^='/records/acme_hubspot/contact']").first)
        await keys.press("Enter")
        await expect(page.get_by_text("spent on it.")).to_be_visible()
        await tab_to(page, page.get_by_role("button", name="Undo…"))
        await keys.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("would go back")
        await tab_to(page, page.get_by_role("button", name="Take back"))
        await keys.press("Space")
        await expect(page.get_by_role("status")).to_contain_text(" back with the next visits")

        # Review: by the pages' own list.
        async def proposed() -> int:
            await page.goto(url)
            await tab_to(page, page.get_by_role("link", name="Review"))
            await keys.press("Enter")
            await page.wait_for_url("**/review")
            return int(await page.locator("tbody tr").count())

        await until(proposed, "a proposal")
        await tab_to(page, page.locator("tbody tr").first.get_by_role("button", name="Approve"))
        await keys.press("Enter")
        await expect(page.get_by_text("1 approved. The next visit carries it out.")).to_be_visible()

        # What is folded opens with Enter; Escape closes it and gives the focus back.
        await page.goto(f"{url}/pauses")
        fold = page.locator("details").first
        await tab_to(page, fold.locator("summary"))
        await keys.press("Enter")
        await expect(fold).to_have_attribute("open", "")
        await keys.press("Tab")
        assert await fold.evaluate("one => one.contains(document.activeElement)")
        await keys.press("Escape")
        await expect(fold).not_to_have_attribute("open", "")
        await expect(fold.locator("summary")).to_be_focused()
        await keys.press("Escape")
        await keys.press("Enter")
        await tab_to(page, fold.get_by_role("button", name="Pause"))
        await keys.press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("aused")
