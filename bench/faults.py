"""From a fault in the lab to the page and to the webhook's bytes: every fault of the lab that is an incident is broken
and mended once.

The lab runs as `parallax up` runs it: eight probes that check every 5 s. The truth is the lab's own log. The page is
an open browser's stream of `/`, read to the first message that links an incident which was not there before; the
webhook is what the lab's pager received. All clocks are this machine's. Prints one line of JSON.

    python -m bench.faults [FAULT ...]
"""

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import trio

from collector.board import Board
from lab.control import Received
from lab.faults import FAULTS
from lab.lab import Lab
from lab.up import LabRunning, run_lab
from parallax.clock import NS, wall_ns
from parallax.dialling.http import open_http
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.values import Address

READY_S, FOUND_S, SETTLED_S, MENDED_S = 60.0, 45.0, 15.0, 120.0
_LINK = re.compile(r"/incident/([\w.-]+)")
_SECTION = re.compile(r'data-live="([^"]+)"[^>]*data-hash="([^"]+)"')


class Stream:
    """What an open page gets told: whether it links an incident, and since when it does or does not."""

    def __init__(self) -> None:
        self.open = False
        self.since = 0
        self._sections: dict[str, str] = {}
        self._changed = trio.Event()

    def take(self, sections: dict[str, str]) -> None:
        self._sections |= sections
        now_open = bool(_LINK.search("".join(self._sections.values())))
        if now_open != self.open:
            self.open, self.since = now_open, wall_ns()
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def wait(self, *, open: bool) -> int:  # noqa: A002
        """Returns when it came so, wall clock, ns."""
        while self.open != open:
            await self._changed.wait()
        return self.since

    async def read(self, address: Address) -> None:
        """Reads `/` and its stream, again and again as a browser would."""
        url, routes = f"http://{address}", Routes.of([], EVERYWHERE)
        while True:
            async with open_http(address, routes, Trust(None)) as http:
                async with http.request("GET", f"{url}/", headers={}) as answer:
                    page = (await answer.aread()).decode()
                have = ",".join(f"{name}:{known}" for name, known in _SECTION.findall(page))
                self.take({"page": page})
                live = f"{url}/live?path=/&have={have}"
                async with http.request("GET", live, headers={"Accept": "text/event-stream"}) as answer:
                    text = ""
                    async for part in answer.aiter_raw():
                        text += part.decode()
                        *messages, text = text.split("\n\n")
                        for message in messages:
                            data = message.partition("data: ")[2]
                            if message.startswith("event: message"):
                                self._sections.pop("page", None)
                                self.take({k: html for k, (_, html) in json.loads(data)["sections"].items()})


async def main(wanted: list[str]) -> None:
    figures: dict[str, Any] = {
        "bench": "From a fault to the page and the pager",
        "probes": 8,
        "period_s": 5,
        "timeout_s": 2,
    }
    with tempfile.TemporaryDirectory() as folder:
        async with trio.open_nursery() as nursery:
            began = trio.current_time()
            running: LabRunning = await nursery.start(run_lab, Path(folder), Address("127.0.0.1:0"), _quiet)
            figures["up_until_ready_s"] = round(trio.current_time() - began, 1)
            with trio.fail_after(READY_S):
                await until(running, all_well)
            figures["all_probes_seen_s"] = round(trio.current_time() - began, 1)
            stream = Stream()
            nursery.start_soon(stream.read, running.collector.address)
            for name in wanted or [name for name, fault in FAULTS.items() if fault.incident]:
                figures[name] = await measure(name, running, stream)
                print(name, figures[name], file=sys.stderr)
            nursery.cancel_scope.cancel()
    print(json.dumps(figures))


async def measure(name: str, running: LabRunning, stream: Stream) -> dict[str, Any]:
    """One fault: seconds from the truth to the page and the pager, what was said, and the same for the mending."""
    lab = running.lab
    await lab.inject(name, "bench")
    broken_at = await truth(lab, name, "break")
    figures: dict[str, Any] = {}
    with trio.move_on_after(FOUND_S):
        figures["page_s"] = _seconds(broken_at, await stream.wait(open=True))
        page = await wait_page(lab, broken_at, ("incident.opened", "incident.reopened"))
        figures["webhook_s"] = _seconds(broken_at, page.received_at)
    await trio.sleep(SETTLED_S)
    board = running.collector.detector.board()
    figures["said"] = "; ".join(incident.title for incident in board.incidents) or "nothing"
    hurt = [f"{c.name}: {c.state.replace('_', ' ')}" for c in board.components if c.state != "operational"]
    figures["components"] = ", ".join(hurt) or "all operational"
    await lab.mend(name, "bench")
    mended_at = await truth(lab, name, "mend")
    with trio.move_on_after(MENDED_S):
        figures["closed_on_page_s"] = _seconds(mended_at, await stream.wait(open=False))
        page = await wait_page(lab, mended_at, ("incident.monitoring", "incident.resolved"))
        figures["closed_by_webhook_s"] = _seconds(mended_at, page.received_at)
        await until(running, all_well)
        figures["all_well_s"] = _seconds(mended_at, wall_ns())
    return figures


def _seconds(since: int, at: int) -> float:
    return round((at - since) / NS, 1)


async def wait_page(lab: Lab, since: int, types: tuple[str, ...]) -> Received:
    """The first page of these types that the pager received after a moment."""
    while True:
        fresh = [page for page in await lab.received() if page.received_at > since and page.type in types]
        if fresh:
            return fresh[-1]  # the oldest of them
        await trio.sleep(0.1)


async def truth(lab: Lab, name: str, what: str) -> int:
    facts = await trio.to_thread.run_sync(lab.truth)
    return next(fact.at for fact in facts if fact.fault == name and fact.do == what)


async def until(running: LabRunning, condition: Any) -> None:
    while not condition(running.collector.detector.board()):
        await running.collector.detector.wait_changed(running.collector.detector.board())


def all_well(board: Board) -> bool:
    return (
        len(board.probes) == 8
        and all(probe.state == "healthy" for probe in board.probes)
        and not board.incidents
        and all(component.state == "operational" for component in board.components)
    )


def _quiet(line: bytes) -> None:
    """The children's logs are not looked at here."""


if __name__ == "__main__":
    trio.run(main, sys.argv[1:])
