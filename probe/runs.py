"""One run: a check's target to its observations. The name is looked up by us, then each address gets one attempt,
side by side, and each attempt is its own observation."""

import secrets
from collections.abc import Iterable
from contextlib import suppress

import msgspec
import trio

from parallax.clock import wall_ns
from parallax.observation import Observation
from parallax.plan.specs import SPECS
from parallax.plan.types import Check
from parallax.values import Address, Endpoint, Family
from probe.abstain import NO_FAMILY
from probe.attempt import attempt, evidence_of, record
from probe.checks import KINDS
from probe.checks.kind import Subject, Tools, Verdict
from probe.dns.lookup import judge_lookup, judge_lost_time, lookup
from probe.dns.message import load_types
from probe.tape import Evidence, Tape


class Vantage(msgspec.Struct, frozen=True, kw_only=True):
    """Who measures: the probe's id and the address families that it can reach."""

    probe: str
    families: tuple[Family, ...]


async def run_target(
    check: Check, target: str, vantage: Vantage, tools: Tools, *, scheduled_at: int
) -> list[Observation]:
    """Runs the check once against one target: an observation an address, or one for the lookup if it gave none.

    `scheduled_at` is a wall timestamp, ns. `stream` and `seq` are left empty: the spool gives them. Never raises but
    for cancellation, and takes the check's timeout at most.
    """
    _prepare(check.kind, target, tools)
    endpoint = SPECS[check.kind].endpoint(target)
    start = _Start(check, target, vantage, secrets.token_hex(8), scheduled_at, wall_ns())
    tape = Tape()
    addresses = await _addresses(endpoint, vantage.families, tools, tape, check.timeout)
    if not addresses:
        return [_without_address(start, endpoint, tape)]

    kind, tapes = KINDS[check.kind], dict.fromkeys(addresses, tape)

    async def one(address: Address) -> None:
        subject = Subject(target=target, host=endpoint.host, address=address)
        tapes[address] = await attempt(kind, check.spec, subject, check.timeout, tools, after=tape)

    async with trio.open_nursery() as nursery:
        for address in addresses:
            nursery.start_soon(one, address)
    observations = []
    for address, own in tapes.items():
        evidence = evidence_of(own)
        verdict = kind.judge(check.spec, evidence)
        if verdict is not None:
            verdict = judge_lost_time(verdict, evidence)
        observations.append(start.observation(address, own, evidence, verdict))
    return observations


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
            abstain=abstain,
            findings=evidence.findings | (verdict.note if verdict else {}),
        )
