"""The page that acknowledges an incident, on a click only."""

from typing import Any

import pytest
from starlette.routing import BaseRoute

from collector.answers import Refusal
from collector.commands import CommandError
from collector.web import Pages
from collector.web.ack import ack_routes
from tests.collector.web.asking import HOST, Answer, ask
from tests.fakes.boards import INCIDENT, FakeView

ORIGIN = {"origin": f"http://{HOST}"}
PATH = f"/ack/{INCIDENT.id}"


class Desk:
    """The pages with that one beside them; `answer` is what comes of an acknowledgement."""

    def __init__(self, answer: object = None) -> None:
        self.pages, self.said, self.answer = Pages(FakeView().view()), list[tuple[str, bytes, str]](), answer

    def routes(self) -> list[BaseRoute]:
        return [*ack_routes(self.pages, self._acknowledge), *self.pages.routes()]

    async def _acknowledge(self, id_: str, body: bytes, actor: str, /) -> Any:
        self.said.append((id_, body, actor))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def ask(self, path: str = PATH, **more: Any) -> Answer:
        return await ask(self, path, **more)  # type: ignore[arg-type]


async def test_looking_at_it_acknowledges_nothing() -> None:
    desk = Desk()
    for method in ("GET", "HEAD"):
        answer = await desk.ask(method=method)
        assert answer.status == 200
    page = await desk.ask()
    assert INCIDENT.title in page.text
    assert '<form method="post"><button type="submit">' in page.text
    assert desk.said == []


async def test_a_click_acknowledges_and_leads_to_the_incident() -> None:
    desk = Desk()
    answer = await desk.ask(method="POST", headers=ORIGIN)
    assert (answer.status, answer.headers["location"]) == (303, f"/incident/{INCIDENT.id}")
    assert desk.said == [(INCIDENT.id, b"", "page")]


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"x-forwarded-for": "1.2.3.4"}],
)
async def test_another_sites_form_does_not(headers: dict[str, str]) -> None:
    desk = Desk()
    given = headers | (ORIGIN if "x-forwarded-for" in headers else {})
    assert (await desk.ask(method="POST", headers=given)).status in (401, 403)
    assert desk.said == []


async def test_what_is_not_there_is_said() -> None:
    desk = Desk(CommandError("no incident 'x' is open"))
    assert (await desk.ask("/ack/x")).status == 404
    answer = await desk.ask("/ack/x", method="POST", headers=ORIGIN)
    assert answer.status == 404
    assert "no incident" in answer.text


async def test_a_full_journal_is_said() -> None:
    answer = await Desk(Refusal("full")).ask(method="POST", headers=ORIGIN)
    assert answer.status == 507
