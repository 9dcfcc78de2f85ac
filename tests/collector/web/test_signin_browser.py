"""The page of sign-ins in a real Chromium."""

import msgspec
import pytest
import trio

from tests.collector.web.serving import serving
from tests.fakes.boards import HOSTILE, FakeHistory, FakeView
from tests.fakes.flows import CHECK, flow, flow_board
from tests.parts.browser import Chromium, browser, sideways

pytestmark = pytest.mark.slow


def shown(listen: str, name: str = CHECK) -> FakeView:
    return FakeView(flow_board("degraded", name), FakeHistory(flows={name: flow()}), listen=listen)


async def test_it_has_no_error_and_never_scrolls_sideways() -> None:
    async with serving(shown) as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            for width, dark, scripts in (
                (360, False, True),
                (390, True, False),
                (1280, True, True),
                (3840, False, True),
            ):
                with chromium.page(f"{site.url}/sign-in", width=width, dark=dark, scripts=scripts) as (page, errors):
                    if scripts:
                        page.wait_for_selector("#live.on")
                    for summary in page.locator("main summary").all():
                        if summary.is_visible():
                            summary.click()
                    assert (width, errors, page.evaluate("1 + 1") and sideways(page)) == (width, [], 0)

        await chromium.run(walk)


async def test_hostile_names_keep_the_layout() -> None:
    async with serving(lambda listen: shown(listen, HOSTILE)) as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/sign-in", width=360) as (page, errors):
                page.wait_for_selector("#live.on")
                assert page.locator("main h2").inner_text() == HOSTILE
                assert (errors, sideways(page)) == ([], 0)

        await chromium.run(walk)


async def test_by_keyboard_a_run_is_opened_and_stays_open_while_the_page_changes() -> None:
    async with serving(shown) as site, browser() as chromium:
        fake = site.fake

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/sign-in") as (page, errors):
                page.wait_for_selector("#live.on")
                assert page.locator("details.run[open] summary strong").all_inner_texts() == ["lon1", "password"]
                fra1 = page.locator("details.run").filter(has_text="fra1").first
                fra1.locator("summary").focus()
                page.keyboard.press("Enter")
                assert fra1.get_attribute("open") is not None
                trio.from_thread.run_sync(change)
                page.get_by_text("suspected").first.wait_for()
                assert fra1.get_attribute("open") is not None
                assert errors == []

        def change() -> None:
            board = msgspec.structs.replace(flow_board("suspected"), at=fake.board.at + 10**9)
            fake.show(board)

        await chromium.run(walk)
