"""The lab's page in a real Chromium, on a lab that only remembers."""

import pytest
from playwright.sync_api import Page

from lab.control import FaultState, Received
from lab.faults import FAULTS
from lab.page import extension
from lab.truth import Fact
from tests.collector.web.serving import serving
from tests.fakes.boards import NOW, FakeView
from tests.parts.browser import Chromium, browser

pytestmark = pytest.mark.slow
FIRST, LAST = next(iter(FAULTS)), next(name for name in reversed(FAULTS) if not FAULTS[name].remedy)


class RememberingLab:
    """As lab.lab.Lab, without a world."""

    def __init__(self) -> None:
        self.broken: dict[str, FaultState] = {}

    async def inject(self, fault: str, actor: str) -> None:
        self.broken[fault] = FaultState(fault=fault, since=NOW, actor=actor)

    async def mend(self, fault: str, actor: str) -> None:
        del self.broken[fault]

    async def mend_all(self, actor: str) -> list[str]:
        names = list(self.broken)
        self.broken.clear()
        return names

    async def states(self) -> dict[str, FaultState]:
        return self.broken

    async def received(self) -> list[Received]:
        return []

    def truth(self) -> list[Fact]:
        return []


def focused(page: Page) -> tuple[str, bool]:
    """What has the focus, and whether it shows that."""
    id_, shown = page.evaluate("[document.activeElement.id, document.activeElement.matches(':focus-visible')]")
    return str(id_), bool(shown)


async def test_a_button_that_is_pressed_keeps_the_focus_over_the_page_that_comes() -> None:
    lab = RememberingLab()
    added = extension(lab)  # type: ignore[arg-type]
    async with serving(lambda listen: FakeView(listen=listen, extension=added)) as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/lab", width=390) as (page, errors):
                for next_deed in ("mend", "break", "mend"):
                    with page.expect_navigation():
                        page.locator(f"#b-{LAST}").press("Enter")
                    assert page.locator(f'[action="/lab/{next_deed}/{LAST}"] #b-{LAST}').is_visible()
                    assert focused(page) == (f"b-{LAST}", True)
                    box = page.locator(f"#b-{LAST}").bounding_box()
                    assert box
                    assert 200 <= box["y"] <= 900 - box["height"], "with what it is about in sight"
                page.wait_for_selector("#live.on")
                with page.expect_navigation():
                    page.locator("#mend-all").press("Enter")
                assert page.locator("#mend-all").count() == 0
                page.keyboard.press("Tab")
                assert focused(page)[0] == f"b-{FIRST}", "it is gone: on from the heading above it"
                assert errors == []

        await chromium.run(walk)
