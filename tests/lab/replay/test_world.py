"""The world of a script: caches that run out, delegations that move, fronts that follow health, drawn outages."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from collector.inputs import BatchInput, decode_input
from lab.replay.breakage import broken_of, shifts_of
from lab.replay.fleet import Fleet
from lab.replay.loading import load_script
from lab.replay.observe import KINDS, observe
from lab.replay.script import ns_of
from lab.replay.seen import Run
from lab.replay.world import SYSTEM, World
from parallax import wire
from parallax.clock import NS
from parallax.journal import Record
from parallax.observation import Observation
from tests.lab.replay.scripts import fault, load, write

VECTORS = Path(__file__).parents[2] / "vectors"
ROW = """[[random]]
where = "region east"
mode = "errors"
lengths = ["20s", "40s"]
gaps = ["10s", "20s"]
until = 2026-03-01T12:03:00Z
anchors = [{ at = 2026-03-01T12:00:00Z }, { at = 2026-03-01T12:01:30Z, mode = "throttled" }]
"""


def world_of(folder: Path, more: str = "", seed: int = 0) -> tuple[World, int]:
    """And the start of its window."""
    loaded = load(folder, more)
    assert loaded.plan is not None
    return World(loaded.script, loaded.plan, seed), ns_of(loaded.script.window.start)


def seen(
    folder: Path, check: str, at_s: float = 10, more: str = "", probe: int = 0, turn: int = 0
) -> list[tuple[str, str | None]]:
    """(subject, reason) of one run, so many seconds into the window; the caches are as at its start."""
    world, start = world_of(folder, more)
    of = next(each for each in world.plan.check if each.name == check)
    for at in (start - NS, start + int(at_s * NS)):
        found = observe(Run(world, world.plan.probe[probe], of, str(of.targets[0]), at, turn))
    return [(each.subject, each.reason) for each in found]


def test_a_cache_holds_an_answer_for_its_ttl_and_not_longer(tmp_path: Path):
    world, start = world_of(tmp_path, fault("operator dns-a", "dark"))
    name = "api.idp.example"
    assert world.ask("p1", "public-1", name, start) is None  # nothing was held
    assert world.ask("p2", "public-1", name, start - 20 * NS) is not None
    held = world.ask("p2", "public-1", name, start + 39 * NS)
    assert held is not None
    assert [record.ttl for record in held.records] == [1, 1]
    assert held.addresses == ["203.0.113.10", "203.0.113.20"]
    assert world.ask("p2", "public-1", name, start + 41 * NS) is None
    assert world.ask("p2", SYSTEM, name, start + 39 * NS) is None  # another cache


def test_a_resolver_that_serves_stale_answers_goes_on(tmp_path: Path):
    stale = '[[cache]]\nresolver = "public-1"\nstale = true\n'
    world, start = world_of(tmp_path, fault("operator dns-a", "dark") + stale)
    world.ask("p1", "public-1", "api.idp.example", start - NS)
    answer = world.ask("p1", "public-1", "api.idp.example", start + 100 * NS)
    assert answer is not None
    assert answer.stale
    assert {record.ttl for record in answer.records} == {30}
    assert world.ask("p2", "public-1", "api.idp.example", start + 100 * NS) is None  # never had it


def test_a_delegation_is_followed_within_its_ttl(tmp_path: Path):
    move = '[[change]]\nat = 2026-03-01T12:01:00Z\nzone = "idp.example"\noperator = "dns-b"\n'
    world, start = world_of(tmp_path, fault("operator dns-a", "dark", end="12:30:00") + move)
    assert world.delegated("idp.example", start + 59 * NS) == "dns-a"
    assert world.delegated("idp.example", start + 60 * NS) == "dns-b"
    answers = [
        sum(
            world.ask(f"q{number}", "public-1", "api.idp.example", start + at * NS) is not None for number in range(100)
        )
        for at in (60, 360, 661)
    ]
    assert answers[0] == 0
    assert 30 < answers[1] < 70
    assert answers[2] == 100


def test_one_server_that_is_left_carries_the_zone(tmp_path: Path):
    world, start = world_of(tmp_path, fault("server ns1.dns-a.example", "dark"))
    assert world.ask("p1", "public-1", "api.idp.example", start + NS) is not None
    assert not world.is_dark("dns-a", start + NS)


def test_a_front_leaves_a_region_that_fails_and_comes_back(tmp_path: Path):
    world, start = world_of(tmp_path, fault("region east", "errors", "12:00:00", "12:01:00"))

    def serving(at: float) -> str:
        region = world.serving("203.0.113.1", start + int(at * NS))
        assert region is not None
        return region.name

    assert [serving(at) for at in (-1, 29, 31, 119, 121)] == ["east", "east", "west", "west", "east"]
    assert world.serving("203.0.113.99", start) is None


def test_a_short_or_a_weak_fault_moves_no_traffic(tmp_path: Path):
    more = fault("region east", "errors", "12:00:00", "12:00:20") + fault("region east", "slow")
    loaded = load(tmp_path, more + fault("region east", "errors", severity=0.2))
    world, _ = world_of(tmp_path, more)
    assert not shifts_of(loaded.script.front[0], world.broken)


@pytest.mark.parametrize("seed", range(12))
def test_drawn_outages_keep_to_what_is_known(seed: int, tmp_path: Path):
    world, start = world_of(tmp_path, ROW, seed)
    spans = [((each.start - start) / NS, (each.end - start) / NS, each.mode) for each in world.broken]
    assert spans[0][0] == 0
    assert (90, "throttled") in [(begins, mode) for begins, _, mode in spans]
    assert all(mode == "errors" for begins, _, mode in spans if begins != 90)
    assert spans[-1][1] <= 180
    assert all(end <= following - 9.99 for (_, end, _), (following, _, _) in pairwise(spans))
    assert all(19.99 <= end - begins <= 40.01 for begins, end, _ in spans[:-1])


def test_a_seed_draws_the_same_again_and_another_draws_others(tmp_path: Path):
    first, again, other = (world_of(tmp_path, ROW, seed)[0].broken for seed in (1, 1, 2))
    assert first == again != other


def test_what_probes_see_of_a_dark_operator(tmp_path: Path):
    dark = fault("operator dns-a", "dark")
    assert seen(tmp_path, "zone", more=dark) == [
        ("delegation", None),
        ("192.0.2.11:53", "dns_timeout"),
        ("192.0.2.11:53/tcp", "dns_timeout"),
        ("[2001:db8::11]:53", "dns_timeout"),
        ("[2001:db8::11]:53/tcp", "dns_timeout"),
        ("192.0.2.12:53", "dns_timeout"),
        ("192.0.2.12:53/tcp", "dns_timeout"),
    ]
    assert len(seen(tmp_path, "zone", turn=1)) == 4
    assert seen(tmp_path, "names", 10, dark) == [("public-1", None)]
    assert seen(tmp_path, "names", 70, dark) == [("public-1", "dns_name_down")]
    assert seen(tmp_path, "parity", more=fault("operator dns-b", "dark")) == [("dns-a -> dns-b", "parity_unknown")]
    assert seen(tmp_path, "chain", more=dark) == [("clerk.acme.example", "dns_hop_dark")]
    assert seen(tmp_path, "chain") == [("clerk.acme.example", None)]
    assert seen(tmp_path, "parity", more=dark) == [("dns-a -> dns-b", "parity_unknown")]
    assert seen(tmp_path, "parity") == [("dns-a -> dns-b", "parity_missing")]
    assert seen(tmp_path, "mail") == [
        ("public-1", None),
        ("operator dns-a", None),
        ("operator dns-b", "mail_dkim_missing"),
    ]
    assert seen(tmp_path, "api", 10, dark) == [("203.0.113.10:443", None), ("203.0.113.20:443", None)]
    assert seen(tmp_path, "api", 70, dark) == [("api.idp.example:443", "dns_servfail")]
    assert seen(tmp_path, "sign-in", 70, dark) == [("discovery", "dns_servfail")]


@pytest.mark.parametrize(
    ("mode", "http", "tls", "step"),
    [
        ("dark", "connect_timeout", "connect_timeout", "connect_timeout"),
        ("refused", "connect_refused", "connect_refused", "connect_refused"),
        ("errors", "http_server_error", None, "discovery_http"),
        ("throttled", "http_throttled", None, "http_throttled"),
    ],
)
def test_what_probes_see_of_a_region(mode: str, http: str, tls: str | None, step: str, tmp_path: Path):
    broken = fault("region east", mode)
    assert seen(tmp_path, "api", more=broken) == [("203.0.113.10:443", http), ("203.0.113.20:443", None)]
    assert seen(tmp_path, "front door", more=broken) == [("203.0.113.10:443", tls), ("203.0.113.20:443", None)]
    assert seen(tmp_path, "sign-in", more=broken) == [("discovery", step)]
    assert seen(tmp_path, "tokens", more=fault("service", mode)) == [("discovery", step)]


def test_a_probe_whose_line_is_dead_sees_nothing_answer(tmp_path: Path):
    dead = fault("probe p1", "dark")
    assert {reason for _, reason in seen(tmp_path, "zone", more=dead)} == {"dns_timeout"}
    assert {reason for _, reason in seen(tmp_path, "api", more=dead)} == {"connect_timeout"}
    assert {reason for _, reason in seen(tmp_path, "api", more=dead, probe=1)} == {None}


def observations(folder: Path, more: str = "", seed: int = 0) -> tuple[list[Record], list[Observation]]:
    """All that a script's probes send."""
    records = list(Fleet(load(folder, more), seed))
    inputs = [decode_input(record) for record in records]
    batches = [wire.decode(each.body) for each in inputs if isinstance(each, BatchInput)]
    return records, [observation for batch in batches for observation in batch.observations]


