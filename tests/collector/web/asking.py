"""Asks the pages as an ASGI app, without a socket."""

import gzip
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.applications import Starlette

from collector.web import Pages
from tests.fakes.boards import FakeView

HOST = "127.0.0.1:8600"


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self) -> str:
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


async def ask(
    view: FakeView | Pages,
    target: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] = {},
    host: str = HOST,
    body: bytes = b"",
) -> Answer:
    """What the pages answer; `target` as in a request line."""
    pages = Pages(view.view()) if isinstance(view, FakeView) else view
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    path, query = urlsplit(target).path, urlsplit(target).query
    every = {"host": host, **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in every.items()],
        "scheme": "http",
        "server": ("127.0.0.1", 8600),
        "client": ("127.0.0.1", 9),
        "root_path": "",
        "state": {},
    }
    await Starlette(routes=pages.routes())(scope, receive, send)
    return Answer(
        sent[0]["status"],
        {name.decode(): value.decode() for name, value in sent[0]["headers"]},
        b"".join(message.get("body", b"") for message in sent[1:]),
    )
