"""Orders that people may give to a failover group: as text to copy, and two of them as forms. The text is pure.

GET  /failover/order/{group}   forms: freeze, thaw
POST /failover/order/{group}   an owner: carries one out; back to /failover with 303
"""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.answers import Refusal
from collector.board import GroupBoard
from collector.commands import CommandError
from collector.json_answers import refusal_answer
from collector.small_bodies import read_small
from collector.tokens import Identity

if TYPE_CHECKING:
    from collector.web.pages import Pages

MAX_BODY = 4000
WHY = "WHY"
"""Stands in an order where a person says why."""
MOST_NAMED = 5


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order that may be given: what it does, by the command line, and by the API."""

    what: str
    command: str
    path: str
    body: str


def orders(group: GroupBoard) -> list[Order]:
    """Those that bear on a group now, with all that must be typed; WHY is to be replaced."""
    found = []
    for rule in held_by(group):
        what = f"let rule {rule} count as held for an hour"
        found.append(_order(group, "override", what, {"rule": rule, "why": WHY, "for_s": 3600}, "--for", "1h"))
    for member in [member.name for member in group.members if member.name != group.serving][:MOST_NAMED]:
        found.append(_order(group, "switch", f"switch to {member}", {"member": member, "why": WHY}))
    if group.frozen:
        found.append(_order(group, "thaw", "thaw", {"why": WHY}))
    else:
        found.append(_order(group, "freeze", "freeze for two hours", {"why": WHY, "for_s": 7200}, "--for", "2h"))
    away = [member.name for member in group.members if not member.primary]
    if away and group.actions and group.serving not in ("", *away):
        given = {"member": away[0], "why": WHY}
        found.append(_order(group, "drill", f"drill: to {away[0]} and back", given, "--member", away[0]))
    return found


def held_by(group: GroupBoard) -> list[str]:
    """The rules that forbid what is wanted now."""
    if group.now is None or group.now.said.word != "blocked":
        return []
    return [rule.id for rule in group.now.said.rules if not rule.ok and not rule.overridden_by]


def _order(group: GroupBoard, word: str, what: str, body: Mapping[str, str | int], *options: str) -> Order:
    named = [str(body[name]) for name in ("member", "rule", "why") if name in body and str(body[name]) not in options]
    arguments = [group.name, *named]
    dashes = ["--"] if any(each.startswith("-") for each in arguments) else []
    return Order(
        what=what,
        command=shlex.join(["parallax", "failover", word, *options, *dashes, *arguments]),
        path=f"/v1/failover/{quote(group.name, safe='')}/{word}",
        body=msgspec.json.encode(body).decode(),
    )


class Orders(Protocol):
    """What carries an order out. Its methods take a group's name, a JSON body and who it is; they raise
    CommandError."""

    async def freeze(self, name: str, body: bytes, actor: str, /) -> Any: ...

    async def thaw(self, name: str, body: bytes, actor: str, /) -> Any: ...


def order_routes(pages: "Pages", orders: Orders) -> list[Route]:
    """The forms."""

    def form(request: Request, identity: Identity, why_not: str = "", status: int = 200) -> Response:
        board, name = pages.view.board(), request.path_params["group"]
        group = next((each for each in board.groups if each.name == name), None)
        if group is None:
            return pages.not_found(request, "There is no such failover group.", "The page of failover has them all.")
        owner = identity.role == "owner"
        return pages.render(
            request, "failover_order.html", status=status, board=board, group=group, owner=owner, why_not=why_not
        )

    async def get_order(request: Request, identity: Identity) -> Response:
        return form(request, identity)

    async def post_order(request: Request, identity: Identity) -> Response:
        body = await read_small(request, MAX_BODY, "this form")
        if isinstance(body, Response):
            return body
        fields = {name: texts[-1] for name, texts in parse_qs(body.decode("utf-8", "replace")).items()}
        asked: dict[str, str | int] = {"why": fields.get("why", "")}
        name, order = request.path_params["group"], orders.thaw
        if fields.get("order") != "thaw":
            order = orders.freeze
            span = fields.get("for_s", "")
            if span and not (span.isdecimal() and len(span) < 9):
                return form(request, identity, f"{span[:40]!r} is no number of seconds; take a span from the list", 400)
            asked |= {"for_s": int(span)} if span else {}
        try:
            answer = await order(name, msgspec.json.encode(asked), identity.name)
        except CommandError as error:
            return form(request, identity, str(error), 400)
        if isinstance(answer, Refusal):
            return refusal_answer(answer)
        return Response(status_code=303, headers={"Location": "/failover"})

    path = "/failover/order/{group:path}"
    return [
        Route(path, pages.guarded(get_order), methods=["GET"]),
        Route(path, pages.guarded(post_order, "owner"), methods=["POST"]),
    ]
