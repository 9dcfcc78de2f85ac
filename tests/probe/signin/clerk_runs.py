"""Whole flows at the stand-in for Clerk, as the tests run them."""

from pathlib import Path
from typing import Any

import msgspec
import trio

from parallax.config import BoundSecret
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.signin_specs import SigninSpec
from parallax.plan.types import Check
from parallax.state import write_private
from parallax.values import Duration, decode_value
from probe.tools import Tools
from probe.vault import Vault
from tests.fakes.clerk import PASSWORD, SECRET_KEY, Clerk
from tests.parts.certificates import Authority
from tests.probe.signin.flows import run

USER = {"name": "synthetic-{probe}@probes.example"}
WITH_PASSWORD = {**USER, "password": "secret:PW"}
WITH_CODE = {**USER, "code": "424242"}


def tools_at(authority: Authority, tmp: Path, password: str = PASSWORD, **more: Any) -> Tools:
    """A probe with the secrets PW and KEY, bound to this machine."""
    write_private(tmp / "password", password.encode())
    write_private(tmp / "key", SECRET_KEY.encode())
    (tmp / "ca.pem").write_text(authority.pem)
    bindings = {
        "PW": BoundSecret(source=f"file:{tmp / 'password'}", hosts=["localhost"]),
        "KEY": BoundSecret(source=f"file:{tmp / 'key'}", hosts=["localhost"]),
    }
    return Tools(
        routes=Routes.of(allow=EVERYWHERE), trust=Trust(str(tmp / "ca.pem")), resolvers=(), families=(4,),
        vault=Vault(bindings), **more,
    )  # fmt: skip


def check_at(server: Clerk, use: str, *, period_s: float = 600, timeout_s: float = 10, **more: Any) -> Check:
    """A run of it is a whole one, unless the period says otherwise."""
    user = WITH_PASSWORD if use == "clerk.password" else WITH_CODE if use == "clerk.email_code" else USER
    said = {"use": use, "frontend_api": server.url, "backend_api": server.backend, "user": user}
    if use == "clerk.session_token":
        said["secret_key"] = "secret:KEY"
    spec = msgspec.convert({**said, **more}, SigninSpec, dec_hook=decode_value)
    return Check(
        name="sign-in", kind="signin", targets=[server.url], period=Duration(period_s), timeout=Duration(timeout_s),
        external=False, probes=[], spec=spec,
    )  # fmt: skip


async def go(server: Clerk, tools: Tools, use: str = "clerk.password", **more: Any) -> list[Observation]:
    """One run."""
    with trio.fail_after(60):
        return await run(check_at(server, use, **more), tools)
