"""The lab's page and API, beside the collector's own.

GET  /lab                     the faults with a button each, what was really broken, what the pager received
POST /lab/break/{fault}       the buttons; back to the page with 303, and to the button that was pressed
POST /lab/mend/{fault}
POST /lab/mend
GET  /v1/lab                  a viewer's or owner's token: the faults and which are in force
POST /v1/lab/break/{fault}    an owner's token; answered as GET /v1/lab is
POST /v1/lab/mend/{fault}
POST /v1/lab/mend             all
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from collector.answers import Refusal
from collector.bodies import drain
from collector.json_answers import json_answer, refusal_answer
from collector.tokens import Identity
from collector.web import Extension
from lab.control import FaultState, Received
from lab.faults import FAULTS
from lab.lab import Lab, LabError, UnknownFault

if TYPE_CHECKING:
    from collector.app import Routes
    from collector.web.pages import Pages

BANNER = "LAB: a world in miniature on this machine; nothing here is real"
RECEIVED_SHOWN = 20
Deed = Callable[[str], Awaitable[object]]
"""Something to do to the lab; it takes its actor."""
Handler = Callable[[Deed, Request, Identity], Awaitable[Response]]
Guarded = Callable[[Request, Identity], Coroutine[Any, Any, Response]]


class FaultLine(msgspec.Struct, frozen=True, kw_only=True):
    """A fault as page and API show it; `since` (ns) and `actor` where it is in force."""

    name: str
    title: str
    does: str
    expect: str
    remedy: bool = False
    since: int | None = None
    actor: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """GET /v1/lab. All faults, in the order of FAULTS."""

    faults: list[FaultLine]


def extension(lab: Lab) -> Extension:
    """What the collector gets."""
    return Extension(
        banner=BANNER,
        links=(("/lab", "Lab"),),
        templates=Path(__file__).with_name("templates"),
        pages=partial(_page_routes, lab),
        api=partial(_api_routes, lab),
    )


def _page_routes(lab: Lab, pages: "Pages") -> list[BaseRoute]:
    async def press(deed: Deed, request: Request, identity: Identity) -> Response:
        await drain(request.receive)
        try:
            await deed(identity.name)
        except UnknownFault as error:
            return pages.not_found(request, f"{error}.")
        except LabError as error:
            return await show(lab, pages, request, str(error), status=503)
        return RedirectResponse(f"/lab#{pressed(request)}", status_code=303)

    async def get(pages: "Pages", request: Request) -> Response:
        return await show(lab, pages, request)

    return [pages.page("/lab", get), *_deeds(lab, "/lab", lambda deed: pages.guarded(_with(press, deed), "owner"))]


def pressed(request: Request) -> str:
    """The id of the button of a request, which has the focus again on the page that comes; that of all may be gone."""
    fault = request.path_params.get("fault")
    return f"b-{fault}" if fault else "h-faults"


async def show(lab: Lab, pages: "Pages", request: Request, error: str = "", *, status: int = 200) -> Response:
    """The page; what the lab does not answer is missing on it, and `error` says so."""
    states: dict[str, FaultState] = {}
    received: list[Received] = []
    try:
        states = await lab.states()
        received = await lab.received()
    except LabError as failed:
        error, status = error or str(failed), 503
    return pages.render(
        request,
        "lab.html",
        status=status,
        error=error,
        faults=_lines(states),
        received=received[:RECEIVED_SHOWN],
        truth=await trio.to_thread.run_sync(lab.truth),
        titles={name: fault.title for name, fault in FAULTS.items()},
    )


def _api_routes(lab: Lab, routes: "Routes") -> list[BaseRoute]:
    async def answer() -> Response:
        return json_answer(200, Answer(faults=_lines(await lab.states())))

    async def get(request: Request, identity: Identity) -> Response:
        try:
            return await answer()
        except LabError as error:
            return refusal_answer(Refusal("busy", str(error)))

    async def order(deed: Deed, request: Request, identity: Identity) -> Response:
        await drain(request.receive)
        try:
            await deed(identity.name)
            return await answer()
        except UnknownFault as error:
            return refusal_answer(Refusal("not_found", str(error)))
        except LabError as error:
            return refusal_answer(Refusal("busy", str(error)))

    return [
        Route("/v1/lab", routes.guarded(get, "viewer", "owner"), methods=["GET"]),
        *_deeds(lab, "/v1/lab", lambda deed: routes.guarded(_with(order, deed), "owner")),
    ]


def _deeds(lab: Lab, prefix: str, endpoint: Callable[[Callable[[Request], Deed]], Any]) -> list[BaseRoute]:
    """The routes of what can be done. `endpoint` makes a route's endpoint of what tells the deed from its request."""

    def of_path(do: Callable[[str, str], Awaitable[None]]) -> Callable[[Request], Deed]:
        return lambda request: partial(do, request.path_params["fault"])

    return [
        Route(f"{prefix}/break/{{fault}}", endpoint(of_path(lab.inject)), methods=["POST"]),
        Route(f"{prefix}/mend/{{fault}}", endpoint(of_path(lab.mend)), methods=["POST"]),
        Route(f"{prefix}/mend", endpoint(lambda request: lab.mend_all), methods=["POST"]),
    ]


def _with(handler: Handler, deed: Callable[[Request], Deed]) -> Guarded:
    async def handle(request: Request, identity: Identity) -> Response:
        return await handler(deed(request), request, identity)

    return handle


def _lines(states: Mapping[str, FaultState]) -> list[FaultLine]:
    lines = []
    for name, fault in FAULTS.items():
        state = states.get(name)
        lines.append(
            FaultLine(
                name=name,
                title=fault.title,
                does=fault.does,
                expect=fault.expect,
                remedy=fault.remedy,
                since=state.since if state else None,
                actor=state.actor if state else "",
            )
        )
    return lines
