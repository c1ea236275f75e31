"""Uses the page as a browser would, without one: keeps cookies, names a form's origin, sends what it holds."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx


class Browser:
    """Acts as a browser: keeps cookies, names a form's origin, sends what the page put into it."""

    def __init__(self, url: str) -> None:
        self.url, self.http = url, httpx.AsyncClient(base_url=url, timeout=20, trust_env=False)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> httpx.Response:
        return await self.http.post(path, data=dict(fields), headers={"origin": self.url} | headers)

    async def enter(self, token: str, **more: str) -> httpx.Response:
        return await self.post("/sign-in", {"token": token, "next": "/"} | more)

    async def mark(self, path: str, action: str) -> str:
        """Returns the mark that the form to ``action`` on a page bears."""
        text = (await self.get(path)).text
        found = re.search(rf'action="{action}"[^>]*>\s*<input type="hidden" name="form" value="(\w+)"', text)
        return found[1] if found else ""

    async def fields(self, path: str, action: str, at: int = 0) -> dict[str, str]:
        """Returns what one of the forms to ``action`` on a page sends."""
        return hidden((await self.get(path)).text, action)[at]


def hidden(text: str, action: str) -> list[dict[str, str]]:
    """Returns what each form to ``action`` in a page's text sends by itself."""
    forms = re.findall(rf'<form method="post" action="{action}".*?</form>', text, re.DOTALL)
    inputs = [re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form) for form in forms]
    return [{name: html.unescape(value) for name, value in found} for found in inputs]


@asynccontextmanager
async def browsing(url: str, token: str = "", **more: str) -> AsyncIterator[Browser]:
    browser = Browser(url)
    async with browser.http:
        if token:
            assert (await browser.enter(token, **more)).status_code == 303
        yield browser
