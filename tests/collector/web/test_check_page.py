"""The check's page, its figures and the probes' page, asked for without a socket."""

import json
from typing import Any

import msgspec
import pytest
import trio

from collector.board import Board, CertificateBoard, LeafBoard
from collector.history import QueryError
from collector.history.types import Point
from collector.web import Pages
from collector.web.checks import points_path, reasons_of
from collector.web.words import check_path
from parallax.clock import NS
from tests.collector.web.asking import Answer, ask
from tests.collector.web.test_pages import read
from tests.fakes.boards import (
    HOSTILE,
    NOW,
    FakeHistory,
    FakeView,
    check,
    empty_board,
    full_board,
    hostile_board,
    latest,
    subject,
)
from tests.fakes.points import points

DNS = "/check/authoritative%20DNS"


class AskedHistory(FakeHistory):
    """Keeps what it was asked for."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.asked: list[dict[str, Any]] = []

    async def points(self, check: str, **asked: Any) -> list[Point]:
        self.asked.append({"check": check, **asked})
        return await super().points(check, **asked)


class Site:
    """The pages of a fake view."""

    def __init__(self, board: Board | None = None, history: FakeHistory | None = None) -> None:
        self.history = history or AskedHistory(
            points=points(["fra1", "iad1"], until=NOW, steps=50, failing=[("iad1", 2)])
        )
        self.fake = FakeView(board, self.history)
        self.pages = Pages(self.fake.view())

    async def get(self, url: str, **headers: str) -> Answer:
        return await ask(self.pages, url, headers=headers)

    async def figures(self, url: str) -> Any:
        return json.loads((await self.get(url)).text)


def named(name: str, *subjects: str) -> Board:
    """A board of one check."""
    made = [subject(one, "up", [latest("fra1")]) for one in subjects or ("192.0.2.1:53",)]
    return msgspec.structs.replace(empty_board(), checks=(check(name, made),))


async def test_a_check_says_how_it_is_and_what_each_probe_says() -> None:
    page = await Site().get(DNS)
    assert page.status == 200
    for text in (
        "down</span> for",
        "6 of 7 probes in 3 networks failed within 9.0 s",
        "ns1.dns-a.example (192.0.2.1:53)",
        "no DNS answer before the deadline",
        "look first: is the server up",
        "does not count: clock",
        "too old",
        "/incident/inc-0123456789abcdef-1",
        "eu-central",
    ):
        assert text in page.text, text


async def test_the_figures_are_in_a_table_as_well() -> None:
    page = await Site().get(DNS)
    assert "20 ms / 40 ms" in page.text
    assert "<b>2 of 10 failed</b>" in page.text


@pytest.mark.parametrize("name", [HOSTILE, "a/b", "a/../b", "100 % ?#", "ünï ✓", "x/points.json", "' onload='alert(1)"])
async def test_any_name_has_a_page_and_figures(name: str) -> None:
    site = Site(named(name))
    page = await site.get(check_path(name))
    assert page.status == 200, page.text
    assert "<script>alert" not in page.text
    assert (await site.get(points_path(name))).status == 200
    assert f'data-url="{points_path(name)}' in page.text


async def test_the_page_of_hostile_names_has_no_markup_of_theirs() -> None:
    for url in (check_path(HOSTILE), "/probes", f"{check_path(HOSTILE)}?of=%3Cscript%3Ealert"):
        page = await Site(hostile_board()).get(url)
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert "javascript:" not in page.text
        assert " style=" not in page.text


@pytest.mark.parametrize("url", ["/check/nothing", "/check/", "/check/a%00b"])
async def test_an_unknown_check_is_404_in_the_frame(url: str) -> None:
    page = await Site().get(url)
    assert page.status == 404
    assert "The plan has no check" in page.text
    assert "Incidents" in page.text


async def test_the_chart_s_figures_are_asked_for_by_span() -> None:
    site = Site()
    answer = await site.get(f"{DNS}/points.json?span=24h")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert json.loads(answer.text)["step_s"] == 120
    assert json.loads(answer.text)["until_s"] - json.loads(answer.text)["since_s"] == 86_400
    assert [line["probe"] for line in json.loads(answer.text)["lines"]] == ["fra1", "iad1"]
    assert isinstance(site.history, AskedHistory)
    [asked] = site.history.asked
    assert asked["check"] == "authoritative DNS"
    assert asked["step_s"] == 120
    assert asked["until"] - asked["since"] == 86_400 * NS


async def test_the_end_of_the_figures_can_be_asked_for_alone() -> None:
    whole = await Site().figures(f"{DNS}/points.json")
    end = await Site().figures(f"{DNS}/points.json?since={NOW / NS - 90}")
    assert end["until_s"] == whole["until_s"]
    assert end["since_s"] == NOW // NS - 120
    assert end["lines"][0]["p50_ms"] == whole["lines"][0]["p50_ms"][-2:]


async def test_the_figures_are_packed_for_those_who_can_unpack_them() -> None:
    site = Site()
    plain = await site.get(f"{DNS}/points.json?span=24h")
    packed = await site.get(f"{DNS}/points.json?span=24h", **{"accept-encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert len(packed.body) < len(plain.body) / 5


async def test_one_subject_can_be_chosen() -> None:
    site = Site(named("x", "a", "b"), AskedHistory(points=points(["fra1"], until=NOW, steps=5, subject="b")))
    assert (await site.figures("/check/x/points.json?of=a"))["lines"] == []
    assert len((await site.figures("/check/x/points.json?of=b"))["lines"]) == 1
    assert (await site.get("/check/x/points.json?of=c")).status == 404
    page = await site.get("/check/x?of=b&span=6h")
    assert '<option value="b" selected>' in page.text
    assert "points.json?span=6h&amp;of=b" in page.text
    assert "no such subject any more" in (await site.get("/check/x?of=c")).text


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("since=soon", "since wants seconds since 1970, as a number"),
        ("since=nan", "since wants seconds since 1970, as a number"),
        ("since=1e999", "since wants seconds since 1970, as a number"),
        ("span=year", "span wants one of 1h, 6h, 24h, 7d"),
    ],
)
async def test_a_wrong_question_is_answered_with_what_is_right(query: str, message: str) -> None:
    answer = await Site().get(f"{DNS}/points.json?{query}")
    assert answer.status == 400
    assert json.loads(answer.text) == {"error": "bad_request", "message": message}


async def test_figures_of_an_unknown_check_are_404_as_json() -> None:
    answer = await Site().get("/check/nothing/points.json")
    assert answer.status == 404
    assert json.loads(answer.text)["error"] == "not_found"


async def test_the_page_stands_without_its_history() -> None:
    async def broken() -> None:
        raise QueryError("the history cannot be read now: the file is damaged")

    site = Site(history=FakeHistory(hold=broken))
    page = await site.get(DNS)
    assert page.status == 200
    assert "The history cannot be read now: the file is damaged." in page.text
    answer = await site.get(f"{DNS}/points.json")
    assert answer.status == 503
    assert json.loads(answer.text)["message"] == "The history cannot be read now: the file is damaged."


async def test_a_slow_history_does_not_make_the_page_slow(autojump_clock: trio.testing.MockClock) -> None:
    site = Site(history=FakeHistory(hold=trio.sleep_forever))
    start = trio.current_time()
    page = await site.get(DNS)
    assert page.status == 200
    assert "did not answer within 2 s" in page.text
    assert trio.current_time() - start < 2.1
    start = trio.current_time()
    await site.get(DNS)
    assert trio.current_time() == start, "what is not there is not asked for at each look"


async def test_a_watched_page_asks_history_once_in_ten_seconds(autojump_clock: trio.testing.MockClock) -> None:
    site = Site()
    assert isinstance(site.history, AskedHistory)
    for _ in range(25):
        await site.get(DNS)
        await trio.sleep(1)
    assert len(site.history.asked) == 3
    for n in range(200):
        await site.get(f"{DNS}?span=6h&of={n}")
    await site.get(f"{DNS}?span=6h&measure=p95")
    assert len(site.history.asked) == 4, "what is asked for has few forms"


async def test_an_empty_history_says_what_to_expect() -> None:
    page = await Site(history=FakeHistory()).get(DNS)
    assert "There is nothing in the history for this span yet" in page.text


async def test_incidents_of_the_check_are_the_board_s_and_history_s() -> None:
    page = await Site().get(DNS)
    assert page.text.count("DNS operator dns-a is dark") == 1
    assert "Region us-east is slow" not in page.text


async def test_a_check_that_never_ran_says_what_to_do() -> None:
    page = await Site(msgspec.structs.replace(empty_board(), checks=(check("x", []),))).get("/check/x")
    assert page.status == 200
    assert "No probe has run this check yet" in page.text


def test_the_most_frequent_reason_is_explained_first() -> None:
    said = [latest("a", "http_status"), latest("b", "dns_timeout"), latest("c", "dns_timeout")]
    old = [latest("d", "tls_alert", fresh=False), latest("e", "of_a_later_version")]
    assert reasons_of(subject("s", "down", said + old)) == ["dns_timeout", "http_status"]


async def test_the_probes_page_has_a_row_for_each() -> None:
    page = await Site().get("/probes")
    assert page.status == 200
    for one in full_board().probes:
        assert f'id="probe-{one.id}"' in page.text
        assert f'href="#probe-{one.id}"' in page.text
    for text in ("never heard", "its clock is 90 s ahead", "90 s", "64500", "data-centre", "0.120 s", "01234567"):
        assert text in page.text, text


async def test_without_probes_the_page_says_how_to_add_one() -> None:
    page = await Site(empty_board()).get("/probes")
    assert "[[probe]]" in page.text
    assert "<svg" not in page.text


async def test_the_certificates_of_a_name_stand_beside_what_shows_them() -> None:
    """Also where another check saw the name first; of other names, none."""
    leaves = (
        LeafBoard(
            sha256="ab" * 32, issuer="Example CA", ends_at=NOW + NS, addresses=("203.0.113.10",), probes=("fra1",)
        ),
        LeafBoard(sha256="cd" * 32, issuer="Other CA", ends_at=0, addresses=("203.0.113.20",), probes=("nrt1", "sin1")),
    )
    shown = CertificateBoard(name="idp.example", check="another", leaves=leaves)
    of_others = CertificateBoard(name="cdn.example", check="another", leaves=leaves[:1])
    board = msgspec.structs.replace(
        empty_board(),
        checks=(check("front", [subject("203.0.113.10:443", "up", [], target="idp.example:443")], kind="tls"),),
        certificates=(shown, of_others),
    )
    page = await read(FakeView(board, FakeHistory()), "/check/front")
    said = " ".join(page.words.split())
    assert "idp.example shows 2 certificates" in said
    assert "abababababababab idp.example Example CA" in said
    assert "cdcdcdcdcdcdcdcd idp.example Other CA unknown 203.0.113.20 nrt1, sin1" in said
    assert "cdn.example" not in said
    assert ">Certificates<" not in (await Site().get(DNS)).text
