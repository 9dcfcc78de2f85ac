"""The pages, rendered from fake boards."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.alerts import ReceiverStatus
from collector.alerts.standing import ReceiverState
from collector.board import Board, ComponentBoard
from collector.events import Event, Evidence, Extent, FaultDomain, Human, Incident, Moment, Noticed, Risk
from collector.history.types import IncidentStory, QueryError
from collector.tokens import Identity
from collector.web import Extension, Pages
from collector.web import pages as web_pages
from collector.web.guard import HEADERS
from collector.web.incidents import MAX_LINES, steps
from collector.web.overview import MAX_SUBJECTS, headline, hurting, matrix
from parallax.clock import NS
from tests.collector.web.asking import ask
from tests.fakes.boards import (
    HOSTILE,
    INCIDENT,
    NOW,
    PAST,
    FakeHistory,
    FakeView,
    check,
    empty_board,
    full_board,
    hostile_board,
    large_board,
    latest,
    probe,
    story,
    subject,
)

_VOID = {"meta", "link", "br", "wbr", "input", "img", "hr"}


class Reader(HTMLParser):
    """Checks that elements are closed in order, and keeps what tests ask for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(html)
        self.close()
        assert self.open == []
        assert len(self.ids) == len(set(self.ids))
        assert not {name for name in self.attributes if name == "style" or name.startswith("on")}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert tag != "script" or "src" in given
        self.attributes |= given.keys()
        if tag == "wbr":
            self.words = self.words.removesuffix(" ")
        self.links += [given["href"] or ""] if tag == "a" else []
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data + " "


async def read(view: FakeView, target: str, status: int = 200) -> Reader:
    answer = await ask(view, target)
    assert answer.status == status
    return Reader(answer.text)


@pytest.mark.parametrize("board", [full_board, empty_board, large_board, hostile_board])
@pytest.mark.parametrize("path", ["/", "/incidents", f"/incident/{INCIDENT.id}"])
async def test_pages_are_well_formed_whatever_the_board(board: Any, path: str) -> None:
    await read(FakeView(board()), path)


async def test_the_overview_says_all_that_matters() -> None:
    page = await read(FakeView(), "/")
    for words in (
        "2 open incidents, 3 of 7 components hurt, 1 unknown, 3 risks, 5 of 8 probes healthy",
        "DNS operator dns-a is dark: 4 of 4 name servers do not answer",
        "7 of 8 probes in 3 networks failed within 9.0 s (1 abstained, 1 silent)",
        "partial outage",
        "not measured",
        "under maintenance",
        "Fallback operator dns-b lacks the mail records",
        "nobody can say when it hurts",
        "abstained",
        "too old",
        "ns1.dns-a.example (192.0.2.1:53) · vendor.example",
    ):
        assert words in re.sub(r"\s+", " ", page.words)
    assert page.words.index("4 of 4 name servers") < page.words.index("its clock is 90 s ahead")  # the urgent first
    assert f"/incident/{INCIDENT.id}" in page.links
    assert "/check/sign-in%20page" in page.links


async def test_a_component_leads_to_its_checks_and_an_empty_map_is_none() -> None:
    bare = type(full_board())(at=NOW, position=0, components=full_board().components, probes=(probe(0, location=None),))
    page = await read(FakeView(bare), "/")
    assert "/check/health%20endpoint" in page.links  # of no matrix: there are no checks
    assert "Not on the map" in page.words
    assert "fails as seen from here" not in page.words


async def test_receivers_that_are_not_told_are_shown() -> None:
    def receiver(name: str, state: ReceiverState, word: str) -> ReceiverStatus:
        return ReceiverStatus(name=name, kind="webhook", waiting=2, delivered=1, last_word=word, state=state)

    receivers = [receiver("fine", "ok", "all is well"), receiver("<ill>", "failing", "no HOOK in the config")]
    text = (await read(FakeView(receivers=receivers), "/")).words
    assert "receiver <ill>" in text
    assert "no HOOK in the config" in text
    assert "2 alerts waiting" in text
    assert "all is well" not in text


async def test_a_risk_says_when_it_may_hurt() -> None:
    soon, past = full_board().risks[0], NOW - 26 * NS
    for at, words in (
        (NOW + 3600 * NS, "may hurt in 1 h"),
        (past, "may hurt since 17:05:34"),
        (None, "nobody can say"),
    ):
        risk = type(soon)(id="r", title="t", check="c", components=(), since=past, expected_at=at)
        page = await read(FakeView(type(full_board())(at=NOW, position=0, risks=(risk,))), "/")
        assert words in re.sub(r"\s+", " ", page.words)


