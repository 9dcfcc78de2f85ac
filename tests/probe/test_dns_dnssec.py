"""The dns.dnssec check over real name servers that serve signed zones, and a resolver that validates."""

import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import dns.name
import dns.zone
import pytest

from parallax.observation import Observation
from parallax.plan.dns_specs import DnssecSpec
from parallax.plan.types import Operator, Resolver
from parallax.values import Address, DnsName, Endpoint
from probe.tools import Tools
from tests.parts.daemon import find_program
from tests.parts.unbound import unbound
from tests.parts.zones import EXPIRED, Validity, ZoneKey, serve, signed, zone_file
from tests.probe.dns.tree import IDP, Tree, example_zone, tree
from tests.probe.dns_runs import run_kind

pytestmark = pytest.mark.slow

KEY, OTHER = ZoneKey(), ZoneKey()
DS = KEY.ds("idp.example")
SPEC = DnssecSpec(zone=DnsName("idp.example"))
R1 = Address("203.0.113.53:53")
OPERATORS = [Operator(name="dns-a", servers=["*.operator-a.test", "192.0.2.1", "2001:db8:a::1"])]


def delegated(*ds: str) -> str:
    lines = "idp NS ns1.idp\nidp NS ns2.operator-a.test.\nns1.idp A 192.0.2.1\nns1.idp AAAA 2001:db8:a::1\n"
    return lines + "".join(f"idp DS {each}\n" for each in ds)


@asynccontextmanager
async def world(zone: str, ds: Sequence[str] = (DS,)) -> AsyncIterator[tuple[Tree, Tools]]:
    async with (
        tree(idp=zone, delegation=delegated(*ds)) as running,
        unbound({"idp.example": running.a.address}, anchors=[f"idp.example. DS {DS}"]) as resolver,
    ):
        running.lead(R1, resolver.address)
        yield running, running.tools(operators=OPERATORS, resolvers=[Resolver(name="r1", address=Endpoint(R1))])


async def check(zone: str, ds: Sequence[str] = (DS,), spec: DnssecSpec = SPEC) -> dict[str, Observation]:
    async with world(zone, ds) as (_, tools):
        return await run_kind("dns.dnssec", "idp.example", spec, tools)


def reasons(found: dict[str, Observation]) -> dict[str, str | None]:
    return {subject.removeprefix("operator "): seen.reason for subject, seen in found.items()}


async def test_a_zone_in_order() -> None:
    found = await check(signed("idp.example", IDP, KEY))
    assert reasons(found) == {"delegation": None, "dns-a": None, "r1": None}
    seen = found["operator dns-a"].findings
    assert {each["type"]: each["state"] for each in seen["signatures"]} == {"DNSKEY": "ok", "SOA": "ok", "NSEC": "ok"}
    assert seen["denial"] == "proven"
    assert [each["matches"] for each in seen["ds"]] == [True]
    days = timedelta(seconds=seen["rrsig_expires_in_s"]) / timedelta(days=1)
    assert 29.9 < days <= 30
    assert found["operator dns-a"].started_at < seen["expires_at"]
    assert found["r1"].findings["validated"] is True
    assert found["delegation"].findings["ds"][0]["matches"] is True


async def test_expired_signatures_are_bogus_at_a_resolver() -> None:
    found = await check(signed("idp.example", IDP, KEY, validity=EXPIRED))
    assert reasons(found) == {"delegation": None, "dns-a": "dnssec_expired", "r1": "dns_bogus"}
    assert found["r1"].findings["unchecked"] == "NOERROR"
    assert {found[subject].fault for subject in ("operator dns-a", "r1")} == {"target"}


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (timedelta(hours=1), timedelta(days=30), "dnssec_not_yet_valid"),
        (timedelta(minutes=2), timedelta(days=30), None),
        (timedelta(days=-28), timedelta(days=2), "dnssec_expires_soon"),
        (timedelta(days=-28), timedelta(minutes=3), "dnssec_expires_soon"),
        (timedelta(days=-1), timedelta(days=1), None),  # a signer that signs by the day
    ],
)
async def test_when_signatures_hold(since: timedelta, until: timedelta, reason: str | None) -> None:
    found = await check(signed("idp.example", IDP, KEY, validity=Validity(since=since, until=until)))
    assert reasons(found)["dns-a"] == reason
    assert found["operator dns-a"].findings.get("expiry") == (
        None if reason != "dnssec_expires_soon" else "warn" if until > timedelta(days=1) else "critical"
    )


async def test_keys_that_the_parent_does_not_know() -> None:
    found = await check(signed("idp.example", IDP, OTHER))
    assert reasons(found) == {"delegation": "dnssec_ds_no_match", "dns-a": "dnssec_ds_no_match", "r1": "dns_bogus"}


async def test_a_zone_without_signatures_whose_parent_says_it_has_them() -> None:
    found = await check(IDP)
    assert reasons(found) == {"delegation": "dnssec_ds_no_match", "dns-a": "dnssec_unsigned", "r1": "dns_bogus"}


