"""The pages in a real Chromium."""

from collections.abc import Callable

import msgspec
import pytest
import trio
from playwright.sync_api import Page

from tests.collector.web.serving import serving
from tests.fakes.boards import HOSTILE, INCIDENT, FakeView, full_board, hostile_board, large_board
from tests.fakes.groups import group, member
from tests.parts.browser import Chromium, browser, sideways

pytestmark = pytest.mark.slow
Show = Callable[..., None]
PAGES = ("/", "/incidents", f"/incident/{INCIDENT.id}", "/sign-in", "/dns", "/probes", "/check/authoritative%20DNS")


def shower(fake: FakeView) -> Show:
    """Shows a changed board, from the browser's thread."""

    def show(**changes: object) -> None:
        board = msgspec.structs.replace(fake.board, at=fake.board.at + 1_000_000_000, **changes)
        trio.from_thread.run_sync(fake.show, board)

    return show


async def test_no_page_has_an_error_or_scrolls_sideways() -> None:
    async with serving() as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            for path in PAGES:
                for width, dark in ((360, False), (1280, True), (3840, False)):
                    with chromium.page(site.url + path, width=width, dark=dark) as (page, errors):
                        page.wait_for_selector("#live.on")
                        assert (path, width, errors) == (path, width, [])
                        assert (path, width, sideways(page)) == (path, width, 0)

        await chromium.run(walk)


async def test_hostile_names_run_nothing_and_keep_the_layout() -> None:
    async with serving(lambda listen: FakeView(hostile_board(), listen=listen)) as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/", width=360) as (page, errors):
                page.on("dialog", lambda dialog: errors.append(dialog.message))
                page.wait_for_selector("#live.on")
                assert sideways(page) == 0
                assert page.locator(".component strong").inner_text() == HOSTILE
                page.locator("main a", has_text="alert").first.click()
                page.wait_for_url("**/incident/a%2Fb%3Fc")
                assert errors == []

        await chromium.run(walk)


async def test_addresses_in_the_matrix_break_at_their_joints_and_only_where_no_line_has_room() -> None:
    board = full_board()
    first, *others = board.checks
    long = "[2001:db8:4860:4802:0032:0000:0000:000a]:53"
    subjects = [
        msgspec.structs.replace(subject, subject=name)
        for subject, name in zip(first.subjects, (long, "ns1.dnsa.example (192.0.2.1:53)"), strict=False)
    ]
    board = msgspec.structs.replace(board, checks=(msgspec.structs.replace(first, subjects=tuple(subjects)), *others))
    lines = """all => all.map(one => {
      const parts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT), range = document.createRange();
      const rows = new Set();
      let torn = 0;
      while (parts.nextNode()) {
        range.selectNodeContents(parts.currentNode);
        for (const { top } of range.getClientRects()) rows.add(top);
        torn += range.getClientRects().length > 1;
      }
      return [one.textContent, rows.size, torn];
    })"""
    async with serving(lambda listen: FakeView(board, listen=listen)) as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/", width=390) as (page, errors):
                seen = {text: (rows, torn) for text, rows, torn in page.locator(".matrix .address").evaluate_all(lines)}
                assert seen[long][0] > 1
                assert [text for text, (_, torn) in seen.items() if torn] == []
                assert seen["ns1.dnsa.example"] == seen["(192.0.2.1:53)"] == (1, 0)
                assert (sideways(page), errors) == (0, [])
            with chromium.page(f"{site.url}/", width=1600) as (page, _):
                assert {rows for _, rows, _ in page.locator(".matrix .address").evaluate_all(lines)} == {1}

        await chromium.run(walk)


