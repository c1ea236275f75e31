"""A walk fetches its next page while one is handled, and leaves nothing behind if it ends in between."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing, suppress
from types import SimpleNamespace
from typing import Any

from connectors.errors import UnavailableError
from connectors.models import Page
from worker.manual.look import _pages


class ReaderError(Exception):
    pass


class Portal:
    """Gives one page, and fails at the next as soon as nobody waits for it any more."""

    def __init__(self) -> None:
        self.asked, self.has_failed = asyncio.Event(), False

    async def walk(self, _watched: object, after: str) -> Page:
        if not after:
            return Page((), SimpleNamespace(id="1"), done=False)  # type: ignore[arg-type]  # its id only
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.has_failed = True
            raise UnavailableError("acme", "walk") from None
        raise AssertionError


async def test_a_walk_whose_reader_fails_ends_after_the_fetch_of_its_next_page() -> None:
    reported, portal = list[dict[str, Any]](), Portal()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, about: reported.append(about))
    watch: Any = SimpleNamespace(vendor=portal, watched=None)
    with suppress(ReaderError):
        async with aclosing(_pages(watch)) as pages:
            async for _ in pages:
                await portal.asked.wait()
                raise ReaderError
    assert portal.has_failed
    gc.collect()
    assert reported == []
