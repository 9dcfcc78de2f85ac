"""Where the fault is said to be, why, and what else it may be: from the words of all probes, also of those that lie."""

import random
from typing import Any

import msgspec
import pytest

from collector.detect.incidents.domain import infer
from collector.detect.incidents.ending import end
from collector.detect.incidents.findings import Finding
from collector.detect.incidents.titles import title_of
from collector.detect.incidents.witnesses import MAX_BAD, MAX_FAR, MAX_NEAR, rows_about
from collector.detect.places import Spot, spot_of
from collector.detect.view import view_of
from collector.events import EventData, FaultDomain, IncidentChanged
from parallax.observation import Observation
from tests.collector.detect.flow_world import PLAN, Provider
from tests.collector.detect.scenes import Scene, fleet
from tests.collector.detect.world import ACCOUNTS, AUTH, EU, US, Lab

HEALTH = """
[[check]]
name = "health"
kind = "http"
external = false
targets = ["https://idp.example/health"]
serving = { header = "x-region" }
"""

OTHERS = ("region", "site", "resolver", "network", "probe")


def bad_of(scene: Scene) -> list[Spot]:
    view = view_of(scene.state.plan)
    assert view is not None
    found = (spot_of(scene.state, view, name) for name, key in scene.state.keys.items() if key.incident)
    return [spot for spot in found if spot is not None]


def found(scene: Scene) -> Finding:
    view = view_of(scene.state.plan)
    assert view is not None
    return infer(scene.state, view, bad_of(scene))


def ran(*broken: dict[str, Any], seconds: float = 20) -> Lab:
    lab = Lab()
    lab.run(30)
    for each in broken:
        lab.fails(**each)
    lab.run(seconds)
    return lab


def dark() -> list[dict[str, Any]]:
    return [{"reason": "dns_timeout", "subject": f"192.0.2.1{n}"} for n in range(4)]


def test_10_feb_2026_the_operator_is_named_while_http_through_caches_is_green() -> None:
    lab = ran(*dark())
    assert {line.state for line in lab.board.components} == {"operational"}
    opened = lab.told("incident.opened")[0]
    assert opened.at - lab.now <= -10e9, "it was named with time to spare"
    named = {str(e.data.incident.domain) for e in lab.events if isinstance(e.data, IncidentChanged)}
    assert named == {"operator dns-a"}, "no region is blamed, and nothing else either"
    finding = found(lab)
    assert finding.because == (
        "all 8 probes fail at the 4 servers of operator dns-a",
        "operator dns-b answers (8 probes)",
        "name servers ns1.dns-b.example, ns2.dns-b.example answer (8 probes)",
        "the same names resolve from caches, at resolvers 192.0.2.53, 198.51.100.53 (8 probes)",
    )
    assert finding.alternatives == ()
    assert finding.domain.certain
    assert finding.margin > 10


def test_what_is_remembered_of_it_in_the_end_is_all_of_one_moment() -> None:
    lab = ran(*dark())
    [case] = lab.state.open.values()
    case.alternatives = (FaultDomain(kind="probe", name="sin1", certain=False),)  # of the last that still fails
    case.shown = msgspec.structs.replace(case.shown, alternatives=case.alternatives)
    said: list[EventData] = []
    end(lab.state, case, said)
    assert case.shown.because[0] == "all 8 probes fail at the 4 servers of operator dns-a"
    assert case.shown.alternatives == ()


def test_6_aug_2025_the_region_is_named() -> None:
    finding = found(ran({"reason": "connect_timeout", "subject": US}))
    assert str(finding.domain) == "region us-east"
    assert finding.domain.certain
    assert finding.because[0] == f"all 8 probes fail at {US}, which is all that is seen of region us-east"
    assert finding.because[1] == "region eu-west passes (8 probes)"
    assert finding.alternatives == ()


def test_a_broken_probe_among_the_witnesses_is_explained_away() -> None:
    lab = ran({"reason": "connect_timeout", "subject": US}, {"reason": "connect_timeout", "probes": ["sin1"]})
    finding = found(lab)
    assert str(finding.domain) == "region us-east"
    assert finding.because[-1] == "probe sin1 fails as well, and is another matter"
    assert finding.because[1] == "region eu-west passes (7 probes)"


def test_a_probe_that_always_passes_acquits_nothing() -> None:
    lab = ran({"reason": "connect_timeout", "subject": US}, {"reason": None, "probes": ["sin1"]})
    lab.rule(lambda probe, *_: None if probe == "sin1" else {})
    finding = found(lab)
    assert str(finding.domain) == "region us-east"


