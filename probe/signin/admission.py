"""Whether a whole run may sign its user in now, and for how long not again after what came of it.

What forbids it is told by an observation at the step that is not taken: the check must not look well because it was not
tried. Its own budget is no news of the provider, so that one abstains.
"""

import hashlib
from contextlib import suppress
from datetime import UTC, datetime

import trio

from parallax.clock import NS, wall_ns
from parallax.plan.signin_specs import SigninSpec
from parallax.plan.templates import secrets_of
from parallax.reasons import Fault as Side
from parallax.values import Rate
from probe.buckets import Limit
from probe.fault import Fault
from probe.signin.flow import Flow
from probe.signin.halts import CUT_OFF, key_of
from probe.signin.reply import end
from probe.tape import Tape
from probe.vault import Withheld

ABSTAINS = "over_budget"
"""Why an observation of a spent budget does not count."""


async def may_sign_in(flow: Flow, key: str) -> bool:
    """Whether the run, whose halts have this key, may go on beyond its light part; where not, the observation that says
    why is taken. To be asked when the user's turn has come: the run before may have been refused."""
    halts, now = flow.tools.signins.halts, wall_ns() / NS
    halt = halts.get(key, now)
    if halt is None and flow.steps.check.member:
        halt = halts.get(halt_key(flow, directly=False), now)
    if halt is not None:
        until = datetime.fromtimestamp(halt.until, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        side: Side | None = "probe" if halt.because == CUT_OFF else None
        await _say(flow, halt.step, Fault("signin_halted", {"because": halt.because, "halted_until": until}, side))
        return False
    fault = spend(flow)
    if fault is not None:
        await _say(flow, _first(flow), fault)
    return fault is None


def spend(flow: Flow) -> Fault | None:
    """Takes one sign-in, or one token, from the check's budget; the fault of one that is spent."""
    spent = flow.tools.signins.buckets.take(_limits(flow), trio.current_time())
    if spent is None:
        return None
    return Fault("signin_own_budget", {"budget": spent.partition(" ")[0]}, abstain=ABSTAINS)


async def say_busy(flow: Flow) -> None:
    """Another check signs the same user in."""
    fault = Fault("signin_own_budget", {"detail": "another check signs this user in"}, abstain=ABSTAINS)
    await _say(flow, _first(flow), fault)


async def note_begun(flow: Flow, key: str) -> None:
    """Writes down that the user is being signed in, before anything of it is sent."""
    halts = flow.tools.signins.halts
    halts.begin(key, _first(flow), wall_ns() / NS)
    await trio.to_thread.run_sync(halts.save)


async def halt_after(flow: Flow, key: str) -> None:
    """Writes down that it is over; and halts the flow where its last step was refused in a way that must not be
    repeated."""
    halts = flow.tools.signins.halts
    halts.end(key)
    taken = next((each for each in reversed(flow.steps.taken) if each.subject.name != "cleanup"), None)
    if taken is not None and taken.verdict is not None:
        halts.put(key, taken.subject.name, taken.verdict.reason, wall_ns() / NS)
    with trio.CancelScope(shield=True):  # else a restart in this moment tries again
        await trio.to_thread.run_sync(halts.save)


def halt_key(flow: Flow, *, directly: bool | None = None) -> str:
    """Of the provider, the user and the password as it is now: what a run begins under it, it ends under it. Where a
    flow has no password of a user, of all its secrets. What cannot be read is told by the step that needs it.

    The members of a failover group that are signed in at `directly` are one more provider: a standby that knows no user
    must not keep the check that users depend on from being tried, and a password that was refused is not sent to one
    member after the other. What was refused by name is not tried at members."""
    directly = bool(flow.steps.check.member) if directly is None else directly
    user, tools = flow.spec.user, flow.tools
    named = [user.password.removeprefix("secret:")] if user is not None and user.password is not None else []
    known: list[str] = []
    for name in named or sorted(set(secrets_of(flow.spec))):
        with suppress(Withheld):
            known.append(tools.vault.known(name, tools.hidden))
    return key_of(f"{flow.steps.target} directly" if directly else flow.steps.target, flow.user_name, "\0".join(known))


def _limits(flow: Flow) -> list[Limit]:
    """The plan's budget as buckets. A user is the tenant's; an address is this probe's; the tenant's is the whole
    fleet's, of which this probe has a share. One sign-in fits into any share, or it would never come to one."""
    spec: SigninSpec = flow.spec
    tenant = flow.steps.target
    asked: list[tuple[str, str, Rate | None, float]] = [
        ("per_user", f"{tenant} {flow.user_name}", spec.budget.per_user, 1.0),
        ("per_address", tenant, spec.budget.per_address, 1.0),
        ("per_tenant", tenant, spec.budget.per_tenant, flow.tools.signins.shares.get(tenant, 1.0)),
    ]
    return [
        Limit(
            key=f"{name} {hashlib.sha256(whose.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}",
            room=max(1.0, rate.times * share),
            rate=rate.times * share / rate.span_s,
        )
        for name, whose, rate, share in asked
        if rate is not None
    ]


def _first(flow: Flow) -> str:
    """The first step that is not taken."""
    return next(name for each in flow.preset.steps if each.part == "full" for name in each.names)


async def _say(flow: Flow, step: str, fault: Fault) -> None:
    async def gather(_: Flow, tape: Tape) -> None:
        raise end(tape, fault)

    await flow.take(step, gather)