async def test_a_risk_that_hurts_already_says_so() -> None:
    """As when an operator is dark and its zone has moved: no cache carries it any more, and nobody is told to wait."""
    domain = FaultDomain(kind="operator", name="dns-a")
    risk = Risk(id="r", title="dns-a is dark", check="zone", components=("Mail",), since=NOW - 300 * NS, domain=domain)
    mail = ComponentBoard(name="Mail", state="full_outage", since=NOW - 60 * NS, why="")
    case = msgspec.structs.replace(INCIDENT, domain=domain, components=("Mail", "API"))
    board = Board(at=NOW, position=1, components=(mail,), incidents=(case,), risks=(risk,))
    assert hurting(board) == {"r"}
    assert "it hurts already" in (await read(FakeView(board), "/")).words
    well = msgspec.structs.replace(mail, state="operational")
    assert hurting(msgspec.structs.replace(board, components=(well,))) == frozenset()
    elsewhere = msgspec.structs.replace(case, domain=FaultDomain(kind="region", name="dns-a"))
    assert hurting(msgspec.structs.replace(board, incidents=(elsewhere,))) == frozenset()


async def test_a_board_of_nothing_says_what_to_do() -> None:
    page = await read(FakeView(empty_board()), "/")
    assert "No [[component]] in the plan: add one" in page.words
    assert "No [[check]] in the plan: add one" in page.words
    incidents = await read(FakeView(empty_board(), FakeHistory(incidents=())), "/incidents")
    assert "No incident so far" in incidents.words


async def test_hostile_names_stay_text() -> None:
    answer = await ask(FakeView(hostile_board()), "/")
    page = Reader(answer.text)
    assert "<script>alert" not in answer.text
    assert HOSTILE.split("\u202e")[0] in page.words
    assert not [link for link in page.links if link.startswith("javascript:")]
    assert "/incident/a%2Fb%3Fc" in page.links
    assert (await ask(FakeView(hostile_board()), "/incident/a%2Fb%3Fc")).status == 200


