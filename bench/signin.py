"""The probe's CPU for whole password sign-ins at a real OpenID provider: python -m bench.signin [RUNS]

Discovery to a proven logout, eleven steps, some twenty requests over two fresh connections of each run. The provider
runs beside it; its CPU is not counted. Beside each run, httpx2 asks it as often over as many connections, and reads
nothing of what comes: what a probe would spend that had a general client and no verdict. The two take turns, so that
the mood of the machine hits both alike.
"""

import json
import os
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
import trio

from parallax.garbage import sparing_collections
from probe.main import YOUNG
from probe.runs import get_ready
from tests.parts.certificates import Authority
from tests.parts.oidc_provider import oidc_provider  # type: ignore[attr-defined]
from tests.probe.signin.flows import check_of, run, spec_at, tools_for

WARM_UP = 5


async def measure(runs: int) -> dict[str, Any]:
    """The CPU of a sign-in. A run that fails ends it: it costs less."""
    with tempfile.TemporaryDirectory() as folder, sparing_collections(YOUNG):
        async with oidc_provider(Authority(), issuer=None) as provider:
            check = check_of(spec_at(provider, budget={"per_user": "100000/s"}))
            tools = tools_for(provider, Path(folder))  # a probe keeps them as long as its plan
            get_ready([check], tools)
            context = ssl.create_default_context(cafile=tools.trust.ca_file)
            url = f"{check.targets[0]}/.well-known/openid-configuration"
            spent: list[float] = []
            theirs: list[float] = []
            requests = 0
            for _ in range(WARM_UP + runs):
                began = time.process_time()
                found = await run(check, tools)
                spent.append(time.process_time() - began)
                failed = [(each.subject, each.reason) for each in found if each.reason is not None]
                if failed:
                    raise RuntimeError(f"a sign-in failed: {failed}")
                requests = sum(len(each.findings.get("hops", ())) for each in found)
                began = time.process_time()
                await ask(url, requests, context)
                theirs.append(time.process_time() - began)
            spent, theirs = sorted(spent[WARM_UP:]), sorted(theirs[WARM_UP:])
            return {
                "bench": "A whole password sign-in",
                "runs": runs,
                "steps": len(found),
                "requests": requests,
                "probe cpu ms.mean": round(sum(spent) / len(spent) * 1000, 1),
                "probe cpu ms.median": round(spent[len(spent) // 2] * 1000, 1),
                "probe cpu ms.least": round(spent[0] * 1000, 1),
                "goal ms": 15,
                "httpx2, as many requests ms.median": round(theirs[len(theirs) // 2] * 1000, 1),
                "httpx2, as many requests ms.least": round(theirs[0] * 1000, 1),
                "of httpx2's median": round(spent[len(spent) // 2] / theirs[len(theirs) // 2], 2),
                "load average while it ran": round(os.getloadavg()[0], 1),
                "ten million turns of a loop on this machine at this moment ms": round(loop_ms()),
            }


async def ask(url: str, times: int, context: ssl.SSLContext) -> None:
    """So many requests over two fresh connections, one after the other."""
    for share in (times // 2, times - times // 2):
        async with httpx2.AsyncClient(verify=context, trust_env=False) as client:
            for _ in range(share):
                (await client.get(url)).raise_for_status()


def loop_ms() -> float:
    """How fast the machine is, for who reads the figures: 350 to 500 ms on an idle core of 2024."""
    began = time.process_time()
    for _ in range(10_000_000):
        pass
    return (time.process_time() - began) * 1000


if __name__ == "__main__":
    print(json.dumps(trio.run(measure, int(sys.argv[1]) if len(sys.argv) > 1 else 50)))
