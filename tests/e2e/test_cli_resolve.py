"""`parallax check dns.resolve` against real resolvers, as a person reads it."""

import json

import pytest

from tests.e2e.test_cli_check import check
from tests.parts.bind import bind_resolver
from tests.parts.nsd import nsd
from tests.parts.unbound import unbound

pytestmark = pytest.mark.slow


async def test_resolvers_side_by_side_while_their_zone_goes_dark() -> None:
    zones = {"acme.test": "www 300 CNAME fe\nfe 20 A 203.0.113.7"}
    async with nsd(zones) as auth, nsd({"control.test": "ok A 203.0.113.99"}) as control:
        stubs = {"acme.test": auth.address, "control.test": control.address}
        async with unbound(stubs) as one, bind_resolver(stubs) as two:
            at = (
                "--control", "ok.control.test", "--resolver", "one=192.0.2.53", "--resolver", "two=192.0.2.54",
                "--connect-to", f"192.0.2.53:53={one.address}", "--connect-to", f"192.0.2.54:53={two.address}", "-4",
            )  # fmt: skip
            seen = await check("dns.resolve", "www.acme.test", *at)
            assert seen.exit_code == 0, seen.output
            assert seen.output.splitlines()[0] == "ok at all 2"
            lines = [line.split() for line in seen.output.splitlines() if "203.0.113.7" in line]
            assert [(line[1], line[6]) for line in lines[:2]] == [("one", "fra1.resolver"), ("two", "lon1.resolver")]
            auth.kill()
            seen = await check("dns.resolve", "new.acme.test", *at)
            assert seen.exit_code == 1
            assert "(dns_name_down)" in seen.output
            assert "failed at all 2" in seen.output
            two.kill()
            seen = await check("dns.resolve", "new.acme.test", *at, "--json")
            words = {each["subject"]: each["reason"] for each in map(json.loads, seen.output.splitlines())}
            assert words == {"one": "dns_name_down", "two": "dns_resolver_down"}
            one.kill()
            seen = await check("dns.resolve", "new.acme.test", *at, "--timeout", "1s")
            assert seen.exit_code == 3  # this probe's own trouble, as far as can be told
            assert "(dns_network_down)" in seen.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--expect", "x"), '--expect: "x" is no IPv4 address'),
        (("--resolver", "a=192.0.2.1", "--resolver", "a=192.0.2.2"), "--resolver: 'a' is there already"),
        (("--resolver", "192.0.2.1/quic"), "write /udp, /tcp, /dot or /doh"),
        (("--control", "no name"), "has a character that no host name has"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_the_way_out(arguments: tuple[str, ...], complaint: str) -> None:
    seen = await check("dns.resolve", "www.acme.test", *arguments)
    assert seen.exit_code == 2
    assert complaint in seen.output