async def test_a_large_overview_is_small() -> None:
    answer = await ask(FakeView(large_board()), "/")
    assert len(answer.body) < 60_000
    packed = await ask(FakeView(large_board()), "/", headers={"accept-encoding": "br, gzip;q=0.8"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == answer.text
    assert len(packed.body) < 15_000


def test_the_matrix_shows_the_worst_of_a_checks_subjects_and_only_unwell_ones_below() -> None:
    board = full_board()
    groups = {group.check.name: group for group in matrix(board)}
    dark = groups["authoritative DNS"]
    states = ["failed"] * 5 + ["abstained", "stale", ""]
    assert [cell.state for cell in dark.row.cells] == states
    assert [row.state for row in dark.subjects] == ["down", "down"]
    assert dark.row.cells[5].reason == "clock"
    assert dark.row.cells[6].reason == ""
    assert groups["sign-in page"].subjects == ()  # it has but one
    assert groups["health endpoint"].subjects == ()


def test_the_matrix_is_bounded() -> None:
    many = check("many", [subject(f"s{n}", "down", [latest("fra1", "dns_timeout")]) for n in range(30)])
    (group,) = matrix(type(full_board())(at=NOW, position=0, checks=(many,), probes=full_board().probes))
    assert (len(group.subjects), group.hidden) == (MAX_SUBJECTS, 30 - MAX_SUBJECTS)


def test_headlines() -> None:
    assert headline(full_board())[0] == "bad"
    assert headline(large_board()) == ("ok", "no open incident, no component hurt, 8 of 8 probes healthy")
    assert headline(empty_board()) == ("none", "no open incident")


def test_a_component_of_which_nothing_is_known_leaves_the_headline_grey() -> None:
    board = large_board()
    dim = msgspec.structs.replace(board.components[0], state="unknown", why="sign-in: cannot tell")
    board = msgspec.structs.replace(board, components=(dim, *board.components[1:]))
    assert headline(board) == ("none", "no open incident, no component hurt, 1 unknown, 8 of 8 probes healthy")


async def test_the_incidents_page_by_page() -> None:
    past = tuple(
        Incident(
            id=f"i{n}",
            title=f"number {n}",
            severity="info",
            domain=None,
            started_at=NOW - n * NS,
            opened_at=NOW - n * NS,
            updated_at=NOW,
            resolved_at=NOW,
        )
        for n in range(120)
    )
    view = FakeView(empty_board(), FakeHistory(incidents=past))
    seen, target, pages = [], "/incidents", 0
    while target:
        page = await read(view, target)
        seen += re.findall(r"number \d+", page.words)
        target = next((link for link in page.links if "before=" in link), "")
        pages += 1
    assert (len(seen), len(set(seen)), pages) == (120, 120, 3)
    for odd in ("x", "-1", "9" * 40, "٣", ""):
        assert (await ask(view, f"/incidents?before={odd}")).status == 200


async def test_what_was_noticed_is_below_the_incidents() -> None:
    data = Noticed(word="site_lost", title="Site fra of 198.51.100.2 is gone", severity="warning", why="2 probes moved")
    noticed = Event(id="n", at=NOW - 60 * NS, cause=1, data=data)
    page = await read(FakeView(full_board(), FakeHistory(noticed=(noticed,))), "/incidents")
    assert "Notices" in page.words
    assert "site lost Site fra of 198.51.100.2 is gone 2 probes moved" in re.sub(r"\s+", " ", page.words)
    older = await read(FakeView(full_board(), FakeHistory(noticed=(noticed,))), f"/incidents?before={NOW}")
    assert "Notices" not in older.words, "an older page has older incidents only"


async def test_an_open_incident_is_as_the_board_has_it() -> None:
    older = IncidentStory(incident=PAST, events=())
    stale = type(INCIDENT)(**{**{f: getattr(INCIDENT, f) for f in INCIDENT.__struct_fields__}, "title": "stale"})
    history = FakeHistory((stale, PAST), (IncidentStory(incident=stale, events=story().events), older))
    for target in ("/incidents", f"/incident/{INCIDENT.id}"):
        page = await read(FakeView(full_board(), history), target)
        assert INCIDENT.title in page.words
        assert "stale" not in page.words


async def test_an_incident_with_its_timeline() -> None:
    page = await read(FakeView(), f"/incident/{INCIDENT.id}")
    text = re.sub(r"\s+", " ", page.words)
    for words in ("DNS operator dns-a", "Sign-in and Sign-in mail", "partial outage", "7 of 8 probes in 3 networks"):
        assert words in text
    order = [
        text.index(words) for words in ("+2 s", "+9 s", "incident opened", "+54 s", "+10 min 34 s", "+11 min 34 s")
    ]
    assert order == sorted(order)
    assert "no DNS answer before the deadline" in text
    assert text.count("does UDP/TCP 53 pass on the way to it?") == 1


async def test_an_incident_names_who_looks_after_its_components_and_leads_to_their_runbooks() -> None:
    page = await read(FakeView(), f"/incident/{INCIDENT.id}")
    text = re.sub(r"\s+", " ", page.words)
    assert "Owner identity team, runbook of Sign-in Where" in text, "Sign-in mail has neither"
    assert "https://runbooks.example/sign-in" in page.links

    board = full_board()
    first, mail, *others = board.components
    mail = msgspec.structs.replace(mail, owner=first.owner, runbook=first.runbook)
    both = await read(
        FakeView(msgspec.structs.replace(board, components=(first, mail, *others))), f"/incident/{INCIDENT.id}"
    )
    assert "Owner identity team, runbook Where" in re.sub(r"\s+", " ", both.words), "who is the same is said once"
    odd = [msgspec.structs.replace(first, owner="", runbook="javascript:alert(1)"),
           msgspec.structs.replace(mail, owner="mail team", runbook=None)]  # fmt: skip
    page = await read(FakeView(msgspec.structs.replace(board, components=(*odd, *others))), f"/incident/{INCIDENT.id}")
    text = re.sub(r"\s+", " ", page.words)
    assert "no owner, runbook: javascript:alert(1) of Sign-in mail team, no runbook of Sign-in mail" in text
    assert "javascript:alert(1)" not in page.links
    nobody = await read(FakeView(msgspec.structs.replace(board, components=others)), f"/incident/{INCIDENT.id}")
    assert "Owner" not in nobody.words


async def test_an_incident_says_why_and_what_people_said() -> None:
    told = msgspec.structs.replace(
        INCIDENT, stage="identified", because=("all 8 probes fail at dns-a", "the same names resolve at dns-b"),
        alternatives=(FaultDomain(kind="network", name="transit", certain=False),), parent="i-parent",
        evidence=msgspec.structs.replace(
            INCIDENT.evidence or Evidence(failing=1, voters=1, networks=1, span_ns=0),
            extent=Extent(share=0.9, low=0.7, high=0.98),
            users=Extent(share=0.6, low=0.3, high=0.8, of="users"),
        ),
        human=Human(title="Mail is out", title_by="ann", domain_by="bob", acknowledged_by="cy", acknowledged_at=NOW),
        title="Mail is out", seen_title=INCIDENT.title, seen_domain=FaultDomain(kind="zone", name="a.example"),
        timeline=(
            Moment(at=INCIDENT.started_at, what="began"),
            Moment(at=INCIDENT.started_at + 20 * NS, what="paged", text="ops"),
            Moment(at=INCIDENT.started_at + 30 * NS, what="note", text="<b>it is the vendor</b>", actor="ann"),
            Moment(at=INCIDENT.started_at + 40 * NS, what="detected", text="an event says it"),
        ),
        left_out=3,
    )  # fmt: skip
    board = msgspec.structs.replace(full_board(), incidents=(told,))
    page = await read(FakeView(board), f"/incident/{INCIDENT.id}")
    text = re.sub(r"\s+", " ", page.words)
    for words in (
        "all 8 probes fail at dns-a the same names resolve at dns-b", "network transit", "incident i-parent",
        "60 % of users, likely 30-80 %; 90 % of vantages, likely 70-98 %",
        "acknowledged by cy", "said by bob", "by the probes: zone a.example",
        f"Probes see {INCIDENT.title}", "note by ann <b>it is the vendor</b>", "paged ops", "3 moments had no room",
    ):  # fmt: skip
        assert words in text
    assert "an event says it" not in text
    assert "/incident/i-parent" in page.links
    alone = await read(
        FakeView(board, FakeHistory(stories=(IncidentStory(incident=INCIDENT, events=()),))), f"/incident/{INCIDENT.id}"
    )
    assert "an event says it" in alone.words, "without events the incident's own timeline says it all"


async def test_what_is_over_is_watched_on_the_overview() -> None:
    over = msgspec.structs.replace(INCIDENT, stage="monitoring", over_at=INCIDENT.started_at + 300 * NS)
    board = msgspec.structs.replace(full_board(), incidents=(), watched=(over,))
    overview = await read(FakeView(board), "/")
    assert "Over, and watched" in overview.words
    assert "lasted 5 min" in overview.words
    page = await read(FakeView(board), f"/incident/{INCIDENT.id}")
    assert "watched, and resolved once it has stayed calm" in page.words
    assert "open critical" not in re.sub(r"\s+", " ", page.words)


@pytest.mark.parametrize(
    ("stage", "moments", "states"),
    [
        ("investigating", (), ["current", "ahead", "ahead", "ahead"]),
        ("reopened", ("identified",), ["current", "ahead", "ahead", "ahead"]),
        ("identified", ("identified",), ["done", "current", "ahead", "ahead"]),
        ("monitoring", (), ["done", "ahead", "current", "ahead"]),
        ("resolved", ("identified",), ["done", "done", "done", "current"]),
    ],
)
def test_stages_are_steps(stage: Any, moments: tuple[Any, ...], states: list[str]) -> None:
    timeline = tuple(Moment(at=NOW, what=word) for word in moments)
    shown = steps(msgspec.structs.replace(INCIDENT, stage=stage, timeline=timeline))
    assert [step.state for step in shown] == states
    assert next(step.word for step in shown if step.state == "current") == stage


async def test_a_long_timeline_shows_its_beginning_and_its_end() -> None:
    one = story().events[0]
    events = tuple(type(one)(id=str(n), at=NOW + n * NS, cause=n, data=one.data) for n in range(MAX_LINES + 100))
    history = FakeHistory(stories=(IncidentStory(incident=INCIDENT, events=events),))
    answer = await ask(FakeView(history=history), f"/incident/{INCIDENT.id}")
    assert answer.text.count('class="line-at"') == MAX_LINES
    assert "100 lines in between not shown" in answer.text


async def test_unknown_places_are_pages_that_say_so() -> None:
    for target in ("/nothing", "/incident/none", "/static/0/style.css", "/static/x/../../pages.py", "/%2e%2e/"):
        page = await read(FakeView(), target, 404)
        assert "/" in page.links
    assert "text/plain" in (await ask(FakeView(), "/v1/nothing")).headers["content-type"]  # the API answers for itself
    assert (await ask(FakeView(), "/", method="POST", headers={"origin": "http://127.0.0.1:8600"})).status == 405


async def test_a_slow_history_holds_no_page(autojump_clock: trio.abc.Clock) -> None:
    for target, words in (("/incidents", INCIDENT.title), (f"/incident/{INCIDENT.id}", INCIDENT.title)):
        began = trio.current_time()
        page = await read(FakeView(history=FakeHistory(hold=trio.sleep_forever)), target)
        assert trio.current_time() - began == web_pages.HISTORY_S
        assert "The history did not answer within 2 s" in page.words
        assert words in page.words
    gone = await read(FakeView(history=FakeHistory(hold=trio.sleep_forever)), "/incident/x", 503)
    assert "did not answer" in gone.words


async def test_a_failing_history_holds_no_page() -> None:
    async def fail() -> None:
        raise QueryError("the file is damaged")

    page = await read(FakeView(history=FakeHistory(hold=fail)), "/incidents")
    assert "The file is damaged." in page.words
    assert INCIDENT.title in page.words


async def test_every_answer_carries_the_headers() -> None:
    pages = Pages(FakeView().view())
    for target in ("/", "/nothing", pages.statics.url("style.css"), "/incidents"):
        answer = await ask(pages, target)
        for name, value in HEADERS.items():
            assert answer.headers[name.lower()] == value
    refused = await ask(pages, "/", host="evil.example")
    assert refused.status == 421
    assert refused.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


async def test_off_loopback_everything_needs_a_token() -> None:
    pages = Pages(FakeView(listen="192.0.2.1:8600").view())
    for target in ("/", "/incidents", "/live?path=/", pages.statics.url("live.js"), "/nothing"):
        answer = await ask(pages, target, host="192.0.2.1:8600")
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert "Sign-in" not in answer.text
    known = await ask(pages, "/", host="192.0.2.1:8600", headers={"authorization": "Bearer viewer-token"})
    assert known.status == 200


async def test_static_files_are_kept_for_ever_under_their_hash() -> None:
    pages = Pages(FakeView().view())
    url = pages.statics.url("live.js")
    answer = await ask(pages, url)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    again = await ask(pages, url, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert url in (await ask(pages, "/")).text
    with pytest.raises(KeyError):
        pages.statics.url("../pages.py")


async def test_an_extension_stands_in_the_same_frame(tmp_path: Path) -> None:
    (tmp_path / "more.html").write_text('{% extends "layout.html" %}{% block main %}<p>{{ said }}</p>{% endblock %}')
    pressed: list[Identity] = []

    def routes(pages: Pages) -> list[Any]:
        async def show(pages: Pages, request: Request) -> Response:
            return pages.render(request, "more.html", said="<here>")

        async def press(request: Request, identity: Identity) -> Response:
            pressed.append(identity)
            return Response(status_code=303, headers={"location": "/more"})

        return [pages.page("/more", show), Route("/more", pages.guarded(press, "owner"), methods=["POST"])]

    extension = Extension(banner="LAB", links=(("/more", "More"),), templates=tmp_path, pages=routes, api=lambda _: [])
    view = FakeView(extension=extension)
    for target in ("/", "/nothing", "/more"):
        answer = await ask(view, target)
        assert '<p class="banner">LAB</p>' in answer.text
        assert '<a href="/more"' in answer.text
    assert "&lt;here&gt;" in answer.text
    assert 'aria-current="page">More' in answer.text
    own = {"origin": "http://127.0.0.1:8600"}
    assert (await ask(view, "/more", method="POST", headers=own)).status == 303
    assert (await ask(view, "/more", method="POST", headers={"origin": "http://evil.example"})).status == 403
    assert (
        await ask(view, "/more", method="POST", headers=own | {"authorization": "Bearer viewer-token"})
    ).status == 403
    assert [identity.role for identity in pressed] == ["owner"]


async def test_hostile_words_of_people_and_of_the_machine_stay_text() -> None:
    moment = Moment(at=NOW, what="note", text=HOSTILE, actor=HOSTILE)
    where = FaultDomain(kind="zone", name=HOSTILE)
    case = msgspec.structs.replace(
        INCIDENT,
        title=HOSTILE,
        seen_title=HOSTILE,
        domain=where,
        seen_domain=where,
        because=(HOSTILE,),
        alternatives=(where,),
        parent=HOSTILE,
        timeline=(moment,),
        human=Human(acknowledged_at=NOW, acknowledged_by=HOSTILE, title=HOSTILE, title_by=HOSTILE, domain_by=HOSTILE),
    )
    board = Board(at=NOW, position=1, incidents=(case,), watched=(msgspec.structs.replace(case, id="w", over_at=NOW),))
    for path in ("/", "/incidents", f"/incident/{case.id}", "/incident/w"):
        answer = await ask(FakeView(board, FakeHistory(incidents=())), path)
        assert answer.status == 200
        assert "<script>alert" not in answer.text
        assert HOSTILE.split("\u202e")[0] in Reader(answer.text).words
