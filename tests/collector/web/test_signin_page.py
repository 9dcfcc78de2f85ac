"""The page of sign-ins, rendered from fake boards and fake histories; its waterfalls and funnels."""

import re
from typing import Any

import msgspec
import pytest

from collector.history.types import Flow, FlowRun, FunnelCount, QueryError, Retried
from collector.retries import builtin_policies, report_on
from collector.web import Pages
from collector.web.retries import factor, share
from collector.web.signin import opened, some_of
from collector.web.waterfall import MOST_PARTS, MOST_STEPS, WIDTH, funnels, waterfall, waterfalls
from parallax.clock import NS
from parallax.reasons import REASONS
from tests.collector.web.asking import ask
from tests.collector.web.test_pages import Reader, read
from tests.fakes.boards import HOSTILE, NOW, FakeHistory, FakeView, empty_board, full_board
from tests.fakes.flows import CHECK, DOWN, ISSUER, MS, STEPS, WALL, counts, flow, flow_board, run, step


def view(*names: str, **flows: Any) -> FakeView:
    given = flows or {name: flow() for name in names or (CHECK,)}
    return FakeView(flow_board("degraded", *(names or (CHECK,))), FakeHistory(flows=given))


async def words_of(shown: FakeView, url: str = "/sign-in") -> str:
    page = await read(shown, url)
    return re.sub(r"\s+", " ", page.words)


@pytest.mark.parametrize(
    "words",
    [
        "degraded 31 of 40 (78 %) full runs came through;",
        "86.33 % of 1200 calls well at the first attempt, the last hour",
        "ok fra1 full 11 steps · 1.15 s, 40 s ago",
        "blocked lon1 full at password : a captcha stands before the sign-in",
        "fault: blocked",
        "Look at: " + REASONS["signin_captcha"].look,
        "page One more step taken for captcha it says Please show that you are no robot.",
        "form with identifier; remember pressed Sign in",
        "302 POST https://sso.acme.example/realms/staff/login?state=…, 41.5 ms",
        "failed sin1 full at token : ",
        "Retry-After, s 5",
        "Its cadence has 10 steps; those after token were not reached.",
        "full 31 of 40 (78 %) runs came through",
        "light 480 of 480 (100 %) runs came through",
        "3 stopped here: a captcha stands before the sign-in signin_captcha fault: blocked",
        "not at all: the first attempt 86.33 % 86.33 % 86.33 % 1",
        "throttled (429): 2.34 % of 1280 attempts Retry-After: median 5 s, at most 5 s",
        "What came of first attempts, and how long each kind took came of it share median 95th percentile well 86.33 %",
    ],
)
async def test_the_page_says(words: str) -> None:
    assert words in await words_of(view())


async def test_without_flows_it_says_what_to_add() -> None:
    said = await words_of(FakeView(empty_board()))
    assert 'kind = "signin"' in said
    assert "--onboard" in said
    assert "staff" not in said
    assert 'kind = "signin"' in await words_of(FakeView(full_board()))


async def test_a_flow_that_never_ran_says_so() -> None:
    said = await words_of(FakeView(flow_board(), FakeHistory()))
    assert "No run of the last day is in the history yet." in said
    assert "at the first attempt" not in said


async def test_it_does_without_a_history() -> None:
    async def refuse() -> None:
        raise QueryError("the history cannot be read now: it is not open yet")

    said = await words_of(FakeView(flow_board(), FakeHistory(hold=refuse)))
    assert "The history cannot be read now: it is not open yet." in said
    assert CHECK in said


async def test_pages_that_lead_here() -> None:
    shown = view()
    assert "/sign-in?check=staff%20sign-in" in (await read(shown, "/")).links
    assert "/sign-in?check=staff%20sign-in" in (await read(shown, "/check/staff%20sign-in")).links
    assert not [link for link in (await read(FakeView(full_board()), "/")).links if "/sign-in?" in link]


async def test_the_page_of_an_http_check_says_it_for_the_last_hour() -> None:
    shown = FakeView(full_board(), FakeHistory(flows={"health endpoint": flow()}))
    said = await words_of(shown, "/check/health%20endpoint")
    assert "First attempt, and after retries" in said
    assert "as clerk-python" in said
    assert "By address" in said
    for name in ("sign-in%20page", "authoritative%20DNS"):
        assert "after retries" not in await words_of(shown, f"/check/{name}")


