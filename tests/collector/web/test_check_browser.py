"""The chart, the map and the tables in a real Chromium: by keyboard, on a phone, in the dark, without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from collector.history import QueryError
from collector.web.words import check_path
from parallax.clock import NS
from tests.collector.web.serving import serving
from tests.fakes.boards import HOSTILE, NOW, FakeHistory, FakeView, hostile_board
from tests.fakes.points import points
from tests.parts.browser import Chromium, browser, sideways

pytestmark = pytest.mark.slow

CHECK = "/check/authoritative%20DNS"
PROBES = ("fra1", "iad1")
DAY = points(PROBES, until=NOW, steps=60, failing=[("iad1", back) for back in range(5, 15)])

# How many of the chart's pixels have the colour of a custom property; `from`, `to`: the part of the width to look at.
COUNT = """([name, from, to]) => {
  const canvas = document.querySelector(".chart-frame canvas");
  const probe = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  probe.fillStyle = getComputedStyle(document.querySelector(".chart")).getPropertyValue(name).trim();
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const left = Math.floor(canvas.width * from), wide = Math.floor(canvas.width * (to - from));
  const copy = new OffscreenCanvas(wide, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, -left, 0);
  const seen = copy.getImageData(0, 0, wide, canvas.height).data;
  let count = 0;
  for (let i = 0; i < seen.length; i += 4)
    count += Math.abs(seen[i] - r) + Math.abs(seen[i + 1] - g) + Math.abs(seen[i + 2] - b) < 24 && seen[i + 3] > 200;
  return count;
}"""


def painted(page: Page, colour: str, part: tuple[float, float] = (0, 1)) -> int:
    return int(page.evaluate(COUNT, [colour, *part]))


def wait_true(page: Page, condition: str, argument: Any = None) -> None:
    """Until the function holds, with each frame. (Playwright's own wait needs `eval`, which the policy bars.)"""
    look = f"""async (argument) => {{
      const holds = {condition}, end = performance.now() + 10000;
      while (!holds(argument)) {{
        if (performance.now() > end) return false;
        await new Promise(requestAnimationFrame);
      }}
      return true;
    }}"""
    assert page.evaluate(look, argument), condition


def wait_painted(page: Page, colour: str, more_than: int, part: tuple[float, float] = (0, 1)) -> None:
    wait_true(page, f"(of) => ({COUNT})(of) > {more_than}", [colour, *part])


def wait_chart(page: Page) -> None:
    page.locator(".chart-legend button").first.wait_for()


async def drive(function: Callable[..., Any], *args: Any, history: FakeHistory | None = None, **of_view: Any) -> Any:
    """`function(chromium, url, *args)` against pages of their own."""
    shown = history or FakeHistory(points=DAY)
    async with browser() as driver, serving(lambda listen: FakeView(history=shown, listen=listen, **of_view)) as site:
        return await driver.run(function, site.url, *args)


async def test_lines_and_failures_are_painted_and_nothing_breaks_the_policy() -> None:
    def look(chromium: Chromium, url: str) -> None:
        with chromium.page(url + CHECK) as (page, errors):
            wait_chart(page)
            wait_painted(page, "--shade-0", 300)
            assert painted(page, "--shade-1") > 300
            assert painted(page, "--chart-bad") > 100, "failures are marked"
            # They were 5 to 15 minutes ago: not in the first half of the hour.
            assert painted(page, "--chart-bad", (0, 0.5)) == 0
            assert errors == []
            assert page.locator(".chart-frame .uplot").count() == 1

    await drive(look)


async def test_the_legend_and_the_figures_work_by_keyboard() -> None:
    def walk(chromium: Chromium, url: str) -> None:
        with chromium.page(url + CHECK) as (page, errors):
            wait_chart(page)
            frame, said = page.locator(".chart-frame"), page.locator(".chart-said")
            frame.focus()
            page.keyboard.press("End")
            assert said.text_content() == "10 Feb 17:05–17:06 UTC: no failure"
            for _ in range(8):
                page.keyboard.press("ArrowLeft")
            assert "failed: iad1 2 of 2" in str(said.text_content())
            assert page.locator(".chart-legend .value").all_text_contents() == ["20 ms", "failed"]
            page.keyboard.press("Home")
            assert str(said.text_content()).startswith("10 Feb 16:06–16:07 UTC")
            page.keyboard.press("Escape")
            assert said.text_content() == ""

            page.keyboard.press("Tab")
            button = page.locator(".chart-legend button").first
            assert button.evaluate("it => it === document.activeElement")
            before = painted(page, "--shade-0")
            page.keyboard.press("Space")
            assert button.get_attribute("aria-pressed") == "false"
            wait_true(page, f"(of) => ({COUNT})(of) < {before // 2}", ["--shade-0", 0, 1])
            page.keyboard.press("Enter")
            assert button.get_attribute("aria-pressed") == "true"
            assert errors == []

    await drive(walk)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 3840])
async def test_no_page_is_wider_than_the_screen(width: int, dark: bool) -> None:
    def look(chromium: Chromium, url: str) -> None:
        for path in (CHECK, "/probes"):
            with chromium.page(url + path, width=width, dark=dark) as (page, errors):
                if path == CHECK:
                    wait_chart(page)
                    page.evaluate("document.querySelector('details').open = true")
                assert sideways(page) == 0, path
                assert errors == []

    await drive(look)


