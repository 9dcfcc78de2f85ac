"""The pages of a fake view on a loopback port of their own, as the collector serves them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from starlette.applications import Starlette

from collector.serve import open_listener, serve
from collector.web import Pages
from parallax.values import Address
from tests.fakes.boards import FakeView


@asynccontextmanager
async def page_server(make: type[FakeView] = FakeView, **of_view: object) -> AsyncIterator[tuple[str, FakeView]]:
    """The URL without a final slash, and the view that is shown; `of_view` is what makes it."""
    listener = open_listener(Address.of("127.0.0.1", 0), None)
    view = make(listen=str(listener.address), **of_view)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, Starlette(routes=Pages(view.view()).routes()), listener, view.stop)
        yield listener.url, view
        nursery.cancel_scope.cancel()