async def test_a_plan_with_other_policies_is_no_bug_while_a_page_is_kept() -> None:
    fake = view()
    given = fake.view()
    named = [builtin_policies()]
    pages = Pages(msgspec.structs.replace(given, policies=lambda: named[0]))
    assert (await ask(pages, "/sign-in")).status == 200
    named[0] = (msgspec.structs.replace(builtin_policies()[0], name="another"),)
    assert (await ask(pages, "/sign-in")).status == 200


async def test_one_flow_alone_and_a_longer_time() -> None:
    names = tuple(f"flow {n}" for n in range(6))
    several = view(*names)
    page = await read(several, "/sign-in")
    assert [name for name in names if f"/check/{name.replace(' ', '%20')}" in page.links] == list(names[:4])
    assert "/sign-in?check=flow+5" in page.links
    alone = await read(several, "/sign-in?check=flow+5&span=24h")
    assert "/check/flow%205" in alone.links
    assert "/check/flow%200" not in alone.links
    assert "/sign-in?check=flow+5" in alone.links  # back to the last hour
    assert "the last day" in alone.words
    assert "no flow of this name" in await words_of(several, "/sign-in?check=gone")
    assert "the last hour" in await words_of(several, "/sign-in?span=9y")


async def test_the_history_is_asked_once_for_a_page_that_is_watched() -> None:
    asked: list[int] = []

    async def count() -> None:
        asked.append(1)

    pages = Pages(FakeView(flow_board(), FakeHistory(hold=count, flows={CHECK: flow()})).view())
    for _ in range(5):
        assert (await ask(pages, "/sign-in")).status == 200
    assert len(asked) == 2


async def test_what_a_probe_makes_up_stays_text() -> None:
    """Reader refuses inline scripts and handlers."""
    odd: dict[str, Any] = {
        "title": HOSTILE, "alerts": [HOSTILE, {"x": 1}, None], "form": {"no": "list"}, "page": True, "place": ["a", 2],
        "hops": [{"method": HOSTILE, "url": HOSTILE, "ms": "soon"}, "no hop", None], "detail": HOSTILE, "status": -1,
    }  # fmt: skip
    made = run("<b>", stops="token", reason=HOSTILE, fault=HOSTILE, findings=odd)
    first = msgspec.structs.replace(made.steps[0], name=HOSTILE, phases=((HOSTILE, -5 * NS, 10**18), ("tls", 0, -4)))
    made = msgspec.structs.replace(made, cadence=HOSTILE, target=HOSTILE, steps=(first, *made.steps[1:]))
    odd_count = FunnelCount(cadence=HOSTILE, step=HOSTILE, place=1, runs=1, stopped=HOSTILE, fault=HOSTILE)
    retried = Retried(since=0, until=NOW, report=report_on([], builtin_policies()))
    flows = {HOSTILE: (Flow(runs=(made,), counts=(odd_count,)), retried)}
    page = await read(FakeView(flow_board("down", HOSTILE), FakeHistory(flows=flows)), "/sign-in")
    assert page.words.count("<script>") >= 8


async def test_flows_at_all_bounds_are_a_page_that_can_be_read() -> None:
    parts = tuple(("x" * 40, n, 1) for n in range(500))
    findings = {"alerts": ["a" * 500] * 50, "title": "t" * 5000, "hops": [{"url": "u" * 4000}] * 40}
    steps = tuple(
        step(f"step {n}", NOW + n * MS, MS, phases=parts, reason="http_status", fault="target", findings=findings)
        for n in range(200)
    )
    runs = tuple(FlowRun(probe=f"p{n}", target=ISSUER, cadence="full", run=f"{n}", steps=steps) for n in range(60))
    many = tuple(
        FunnelCount(cadence="full", step=f"step {n}", place=n, runs=9, stopped=None, fault=None) for n in range(900)
    )
    _, retried = flow()
    names = tuple(f"flow {n}" for n in range(30))
    shown = view(*names, **{name: (Flow(runs=runs, counts=many), retried) for name in names})
    for url in ("/sign-in", "/sign-in?check=flow+7"):
        answer = await ask(shown, url)
        Reader(answer.text)
        assert len(answer.text) < 700_000, url
    assert all(len(each.bars) <= MOST_STEPS for each in waterfalls(runs))
    assert all(len(bar.parts) <= MOST_PARTS for each in waterfalls(runs) for bar in each.bars)


