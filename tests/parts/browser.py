"""A real Chromium, driven by Playwright in a thread of its own (its sync API wants a thread without an event loop).

    async with browser() as chromium:
        seen = await chromium.run(walk, url)

    def walk(chromium: Chromium, url: str) -> T:        # in the thread
        with chromium.page(url, width=360) as (page, errors):
            ...

Each page has a context of its own. `errors` gathers its console's errors and warnings, which is where failed requests
and violations of the content security policy show.
"""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, TypeVar

import pytest
import trio
from playwright.sync_api import Browser, Page, sync_playwright

T = TypeVar("T")
TIMEOUT_MS = 15_000


class Chromium:
    """For use in the thread."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    @contextmanager
    def page(
        self,
        url: str,
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        scripts: bool = True,
        token: str | None = None,
    ) -> Iterator[tuple[Page, list[str]]]:
        """A page in a context of its own, loaded; and the list that its errors gather in."""
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        more: dict[str, Any] = {"http_credentials": {"username": "me", "password": token}} if token else {}
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts, **more
        )
        errors: list[str] = []
        try:
            page = context.new_page()
            page.set_default_timeout(TIMEOUT_MS)
            page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(url, wait_until="load")
            yield page, errors
        finally:
            context.close()


class Driver:
    """For use in trio."""

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """`function(chromium, *args)` in a thread, with a browser that ends with it."""
        return await trio.to_thread.run_sync(lambda: _in_thread(function, *args))


def _in_thread(function: Callable[..., T], *args: Any) -> T:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            return function(Chromium(browser), *args)
        finally:
            browser.close()


@asynccontextmanager
async def browser() -> AsyncIterator[Driver]:
    """Skips the test where there is no Chromium."""
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    yield Driver()
    await trio.lowlevel.checkpoint()


def sideways(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways: 0 is right."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