def test_one_resolver_is_not_its_names_zone_as_another_gives_them() -> None:
    finding = found(ran({"reason": "dns_timeout", "subject": "192.0.2.53", "fault": "resolver"}))
    assert str(finding.domain) == "resolver 192.0.2.53"
    assert finding.because[:2] == (
        "all 8 probes fail at resolver 192.0.2.53",
        "resolver 198.51.100.53 answers (8 probes)",
    )
    assert {domain.kind for domain in finding.alternatives} <= {"address"}


def test_a_second_fault_beside_it_has_its_own_place() -> None:
    lab = ran(*dark(), {"reason": "connect_refused", "subject": EU})
    assert {str(incident.domain) for incident in lab.incidents()} == {"operator dns-a", "region eu-west"}


EAST = "Region us-east is down: 203.0.113.10"


@pytest.mark.parametrize(
    ("check", "reason", "title"),
    [
        ("front door", "tls_timeout", f"{EAST} does not finish the TLS handshake"),
        ("api", "http_server_error", f"{EAST} answers with server errors (5xx)"),
        ("sign-in page", "connect_refused", f"{EAST} refuses connections"),
    ],
)
def test_what_still_passes_there_by_another_check_makes_no_whole_host_of_a_region(
    check: str, reason: str, title: str
) -> None:
    lab = ran({"reason": reason, "subject": US, "check": check})
    [incident] = lab.incidents()
    assert (incident.title, str(incident.domain)) == (title, "region us-east")
    finding = found(lab)
    assert finding.domain.certain
    assert finding.because[:2] == (
        f"all 8 probes fail at {US}, which is all that is seen of region us-east",
        "region eu-west passes (8 probes)",
    )


def test_what_several_probes_see_of_one_address_is_borne_out_where_one_alone_looked_at_another() -> None:
    finding = found(ran({"reason": "connect_timeout", "subject": US}))
    assert len(finding.spots) > 1
    finding.spots[0].key.single = True
    assert "single vantage" not in title_of(finding)
    for spot in finding.spots:
        spot.key.single = True
    assert title_of(finding).endswith("single vantage: cannot tell target from network")


def test_how_much_of_it_fails_is_told_apart_from_how_many_say_so() -> None:
    lab = ran({"reason": "connect_timeout", "subject": US}, seconds=12)
    [early] = [each.evidence for each in lab.incidents()]
    assert early is not None
    assert early.extent is not None
    lab.run(40)
    [late] = [each.evidence for each in lab.incidents()]
    assert late is not None
    assert late.extent is not None
    assert (late.words, late.extent.share) == (early.words, 1.0)
    assert late.extent.low > early.extent.low, "more runs make it surer"


def test_a_host_whose_every_address_fails_in_part_is_what_fails() -> None:
    lab = Lab()
    lab.run(30)
    chance = random.Random(3)
    lab.rule(
        lambda _, check, *__: {"reason": "connect_timeout"} if check.name == "api" and chance.random() < 0.7 else {}
    )
    lab.run(60)
    finding = found(lab)
    assert str(finding.domain) == f"endpoint {AUTH}"
    assert finding.domain.certain


def test_a_host_whose_addresses_fail_in_two_regions_of_three_is_not_said_to_fail_for_certain() -> None:
    third = "203.0.113.30"
    lab = Lab()
    lab.addresses = {**lab.addresses, AUTH: [*lab.addresses[AUTH], third]}
    lab.run(30)
    for ip in (US, EU):
        lab.fails("http_server_error", subject=ip, check="api")
    lab.run(20)
    finding = found(lab)
    assert str(finding.domain) == f"endpoint {AUTH}"
    assert not finding.domain.certain
    assert finding.because[0] == f"all 8 probes fail at 2 of the 3 addresses of {AUTH}"


def test_hosts_that_fail_alike_are_all_told() -> None:
    finding = found(
        ran({"reason": "connect_refused", "check": "api"}, {"reason": "connect_refused", "check": "sign-in page"})
    )
    assert str(finding.domain) == f"endpoint {ACCOUNTS}", "all of it fails, while the other still shakes hands"
    assert finding.because[0] == f"all 8 probes fail at the 2 addresses of {ACCOUNTS}"
    assert finding.because[-1] == f"{AUTH} fails as well"
    assert finding.spots[0].host == ACCOUNTS, "the title begins with it"


class Rotating(Provider):
    """Runs of a flow choose one address of several."""

    def _measure(self, probe: str, check: Any, target: str) -> list[Observation]:
        found = super()._measure(probe, check, target)
        if check.kind != "signin":
            return found
        ip = US if sum(probe.encode()) % 2 else EU
        seen = []
        for each in found:
            hit = self.broken and (ip == US or self.everywhere)
            seen.append(
                msgspec.structs.replace(
                    each,
                    dims={**each.dims, "address": ip, "family": "4"},
                    reason="discovery_http" if hit else None,
                    fault="target" if hit else None,
                )
            )
            if hit:
                break
        return seen

    broken = everywhere = False


