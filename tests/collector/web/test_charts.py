"""Charts are drawn for whoever has their address, once, and for nobody else."""

from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

import pytest
import trio
import trio.testing
from starlette.applications import Starlette

from collector.alerts.chart_links import ChartLinks
from collector.web.charts import AT_ONCE, MOST_KEPT, Charts
from parallax.clock import NS
from parallax.values import Url
from tests.collector.alerts.test_chart_links import NASTY, about
from tests.fakes.events import AT

LINKS = ChartLinks(Url("https://parallax.example.org"), bytes(32))
LATER = AT + 3600 * NS


class Drawn:
    """Draws by hand: `picture` None is a history that does not answer; `gate` holds drawings up."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.picture: bytes | None = b"\x89PNG"
        self.gate = trio.Event()
        self.gate.set()
        self.began = trio.Event()

    async def draw(self, check: str, until: int) -> bytes | None:
        self.asked.append((check, until))
        if len(self.asked) >= AT_ONCE:
            self.began.set()
        await self.gate.wait()
        return self.picture


async def ask(charts: Charts, link: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """What the route answers, without a socket."""
    app = Starlette(routes=[charts.route()])
    sent: list[MutableMapping[str, Any]] = []
    path = link.removeprefix("https://parallax.example.org").encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": unquote(path.decode()), "raw_path": path, "query_string": b"",
        "headers": [(b"host", b"anything")], "scheme": "https", "server": ("parallax.example.org", 443),
        "client": ("192.0.2.7", 9), "root_path": "", "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    head, *bodies = sent
    headers = {name.decode(): value.decode() for name, value in head["headers"]}
    return head["status"], headers, b"".join(each.get("body", b"") for each in bodies)


async def test_the_address_is_enough_and_the_picture_is_drawn_once() -> None:
    drawn = Drawn()
    charts = Charts(LINKS, drawn.draw, now=lambda: LATER)
    link = LINKS.link_of(about(NASTY))
    for _ in range(3):
        status, headers, body = await ask(charts, link)
        assert (status, headers["content-type"], body) == (200, "image/png", b"\x89PNG")
        assert headers["cross-origin-resource-policy"] == "cross-origin"
        assert headers["cache-control"] == "public, max-age=86400"
        assert "default-src 'none'" in headers["content-security-policy"]
    [(check, until)] = drawn.asked
    assert check == NASTY
    assert 0 < until - AT <= 60 * NS
    assert (await ask(charts, link, "HEAD"))[0] == 200


async def test_an_hour_that_is_not_over_is_not_kept() -> None:
    drawn = Drawn()
    charts = Charts(LINKS, drawn.draw, now=lambda: AT)
    for _ in range(2):
        assert (await ask(charts, LINKS.link_of(about("api"))))[1]["cache-control"] == "public, max-age=30"
    assert len(drawn.asked) == 2


@pytest.mark.parametrize("change", [
    lambda link: link.replace("api", "apx"), lambda link: link.replace(".png", ".svg"),
    lambda link: link.replace(".png", ""),
    lambda link: link.replace("/chart/", "/chart/x"), lambda link: link.replace("/1700", "/1800"),
    lambda link: link.replace("/1700", "/-1700"), lambda link: link.replace("/1700", "/" + "9" * 5000),
    lambda link: link.replace("/1700", "/%E2%91%A0"),
])  # fmt: skip
async def test_another_address_gets_nothing_and_draws_nothing(change: Callable[[str], str]) -> None:
    drawn, link = Drawn(), LINKS.link_of(about("api"))
    assert change(link) != link
    status, _, body = await ask(Charts(LINKS, drawn.draw, now=lambda: LATER), change(link))
    assert (status, body) == (404, b"There is no such chart, or it is more than a week old.\n")
    assert drawn.asked == []


async def test_few_are_drawn_at_a_time_and_a_silent_history_says_when_to_ask_again() -> None:
    drawn = Drawn()
    drawn.picture, drawn.gate = None, trio.Event()
    charts = Charts(LINKS, drawn.draw, now=lambda: LATER)
    got: list[int] = []

    async def one(number: int) -> None:
        got.append((await ask(charts, LINKS.link_of(about(f"c{number}"))))[0])

    async with trio.open_nursery() as nursery:
        for number in range(AT_ONCE):
            nursery.start_soon(one, number)
        await drawn.began.wait()
        status, headers, _ = await ask(charts, LINKS.link_of(about("more")))
        assert (status, headers["retry-after"]) == (503, "1")
        drawn.gate.set()
    assert got == [503] * AT_ONCE
    drawn.picture = b"now"
    assert (await ask(charts, LINKS.link_of(about("more"))))[2] == b"now"


async def test_a_reader_who_leaves_gives_its_place_back() -> None:
    drawn = Drawn()
    drawn.gate = trio.Event()
    charts = Charts(LINKS, drawn.draw, now=lambda: LATER)
    for number in range(AT_ONCE * 3):
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, charts, LINKS.link_of(about(f"c{number}")))
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
    drawn.gate.set()
    assert (await ask(charts, LINKS.link_of(about("api"))))[0] == 200


async def test_memory_is_bounded() -> None:
    drawn = Drawn()
    charts = Charts(LINKS, drawn.draw, now=lambda: LATER)
    for number in range(MOST_KEPT + 1):
        await ask(charts, LINKS.link_of(about(f"c{number}")))
    await ask(charts, LINKS.link_of(about(f"c{MOST_KEPT}")))
    assert len(drawn.asked) == MOST_KEPT + 1
    await ask(charts, LINKS.link_of(about("c0")))
    assert len(drawn.asked) == MOST_KEPT + 2
