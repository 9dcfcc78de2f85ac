"""The main job on real parts: a probe checks NSD, Unbound and nginx at addresses of a world of its own, and every
observation arrives at a collector over TLS, also those made while the collector was away."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio

import collector.main
import probe.main
from collector.inputs import BatchInput, decode_input
from collector.tokens import add_token
from parallax import wire
from parallax.clock import wall_ns
from parallax.config import CollectorAddress, CollectorConfig, ProbeConfig, Tls
from parallax.journal import Journal
from parallax.observation import Observation
from parallax.values import Address, Cidr, Url
from tests.parts.certificates import DAY, Authority
from tests.parts.daemon import Daemon
from tests.parts.nginx import Nginx, Site, nginx
from tests.parts.nsd import nsd
from tests.parts.ports import free_port
from tests.parts.unbound import unbound

pytestmark = pytest.mark.slow

WAIT_S = 90.0
PLAN = """
schema = 1
[defaults]
period = "1s"
timeout = "900ms"

[[check]]
name = "authority"
kind = "dns"
external = false
query = "www.auth.test"
targets = ["192.0.2.53"]
expect = {{ values = ["192.0.2.7"] }}

[[check]]
name = "resolver"
kind = "dns"
external = false
role = "resolver"
query = "www.auth.test"
transport = "tcp"
targets = ["198.51.100.53"]

[[check]]
name = "front door"
kind = "tls"
external = false
targets = ["www.auth.test"]

[[check]]
name = "old certificate"
kind = "tls"
external = false
server_name = "www.auth.test"
targets = ["192.0.2.8"]

