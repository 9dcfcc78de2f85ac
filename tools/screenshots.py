"""Takes the pictures of the README and the docs from a running lab: `python -m tools.screenshots docs/images`; and with
a page of `parallax dashboards preview` behind it, those of the dashboards."""

import sys
import tempfile
from pathlib import Path

import trio

from bench.faults import all_well, until
from collector.inputs import CommandInput, encode_input
from lab.up import LabRunning, run_lab
from parallax.clock import NS, rfc3339, wall_ns
from parallax.values import Address
from tests.parts.browser import Chromium, browser

FAULT = "operator-dark"
DASHBOARDS = ("overview", "authoritative", "signin", "anycast")
"""Those of which there is a picture."""
WARM_S, BROKEN_S = 90.0, 25.0
"""How long the lab is well, so that the chart has a past, and broken, before the pictures are taken."""


async def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as state:
        async with trio.open_nursery() as nursery:
            running: LabRunning = await nursery.start(run_lab, Path(state), Address("127.0.0.1:0"), lambda line: None)
            await until(running, all_well)
            await trio.sleep(WARM_S)
            await running.lab.inject(FAULT, "screenshots")
            await trio.sleep(BROKEN_S)
            incidents = [incident.id for incident in running.collector.detector.board().incidents]
            pages = {"overview": "/", "dns": "/dns", "check": "/check/api", "probes": "/probes", "lab": "/lab"}
            if incidents:
                pages["incident"] = f"/incident/{incidents[0]}"
            async with browser() as chromium:
                await chromium.run(take, running.collector.url, pages, folder)
                await running.lab.mend(FAULT, "screenshots")
                await until(running, all_well)
                await switch_over(running)
                await chromium.run(take, running.collector.url, {"failover-page": "/failover"}, folder)
            nursery.cancel_scope.cancel()


async def switch_over(running: LabRunning) -> None:
    """A region dies, and the group goes to the standby. Nobody waits for its ten minutes here."""
    now = wall_ns()
    words = {"group": "edge", "rule": "S1", "why": "it was seen to work", "until": rfc3339(now + 3600 * NS)}
    given = {name: [text] for name, text in words.items()}
    command = CommandInput(at=now, word="failover_override", actor="ann", arguments=given)
    await running.collector.inputs.append([encode_input(command, at_ns=now)])
    await running.lab.inject("region-down", "screenshots")
    await until(running, lambda board: board.groups[0].phase == "failover")
    await trio.sleep(BROKEN_S)
    await running.lab.mend("region-down", "screenshots")
    await until(running, lambda board: board.groups[0].phase == "to_primary")


def take(chromium: Chromium, url: str, pages: dict[str, str], folder: Path) -> None:
    """In the browser's thread."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in pages.items():
        for suffix, width, dark in (("", 1280, False), ("-dark", 1280, True), ("-phone", 360, False)):
            with chromium.page(f"{url}{path}", width=width, dark=dark) as (page, _):
                page.wait_for_timeout(1500)  # the chart asks for its points
                page.screenshot(path=folder / f"{name}{suffix}.png", full_page=suffix == "-phone")


async def of_preview(page: Path, folder: Path) -> None:
    async with browser() as chromium:
        await chromium.run(take_dashboards, page, folder)


def take_dashboards(chromium: Chromium, file: Path, folder: Path) -> None:
    """In the browser's thread."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium.page(file.absolute().as_uri(), width=1400) as (page, _):
        for name in DASHBOARDS:
            page.locator(f"section#{name}").screenshot(path=folder / f"dashboard-{name}.png")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        trio.run(of_preview, Path(sys.argv[2]), Path(sys.argv[1]))
    else:
        trio.run(main, Path(sys.argv[1]))
