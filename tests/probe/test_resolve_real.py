"""dns.resolve through Unbound and BIND, with NSD behind them: dark authorities, stale answers, every transport."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import trio

from parallax.observation import Observation
from probe.dns.resolvers import Resolvers, Trace
from tests.parts.bind import bind_resolver
from tests.parts.certificates import Authority
from tests.parts.daemon import Daemon
from tests.parts.nsd import nsd
from tests.parts.unbound import SERVE_EXPIRED, unbound
from tests.parts.zones import Validity, ZoneKey, signed
from tests.probe.resolves import Resolving

pytestmark = pytest.mark.slow

ACME = "@ MX 10 mail\nwww 1 CNAME fe\nfe 1 A 203.0.113.7\nlong 300 A 203.0.113.8\ninside A 10.0.0.7"
CONTROL = {"control.test": "ok 3600 A 203.0.113.99"}


@pytest.fixture
async def control() -> AsyncIterator[Daemon]:
    async with nsd(CONTROL) as running:
        yield running


async def until(run: Callable[[], Awaitable[Observation]], seen: Callable[[Observation], bool]) -> Observation:
    """Runs again until one is as wanted; fails after 60 s."""
    with trio.move_on_after(60):
        while True:
            observation = await run()
            if seen(observation):
                return observation
    pytest.fail(f"not seen; the last was {observation}")


async def test_a_dark_authority_is_the_names_and_a_dark_resolver_the_resolvers(control: Daemon) -> None:
    async with nsd({"acme.test": ACME}) as auth:
        stubs = {"acme.test": auth.address, "control.test": control.address}
        async with unbound(stubs) as first, bind_resolver(stubs) as second:
            probe = Resolving({"unbound": first.address, "bind": second.address})
            seen = await probe.run("long.acme.test")
            assert {each.reason for each in seen.values()} == {None}
            assert [seen[name].site for name in ("unbound", "bind")] == ["fra1.resolver", "lon1.resolver"]
            auth.kill()
            cached = await probe.run("long.acme.test")
            assert {each.reason for each in cached.values()} == {None}  # behind warm caches all is green
            dark = await probe.run("new.acme.test", timeout_s=20.0)
            assert {name: (each.reason, each.fault) for name, each in dark.items()} == {
                "unbound": ("dns_name_down", "target"),
                "bind": ("dns_name_down", "target"),
            }
            assert {each.findings["control"]["class"] for each in dark.values()} == {"ok"}
            first.kill()
            both = await probe.run("new.acme.test", timeout_s=20.0)
            assert {name: each.reason for name, each in both.items()} == {
                "unbound": "dns_resolver_down",
                "bind": "dns_name_down",
            }
            second.kill()
            neither = await probe.run("new.acme.test")
            assert {(each.reason, each.abstain) for each in neither.values()} == {("dns_network_down", "network_down")}


@pytest.mark.parametrize(
    ("ede", "word"), [("  ede-serve-expired: yes", "stale_definite"), ("  ede-serve-expired: no", "stale_suspected")]
)
async def test_unbound_serves_what_has_expired_and_says_so_or_not(control: Daemon, ede: str, word: str) -> None:
    more = SERVE_EXPIRED.replace("  ede-serve-expired: yes", ede)
    async with nsd({"acme.test": ACME}) as auth:
        stubs = {"acme.test": auth.address, "control.test": control.address}
        async with unbound(stubs, more=more) as server:
            probe = Resolving({"r1": server.address})
            assert (await probe.one()).findings["class"] == "fresh"
            auth.kill()

            def expired(seen: Observation) -> bool:
                return 30 in {each["ttl"] for each in seen.findings.get("answers", ())}

            seen = await until(probe.one, expired)
            if word == "stale_suspected":  # without the extended error it takes two looks, 5 s apart
                assert seen.reason is None
                assert seen.findings["class"] in ("fresh", "stale_suspected"), "a stalled machine may have had its two"
                for record in ("www.acme.test CNAME", "fe.acme.test A"):
                    key, at = f"r1 192.0.2.53:53 udp {record}", trio.current_time() - 10
                    probe.memory.of(Resolvers).traces.put(key, Trace(ttl=30, since=at, at=at, largest=300), at)
                seen = await probe.one()
    assert (seen.findings["class"], seen.reason) == (word, "dns_stale" if word == "stale_definite" else None)
    if word == "stale_definite":
        assert seen.findings["ede"][0]["code"] == 3
        assert seen.duration_ns < 500_000_000


async def test_unbound_that_tries_the_authority_first_is_late_with_what_has_expired(control: Daemon) -> None:
    more = SERVE_EXPIRED.replace("client-timeout: 0", "client-timeout: 1800").replace("ede-serve-expired: yes", "")
    async with nsd({"acme.test": ACME}) as auth:
        stubs = {"acme.test": auth.address, "control.test": control.address}
        async with unbound(
            stubs, more=more + "\n  infra-cache-max-rtt: 12000\n  unknown-server-time-limit: 3000"
        ) as server:
            probe = Resolving({"r1": server.address})
            assert (await probe.one()).findings["class"] == "fresh"
            auth.pause()
            try:
                seen = await until(probe.one, lambda seen: "stale_hints" in seen.findings)
            finally:
                auth.resume()
    assert (seen.reason, seen.findings["class"], seen.findings["stale_hints"]) == (None, "stale_suspected", ["latency"])


async def test_bind_serves_stale_with_its_extended_error(control: Daemon) -> None:
    more = "  stale-cache-enable yes;\n  stale-answer-enable yes;\n  stale-answer-client-timeout off;\n"
    async with nsd({"acme.test": ACME}) as auth:
        stubs = {"acme.test": auth.address, "control.test": control.address}
        async with bind_resolver(stubs, more=more) as server:
            probe = Resolving({"r1": server.address})
            assert (await probe.one()).findings["class"] == "fresh"
            auth.kill()
            seen = await until(lambda: probe.one(timeout_s=6.0), lambda seen: seen.reason == "dns_stale")
    assert (seen.fault, seen.findings["class"], seen.findings["ede"][0]["code"]) == ("target", "stale_definite", 3)


async def test_bind_answers_from_its_cache_and_unbound_refuses(control: Daemon) -> None:
    async with nsd({"acme.test": ACME}) as auth:
        stubs = {"acme.test": auth.address, "control.test": control.address}
        async with unbound(stubs) as first, bind_resolver(stubs) as second:
            probe = Resolving({"unbound": first.address, "bind": second.address}, own=True)
            cold = await probe.run("long.acme.test")
            warm = await probe.run("long.acme.test")
    assert {(name, each.reason) for name, each in cold.items()} == {("unbound", None), ("bind", None)}
    assert [each["unbound"].findings["snoop"] for each in (cold, warm)] == ["REFUSED", "REFUSED"]
    assert "long.acme.test" not in cold["bind"].findings.get("cached", {})
    assert warm["bind"].findings["cached"]["long.acme.test"] in (299, 300)


async def test_a_zone_whose_signatures_have_expired_is_bogus(control: Daemon) -> None:
    key = ZoneKey()
    expired = Validity(since=timedelta(days=-9), until=timedelta(days=-2))
    lines = signed("acme.test", ACME, key, validity=expired)
    async with nsd({"acme.test": lines}) as auth:
        stubs = {"acme.test": auth.address, "control.test": control.address}
        async with unbound(stubs, anchors=[f"acme.test. DS {key.ds('acme.test')}"]) as server:
            seen = await Resolving({"r1": server.address}).one("long.acme.test")
    assert (seen.reason, seen.fault, seen.findings["class"]) == ("dns_bogus", "target", "dnssec_bogus")
    assert seen.findings["rcode"] == "SERVFAIL"


@pytest.mark.parametrize("transport", ["tcp", "dot", "doh"])
async def test_over_every_transport(control: Daemon, transport: str, tmp_path: Path) -> None:
    authority = Authority()
    leaf, ca = authority.leaf("dns.acme.test"), authority.write(tmp_path)
    async with nsd({"acme.test": ACME}) as auth:
        stubs = {"acme.test": auth.address, "control.test": control.address}
        async with unbound(stubs, certificate=leaf) as server:
            at = server.also.get(transport, server.address)
            async with nsd({"acme.test": "dns A 192.0.2.53"}) as lookups:
                probe = Resolving(
                    {"r1": at},
                    host="dns.acme.test",
                    lookups=[lookups.address],
                    transport=transport,
                    ca=ca,
                    families=(4,),
                )
                seen = await probe.one("long.acme.test")
    assert (seen.reason, seen.dims["transport"], seen.findings["class"]) == (None, transport, "fresh")
    assert seen.findings["control"]["class"] == "ok"
    assert seen.site == "fra1.resolver"


async def test_over_https_at_a_path_of_its_own(control: Daemon, tmp_path: Path) -> None:
    authority = Authority()
    leaf, ca = authority.leaf("192.0.2.53"), authority.write(tmp_path)
    async with unbound(
        {"control.test": control.address}, certificate=leaf, more="http-endpoint: /of-our-own"
    ) as server:
        at = {"r1": server.also["doh"]}
        seen = await Resolving(at, transport="doh", ca=ca, path="/of-our-own").one("ok.control.test")
        other = await Resolving(at, transport="doh", ca=ca).one("ok.control.test")
    assert (seen.reason, seen.findings["class"]) == (None, "fresh")
    assert (other.findings["outcome"], other.findings["detail"]) == ("http_status", "HTTP status 404")


async def test_records_of_other_types(control: Daemon) -> None:
    async with nsd({"acme.test": ACME}) as auth:
        stubs = {"acme.test": auth.address, "control.test": control.address}
        async with unbound(stubs) as server:
            probe = Resolving({"r1": server.address})
            mail = await probe.one("acme.test", type="MX", expect=["10 mail.acme.test."])
            none = await probe.one("long.acme.test", type="AAAA")
            inside = await probe.one("inside.acme.test")
            missing = await probe.one("nowhere.acme.test")
    assert [each.reason for each in (mail, none, inside, missing)] == [None, None, "dns_private_answer", "dns_nxdomain"]
