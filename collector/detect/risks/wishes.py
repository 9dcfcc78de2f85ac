"""What will hurt users though it does not yet, and when at the earliest: the risks that are seen right now. Pure.

all servers of an operator or a zone are dark              resolvers carry names until what they hold runs out
a check under a component's `risks` is degraded or down    caches may still carry it
a fallback operator is not ready                           who takes over must be ready before that
name servers serve an old version of a zone                they stop when it expires
a certificate, or a zone's signatures, end soon            the end is known to the second
a password is due to be changed                            whoever changes it must tell the probes
a check is blind                                           nobody is told of what it cannot see
a standby could not be switched to                         a failover would be blocked when it is needed
"""

from collections.abc import Callable, Iterator

from collector.board import FallbackBoard
from collector.detect.dns.readiness import covers, fallbacks_of, vouched
from collector.detect.dns.runways import Dark, Reach, carried_names, dark_by_incident, runway_of
from collector.detect.dns.serials import Behind, behind
from collector.detect.places import Spot, spot_of
from collector.detect.risks.blind import blind_checks
from collector.detect.risks.expiry import certificates, left, passwords
from collector.detect.risks.wish import Wish
from collector.detect.state import Key, State
from collector.detect.switching.readiness import because_of, missing_of
from collector.detect.verdicts.intake import SIGNATURES_END
from collector.detect.view import View, for_check
from collector.events import FaultDomain
from parallax.reasons import REASONS

CARRIED = "resolvers carry it until what they hold runs out"
SERVED = "the zone is still answered for, if not by all of its servers"


def wishes_of(state: State, view: View, due: Callable[[str], bool]) -> Iterator[Wish]:
    """All that is seen now; a runway only where `due` says so of its name, as it is the dearest to work out."""
    yield from _failing(state, view, due)
    yield from _unready(state, view)
    yield from (_old_version(view, each) for each in behind(state.zones.serials, state.now))
    yield from certificates(state, view)
    yield from passwords(state, view)
    yield from blind_checks(state, view)
    yield from _signatures(state, view)
    yield from _blocked_failovers(state, view)


def _failing(state: State, view: View, due: Callable[[str], bool]) -> Iterator[Wish]:
    """What is dark, and checks that are a risk for components: one risk for each incident."""
    dark = dark_by_incident(state, view)
    of_risks = {check for component in view.components for check in component.risks}
    bad: dict[str, list[Spot]] = {}
    for name, key in state.keys.items():
        if (
            key.held in ("down", "degraded")
            and not key.blocked
            and key.check in of_risks
            and key.incident in state.open
        ):
            spot = spot_of(state, view, name)
            if spot is not None and not spot.standby:
                bad.setdefault(spot.key.incident or "", []).append(spot)
    for incident in dict.fromkeys((*dark, *bad)):
        wish = _of_incident(state, view, incident, dark.get(incident), bad.get(incident, []), due)
        if wish is not None:
            yield wish


def _of_incident(
    state: State, view: View, incident: str, dark: Dark | None, spots: list[Spot], due: Callable[[str], bool]
) -> Wish | None:
    case, name = state.open[incident], f"incident\x1f{incident}"
    checks = dict.fromkeys(spot.check.name for spot in spots)
    named = {name for check in checks for name in for_check(view, check)}
    runway, reach = None, None
    if dark is not None:
        reach = Reach(state, view, dark)
        runway = runway_of(state, view, reach, state.now) if reach.any and due(name) else None
        if reach.any:
            checks |= dict.fromkeys(dark.checks)
            of_names = {c.name for c in view.components if any(carried_names(view, reach, each) for each in c.checks)}
            named |= of_names | {name for check in dark.checks for name in for_check(view, check)}
    if not checks or not (named or (reach is not None and reach.any)):
        return None
    since = [spot.key.since for spot in spots] + ([dark.since] if dark else [])
    ends = [end for spot in spots if (end := _signed_until(state, spot.key))] if dark is None else []
    server = (reach is not None and reach.any) or any(spot.server for spot in spots)
    return Wish(
        name=name,
        title=case.title or case.shown.title,
        check=next(iter(checks)),
        components=tuple(c.name for c in view.components if c.name in named),
        since=min(since),
        expected_at=runway.earliest_at if runway else min(ends, default=None),
        why=CARRIED if reach is not None and reach.any else SERVED if server else "",
        domain=case.domain,
        runway=runway,
        dark=dark is not None,
        incident=incident,
    )