def test_records_are_as_a_collector_writes_them(tmp_path: Path):
    records, sent = observations(tmp_path, fault("operator dns-a", "dark") + "[noise]\nfailures = 0.05\n")
    assert [record.kind for record in records[:3]] == ["clock", "plan", "plan_state"]
    assert [record.position for record in records] == list(range(1, len(records) + 1))
    assert [record.at_ns for record in records] == sorted(record.at_ns for record in records)
    for probe in {each.probe for each in sent}:
        own = [each for each in sent if each.probe == probe]
        assert [each.seq for each in own] == list(range(1, len(own) + 1))
        assert len({each.stream for each in own}) == 1
    assert {each.kind for each in sent} == set(KINDS)
    assert all((each.reason is None) == (each.fault is None) for each in sent)
    runs = sorted({each.scheduled_at for each in sent if each.check == "api"})
    gaps = [(later - earlier) / NS for earlier, later in pairwise(runs)]
    assert max(gaps) < 3.1  # five probes in 15 s: each has a slot of its own


def test_a_seed_gives_the_same_bytes_again(tmp_path: Path):
    noise = "[noise]\nfailures = 0.05\n"
    first, again, other = (observations(tmp_path, noise, seed)[0] for seed in (3, 3, 4))
    assert first == again
    assert [each.body for each in first] != [each.body for each in other]


