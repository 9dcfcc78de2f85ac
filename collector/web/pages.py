"""The pages' routes."""

from collections.abc import Awaitable, Callable

import msgspec
import trio
from starlette.routing import BaseRoute

from collector.board import Board
from collector.history import History
from collector.tokens import Tokens
from collector.web.extension import Extension
from parallax.values import Address, DnsName


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages show, and to whom."""

    board: Callable[[], Board]
    wait_changed: Callable[[Board], Awaitable[None]]
    """Returns once there is another board than the one given."""
    history: History
    tokens: Tokens
    stop: trio.Event
    """Set when the collector begins to end."""
    listen: Address
    open: bool
    """Whether it may be read without a token: on loopback."""
    hosts: tuple[DnsName, ...]
    extension: Extension | None


class Pages:
    """The handlers."""

    def __init__(self, view: View) -> None:
        self.view = view

    def routes(self) -> list[BaseRoute]:
        return []
