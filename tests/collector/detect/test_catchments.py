"""Catchments: who is where, what is anycast, and what is said of changes."""

from typing import Any

import msgspec
import pytest

from collector.board import CatchmentBoard
from collector.detect import decode_state, encode_state, initial, step
from collector.detect.sites.light import KM_A_MS, distance_km
from collector.events import Noticed
from parallax.clock import NS
from parallax.observation import Observation, Phase
from tests.collector.detect.scenes import Scene

MS = 1_000_000
PLACES = {
    "fra1": (50.11, 8.68),
    "lon1": (51.51, -0.13),
    "iad1": (39.04, -77.49),
    "sjc1": (37.36, -121.93),
    "sin1": (1.35, 103.82),
    "nrt1": (35.77, 140.39),
    "bom1": (19.09, 72.87),
    "gru1": (-23.44, -46.47),
}
SITES = {"fra": (50.03, 8.57), "iad": (38.95, -77.45), "sin": (1.36, 103.99)}
HOME = {
    "fra1": "fra",
    "lon1": "fra",
    "iad1": "iad",
    "sjc1": "iad",
    "sin1": "sin",
    "nrt1": "sin",
    "bom1": "sin",
    "gru1": "iad",
}
PROBES = "".join(
    f'[[probe]]\nid = "{name}"\nasn = {64496 + number}\nlocation = [{north}, {east}]\n'
    for number, (name, (north, east)) in enumerate(PLACES.items())
)
WHERE = "".join(f'[[site]]\nname = "{name}"\nlocation = [{place[0]}, {place[1]}]\n' for name, place in SITES.items())
SERVER = "192.0.2.13:53"
REST = """
[defaults]
period = "5s"
timeout = "2s"
[[check]]
name = "name servers"
kind = "dns"
external = false
targets = ["192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16", "2001:db8::13"]
query = "auth.example"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://auth.example/"]
[[component]]
name = "Sign-in"
checks = ["api"]
risks = ["name servers"]
"""


class World(Scene):
    """Probes around the world, and where each of them is answered from, as fast as light in fibre and a bit."""

    def __init__(self, plan: str = PROBES + WHERE + REST, probes: tuple[str, ...] = tuple(PLACES)) -> None:
        super().__init__(plan)
        self.names = probes
        self.at: dict[str, str] = {probe: HOME[probe] for probe in probes}
        self.called: dict[str, str] = {}
        """What a site says of itself, where that is not its place."""
        self.subjects: tuple[str, ...] = (SERVER,)
        self.broken: set[str] = set()
        """Sites at which every other attempt fails."""
        self.extra_ms: dict[str, float] = {}
        self.number = 0

    def round(self, times: int = 1) -> None:
        for _ in range(times):
            self.number += 1
            for probe in self.names:
                self.t += 5 / len(self.names)
                self.say(probe, [self.look(probe, subject) for subject in self.subjects])

    def rtt_ns(self, probe: str) -> int:
        km = distance_km(PLACES[probe], SITES[self.at[probe]])
        return round((km / KM_A_MS + 1 + self.extra_ms.get(probe, 0)) * MS)

    def look(self, probe: str, subject: str, **more: Any) -> Observation:
        site = self.at[probe]
        target = subject.rpartition(":")[0].strip("[]")
        dims = {"server": target, "operator": f"op {target}", "transport": "udp"}
        if site in self.broken and self.number % 2:
            return self.observe(probe, "name servers", target, subject, dims=dims, reason="dns_timeout")
        changes: dict[str, Any] = {
            "site": self.called.get(site, site),
            "dims": dims,
            "phases": [Phase("query", 0, self.rtt_ns(probe))],
        }
        return self.observe(probe, "name servers", target, subject, **changes | more)

    def notices(self, *words: str) -> list[Noticed]:
        found = [event.data for event in self.events if isinstance(event.data, Noticed)]
        return [notice for notice in found if not words or notice.word in words]

    def words(self) -> list[str]:
        return [notice.word for notice in self.notices() if notice.word != "anycast_confirmed"]

    def catchment(self) -> CatchmentBoard:
        return self.board.catchments[0]