async def test_the_longest_names_of_members_stay_in_their_rows() -> None:
    long = tuple(member(f"{'very-long-' * 8}{end}", serves=0.5, seen_by=("x" * 64,)) for end in ("east", "west"))
    shown = msgspec.structs.replace(full_board(), groups=(group(members=long, serving=long[0].name),))
    async with serving(lambda listen: FakeView(shown, listen=listen)) as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            for width in (360, 1280):
                with chromium.page(f"{site.url}/failover", width=width) as (page, errors):
                    names = page.locator(".strip-names li")
                    boxes = [names.nth(number).bounding_box() for number in range(2)]
                    strip = page.locator(".strip svg").bounding_box()
                    assert boxes[0]
                    assert boxes[1]
                    assert strip
                    assert strip["width"] >= 150
                    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
                    assert boxes[1]["y"] + boxes[1]["height"] <= strip["y"] + strip["height"]
                    assert all(box["x"] + box["width"] <= strip["x"] for box in boxes if box)
                    assert names.nth(0).get_attribute("title") == long[0].name
                    assert (sideways(page), errors) == (0, [])

        await chromium.run(walk)


async def test_what_a_probe_does_not_run_is_seen_as_such_and_no_failure() -> None:
    board = full_board()
    first, *others = board.probes
    lacking = msgspec.structs.replace(
        first, lacks={"ipv6": "no route to the world", "direct_dns": "port 53 is intercepted"}, not_run={"ipv6": 12},
        location=(50.11, 8.68),
    )  # fmt: skip
    board = msgspec.structs.replace(board, probes=(lacking, *others))
    async with serving(lambda listen: FakeView(board, listen=listen)) as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/probes", width=1600) as (page, errors):
                page.wait_for_selector("#live.on")
                heads = page.locator("table.probes thead th").all_inner_texts()
                cells = dict(zip(heads, page.locator(f"#probe-{first.id} > *").all_inner_texts(), strict=True))
                assert "ipv6: no route to the world (12 runs)" in cells["Not run"]
                assert "direct_dns: port 53 is intercepted" in cells["Not run"]
                assert "50.11, 8.68" in cells["Region"]
                assert (cells["Provider"], cells["ASN"]) == (first.provider, str(first.asn))
                assert "they are no failures" in page.locator("p.note").last.inner_text()
                assert (errors, sideways(page)) == ([], 0)

        await chromium.run(walk)


async def test_what_changes_is_seen_and_what_the_reader_holds_stays() -> None:
    async with serving() as site, browser() as chromium:
        show = shower(site.fake)

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/", width=360, height=500) as (page, errors):
                page.wait_for_selector("#live.on")
                assert page.title().startswith("(2) ")
                page.locator(".component a", has_text="runbook").focus()
                page.evaluate("document.querySelector('.scroll').scrollLeft = 80; window.before = scrollY")
                page.evaluate("window.held = document.activeElement")
                components = full_board().components
                hurt = msgspec.structs.replace(components[2], state="full_outage", why="just now")
                show(components=(components[0], components[1], hurt, *components[3:]), incidents=(INCIDENT,))
                page.wait_for_selector("text=just now")
                assert page.title().startswith("(1) ")
                assert "4 of 7 components hurt" in page.locator("[role=status]").inner_text()
                assert page.evaluate("document.activeElement === window.held && document.contains(window.held)")
                assert page.evaluate("document.querySelector('.scroll').scrollLeft") == 80
                assert errors == []

        await chromium.run(walk)


async def test_a_plan_that_changes_brings_new_rows_without_a_reload_by_hand() -> None:
    async with serving() as site, browser() as chromium:
        show = shower(site.fake)

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/") as (page, errors):
                page.wait_for_selector("#live.on")
                page.evaluate("window.same = true")
                show(checks=large_board().checks)
                page.wait_for_selector("text=check 19 of the sign-in path")
                assert page.evaluate("window.same")
                page.wait_for_selector("#live.on")
                show(checks=(*large_board().checks[:-1], full_board().checks[0]))
                page.wait_for_selector("text=check 19 of the sign-in path", state="detached")
                assert page.locator(".matrix th a").last.inner_text() == "authoritative DNS"
                assert errors == []

        await chromium.run(walk)