def test_flows_that_chose_the_region_that_fails_speak_of_it_and_the_others_acquit_their_own() -> None:
    scene = Rotating(PLAN + HEALTH)
    scene.addresses = {"idp.example": [US, EU]}
    scene.rule(lambda _, check, __, subject, ___: {"dims": {"region": "us-east" if US in subject else "eu-west"}})
    scene.minutes(3)
    assert scene.incidents() == []
    scene.broken = True
    scene.fails("http_server_error", subject=US, dims={"region": "us-east"})
    scene.minutes(3)
    [incident] = scene.incidents()
    assert incident.title == f"{EAST} answers with server errors (5xx)"
    assert "sign-in" in {affected.check for affected in incident.checks}
    assert str(incident.domain) == "region us-east"
    assert incident.domain is not None
    assert incident.domain.certain


@pytest.mark.parametrize(("both", "incidents"), [(False, 1), (True, 2)])
def test_flows_at_another_name_are_in_the_incident_of_the_region_that_alone_fails_them(
    both: bool, incidents: int
) -> None:
    scene = Rotating(PLAN + HEALTH.replace("idp.example", "api.example"))
    scene.addresses = {"idp.example": [US, EU], "api.example": [US, EU]}
    scene.rule(lambda _, check, __, subject, ___: {"dims": {"region": "us-east" if US in subject else "eu-west"}})
    scene.minutes(3)
    scene.fails("http_server_error", subject=US, dims={"region": "us-east"})
    scene.minutes(1)
    scene.broken = True
    scene.everywhere = both
    scene.minutes(3)
    found = {str(incident.domain): {each.check for each in incident.checks} for incident in scene.incidents()}
    assert len(found) == incidents
    assert found["region us-east"] == ({"health"} if both else {"health", "sign-in"})


def test_429_at_all_hosts_of_an_owner_is_one_incident_with_its_sign_in() -> None:
    scene = Provider(PLAN + HEALTH.replace("idp.example", "api.idp.example"))
    scene.addresses = {"api.idp.example": [US, EU]}
    scene.minutes(2)
    scene.fails("http_throttled", check="health", fault="blocked")
    scene.stop("discovery", "http_throttled")
    scene.minutes(2)
    [incident] = scene.incidents()
    assert {each.check for each in incident.checks} == {"health", "sign-in"}


ONE = """
[defaults]
period = "5s"
timeout = "2s"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://a.example/"]
serving = { header = "x-region" }
"""


def test_what_cannot_be_told_apart_is_said() -> None:
    """A host with one address in the one region that is known of it."""
    scene = Scene(fleet() + ONE, {"a.example": ["203.0.113.10"]})
    scene.rule(lambda *_: {"dims": {"region": "us-east"}})
    scene.run(12)
    scene.fails("connect_timeout")
    scene.run(15)
    finding = found(scene)
    assert str(finding.domain) == "endpoint a.example"
    assert not finding.domain.certain
    assert "region us-east" in [str(each) for each in finding.alternatives]


def test_refusals_of_data_centres_say_who_gets_through() -> None:
    centres = ["fra1", "lon1", "iad1", "sjc1", "sin1", "nrt1"]
    lab = ran({"reason": "http_challenge", "check": "api", "probes": centres})
    finding = found(lab)
    assert finding.because == (
        "only probes in data centres are refused",
        "2 probes on lines as users have get through",
    )


MANY = 320


@pytest.mark.slow
def test_of_very_many_subjects_a_part_is_looked_at() -> None:
    targets = ", ".join(f'"https://h{n}.example/"' for n in range(MANY))
    plan = fleet() + ONE.replace('"https://a.example/"', targets)
    scene = Scene(plan, {f"h{n}.example": ["203.0.113.10"] for n in range(MANY)})
    scene.run(8)
    scene.fails("connect_timeout")
    scene.run(15)
    view = view_of(scene.state.plan)
    assert view is not None
    bad = bad_of(scene)
    assert len(bad) == MANY
    rows = rows_about(scene.state, view, bad)
    assert 0 < sum(row.failed + row.passed for row in rows) <= 8 * (MAX_BAD + MAX_NEAR + MAX_FAR)
    finding = found(scene)
    assert str(finding.domain) == "address 203.0.113.10", "one cause, not hundreds"
    assert AUTH not in finding.because[0]
