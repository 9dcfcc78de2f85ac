"""Random worlds: whatever happens, it ends well, and a restart changes nothing."""

import random
from collections import Counter

import msgspec
import pytest

from collector.detect import decode_state, encode_state, initial, step
from collector.events import CheckChanged, ComponentChanged, Event, IncidentChanged, ProbeChanged, RiskChanged
from collector.inputs import ClockInput
from parallax.journal import Record
from tests.collector.detect.scenes import Scene
from tests.collector.detect.world import ACCOUNTS, AUTH, NS, PLAN, US, Lab
from tests.collector.detect.zone_world import OPERATORS, RESOLVERS, Vendor
from tests.collector.detect.zone_world import PLAN as VENDOR

pytestmark = pytest.mark.slow

REASONS = [
    "connect_timeout",
    "dns_timeout",
    "http_slow",
    "http_throttled",
    "http_forbidden",
    "tls_expired",
    "local_error",
]
FEWER = PLAN.replace('checks = ["customer"]', "checks = []").replace(f"'{NS[1]}', ", "")
STEPS = 14
LABS, VENDORS = 4, 3
CHAIN = VENDOR[VENDOR.index('[[check]]\nname = "chain"') : VENDOR.index('[[check]]\nname = "parity"')]


def _happens(lab: Lab, chance: random.Random) -> None:
    """Something breaks, is mended, or is odd."""
    probes = [probe.id for probe in lab.plan.probe]
    some = chance.sample(probes, chance.randint(1, len(probes)))
    check = chance.choice([c.name for c in lab.plan.check])
    match chance.randint(0, 11):
        case 0 | 1 | 2:
            lab.fails(chance.choice(REASONS), check=check, probes=some)
        case 3:
            lab.fails(chance.choice(REASONS), subject=chance.choice([US, "192.0.2.10", "192.0.2.53"]))
        case 4:
            lab.mute = set(some)
        case 5:
            lab.skew = {chance.choice(probes): chance.choice([-3600.0, 90.0])}
        case 6:
            lab.lookups["*", chance.choice([AUTH, ACCOUNTS])] = chance.choice(["dns_nxdomain", "dns_servfail"])
        case 7:
            lab.addresses = {**lab.addresses, AUTH: chance.choice([[US], ["203.0.113.30"], [US, "203.0.113.20"]])}
        case 8:
            lab.put_plan(chance.choice([PLAN, FEWER]))
        case 9:
            position = len(lab.records) + 1
            body = chance.randbytes(chance.randint(0, 40))
            lab.put_record(
                Record(position=position, kind=chance.choice(["batch", "clock", "x"]), body=body, at_ns=lab.now)
            )
        case 10:
            lab.put(ClockInput(at=lab.now, started=True))
        case _:
            heal(lab)


def _happens_to_vendor(world: Vendor, chance: random.Random) -> None:
    """The same, where DNS is looked at in depth."""
    probes = [probe.id for probe in world.plan.probe]
    some = chance.sample(probes, chance.randint(1, len(probes)))
    operators = sorted(OPERATORS)
    match chance.randint(0, 11):
        case 0 | 1:
            world.dark = set(chance.sample(operators, chance.randint(1, 2)))
        case 2:
            world.dark_parts = {chance.choice(["tcp", "udp", "v6", "192.0.2.11"])}
        case 3:
            world.lame = {chance.choice([*operators, "192.0.2.12"])}
        case 4:
            world.empty = {chance.choice(operators)}
        case 5:
            world.delegated = chance.choice(operators)
        case 6:
            world.mail_at = set(chance.sample(operators, 2))
        case 7:
            world.stale = set(chance.sample(sorted(RESOLVERS), 2))
            world.dead_resolvers = set(chance.sample(sorted(RESOLVERS), 1))
        case 8:
            world.serials[chance.choice(["192.0.2.11", "192.0.2.12"])] = chance.choice([3, 8, 2**31, 2**32 - 1])
        case 9:
            world.put_plan(chance.choice([VENDOR, VENDOR.replace(CHAIN, ""), VENDOR.replace('role = "fallback"', "")]))
        case 10:
            reason = chance.choice(["dns_stale", "dns_delegation_broken", "parity_unknown", "mail_dkim_missing"])
            world.fails(reason, check=chance.choice([c.name for c in world.plan.check]), probes=some)
            world.mute = {chance.choice(probes)}
        case _:
            heal(world)


def heal(world: Scene) -> None:
    del world.rules[1:]
    world.mute, world.skew = set(), {}
    world.lookups.clear()
    if isinstance(world, Vendor):
        world.heal()