async def test_records_that_were_changed_after_signing() -> None:
    zone = signed("idp.example", IDP, KEY).replace("SOA ns1 hostmaster 7", "SOA ns1 changed 7")
    assert "changed 7" in zone
    assert reasons(await check(zone))["dns-a"] == "dnssec_sig_invalid"


async def test_no_proof_that_a_name_is_not_there() -> None:
    zone = "\n".join(
        line
        for line in signed("idp.example", IDP, KEY).splitlines()
        if " NSEC " not in line.replace(" RRSIG NSEC ", " x ") and " RRSIG NSEC " not in line
    )
    found = await check(zone)
    assert (reasons(found)["dns-a"], found["operator dns-a"].findings["denial"]) == ("dnssec_denial_broken", "unsigned")


def signed_with_nsec3(folder: Path, lines: str) -> tuple[str, str]:
    """The zone's lines, signed by BIND's own tool with NSEC3 (RFC 5155), and its DS."""
    keygen = find_program("dnssec-keygen", "bind9-utils")
    tool = find_program("dnssec-signzone", "bind9-utils")
    (folder / "zone").write_text(zone_file("idp.example", lines))
    run = partial(subprocess.run, cwd=folder, check=True, capture_output=True, text=True)
    run([keygen, "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "idp.example"])
    run([tool, "-S", "-z", "-3", "ab", "-H", "5", "-o", "idp.example", "-f", "signed", "zone"])
    ds = (folder / "dsset-idp.example.").read_text().split(" DS ")[1].replace("\n", " ").strip()
    zone = dns.zone.from_file(str(folder / "signed"), dns.name.from_text("idp.example"), relativize=False)
    return str(zone.to_text()), ds


@pytest.mark.parametrize("more", ["", "* A 192.0.2.9\n", "a.b.c A 192.0.2.9\n"])
async def test_nsec3(tmp_path: Path, more: str) -> None:
    zone, ds = signed_with_nsec3(tmp_path, IDP + more)
    found = await check(zone, [ds])
    seen = found["operator dns-a"]
    assert (found["delegation"].reason, seen.reason, seen.findings["denial"]) == (None, None, "proven")
    assert "NSEC3" in {each["type"] for each in seen.findings["signatures"]}


async def test_a_wildcard_has_its_proof_too() -> None:
    found = await check(signed("idp.example", IDP + "* A 192.0.2.9\n", KEY))
    assert (reasons(found)["dns-a"], found["operator dns-a"].findings["denial"]) == (None, "proven")


async def test_an_algorithm_that_signs_nothing() -> None:
    ghost = "4711 8 2 " + "ab" * 32
    found = await check(signed("idp.example", IDP, KEY), [DS, ghost])
    assert (reasons(found)["delegation"], reasons(found)["dns-a"]) == (None, "dnssec_alg_missing")


@pytest.mark.parametrize(
    "zone", [IDP, signed("idp.example", IDP, KEY), signed("idp.example", IDP, KEY, validity=EXPIRED)]
)
async def test_a_zone_that_nobody_vouches_for_breaks_nothing_unless_it_should_be_signed(zone: str) -> None:
    found = await check(zone, [])
    assert (reasons(found)["delegation"], reasons(found)["dns-a"]) == (None, None)
    found = await check(zone, [], DnssecSpec(zone=SPEC.zone, signed=True))
    assert reasons(found)["delegation"] == "dnssec_insecure"


async def test_a_ds_set_that_vanishes() -> None:
    async with world(signed("idp.example", IDP, KEY)) as (running, tools):
        assert reasons(await run_kind("dns.dnssec", "idp.example", SPEC, tools))["delegation"] is None
        await serve(running.parent, "example", example_zone(delegated(), 2), 2)
        found = await run_kind("dns.dnssec", "idp.example", SPEC, tools)
        assert (found["delegation"].reason, found["delegation"].findings["vanished"]) == ("dnssec_insecure", [DS])
        meant = DnssecSpec(zone=SPEC.zone, signed=False)
        assert reasons(await run_kind("dns.dnssec", "idp.example", meant, tools))["delegation"] is None


async def test_an_operator_that_is_dark() -> None:
    async with world(signed("idp.example", IDP, KEY)) as (running, tools):
        running.a.kill()
        found = await run_kind("dns.dnssec", "idp.example", SPEC, tools)
    assert reasons(found) == {"delegation": None, "dns-a": "connect_refused", "r1": "dns_servfail"}
    assert found["r1"].fault == "resolver"


async def test_a_parent_that_is_dark() -> None:
    async with world(signed("idp.example", IDP, KEY)) as (running, tools):
        await run_kind("dns.dnssec", "idp.example", SPEC, tools)
        running.root.kill()
        running.parent.kill()
        found = await run_kind("dns.dnssec", "idp.example", SPEC, tools)
    assert reasons(found) == {"delegation": "dns_parent_unreachable", "dns-a": None, "r1": None}


async def test_a_zone_that_does_not_exist() -> None:
    async with world(IDP) as (_, tools):
        found = await run_kind("dns.dnssec", "gone.example", DnssecSpec(zone=DnsName("gone.example")), tools)
    assert found["delegation"].reason == "dns_no_delegation"
    assert "gone.example does not exist" in found["delegation"].findings["detail"]
