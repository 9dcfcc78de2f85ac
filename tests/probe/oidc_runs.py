"""A run of the kind oidc against a provider on loopback, as a plan has it."""

from pathlib import Path
from typing import Any

import msgspec
import trio

from parallax.clock import wall_ns
from parallax.config import BoundSecret
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.checks import Check, convert_check
from probe.hidden import Hidden
from probe.runs import Vantage, run_target
from probe.tools import Tools
from probe.vault import Vault

SECRET = "canary+s3cret/of:the%machine"


def tools_for(ca: str, folder: Path, secret: str = SECRET, hosts: list[str] | None = None) -> Tools:
    """With the secret `machine`, bound to localhost unless told."""
    file = folder / "machine.secret"
    file.write_text(secret)
    file.chmod(0o600)
    bound = BoundSecret(source=f"file:{file}", hosts=hosts or ["localhost"])  # type: ignore[arg-type]
    return Tools(
        routes=Routes.of(allow=EVERYWHERE),
        trust=Trust(ca),
        resolvers=(),
        families=(4,),
        vault=Vault({"machine": bound}),
        hidden=Hidden(),
    )


def machine(client_id: str = "machine", auth: str = "basic") -> dict[str, str]:
    """The client, as a plan has it."""
    return {"id": client_id, "auth": auth, "secret": "secret:machine"}


async def run_oidc(
    issuer: str, tools: Tools, *, period: str = "30s", timeout: str = "10s", at: int | None = None, **keys: Any
) -> list[Observation]:
    """One run; each with a token unless `every` says otherwise."""
    table = {
        "name": "c",
        "kind": "oidc",
        "issuer": issuer,
        "period": period,
        "timeout": timeout,
        "every": "30s",
        **keys,
    }
    check = convert_check(table)
    assert isinstance(check, Check), check
    tools = msgspec.structs.replace(tools, hidden=Hidden())
    with trio.fail_after(60):
        return await run_target(
            check, issuer, Vantage(probe="p", families=(4,)), tools, scheduled_at=wall_ns() if at is None else at
        )


def told(found: list[Observation]) -> list[tuple[str, int, str | None]]:
    """Step, attempt and reason of each."""
    return [(each.subject, each.attempt, each.reason) for each in found]
