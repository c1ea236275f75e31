"""A browser, and an installation whose Salesforce asks before it writes."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.entering import TOKEN
from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox
from tests.harness.vendors import all_vendors


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
