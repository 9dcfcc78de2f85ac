"""The page of failover groups, rendered from fake boards; its strip; its forms."""

import json
import re
import shlex
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from starlette.routing import BaseRoute

from collector.answers import Refusal
from collector.board import ActionBoard, BackBoard, Board, FrozenBoard, GroupBoard
from collector.commands import CommandError
from collector.failover.types import Override
from collector.web import Pages
from collector.web.failover import WIDTH, back_words, phase_look, shares, strip, wave
from collector.web.failover_orders import order_routes, orders
from parallax.cli import parallax
from parallax.clock import NS
from tests.collector.web.asking import HOST, Answer, ask
from tests.collector.web.test_pages import Reader, read
from tests.fakes.boards import HOSTILE, NOW, FakeView, empty_board
from tests.fakes.groups import MIN, group, hostile_group, said, switch

FROZEN = FrozenBoard(actor="ann", why="upgrade", since=NOW - MIN, until=NOW + 30 * MIN)


def board(*groups: GroupBoard) -> Board:
    return Board(at=NOW, position=1, groups=groups)


async def words_of(shown: Board, url: str = "/failover") -> str:
    words = re.sub(r"\s+", " ", (await read(FakeView(shown), url)).words)
    return re.sub(r" (?=[),;:.])|(?<=\() ", "", words)


@pytest.mark.parametrize(
    "words",
    [
        "primary serves, and is down us-east serves since 17:03:00 (3 min)",
        "us-east serves 75 % of vantages: p1, p2, p3, p4, p5, p6 and 1 more eu-west serves 25 % of vantages: q1 and q2",
        "blocked failover of edge from us-east to eu-west is blocked",
        "us-east is down failing: 8 of 8 standby: not ready",
        "S1 does not hold eu-west is not ready: sign-in: refused",
        "S7 overridden frozen by ann: upgrade (bob: it burns)",
        "1 of 3 safety rules hold",
        "S3 yes 8 of 8 vantages in 6 networks voters: 8 networks: 6",
        "down since 16:36:00; 8 of 8 (100 %) probes fail there",
        "not ready since 17:02:00",
        "holds edge @ eu-west: up for 3 min missing sign-in @ eu-west: down, the password was refused",
        "not checked headroom: not checked for S8",
        "Pushed: config_hash = abc, 5 s ago by deploy",
        "15 min; 2 switchovers, 2 in one incident",
        "17:02:48 commanded failback eu-west → us-east 80 % of vantages after 12 s; eu-west had served 10 min; 7 runs",
        "number 2 in incident i1",
    ],
)
async def test_the_page_says(words: str) -> None:
    assert words in await words_of(board(group()))


async def test_the_rules_of_the_decision_stand_open() -> None:
    page = (await ask(FakeView(board(group())), "/failover")).text
    assert page.count("<details open>") == 1
    assert page.index("<details open>") < page.index('<th scope="row">S1</th>')


async def test_a_freeze_and_an_override_are_said() -> None:
    override = Override(rule="S1", actor="bob", why="it burns", until=NOW + MIN)
    words = await words_of(board(group(frozen=FROZEN, overrides=(override,), now=None)))
    assert "frozen by ann since 17:05:00, until 17:36:00: upgrade" in words
    assert "S1 overridden by bob until 17:07:00: it burns" in words
    assert "Nothing is to be done now." in words


async def test_what_is_not_known_is_not_claimed() -> None:
    shown = group(serving="", serving_since=0, switches=(), now=None, spoken=())
    words = await words_of(board(shown))
    assert "nobody can tell who serves" in words
    assert "primary serves" not in words
    assert "None was seen so far." in words
    assert "No [[failover]] in the plan" in await words_of(empty_board())


async def test_the_overview_has_a_line_for_each() -> None:
    words = await words_of(board(group(frozen=FROZEN)), "/")
    assert (
        "primary serves, and is down edge us-east serves since 17:03:00 (3 min) eu-west: not ready since 17:02:00"
        in words
    )
    assert "frozen by ann blocked failover of edge" in words
    assert "2 switchovers in this incident" in words
    assert "Failover</a></h2>" not in (await ask(FakeView(empty_board()), "/")).text