def test_observations_have_the_labels_that_real_ones_have(tmp_path: Path):
    _, sent = observations(tmp_path)
    for kind in KINDS:
        real = [msgspec.json.decode(file.read_bytes()) for file in VECTORS.glob(f"observation-{kind}-*.json")]
        labels = {label for each in real for label in each["dims"]}
        phases = {phase["name"] for each in real for phase in each["phases"]}
        own = [each for each in sent if each.kind == kind]
        assert {label for each in own for label in each.dims} <= labels | {"resolver", "region", "flow", "hop"}, kind
        assert {phase.name for each in own for phase in each.phases} <= phases | {"connect", "tls", "first_byte"}, kind


def test_a_silent_probe_sends_nothing(tmp_path: Path):
    _, sent = observations(tmp_path, fault("probe p1", "silent", "11:59:00", "12:05:00"))
    assert {each.probe for each in sent} == {"p2", "p3", "p4", "p5"}


def test_a_fleet_does_what_it_is_asked_and_no_sooner_than_it_may(tmp_path: Path):
    fleet = Fleet(load(tmp_path), 0)
    assert not fleet.ask("nobody", "api", "https://api.idp.example/health", fleet.start)
    assert not fleet.ask("p1", "api", "https://other.example/", fleet.start)
    assert not fleet.ask("p1", "api", "https://api.idp.example/health", fleet.end)
    asked = 0
    runs: list[int] = []
    for record in fleet:
        value = decode_input(record)
        if isinstance(value, BatchInput) and value.probe == "p1":
            found = [each for each in wire.decode(value.body).observations if each.check == "api"]
            runs += [each.scheduled_at for each in found if each.subject == "203.0.113.10:443"]
        if record.position % 50 == 0:
            asked += fleet.ask("p1", "api", "https://api.idp.example/health", record.at_ns)
    assert asked > 3
    grid = (fleet.end - fleet.start) / (15 * NS)
    assert len(runs) > grid + 3


def test_a_script_plays_its_own_time(tmp_path: Path):
    loaded = load_script(write(tmp_path))
    fleet = Fleet(loaded, 0)
    assert (fleet.end - fleet.start) / NS == 60 + 180 + 10
    assert broken_of(loaded.script, fleet.world.rng) == []
