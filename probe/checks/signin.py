"""The kind `signin`: a whole flow, step by step, each an observation. What a flow does is in probe.signin."""

from typing import TYPE_CHECKING

from parallax.plan.signin_specs import SigninSpec
from probe.checks import certificates
from probe.checks.http import prepare
from probe.signin.judge import judge

if TYPE_CHECKING:
    from probe.steps import Steps

__all__ = ["judge", "load", "play", "prepare"]


async def play(spec: SigninSpec, steps: "Steps") -> None:
    """One run of the flow."""
    from probe.signin.run import run_flow  # late: pages, keys and presets are for who signs in

    await run_flow(spec, steps)


def load(target: str) -> None:
    """What flows are made of, and what reads certificates."""
    import probe.signin.run  # noqa: F401

    certificates.load()