def test_the_board_shows_who_reaches_which_site() -> None:
    world = World()
    world.round(8)
    shown = world.catchment()
    assert (shown.address, shown.server, shown.operator, shown.family) == (
        "192.0.2.13",
        "192.0.2.13",
        "op 192.0.2.13",
        4,
    )
    assert shown.verdict == "anycast"
    assert [(site.name, site.probes, site.location) for site in shown.sites] == [
        ("fra", ("fra1", "lon1"), SITES["fra"]),
        ("iad", ("gru1", "iad1", "sjc1"), SITES["iad"]),
        ("sin", ("bom1", "nrt1", "sin1"), SITES["sin"]),
    ]
    assert {caught.probe: caught.site for caught in shown.caught} == HOME
    assert shown.sites[0].rtt_ns == pytest.approx((world.rtt_ns("fra1") + world.rtt_ns("lon1")) / 2, abs=1)
    assert all(caught.changes == 0 and not caught.remote for caught in shown.caught)
    assert world.words() == []


def test_several_places_are_told_by_light_alone() -> None:
    world = World()
    world.called = dict.fromkeys(SITES, "the same")
    plain = [world.observe("fra1", "name servers", "192.0.2.13", SERVER)]
    world.say("fra1", plain)
    world.round(8)
    shown = world.catchment()
    assert shown.verdict == "anycast"
    assert "which no one place can; at least 3 sites" in shown.why
    confirmed = world.notices("anycast_confirmed")
    assert len(confirmed) == 1
    assert (confirmed[0].severity, confirmed[0].target) == ("info", "192.0.2.13")
    world.round(20)
    assert len(world.notices("anycast_confirmed")) == 1


def test_one_place_is_not_called_several() -> None:
    world = World()
    world.at = dict.fromkeys(PLACES, "fra")
    world.round(8)
    shown = world.catchment()
    assert (shown.verdict, world.notices("anycast_confirmed")) == ("unicast_consistent", [])
    assert shown.why == "one place can have answered all 8 located probes; so can sites of one region"


def test_without_places_nothing_is_known() -> None:
    world = World(PROBES.replace("location", "# location") + REST)
    world.at = dict.fromkeys(PLACES, "fra")
    world.round(8)
    assert world.catchment().verdict == "unknown"


def test_four_timings_are_not_enough() -> None:
    world = World()
    world.called = dict.fromkeys(SITES, "the same")
    world.round(4)
    assert world.catchment().verdict == "unknown"
    world.round(4)
    assert world.catchment().verdict == "anycast"


def test_a_site_is_lost() -> None:
    world = World()
    world.round(8)
    world.at |= {"fra1": "iad", "lon1": "iad"}
    world.round(2)
    assert world.words() == []
    assert world.catchment().caught[1].site == "fra"
    world.round(2)
    assert world.words() == ["site_lost"]
    lost = world.notices("site_lost")[0]
    assert (lost.severity, lost.before, lost.after, lost.components) == ("warning", ("fra",), ("iad",), ("Sign-in",))
    assert lost.domain is not None
    assert (lost.domain.kind, lost.domain.name, lost.probes) == ("site", "fra", ("fra1", "lon1"))
    assert "fra1 from fra to iad (" in lost.why
    world.round(30)
    assert world.words() == ["site_lost"]
    world.at = dict(HOME)
    world.round(40)
    assert world.words() == ["site_lost", "catchment_shift"]
    back = world.notices("catchment_shift")[0]
    assert (back.title, back.severity, back.probes) == ("Site fra of 192.0.2.13 is back", "info", ("fra1", "lon1"))
    world.at |= {"fra1": "iad", "lon1": "iad"}
    world.round(10)
    assert world.words() == ["site_lost", "catchment_shift", "site_lost"]


def test_a_site_that_only_one_probe_reached_is_not_called_lost() -> None:
    world = World(probes=("fra1", "iad1", "sin1"))
    world.round(8)
    world.at["fra1"] = "iad"
    world.round(30)
    assert world.words() == []
    assert world.catchment().caught[0].changes == 1


def test_a_site_whose_probes_fell_silent_is_not_lost() -> None:
    world = World()
    world.round(8)
    world.names = tuple(probe for probe in PLACES if HOME[probe] != "fra")
    world.round(30)
    assert world.words() == []


def test_a_shift() -> None:
    world = World()
    world.round(8)
    world.at |= {"lon1": "iad", "nrt1": "iad", "bom1": "fra"}
    world.round(10)
    assert world.words() == []
    world.round(10)
    assert world.words() == ["catchment_shift"]
    shift = world.notices("catchment_shift")[0]
    assert shift.title == "3 of 8 probes reach another site of 192.0.2.13 than before"
    assert (shift.before, shift.after) == (("fra", "sin"), ("fra", "iad"))
    world.round(60)
    assert world.words() == ["catchment_shift"]
    world.at = dict(HOME)
    world.round(20)
    assert world.words() == ["catchment_shift", "catchment_shift"]


