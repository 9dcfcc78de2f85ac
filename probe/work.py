"""A plan in force to the jobs that carry it out: which pair, on which grid, run how. Nothing runs here."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from parallax.clock import wall_ns
from parallax.observation import Observation
from parallax.plan.checks import Unsupported
from parallax.plan.kinds import SPECS
from parallax.plan.loads import host_of
from parallax.plan.types import Check, Part
from parallax.values import Endpoint
from probe.capabilities import needs_of
from probe.checks import KINDS
from probe.extra_runs import EXTERNAL_FLOOR_S, FLOOR_S, Pace
from probe.plans import PlanInForce
from probe.runner import Job
from probe.schedule import Grid, Pair

RunTarget = Callable[..., Awaitable[list[Observation]]]
"""Given check, target, the wall time that it was due at (ns) and, where it was asked for, the word why."""


def jobs_of(plan: PlanInForce, probe: str, run_target: RunTarget) -> Mapping[Pair, Job]:
    """One job for each target of each check, and one for each check that this probe cannot run, which says so."""
    jobs: dict[Pair, Job] = {}
    for check in plan.checks:
        for target in check.targets:
            grid = Grid.of(check.name, target, check.period, plan.part.slot_of(check.name))
            read = SPECS[check.kind].endpoint
            endpoint = read(target) if read else None
            if endpoint is not None and check.pinned is not None:
                endpoint = Endpoint(check.pinned)
            jobs[Pair(check.name, target)] = Job(
                grid,
                endpoint,
                partial(run_target, check, target),
                pace_of(check, target, plan.part),
                needs_of(check, target, plan.part.resolver),
            )
    for unsupported in plan.unsupported:
        grid = Grid.of(unsupported.name, "", max(unsupported.period, 1.0), plan.part.slot)
        jobs[Pair(unsupported.name, "")] = Job(grid, None, partial(_say_unsupported, unsupported, probe))
    return jobs


def pace_of(check: Check, target: str, part: Part) -> Pace | None:
    """How often the check may be run when collectors ask for it; None: never. No flow is: what signs somebody in is
    done as often as the plan says, and which part of it a run does follows from its tick."""
    if KINDS[check.kind].play is not None:
        return None
    if not check.external:
        return Pace(floor_s=FLOOR_S, period_s=check.period)
    host = host_of(check, target) or ""
    share = part.shares.get(host)
    spare = None if share is None or share.most is None else max(0.0, share.most - share.grid) / 60
    return Pace(floor_s=EXTERNAL_FLOOR_S, period_s=check.period, host=host, spare=spare)


async def _say_unsupported(check: Unsupported, probe: str, scheduled_at: int) -> list[Observation]:
    return [unsupported_observation(check, probe, scheduled_at)]


def unsupported_observation(check: Unsupported, probe: str, scheduled_at: int) -> Observation:
    """What this probe says once a period about a check that it does not know."""
    target = check.targets[0] if check.targets else ""
    return Observation(
        probe=probe,
        stream="",
        seq=0,
        run=secrets.token_hex(8),
        check=check.name[:200],
        kind=check.kind[:64],
        target=target[:500],
        subject=target[:500],
        dims={},
        scheduled_at=scheduled_at,
        started_at=wall_ns(),
        duration_ns=0,
        phases=[],
        reason="unsupported",
        fault="config",
        findings={"detail": check.message[:500]},
    )