def _world(seed: int) -> Scene:
    chance = random.Random(seed)
    world: Scene = Lab() if seed < LABS else Vendor()
    for _ in range(STEPS):
        world.run(chance.choice([2, 7, 15]) * (1 if seed < LABS else 3))
        if isinstance(world, Vendor):
            _happens_to_vendor(world, chance)
        elif isinstance(world, Lab):
            _happens(world, chance)
    return world


@pytest.fixture(scope="module", params=range(LABS + VENDORS))
def lab(request: pytest.FixtureRequest) -> Scene:
    return _world(request.param)


def test_all_ends_well(lab: Scene) -> None:
    heal(lab)
    lab.run(400 if isinstance(lab, Vendor) else 100)
    assert lab.incidents() == []
    assert lab.board.risks == ()
    assert {line.state for line in lab.board.components} <= {"operational", "not_measured"}
    assert {check.state for check in lab.board.checks} == {"up"}
    assert {probe.state for probe in lab.board.probes} == {"healthy"}


def test_a_restart_at_any_record_says_the_same(lab: Scene) -> None:
    straight, restarted = initial("5eed5eed5eed5eed"), initial("5eed5eed5eed5eed")
    for record in lab.records:
        straight, events = step(straight, record)
        restarted, same = step(decode_state(encode_state(restarted)), record)
        assert events == same
    assert decode_state(encode_state(straight)) == restarted
    assert encode_state(straight) == encode_state(restarted)


def test_events_tell_what_the_board_shows(lab: Scene) -> None:
    """Whoever reads only the events knows the same."""
    checks: dict[tuple[str, str, str], str] = {}
    components: dict[str, str] = {}
    probes: dict[str, str] = {}
    incidents: dict[str, str] = {}
    risks: set[str] = set()
    for event in lab.events:
        match event.data:
            case CheckChanged() as data:
                key = data.check, data.target, data.subject
                assert data.state != checks.get(key, "up"), "a turn is a turn"
                checks[key] = data.state
            case ComponentChanged() as data:
                components[data.component] = data.state
            case ProbeChanged() as data:
                assert data.state != probes.get(data.probe, "healthy")
                probes[data.probe] = data.state
            case IncidentChanged() as data:
                known = incidents.get(data.incident.id)
                after: dict[str, list[str | None]] = {
                    "opened": [None],
                    "reopened": ["monitoring", "resolved"],
                    "resolved": ["opened", "updated", "reopened", "monitoring"],
                }
                assert known in after.get(data.change, ["opened", "updated", "reopened"])
                assert data.incident.title
                incidents[data.incident.id] = data.change
            case RiskChanged() as data:
                assert (data.risk.id in risks) == (data.change != "raised")
                (risks.discard if data.change == "cleared" else risks.add)(data.risk.id)
    board = lab.board
    for check in board.checks:
        for subject in check.subjects:
            if subject.state != "unknown":
                assert checks.get((check.name, subject.target, subject.subject), "up") == subject.state
    for line in board.components:
        if line.state not in ("unknown", "not_measured"):
            assert components.get(line.name, "operational") == line.state
    for probe in board.probes:
        assert probes.get(probe.id, "healthy") == probe.state
    over = {name for name, change in incidents.items() if change in ("monitoring", "resolved")}
    assert {i.id for i in board.incidents} == set(incidents) - over
    assert {i.id for i in board.watched} == {name for name, change in incidents.items() if change == "monitoring"}
    assert {risk.id for risk in board.risks} == risks


def test_ids_are_said_once(lab: Scene) -> None:
    assert max(Counter(event.id for event in lab.events).values(), default=1) == 1
    again: list[Event] = []
    state = initial("5eed5eed5eed5eed")
    for record in lab.records:
        state, events = step(state, record)
        again += events
    assert [event.id for event in again] == [event.id for event in lab.events]


def test_the_board_changes_nothing(lab: Scene) -> None:
    before = encode_state(lab.state)
    first = lab.board
    assert lab.board == first
    assert encode_state(lab.state) == before


def test_garbage_is_survived() -> None:
    lab = Lab()
    lab.run(10)
    chance = random.Random(7)
    for record in list(lab.records[-40:]):
        for _ in range(10):
            body = bytearray(record.body)
            for _ in range(chance.randint(1, 4)):
                body[chance.randrange(len(body))] = chance.randrange(256)
            lab.put_record(
                msgspec.structs.replace(
                    record, position=len(lab.records) + 1, body=bytes(body[: chance.randint(0, 400)])
                )
            )
    lab.run(90)
    assert lab.incidents() == []