@pytest.mark.parametrize("url", ["/failover", "/"])
async def test_hostile_names_stay_text(url: str) -> None:
    answer = await ask(FakeView(board(hostile_group(), group())), url)
    assert answer.status == 200
    assert "<script>alert" not in answer.text
    page = Reader(answer.text)
    assert not page.open
    assert len(page.ids) == len(set(page.ids))
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("phase", ["primary", "to_failover", "failover", "to_primary", "hold_both_bad", "blind"])
async def test_every_phase_has_its_look(phase: Any) -> None:
    assert phase_look(group(phase=phase)).word.partition(",")[0] in await words_of(board(group(phase=phase)))


@pytest.mark.parametrize("word", ["recommended", "command", "effective", "not_effective", "failed", "some_later_word"])
async def test_every_word_is_shown(word: str) -> None:
    assert f"failover of edge from us-east to eu-west is {word}" in await words_of(board(group(now=said(word))))


def test_the_strip_has_who_served() -> None:
    line = strip(group(), NOW)
    assert (line.span_s, line.until - line.since) == (900, 900 * NS)
    assert line.until - NOW < 2 * NS
    at = [(stint.member, round(stint.x), round(stint.x + stint.width)) for stint in line.stints]
    # us-east until 13 min ago, eu-west until 3 min ago, us-east since; 40 of the drawing are a minute
    assert at == [(0, 0, 80), (1, 80, 480), (0, 480, 600)]
    assert [(mark.start, mark.end, mark.direction) for mark in line.marks] == [(0, 1, "failover"), (1, 0, "failback")]
    assert strip(group(), NOW + NS // 4) == line or line.until < NOW + NS // 4


@pytest.mark.parametrize(
    ("ago_s", "span_s", "marks"),
    [(60, 900, 1), (900, 3600, 1), (3600 * 5, 6 * 3600, 1), (86400 * 29, 30 * 86400, 0), (86400 * 400, 30 * 86400, 0)],
)
def test_the_strip_reaches_back_to_the_last_switchover(ago_s: int, span_s: int, marks: int) -> None:
    shown = group(serving="eu-west", switches=(switch(NOW - ago_s * NS, incident=None),))
    line = strip(shown, NOW)
    assert line.span_s == span_s
    if ago_s < 86400:
        assert len(line.marks) == marks
    assert all(stint.x >= 0 and stint.x + stint.width <= WIDTH + 0.1 for stint in line.stints)
    assert line.stints[-1].member == 1


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ((), "80 % of vantages after 12 s"),
        (((0, 125), (3, 250), (8, 500), (12, 875)), "25 % of vantages after 3 s, 50 % after 8 s, 80 % after 12 s"),
        (((0, 600), (12, 1000)), "25 % of vantages after 0 s, 50 % after 0 s, 80 % after 12 s"),
    ],
)
def test_how_vantages_came_over(points: tuple[tuple[int, int], ...], words: str) -> None:
    assert wave(switch(NOW, points=tuple((NOW + seconds * NS, share) for seconds, share in points))) == words


def test_a_strip_of_what_is_gone_or_ahead() -> None:
    gone = group(switches=(switch(NOW - MIN, source="ap-south", target="sa-east"),), serving="us-east")
    assert strip(gone, NOW).marks == ()
    ahead = group(switches=(switch(NOW + MIN),), serving="eu-west")
    assert all(stint.width >= 0 for stint in strip(ahead, NOW).stints)
    none = group(switches=(), serving="", members=())
    assert (strip(none, NOW).stints, strip(none, NOW).height) == ((), 10)


def test_shares_fill_the_bar_and_no_more() -> None:
    assert [(part.x, part.width) for part in shares(group())] == [(0.0, 75.0), (75.0, 25.0)]
    assert sum(part.width for part in shares(hostile_group())) <= 100