def test_two_of_eight_are_no_shift() -> None:
    world = World()
    world.round(8)
    world.at |= {"lon1": "iad", "nrt1": "iad"}
    world.round(40)
    assert world.words() == []


def test_single_answers_from_elsewhere_change_nothing() -> None:
    world = World()
    world.round(8)
    for turn in range(40):
        world.at |= {probe: "iad" if turn % 3 < 2 else HOME[probe] for probe in ("fra1", "lon1", "nrt1", "bom1")}
        world.round()
    assert world.words() == []
    assert all(caught.changes == 0 for caught in world.catchment().caught)
    shares = {caught.probe: caught.flip_share for caught in world.catchment().caught}
    assert shares == pytest.approx(
        {probe: 27 / 48 if probe in ("fra1", "lon1", "nrt1", "bom1") else 0 for probe in HOME}, abs=0.1
    )


def test_a_share_of_a_few_answers_is_none() -> None:
    world = World()
    world.round(7)
    assert {caught.flip_share for caught in world.catchment().caught} == {None}
    world.round()
    assert {caught.flip_share for caught in world.catchment().caught} == {0.0}


def test_a_site_by_another_name_is_renumbered() -> None:
    world = World()
    world.round(8)
    world.called = {"fra": "fra2"}
    world.round(5)
    assert world.words() == ["site_renumbered"]
    notice = world.notices("site_renumbered")[0]
    assert (notice.severity, notice.before, notice.after) == ("info", ("fra",), ("fra2",))
    world.round(30)
    assert world.words() == ["site_renumbered"]


def test_another_name_with_another_round_trip_is_a_loss() -> None:
    world = World()
    world.round(8)
    world.called = {"fra": "ams"}
    world.extra_ms = {"fra1": 4, "lon1": 4}
    world.round(5)
    assert world.words() == ["site_lost"]


def test_failures_at_one_site() -> None:
    world = World()
    world.round(8)
    world.broken = {"fra"}
    world.round(30)
    bad = world.notices("site_bad")
    assert len(bad) == 1
    assert bad[0].domain is not None
    assert (bad[0].domain.name, bad[0].after, bad[0].probes) == ("fra", ("fra",), ("fra1", "lon1"))
    assert "0 of" in bad[0].why
    world.broken = set()
    world.round(120)
    world.broken = {"fra"}
    world.round(30)
    assert len(world.notices("site_bad")) == 2


def test_failures_everywhere_are_no_site_s() -> None:
    world = World()
    world.round(8)
    world.broken = set(SITES)
    world.round(30)
    assert world.notices("site_bad") == []


def test_failures_of_a_lone_probe_are_no_site_s() -> None:
    world = World(probes=("fra1", "iad1", "sjc1", "sin1"))
    world.round(8)
    world.broken = {"fra"}
    world.round(40)
    assert world.notices("site_bad") == []


def test_flapping() -> None:
    world = World()
    world.round(8)
    for turn in range(9):
        world.at |= {"fra1": "fra" if turn % 2 else "iad"}
        world.round(4)
    flapping = world.notices("site_flapping")
    assert len(flapping) == 1
    assert (flapping[0].probes, flapping[0].severity) == (("fra1",), "info")
    assert flapping[0].why == "within an hour fra1 7 times"


def test_a_probe_that_is_sent_far_away() -> None:
    world = World()
    world.round(8)
    world.at["lon1"] = "sin"
    world.round(100)
    assert world.words() == []
    world.round(90)
    assert world.words() == ["remote_catchment"]
    remote = world.notices("remote_catchment")[0]
    assert (remote.severity, remote.probes, remote.before, remote.after) == ("warning", ("lon1",), ("fra",), ("sin",))
    [caught] = [caught for caught in world.catchment().caught if caught.remote]
    detour_km = distance_km(PLACES["lon1"], SITES["sin"]) - distance_km(PLACES["lon1"], SITES["fra"])
    assert (caught.probe, caught.further_km) == ("lon1", pytest.approx(detour_km, abs=0.1))
    assert caught.slower_ns == pytest.approx(detour_km / KM_A_MS * MS + MS, abs=MS)
    near = {caught.further_km for caught in world.catchment().caught if caught.probe in ("fra1", "iad1", "sin1")}
    assert near == {0.0}, "they are at the nearest"
    world.at["lon1"] = "fra"
    world.round(10)
    assert not any(caught.remote for caught in world.catchment().caught)