def test_a_run_as_a_waterfall() -> None:
    made = waterfall(run("p", stops="password", **WALL))
    assert [bar.name for bar in made.bars] == [*STEPS[:5], "cleanup"]
    assert (made.stopped, made.reason, made.word, made.planned) == ("password", "signin_captcha", "blocked", 10)
    first, second = made.bars[:2]
    assert first.x == 0
    assert second.later_ns == 41 * MS
    assert second.x == pytest.approx(41 * MS / made.duration_ns * WIDTH, abs=0.1)
    assert made.bars[-1].x + made.bars[-1].width == pytest.approx(WIDTH, abs=0.2)
    for bar in made.bars:
        assert all(0 <= each.x <= each.x + each.width <= bar.x + bar.width + 0.2 for each in bar.parts)
    assert [part.name for part in first.parts] == ["lookup", "connect", "tls", "send", "first_byte", "body"]


@pytest.mark.parametrize(
    ("reason", "fault", "stopped", "word"),
    [
        (None, None, None, "ok"),
        ("http_slow", "target", None, "degraded"),
        ("http_throttled", "blocked", "token", "throttled"),
        ("http_status", "target", "token", "failed"),
        ("signin_bad_credentials", "config", "token", "stopped by the config"),
        ("secret_missing", "probe", "token", "stopped by the probe"),
        ("a_later_word", "target", "token", "failed"),
    ],
)
def test_how_a_run_ended(reason: str | None, fault: str | None, stopped: str | None, word: str) -> None:
    made = waterfall(run("p", stops="token", reason=reason, fault=fault))
    assert (made.stopped, made.word) == (stopped, word)


def test_a_failed_attempt_that_its_control_made_good_did_not_stop_the_run() -> None:
    first = step("discovery", NOW, MS, reason="connect_refused", fault="target")
    again = step("discovery", NOW + 100 * MS, MS, attempt=2)
    made = waterfall(FlowRun(probe="p", target="t", cadence="light", run="r", steps=(again, first)))
    assert [bar.again for bar in made.bars] == [False, True]
    assert (made.stopped, made.word) == (None, "degraded")


def test_a_run_of_no_length_is_drawn() -> None:
    made = waterfall(FlowRun(probe="p", target="t", cadence="", run="r", steps=(step("token", NOW, 0, phases=()),)))
    assert (made.duration_ns, made.bars[0].x) == (0, 0)


def test_a_funnel_counts_each_run_once() -> None:
    full, light = funnels(counts())
    assert (full.cadence, full.runs, full.through) == ("full", 40, 31)
    assert [row.step for row in full.rows] == list(STEPS)
    password = full.rows[4]
    assert (password.runs, password.stopped) == (
        39,
        (("signin_captcha", "blocked", 3), ("signin_bad_credentials", "config", 2)),
    )
    assert password.width == pytest.approx(39 / 40 * WIDTH)
    assert password.stopped_width == pytest.approx(5 / 40 * WIDTH)
    assert (light.runs, light.through) == (480, 480)


def test_a_soft_reason_at_the_end_is_through() -> None:
    slow = FunnelCount(cadence="", step="jwks", place=1, runs=3, stopped="http_slow", fault="target")
    assert [funnel.through for funnel in funnels([slow])] == [3]


def test_the_first_run_that_stopped_is_open_and_kept() -> None:
    runs = waterfalls([run("a"), run("b", stops="token", **DOWN), run("c"), run("a", cadence="light")])
    assert [(each.probe, each.cadence) for each in runs] == [
        ("a", "full"),
        ("b", "full"),
        ("c", "full"),
        ("a", "light"),
    ]
    shown = opened(runs)
    assert shown is not None
    assert shown.probe == "b"
    assert [each.probe for each in some_of(runs, 2)] == ["a", "b"]
    assert [each.probe for each in some_of(runs, 1)] == ["b"]
    assert opened([]) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (1.0, "100 %"),
        (0.99999, "99.99 %"),
        (0.72, "72 %"),
        ((0.971, 0.983), "97.1 to 98.3 %"),
        ((0.5, 0.50001), "50 %"),
        ((0.0, 1.0), "0 to 100 %"),
        (0.29, "29 %"),
    ],
)
def test_a_share_is_never_rounded_up(value: float | tuple[float, float] | None, words: str) -> None:
    assert share(value) == words


def test_requests_a_call() -> None:
    assert [factor(None), factor((1.0, 1.0)), factor((1.25, 2.0))] == ["–", "1.00", "1.25 to 2.00"]
