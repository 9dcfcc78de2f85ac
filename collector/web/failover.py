"""Failover groups: who serves whom, who could take over, what is decided and why. The shaping is pure.

GET  /failover                 all groups
GET  /failover/order/{group}   forms: freeze, thaw
POST /failover/order/{group}   an owner: carries one out; back to /failover with 303
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.answers import Refusal
from collector.board import GroupBoard, MemberBoard, SpokenBoard, SwitchBoard
from collector.commands import CommandError
from collector.failover.types import Phase, ReadyLine
from collector.json_answers import refusal_answer
from collector.small_bodies import read_small
from collector.tokens import Identity
from collector.web.words import Look
from parallax.clock import NS
from parallax.spans import lasting

if TYPE_CHECKING:
    from collector.web.pages import Pages

WIDTH, ROW = 600, 10
"""Of the strip's drawing; CSS scales it."""
SAID = 12
"""How much of what was said a page shows; /v1/failover has all."""
SWITCHES = 10
MAX_BODY = 4000
_SPANS_S = (900, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600)
PHASES: Mapping[Phase, Look] = {
    "primary": Look("primary serves", "ok"),
    "to_failover": Look("on the way to the standby", "warn"),
    "failover": Look("standby serves", "soft"),
    "to_primary": Look("on the way back", "plan"),
    "hold_both_bad": Look("no member is well", "bad"),
    "blind": Look("nothing can be seen", "none"),
}
DECISIONS: Mapping[str, Look] = {
    "recommended": Look("recommended", "warn"),
    "command": Look("under way", "warn"),
    "blocked": Look("blocked", "bad"),
    "effective": Look("effective", "ok"),
    "not_effective": Look("not effective", "bad"),
    "failed": Look("failed", "bad"),
    "withdrawn": Look("withdrawn", "none"),
    "both_bad": Look("no member is well", "bad"),
    "both_serving": Look("two serve at once", "bad"),
    "switched": Look("switched", "plan"),
    "frozen": Look("frozen", "plan"),
    "thawed": Look("thawed", "plan"),
    "overridden": Look("overridden", "plan"),
    "drill_started": Look("drill", "plan"),
    "drill_done": Look("drill done", "ok"),
}
"""What is said of a group; a word of a later version is shown as itself."""
BY = {"command": "commanded", "recommendation": "as recommended", "": "by somebody else"}


class Stint(msgspec.Struct, frozen=True, kw_only=True):
    """How long a member served, on the strip: from `x`, so wide."""

    member: int
    x: float
    width: float


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A switchover on the strip, from one row to another."""

    x: float
    start: int
    end: int
    direction: str


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """Who served over the last `span_s` seconds: a row for each member."""

    span_s: int
    since: int
    until: int
    stints: tuple[Stint, ...]
    marks: tuple[Mark, ...]
    height: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A member's share of the vantages, as a part of a bar of 100."""

    member: str
    number: int
    x: float
    width: float


def look(word: str) -> Look:
    """How something that is said of a group is shown."""
    return DECISIONS.get(word) or Look(word.replace("_", " "), "none")


def phase_look(group: GroupBoard) -> Look:
    """How its phase is shown; before anybody was seen serving, nothing is claimed."""
    if not group.serving:
        return Look("nobody can tell who serves", "none")
    shown, now = PHASES[group.phase], serving(group)
    if now is not None and now.standing in ("down", "degraded") and shown.tone in ("ok", "soft"):
        return Look(f"{shown.word}, and is {now.standing}", "bad" if now.standing == "down" else "soft")
    return shown


def line_look(line: ReadyLine) -> Look:
    """One line of readiness: its tick, as a word too."""
    return (
        Look("holds", "ok") if line.ok else Look("missing", "bad") if line.ok is False else Look("not checked", "none")
    )


def shares(group: GroupBoard) -> list[Part]:
    """The bar of who serves which share of vantages, in the plan's order."""
    parts, x = [], 0.0
    for number, member in enumerate(group.members):
        width = round(min(max(member.serves, 0.0) * 100, 100 - x), 1)
        parts.append(Part(member=member.name, number=number, x=x, width=width))
        x = round(x + width, 1)
    return parts


def strip(group: GroupBoard, now: int) -> Strip:
    """Who served of late. The span is the shortest that holds the last switchover and those of the same incident."""
    newest = group.switches[0] if group.switches else None
    told = [each for each in group.switches if newest and each.incident and each.incident == newest.incident]
    first = min((each.started_at for each in told or group.switches[:1]), default=now)
    span_s = next((span for span in _SPANS_S if now - first < span * 0.9 * NS), _SPANS_S[-1])
    step = max(span_s * NS // WIDTH, NS)
    until = -(-now // step) * step  # so that a strip that is rendered again a moment later is the same
    since = until - span_s * NS
    rows = {member.name: number for number, member in enumerate(group.members)}

    def x(at: int) -> float:
        return round((min(max(at, since), until) - since) / (until - since) * WIDTH, 1)

    stints, marks = [], []
    member, end = group.serving, until
    for switch in group.switches:  # the newest first
        over = switch.started_at + switch.duration_ns
        if member in rows and x(end) > x(over):
            stints.append(Stint(member=rows[member], x=x(over), width=round(x(end) - x(over), 1)))
        if over > since and switch.source in rows and switch.target in rows:
            marks.append(
                Mark(x=x(over), start=rows[switch.source], end=rows[switch.target], direction=switch.direction)
            )
        member, end = switch.source, over
        if over <= since:
            break
    known_since = since if group.switches else max(group.serving_since, since)
    if group.switches and end > since:
        known_since = max(group.switches[-1].started_at - group.switches[-1].dwell_ns, since)
    if member in rows and x(end) > x(known_since):
        stints.append(Stint(member=rows[member], x=x(known_since), width=round(x(end) - x(known_since), 1)))
    return Strip(
        span_s=span_s,
        since=since,
        until=until,
        stints=tuple(reversed(stints)),
        marks=tuple(reversed(marks)),
        height=ROW * max(len(rows), 1),
    )


def standbys(group: GroupBoard) -> list[MemberBoard]:
    """Those that do not serve."""
    return [member for member in group.members if member.name != group.serving]


def serving(group: GroupBoard) -> MemberBoard | None:
    return next((member for member in group.members if member.name == group.serving), None)


def flaps(group: GroupBoard) -> int:
    """Switchovers in the incident that the last one belongs to."""
    return group.switches[0].flaps if group.switches and group.switches[0].incident else 0


def span_words(line: Strip) -> str:
    """ "15 min", "6 h": how far back a strip goes."""
    return lasting(line.span_s * NS)


def took(ns: int) -> str:
    return lasting(ns)


def by(switch: SwitchBoard) -> str:
    """Who decided a switchover."""
    return BY.get(switch.by, switch.by)


def anchor(name: str) -> str:
    return f"group-{quote(name, safe='')}"


def group_path(name: str) -> str:
    """Where a group stands on the page."""
    return f"/failover#{anchor(name)}"


def order_path(name: str) -> str:
    return f"/failover/order/{quote(name, safe='')}"


def said_lately(group: GroupBoard) -> tuple[SpokenBoard, ...]:
    return group.spoken[:SAID]


def switched_lately(group: GroupBoard) -> tuple[SwitchBoard, ...]:
    return group.switches[:SWITCHES]


async def get_failover(pages: "Pages", request: Request) -> Response:
    now = pages.view.now()
    board = pages.view.board()
    strips = {group.name: strip(group, now) for group in board.groups}
    return pages.render(request, "failover.html", board=board, strips=strips, strip_size=(WIDTH, ROW))


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
