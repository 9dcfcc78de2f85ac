"""One run: a check's target to its observations. The name is looked up by us, then each address gets one attempt,
side by side, and each attempt is its own observation."""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial

import msgspec
import trio

from parallax.clock import to_ns, wall_ns
from parallax.observation import PENDING, Observation
from parallax.plan.kinds import SPECS
from parallax.plan.types import Check
from parallax.values import Address, Endpoint, Family
from probe import control
from probe.abstain import NO_FAMILY
from probe.attempt import attempt, evidence_of, record
from probe.checks import KINDS
from probe.dns.lookup import lookup
from probe.dns.message import load_types
from probe.judges.lookup import judge_lookup, judge_lost_time
from probe.kind import Kind, Subject
from probe.pin import pin_of
from probe.plain import plain
from probe.steps import CANCELLED, Steps
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict
from probe.waiting import Waits


class Vantage(msgspec.Struct, frozen=True, kw_only=True):
    """Who measures: the probe's id and the address families that it can reach."""

    probe: str
    families: tuple[Family, ...]


async def run_target(
    check: Check, target: str, vantage: Vantage, tools: Tools, *, scheduled_at: int
) -> list[Observation]:
    """Runs the check once against one target: an observation a subject, or one for the target if none was found.

    `scheduled_at` is a wall timestamp, ns. `stream` and `seq` are left empty: the spool gives them. Never raises but
    for cancellation. It takes the check's timeout at most; a control attempt after it ends before the next tick.
    """
    _prepare(check.kind, target, tools)
    start = _Start(check, target, vantage, secrets.token_hex(8), scheduled_at, wall_ns(), trio.current_time())
    tape = Tape(hidden=tools.hidden)
    if check.pinned is not None:
        tools = msgspec.structs.replace(tools, pin=pin_of(check, target))
    read, kind = SPECS[check.kind].endpoint, KINDS[check.kind]
    if kind.play is not None:
        return await _play(start, kind, tools)
    if read is not None:
        endpoint = read(target)
        dialled = endpoint if check.pinned is None else Endpoint(check.pinned)
        addresses = await _look_up(start, dialled, tools, tape)
        if not addresses:
            return [_without_address(start, dialled, tape)]
        subjects = [Subject(target=target, host=endpoint.host, address=at, after=tape) for at in addresses]
    else:
        subjects = await _find(check, target, tools, tape)
        if not subjects:
            evidence = tape.evidence()
            verdict = kind.judge(check.spec, evidence) or Verdict("probe_error")
            return [start.observation(target, tape, evidence, verdict)]

    async def first(subject: Subject) -> Tape:
        left_s = tape.started + check.timeout - trio.current_time()
        return await attempt(kind, check.spec, subject, check.timeout if subject.after else left_s, tools)

    watch = None if tools.waits is None else partial(_watch, start, tools.waits, subjects, tape.started)
    gathered = await _gather(first, subjects, watch)
    verdicts = _judged(kind, check, gathered)
    found = [
        start.observation(subject.name or str(subject.address), own, evidence, verdict)
        for subject, (own, evidence), verdict in zip(subjects, gathered, verdicts, strict=True)
    ]
    if not tools.asked and kind.repeats is not None and kind.repeats(check.spec):
        again = [subject for subject, verdict in zip(subjects, verdicts, strict=True) if control.wants_control(verdict)]
        if again and tools.on_first is not None:
            tools.on_first(found)  # what fails must not wait for what is only asked because it fails
            found = []
        found += await _control(start, kind, again, tools, ended_s=trio.current_time() - tape.started)
    return found


async def _control(
    start: "_Start", kind: Kind, subjects: list[Subject], tools: Tools, *, ended_s: float
) -> list[Observation]:
    """One attempt more at what failed, on another connection. It ends before the next tick, or is left out."""
    check = start.check
    timeout_s = min(check.timeout, check.period - ended_s - 2 * control.AFTER_S)
    if not subjects or timeout_s < min(control.SHORTEST_S, check.timeout):
        return []
    await trio.sleep(control.AFTER_S)

    async def again(subject: Subject) -> Tape:
        return await attempt(
            kind, check.spec, msgspec.structs.replace(subject, after=None, apart=True), timeout_s, tools
        )

    gathered = await _gather(again, subjects)
    verdicts = _judged(kind, check, gathered)
    return [
        start.observation(subject.name or str(subject.address), own, evidence, verdict, attempt=2)
        for subject, (own, evidence), verdict in zip(subjects, gathered, verdicts, strict=True)
    ]


