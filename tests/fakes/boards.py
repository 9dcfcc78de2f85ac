"""Boards and a view for pages: all states that there are, a large one, an empty one, one with hostile names; and a
history that answers what it is given. `FakeView.view()` is what `Pages` takes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import trio

from collector.alerts import ReceiverStatus
from collector.board import Board, CheckBoard, ComponentBoard, Latest, ProbeBoard, SubjectBoard
from collector.events import (
    Affected,
    CheckChanged,
    CheckState,
    ComponentChanged,
    Event,
    EventData,
    Evidence,
    FaultDomain,
    Incident,
    IncidentChanged,
    ProbeChanged,
    Risk,
    RiskChanged,
)
from collector.history.types import Flow, IncidentStory, Point, Retried
from collector.lives import Life
from collector.retries import report_on
from collector.tokens import Identity
from collector.web import Extension, View
from parallax.clock import NS
from parallax.plan.types import Retry
from parallax.values import Address, DnsName
from tests.fakes import dns_boards

NOW = 1_770_743_160 * NS
"""10 Feb 2026, 17:06:00 UTC."""
HOSTILE = "<script>alert(\"x\")</script> 'quoted' & a/b?c=d#e ‮txet‬ " + "long" * 20
_PLACES: tuple[tuple[str, str, str, int, tuple[float, float], str], ...] = (
    ("fra1", "eu-central", "alpha", 64500, (50.11, 8.68), "data-centre"),
    ("lon1", "eu-west", "alpha", 64500, (51.51, -0.13), "data-centre"),
    ("iad1", "us-east", "beta", 64501, (38.95, -77.45), "data-centre"),
    ("sfo1", "us-west", "beta", 64501, (37.62, -122.38), "data-centre"),
    ("gru1", "sa-east", "gamma", 64502, (-23.43, -46.47), "access"),
    ("nrt1", "ap-northeast", "gamma", 64502, (35.77, 140.39), "data-centre"),
    ("sin1", "ap-southeast", "delta", 64503, (1.36, 103.99), "access"),
    ("syd1", "au-east", "delta", 64503, (-33.95, 151.18), "access"),
)


def probe(number: int, **more: Any) -> ProbeBoard:
    """One of eight probes."""
    id_, region, provider, asn, location, network = _PLACES[number % 8]
    known: dict[str, Any] = {
        "id": id_ if number < 8 else f"{id_}-{number}",
        "state": "healthy",
        "since": NOW - 86_400 * NS,
        "why": "",
        "region": region,
        "provider": provider,
        "asn": asn,
        "location": location,
        "network": network,
        "heard_at": NOW - 2 * NS,
        "lag_s": 0.12,
        "clock_offset_s": 0.004,
        "agent": "0.1.0",
        "plan": "0123456789abcdef",
    }
    return ProbeBoard(**{**known, **more})


def latest(probe_id: str, reason: str | None = None, **more: Any) -> Latest:
    known: dict[str, Any] = {
        "probe": probe_id,
        "at": NOW - 5 * NS,
        "duration_ns": 23_400_000,
        "reason": reason,
        "fault": "target" if reason else None,
        "abstain": None,
        "soft": False,
        "fresh": True,
    }
    return Latest(**{**known, **more})


def evidence(failing: int = 0, voters: int = 8, **more: Any) -> Evidence:
    return Evidence(**{"failing": failing, "voters": voters, "networks": 3, "span_ns": 9 * NS, **more})


def subject(name: str, state: CheckState, said: list[Latest], *, target: str = "", **more: Any) -> SubjectBoard:
    failing = sum(one.reason is not None for one in said)
    known: dict[str, Any] = {
        "target": target or name,
        "subject": name,
        "state": state,
        "since": NOW - 754 * NS,
        "evidence": evidence(failing, len(said) or 1),
        "incident": None,
        "latest": tuple(sorted(said, key=lambda one: one.probe)),
    }
    return SubjectBoard(**{**known, **more})


def check(name: str, subjects: list[SubjectBoard], *, kind: str = "dns") -> CheckBoard:
    order: tuple[CheckState, ...] = ("down", "degraded", "suspected", "unknown", "up")
    worst: CheckState = next((one for one in order if any(s.state == one for s in subjects)), "unknown")
    return CheckBoard(name=name, kind=kind, period_s=30.0, state=worst, subjects=tuple(subjects))


INCIDENT = Incident(
    id="inc-0123456789abcdef-1",
    title="DNS operator dns-a is dark: 4 of 4 name servers do not answer",
    severity="critical",
    domain=FaultDomain(kind="operator", name="dns-a"),
    started_at=NOW - 754 * NS,
    opened_at=NOW - 745 * NS,
    updated_at=NOW - 60 * NS,
    components=("Sign-in", "Sign-in mail"),
    impact="partial_outage",
    checks=(
        Affected(
            check="authoritative DNS",
            kind="dns",
            target="vendor.example",
            subject="ns1.dns-a.example (192.0.2.1:53)",
            state="down",
            since=NOW - 754 * NS,
            reason="dns_timeout",
        ),
        Affected(
            check="sign-in page",
            kind="http",
            target="https://login.vendor.example/",
            subject="203.0.113.10:443",
            state="degraded",
            since=NOW - 300 * NS,
            reason="http_status",
        ),
    ),
    evidence=evidence(7, 8, abstaining=1, silent=1, reasons={"dns_timeout": 6, "dns_servfail": 1}),
)
PAST = Incident(
    id="inc-0123456789abcdef-0",
    title="Region us-east is slow",
    severity="warning",
    domain=FaultDomain(kind="region", name="us-east", certain=False),
    started_at=NOW - 40_000 * NS,
    opened_at=NOW - 39_980 * NS,
    updated_at=NOW - 38_000 * NS,
    resolved_at=NOW - 38_000 * NS,
    components=("Sign-in",),
    impact="degraded_performance",
)
PROBE_TROUBLE = Incident(
    id="inc-0123456789abcdef-2",
    title="Probe nrt1 is unhealthy: its clock is 90 s ahead",
    severity="info",
    domain=FaultDomain(kind="probe", name="nrt1"),
    started_at=NOW - 30 * NS,
    opened_at=NOW - 25 * NS,
    updated_at=NOW - 25 * NS,
    probes=("nrt1",),
)
RISK = Risk(
    id="risk-1",
    title="Certificate of login.vendor.example ends in 6 d 4 h",
    check="sign-in page",
    components=("Sign-in",),
    since=NOW - 7200 * NS,
    expected_at=NOW + 532_800 * NS,
    why="nobody renewed it so far",
)


def full_board(now: int = NOW) -> Board:
    """Every state of everything at least once."""
    ids = [_PLACES[n][0] for n in range(8)]
    probes = (
        *(probe(n) for n in range(5)),
        probe(5, state="unhealthy", why="its clock is 90 s ahead", since=now - 30 * NS, clock_offset_s=90.02),
        probe(6, state="silent", why="nothing came for 2 min", since=now - 120 * NS, heard_at=now - 120 * NS),
        probe(
            7,
            state="unknown",
            why="never heard",
            since=now - 3600 * NS,
            heard_at=None,
            lag_s=None,
            clock_offset_s=None,
            agent="",
            plan="",
        ),
    )
    up = [latest(i) for i in ids[:5]]
    dark = [
        *(latest(i, "dns_timeout") for i in ids[:5]),
        latest(ids[5], "dns_timeout", abstain="clock"),
        latest(ids[6], fresh=False, at=now - 130 * NS),
    ]
    mixed = [
        *(latest(i) for i in ids[:3]),
        latest(ids[3], "http_status", soft=True, region="us-east"),
        latest(ids[4], "http_status", soft=True),
        latest(ids[5], abstain="clock"),
    ]
    checks = (
        check(
            "authoritative DNS",
            [
                *(
                    subject(
                        f"ns{n}.dns-a.example (192.0.2.{n}:53)",
                        "down",
                        dark,
                        target="vendor.example",
                        incident=INCIDENT.id,
                    )
                    for n in (1, 2)
                ),
                subject("ns1.dns-b.example (198.51.100.1:53)", "up", up, target="vendor.example"),
            ],
        ),
        check(
            "sign-in page",
            [subject("203.0.113.10:443", "degraded", mixed, target="https://login.vendor.example/")],
            kind="http",
        ),
        check(
            "health endpoint",
            [subject("203.0.113.10:443", "up", up, target="https://api.vendor.example/health")],
            kind="http",
        ),
        check("anycast name server", [subject("192.0.2.53:53", "suspected", [*up[:4], latest("gru1", "dns_timeout")])]),
        check("resolver", [subject("198.51.100.9:53", "unknown", [])]),
        check("certificate", [subject("203.0.113.10:443", "up", [*up, latest("nrt1", site="nrt")])], kind="tls"),
    )
    components = (
        ComponentBoard(
            name="Sign-in",
            state="partial_outage",
            since=now - 700 * NS,
            why="authoritative DNS is down",
            owner="identity team",
            runbook="https://runbooks.example/sign-in",
            checks=("authoritative DNS", "sign-in page"),
            risks=("risk-1",),
        ),
        ComponentBoard(name="Sign-in mail", state="full_outage", since=now - 650 * NS, why="no mail record"),
        ComponentBoard(name="API", state="operational", since=now - 86_400 * NS, why="", checks=("health endpoint",)),
        ComponentBoard(name="Console", state="degraded_performance", since=now - 90 * NS, why="answers 1.5 s late"),
        ComponentBoard(name="Webhooks", state="not_measured", since=now - 86_400 * NS, why="no check in the plan"),
        ComponentBoard(name="Docs", state="under_maintenance", since=now - 600 * NS, why="until 18:00 UTC"),
        ComponentBoard(name="Partners", state="unknown", since=now - 60 * NS, why="nobody's word on it is fresh"),
    )
    return Board(
        at=now,
        position=1234,
        components=components,
        checks=checks,
        probes=probes,
        incidents=(PROBE_TROUBLE, INCIDENT),
        risks=(
            RISK,
            Risk(
                id="risk-2",
                title="Fallback operator dns-b lacks the mail records",
                check="resolver",
                components=("Sign-in mail",),
                since=now - 90_000 * NS,
            ),
            dns_boards.runway_risk(now),
        ),
        fallbacks=dns_boards.fallbacks(now),
        chains=dns_boards.chains(now),
        moves=dns_boards.moves(now),
        catchments=dns_boards.catchments(now),
    )


def large_board(probes: int = 8, checks: int = 20, subjects: int = 4, now: int = NOW) -> Board:
    """Everything well, as on most days."""
    known = tuple(probe(n) for n in range(probes))
    said = [latest(one.id) for one in known]
    return Board(
        at=now,
        position=99_999,
        components=tuple(
            ComponentBoard(name=f"Component {n}", state="operational", since=now - 86_400 * NS, why="", owner="a team")
            for n in range(6)
        ),
        checks=tuple(
            check(
                f"check {n} of the sign-in path",
                [subject(f"192.0.2.{s}:443", "up", said, target=f"https://login{n}.example/") for s in range(subjects)],
            )
            for n in range(checks)
        ),
        probes=known,
    )


def empty_board(now: int = NOW) -> Board:
    """Before anything is known, with a plan that has nothing in it."""
    return Board(at=now, position=0)


def hostile_board(now: int = NOW) -> Board:
    """Names and texts that try to be markup, paths or a wide page."""
    said = [latest("fra1", HOSTILE)]
    return Board(
        at=now,
        position=5,
        components=(
            ComponentBoard(
                name=HOSTILE, state="full_outage", since=now, why=HOSTILE, owner=HOSTILE, runbook="javascript:alert(1)"
            ),
        ),
        checks=(check(HOSTILE, [subject(HOSTILE, "down", said), subject("b" * 200, "down", said)]),),
        probes=(probe(0), probe(1, id="p" * 64, region=HOSTILE, provider=HOSTILE, why=HOSTILE, state="unhealthy")),
        incidents=(
            Incident(
                id="a/b?c",
                title=HOSTILE,
                severity="critical",
                domain=FaultDomain(kind="zone", name=HOSTILE),
                started_at=now,
                opened_at=now,
                updated_at=now,
                components=(HOSTILE,),
            ),
        ),
        risks=(Risk(id=HOSTILE, title=HOSTILE, check=HOSTILE, components=(HOSTILE,), since=now, why=HOSTILE),),
    )


def event(at: int, data: EventData, number: int = 1) -> Event:
    return Event(id=f"ev-{number}", at=at, cause=number, data=data)


def story(incident: Incident = INCIDENT) -> IncidentStory:
    """One event of each kind."""
    at = incident.started_at
    shared: dict[str, Any] = {
        "check": "authoritative DNS",
        "kind": "dns",
        "target": "vendor.example",
        "subject": "ns1.dns-a.example (192.0.2.1:53)",
        "since": at,
        "reason": "dns_timeout",
        "fault": "target",
        "incident": incident.id,
    }
    data: tuple[tuple[int, EventData], ...] = (
        (2, CheckChanged(state="suspected", before="up", evidence=evidence(1, 8), **shared)),
        (9, CheckChanged(state="down", before="suspected", evidence=evidence(4, 5), **shared)),
        (9, IncidentChanged(change="opened", what="4 of 4 name servers do not answer", incident=incident)),
        (20, RiskChanged(change="raised", risk=RISK)),
        (
            54,
            ComponentChanged(
                component="Sign-in",
                state="partial_outage",
                before="operational",
                since=at + 54 * NS,
                why="authoritative DNS is down",
            ),
        ),
        (634, ProbeChanged(probe="sin1", state="silent", since=at + 600 * NS, why="nothing came for 2 min")),
        (694, IncidentChanged(change="updated", what="sign-in page is degraded as well", incident=incident)),
    )
    return IncidentStory(
        incident=incident, events=tuple(event(at + s * NS, one, n) for n, (s, one) in enumerate(data, 1))
    )


async def _at_once() -> None:
    await trio.lowlevel.checkpoint()


class FakeHistory:
    """Answers what it is given. `hold` is the hook: it runs before each answer, and may wait or raise."""

    def __init__(
        self,
        incidents: tuple[Incident, ...] = (INCIDENT, PAST),
        stories: tuple[IncidentStory, ...] = (),
        points: tuple[Point, ...] = (),
        hold: Callable[[], Awaitable[None]] = _at_once,
        noticed: tuple[Event, ...] = (),
        flows: Mapping[str, tuple[Flow, Retried]] = {},
        lives: tuple[Life, ...] = (),
    ) -> None:
        self.lives = lives
        self.stored, self.figures, self.hold, self.noticed, self.flows = incidents, points, hold, noticed, flows
        self.stories = {one.incident.id: one for one in stories or (story(),)}

    async def points(
        self, check: str, *, since: int, until: int, step_s: int = 60, target: str | None = None
    ) -> list[Point]:
        await self.hold()
        return [point for point in self.figures if since <= point.at < until]

    async def incidents(self, *, limit: int = 50, before: int | None = None) -> list[Incident]:
        await self.hold()
        return [i for i in self.stored if before is None or i.opened_at < before][:limit]

    async def notices(self, *, limit: int = 20) -> list[Event]:
        await self.hold()
        return list(self.noticed[:limit])

    async def alerts(
        self, *, incident: str | None = None, about: str | None = None, limit: int = 200
    ) -> tuple[Life, ...]:
        await self.hold()
        return tuple(life for life in self.lives if incident in (None, life.incident))[-limit:]

    async def flow(self, check: str, *, since: int, until: int, runs_since: int) -> Flow:
        await self.hold()
        return self.flows[check][0] if check in self.flows else Flow(runs=(), counts=())

    async def retried(self, check: str, policies: Sequence[Retry], *, since: int, until: int) -> Retried:
        await self.hold()
        nothing = Retried(since=since, until=until, report=report_on([], policies))
        return self.flows[check][1] if check in self.flows else nothing

    async def incident(self, id: str) -> IncidentStory | None:  # noqa: A002
        await self.hold()
        return self.stories.get(id)


class FakeTokens:
    """Knows the tokens "viewer-token" and "owner-token"."""

    def identify(self, text: str) -> Identity | None:
        known = {"viewer-token": Identity("viewer", "eve"), "owner-token": Identity("owner", "olga")}
        return known.get(text)


class FakeView:
    """A board that a test changes by `show`."""

    def __init__(
        self,
        board: Board | None = None,
        history: FakeHistory | None = None,
        *,
        listen: str = "127.0.0.1:8600",
        hosts: tuple[str, ...] = (),
        extension: Extension | None = None,
        now: Callable[[], int] = lambda: NOW,
        receivers: Sequence[ReceiverStatus] = (),
    ) -> None:
        self.board = board or full_board()
        self.receivers = receivers
        self.history = history or FakeHistory()
        self.stop = trio.Event()
        self._listen, self._hosts, self._extension, self._now = Address.parse(listen), hosts, extension, now
        self._changed = trio.Event()

    def show(self, board: Board) -> None:
        self.board = board
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def wait_changed(self, board: Board) -> None:
        while self.board is board:
            await self._changed.wait()

    def view(self) -> View:
        return View(
            board=lambda: self.board,
            wait_changed=self.wait_changed,
            history=self.history,  # type: ignore[arg-type]
            tokens=FakeTokens(),  # type: ignore[arg-type]
            stop=self.stop,
            listen=self._listen,
            open=self._listen.parsed_ip.is_loopback,
            hosts=tuple(DnsName(host) for host in self._hosts),
            extension=self._extension,
            now=self._now,
            receivers=lambda: self.receivers,
        )
