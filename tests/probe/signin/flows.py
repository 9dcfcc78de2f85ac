"""Whole flows at the real provider, as the tests run them: a check, a probe's tools with its secrets, and one run."""

from pathlib import Path
from typing import Any

import msgspec

from parallax.clock import wall_ns
from parallax.config import BoundSecret
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.signin_specs import SigninSpec
from parallax.plan.types import Check
from parallax.state import write_private
from parallax.values import Duration, decode_value
from probe.hidden import Hidden
from probe.runs import Vantage, run_target
from probe.tools import Tools
from probe.vault import Vault
from tests.fakes.signin_server import PASSWORD, SigninServer
from tests.parts.certificates import Authority
from tests.parts.oidc_provider import OidcProvider

PROBE = "one"


def spec_at(provider: OidcProvider, **more: Any) -> dict[str, Any]:
    """A password sign-in at the provider, as a plan has it."""
    web = provider.web
    client = {"id": web.id, "redirect_uri": web.redirect_uri}
    user = {"name": "synthetic-{probe}", "password": "secret:PW"}
    return {
        "use": "oidc.password", "issuer": provider.issuer, "client": client, "user": user,
        "scope": web.scope.split(), **more,
    }  # fmt: skip


def check_of(spec: dict[str, Any], *, period_s: float = 600, timeout_s: float = 20, name: str = "sign-in") -> Check:
    """A run of it is a whole one, unless the period says otherwise."""
    whole = msgspec.convert(spec, SigninSpec, dec_hook=decode_value)
    return Check(
        name=name, kind="signin", targets=[str(whole.issuer or "")], period=Duration(period_s),
        timeout=Duration(timeout_s), external=False, probes=[], spec=whole,
    )  # fmt: skip


def tools_for(provider: OidcProvider, tmp: Any, password: str | None = None, **more: Any) -> Tools:
    """The password is a file of this host's, bound to this machine."""
    write_private(tmp / "password", (password or provider.password).encode())
    write_private(tmp / "machine", (provider.machine.secret or "").encode())
    bindings = {
        "PW": BoundSecret(source=f"file:{tmp / 'password'}", hosts=["localhost"]),
        "MACHINE": BoundSecret(source=f"file:{tmp / 'machine'}", hosts=["localhost"]),
    }
    return Tools(
        routes=Routes.of(allow=EVERYWHERE), trust=Trust(provider.ca_file), resolvers=(), families=(4,),
        vault=Vault(bindings), **more,
    )  # fmt: skip


def tools_at(ca: Authority, tmp: Path, password: str = PASSWORD, **more: Any) -> Tools:
    write_private(tmp / "password", password.encode())
    (tmp / "ca.pem").write_text(ca.pem)
    return Tools(
        routes=Routes.of(allow=EVERYWHERE), trust=Trust(str(tmp / "ca.pem")), resolvers=(), families=(4,),
        vault=Vault({"PW": BoundSecret(source=f"file:{tmp / 'password'}", hosts=["localhost"])}), **more,
    )  # fmt: skip


def spec_of(server: SigninServer, **more: Any) -> dict[str, Any]:
    return {
        "use": "oidc.password", "issuer": server.issuer, "client": {"id": "web"},
        "user": {"name": "synthetic-{probe}", "password": "secret:PW"}, **more,
    }  # fmt: skip


async def run(check: Check, tools: Tools, *, at_ns: int | None = None) -> list[Observation]:
    """One run, which knows its own secrets only, as a probe's runs do."""
    tools = msgspec.structs.replace(tools, hidden=Hidden())
    vantage = Vantage(probe=PROBE, families=(4,))
    return await run_target(check, check.targets[0], vantage, tools, scheduled_at=at_ns or wall_ns())


def told(observations: list[Observation]) -> list[tuple[str, str | None]]:
    """Steps and how they ended."""
    return [(each.subject, each.reason) for each in observations]
