"""The live summary of `parallax up`: a board on one screen. Pure; who draws it is parallax.cli.telling.

Every state is a word with a symbol; colour only repeats it. What does not fit is counted: sections give way from the
bottom, so that open incidents are seen on the smallest terminal.
"""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from rich.text import Text

from parallax.cli.text import clean
from parallax.spans import lasting

if TYPE_CHECKING:
    from collector.board import Board, ComponentBoard
    from collector.events import Incident, Risk

SYMBOLS = {"ok": "●", "soft": "◐", "part": "◑", "bad": "✖", "warn": "▲", "plan": "◆", "none": "○"}
STYLES = {
    "ok": "green",
    "soft": "yellow",
    "part": "yellow",
    "bad": "bold red",
    "warn": "yellow",
    "plan": "cyan",
    "none": "dim",
}
"""By the tone that collector.web.words gives a state."""
TALL = 24
"""A screen of so many lines has room for titles that go on below."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the screen shows beside the board. `rate` is observations a second, None while it is not known."""

    title: str
    page: str
    hint: str
    log: str
    up_s: float
    rate: float | None = None


class _Room(NamedTuple):
    """What a title or a hint may take, in cells and lines."""

    width: int
    lines: int


def screen(board: "Board", facts: Facts, now: int, width: int, height: int) -> list[Text]:
    """The screen's lines, none wider than `width`, `height` of them at most. `now` is wall clock, ns."""
    room = _Room(width, 2 if height >= TALL else 1)
    head = [_header(facts, now, width), Text()]
    foot = [Text(), *(_dim(part) for line in (facts.hint, facts.log) for part in _wrapped(line, room))]
    sections = [
        _section("Open incidents", "none", _incidents(board.incidents, now, room)),
        _section("Components", "none in the plan", _components(board.components, now)),
        _section("Risks", "none", _risks(board.risks, now, room)),
        _probes(board, facts, width),
    ]
    lines = head + _fitted(sections, max(height - len(head) - len(foot), 0)) + foot
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines[: max(height, 1)]


def _header(facts: Facts, now: int, width: int) -> Text:
    from collector.web import words

    left = Text.assemble((f" {facts.title} ", "reverse bold"), "  ", (facts.page, "bold underline"))
    right = f"{words.clock_time(now, now)}Z  up {lasting(round(facts.up_s * 1e9))}"
    return left.append(" " * max(2, width - left.cell_len - len(right))).append(right, "dim")


def _section(title: str, empty: str, entries: list[list[Text]]) -> list[list[Text]]:
    """Blocks of lines, of which the first goes with the title."""
    heading = Text.assemble((title, "bold"), (f"  {len(entries)}" if entries else f"  {empty}", "dim"))
    return [[heading], *entries]


def _fitted(sections: list[list[list[Text]]], room: int) -> list[Text]:
    """As many blocks of each section as there is room for: every section keeps its title, then the upper ones go
    first; what is left over sets the sections apart."""
    left = room - sum(len(heading) for heading, *_ in sections)
    parts: list[list[Text]] = []
    for heading, *blocks in sections:
        part = [*heading]
        for place, block in enumerate(blocks):
            last = place == len(blocks) - 1
            if left < len(block) + (not last):
                if left > 0:
                    part.append(_dim(f"  and {len(blocks) - place} more"))
                    left -= 1
                break
            part += block
            left -= len(block)
        parts.append(part)
    for part in parts[:-1]:
        if left > 0:
            part.append(Text())
            left -= 1
    return [line for part in parts for line in part][:room]


def _components(components: "Iterable[ComponentBoard]", now: int) -> list[list[Text]]:
    listed = list(components)
    width = min(max((len(component.name) for component in listed), default=0), 32)
    return [
        [_entry(component.state, f"{clean(component.name)[:width]:<{width}}", _since(component.since, now))]
        for component in listed
    ]


def _incidents(incidents: "Iterable[Incident]", now: int, room: _Room) -> list[list[Text]]:
    from collector.events import urgent_first
    from collector.web import words

    blocks = []
    for incident in urgent_first(incidents):
        tone = words.look(incident.severity).tone
        evidence = incident.evidence.words if incident.evidence else ""
        since = f"since {words.clock_time(incident.started_at, now)}Z ({lasting(now - incident.started_at)})"
        where = incident.domain  # which the name says mostly, and there is little room
        place = "" if where is None or where.name in incident.title else clean(words.domain(where))
        more = [since, place, clean(evidence)]
        title = _title(SYMBOLS[tone], STYLES[tone], incident.title, "bold", room)
        blocks.append([*title, _dim("    " + "; ".join(filter(None, more)))])
    return blocks


def _risks(risks: "Iterable[Risk]", now: int, room: _Room) -> list[list[Text]]:
    blocks = []
    for risk in risks:
        way, due, facts = risk.runway, risk.expected_at, list[str]()
        if way is not None:
            facts.append(f"a name has run out at {way.expired} of {way.sampled} sampled resolver caches")
            last = way.latest_at
            if not way.expired and due is not None and due > now:
                facts = [f"the first of {way.sampled} sampled resolver caches runs out in {lasting(due - now)}"]
            if last is not None:
                facts.append(f"all out in {lasting(last - now)}" if last > now else "all ran out")
        elif due is not None:
            facts.append(f"may hurt in {lasting(due - now)}" if due > now else "may hurt now")
        else:
            facts.append(clean(risk.why))
        lines = _title("▲", "yellow", risk.title, "", room)
        blocks.append(lines + ([_dim("    " + "; ".join(facts))] if any(facts) else []))
    return blocks


def _probes(board: "Board", facts: Facts, width: int) -> list[list[Text]]:
    from collector.web import words

    healthy = sum(probe.state == "healthy" for probe in board.probes)
    rate = "" if facts.rate is None else f"; {facts.rate:.0f} observations/s"
    heading = Text.assemble(("Probes", "bold"), (f"  {healthy} of {len(board.probes)} healthy{rate}", "dim"))
    lines, line = [], Text("  ")
    for probe in board.probes:
        tone = words.look(probe.state).tone
        name = Text.assemble((SYMBOLS[tone] + " ", STYLES[tone]), clean(probe.id))
        if probe.state != "healthy":
            name.append(f" {words.look(probe.state).word}", STYLES[tone])
        if line.cell_len + name.cell_len + 3 > width and line.cell_len > 2:
            lines.append(line)
            line = Text("  ")
        line.append_text(name).append("   ")
    return [[heading], *([text] for text in (*lines, line) if text.plain.strip())]


def _entry(state: str, name: str, more: str) -> Text:
    from collector.web import words

    shown = words.look(state)
    style = STYLES[shown.tone]
    return Text.assemble((f"  {SYMBOLS[shown.tone]} ", style), name, "  ", (f"{shown.word:<21}", style), (more, "dim"))


def _since(at: int, now: int) -> str:
    return f"for {lasting(now - at)}" if at else ""


def _title(symbol: str, style: str, title: str, title_style: str, room: _Room) -> list[Text]:
    first, *rest = _wrapped(clean(title), room._replace(width=room.width - 4)) or [""]
    return [
        Text.assemble((f"  {symbol} ", style), (first, title_style)),
        *(Text.assemble("    ", (line, title_style)) for line in rest),
    ]


def _wrapped(line: str, room: _Room) -> list[str]:
    return textwrap.wrap(line, max(room.width, 1), max_lines=room.lines, placeholder="…", break_on_hyphens=False)


def _dim(text: str) -> Text:
    return Text(text, "dim")
