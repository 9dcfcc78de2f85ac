"""Takes the pictures of the README and the docs: `python -m tools.screenshots docs/images`.

Those of the pages come from replays, which show the same on any machine, however busy; sign-in, which no replay has,
from a running lab (`python -m tools.screenshots docs/images lab`). With a page of `parallax dashboards preview` instead
of `lab`, those of the dashboards are taken from it.
"""

import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import trio
from playwright.sync_api import Page

from bench.faults import all_well, until
from lab.up import LabRunning, run_lab
from parallax.values import Address
from tests.parts.browser import Chromium, browser
from tests.parts.ports import free_port


class Shot(NamedTuple):
    """A picture of a page of a replay; `path` is where it is, or what leads there from the overview, as a selector."""

    name: str
    path: str
    at: str
    """The time of the replay from which on it is taken, HH:MM:SS."""
    height: int


REPLAYS: dict[str, tuple[float, tuple[Shot, ...]]] = {
    "2026-02-10-dns-provider-dark": (
        8,
        (
            Shot("incident", 'a[href^="/incident/"]', "17:08:00", 1050),
            Shot("overview", "/", "17:12:00", 980),
            Shot("dns", "/dns", "17:12:00", 980),
        ),
    ),
    "2025-08-06-region-flapping": (60, (Shot("failover-page", "/failover", "02:45:00", 970),)),
}
"""By incident: how fast it is played, and what is taken of it, in order."""
DASHBOARDS = ("overview", "authoritative", "signin", "anycast")
"""Those of which there is a picture."""
WIDTH = 1280
FAULT, WARM_S, BROKEN_S = "sign-in-broken", 90.0, 25.0
"""What the lab suffers; how long it is well before, and broken, when the picture is taken."""
PAINTED_MS = 1500
"""A page's charts ask for their points."""


async def of_replays(folder: Path) -> None:
    async with browser() as chromium:
        for incident, (speed, shots) in REPLAYS.items():
            await chromium.run(take_replay, incident, speed, shots, folder)


def take_replay(chromium: Chromium, incident: str, speed: float, shots: tuple[Shot, ...], folder: Path) -> None:
    """In the browser's thread."""
    listen = f"127.0.0.1:{free_port()}"
    order = [sys.executable, "-m", "parallax", "replay", incident, "--watch", f"--speed={speed}", f"--listen={listen}"]
    with subprocess.Popen(order, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "it says where it is once it is up"
            with chromium.page(f"http://{listen}/", width=WIDTH) as (page, _):
                for shot in shots:
                    page.set_viewport_size({"width": WIDTH, "height": shot.height})
                    open_at(page, f"http://{listen}", shot)
                    page.wait_for_timeout(PAINTED_MS)
                    page.screenshot(path=folder / f"{shot.name}.png")
        finally:
            process.send_signal(signal.SIGINT)


def open_at(page: Page, url: str, shot: Shot) -> None:
    """Opens a page as soon as the replay is there."""
    while True:
        page.goto(f"{url}{shot.path if shot.path.startswith('/') else '/'}")
        seen = re.search(r"\d\d:\d\d:\d\d", page.locator(".asof").inner_text())
        if seen is not None and seen.group() >= shot.at:
            break
        page.wait_for_timeout(PAINTED_MS)
    if not shot.path.startswith("/"):
        page.locator(shot.path).first.click()
        page.wait_for_load_state()


async def of_lab(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as state:
        async with trio.open_nursery() as nursery:
            running: LabRunning = await nursery.start(run_lab, Path(state), Address("127.0.0.1:0"), lambda line: None)
            await until(running, all_well)
            await trio.sleep(WARM_S)
            await running.lab.inject(FAULT, "screenshots")
            await until(running, lambda board: bool(board.incidents))
            await trio.sleep(BROKEN_S)
            async with browser() as chromium:
                await chromium.run(take_sign_in, f"{running.collector.url}/sign-in", folder)
            nursery.cancel_scope.cancel()


def take_sign_in(chromium: Chromium, url: str, folder: Path) -> None:
    """In the browser's thread."""
    with chromium.page(url, width=WIDTH) as (page, _):
        page.wait_for_timeout(PAINTED_MS)
        page.screenshot(path=folder / "sign-in.png", full_page=True)


async def of_preview(page: Path, folder: Path) -> None:
    async with browser() as chromium:
        await chromium.run(take_dashboards, page, folder)


def take_dashboards(chromium: Chromium, file: Path, folder: Path) -> None:
    """In the browser's thread."""
    with chromium.page(file.absolute().as_uri(), width=1400) as (page, _):
        for name in DASHBOARDS:
            page.locator(f"section#{name}").screenshot(path=folder / f"dashboard-{name}.png")


if __name__ == "__main__":
    folder, *rest = (Path(argument) for argument in sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    match [str(each) for each in rest]:
        case []:
            trio.run(of_replays, folder)
        case ["lab"]:
            trio.run(of_lab, folder)
        case _:
            trio.run(of_preview, rest[0], folder)
