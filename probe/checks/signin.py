"""The kind `signin`: a whole flow, step by step, each an observation. What a flow does is in probe.signin."""

from parallax.plan.signin_specs import SigninSpec
from probe.checks.http import prepare
from probe.signin.judge import judge
from probe.steps import Steps
from probe.tls import certificates

__all__ = ["judge", "load", "play", "prepare"]


async def play(spec: SigninSpec, steps: Steps) -> None:
    """One run of the flow."""
    from probe.signin.run import run_flow  # late: pages, keys and presets are for who signs in

    await run_flow(spec, steps)


def load(target: str) -> None:
    """What flows are made of, and what reads certificates."""
    import probe.signin.run  # noqa: F401

    certificates.load()
