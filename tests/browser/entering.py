"""Signs in to the page as a person does."""

from __future__ import annotations

from playwright.async_api import Browser, Page, expect

from tests.harness.until import until

TOKEN, PATIENCE_MS = "page-token-canary", 60_000


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


async def first_story(page: Page) -> str:
    """Returns the address of a record's page, once one is listed."""
    found = page.locator("tbody a[href^='/records/acme_']")

    async def seen() -> int:
        await page.reload()
        return int(await found.count())

    await until(seen, "a record")
    return str(await found.first.get_attribute("href"))
