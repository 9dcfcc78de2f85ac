"""Each fault does to the checks of the lab's plan, over real sockets, what lab.faults says, and is gone when mended."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio

from lab import addresses
from lab.control import Order
from lab.effects import EFFECTS
from lab.faults import FAULTS
from lab.places import PROBES
from parallax.dialling.sockets import open_tcp
from parallax.observation import Observation
from parallax.values import Address
from tests.parts.lab_world import EVERYBODY, Lab, running_lab

pytestmark = pytest.mark.slow

TIMES_THE_TIMEOUT = (1, 5, 5)
CENTRES = tuple(probe.id for probe in PROBES if probe.network == "data-centre")
US, EU = addresses.FRONT_ENDS_V4["us-east"], addresses.FRONT_ENDS_V4["eu-west"]
_DNS_A = [f"{ip}:53" for ip in addresses.DNS_A.values()] + [f"[{ip}]:53" for ip in addresses.DNS_A_V6.values()]
_US_EAST = {f"{US}:443", f"[{addresses.FRONT_ENDS_V6['us-east']}]:443"}


class Seen(msgspec.Struct, frozen=True):
    """What a fault looks like: of one check, the reason, from which probes and at which subjects. All else passes."""

    check: str
    reason: str
    probes: tuple[str, ...] = EVERYBODY
    subjects: frozenset[str] | None = None


SEEN: Mapping[str, list[Seen]] = {
    "operator-dark": [
        Seen("name servers", "dns_timeout", subjects=frozenset(_DNS_A)),
        Seen("customer chains", "dns_hop_dark"),
    ],
    "name-server-dark": [Seen("name servers", "dns_timeout", subjects=frozenset({"192.0.2.2:53"}))],
    "name-server-lame": [Seen("name servers", "dns_lame", subjects=frozenset({"192.0.2.2:53"}))],
    "zone-emptied": [Seen("customer chains", "dns_hop_nxdomain")],
    "resolver-down": [
        Seen("sign-in name", "dns_resolver_down", subjects=frozenset({"resolver-2"})),
        Seen("name servers", "", probes=()),
    ],
    "site-withdrawn": [Seen("name servers", "", probes=())],
    "delegation-moved": [Seen("customer chains", "", probes=())],
    "fallback-completed": [Seen("customer chains", "", probes=())],
    "region-down": [
        Seen("front door", "connect_timeout", subjects=frozenset(_US_EAST)),
    ],
    "region-slow": [Seen("sign-in page", "http_slow", subjects=frozenset(_US_EAST))],
    "throttled": [Seen("api", "http_throttled")],
    "certificate-expired": [Seen("front door", "tls_expired")],
    "bot-wall": [Seen("sign-in page", "http_challenge", probes=CENTRES)],
    "sign-in-broken": [
        Seen("sign-in", "http_server_error", subjects=frozenset({"password"})),
        Seen("api", "", probes=()),
    ],
    "keys-lost": [Seen("sign-in", "jwks_kid_unknown", subjects=frozenset({"verify"}))],
    "captcha": [Seen("sign-in", "signin_captcha", subjects=frozenset({"authorize"}))],
    "database-slow": [Seen("api", "http_throttled")],
    "site-gone": [
        Seen("name servers", "dns_timeout", probes=("fra1", "lon1"), subjects=frozenset({f"{addresses.ANYCAST}:53"}))
    ],
    "uplink-dead": [
        Seen("sign-in name", "dns_network_down", probes=("fra1",)),
    ],
}
"""By fault."""


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with running_lab(tmp_path) as running:
        await shows(running, "name servers", EVERYBODY, failing, [])  # a first walk from afar, eight at once, is long
        yield running


async def shows(
    lab: Lab, check: str, probes: Sequence[str], look: Callable[[list[Observation]], object], wanted: object
) -> None:
    """What one run of a check shows. On a machine that stalls, checks time out that should not: then a run that takes
    its time has to show it."""
    for patience in TIMES_THE_TIMEOUT:
        seen = look(await lab.run(check, probes, patience=patience))
        if seen == wanted:
            return
    assert seen == wanted


def failing(found: list[Observation]) -> list[tuple[str, str]]:
    """By probe and subject."""
    assert found
    return sorted((each.probe, each.subject) for each in found if each.reason is not None)


def test_every_fault_of_the_world_has_an_effect_and_a_look() -> None:
    world = {name for name, fault in FAULTS.items() if fault.where == "world"}
    assert set(EFFECTS) == world
    assert set(SEEN) == world


@pytest.mark.parametrize("fault", SEEN)
async def test_a_fault_shows_where_it_should_and_nowhere_else(lab: Lab, fault: str) -> None:
    for seen in SEEN[fault]:
        await shows(lab, seen.check, EVERYBODY, failing, [])  # caches are warm when a fault comes
    lab.break_(fault)
    lab.break_(fault)  # twice is once
    for seen in SEEN[fault]:
        await shows(lab, seen.check, EVERYBODY, partial(_as_it_should, fault, seen), "as it should")
    lab.mend(fault)
    lab.mend(fault)
    for seen in SEEN[fault]:
        await shows(lab, seen.check, EVERYBODY, failing, [])


def _as_it_should(fault: str, seen: Seen, found: list[Observation]) -> object:
    """ "as it should", or what is otherwise."""
    failed = {(each.probe, each.subject) for each in found if each.reason is not None}
    with_reason = {(each.probe, each.subject) for each in found if each.reason == seen.reason}
    wanted = {
        (each.probe, each.subject)
        for each in found
        if each.probe in seen.probes and (seen.subjects is None or each.subject in seen.subjects)
    }
    if seen.probes and not wanted:
        return "no observation of what is broken", found
    if fault in ("throttled", "database-slow"):
        right = len(wanted) - len(with_reason) in (1, 2)  # of 24: one in twenty
    else:
        right = with_reason == wanted == failed if seen.probes else not failed
    return "as it should" if right else (with_reason ^ wanted, failed)


async def test_faults_overlap_and_mending_one_leaves_the_other(lab: Lab) -> None:
    def servers(found: list[Observation]) -> list[str]:
        return sorted(probe for probe, subject in failing(found) if subject != "delegation")

    def probes(found: list[Observation]) -> set[str]:
        return {probe for probe, _ in failing(found)}

    await lab.run("name servers", ["iad1", "fra1"])  # the first run asks over TCP as well
    lab.break_("operator-dark")
    lab.break_("name-server-dark")
    lab.mend("operator-dark")
    await shows(lab, "name servers", ["iad1"], failing, [("iad1", "192.0.2.2:53")])
    lab.break_("uplink-dead")
    await shows(lab, "name servers", ["iad1", "fra1"], servers, ["fra1"] * 6 + ["iad1"])
    lab.mend("name-server-dark")
    await shows(lab, "name servers", EVERYBODY, probes, {"fra1"})
    assert [state.fault for state in lab.world.do(Order(do="state")).faults] == ["uplink-dead"]


async def test_all_faults_at_once_and_none(lab: Lab) -> None:
    for fault in SEEN:
        lab.break_(fault)
    for fault in reversed(list(SEEN)):
        lab.mend(fault)
    for check in ("name servers", "api", "front door", "customer chains"):
        await shows(lab, check, EVERYBODY, failing, [])


async def test_a_dead_uplink_silences_the_control_targets_and_the_collector_too(lab: Lab) -> None:
    lab.break_("uplink-dead")
    wiring = lab.world.ready.probes["fra1"]
    for address in (Address("192.0.2.250:443"), wiring.collector):
        with trio.move_on_after(0.3) as hung:
            await open_tcp(address, lab.tools("fra1").routes)
        assert hung.cancelled_caught
    async with await open_tcp(Address("192.0.2.250:443"), lab.tools("lon1").routes):
        pass


async def test_the_region_that_answers_and_the_site_are_said(lab: Lab) -> None:
    def regions(found: list[Observation]) -> dict[str, str | None]:
        return {each.subject: each.dims.get("region") for each in found if each.dims["family"] == "4"}

    await shows(lab, "api", ["iad1"], regions, {f"{US}:443": "us-east", f"{EU}:443": "eu-west"})
    nearest = {"fra": ("fra1", "lon1"), "iad": ("iad1", "pdx1", "gru1"), "sin": ("sin1", "bom1", "nrt1")}
    wanted = {probe: site for site, probes in nearest.items() for probe in probes}
    await shows(lab, "name servers", EVERYBODY, _sites, wanted)


async def test_the_fallback_lacks_the_mail_records_from_the_start(lab: Lab) -> None:
    def missing(found: list[Observation]) -> tuple[str | None, set[str]]:
        (only,) = found
        rows = only.findings.get("rows", [])
        return only.reason, {row["purpose"] for row in rows if row["class"] == "missing"}

    await shows(lab, "fallback", ["iad1"], missing, ("parity_missing", {"mail", "policy"}))
    lab.break_("fallback-completed")
    await shows(lab, "fallback", ["iad1"], failing, [])


async def test_a_moved_delegation_leads_to_the_fallback_and_the_resolvers_follow(lab: Lab) -> None:
    def delegated(found: list[Observation]) -> tuple[set[str], set[str]]:
        names = next(set(each.findings.get("ns", [])) for each in found if each.subject == "delegation")
        return names, {each.dims["operator"] for each in found if each.subject not in before}

    before = {each.subject for each in await lab.run("name servers", ["iad1"])}
    lab.break_("delegation-moved")
    await shows(lab, "name servers", ["iad1"], delegated, (set(addresses.DNS_B), {"dns-b"}))


async def test_a_withdrawn_site_s_probes_reach_the_next_one(lab: Lab) -> None:
    lab.break_("site-withdrawn")
    await shows(lab, "name servers", ["fra1", "lon1", "sin1"], _sites, {"fra1": "iad", "lon1": "iad", "sin1": "sin"})


async def test_an_own_resolver_says_what_its_cache_holds(lab: Lab) -> None:
    def say_what_is_cached(found: list[Observation]) -> set[str]:
        return {each.subject for each in found if "cached" in each.findings}

    await shows(lab, "sign-in name", ["iad1"], failing, [])
    await shows(lab, "sign-in name", ["iad1"], say_what_is_cached, {"resolver-1"})


async def test_everything_else_of_the_plan_passes(lab: Lab) -> None:
    for check in ("customer names", "customer mail keys", "customer chains", "customer mail chains"):
        await shows(lab, check, ["iad1", "lon1"], failing, [])
    for check in ("mail key", "mail host", "accounts name"):
        await shows(lab, check, EVERYBODY, failing, [])
    await shows(lab, "mail records", ["iad1"], failing, [("iad1", "operator dns-b")])


def _sites(found: list[Observation]) -> dict[str, str | None]:
    """By probe, which site of the anycast address answers."""
    return {each.probe: each.site for each in found if each.subject == f"{addresses.ANYCAST}:53"}