IsOver = Callable[[int], bool]


async def _watch(
    start: "_Start", waits: Waits, subjects: list[Subject], since: float, is_over: IsOver = lambda place: False
) -> None:
    """Tells of each of these that is not over when most are."""
    names = [subject.name or str(subject.address) for subject in subjects]
    after = [waits.after_s(start.check.name, start.target, plain(name)) for name in names]
    for after_s, place in sorted((after_s, place) for place, after_s in enumerate(after)):
        if after_s >= start.check.timeout:
            return
        await trio.sleep_until(since + after_s)
        if not is_over(place):
            waits.tell(start.pending(names[place], subjects[place]))


async def _gather(
    one: Callable[[Subject], Awaitable[Tape]],
    subjects: list[Subject],
    watch: Callable[[IsOver], Awaitable[None]] | None = None,
) -> list[tuple[Tape, Evidence]]:
    """All of these at the same time, in their order; `watch` goes on beside, and is told which are over."""
    tapes: dict[int, Tape] = {}

    async def into(place: int, subject: Subject) -> None:
        tapes[place] = await one(subject)

    async with trio.open_nursery() as beside:
        if watch is not None:
            beside.start_soon(watch, tapes.__contains__)
        async with trio.open_nursery() as nursery:
            for place, subject in enumerate(subjects):
                nursery.start_soon(into, place, subject)
        beside.cancel_scope.cancel()
    return [(tapes[place], evidence_of(tapes[place])) for place in range(len(subjects))]


def _judged(kind: Kind, check: Check, gathered: list[tuple[Tape, Evidence]]) -> list[Verdict | None]:
    all_evidence = [evidence for _, evidence in gathered]
    if kind.judge_together is not None:
        verdicts = kind.judge_together(check.spec, all_evidence)
    else:
        verdicts = [kind.judge(check.spec, evidence) for evidence in all_evidence]
    return [_with_lookup(verdict, evidence) for verdict, evidence in zip(verdicts, all_evidence, strict=True)]


async def _play(start: "_Start", kind: Kind, tools: Tools) -> list[Observation]:
    """A run whose attempts come one after another."""
    assert kind.play is not None
    steps = Steps(
        kind,
        start.check,
        start.target,
        tools,
        probe=start.vantage.probe,
        scheduled_at=start.scheduled_at,
        run=start.run,
    )
    began = trio.current_time()

    def told(abstain: str | None = None) -> list[Observation]:
        return [
            start.observation(
                taken.subject.name,
                taken.tape,
                taken.evidence,
                taken.verdict,
                abstain,
                attempt=taken.attempt,
                later_ns=to_ns(taken.tape.started - began),
            )
            for taken in steps.taken
        ]

    over = False
    try:
        await kind.play(start.check.spec, steps)
        over = True
    finally:
        if not over and steps.taken and tools.on_cancelled is not None:
            # nobody waits for the health of a probe that ends: what it saw last may be its own end
            tools.on_cancelled(told(CANCELLED))
    return told()


def _with_lookup(verdict: Verdict | None, evidence: Evidence) -> Verdict | None:
    return None if verdict is None else judge_lost_time(verdict, evidence)


async def _find(check: Check, target: str, tools: Tools, tape: Tape) -> list[Subject]:
    """What the kind itself finds to measure, in half of the check's time."""
    find = KINDS[check.kind].find
    assert find is not None, check.kind
    found: list[Subject] = []

    async def gather() -> None:
        found.extend(await find(check.spec, target, tape, tools))

    await record(tape, check.timeout / 2, gather)
    return found


def get_ready(checks: Iterable[Check], tools: Tools) -> None:
    """Imports and reads what these checks will need, before any of them runs: in a program that measures all the time,
    what the first run loads would stand in the phases of others."""
    load_types(())  # for lookups
    for check in checks:
        load = KINDS[check.kind].load
        for target in check.targets:
            _prepare(check.kind, target, tools)
            if load is not None:
                load(target)


def _prepare(kind: str, target: str, tools: Tools) -> None:
    prepare = KINDS[kind].prepare
    if prepare is not None:
        with suppress(OSError):  # the run meets it again, and says so
            prepare(target, tools)


