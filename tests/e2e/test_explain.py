"""`parallax explain` in the lab's world, as a person runs it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from lab import addresses
from tests.parts.lab_world import PLAN, Lab, running_lab

pytestmark = pytest.mark.slow
NAME, ALIAS = "clerk.acme.example", "frontend-api.auth-vendor.example"


async def explained(lab: Lab, *args: str) -> tuple[int, str]:
    """Exit status and output, as from the probe in Ashburn."""
    options = [f"--connect-to={source}={to}" for source, to in lab.world.ready.probes["iad1"].connect_to]
    options += [f"--root={root}" for root in PLAN.dns.roots]
    options += ["--operator=dns-a=*.dns-a.example", "--operator=dns-b=*.dns-b.example"]
    options += [f"--resolver={name}={ip}" for name, ip in addresses.RESOLVERS.items()]
    command = [sys.executable, "-m", "parallax", "explain", *args, *options]
    done = await trio.run_process(command, capture_stdout=True, check=False, env={**os.environ, "COLUMNS": "200"})
    return done.returncode, done.stdout.decode()


async def as_json(lab: Lab, *args: str) -> Any:
    _, out = await explained(lab, *args, "--json")
    return json.loads(out)


async def test_one_screen_says_it_all(tmp_path: Path) -> None:
    async with running_lab(tmp_path) as lab:
        status, out = await explained(lab, NAME, "--mail", "auth-vendor.example", "--selector", "s1")
    assert status == 0
    for words in (
        f"{NAME} resolves: 203.0.113.10, 203.0.113.20",
        f"{NAME} CNAME → {ALIAS}",
        "operator dns-a, 6 of 6 servers answer",
        "ns4.dns-a.example",
        "resolver-1",
        "name servers of auth-vendor.example, operator dns-a",
        "mail        auth-vendor.example at resolver-1, resolver-2,",
        "dns-a (auth-vendor.example): ",
        "nor would the mail records of auth-vendor.example",
    ):
        assert words in out


async def test_what_darkness_would_do_is_said_before_it_is_dark_and_the_failing_hop_after(tmp_path: Path) -> None:
    async with running_lab(tmp_path) as lab:
        before = await as_json(lab, NAME)
        dark = next(each for each in before["dark"] if each["operator"] == "dns-a")
        assert dark["breaks"]
        assert 0 <= dark["first_s"] <= dark["last_s"] == 60
        sites = {server["address"]: server["site"] for server in before["servers"]}
        assert sites[f"{addresses.ANYCAST}:53"] == "iad"
        lab.break_("operator-dark")
        after = await as_json(lab, NAME)
        assert after["verdict"] == "dns_hop_dark"
        assert {s["reason"] for s in after["servers"] if s["operator"] == "dns-a"} >= {"dns_timeout"}
        status, out = await explained(lab, NAME)
        assert status == 1
        assert "0 of 6 servers answer" in out


async def test_a_name_that_does_not_exist(tmp_path: Path) -> None:
    async with running_lab(tmp_path) as lab:
        status, out = await explained(lab, "nothing.acme.example")
    assert status == 1
    assert out.startswith("nothing.acme.example: ")
