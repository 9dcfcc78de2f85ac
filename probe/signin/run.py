"""One run of a flow, from its first step to the end of what it left at the provider.

Where sessions are kept for silent runs, a whole run leaves its own and ends the one before; so there is one at a time.
"""

from contextlib import suppress
from functools import partial

import trio

from parallax.plan.signin_specs import SigninSpec
from probe.attempt import evidence_of, record
from probe.hidden import Hidden
from probe.kind import Subject
from probe.signin.admission import halt_after, halt_key, may_sign_in, note_begun, say_busy
from probe.signin.browser import SHORTEST_HIDDEN, Browser, Names
from probe.signin.cadence import cadence_at
from probe.signin.flow import CLEANUP_S, Flow, Preset
from probe.signin.generic import preset_of
from probe.signin.jar import Jar
from probe.signin.memory import Session, SessionKey, end_all, session_key
from probe.signin.presets import PRESETS
from probe.signin.reply import Ended, passed
from probe.steps import Steps
from probe.tape import Tape

LEAVING = ("logout", "end", "session")
"""The steps that end a session."""


async def run_flow(spec: SigninSpec, steps: Steps) -> None:
    """Takes the steps that are due. Whatever happens, and when it is cancelled too, what was begun is ended."""
    cadence = cadence_at(steps.probe, steps.check.name, steps.scheduled_at, steps.check.period, spec.every)
    preset = preset_of(spec) if spec.step and spec.use is None else PRESETS.get(spec.use or "")
    if preset is None:
        await _say_unsupported(spec, steps)
        return
    names = Names()
    keeping = preset.keeps and spec.every.silent is not None
    left = steps.tools.signins.sessions.get(_key(steps)) if keeping else None
    if left is not None:
        _hide(left, steps.tools.hidden)
    kept = left if cadence == "silent" else None
    jar = kept.jar if kept is not None else None
    async with Browser(steps.tools, names, jar) as user, Browser(steps.tools, names) as backchannel:
        without = LEAVING if keeping else ()
        flow = Flow(spec, steps, cadence, preset, user, backchannel, without=without)
        if cadence == "full":
            await _run_whole(flow, keeping=keeping)
        else:
            if kept is not None:
                flow.state = kept.state
            await flow.go()
            if kept is not None and flow.stopped and preset.is_over(flow):
                steps.tools.signins.sessions.take(_key(steps))
                await end_all([kept])


async def _say_unsupported(spec: SigninSpec, steps: Steps) -> None:
    """A preset of a newer plan."""

    async def gather(tape: Tape) -> None:
        tape.fail("unsupported", f"this probe does not know the preset {spec.use}")

    await steps.take(Subject(target=steps.target, host="", name="authorize"), gather)


async def _run_whole(flow: Flow, *, keeping: bool) -> None:
    if not flow.preset.signs_in:
        await _finish(flow, keeping=False, key=None)
        return
    await flow.go(lambda each: each.part == "light")
    if flow.stopped:
        return
    turn = flow.tools.signins.turn(flow.steps.target, flow.user_name)
    with trio.move_on_after(flow.steps.left_s / 2) as waiting:
        async with turn:
            waiting.deadline = float("inf")
            key = halt_key(flow)
            if await may_sign_in(flow, key):
                await _finish(flow, keeping=keeping, key=key)
    if waiting.cancelled_caught:
        await say_busy(flow)


async def _finish(flow: Flow, *, keeping: bool, key: str | None) -> None:
    """The rest of a whole run; `key` is that of its halts, if it signs somebody in."""
    kept = False
    try:
        if key is not None:
            await _sign_in(flow, key)
        else:
            await flow.go()
        if keeping and not flow.stopped:
            before = flow.tools.signins.sessions.take(_key(flow.steps))
            kept = flow.tools.signins.sessions.put(_key(flow.steps), session_of(flow))
            if before is not None:
                await _leave(flow, before)
    finally:
        if not kept:
            await flow.clean()


async def _sign_in(flow: Flow, key: str) -> None:
    """It is on disk that this began, and what came of it, before the cleaning takes its time."""
    try:
        await note_begun(flow, key)
        await flow.go()
    finally:
        await halt_after(flow, key)


async def _leave(flow: Flow, before: Session) -> None:
    """The last steps of a whole run, on the session of the run before."""
    done = False
    try:
        async with Browser(flow.tools, Names(), before.jar) as user:
            leaving = Flow(flow.spec, flow.steps, flow.cadence, flow.preset, user, flow.backchannel)
            leaving.state = before.state
            await leaving.go(lambda each: each.names[0] in LEAVING)
            done = not leaving.stopped
    finally:
        if not done:
            await end_all([before])


def _hide(session: Session, hidden: Hidden) -> None:
    """Each run knows its own secrets; those of the session that an earlier one left may be given back to any of the
    check's runs, also to one that does not use it."""
    for cookie in session.jar:
        if len(cookie.value) >= SHORTEST_HIDDEN:
            hidden.add(cookie.value, one_of_many=True)
    for secret in session.secrets():
        hidden.add(secret)


def session_of(flow: Flow) -> Session:
    """What this run leaves for the silent ones."""
    state, jar = flow.state, flow.user.jar
    return Session(
        spec=flow.spec,
        jar=jar,
        state=state,
        secrets=partial(flow.preset.secrets, state),
        end=partial(_end, flow.spec, flow.steps, flow.preset, state, jar),
    )


async def _end(spec: SigninSpec, steps: Steps, preset: Preset, state: object, jar: Jar) -> bool:
    """Ends a kept session, without an observation: no run is under way."""
    assert preset.clean is not None
    names, tape = Names(), Tape(hidden=steps.tools.hidden)
    async with Browser(steps.tools, names, jar) as user, Browser(steps.tools, names) as backchannel:
        flow = Flow(spec, steps, "full", preset, user, backchannel)
        flow.state = state

        async def gather() -> None:
            assert preset.clean is not None
            with suppress(Ended):
                await preset.clean(flow, tape)

        await record(tape, CLEANUP_S, gather)
    return passed(evidence_of(tape))


def _key(steps: Steps) -> SessionKey:
    return session_key(steps.check, steps.target)