class Desk:
    """The pages with the forms beside them; `answer` is what comes of an order."""

    def __init__(self, shown: GroupBoard, answer: object = None, body: bytes = b"") -> None:
        self.pages, self.answer, self.body = Pages(FakeView(board(shown)).view()), answer, body
        self.said: list[tuple[str, str, dict[str, Any], str]] = []

    def routes(self) -> list[BaseRoute]:
        return [*order_routes(self.pages, self), *self.pages.routes()]

    async def freeze(self, name: str, body: bytes, actor: str, /) -> Any:
        return self._order("freeze", name, body, actor)

    async def thaw(self, name: str, body: bytes, actor: str, /) -> Any:
        return self._order("thaw", name, body, actor)

    def _order(self, word: str, name: str, body: bytes, actor: str) -> Any:
        self.said.append((word, name, json.loads(body), actor))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def ask(self, path: str = "/failover/order/edge", **more: Any) -> Answer:
        return await ask(self, path, **more)  # type: ignore[arg-type]

    async def post(self, body: bytes, **headers: str) -> Answer:
        given = {"origin": f"http://{HOST}"} | headers
        return await self.ask(method="POST", headers=given, body=body)


async def test_looking_at_the_form_orders_nothing() -> None:
    desk = Desk(group())
    page = await desk.ask()
    assert (page.status, 'name="order" value="freeze"' in page.text) == (200, True)
    assert 'value="thaw"' in (await Desk(group(frozen=FROZEN)).ask()).text
    assert (await desk.ask("/failover/order/none")).status == 404
    assert desk.said == []


@pytest.mark.parametrize(
    ("body", "said_"),
    [
        (b"order=freeze&why=an+upgrade&for_s=7200", ("freeze", {"why": "an upgrade", "for_s": 7200})),
        (b"order=freeze&why=x&for_s=", ("freeze", {"why": "x"})),
        (b"order=thaw&why=", ("thaw", {"why": ""})),
        (b"\xff%ff=;;&&&", ("freeze", {"why": ""})),
    ],
)
async def test_a_click_orders(body: bytes, said_: tuple[str, dict[str, Any]]) -> None:
    desk = Desk(group())
    answer = await desk.post(body)
    assert (answer.status, answer.headers["location"]) == (303, "/failover")
    assert desk.said == [(said_[0], "edge", said_[1], "page")]


@pytest.mark.parametrize("span", ["9%0a", "%C2%B2", "-5", "2h", "1" * 9])
async def test_a_span_that_is_none_is_no_freeze_without_an_end(span: str) -> None:
    desk = Desk(group())
    answer = await desk.post(f"order=freeze&why=x&for_s={span}".encode())
    assert (answer.status, "take a span from the list" in answer.text, desk.said) == (400, True, [])


async def test_another_sites_form_orders_nothing() -> None:
    desk = Desk(group())
    for headers in ({"origin": "https://evil.example"}, {"x-forwarded-for": "192.0.2.1"}):
        assert (await desk.post(b"order=freeze&why=x", **headers)).status in (401, 403)
    assert desk.said == []


async def test_what_was_not_done_is_said_with_the_form() -> None:
    answer = await Desk(group(), CommandError(f"no <b>{HOSTILE}")).post(b"order=freeze&why=x")
    assert (answer.status, "Not done" in answer.text, "<b>" in answer.text) == (400, True, False)
    assert (await Desk(group(), Refusal("full")).post(b"order=freeze&why=x")).status == 507
    assert (await Desk(group()).post(b"why=" + b"x" * 5000)).status == 413


ACTIONS = (
    ActionBoard(
        name="dns", reachable=True, looked_at=NOW - MIN, epoch=2, member="us-east", outcome="applied",
        at=NOW - 2 * MIN, text="serial 43", effect="effective",
    ),
    ActionBoard(name="hook", reachable=False, looked_at=NOW, why="answered 500", epoch=1, outcome="refused", at=NOW),
    ActionBoard(name="new"),
    ActionBoard(name="sent", reachable=True, epoch=3, member="eu-west"),
    ActionBoard(name="late", reachable=True, epoch=2, outcome="expired", at=NOW),
    ActionBoard(name="taken", reachable=True, epoch=2, outcome="applied", at=NOW),
)  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "could be carried out action dns effective command 2 to us-east, 17:04:00 (2 min ago) serial 43",
        "cannot be carried out action hook: answered 500 refused command 1",
        "not looked at yet action new",
        "action sent sent, no answer yet command 3 to eu-west",
        "action late expired command 2",
        "action taken taken, not seen yet command 2",
    ],
)
async def test_the_page_says_what_came_of_actions(words: str) -> None:
    assert words in await words_of(board(group(actions=ACTIONS)))


