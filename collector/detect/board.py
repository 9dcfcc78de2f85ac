"""A state as people see it."""

from collections.abc import Mapping

import msgspec

from collector.board import Board, ChainBoard, CheckBoard, ComponentBoard, Latest, ProbeBoard, SubjectBoard
from collector.detect.dns.moves import moves_of
from collector.detect.dns.readiness import fallbacks_of
from collector.detect.dns.zones import chains_of
from collector.detect.incidents.telling import current
from collector.detect.published.certificates import certificates_of
from collector.detect.risks.telling import risks_of
from collector.detect.sites.catchments import catchments_of
from collector.detect.state import Key, Member, State
from collector.detect.switching.boards import groups_on
from collector.detect.verdicts.components import blind_words, kept_from, keys_by_check
from collector.detect.verdicts.flows import vote_fresh_ns
from collector.detect.verdicts.votes import evidence_of, tally
from collector.detect.view import NOTHING, CheckView, ProbeView, View, view_of
from collector.events import CheckState
from parallax.clock import NS

SERVICE_DEAD = "service_dead"
WORST_FIRST: tuple[CheckState, ...] = ("down", "degraded", "suspected", "unknown", "up")


def board_of(state: State) -> Board:
    """Everything that is known at `state.now`."""
    view = view_of(state.plan) or NOTHING
    keys = keys_by_check(state)
    said = [case for case in state.open.values() if case.pending != "opened"]  # else it has no name yet
    probes = dict(view.probes)
    for name in state.probes:
        if name not in probes and (stranger := view.probe(name)) is not None:
            probes[name] = stranger
    return Board(
        at=state.now,
        position=state.position,
        components=_components(state, view),
        checks=tuple(_check(state, view, check, keys.get(name, [])) for name, check in view.checks.items()),
        probes=tuple(_probe(probe, state.probes.get(name)) for name, probe in probes.items()),
        incidents=tuple(sorted((current(state, case) for case in said), key=lambda incident: -incident.opened_at)),
        watched=tuple(case.shown for case in reversed(state.recent.values()) if case.shown.stage == "monitoring"),
        risks=risks_of(state, view),
        fallbacks=fallbacks_of(state, view),
        chains=_chains(state, view, keys),
        moves=moves_of(state.moves, state.now),
        catchments=catchments_of(state.catchments, view, state.now),
        certificates=certificates_of(state.certificates, view, state.now),
        groups=groups_on(state, view),
    )


def _components(state: State, view: View) -> tuple[ComponentBoard, ...]:
    found = []
    for component in view.components:
        line = state.lines.get(component.name)
        found.append(
            ComponentBoard(
                name=component.name,
                state=line.state if line else "unknown",
                since=line.since if line else state.now,
                why=line.why if line else "no probe was heard yet",
                owner=component.owner,
                runbook=str(component.runbook) if component.runbook else None,
                checks=tuple(component.checks),
                risks=tuple(component.risks),
            )
        )
    return tuple(found)


def _chains(state: State, view: View, keys: Mapping[str, list[Key]]) -> tuple[ChainBoard, ...]:
    """Where names lead. Where all hops are well, and what answers at a name's addresses is down, that is said: it is
    no matter of DNS."""
    words: dict[str, set[str]] = {}
    for name, check in view.checks.items():
        for key in keys.get(name, ()) if check.kind in ("http", "tls") and not check.member else ():
            if not key.lookup and key.target in check.targets:
                words.setdefault(check.targets[key.target].host, set()).add(key.held)
    found = []
    for chain in chains_of(state.zones, view, state.now):
        said = {word for hop in chain.hops for word in words.get(hop.owner, ())}
        if said == {"down"} and all(hop.state == "ok" for hop in chain.hops):
            chain = msgspec.structs.replace(chain, flags=(*chain.flags, SERVICE_DEAD))
        found.append(chain)
    return tuple(found)


def _check(state: State, view: View, check: CheckView, keys: list[Key]) -> CheckBoard:
    order = {target: number for number, target in enumerate(check.targets)}
    shown = [key for key in keys if not (key.lookup and key.held == "up")]
    shown.sort(key=lambda key: (order.get(key.target, len(order)), key.subject))
    subjects = tuple(_subject(state, view, check, key) for key in shown)
    kept = kept_from(view, keys) if check.of_steps else None
    states = ["unknown" if kept is not None and key.blind else key.state for key in shown]
    if "up" in states or "suspected" in states:  # an address of which nothing is known hides nothing
        states = [each for each in states if each != "unknown"]
    worst: CheckState = min(states, key=WORST_FIRST.index, default="unknown")
    if kept is not None and worst not in ("up", "unknown"):
        kept = None  # what is known to be wrong counts before what nobody can see
    return CheckBoard(
        name=check.name,
        kind=check.kind,
        period_s=check.period_ns / NS,
        state=worst if kept is None else "unknown",
        subjects=subjects,
        why="" if kept is None else f"{kept.subject}: {blind_words(kept)}",
    )


def _subject(state: State, view: View, check: CheckView, key: Key) -> SubjectBoard:
    latest = [
        Latest(
            probe=probe,
            at=vote.at,
            duration_ns=vote.duration_ns,
            reason=vote.reason or vote.aside,
            fault=vote.fault,
            abstain=vote.abstain,
            soft=vote.soft,
            fresh=not vote.unreached and state.now <= vote.at + vote_fresh_ns(check, key.subject, vote.every_ns),
            site=vote.site,
            region=vote.region,
        )
        for probe, vote in sorted(key.votes.items())
    ]
    return SubjectBoard(
        target=key.target,
        subject=key.subject,
        state=key.state,
        since=key.since,
        evidence=evidence_of(tally(state, view, check, key)),
        incident=None if key.incident in state.open and state.open[key.incident].pending == "opened" else key.incident,
        latest=tuple(latest),
        server=key.server,
        operator=key.operator,
        zone=key.zone,
        resolver=key.resolver,
    )


def _probe(of_plan: ProbeView, member: Member | None) -> ProbeBoard:
    probe = of_plan.probe
    return ProbeBoard(
        id=probe.id,
        state=member.state if member else "unknown",  # type: ignore[arg-type]
        since=member.since if member else 0,
        why=member.why if member else "never heard",
        region=probe.region,
        provider=probe.provider,
        asn=probe.asn,
        location=probe.location,
        network=probe.network,
        heard_at=member.heard_at if member else None,
        lag_s=member.lag_ns / NS if member and member.lag_ns is not None else None,
        clock_offset_s=member.offset_ns / NS if member and member.offset_ns is not None else None,
        agent=member.agent if member else "",
        plan=member.plan if member else "",
        lacks=dict(member.lacks) if member else {},
        not_run=dict(member.not_run) if member else {},
    )
