"""What is said first of a fault: nothing narrower than what is about to be known, and soon all the same."""

from typing import Any

from collector.events import IncidentChanged, RiskChanged
from parallax.plan.types import Check
from tests.collector.detect.scenes import T0
from tests.collector.detect.test_zones import DARK
from tests.collector.detect.zone_world import PLAN, Vendor

WATCHED = PLAN.replace('risks = ["parity"]', 'risks = ["parity", "zone"]')
QUICK = WATCHED.replace('period = "15s"\ntimeout = "5s"\n[[operator]]', 'period = "5s"\ntimeout = "4s"\n[[operator]]')
NS = 1_000_000_000
BROKEN_S = 60


for kind in ("dns.zone", "dns.resolve", "dns.chain", "http"):
    QUICK = QUICK.replace(f'kind = "{kind}"\n', f'kind = "{kind}"\nexternal = false\n')


class Mixed(Vendor):
    """Only two probes have IPv6, so that what is asked over it has two voters and turns first."""

    def _servers(self, probe: str) -> list[tuple[str, dict[str, str]]]:
        found = super()._servers(probe)
        return [each for each in found if probe in ("fra1", "lon1") or ":" not in each[1]["address"]]

    def late(self, reason: str, findings: dict[str, Any]) -> dict[str, Any]:
        """No attempt that failed began before anything was broken."""
        changes = super().late(reason, findings)
        began = max(changes["started_at"], T0 + int(BROKEN_S * NS) + 1)
        return {**changes, "started_at": began, "duration_ns": self.now - began}


def world_of(plan: str, **flags: Any) -> Mixed:
    world = Mixed(plan)
    world.mail_at = {"dns-a", "dns-b"}
    world.run(BROKEN_S)
    assert world.events == []
    for name, value in flags.items():
        setattr(world, name, value)
    return world


def titles(world: Vendor) -> list[tuple[str, str, float]]:
    return [
        (e.type, e.data.incident.title if isinstance(e.data, IncidentChanged) else e.data.risk.title, (e.at - T0) / NS)
        for e in world.events
        if isinstance(e.data, IncidentChanged | RiskChanged)
    ]


def test_an_operator_that_goes_dark_is_never_called_less() -> None:
    for plan in (QUICK, WATCHED):
        world = world_of(plan, dark={"dns-a"})
        world.run(40)
        said = titles(world)
        assert {title.partition(" is dark")[0].partition(" fails: ")[0] for _, title, _ in said} == {
            "DNS operator dns-a"
        }
        raised = [(title, at) for kind, title, at in said if kind == "risk.raised"]
        assert len(raised) == 1
        assert raised[0][1] - BROKEN_S <= 20, "the hazard is named in time"
        assert world.incidents()[0].title == DARK
        assert [risk.runway is not None for risk in world.board.risks] == [True]
        last = [e.data.risk for e in world.events if isinstance(e.data, RiskChanged)][-1]
        assert (last.title, last.runway is not None) == (DARK, True), "what people were told is the whole of it"
        assert len(said) <= 5


def test_what_is_in_doubt_is_said_to_be() -> None:
    world = world_of(WATCHED, dark={"dns-a"})
    world.run(20)
    first = titles(world)[0]
    assert first[1] == "DNS operator dns-a fails: 4 of 8 name-server addresses do not answer, 4 more are in doubt"
    assert not world.incidents()[0].domain.certain  # type: ignore[union-attr]


def test_an_incident_is_on_the_board_once_it_has_a_name() -> None:
    world = world_of(WATCHED, dark={"dns-a"})
    shown = []
    for _ in range(80):
        world.run(0.25)
        linked = {subject.incident for check in world.board.checks for subject in check.subjects}
        shown.append((bool(world.incidents()), linked != {None}, bool(world.told("incident.opened"))))
        assert all(incident.title for incident in world.incidents())
    assert all(len(set(each)) == 1 for each in shown)


def test_one_name_server_is_still_called_by_its_name_at_once() -> None:
    world = world_of(QUICK, dark_parts={"192.0.2.12", "2001:db8:1::2"})
    world.run(15)
    first = titles(world)[0]
    assert first[1] == "Name server ns2.dns-a.example does not answer"
    assert first[2] - BROKEN_S <= 12


def test_ipv6_alone_is_called_so() -> None:
    world = world_of(QUICK, dark_parts={"v6"})
    world.run(15)
    assert titles(world)[0][1].startswith("DNS operator dns-a fails over IPv6: 4 of 4 ")


def test_what_was_in_doubt_and_passes_is_taken_back() -> None:
    """Two probes fail elsewhere at first; then it is one server after all."""
    world = world_of(WATCHED, dark_parts={"192.0.2.12", "2001:db8:1::2"})

    def rule(probe: str, check: Check, target: str, subject: str, t: float) -> dict[str, Any]:
        lossy = check.kind == "dns.zone" and probe in ("fra1", "lon1") and subject == "192.0.2.11:53" and t < 78
        return {"reason": "dns_timeout", "findings": {"class": "timeout"}} if lossy else {}

    world.rule(rule)
    world.run(90)
    assert world.incidents()[0].title == "Name server ns2.dns-a.example does not answer"


def test_a_risk_that_turns_out_wider_is_told() -> None:
    world = world_of(WATCHED, dark_parts={"192.0.2.12", "2001:db8:1::2"})
    world.run(60)
    world.dark = {"dns-a"}
    world.run(60)
    told = [(e.data.change, e.data.risk.title) for e in world.events if isinstance(e.data, RiskChanged)]
    assert told[0] == ("raised", "Name server ns2.dns-a.example does not answer")
    assert told[1] == ("updated", DARK)
    assert len(told) <= 4, "the others say how far caches have run out"
    assert world.board.risks[0].runway is not None


def test_an_address_that_fails_for_some_is_called_by_its_address() -> None:
    """Two of eight probes fail there, and no site is known that would explain it."""
    world = world_of(QUICK)
    world.fails("dns_timeout", check="zone", subject="192.0.2.12:53", probes=("iad1", "gru1"))
    world.run(40)
    [incident] = world.incidents()
    assert incident.title == "192.0.2.12 of ns2.dns-a.example does not answer"
    assert str(incident.domain) == "address 192.0.2.12"


def test_a_site_is_named_also_where_tcp_was_asked_there_for_the_first_time() -> None:
    world = world_of(QUICK)
    there = ("iad1", "gru1")

    def rule(probe: str, check: Check, target: str, subject: str, t: float) -> dict[str, Any]:
        if check.kind != "dns.zone" or not subject.startswith("192.0.2.12:"):
            return {}
        site = {"site": "fra" if probe in there else "sin"}
        if probe in there and t > 80:
            return {"reason": "dns_timeout", "findings": {"class": "timeout"}}
        return {**world._server(subject), **(site if not subject.endswith("/tcp") else {})}

    world.rule(rule)
    world.run(20)
    for _ in range(3):
        world.tcp_at.clear()
        world.run(20)
    [incident] = world.incidents()
    assert {affected.subject for affected in incident.checks} == {"192.0.2.12:53", "192.0.2.12:53/tcp"}
    assert incident.title == "Site fra of ns2.dns-a.example does not answer"