async def test_a_collector_that_goes_is_said_so_and_its_return_too() -> None:
    async with browser() as chromium, trio.open_nursery() as nursery:
        live, lost, back = trio.Event(), trio.Event(), trio.Event()

        def walk(chromium: Chromium, url: str) -> None:
            with chromium.page(f"{url}/") as (page, _):
                page.wait_for_selector("#live.on")
                trio.from_thread.run_sync(live.set)
                page.wait_for_selector("#live.off")
                assert page.locator("#live").inner_text().startswith("not live since ")
                trio.from_thread.run_sync(lost.set)
                page.wait_for_selector("#live.on")
                trio.from_thread.run_sync(back.set)

        async with serving() as site:
            nursery.start_soon(chromium.run, walk, site.url)
            await live.wait()
        await lost.wait()
        async with serving(port=int(site.url.rpartition(":")[2])):
            await back.wait()


async def test_a_page_of_an_older_version_is_loaded_anew() -> None:
    async with serving() as site, browser() as chromium:
        show = shower(site.fake)

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/") as (page, errors):
                page.wait_for_selector("#live.on")
                page.evaluate("document.documentElement.dataset.version = 'older'")
                show(risks=())
                page.wait_for_selector(f"html[data-version='{site.pages.statics.version}'] #live.on")
                assert errors == []

        await chromium.run(walk)


async def test_everything_by_keyboard() -> None:
    async with serving() as site, browser() as chromium:

        def focused(page: Page) -> str:
            return str(page.evaluate("(document.activeElement.innerText || document.activeElement.className).trim()"))

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/") as (page, _):
                page.keyboard.press("Tab")
                assert focused(page) == "Skip to the content"
                assert page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
                page.keyboard.press("Enter")
                page.keyboard.press("Tab")
                assert focused(page) == INCIDENT.title
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid"
                page.keyboard.press("Enter")
                page.wait_for_url(f"**/incident/{INCIDENT.id}")
                seen = []
                for _ in range(30):
                    page.keyboard.press("Tab")
                    seen.append(focused(page))
                for name in ("Overview", "Incidents", "Probes", "authoritative DNS"):
                    assert name in seen

        await chromium.run(walk)


async def test_a_page_without_scripts_is_complete() -> None:
    async with serving() as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            for path in PAGES:
                with chromium.page(site.url + path, scripts=False) as (page, errors):
                    assert "2 open incidents" in page.inner_text("body")
                    assert page.locator("h1").count() == 1
                    assert page.locator("main").count() == 1
                    assert errors == []
            with chromium.page(f"{site.url}/", scripts=False) as (page, _):
                page.click(f"text={INCIDENT.title}")
                assert "incident opened" in page.inner_text("main")

        await chromium.run(walk)


async def test_colours_follow_the_reader_and_have_contrast() -> None:
    async with serving() as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            grounds = []
            for dark in (False, True):
                with chromium.page(f"{site.url}/", dark=dark) as (page, _):
                    grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
                    worst = page.evaluate(CONTRAST)
                    assert worst["ratio"] >= 4.5, worst
            assert grounds[0] != grounds[1]

        await chromium.run(walk)


CONTRAST = """() => {
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  let worst = { ratio: 99 };
  for (const element of document.querySelectorAll("body *:not(svg *)")) {
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
    if (!text || element.closest(".vh, .skip, script, style")) continue;
    const [a, b] = [parse(getComputedStyle(element).color).slice(0, 3), ground(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text, name: element.className };
  }
  return worst;
}"""
"""The text with the least contrast to its ground (WCAG 2.2, 1.4.3: 4.5 is enough)."""


async def test_a_token_is_asked_for_off_loopback_and_stays_with_the_stream() -> None:
    def closed(listen: str) -> FakeView:
        class Closed(FakeView):
            def view(self):  # type: ignore[no-untyped-def]
                return msgspec.structs.replace(super().view(), open=False)

        return Closed(listen=listen)

    async with serving(closed) as site, browser() as chromium:

        def walk(chromium: Chromium) -> None:
            with chromium.page(f"{site.url}/", token="viewer-token") as (page, errors):
                page.wait_for_selector("#live.on")
                assert errors == []

        await chromium.run(walk)
