"""One rogue probe, with a token that is good: what it says is survived, costs little, and decides nothing alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.detect import board_of, decode_state, encode_state
from collector.events import Event, Noticed, encode_event
from parallax.observation import Observation
from tests.collector.detect.scenes import Scene, fleet
from tests.collector.detect.test_moves import NEW, OLD, PARENTS, World
from tests.collector.detect.zone_world import ALIAS, AUTH, CUSTOMER, ZONE, Vendor, servers

VECTORS = Path(__file__).parents[2] / "vectors"
GOLDEN = [
    msgspec.msgpack.decode(file.read_bytes(), type=Observation)
    for file in sorted(VECTORS.glob("observation-*.msgpack"))
]
PLAN = (
    fleet()
    + """
[defaults]
period = "15s"
timeout = "5s"
[[operator]]
name = "dns-a"
servers = ["*.dns-a.example"]
[[operator]]
name = "dns-b"
role = "fallback"
servers = ["*.dns-b.example"]
[[check]]
name = "dns"
kind = "dns"
targets = ["192.0.2.53"]
query = "www.auth.test"
[[check]]
name = "oidc"
kind = "oidc"
issuer = "https://idp.example"
[[check]]
name = "signin"
kind = "signin"
use = "oidc.password"
issuer = "https://idp.example"
client = { id = "synthetic" }
user = { name = "synthetic-{probe}", password = "secret:PASSWORD" }
period = "30s"
timeout = "20s"
[[check]]
name = "dns.zone"
kind = "dns.zone"
zone = "idp.example"
[[check]]
name = "dns.dnssec"
kind = "dns.dnssec"
zone = "idp.example"
[[check]]
name = "dns.mail"
kind = "dns.mail"
domain = "idp.example"
selectors = ["clk"]
[[check]]
name = "dns.parity"
kind = "dns.parity"
zone = "idp.example"
primary = "dns-a"
fallback = "dns-b"
[[check]]
name = "dns.chain"
kind = "dns.chain"
names = ["clerk.acme.test"]
[[check]]
name = "dns.resolve"
kind = "dns.resolve"
names = ["www.acme.test"]
[[check]]
name = "http"
kind = "http"
targets = ["https://www.auth.test/"]
[[check]]
name = "tls"
kind = "tls"
targets = ["www.auth.test"]
"""
)
WRONG: list[Any] = [
    None, True, False, 0, -1, 2**31 - 1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 0.5, 1e308, "", "x", "\x1b[2J\x1f\0",
    "a" * 5000, b"\xff", [], [None], [True], ["x"] * 1000, [[[[["x"]]]]], {}, {"x": 1}, {"ns": {"ns": ["x"]}},
    {"x" * 300: {"ns": ["y" * 300] * 40, "ttl": True, "ds": [1], "marker": ["m"]}}, {str(n): [] for n in range(100)},
]  # fmt: skip


def changed(value: Any) -> Iterator[Any]:
    """The value with one thing in it, at any depth, being something else."""
    yield from WRONG
    if isinstance(value, dict):
        for key, each in value.items():
            yield {name: other for name, other in value.items() if name != key}
            for other in changed(each):
                yield {**value, key: other}
    elif isinstance(value, list):
        for place, each in enumerate(value[:2]):
            for other in changed(each):
                yield [*value[:place], other, *value[place + 1 :]]


def mutants(seen: Observation) -> Iterator[Observation]:
    for findings in changed(seen.findings):
        if isinstance(findings, dict):
            yield msgspec.structs.replace(seen, findings=findings)
    for key in {*seen.dims, "server", "operator", "address", "resolver", "zone", "hop", "region", "transport"}:
        for text in ("", "x", "\x1f\x1b[2J", "::::", "1.2.3.4.5", "a" * 5000):
            yield msgspec.structs.replace(seen, dims={**seen.dims, key: text})
    for text in ("", "\x1f", "/tcp", "x/tcp", "::", "[::1]:99999", "delegation", "operator x", "a" * 290):
        yield msgspec.structs.replace(seen, subject=text)
    for number in (0, -1, -(2**63), 2**63 - 1):
        yield msgspec.structs.replace(seen, duration_ns=number)
        yield msgspec.structs.replace(seen, started_at=number, scheduled_at=number)
    for reason in ("", "x", "dns_stale", "dns_name_down", "parity_missing", "dnssec_expires_soon", "a" * 500):
        yield msgspec.structs.replace(seen, reason=reason, fault=None)
        yield msgspec.structs.replace(seen, reason=reason, fault="target", abstain="")
    yield msgspec.structs.replace(seen, site="s" * 5000)


def survived(scene: Scene) -> None:
    snapshot = encode_state(scene.state)
    assert encode_state(decode_state(snapshot)) == snapshot, "a snapshot says again what it said"
    msgspec.json.encode(board_of(scene.state))


@pytest.mark.slow
@pytest.mark.parametrize("seen", GOLDEN, ids=lambda seen: f"{seen.kind} {seen.subject}"[:60])
def test_a_golden_observation_with_anything_wrong_in_it_is_survived(seen: Observation) -> None:
    scene = Scene(PLAN)
    check = next(check for check in scene.plan.check if check.kind == seen.kind)
    for number, mutant in enumerate(mutants(seen)):
        scene.t += 0.6
        at = scene.now if mutant.started_at == seen.started_at else mutant.started_at
        said = msgspec.structs.replace(mutant, check=check.name, target=check.targets[0], started_at=at)
        scene.say(["fra1", "lon1", "bom1"][number % 3], [said])
        survived(scene)
    assert scene.state.keys
    for event in scene.events:
        encode_event(event)


# ---- one voice decides nothing
ROGUE = "sin1"


class Besieged(Vendor):
    """All as in Vendor; besides, one probe says what it likes, every second."""

    def __init__(self) -> None:
        super().__init__()
        self.mail_at.add("dns-b")
        self.lies: list[Callable[[], list[Observation]]] = []
        self.run(60)

    def run(self, seconds: float) -> list[Event]:
        first, until = len(self.events), self.t + seconds
        while self.t < until - 1e-9:
            super().run(1)
            for lie in getattr(self, "lies", ()):
                self.say(ROGUE, lie())
        return self.events[first:]

    def server(self, subject: str, server: str = "ns1.dns-a.example", **changes: Any) -> Observation:
        dims = {"server": server, "zone": ZONE, "address": subject.rpartition(":")[0].strip("[]"), "transport": "udp"}
        return self.observe(ROGUE, "zone", ZONE, subject, dims=dims | changes.pop("dims", {}), **changes)

    def runways(self) -> list[str]:
        return [risk.title for risk in self.board.risks if risk.runway]

    @property
    def said(self) -> list[tuple[str, str]]:
        """Everything that people were told."""
        return [(event.type, str(event.data)[:200]) for event in self.events]


DARK = "DNS operator dns-a is dark: 8 of 8 name-server addresses do not answer"


def test_it_cannot_hide_a_dark_operator_by_servers_that_it_makes_up() -> None:
    world = Besieged()
    world.lies.append(lambda: [world.server(f"192.0.2.{n}:53") for n in range(90, 95)])
    world.lies.append(lambda: [world.server("192.0.2.99:53", f"ns{n}.dns-x.example") for n in range(30)])
    world.run(30)
    world.dark = {"dns-a"}
    world.run(60)
    assert DARK in [incident.title for incident in world.incidents()]
    assert world.runways() == [DARK]


def test_it_cannot_move_servers_to_another_operator() -> None:
    world = Besieged()

    def lie() -> list[Observation]:
        return [
            world.server(subject, "ns1.dns-x.example", dims={"operator": "dns-x", "zone": "other.example"})
            for server, _, ip in servers("dns-a")
            for subject in (f"[{ip}]:53" if ":" in ip else f"{ip}:53",)
        ]

    world.lies.append(lie)
    world.run(30)
    world.dark = {"dns-a"}
    world.run(60)
    assert DARK in [incident.title for incident in world.incidents()]
    assert world.runways() == [DARK]


def test_it_raises_nothing_by_saying_that_all_fails() -> None:
    world = Besieged()
    before = world.said

    def lie() -> list[Observation]:
        failing = {"reason": "dns_timeout", "findings": {"class": "timeout"}}
        found = [world.server(f"192.0.2.{n}:53", **failing) for n in range(11, 15)]
        found += [world.server(f"192.0.2.{n}:53", **failing) for n in range(90, 120)]
        found += [world.server(f"192.0.2.{n}:53", f"ns{n}.x{n}.example", **failing) for n in range(90, 120)]
        found.append(world.observe(ROGUE, "zone", ZONE, "delegation", reason="dns_no_delegation"))
        for name in ("public-1", "own", "made up"):
            labels = {"dims": {"resolver": name}}
            found.append(world.observe(ROGUE, "names", AUTH, name, reason="dns_name_down", **labels))
        found.append(world.observe(ROGUE, "chain", ALIAS, ALIAS, reason="dns_hop_dark", dims={"hop": ALIAS}))
        found.append(world.observe(ROGUE, "parity", ZONE, "dns-a -> dns-b", reason="parity_not_served"))
        found.append(world.observe(ROGUE, "mail", ZONE, "operator dns-a", reason="mail_dkim_missing"))
        found.append(world.observe(ROGUE, "mail", ZONE, "operator dns-x", reason="mail_dkim_missing"))
        return found

    world.lies.append(lie)
    world.run(90)
    new = [each for each in world.said if each not in before]
    assert [each for each in new if not each[0].startswith("check")] == []
    assert world.board.risks == ()


@pytest.mark.slow
def test_it_neither_raises_nor_hides_that_a_server_is_behind() -> None:
    world = Besieged()
    old = {"findings": {"class": "auth_answer", "serial": 3, "refresh": 1, "expire": 2}}
    world.lies.append(lambda: [world.server(f"192.0.2.{n}:53", **old) for n in (11, 12, 13, 98, 99)])
    world.run(300)
    assert world.board.risks == ()
    world.lies.clear()
    for n in range(1, 5):
        world.serials[f"192.0.2.1{n}"] = world.serials[f"2001:db8:1::{n}"] = 8
    world.serials["192.0.2.13"] = 7
    new = {"findings": {"class": "auth_answer", "serial": 8, "refresh": 2**31 - 1, "expire": 1}}
    made_up = iter(range(9, 9000))
    world.lies.append(lambda: [world.server("192.0.2.13:53", **new)])
    world.lies.append(
        lambda: [
            world.server("192.0.2.13:53", site=f"s{n}", findings={**new["findings"], "serial": next(made_up)})
            for n in range(20)
        ]
    )
    world.run(400)
    [risk] = world.board.risks
    assert risk.title == f"192.0.2.13:53 of dns-a serves an old version of {ZONE}: serial 7, not 8"


def test_it_cannot_change_what_a_chain_rests_on() -> None:
    world = Besieged()
    hop = {"owner": ALIAS, "zone": "made-up.example", "operator": "dns-a", "type": "CNAME", "target": AUTH, "ttl": 1}
    last = {"owner": AUTH, "zone": "example", "operator": "dns-x", "type": "A", "ttl": 60}
    lie = {"findings": {"hops": [hop, last], "signature": "aaaa", "end": ["203.0.113.10"]}}
    world.lies.append(lambda: [world.observe(ROGUE, "chain", ALIAS, ALIAS, **lie)])
    world.run(30)
    [chain] = world.board.chains
    assert [(each.zone, each.operator) for each in chain.hops] == [(CUSTOMER, "dns-c"), (ZONE, "dns-a")]


# ---- moves
def moving() -> World:
    world = World()
    world.round(3)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.switch(world.names[:4])
    world.round(4)
    [move] = world.board.moves
    assert (move.state, move.parents) == ("moving", (2, 2))
    return world


def words(world: World) -> list[str]:
    return [event.data.word for event in world.events if isinstance(event.data, Noticed)]


def test_it_cannot_turn_a_move_back() -> None:
    world = moving()
    rogue = world.names[-1]
    for times in range(20):
        made_up = {f"203.0.113.{n}:53": (OLD if times > 3 else NEW) for n in range(20)}
        world.views[rogue] = {**world.parents, **made_up}
        world.round()
    [move] = world.board.moves
    assert move.parents == (2, 2)
    assert "move_regressed" not in words(world)


def test_it_cannot_say_that_the_old_set_was_withdrawn() -> None:
    world = moving()
    rogue = world.names[-1]
    for times in range(20):
        said = {"ns": list(OLD)} if times < 4 else {"failure": "timeout"}
        world.resolvers[rogue] = {f"made up {n}": said for n in range(30)}
        world.round()
    assert "old_set_withdrawn_early" not in words(world)
