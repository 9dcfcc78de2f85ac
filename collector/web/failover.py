"""Failover groups: who serves whom, who could take over, what is decided and why. The shaping is pure.

GET  /failover   all groups
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from collector.board import ActionBoard, BackBoard, GroupBoard, MemberBoard, SpokenBoard, SwitchBoard
from collector.failover.types import Phase, ReadyLine
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
OUTCOMES: Mapping[str, Look] = {
    "": Look("sent, no answer yet", "warn"),
    "applied": Look("taken, not seen yet", "plan"),
    "refused": Look("refused", "bad"),
    "failed": Look("nobody knows whether it was carried out", "bad"),
    "expired": Look("expired", "bad"),
    "dry_run": Look("tried without any change", "plan"),
}
"""What came of a command by an action."""
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


def wave(switch: SwitchBoard) -> str:
    """How the vantages came over: "25 % of vantages after 3 s, 50 % after 8 s, 80 % after 12 s"."""
    came = []
    for share in (250, 500):
        at = next((at for at, per_mille in switch.points if per_mille >= share), None)
        if at is not None:
            came.append((share // 10, at - switch.started_at))
    came.append((80, switch.duration_ns))
    (first, after), *more = came
    return ", ".join((f"{first} % of vantages after {took(after)}", *(f"{of} % after {took(ns)}" for of, ns in more)))


def by(switch: SwitchBoard) -> str:
    """Who decided a switchover."""
    return BY.get(switch.by, switch.by)


def outcome_look(action: ActionBoard) -> Look:
    """How what came of a command by this action is shown: what was seen from outside says more than an answer."""
    if action.effect:
        return look(action.effect)
    return OUTCOMES.get(action.outcome) or Look(action.outcome.replace("_", " "), "none")


def back_words(back: BackBoard, now: int) -> str:
    """How far the way back is, as a sentence."""
    takes = f"it must be well for {lasting(back.needed_ns)} without a break"
    if back.longest_gap_ns:
        takes += f", as it relapsed after up to {lasting(back.longest_gap_ns)} before"
    if back.vendor_open:
        takes += ", twice as long as usual while its vendor reports an incident"
    left = back.needed_ns - back.counted_ns
    if not back.well_since:
        return f"{back.primary} is not well. Once it is, {takes}."
    if left > 0:
        at = "after traffic was sent away by a person, " if back.how == "person" else ""
        well = f"{back.primary} has been well for {lasting(now - back.well_since)}; {at}{takes}"
        return f"{well}. {lasting(left)} are left. {_then(back)}"
    return f"{back.primary} has been well for long enough ({lasting(back.needed_ns)}). {_then(back)}"


def _then(back: BackBoard) -> str:
    if back.how == "person":
        return "Then the way back is recommended: a person sent traffic away, and orders it back."
    if back.how == "manual":
        return "Then the way back is recommended: by the plan a person orders it."
    if back.how == "hours":
        return f"Then traffic goes back within {back.hours}."
    return "Then traffic goes back, or that is recommended."


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