async def _look_up(start: "_Start", endpoint: Endpoint, tools: Tools, tape: Tape) -> list[Address]:
    """As `_addresses`, and tells where that takes long."""
    async with trio.open_nursery() as beside:
        if tools.waits is not None and endpoint.address is None:
            name = Subject(target=start.target, host=endpoint.host, name=str(endpoint))
            beside.start_soon(_watch, start, tools.waits, [name], tape.started)
        found = await _addresses(endpoint, start.vantage.families, tools, tape, start.check.timeout)
        beside.cancel_scope.cancel()
    return found


async def _addresses(
    endpoint: Endpoint, families: tuple[Family, ...], tools: Tools, tape: Tape, timeout_s: float
) -> list[Address]:
    """The endpoint's addresses that this probe can reach; empty, with the why on the tape, if there are none."""
    if endpoint.address is not None:
        return [endpoint.address] if endpoint.address.family in families else []
    found: list[str] = []

    async def gather() -> None:
        with tape.phase("lookup"):
            found.extend(await lookup(endpoint.host, families, tools, tape))

    await record(tape, timeout_s, gather)
    return [Address.of(ip, endpoint.port) for ip in found]


def _without_address(start: "_Start", endpoint: Endpoint, tape: Tape) -> Observation:
    evidence = tape.evidence()
    if endpoint.address is not None:
        tape.dims["family"] = str(endpoint.address.family)
        verdict, abstain = Verdict("lookup_no_address", "probe"), NO_FAMILY
    else:
        verdict, abstain = judge_lookup(evidence) or Verdict("lookup_no_address"), None
        if verdict.reason == "lookup_no_address" and len(start.vantage.families) == 1:
            abstain = NO_FAMILY  # it may well have addresses of the family that this probe lacks
    return start.observation(endpoint, tape, evidence, verdict, abstain)


FROM_THE_PLAN = frozenset({"step", "issuer", "flow", "cadence"})
"""Labels that are the plan's words, or ours."""


class _Start(msgspec.Struct, frozen=True):
    """What every observation of one run shares."""

    check: Check
    target: str
    vantage: Vantage
    run: str
    scheduled_at: int
    started_at: int
    began: float
    """The start by trio's clock."""

    def pending(self, name: str, subject: Subject) -> Observation:
        """What is said of an attempt that is not over: that it waits, and for how long."""
        dims = dict(subject.dims)
        if subject.address:
            dims.update(address=subject.address.ip, family=str(subject.address.family))
        return Observation(
            probe=self.vantage.probe,
            stream="",
            seq=0,
            run=self.run,
            check=self.check.name,
            kind=self.check.kind,
            target=self.target,
            subject=plain(name),
            dims=plain(dims),
            scheduled_at=self.scheduled_at,
            started_at=self.started_at,
            duration_ns=to_ns(trio.current_time() - self.began),
            phases=[],
            abstain=PENDING,
        )

    def observation(
        self,
        subject: str,
        tape: Tape,
        evidence: Evidence,
        verdict: Verdict | None,
        abstain: str | None = None,
        *,
        attempt: int = 1,
        later_ns: int | None = None,
    ) -> Observation:
        """`later_ns` is when the attempt began, since the run's start; the run's own start if left out. Nothing that
        is hidden gets past here. The plan's own words pass as they are: a step called `client` is none the worse for a
        cookie that begins so."""
        if later_ns is None:
            later_ns = to_ns(tape.started - self.began) if attempt > 1 else 0
        scrub = tape.hidden.scrub
        return Observation(
            probe=self.vantage.probe,
            stream="",
            seq=0,
            run=self.run,
            check=self.check.name,
            kind=self.check.kind,
            target=self.target,
            subject=plain(str(subject)),
            dims=plain({name: text if name in FROM_THE_PLAN else scrub(text) for name, text in tape.dims.items()}),
            site=scrub(tape.site),
            attempt=attempt,
            scheduled_at=self.scheduled_at,
            started_at=self.started_at + later_ns,
            duration_ns=evidence.duration_ns,
            phases=evidence.phases,
            reason=verdict.reason if verdict else None,
            fault=verdict.side if verdict else None,
            abstain=abstain or (verdict.abstain if verdict else None),
            findings=plain(scrub(evidence.findings | (verdict.note if verdict else {}))),
        )