def test_far_but_fast_enough_is_not_remote() -> None:
    """A probe whose nearest site is far anyhow."""
    world = World()
    world.at |= {"gru1": "iad"}
    world.round(200)
    assert world.words() == []


def test_a_probe_with_a_wrong_place_is_suspected() -> None:
    plan = PROBES.replace("location = [50.11, 8.68]", "location = [-33.87, 151.21]")
    world = World(plan + WHERE + REST)
    world.at = dict.fromkeys(PLACES, "fra")
    world.subjects = ("192.0.2.13:53", "192.0.2.14:53", "192.0.2.15:53", "192.0.2.16:53")
    world.round(10)
    suspect = world.notices("probe_location_suspect")
    assert [notice.probes for notice in suspect] == [("fra1",)]
    assert suspect[0].severity == "warning"
    world.round(10)
    assert len(world.notices("probe_location_suspect")) == 1
    assert world.catchment().verdict == "unicast_consistent"


def test_a_far_probe_of_anycast_services_is_not_suspected() -> None:
    world = World(probes=("fra1", "lon1", "sin1"))
    world.subjects = ("192.0.2.13:53", "192.0.2.14:53", "192.0.2.15:53", "192.0.2.16:53")
    world.round(10)
    assert world.notices("probe_location_suspect") == []


def test_families_are_apart() -> None:
    world = World()
    world.subjects = (SERVER, "[2001:db8::13]:53")
    world.round(8)
    assert [(each.address, each.family) for each in world.board.catchments] == [("192.0.2.13", 4), ("2001:db8::13", 6)]


def test_front_ends_count_too() -> None:
    world = World()
    for _ in range(6):
        for probe in world.names:
            world.t += 0.6
            changes = {"site": HOME[probe].upper(), "phases": [Phase("connect", 0, world.rtt_ns(probe))]}
            world.say(probe, [world.observe(probe, "api", "https://auth.example/", "203.0.113.1:443", **changes)])
    shown = world.catchment()
    assert (shown.address, shown.server, shown.verdict) == ("203.0.113.1", "auth.example", "anycast")
    assert [site.name for site in shown.sites] == ["FRA", "IAD", "SIN"]


@pytest.mark.slow
def test_a_probe_that_makes_things_up_fills_nothing() -> None:
    world = World()
    world.round(8)
    for turn in range(30):
        world.t += 1
        lies = [world.look("fra1", f"198.51.{turn}.{n}:53", site=f"lie {turn} {n}") for n in range(100)]
        world.say("fra1", [world_target(lie) for lie in lies])
    assert len(world.state.catchments.catches) == 1000
    assert "dns 192.0.2.13" in world.state.catchments.catches
    for turn in range(300):
        world.t += 1.1
        world.say("fra1", [world.look("fra1", SERVER, site=f"lie {turn // 3}")])
    assert len(world.state.catchments.catches["dns 192.0.2.13"].sites) <= 64
    assert {"iad", "sin"} <= set(world.state.catchments.catches["dns 192.0.2.13"].sites)


def world_target(observation: Observation) -> Observation:
    return msgspec.structs.replace(observation, target="192.0.2.13")


def test_a_restart_anywhere_says_the_same() -> None:
    world = World()
    world.round(8)
    world.at |= {"fra1": "iad", "lon1": "iad"}
    world.round(6)
    world.broken = {"sin"}
    world.round(14)
    world.at = dict(HOME)
    world.round(20)
    assert {"site_lost", "site_bad", "catchment_shift"} & set(world.words())
    straight, restarted = initial("5eed5eed5eed5eed"), initial("5eed5eed5eed5eed")
    for record in world.records:
        straight, events = step(straight, record)
        restarted, same = step(decode_state(encode_state(restarted)), record)
        assert events == same
    assert encode_state(straight) == encode_state(restarted)
    assert decode_state(encode_state(straight)) == straight


def test_time_that_goes_back_stops_nothing() -> None:
    world = World()
    world.round(8)
    world.t -= 3600
    world.round(8)
    world.at |= {"fra1": "iad", "lon1": "iad"}
    world.round(6)
    assert world.words() == ["site_lost"]
    assert world.catchment().caught[0].since <= world.now < world.catchment().caught[0].since + 7200 * NS
