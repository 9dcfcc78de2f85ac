"""One run of a flow, from its first step to the end of what it left at the provider."""

from parallax.plan.signin_specs import SigninSpec
from probe.signin.browser import Browser, Names
from probe.signin.cadence import cadence_at
from probe.signin.flow import Flow
from probe.signin.presets import PRESETS
from probe.steps import Steps


async def run_flow(spec: SigninSpec, steps: Steps) -> None:
    """Takes the steps that are due. Whatever happens, and when it is cancelled too, what was begun is ended."""
    cadence = cadence_at(steps.probe, steps.check.name, steps.scheduled_at, steps.check.period, spec.every)
    preset = PRESETS[spec.use or ""]
    names = Names()
    async with Browser(steps.tools, names) as user, Browser(steps.tools, names) as backchannel:
        flow = Flow(spec, steps, cadence, preset, user, backchannel)
        try:
            await flow.go()
        finally:
            await flow.clean()
