"""What goes wrong with DNS, on real name servers and real resolvers in a network of their own, as the check kinds see
it: one story a test, each with what must be said and what must not."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from parallax.observation import Observation
from tests.e2e.dns_world import Probe
from tests.fakes.dns_middle import Change, answering_itself, middle, rewriting, truncating, without_edns
from tests.parts.internet import (
    ADDRESSES,
    NAMES_A,
    NAMES_B,
    OPERATOR_A,
    OPERATOR_B,
    RESOLVERS,
    WEB,
    ZONE,
    Internet,
    address,
    customer_zone,
    idp_zone,
    internet,
)
from tests.parts.namespace import network_namespace
from tests.parts.zones import EXPIRED, ZoneKey, signed, soa

pytestmark = pytest.mark.slow

ELSEWHERE = "198.51.100.66"
DELEGATION = "delegation"
AT_A = [str(address(f"a{n}", family)) for n in (1, 2, 3, 4) for family in (4, 6)]
"""What dns.zone says of operator A: its subjects over UDP."""
AT_A_TCP = [f"{each}/tcp" for each in AT_A]


@asynccontextmanager
async def world(**how: Any) -> AsyncIterator[tuple[Internet, Probe]]:
    with network_namespace() as net:
        async with internet(net, **how) as running:
            yield running, Probe()


@asynccontextmanager
async def between(running: Internet, server: str, change: Change) -> AsyncIterator[None]:
    """Whoever asks this server over IPv4 and UDP gets what the one in the middle makes of its answers."""
    async with middle(address(server), change) as fake:
        running.net.redirect(53, fake.address, ADDRESSES[server][0])
        yield
    running.net.mend()


def reasons(found: Iterable[Observation]) -> dict[str, str | None]:
    return {o.subject: o.reason for o in found}


def but(found: Iterable[Observation]) -> dict[str, str]:
    """The reasons of those that are not ok."""
    return {o.subject: o.reason for o in found if o.reason is not None}


def hop(chain: Observation, owner: str) -> dict[str, Any]:
    return next(each for each in chain.findings["hops"] if each["owner"] == owner)


async def test_all_is_well_but_the_fallback_lacks_the_mail_records() -> None:
    async with world() as (_, probe):
        assert reasons(await probe.run("zone")) == dict.fromkeys([DELEGATION, *AT_A, *AT_A_TCP])
        assert reasons(await probe.run("resolve")) == dict.fromkeys(RESOLVERS)
        assert reasons(await probe.run("chain")) == {"clerk.acme.test": None, "accounts.acme.test": None}
        (parity,) = await probe.run("parity")
        assert parity.reason == "parity_missing"
        missing = {(row["name"], row["type"]) for row in parity.findings["rows"] if row["class"] == "missing"}
        assert missing >= {("@", "MX"), ("@", "TXT"), ("_dmarc", "TXT"), ("sel1._domainkey", "CNAME")}
        assert not missing & {("frontend-api", "A"), ("accounts", "A")}
        assert but(await probe.run("mail")) == {"operator operator-b": "mail_dkim_missing"}
        assert but(await probe.run("dnssec")) == {}


async def test_the_fallback_is_ready_once_it_has_them() -> None:
    async with world() as (running, probe):
        for server in ("b1", "b2"):
            await running.serve(server, ZONE, lambda serial: idp_zone(NAMES_B, serial=serial))
        with trio.fail_after(60):
            for check in ("parity", "mail"):
                while but(await probe.run(check)):
                    pass  # a first walk of the resolvers may fail on a machine that stalls


async def test_an_operator_goes_dark_behind_caches() -> None:
    """The hop is dark at once, while resolvers that have it still answer; the fallback cannot be judged."""
    async with world(ttl=60) as (running, probe):
        assert but(await probe.run("resolve")) == {}
        assert but(await probe.run("mail")) == {"operator operator-b": "mail_dkim_missing"}
        running.net.drop(*OPERATOR_A)
        for seen_by in (probe, Probe()):  # also one that was just started
            chain, _ = await seen_by.run("chain")
            assert (chain.reason, chain.fault) == ("dns_hop_dark", "target")
            assert (chain.dims["hop"], chain.dims["operator"]) == ("frontend-api.idp.example", "operator-a")
            assert hop(chain, "frontend-api.idp.example")["servers"] == dict.fromkeys(AT_A, "timeout")
            found = await seen_by.run("zone")
            assert but(found) == dict.fromkeys([*AT_A], "dns_timeout") | tcp_of(found, "connect_timeout")
            assert {o.dims["operator"] for o in found if o.reason} == {"operator-a"}
        assert but(await probe.run("resolve")) == {}, "the caches still have it"
        (parity,) = await probe.run("parity")
        assert parity.reason == "parity_unknown", "nothing is claimed of the fallback"
        mail = but(await probe.run("mail"))
        assert mail == {"operator operator-a": "mail_dkim_tempfail", "operator operator-b": "mail_dkim_missing"}


def tcp_of(found: Iterable[Observation], reason: str) -> dict[str, str]:
    """The same reason for all subjects over TCP, which are there in some runs only."""
    return {o.subject: reason for o in found if o.dims.get("transport") == "tcp"}


async def test_caches_run_out_and_one_hands_out_what_has_expired() -> None:
    async with world(ttl=1) as (running, probe):
        assert reasons(await probe.run("resolve")) == dict.fromkeys(RESOLVERS)
        running.net.refuse(*OPERATOR_A)
        while None in reasons(found := await probe.run("resolve")).values():
            pass  # until the last has expired
        seen = {o.subject: o for o in found}
        assert reasons(found) == {"plain": "dns_name_down", "stale": "dns_stale", "bind": "dns_name_down"}
        assert seen["stale"].findings["class"] == "stale_definite"
        assert seen["plain"].findings["control"]["class"] == "ok", "the resolver itself is fine"


async def test_a_resolver_is_down_and_not_the_name() -> None:
    async with world() as (running, probe):
        running.net.drop(*ADDRESSES["bind"])
        assert reasons(await probe.run("resolve")) == {"plain": None, "stale": None, "bind": "dns_resolver_down"}


async def test_the_probes_own_network_is_down_and_nobody_is_blamed() -> None:
    async with world() as (running, probe):
        running.net.drop(*(ip for ips in ADDRESSES.values() for ip in ips))
        found = await probe.run("resolve")
        assert {(o.reason, o.abstain) for o in found} == {("dns_network_down", "network_down")}


async def test_a_wrong_authority_says_nxdomain_while_some_caches_still_answer() -> None:
    """Wrong, not dark: the delegation leads to servers that know nothing of the names."""
    async with world(ttl=60) as (running, probe):
        await warm(probe, "plain")
        for server in ("b1", "b2"):
            await running.serve(server, ZONE, _emptied)
        await running.delegate(NAMES_B)
        chain, _ = await Probe().run("chain")  # one that remembers no delegation
        assert (chain.reason, chain.dims["hop"]) == ("dns_hop_nxdomain", "frontend-api.idp.example")
        assert chain.dims["operator"] == "operator-b"
        found = reasons(await probe.run("resolve"))
        assert found == {"plain": None, "stale": "dns_nxdomain", "bind": "dns_nxdomain"}


def _emptied(serial: int) -> str:
    return "\n".join([soa(NAMES_B[0], serial, 5, negative_ttl=5), *(f"@ 5 NS {name}" for name in NAMES_B)])


async def warm(probe: Probe, resolver: str) -> None:
    """One resolver's cache has the names, the others' have not."""
    text = probe.text.replace('names = ["clerk.acme.test"]', f'names = ["clerk.acme.test"]\nresolvers = ["{resolver}"]')
    assert reasons(await Probe(text).run("resolve")) == {resolver: None}


async def test_one_of_four_servers_is_lame() -> None:
    async with world(without=("a2",)) as (running, probe), running.instead("a2", {"unrelated.test": "www A 192.0.2.9"}):
        both = [str(address("a2")), str(address("a2", 6))]
        lame = dict.fromkeys([*both, *(f"{each}/tcp" for each in both)], "dns_lame")
        assert but(await probe.run("zone")) == lame
        chain, _ = await probe.run("chain")
        said = hop(chain, "frontend-api.idp.example")["servers"]
        assert chain.reason is None, "three others answer"
        assert {server for server, word in said.items() if word.startswith("lame")} == set(both)


async def test_an_alias_of_the_customer_is_changed() -> None:
    async with world() as (running, probe):
        await running.serve("other", "acme.test", lambda serial: customer_zone("worker.idp.example.", serial=serial))
        chain, _ = await probe.run("chain")
        assert (chain.reason, chain.findings["workaround"]) == (None, "worker.idp.example")
        await running.serve("other", "acme.test", lambda serial: customer_zone("gone.idp.example.", serial=serial))
        chain, _ = await probe.run("chain")
        assert (chain.reason, chain.dims["hop"]) == ("dns_hop_nxdomain", "gone.idp.example")


async def test_a_resolver_rewrites_answers() -> None:
    async with world() as (running, probe), between(running, "plain", rewriting(ELSEWHERE)):
        found = await probe.run("resolve")
        assert reasons(found) == {"plain": "dns_rewritten", "stale": None, "bind": None}
        assert found[0].fault == "resolver"


async def test_the_zone_moves_and_the_way_found_before_is_stale() -> None:
    async with world(ttl=60) as (running, probe):
        assert (await probe.run("chain"))[0].reason is None
        await running.delegate(NAMES_B, ttl=60)
        running.net.refuse(*OPERATOR_A)
        chain, _ = await probe.run("chain")
        assert (chain.reason, chain.findings["stale"]) == ("dns_delegation_stale", "frontend-api.idp.example")
        assert chain.findings["end"] == [WEB]


async def test_ipv6_is_dark() -> None:
    async with world() as (running, probe):
        running.net.drop(*(ip for ip in OPERATOR_A + OPERATOR_B if ":" in ip))
        found = but(await probe.run("zone"))
        assert {found[each] for each in AT_A if each.startswith("[")} == {"dns_timeout"}
        assert all(each.startswith("[") for each in found)
        assert but(await Probe(families=(4,)).run("zone")) == {}, "a probe without IPv6 has nothing to say of it"
        chain, _ = await probe.run("chain")
        said = hop(chain, "frontend-api.idp.example")["servers"]
        assert chain.reason is None
        assert {word for server, word in said.items() if server.startswith("[")} == {"timeout"}
        assert {word for server, word in said.items() if not server.startswith("[")} == {"auth_answer"}


async def test_tcp_is_blocked() -> None:
    async with world() as (running, probe):
        running.net.drop(*OPERATOR_A, only="tcp")
        assert but(await probe.run("zone")) == dict.fromkeys(AT_A_TCP, "connect_timeout")


async def test_a_server_does_not_know_edns() -> None:
    async with world() as (running, probe), between(running, "a3", without_edns):
        assert but(await probe.run("zone")) == {str(address("a3")): "dns_edns_broken"}
        assert (await probe.run("chain"))[0].reason is None


async def test_answers_are_truncated_and_tcp_is_blocked_or_not() -> None:
    async with world() as (running, probe), between(running, "a1", truncating):
        found = {o.subject: o for o in await probe.run("zone")}
        a1 = str(address("a1"))
        assert (found[a1].reason, found[a1].findings["tcp_fallback"]) == (None, True)
        running.net.drop(ADDRESSES["a1"][0], only="tcp")
        assert but(await Probe().run("zone")) == {a1: "dns_truncated", f"{a1}/tcp": "connect_timeout"}


async def test_one_server_has_a_newer_serial_than_the_others() -> None:
    async with world() as (running, probe):
        await running.serve("a1", ZONE, lambda serial: idp_zone(serial=serial))
        found = await probe.run("zone")
        assert but(found) == {}
        serials = {o.subject: o.findings["serial"] for o in found if o.subject in AT_A}
        newer = {str(address("a1")), str(address("a1", 6))}
        assert serials == {each: 2 if each in newer else 1 for each in AT_A}


async def test_signatures_have_expired() -> None:
    key = ZoneKey()
    lines = signed(ZONE, idp_zone(), key, validity=EXPIRED)
    anchor = f"{ZONE}. DS {key.ds(ZONE)}"
    async with world(idp=lines, anchors=[anchor]) as (running, probe):
        await running.delegate(NAMES_A, ds=[key.ds(ZONE)])
        found = but(await probe.run("dnssec"))
        assert found == {
            "operator operator-a": "dnssec_expired",
            "operator operator-b": "dnssec_unsigned",
            "plain": "dns_bogus",
            "stale": "dns_bogus",
        }
        assert but(await probe.run("resolve")) == {"plain": "dns_bogus", "stale": "dns_bogus"}
        (parity,) = await probe.run("parity")
        assert parity.reason == "parity_would_go_bogus"


async def test_a_signed_zone_is_well() -> None:
    key = ZoneKey()
    anchor = f"{ZONE}. DS {key.ds(ZONE)}"
    async with world(idp=signed(ZONE, idp_zone(), key), anchors=[anchor]) as (running, probe):
        await running.delegate(NAMES_A, ds=[key.ds(ZONE)])
        assert but(await probe.run("dnssec")) == {"operator operator-b": "dnssec_unsigned"}
        assert but(await probe.run("resolve")) == {}


async def test_a_middlebox_answers_for_everybody() -> None:
    async with world() as (running, _), middle(address("a1"), answering_itself(ELSEWHERE)) as box:
        warm = Probe(families=(4,))
        assert but(await warm.run("zone")) == {}
        running.net.redirect(53, box.address)
        found = but(await warm.run("zone"))
        assert {found[str(address(f"a{n}"))] for n in (1, 2, 3, 4)} == {"dns_intercepted"}


async def test_a_middlebox_on_ipv4_alone_blames_no_operator() -> None:
    async with world() as (running, probe), middle(address("a1"), answering_itself(ELSEWHERE)) as box:
        assert but(await probe.run("zone")) == {}
        running.net.redirect(53, box.address)
        found = but(await probe.run("zone"))
        found.pop(DELEGATION, None)
        assert found == {str(address(f"a{n}")): "dns_intercepted" for n in (1, 2, 3, 4)}