def _unready(state: State, view: View) -> Iterator[Wish]:
    """Operators that are to take over and could not."""
    for board in fallbacks_of(state, view):
        if (board.ready is False or board.lacks) and vouched(state, view, board):
            title, why = _unready_words(board)
            yield Wish(
                name=f"{board.check}\x1ffallback {board.fallback}",
                title=f"Fallback {board.fallback} {title}"[:200],
                check=board.check,
                components=board.components,
                since=board.since,
                why=f"{why}; {board.why}" if why and board.why else why or board.why,
                stage=int(board.serves),
                domain=FaultDomain(kind="operator", name=board.fallback),
                failover="" if board.serves else _told_by(state, view, board.check, board.fallback),
            )
    bad: dict[tuple[str, str], list[Spot]] = {}
    for name, key in state.keys.items():
        if key.held in ("down", "degraded") and not key.blocked and key.incident is None:
            spot = spot_of(state, view, name)
            if spot is None or spot.check.member:  # of members that are addressed directly readiness tells
                continue
            if spot.standby and spot.check.kind != "dns.parity" and not covers(view, key):
                bad.setdefault((key.check, key.operator), []).append(spot)
    for (check, operator), spots in bad.items():
        reason, known = spots[0].key.reason, REASONS.get(spots[0].key.reason or "")
        what = spots[0].check.query or spots[0].key.target
        yield Wish(
            name=f"{check}\x1ffallback {operator}",
            title=f"Fallback {operator} is not ready: {what}: {known.meaning if known else reason}"[:200],
            check=check,
            components=for_check(view, check),
            since=min(spot.key.since for spot in spots),
            why=f"it could not take over: {len({spot.host for spot in spots})} of its servers fail"
            if spots[0].server
            else "it could not take over",
            domain=FaultDomain(kind="operator", name=operator),
            failover=_told_by(state, view, check, operator),
        )


def _told_by(state: State, view: View, check: str, operator: str) -> str:
    """The failover group by whose readiness it is told that this operator could not take over, so that it is not told
    twice; empty where there is none."""
    for name, group in view.groups.items():
        member, memory = group.operators.get(operator), state.switching.groups.get(name)
        if member is None or memory is None or check not in (*group.parity, *group.standing_checks):
            continue
        known = memory.ready.get(member)
        if known is None or member in (memory.settled, group.group.primary):
            continue
        if known.told is False or missing_of(known):
            return name
    return ""


def _unready_words(board: FallbackBoard) -> tuple[str, str]:
    """Title and why."""
    if not board.serves:
        return f"is not ready: {board.because}", f"it could not take over {board.zone} from {board.primary}"
    return f"serves {board.zone}{'; when last compared, it' if board.why else ' and'} {board.lacks}", ""


def _old_version(view: View, each: Behind) -> Wish:
    addresses = ", ".join(each.addresses[:3]) + (
        f" and {len(each.addresses) - 3} more" if len(each.addresses) > 3 else ""
    )
    verb = "went back to an old version" if each.went_back else "serve an old version"
    verb = verb if each.went_back or len(each.addresses) > 1 else "serves an old version"
    checks = [c.name for c in view.checks.values() if c.kind == "dns.zone" and each.zone in c.targets]
    return Wish(
        name=f"{each.zone}\x1fserial {each.operator}",
        title=f"{addresses} of {each.operator} {verb} of {each.zone}: serial {each.serial}, not {each.newest}"[:200],
        check=checks[0] if checks else "",
        components=tuple(dict.fromkeys(name for check in checks for name in for_check(view, check))),
        since=each.since,
        expected_at=each.expires_at,
        why="changes do not reach it; it stops to answer when what it has expires" if each.expires_at else "",
        domain=FaultDomain(kind="operator", name=each.operator),
    )


def _signatures(state: State, view: View) -> Iterator[Wish]:
    """Zones whose signatures end soon: who validates notices nothing until then, and nothing of the zone after. What is
    a risk for a component by the plan is told with its incident."""
    of_risks = {check for component in view.components for check in component.risks}
    for name, key in state.keys.items():
        end = 0 if key.check in of_risks else _signed_until(state, key)
        spot = spot_of(state, view, name) if end else None
        if spot is None or spot.standby:
            continue
        whose = f" at {key.operator}" if key.operator else ""
        yield Wish(
            name=f"{key.check}\x1fsignatures {key.target} {key.subject}",
            title=f"Signatures of {key.target}{whose} end in {left(end - state.now)}"[:200],
            check=key.check,
            components=for_check(view, key.check),
            since=key.since,
            expected_at=end,
            why="they are not renewed; resolvers that validate will fail the zone",
            domain=FaultDomain(kind="zone", name=key.target),
        )


def _blocked_failovers(state: State, view: View) -> Iterator[Wish]:
    """Standbys that were said to be lost, for as long as they are."""
    for name, group in view.groups.items():
        memory = state.switching.groups.get(name)
        if memory is None:
            continue
        for member, known in memory.ready.items():
            if known.told is not False or member in (memory.settled, group.group.primary) or group.operators:
                continue
            why = because_of(known)
            yield Wish(
                name=f"{group.group.check}\x1fstandby {name}/{member}",
                title=f"Failover of {name} to {member} would be blocked: {why}"[:200],
                check=group.group.check,
                components=group.components,
                since=known.since,
                why=f"if {memory.settled or group.group.primary} fails, nobody can be moved to {member}",
                failover=name,
            )


def _signed_until(state: State, key: Key) -> int:
    """When the first of a zone's signatures ends that are said to end soon; 0 where none is."""
    if key.reason != SIGNATURES_END or key.held not in ("degraded", "down"):
        return 0
    ends = [v.until for v in key.votes.values() if v.counts and v.reason == SIGNATURES_END and v.until > state.now]
    return min(ends, default=0)