[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://www.auth.test/health"]
assert = [{{ status = 200 }}, {{ body = "text", contains = "healthy" }}]
serving = {{ header = "x-region" }}

[[connect_to]]
from = "192.0.2.53:53"
to = "{nsd}"
[[connect_to]]
from = "198.51.100.53:53"
to = "{unbound}"
[[connect_to]]
from = "192.0.2.7:443"
to = "{good}"
[[connect_to]]
from = "192.0.2.8:443"
to = "{expired}"
"""


class World:
    """The real servers, and how to run a probe and a collector against them."""

    def __init__(self, folder: Path, dns: Daemon, web: Nginx, ca: str) -> None:
        self.folder, self.dns, self.web, self.ca = folder, dns, web, ca
        self.listen = Address.of("127.0.0.1", free_port())
        token = folder / "token"
        token.write_text(add_token(folder / "collector", "probe", "fra1"))
        token.chmod(0o600)

    @asynccontextmanager
    async def collector(self) -> AsyncIterator[Journal]:
        tls = Tls(certificate=str(self.folder / "collector.crt"), key=str(self.folder / "collector.key"))
        config = CollectorConfig(
            state=str(self.folder / "collector"), plan=str(self.folder / "plan.toml"), listen=self.listen, tls=tls
        )
        async with trio.open_nursery() as nursery:
            running = await nursery.start(collector.main.main, config)
            yield running.inputs
            nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def probe(self, resolver: Address) -> AsyncIterator[None]:
        to = CollectorAddress(
            url=Url.parse(f"https://collector.test:{self.listen.port}"),
            token=f"file:{self.folder / 'token'}",
            address=self.listen,  # its name is known to no DNS: only the pinned address leads there
            ca=self.ca,
        )
        config = ProbeConfig(
            id="fra1",
            state=str(self.folder / "probe"),
            collector=[to],
            allow=[Cidr("127.0.0.0/8")],
            resolvers=[resolver],
            ca=self.ca,
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(probe.main.main, config)
            yield
            nursery.cancel_scope.cancel()


async def wait_for(
    inputs: Journal, wanted: dict[str, Callable[[Observation], bool]], after: int = 0
) -> dict[str, Observation]:
    """Reads on until each check named had an observation that fits; the first such one each."""
    found: dict[str, Observation] = {}
    last: dict[str, Observation] = {}
    with trio.move_on_after(WAIT_S):
        while found.keys() != wanted.keys():
            await inputs.wait_beyond(after)
            for record in await inputs.read(after):
                after = record.position
                value = decode_input(record)
                if isinstance(value, BatchInput):
                    for o in wire.decode(value.body).observations:
                        last[o.check] = o
                        if o.check in wanted and o.check not in found and wanted[o.check](o):
                            found[o.check] = o
    missing = wanted.keys() - found.keys()
    assert not missing, f"nothing that fits from {missing}; last: { {name: last.get(name) for name in missing} }"
    return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[World, Address]]:
    authority = Authority()
    authority.leaf("collector.test").write(tmp_path, "collector")
    good, expired = authority.leaf("www.auth.test"), authority.leaf("www.auth.test", until=datetime.now(UTC) - 3 * DAY)
    healthy = 'location / { add_header x-region eu-central; return 200 "healthy\\n"; }'
    sites = {"good": Site(certificate=good, inside=healthy), "expired": Site(certificate=expired)}
    async with (
        nsd({"auth.test": "www 60 A 192.0.2.7"}, nsid="fra1") as dns,
        nginx(sites) as web,
        unbound({"auth.test": dns.address}) as resolver,
    ):
        plan = PLAN.format(nsd=dns.address, unbound=resolver.address, **web.addresses)
        (tmp_path / "plan.toml").write_text(plan)
        yield World(tmp_path, dns, web, authority.write(tmp_path)), resolver.address


def ok(o: Observation) -> bool:
    return o.reason is None


async def test_every_kind_of_check_reaches_the_journal_from_real_servers(world: tuple[World, Address]):
    here, resolver = world
    async with here.collector() as inputs, here.probe(resolver):
        seen = await wait_for(
            inputs,
            {
                "authority": ok,
                "resolver": ok,
                "front door": ok,
                "api": ok,
                "old certificate": lambda o: o.reason == "tls_expired",
            },
        )
    authority = seen["authority"]
    assert (authority.subject, authority.site) == ("192.0.2.53:53", "fra1")
    assert [phase.name for phase in seen["api"].phases] == ["lookup", "connect", "tls", "send", "first_byte", "body"]
    assert (seen["api"].subject, seen["api"].dims["region"]) == ("192.0.2.7:443", "eu-central")
    assert seen["old certificate"].fault == "target"
    assert seen["resolver"].dims["transport"] == "tcp"
    assert all(o.probe == "fra1" and o.abstain is None for o in seen.values())


async def test_what_breaks_shows_and_what_caches_hide_stays_green(world: tuple[World, Address]):
    here, resolver = world
    async with here.collector() as inputs, here.probe(resolver):
        await wait_for(inputs, {"authority": ok, "front door": ok, "api": ok})
        here.dns.kill()
        broken = await wait_for(inputs, {"authority": lambda o: not o.ok}, inputs.stats.last)
        assert (broken["authority"].reason, broken["authority"].fault) == ("connect_refused", "target")
        green = await wait_for(inputs, {"front door": ok, "api": ok}, inputs.stats.last)
        assert green["api"].findings["status"] == 200, "the resolver's cache still knows the name"
        here.web.kill()
        await wait_for(inputs, {"api": lambda o: o.reason == "connect_refused"}, inputs.stats.last)


async def wait_asked(address: Address) -> None:
    """Takes the place of a dead name server, silently, until somebody asks there."""
    with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as silent, trio.fail_after(WAIT_S):
        await silent.bind((address.ip, address.port))
        await silent.recvfrom(512)


async def test_what_was_seen_while_the_collector_was_away_arrives_when_it_is_back(world: tuple[World, Address]):
    here, resolver = world
    async with here.probe(resolver):
        async with here.collector() as inputs:
            seen = await wait_for(inputs, {"authority": ok})
            position = inputs.stats.last
        here.dns.kill()
        await wait_asked(here.dns.address)
        back_at = wall_ns()
        async with here.collector() as inputs:
            late = await wait_for(inputs, {"authority": lambda o: not o.ok and o.started_at < back_at}, position)
    assert late["authority"].stream == seen["authority"].stream
    assert late["authority"].seq > seen["authority"].seq


async def test_a_probe_without_a_collector_works_by_the_plan_it_saved(world: tuple[World, Address]):
    here, resolver = world
    async with here.collector() as inputs, here.probe(resolver):
        await wait_for(inputs, {"authority": ok})
        position = inputs.stats.last
    here.dns.kill()
    async with here.probe(resolver):  # nobody to ask for a plan
        await wait_asked(here.dns.address)
        back_at = wall_ns()
        async with here.collector() as inputs:
            await wait_for(inputs, {"authority": lambda o: not o.ok and o.started_at < back_at}, position)
