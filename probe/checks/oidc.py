"""The `oidc` check: what an OpenID provider publishes, whether it agrees with itself, and a token for a machine.

It is a flow without a user, so each step that is reached is an observation of its own, with the step's name as its
subject. Discovery and keys are looked at in every run, a token is asked for every `every`.

What flows are made of is imported when the first one runs: most probes and commands have none.
"""

from parallax.plan.signin_specs import Every, OidcSpec, SigninSpec
from parallax.values import Url
from probe.oidc import jose
from probe.signin.judge import judge as judge_step
from probe.steps import Steps
from probe.tape import Evidence
from probe.tls import certificates
from probe.verdict import Verdict


async def play(spec: OidcSpec, steps: Steps) -> None:
    """Takes the steps that are due."""
    from probe.signin.run import run_flow

    await run_flow(as_flow(spec), steps)


def as_flow(spec: OidcSpec) -> SigninSpec:
    """The same, as flows have it."""
    return SigninSpec(
        use="oidc.client_credentials",
        issuer=spec.issuer,
        client=spec.client,
        scope=spec.scope,
        parameters=spec.parameters,
        expect=spec.expect,
        every=Every(full=spec.every),
        budget=spec.budget,
    )


def judge(spec: OidcSpec, evidence: Evidence) -> Verdict | None:
    """As every flow's steps are judged."""
    return judge_step(spec, evidence)


def load(target: str) -> None:
    """What flows are made of, and what reads certificates and keys."""
    import probe.signin.run  # noqa: F401

    if Url(target).https:
        certificates.load()
    jose.load()
