"""The pages on a port of their own, and a reader of their events."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import h11
import trio
from starlette.applications import Starlette

from collector.serve import open_listener, serve
from collector.web import Pages
from parallax.values import Address
from tests.fakes.boards import FakeView


class Site:
    """Served pages."""

    def __init__(self, url: str, fake: FakeView, pages: Pages) -> None:
        self.url, self.fake, self.pages = url, fake, pages
        self.host = url.removeprefix("http://")

    async def connect(self) -> trio.SocketStream:
        name, _, port = self.host.rpartition(":")
        return await trio.open_tcp_stream(name, int(port))

    @asynccontextmanager
    async def listen(self, path: str = "/", have: str | None = None, **headers: str) -> AsyncIterator["Listening"]:
        """An open stream; `have` is what the page at `path` has now, if not given."""
        if have is None:
            have = await self.sections(path)
        async with await self.connect() as stream:
            listening = Listening(stream)
            await listening.ask(self.host, f"/live?path={quote(path)}&have={have}", headers)
            yield listening

    async def sections(self, path: str) -> str:
        """What a browser says that it has once it has loaded the page."""
        from collector.web.render import section_hash
        from tests.collector.web.asking import ask

        answer = await ask(self.pages, path, host=self.host)
        assert answer.status == 200
        hashes: list[str] = []
        page = answer.text
        while (at := page.find('data-live="')) >= 0:
            page = page[at + len('data-live="') :]
            id_, digest = page.partition('"')[0], page.partition('data-hash="')[2].partition('"')[0]
            hashes.append(f"{id_}:{digest}")
        assert section_hash("") not in hashes
        return ",".join(hashes)


class Listening:
    """A reader of server-sent events."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.http = h11.Connection(h11.CLIENT)
        self.status = 0
        self._text = ""

    async def ask(self, host: str, target: str, headers: dict[str, str]) -> None:
        every = {"host": host, **headers}
        request = h11.Request(method="GET", target=target, headers=list(every.items()))
        await self.stream.send_all(self.http.send(request) + self.http.send(h11.EndOfMessage()))  # type: ignore[operator]
        response = await self._next()
        assert isinstance(response, h11.Response)
        self.status = response.status_code

    async def event(self) -> tuple[str, Any]:
        """The next event's name and data; ("end", what was left) at the stream's end."""
        with trio.fail_after(60):
            while "\n\n" not in self._text:
                more = await self._next()
                if not isinstance(more, h11.Data):
                    return "end", self._text
                self._text += bytes(more.data).decode()
        head, _, self._text = self._text.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.split("\n"))
        return fields["event"], json.loads(fields["data"])

    async def _next(self) -> Any:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            try:
                self.http.receive_data(await self.stream.receive_some())
            except (trio.BrokenResourceError, h11.RemoteProtocolError):
                return None
        return event


@asynccontextmanager
async def serving(
    make: Callable[[str], FakeView] = lambda listen: FakeView(listen=listen), port: int = 0
) -> AsyncIterator[Site]:
    """Serves until the end of the block; `make` gets the listener's address. It must end within 2 s then."""
    listener = open_listener(Address(f"127.0.0.1:{port}"), None)
    fake = make(str(listener.address))
    pages = Pages(fake.view())
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, Starlette(routes=pages.routes()), listener, fake.stop)
        yield Site(listener.url, fake, pages)
        nursery.cancel_scope.cancel()
        began = trio.current_time()
    assert trio.current_time() - began < 5