async def test_hostile_names_stay_text_and_inside_the_screen() -> None:
    def look(chromium: Chromium, url: str) -> None:
        for path in (check_path(HOSTILE), "/probes"):
            with chromium.page(url + path, width=360) as (page, errors):
                assert sideways(page) == 0, path
                assert page.evaluate("document.querySelectorAll('main script, main [onload]').length") == 0
                assert errors == []

    await drive(look, board=hostile_board())


async def test_the_chart_follows_the_dark_mode_and_the_window() -> None:
    def look(chromium: Chromium, url: str) -> None:
        with chromium.page(url + CHECK, width=1280) as (page, errors):
            wait_chart(page)
            light = page.evaluate("getComputedStyle(document.querySelector('.chart')).getPropertyValue('--shade-0')")
            page.emulate_media(color_scheme="dark")
            dark = page.evaluate("getComputedStyle(document.querySelector('.chart')).getPropertyValue('--shade-0')")
            assert light != dark
            wait_painted(page, "--shade-0", 300)
            page.set_viewport_size({"width": 500, "height": 800})
            wait_true(page, "() => document.querySelector('.chart-frame canvas').getBoundingClientRect().width < 500")
            assert sideways(page) == 0
            assert errors == []

    await drive(look)


async def test_later_figures_come_without_a_new_chart() -> None:
    moments = [NOW, NOW + 120 * NS]
    history = FakeHistory(points=DAY)

    def look(chromium: Chromium, url: str) -> None:
        with chromium.page(url + CHECK) as (page, errors):
            wait_chart(page)
            canvas = page.locator(".chart-frame canvas").element_handle()
            assert painted(page, "--chart-bad", (0.96, 1)) == 0
            moments.pop(0)
            history.figures = DAY + points(PROBES, until=NOW + 60 * NS, steps=2, failing=[("fra1", 0), ("fra1", 1)])
            with page.expect_response("**/points.json?*since=*") as answer:
                page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            assert answer.value.json()["until_s"] == NOW // NS + 120
            assert len(answer.value.body()) < 500, "only the end is asked for"
            wait_painted(page, "--chart-bad", 10, (0.96, 1))
            assert canvas is not None
            assert canvas.evaluate("it => it.isConnected"), "the chart is still the same one"
            assert errors == []

    await drive(look, history=history, now=lambda: moments[0])


async def test_figures_are_joined_as_they_would_come_anew() -> None:
    def look(chromium: Chromium, url: str) -> None:
        with chromium.page(url + CHECK) as (page, _):
            script = page.locator("script[src$='chart.js']").get_attribute("src")
            join = f"async ([a, b]) => (await import('{script}')).joined(a, b)"

            def chart(since: int, values: list[float | None], failed: Any = (), probe: str = "a") -> dict[str, Any]:
                line = {"probe": probe, "p50_ms": values, "p95_ms": values, "failed": list(failed)}
                return {"since_s": since, "until_s": since + 60 * len(values), "step_s": 60, "lines": [line]}

            old = chart(0, [1, 2, None, 4], [[2, 1, 1], [3, 1, 2]])
            joined = page.evaluate(join, [old, chart(180, [5, 6], [[1, 3, 3]])])
            assert joined == chart(60, [2, None, 5, 6], [[1, 1, 1], [3, 3, 3]])
            other = page.evaluate(join, [old, chart(180, [7], probe="b")])
            assert [line["probe"] for line in other["lines"]] == ["a", "b"]
            assert other["lines"][0]["p50_ms"] == [1, 2, None, None]
            assert other["lines"][1]["p50_ms"] == [None, None, None, 7]
            assert page.evaluate(join, [old, chart(600, [7])]) is None, "a gap between them"

    await drive(look)


async def test_a_history_that_fails_is_said_and_asked_again() -> None:
    answers: list[str] = ["broken"]

    async def hold() -> None:
        if answers:
            raise QueryError("the file is damaged")

    history = FakeHistory(points=DAY, hold=hold)

    def look(chromium: Chromium, url: str) -> None:
        with chromium.page(url + CHECK) as (page, _):
            wait_true(page, "() => document.querySelector('.chart .note').textContent.includes('damaged')")
            answers.clear()
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            wait_chart(page)
            wait_true(page, "() => document.querySelector('.chart .note').textContent === ''")

    await drive(look, history=history)


async def test_without_scripts_the_figures_are_there() -> None:
    def look(chromium: Chromium, url: str) -> None:
        with chromium.page(url + CHECK, scripts=False) as (page, errors):
            assert page.get_by_text("The chart needs JavaScript").is_visible()
            page.locator("summary").click()
            assert page.get_by_text("10 of 10 failed").is_visible()
            page.get_by_role("link", name="6 hours").click()
            assert page.url.endswith("?span=6h#latency")
            page.get_by_label("Of", exact=True).select_option(index=1)
            page.get_by_role("button", name="Show").click()
            assert "of=vendor.example" in page.url
            assert "span=6h" in page.url
            assert errors == []

    await drive(look)


async def test_a_pin_leads_to_its_row() -> None:
    def look(chromium: Chromium, url: str) -> None:
        with chromium.page(url + "/") as (page, errors):
            page.get_by_role("link", name="nrt1 in ap-northeast").focus()
            page.keyboard.press("Enter")
            page.wait_for_url("**/probes#probe-nrt1")
            assert page.locator("tr:target th").text_content() == "nrt1"
            assert errors == []

    await drive(look)
