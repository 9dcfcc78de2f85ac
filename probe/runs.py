"""One run: a check's target to its observations. The name is looked up by us, then each address gets one attempt,
side by side, and each attempt is its own observation."""

import secrets
from collections.abc import Iterable
from contextlib import suppress

import msgspec
import trio

from parallax.clock import wall_ns
from parallax.observation import Observation
from parallax.plan.kinds import SPECS
from parallax.plan.types import Check
from parallax.values import Address, Endpoint, Family
from probe.abstain import NO_FAMILY
from probe.attempt import attempt, evidence_of, record
from probe.checks import KINDS
from probe.checks.kind import Subject, Verdict
from probe.checks.lookup_judge import judge_lookup, judge_lost_time
from probe.dns.lookup import lookup
from probe.dns.message import load_types
from probe.tape import Evidence, Tape
from probe.tools import Tools


class Vantage(msgspec.Struct, frozen=True, kw_only=True):
    """Who measures: the probe's id and the address families that it can reach."""

    probe: str
    families: tuple[Family, ...]


async def run_target(
    check: Check, target: str, vantage: Vantage, tools: Tools, *, scheduled_at: int
) -> list[Observation]:
    """Runs the check once against one target: an observation a subject, or one for the target if none was found.

    `scheduled_at` is a wall timestamp, ns. `stream` and `seq` are left empty: the spool gives them. Never raises but
    for cancellation, and takes the check's timeout at most.
    """
    _prepare(check.kind, target, tools)
    start = _Start(check, target, vantage, secrets.token_hex(8), scheduled_at, wall_ns())
    tape = Tape()
    read, kind = SPECS[check.kind].endpoint, KINDS[check.kind]
    if read is not None:
        endpoint = read(target)
        addresses = await _addresses(endpoint, vantage.families, tools, tape, check.timeout)
        if not addresses:
            return [_without_address(start, endpoint, tape)]
        subjects = [Subject(target=target, host=endpoint.host, address=at, after=tape) for at in addresses]
    else:
        subjects = await _find(check, target, tools, tape)
        if not subjects:
            evidence = tape.evidence()
            verdict = kind.judge(check.spec, evidence) or Verdict("probe_error")
            return [start.observation(target, tape, evidence, verdict)]

    tapes = [tape] * len(subjects)
    left_s = tape.started + check.timeout - trio.current_time()

    async def one(place: int, subject: Subject) -> None:
        timeout_s = check.timeout if subject.after else left_s
        tapes[place] = await attempt(kind, check.spec, subject, timeout_s, tools)

    async with trio.open_nursery() as nursery:
        for place, subject in enumerate(subjects):
            nursery.start_soon(one, place, subject)
    gathered = [evidence_of(own) for own in tapes]
    if kind.judge_together is not None:
        verdicts = kind.judge_together(check.spec, gathered)
    else:
        verdicts = [kind.judge(check.spec, evidence) for evidence in gathered]
    return [
        start.observation(subject.name or str(subject.address), own, evidence, _with_lookup(verdict, evidence))
        for subject, own, evidence, verdict in zip(subjects, tapes, gathered, verdicts, strict=True)
    ]


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


class _Start(msgspec.Struct, frozen=True):
    """What every observation of one run shares."""

    check: Check
    target: str
    vantage: Vantage
    run: str
    scheduled_at: int
    started_at: int

    def observation(
        self, subject: str, tape: Tape, evidence: Evidence, verdict: Verdict | None, abstain: str | None = None
    ) -> Observation:
        return Observation(
            probe=self.vantage.probe,
            stream="",
            seq=0,
            run=self.run,
            check=self.check.name,
            kind=self.check.kind,
            target=self.target,
            subject=str(subject),
            dims=tape.dims,
            site=tape.site,
            scheduled_at=self.scheduled_at,
            started_at=self.started_at,
            duration_ns=evidence.duration_ns,
            phases=evidence.phases,
            reason=verdict.reason if verdict else None,
            fault=verdict.side if verdict else None,
            abstain=abstain or (verdict.abstain if verdict else None),
            findings=evidence.findings | (verdict.note if verdict else {}),
        )