BACK = BackBoard(
    primary="us-east", well_since=NOW - 4 * MIN, counted_ns=4 * MIN, needed_ns=20 * MIN, longest_gap_ns=10 * MIN,
    how="auto", hours="Mon-Fri 09:00-17:00 UTC",
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {},
            "us-east has been well for 4 min; it must be well for 20 min without a break, as it relapsed after up to "
            "10 min before. 16 min are left. Then traffic goes back, or that is recommended.",
        ),
        (
            {"how": "hours", "longest_gap_ns": 0},
            "us-east has been well for 4 min; it must be well for 20 min without a break. 16 min are left. Then "
            "traffic goes back within Mon-Fri 09:00-17:00 UTC.",
        ),
        (
            {"how": "person", "counted_ns": MIN, "longest_gap_ns": 0},
            "us-east has been well for 4 min; after traffic was sent away by a person, it must be well for 20 min "
            "without a break. 19 min are left. Then the way back is recommended: a person sent traffic away, and "
            "orders it back.",
        ),
        (
            {"counted_ns": 21 * MIN, "how": "manual"},
            "us-east has been well for long enough (20 min). Then the way back is recommended: by the plan a person "
            "orders it.",
        ),
        (
            {"well_since": 0, "counted_ns": 0, "vendor_open": True, "longest_gap_ns": 0},
            "us-east is not well. Once it is, it must be well for 20 min without a break, twice as long as usual while "
            "its vendor reports an incident.",
        ),
    ],
)
def test_the_way_back_in_words(changes: dict[str, Any], words: str) -> None:
    assert back_words(msgspec.structs.replace(BACK, **changes), NOW) == words


async def test_the_way_back_stands_on_the_page_while_a_standby_serves() -> None:
    assert "way back us-east has been well for 4 min" in await words_of(board(group(back=BACK)))
    assert "way back" not in await words_of(board(group()))


def commands(shown: GroupBoard) -> list[str]:
    return [each.command for each in orders(shown)]


def test_orders_are_given_in_full() -> None:
    assert commands(group(actions=ACTIONS)) == [
        "parallax failover override --for 1h edge S1 WHY",
        "parallax failover switch edge eu-west WHY",
        "parallax failover freeze --for 2h edge WHY",
        "parallax failover drill --member eu-west edge WHY",
    ]
    first = orders(group())[0]
    assert (first.path, json.loads(first.body)) == (
        "/v1/failover/edge/override", {"rule": "S1", "why": "WHY", "for_s": 3600}
    )  # fmt: skip
    assert commands(group(frozen=FROZEN, now=None)) == [
        "parallax failover switch edge eu-west WHY",
        "parallax failover thaw edge WHY",
    ]


@pytest.mark.parametrize("name", ["edge of us; rm -rf /", "-x", "it's", HOSTILE])
def test_a_shell_reads_an_order_as_it_is_meant(name: str) -> None:
    shown = msgspec.structs.replace(group(actions=ACTIONS), name=name)
    for command in commands(shown):
        words = shlex.split(command)
        assert words[:2] == ["parallax", "failover"]
        result = CliRunner().invoke(parallax, [*words[1:], "--state", "/nonexistent"])
        assert "No such option" not in result.output, result.output
        assert "Usage" not in result.output, result.output


async def test_orders_stand_open_where_a_rule_forbids_what_is_wanted() -> None:
    assert '<details class="orders" open>' in (await ask(FakeView(board(group())), "/failover")).text
    assert '<details class="orders">' in (await ask(FakeView(board(group(now=None))), "/failover")).text
