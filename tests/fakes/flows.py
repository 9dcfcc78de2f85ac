"""Flows as history tells them: runs that come through, one that stops at a wall against robots, one whose provider is
down; and a board that has their checks."""

from typing import Any

from collector.board import Board
from collector.events import CheckState
from collector.history.types import Flow, FlowRun, FunnelCount, Retried, StepSeen
from collector.retries import Attempt, builtin_policies, report_on
from collector.retries.attempts import Met
from parallax.clock import NS
from tests.fakes.boards import NOW, check, empty_board, latest, probe, subject

MS = 1_000_000
ISSUER = "https://sso.acme.example/realms/staff"
STEPS = ("discovery", "jwks", "authorize", "identifier", "password", "consent", "token", "verify", "userinfo", "logout")
LONG = (38, 21, 160, 140, 420, 95, 88, 2, 61, 70)
CHECK = "staff sign-in"
_PHASES = (("lookup", 4), ("connect", 9), ("tls", 14), ("send", 1), ("first_byte", 64), ("body", 8))


def phases(duration_ns: int) -> tuple[tuple[str, int, int], ...]:
    """As of one request that takes so long."""
    found, at = [], 0
    for name, share in _PHASES:
        found.append((name, at, duration_ns * share // 100))
        at += duration_ns * share // 100
    return tuple(found)


def step(name: str, at: int, duration_ns: int, **more: Any) -> StepSeen:
    known: dict[str, Any] = {
        "name": name,
        "attempt": 1,
        "at": at,
        "duration_ns": duration_ns,
        "reason": None,
        "fault": None,
        "findings": {"place": [STEPS.index(name) + 1 if name in STEPS else len(STEPS), len(STEPS)], "status": 200},
        "phases": phases(duration_ns),
    }
    return StepSeen(**{**known, **more})


def run(probe_id: str, *, stops: str = "", cadence: str = "full", at: int = NOW - 40 * NS, **why: Any) -> FlowRun:
    """A run that stops at a step, for a reason, or comes through; its cleaning up comes last."""
    steps = []
    named = STEPS if cadence == "full" else STEPS[:2]
    for name, long in zip(named, LONG, strict=False):
        findings: dict[str, Any] = {"place": [STEPS.index(name) + 1, len(named)], "status": 200}
        if name in ("identifier", "password"):
            findings |= {"title": "Sign in to Acme", "page": name, "form": [name, "remember"], "pressed": "Sign in"}
        made = step(name, at, long * MS, findings=findings)
        if name == stops:
            made = step(name, at, long * MS, **{"reason": "signin_error_page", "fault": "target", **why})
        steps.append(made)
        at += (long + 3) * MS
        if name == stops:
            break
    if cadence == "full":
        steps.append(step("cleanup", at, 20 * MS))
    return FlowRun(probe=probe_id, target=ISSUER, cadence=cadence, run=f"{probe_id}-{cadence}", steps=tuple(steps))


WALL: dict[str, Any] = {
    "reason": "signin_captcha",
    "fault": "blocked",
    "findings": {
        "place": [5, 10],
        "status": 200,
        "title": "One more step",
        "page": "captcha",
        "alerts": ["Please show that you are no robot."],
        "hops": [
            {"method": "POST", "url": f"{ISSUER}/login?state=…", "status": 302, "ms": 41.5},
            {"method": "GET", "url": f"{ISSUER}/challenge", "status": 200, "ms": 18},
        ],
    },
}
DOWN: dict[str, Any] = {
    "reason": "http_status",
    "fault": "target",
    "findings": {"place": [7, 10], "status": 503, "url": f"{ISSUER}/token", "detail": "status 503", "retry_after": 5},
}


def counts(*, stopped: int = 3) -> tuple[FunnelCount, ...]:
    """Of forty whole runs, and many light ones."""
    found = [
        FunnelCount(cadence="full", step=name, place=float(place), runs=runs, stopped=None, fault=None)
        for place, (name, runs) in enumerate(
            zip(STEPS, (40, 40, 40, 39, 37 - stopped, 12, 33 - stopped, 32, 32, 32), strict=True), 1
        )
    ]
    known: dict[str, Any] = {"cadence": "full", "place": 5.0, "step": "password"}
    found.append(FunnelCount(**known, runs=stopped, stopped="signin_captcha", fault="blocked"))
    found.append(FunnelCount(**known, runs=2, stopped="signin_bad_credentials", fault="config"))
    found.append(FunnelCount(cadence="full", place=7.0, step="token", runs=4, stopped="http_status", fault="target"))
    found.append(FunnelCount(cadence="light", place=1.0, step="discovery", runs=480, stopped=None, fault=None))
    found.append(FunnelCount(cadence="light", place=2.0, step="jwks", runs=480, stopped=None, fault=None))
    return tuple(found)


def attempts() -> list[Attempt]:
    """An hour of two probes' steps: some 503, some 429."""
    found = []
    for number in range(120):
        for place, name in enumerate(STEPS):
            met: Met = "5xx" if (number + place) % 9 == 0 else "429" if (number + place) % 40 == 7 else "ok"
            known: dict[str, Any] = {
                "probe": ("fra1", "sin1")[number % 2],
                "target": ISSUER,
                "subject": name,
                "run": f"r{number}",
                "duration_ns": LONG[place] * MS,
                "retry_after_s": 5.0 if met == "429" else None,
            }
            at = NOW - 3600 * NS + number * 30 * NS + place * 100 * MS
            found.append(Attempt(at=at, attempt=1, met=met, **known))
            if met == "5xx" and number % 3:
                found.append(Attempt(at=at + 150 * MS, attempt=2, met="ok", **known))
    return found


def flow(*runs: FlowRun) -> tuple[Flow, Retried]:
    """What history answers for a check with these runs."""
    made = runs or (
        run("fra1"),
        run("lon1", stops="password", **WALL),
        run("sin1", stops="token", **DOWN),
        run("fra1", cadence="light"),
        run("lon1", cadence="light"),
    )
    retried = Retried(since=NOW - 3600 * NS, until=NOW, report=report_on(attempts(), builtin_policies()))
    return Flow(runs=made, counts=counts()), retried


def flow_board(state: CheckState = "degraded", *names: str) -> Board:
    """A board with checks of sign-ins."""
    said = [latest("fra1"), latest("lon1", "signin_captcha")]
    return Board(
        at=NOW,
        position=9,
        probes=tuple(probe(n) for n in range(3)),
        checks=(
            *(
                check(name, [subject(each, state, said, target=ISSUER) for each in STEPS], kind="signin")
                for name in names or (CHECK,)
            ),
            *empty_board().checks,
        ),
    )
