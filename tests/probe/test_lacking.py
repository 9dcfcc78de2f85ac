"""What a host lacks, and which checks are not run for it: in virtual time, nothing is asked."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from parallax.clock import NS
from parallax.plan.checks import convert_check
from parallax.plan.part import part_hash
from parallax.plan.types import Check, ConnectTo, Part, Probe, Resolver
from parallax.values import Address, Cidr, Endpoint, Family, Redirect
from probe.capabilities import CAPABILITIES, family_lacks, need_of, needs_of
from probe.doctor.facts import Dialled, Exchanged
from probe.lacking import REST_S, ROUTES_S, Lacking
from probe.own_certificate import DAY_S, LACK, OwnCertificate
from probe.plans import PlanInForce
from tests.fakes.probes import probe_config

DOT = [Resolver(name=f"dot{n}", address=Endpoint(f"9.9.9.{n}:853"), transport="dot") for n in (1, 2)]
UDP = Resolver(name="udp", address=Endpoint("9.9.9.9:53"))
HOME = Resolver(name="home", address=Endpoint("10.0.0.53:53"))


def check(kind: str, *targets: str, **more: Any) -> Check:
    table: dict[str, Any] = {"name": kind, "kind": kind, "period": "30s", "timeout": "5s", **more}
    made = convert_check({**table, "targets": list(targets)} if targets else table)
    assert isinstance(made, Check), made
    return made


@pytest.mark.parametrize(
    ("made", "needs"),
    [
        (check("http", "https://a.example"), set()),
        (check("http", "https://[2620:fe::9]"), {"ipv6"}),
        (check("tls", "9.9.9.9:443"), {"ipv4"}),
        (check("tls", "10.0.0.1:443"), set()),
        (check("tls", "[::1]:443"), set()),
        (check("dns", "9.9.9.9:53", name="a", query="a.example"), {"ipv4", "direct_dns"}),
        (check("dns.zone", zone="a.example"), {"direct_dns"}),
        (check("dns.resolve", names=["a.example"], resolvers=["dot1", "dot2"]), {"dot"}),
        (check("dns.resolve", names=["a.example"], resolvers=["udp"]), {"direct_dns"}),
        (check("dns.resolve", names=["a.example"], resolvers=["udp", "dot1"]), set()),
        (check("dns.resolve", names=["a.example"], resolvers=["udp", "home"]), set()),
        (check("dns.resolve", names=["a.example"], resolvers=["none"]), set()),
    ],
)
def test_what_checks_need(made: Check, needs: set[str]) -> None:
    found = needs_of(made, made.targets[0], [*DOT, UDP, HOME])
    assert found == needs
    assert found <= CAPABILITIES.keys()


def test_what_resolvers_need() -> None:
    assert [need_of(each) for each in (DOT[0], UDP, HOME)] == ["dot", "direct_dns", None]


@pytest.mark.parametrize(
    ("local", "redirected", "wanted", "lacks"),
    [
        ({4: "9.9.9.9", 6: ""}, (), (4, 6), {"ipv6"}),
        ({4: "", 6: "2620:fe::9"}, (), (4, 6), {"ipv4"}),
        ({4: "9.9.9.9", 6: ""}, (), (4,), set()),
        ({4: "9.9.9.9", 6: ""}, (6,), (4, 6), set()),
        ({4: "", 6: ""}, (), (4, 6), set()),  # the network is down, and comes back
    ],
)
def test_a_family_without_a_route(local: Any, redirected: Any, wanted: Any, lacks: set[str]) -> None:
    assert family_lacks(local, redirected, wanted).keys() == lacks


def plan(
    *checks: Check, resolvers: list[Resolver] | None = None, connect_to: list[ConnectTo] | None = None
) -> PlanInForce:
    part = Part(probe=Probe(id="p1"), slot=(0, 1), resolver=resolvers or [], connect_to=connect_to or [])
    return PlanInForce(part=part, hash=part_hash(part), checks=list(checks), unsupported=[])


class Host:
    """A host as the test has it."""

    def __init__(self, folder: Path) -> None:
        self.local: dict[Family, str] = {4: "9.9.9.9", 6: "2620:fe::9"}
        self.intercepted = False
        self.open = False
        self.asked = self.dialled = 0
        self.told: list[dict[str, str]] = []
        self.wall = 0
        self.lacking = Lacking(
            msgspec.structs.replace(probe_config(folder, 1), allow=[]),
            lambda words: self.told.append(dict(words)),
            ask_nobody=self.ask,
            dial=self.dial,
            local=lambda: self.local,
            own=(OwnCertificate(url="https://c.example", expires_at=397 * DAY_S * NS),),
            wall=lambda: self.wall,
        )

    async def ask(self, families: Any) -> tuple[Exchanged, ...]:
        self.asked += 1
        return (Exchanged(server="192.0.2.1:53", outcome="ok" if self.intercepted else "timeout"),)

    async def dial(self, address: Address) -> Dialled:
        self.dialled += 1
        return Dialled(address=address.ip, port=853, answered=self.open, elsewhere=True)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


async def test_nothing_is_asked_that_no_check_needs(
    host: Host, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(host.lacking.serve)
    host.lacking.use(plan(check("http", "https://a.example"), resolvers=DOT))
    await trio.sleep(3 * REST_S)
    assert (host.asked, host.dialled, host.told) == (0, 0, [])


async def test_routes_are_looked_at_often_and_the_rest_each_hour(
    host: Host, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(host.lacking.serve)
    host.local[6] = ""
    host.lacking.use(plan(check("dns.zone", zone="a.example")))
    assert [set(words) for words in host.told] == [{"ipv6"}], "before the first run"
    host.local[6] = "2620:fe::9"
    await trio.sleep(ROUTES_S + 1)
    assert host.told[-1] == {}
    assert host.asked == 1
    host.intercepted = True
    await trio.sleep(REST_S)
    assert host.told[-1].keys() == {"direct_dns"}
    host.intercepted = False
    await trio.sleep(REST_S + ROUTES_S)
    assert (host.told[-1], host.asked) == ({}, 3)


async def test_a_certificate_that_ends_soon_is_said_in_time(
    host: Host, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(host.lacking.serve)
    host.lacking.use(plan())
    host.wall = 366 * DAY_S * NS
    await trio.sleep(ROUTES_S + 1)
    assert host.told == []
    host.wall = 368 * DAY_S * NS
    await trio.sleep(ROUTES_S)
    assert [set(words) for words in host.told] == [{LACK}]


async def test_a_new_plan_is_looked_at_at_once(host: Host, autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    nursery.start_soon(host.lacking.serve)
    host.intercepted = True
    host.lacking.use(plan(check("http", "https://a.example")))
    await trio.sleep(5)
    host.lacking.use(plan(check("dns.zone", zone="a.example")))
    await trio.sleep(1)
    assert host.told[-1].keys() == {"direct_dns"}


async def test_a_port_that_was_open_is_no_lack(host: Host, autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    nursery.start_soon(host.lacking.serve)
    host.lacking.use(plan(check("dns.resolve", names=["a.example"], resolvers=["dot1", "dot2"]), resolvers=DOT))
    await trio.sleep(1)
    assert host.told[-1].keys() == {"dot"}
    host.open = True
    await trio.sleep(REST_S + ROUTES_S)
    assert host.told[-1] == {}
    host.open = False
    await trio.sleep(2 * REST_S)
    assert host.told[-1] == {}, "that is the resolvers' outage now"


async def test_a_family_that_is_redirected_is_no_lack(host: Host) -> None:
    host.local[6] = ""
    elsewhere = ConnectTo(source=Redirect("[2620:fe::9]:443"), to=Address("127.0.0.1:1"))
    host.lacking.use(plan(connect_to=[elsewhere]))
    assert host.told == []
    host.lacking._config = msgspec.structs.replace(host.lacking._config, allow=[Cidr("fd00::/8")])
    host.lacking.use(plan())
    assert host.told == []
